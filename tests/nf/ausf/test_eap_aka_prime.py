"""EAP-AKA' between AUSF and UE over the checked SBI: TS 33.501 §6.1.3.1, RFC 9048, RFC 4187."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import struct
import subprocess
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cinq.crypto import aka, eap_aka, kdf, milenage
from cinq.nf.ausf import AUSF
from cinq.nf.udm import UDM, Settings
from cinq.nf.udr import UDR, provisioning, records
from cinq.numbering import PlmnId, Supi
from cinq.procedure import RealClock
from cinq.procedure.store import MemoryStore
from cinq.sbi import Bus, Problem, checked
from cinq.sbi.services.nausf_ueauthentication import AuthenticationInfo, EapSession, NausfUEAuthentication
from cinq.wire import eap

K = bytes.fromhex("465B5CE8B199B49FAA5F0A2EE238A6BC")
OPC = bytes.fromhex("E8ED289DEBA952E4283B54E88E6183CA")
SUPI = Supi("999700000000001")
NETWORK = kdf.snn("999", "70")


@dataclass
class Phone:
    """The peer, written from the RFC: one challenge and what it can say to it."""

    packet: eap.EapPacket
    k: bytes = K

    @property
    def usim(self) -> aka.Challenge:
        assert self.packet.rand is not None
        assert self.packet.autn is not None
        return aka.verify_autn(milenage, self.k, OPC, self.packet.rand, self.packet.autn)

    @property
    def keys(self) -> eap_aka.SessionKeys:
        assert self.packet.network_name == NETWORK
        return eap_aka.session_keys(*self.usim.ck_ik_prime(NETWORK), SUPI.imsi)

    def answer(
        self, *attributes: tuple[int, bytes], subtype: int = eap.CHALLENGE, identifier: int | None = None
    ) -> bytes:
        number = self.packet.identifier if identifier is None else identifier
        return eap.aka_prime(eap.RESPONSE, number, subtype, *attributes)

    def sealed(self, *attributes: tuple[int, bytes], k_aut: bytes | None = None) -> bytes:
        packet = self.answer(*attributes, eap.at_no_mac())
        return eap_aka.sealed(k_aut or self.keys.k_aut, packet, eap.decode(packet).mac_at)

    def right(self) -> bytes:
        return self.sealed(eap.at_res(self.usim.res))

    def lost(self, sqn: int) -> bytes:
        assert self.packet.rand is not None
        auts = aka.auts(milenage, K, OPC, self.packet.rand, sqn)
        return self.answer((eap.AT_AUTS, auts), eap.at_kdf(1), subtype=eap.SYNCHRONIZATION_FAILURE)


class World:
    def __init__(self) -> None:
        counter = itertools.count(1)
        entropy: Callable[[int], bytes] = lambda n: next(counter).to_bytes(n, "big")  # noqa: E731
        self.store = MemoryStore()
        bus = Bus(checked)
        for nf in (
            UDR(self.store, "udr"),
            UDM(Settings(PlmnId("999", "70")), bus, entropy, "udm"),
            AUSF(bus, RealClock(), entropy, "ausf"),
        ):
            for service, implementation in nf.services():
                bus.serve(service, implementation, nf.instance_id)
        provisioning.put(self.store, provisioning.Subscriber(SUPI, K, OPC, auth_method="EAP_AKA_PRIME"))
        self.ausf = bus.client(NausfUEAuthentication, "AMF")

    async def start(self) -> tuple[str, Phone]:
        created = await self.ausf.authenticate(
            AuthenticationInfo(supi_or_suci=str(SUPI), serving_network_name=NETWORK)
        )
        assert created.body.auth_type == "EAP_AKA_PRIME"
        assert list(created.body.links) == ["eap-session"]
        assert isinstance(created.body.auth_data_5g, bytes)
        return created.id, Phone(eap.decode(created.body.auth_data_5g))

    async def say(self, identifier: str, octets: bytes | None) -> EapSession:
        return await self.ausf.eap_session(identifier, EapSession(eap_payload=octets))


def scene(run: Callable[[World], Coroutine[None, None, None]]) -> None:
    asyncio.run(run(World()))


def test_a_subscriber_is_authenticated() -> None:
    async def run(world: World) -> None:
        identifier, phone = await world.start()
        challenge = phone.packet
        assert (challenge.name, challenge.code, challenge.kdfs) == ("EAP-AKA' challenge", eap.REQUEST, (1,))
        answer = await world.say(identifier, phone.right())
        assert answer.eap_payload == bytes((eap.SUCCESS, challenge.identifier, 0, 4))
        assert (answer.auth_result, answer.supi) == ("AUTHENTICATION_SUCCESS", str(SUPI))
        assert answer.kseaf == kdf.kseaf(phone.keys.emsk[:32], NETWORK).hex()
        status = records.AUTHENTICATION_STATUS.read(world.store, str(SUPI))
        assert status is not None
        assert (status.success, status.auth_type) == (True, "EAP_AKA_PRIME")
        with pytest.raises(Problem, match="CONTEXT_NOT_FOUND"):
            await world.say(identifier, phone.right())

    scene(run)


def test_the_challenge_bears_a_mac() -> None:
    async def run(world: World) -> None:
        created = await world.ausf.authenticate(
            AuthenticationInfo(supi_or_suci=str(SUPI), serving_network_name=NETWORK)
        )
        octets = created.body.auth_data_5g
        assert isinstance(octets, bytes)
        phone = Phone(eap.decode(octets))
        assert eap_aka.mac_holds(phone.keys.k_aut, octets, phone.packet.mac_at)
        assert not eap_aka.mac_holds(phone.keys.k_encr, octets, phone.packet.mac_at)

    scene(run)


FAULTY: dict[str, Callable[[Phone], bytes]] = {
    "another key": lambda p: p.sealed(eap.at_res(p.usim.res), k_aut=bytes(32)),
    "another RES": lambda p: p.sealed(eap.at_res(bytes(8))),
    "RES cut short": lambda p: p.sealed(eap.at_res(p.usim.res[:4])),
    "no RES": lambda p: p.sealed(),
    "no MAC": lambda p: p.answer(eap.at_res(p.usim.res)),
    "nothing": lambda p: p.answer(),
    "MAC of another packet": lambda p: p.right()[:-16] + bytes(16),
    "an attribute nobody may pass over": lambda p: p.sealed(eap.at_res(p.usim.res), (99, bytes(2))),
    "another key derivation function": lambda p: p.answer(eap.at_kdf(2)),
    "the same key derivation function": lambda p: p.answer(eap.at_kdf(1)),
    "an identity exchange that was none": lambda p: p.sealed(
        eap.at_res(p.usim.res), (eap.AT_CHECKCODE, bytes(34))
    ),
    "identity": lambda p: p.answer((14, b"\0\3abc"), subtype=eap.AKA_IDENTITY),
    "reauthentication": lambda p: p.answer(subtype=eap.REAUTHENTICATION),
    "notification": lambda p: p.answer(subtype=eap.NOTIFICATION),
    "an unknown subtype": lambda p: p.answer(subtype=99),
    "EAP-AKA": lambda p: p.right()[:4] + b"\x17" + p.right()[5:],
    "EAP-TLS": lambda p: bytes((2, p.packet.identifier, 0, 6, 13, 0)),
    "AUTS of nobody": lambda p: p.answer((eap.AT_AUTS, bytes(14)), subtype=eap.SYNCHRONIZATION_FAILURE),
    "no AUTS": lambda p: p.answer(subtype=eap.SYNCHRONIZATION_FAILURE),
    "AUTS cut short": lambda p: p.answer((eap.AT_AUTS, bytes(6)), subtype=eap.SYNCHRONIZATION_FAILURE),
    "AUTS with another list": lambda p: p.answer(
        (eap.AT_AUTS, bytes(14)), eap.at_kdf(2), subtype=eap.SYNCHRONIZATION_FAILURE
    ),
}


@pytest.mark.parametrize("name", FAULTY)
def test_a_fault_is_notified_and_then_fails(name: str) -> None:
    """RFC 4187 §6.3.2: AKA'-Notification 'general failure' first, EAP-Failure after its answer, whatever that is."""

    async def run(world: World) -> None:
        identifier, phone = await world.start()
        told = await world.say(identifier, FAULTY[name](phone))
        assert (told.auth_result, told.kseaf, told.supi) == ("AUTHENTICATION_ONGOING", None, None)
        notice = eap.decode(told.eap_payload or b"")
        assert (notice.code, notice.subtype, notice.notification) == (eap.REQUEST, eap.NOTIFICATION, 16384)
        assert notice.identifier == (phone.packet.identifier + 1) % 256
        with pytest.raises(Problem, match="MANDATORY_IE_INCORRECT"):
            await world.say(identifier, phone.right())  # too late: it answers the challenge
        end = await world.say(identifier, Phone(notice).answer(subtype=eap.NOTIFICATION))
        assert end.eap_payload == bytes((eap.FAILURE, notice.identifier, 0, 4))
        assert (end.auth_result, end.kseaf) == ("AUTHENTICATION_FAILURE", None)
        assert str(SUPI) in end.reason or "AUTS" in end.reason
        status = records.AUTHENTICATION_STATUS.read(world.store, str(SUPI))
        assert status is not None
        assert not status.success

    scene(run)


ENDED: dict[str, Callable[[Phone], bytes]] = {
    "authentication reject": lambda p: p.answer(subtype=eap.AUTHENTICATION_REJECT),
    "client error": lambda p: p.answer(eap.at_number(eap.AT_CLIENT_ERROR_CODE, 0), subtype=eap.CLIENT_ERROR),
    "client error without a code": lambda p: p.answer(subtype=eap.CLIENT_ERROR),
    "nak": lambda p: bytes((2, p.packet.identifier, 0, 6, 3, 0)),
}


@pytest.mark.parametrize("name", ENDED)
def test_the_ue_ends_it(name: str) -> None:
    async def run(world: World) -> None:
        identifier, phone = await world.start()
        end = await world.say(identifier, ENDED[name](phone))
        assert end.eap_payload == bytes((eap.FAILURE, phone.packet.identifier, 0, 4))
        assert end.auth_result == "AUTHENTICATION_FAILURE"
        assert str(SUPI) in end.reason
        with pytest.raises(Problem, match="CONTEXT_NOT_FOUND"):
            await world.say(identifier, phone.right())

    scene(run)


FOREIGN: dict[str, Callable[[Phone], bytes | None]] = {
    "nothing": lambda p: None,
    "no EAP": lambda p: b"\xff" * 8,
    "cut short": lambda p: p.right()[:-1],
    "another identifier": lambda p: p.answer(identifier=(p.packet.identifier + 1) % 256),
    "a request": lambda p: eap.aka_prime(eap.REQUEST, p.packet.identifier, eap.CHALLENGE),
    "success": lambda p: eap.success(p.packet.identifier),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_what_answers_nothing_is_discarded(name: str) -> None:
    """RFC 3748 §4.1: the exchange stands, and the right answer still counts."""

    async def run(world: World) -> None:
        identifier, phone = await world.start()
        with pytest.raises(Problem, match="MANDATORY_IE_INCORRECT"):
            await world.say(identifier, FOREIGN[name](phone))
        answer = await world.say(identifier, phone.right() + b"padding")
        assert answer.auth_result == "AUTHENTICATION_SUCCESS"

    scene(run)


def test_resynchronisation_once() -> None:
    async def run(world: World) -> None:
        identifier, phone = await world.start()
        anew = await world.say(identifier, phone.lost(5000 << 5))
        assert anew.auth_result == "AUTHENTICATION_ONGOING"
        assert list(anew.links or {}) == ["eap-session"]
        second = Phone(eap.decode(anew.eap_payload or b""))
        assert (second.packet.subtype, second.usim.sqn >> 5) == (eap.CHALLENGE, 5001)
        assert second.packet.rand != phone.packet.rand
        answer = await world.say(identifier, second.right())
        assert answer.auth_result == "AUTHENTICATION_SUCCESS"

        identifier, phone = await world.start()
        anew = await world.say(identifier, phone.lost(6000 << 5))
        again = Phone(eap.decode(anew.eap_payload or b""))
        told = await world.say(identifier, again.lost(7000 << 5))
        assert eap.decode(told.eap_payload or b"").subtype == eap.NOTIFICATION

    scene(run)


def test_exchanges_of_one_subscriber_stand_side_by_side() -> None:
    async def run(world: World) -> None:
        honest, phone = await world.start()
        strangers = [await world.start() for _ in range(20)]
        for identifier, stranger in strangers[::2]:
            await world.say(identifier, stranger.answer(subtype=eap.AUTHENTICATION_REJECT))
        answer = await world.say(honest, phone.right())
        assert answer.auth_result == "AUTHENTICATION_SUCCESS"
        identifier, stranger = strangers[1]
        with pytest.raises(Problem, match="MANDATORY_IE_INCORRECT"):
            await world.say(identifier, phone.right())  # another's answer
        assert len({i for i, _ in strangers} | {honest}) == 21

    scene(run)


def test_the_method_is_the_subscribers() -> None:
    async def run(world: World) -> None:
        identifier, phone = await world.start()
        provisioning.put(world.store, provisioning.Subscriber(SUPI, K, OPC))
        created = await world.ausf.authenticate(
            AuthenticationInfo(supi_or_suci=str(SUPI), serving_network_name=NETWORK)
        )
        assert created.body.auth_type == "5G_AKA"
        with pytest.raises(Problem, match="CONTEXT_NOT_FOUND"):
            await world.say(created.id, phone.right())  # the other method's context is none of this one's
        told = await world.say(identifier, phone.lost(9 << 5))
        assert eap.decode(told.eap_payload or b"").subtype == eap.NOTIFICATION

    scene(run)


@given(st.binary(max_size=80), st.integers(0, 255), st.booleans())
def test_any_octets_of_a_ue(content: bytes, subtype: int, padded: bool) -> None:
    async def run(world: World) -> None:
        identifier, phone = await world.start()
        head = bytes((2, phone.packet.identifier)) + (8 + len(content)).to_bytes(2, "big")
        octets = head + bytes((50, subtype, 0, 0)) + content if padded else content
        foreign: list[int] = []
        try:
            answer = await world.say(identifier, octets)
        except Problem as problem:
            foreign.append(problem.status)
        else:
            assert answer.auth_result != "AUTHENTICATION_SUCCESS"
            assert answer.kseaf is None
        assert foreign in ([], [400])

    scene(run)


def test_keys_are_not_shown() -> None:
    session = EapSession(eap_payload=b"", kseaf="ab" * 32)
    assert "abab" not in repr(session)
    assert b'"kSeaf"' in msgspec.json.encode(session)


def test_tshark_reads_the_challenge(tmp_path: Path) -> None:
    """The attributes as another program sees them, in an EAPOL frame."""
    tshark = shutil.which("tshark")
    if tshark is None:
        pytest.skip("tshark is not installed: apt-get install tshark")
    asked: list[bytes] = []

    async def run(world: World) -> None:
        created = await world.ausf.authenticate(
            AuthenticationInfo(supi_or_suci=str(SUPI), serving_network_name=NETWORK)
        )
        assert isinstance(created.body.auth_data_5g, bytes)
        asked.append(created.body.auth_data_5g)

    scene(run)
    packet = asked[0]
    frame = bytes(12) + b"\x88\x8e\2\0" + len(packet).to_bytes(2, "big") + packet
    file = tmp_path / "eap.pcap"
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    file.write_bytes(head + struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)
    fields = ("eap.type", "eap.aka.subtype.type", "eap.aka.subtype.value")
    shown = subprocess.run(
        [tshark, "-r", str(file), "-T", "fields", *(word for name in fields for word in ("-e", name))],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    method, types, values = shown.rstrip("\n").split("\t")
    decoded = eap.decode(packet)
    assert (method, types.split(",")) == ("50", ["1", "2", "24", "23", "11"])
    assert [value.replace(":", "") for value in values.split(",")] == [
        decoded.attributes[int(number)].hex() for number in types.split(",")
    ]
