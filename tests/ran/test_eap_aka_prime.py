"""A UE authenticated by EAP-AKA' (TS 33.501 §6.1.3.1, TS 24.501 §5.4.1.2.2), with its faults on demand."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cinq.crypto import aka, eap_aka, kdf
from cinq.crypto.nas_security import NasSecurity
from cinq.procedure import Refused
from cinq.ran.ue import Ue
from cinq.ran.ue.faults import Fault
from cinq.wire import eap, nas
from cinq.wire.eap import EapPacket
from cinq.wire.nas import SecurityHeader

from .core import OPC, Core, CoreUe, K, Radio, settle
from .test_nas_rules import gmm, play

SNN = kdf.snn("999", "70")


class EapCore(Core):
    """Challenges by EAP-AKA'. bend: what it does to a challenge before its MAC. answers: what the UE sent."""

    def __init__(
        self,
        *,
        amf: bytes = b"\x80\0",
        network: str = SNN,
        kdfs: tuple[int, ...] = (1,),
        bend: Callable[[bytes], bytes] = bytes,
        result: bool = False,
    ) -> None:
        super().__init__()
        self.amf, self.network, self.kdfs, self.bend, self.result = amf, network, kdfs, bend, result
        self.answers: list[EapPacket] = []
        self.keys: eap_aka.SessionKeys | None = None
        self.made: aka.EapVector | None = None
        self.identifier = 0

    def challenge(self, ue: CoreUe) -> None:
        self.sqn += 32
        self.identifier += 1
        rand = self.sqn.to_bytes(16, "big")
        self.made = aka.generate_eap_vector(
            aka.functions("milenage"), K, OPC, rand, self.sqn, self.amf, self.network
        )
        assert ue.supi is not None
        self.keys = eap_aka.session_keys(self.made.ck_prime, self.made.ik_prime, ue.supi.imsi)
        packet = eap.aka_prime(
            eap.REQUEST,
            self.identifier,
            eap.CHALLENGE,
            eap.at_sixteen(eap.AT_RAND, rand),
            eap.at_sixteen(eap.AT_AUTN, self.made.autn),
            *(eap.at_kdf(number) for number in self.kdfs),
            eap.at_kdf_input(self.network),
            eap.at_no_mac(),
        )
        sealed = eap_aka.sealed(self.keys.k_aut, packet, eap.decode(packet).mac_at)
        ue.ksi = (ue.ksi + 1) % 7
        self.down(
            ue,
            nas.AuthenticationRequest(ng_ksi=nas.NgKsi(ue.ksi), abba=b"\0\0", eap_message=self.bend(sealed)),
        )

    def on_authentication_response(self, ue: CoreUe, message: nas.AuthenticationResponse) -> None:
        assert message.eap_message is not None
        assert message.res is None
        packet = eap.decode(message.eap_message)
        self.answers.append(packet)
        if packet.subtype == eap.SYNCHRONIZATION_FAILURE:
            self._resynchronise(ue, packet)
            return
        assert self.made is not None
        assert self.keys is not None
        holds = packet.mac_at and eap_aka.mac_holds(self.keys.k_aut, message.eap_message, packet.mac_at)
        if not holds or packet.res != self.made.xres:
            failed = eap.failure(self.identifier)
            self.down(ue, nas.AuthenticationReject(eap_message=failed), SecurityHeader.PLAIN)
            self.release(ue)
            return
        assert ue.supi is not None
        self.abba = b"\0\1"  # told with the success, another than in the challenge
        ue.kamf = kdf.kamf(kdf.kseaf(self.keys.kausf, SNN), ue.supi.imsi, self.abba)
        ue.security = NasSecurity.from_kamf(ue.kamf, self.integrity, self.ciphering)
        if self.result:
            done = nas.AuthenticationResult(
                ng_ksi=nas.NgKsi(ue.ksi), eap_message=eap.success(self.identifier), abba=self.abba
            )
            self.down(ue, done, SecurityHeader.PLAIN)
        self.command_security(ue)

    def _resynchronise(self, ue: CoreUe, packet: EapPacket) -> None:
        assert packet.auts is not None
        assert self.made is not None
        try:
            sqn = aka.auts_sqn(aka.functions("milenage"), K, OPC, self.made.rand, packet.auts)
        except aka.MacFailure:
            self.down(ue, nas.AuthenticationReject(), SecurityHeader.PLAIN)
            self.release(ue)
        else:
            self.sqn = sqn
            self.challenge(ue)

    def security_mode_command(self, ue: CoreUe) -> nas.SecurityModeCommand:
        command = super().security_mode_command(ue)
        if self.result:
            return command
        return command.replace(eap_message=eap.success(self.identifier), abba=self.abba)


@pytest.mark.parametrize("result", [False, True])
def test_registers_and_opens_a_session(result: bool) -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.power_on()
        assert ue.context.registered
        assert ue.sessions[1].context.state == "ACTIVE"
        assert isinstance(core, EapCore)
        assert [packet.name for packet in core.answers] == ["EAP-AKA' challenge"]

    play(scene, EapCore(result=result))


def test_the_first_known_key_derivation_function_is_asked_for() -> None:
    """RFC 9048 §3.2: an AT_KDF that is not known stands before one that is."""

    class Negotiates(EapCore):
        def on_authentication_response(self, ue: CoreUe, message: nas.AuthenticationResponse) -> None:
            packet = eap.decode(message.eap_message or b"")
            if packet.kdfs == (1,):
                self.answers.append(packet)
                self.kdfs = (1,)
                self.challenge(ue)
            else:
                super().on_authentication_response(ue, message)

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.register()
        assert isinstance(core, EapCore)
        assert [packet.kdfs for packet in core.answers] == [(1,), ()]

    play(scene, Negotiates(kdfs=(99, 1)))


def test_resynchronisation() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        ue.usim.challenge(*_vector(10_016))
        await ue.register()
        assert isinstance(core, EapCore)
        names = [packet.name for packet in core.answers]
        assert names == ["EAP-AKA' synchronization failure", "EAP-AKA' challenge"]

    play(scene, EapCore())


def _vector(sqn: int) -> tuple[bytes, bytes]:
    made = aka.generate_vector(aka.functions("milenage"), K, OPC, bytes(16), sqn, b"\x80\0", SNN)
    return made.rand, made.autn


@pytest.mark.parametrize(
    ("core", "name"),
    [
        (EapCore(network=kdf.snn("999", "71")), "EAP-AKA' authentication reject"),
        (EapCore(amf=b"\0\0"), "EAP-AKA' authentication reject"),
        (EapCore(kdfs=(2,)), "EAP-AKA' authentication reject"),
        (EapCore(bend=lambda packet: packet[:-1] + bytes((packet[-1] ^ 1,))), "EAP-AKA' client error"),
        (
            EapCore(bend=lambda packet: packet[:12] + bytes(16) + packet[28:]),
            "EAP-AKA' authentication reject",
        ),
    ],
)
def test_a_challenge_that_is_wrong(core: EapCore, name: str) -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        with pytest.raises(Refused, match="authentication rejected"):
            await ue.register()
        assert isinstance(core, EapCore)
        assert [packet.name for packet in core.answers] == [name]
        assert ue.context.barred

    play(scene, core)


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (Fault.WRONG_RES, "EAP-AKA' challenge"),
        (Fault.WRONG_AT_MAC, "EAP-AKA' challenge"),
        (Fault.MAC_FAILURE, "EAP-AKA' authentication reject"),
        (Fault.NOT_5G, "EAP-AKA' authentication reject"),
        (Fault.WRONG_KDF_INPUT, "EAP-AKA' authentication reject"),
        (Fault.CLIENT_ERROR, "EAP-AKA' client error"),
        (Fault.OTHER_KDF, "EAP-AKA' challenge"),
        (Fault.NAK, "EAP nak"),
    ],
)
def test_faults_on_demand(fault: Fault, name: str) -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        with ue.faults.shown(fault), pytest.raises(Refused):
            await ue.register()
        assert isinstance(core, EapCore)
        assert [packet.name for packet in core.answers] == [name]

    play(scene, EapCore())


def test_wrong_auts_and_a_fault_that_is_shown_once() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        assert isinstance(core, EapCore)
        with ue.faults.shown(Fault.SQN_OUT_OF_RANGE, times=1):
            await ue.register()
        assert len(core.answers) == 2
        await ue.deregister()
        ue.security.delete()
        for known in core.by_guti.values():
            known.security = None
        ue.faults.add(Fault.SQN_OUT_OF_RANGE)
        with ue.faults.shown(Fault.WRONG_AUTS), pytest.raises(Refused):
            await ue.register()

    play(scene, EapCore())


def test_octets_that_are_no_eap_request_are_passed_over() -> None:
    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        await ue.register()
        await settle()
        at_core = core.last()
        for octets in (b"\xff\xff\xff\xff", eap.success(1), eap.aka_prime(eap.RESPONSE, 1, eap.CHALLENGE)):
            core.down(
                at_core, nas.AuthenticationRequest(ng_ksi=nas.NgKsi(6), abba=b"\0\0", eap_message=octets)
            )
        await settle()
        assert len(gmm(core, nas.AuthenticationResponse)) == 1
        assert ue.context.registered

    play(scene, EapCore())


def test_ngksi_in_use_is_a_5gmm_failure() -> None:
    """§5.4.1.2.4.5: not an EAP answer, but AUTHENTICATION FAILURE with #71."""

    class Again(EapCore):
        def on_message(self, ue: CoreUe, message: nas.NasMessage) -> None:
            if isinstance(message, nas.AuthenticationFailure):
                self.challenge(ue)
            super().on_message(ue, message)

    async def scene(core: Core, radio: Radio, ue: Ue) -> None:
        with ue.faults.shown(Fault.NGKSI_IN_USE, times=1):
            await ue.register()
        failures = gmm(core, nas.AuthenticationFailure)
        assert [getattr(m, "cause", 0) for m in failures] == [nas.GmmCause.NGKSI_ALREADY_IN_USE]

    play(scene, Again())
