"""Our gNB and UE in the place of UERANSIM: Open5GS's messages are replayed to them, and their answers are UERANSIM's.

RAND, AUTN, keys and COUNTs are those of the captures, so RES*, MACs and ciphered octets must come out the same.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path

import pytest

from cinq.numbering import Suci
from cinq.procedure import Runtime, run_virtual
from cinq.ran.gnb import Gnb, GnbSettings
from cinq.ran.ue import Ue, UeSettings
from cinq.transport.sctp import AssociationHandler
from cinq.wire import nas, ngap

from .core import Entropy, settle

N2 = struct.pack(">H", 38412)
Uplink = tuple[bool, ngap.Pdu]


def n2(capture: Path) -> list[Uplink]:
    """(uplink, message) of a capture of Ethernet and IPv4, in order."""
    octets, at, found = capture.read_bytes(), 24, []
    while at < len(octets):
        length = struct.unpack_from("<I", octets, at + 8)[0]
        frame = octets[at + 16 : at + 16 + length]
        at += 16 + length
        if frame[12:14] != b"\x08\x00" or frame[23] != 132:
            continue
        sctp = frame[14 + (frame[14] & 15) * 4 : 14 + struct.unpack_from(">H", frame, 16)[0]]
        chunk = 12
        while chunk + 4 <= len(sctp):
            kind, _, size = struct.unpack_from(">BBH", sctp, chunk)
            if kind == 0:
                found.append((sctp[2:4] == N2, ngap.decode(sctp[chunk + 16 : chunk + size])))
            chunk += (size + 3) & ~3
    return found


class Replay:
    """The association that plays the AMF's part from a capture."""

    outbound_streams = 2
    local = remote = ("", 0)

    def __init__(self, messages: list[Uplink]) -> None:
        self.messages = messages
        self.sent: list[ngap.Pdu] = []
        self.handler: AssociationHandler | None = None

    async def connect(self, handler: AssociationHandler) -> Replay:
        self.handler = handler
        return self

    def send(self, octets: bytes, *, stream: int = 0, ppid: int = 60) -> None:
        self.sent.append(ngap.decode(octets))

    async def alive(self, within: float = 2.0) -> bool:
        return True

    async def close(self, timeout: float = 2.0) -> None:  # noqa: ASYNC109  # as the Protocol has it
        return

    def abort(self, reason: str = "") -> None:
        return

    async def step(self) -> tuple[ngap.Pdu, ngap.Pdu] | None:
        """Play on to the next uplink message: what UERANSIM sent, and what we sent. None at the end."""
        while self.messages:
            uplink, message = self.messages.pop(0)
            await settle()
            if uplink:
                assert self.sent, f"we sent nothing where UERANSIM sent {message}"
                return message, self.sent.pop(0)
            assert self.handler is not None
            self.handler.message(ngap.encode(message), 0, 60)
        return None


SETTINGS = UeSettings(
    routing_indicator="0000", integrity=("NIA0", "NIA1", "NIA2", "NIA3"), imeisv="4370816125816151"
)


class Stage:
    """The UE and the replay, and who asks it to do things meanwhile."""

    def __init__(self, capture: Path, settings: UeSettings = SETTINGS) -> None:
        self.replay = Replay(n2(capture))
        self.runtime = Runtime("RAN")
        self.gnb = Gnb(GnbSettings(), self.replay.connect, self.runtime, Entropy())
        self.gnb.start()
        self.settings = settings
        self.ue: Ue

    async def up(self) -> None:
        pair = await self.replay.step()
        assert pair is not None
        theirs, ours = pair
        assert isinstance(theirs, ngap.NGSetupRequest)
        assert isinstance(ours, ngap.NGSetupRequest)
        assert ours.global_ran_node_id == theirs.global_ran_node_id
        assert ours.supported_ta_list == theirs.supported_ta_list
        assert ours.default_paging_drx == theirs.default_paging_drx
        uplink, message = self.replay.messages.pop(0)
        assert not uplink
        assert self.replay.handler is not None
        self.replay.handler.message(ngap.encode(message), 0, 60)
        await self.gnb.up()
        self.ue = Ue(self.settings, self.gnb, self.runtime, Entropy())

    def do(self, body: Callable[[], Coroutine[object, None, object]]) -> None:
        self.runtime.spawn(body, "test")

    async def nas(self) -> tuple[bytes, bytes]:
        """The next NAS messages of UERANSIM and ours; NGAP answers between them are of the same kind."""
        while True:
            pair = await self.replay.step()
            assert pair is not None
            theirs, ours = pair
            assert type(ours) is type(theirs)
            if isinstance(theirs, ngap.InitialUEMessage | ngap.UplinkNASTransport):
                assert isinstance(ours, ngap.InitialUEMessage | ngap.UplinkNASTransport)
                assert ours.ran_ue_ngap_id == theirs.ran_ue_ngap_id
                return theirs.nas_pdu, ours.nas_pdu


def deciphered(ue: Ue, octets: bytes) -> nas.NasMessage:
    envelope = nas.decode_envelope(octets)
    assert isinstance(envelope, nas.Protected)
    current = ue.security.current
    assert current is not None
    return nas.decode(current.nas.cipher(envelope.payload, 0, envelope.sequence_number))


async def registers(stage: Stage) -> None:
    """Registration, response, security mode complete, registration complete: octet for octet UERANSIM's."""
    await stage.up()
    stage.do(stage.ue.power_on)
    for _ in range(4):
        theirs, ours = await stage.nas()
        assert ours == theirs
    assert stage.ue.context.registered


async def answers(stage: Stage, kind: type[ngap.Pdu]) -> None:
    """Ours and UERANSIM's next message are of this kind."""
    pair = await stage.replay.step()
    assert pair is not None
    assert type(pair[0]) is type(pair[1]) is kind
    await settle()


async def session_comes_and_goes(stage: Stage) -> None:
    ue = stage.ue
    theirs, ours = await stage.nas()
    assert without_pco(deciphered(ue, ours)) == without_pco(deciphered(ue, theirs))
    await answers(stage, ngap.PDUSessionResourceSetupResponse)
    assert ue.context.network_name == "Open5GS"
    assert str(ue.sessions[1].context.address) == "10.45.0.2"
    assert [str(a) for a in ue.sessions[1].context.dns] == ["8.8.8.8", "8.8.4.4"]
    stage.do(lambda: ue.release_session(1))
    for _ in range(2):  # release request, release complete; the NGAP response between them
        theirs, ours = await stage.nas()
        assert deciphered(ue, ours) == deciphered(ue, theirs)
    await settle()
    assert not ue.sessions


def test_open5gs_null_scheme_nia2_nea0(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ue, "allocate_pti", lambda ue: 1)  # UERANSIM takes the lowest free one

    async def main() -> None:
        stage = Stage(shared / "golden" / "open5gs-ueransim-attach-n2n3.pcap")
        await registers(stage)
        ue = stage.ue
        await session_comes_and_goes(stage)
        stage.do(ue.establish_session)
        await stage.nas()
        await answers(stage, ngap.PDUSessionResourceSetupResponse)
        stage.do(ue.deregister)
        _, ours = await stage.nas()
        message = deciphered(ue, ours)
        assert isinstance(message, nas.DeregistrationRequestUEOriginating)
        assert message.mobile_identity == ue.context.guti
        await answers(stage, ngap.UEContextReleaseComplete)
        assert not ue.context.registered
        assert ue.is_idle

    run_virtual(main())


def without_pco(message: nas.NasMessage) -> nas.NasMessage:
    """UL NAS TRANSPORT with the session request inside, but for the configuration options and the MAC they change."""
    assert isinstance(message, nas.ULNASTransport)
    inner = nas.decode(message.payload_container)
    assert isinstance(inner, nas.PDUSessionEstablishmentRequest)
    return message.replace(payload_container=nas.encode(inner.replace(extended_pco=None)))


def test_open5gs_profile_a_nia2_nea2(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With UERANSIM's SUCI in our UE's mouth, even the ciphered SECURITY MODE COMPLETE is the same octets."""

    async def main() -> None:
        stage = Stage(shared / "golden" / "open5gs-ueransim-suci-a-nea2-n2n3.pcap", replace(SETTINGS, sqn=0))
        initial = next(m for _, m in stage.replay.messages if isinstance(m, ngap.InitialUEMessage))
        request = nas.decode(initial.nas_pdu)
        assert isinstance(request, nas.RegistrationRequest)
        identity = request.mobile_identity
        assert isinstance(identity, Suci)
        assert identity.scheme == 1
        await stage.up()
        ue = stage.ue
        monkeypatch.setattr(type(ue.usim), "conceal", lambda usim, entropy: identity)
        stage.do(ue.power_on)
        for _ in range(4):
            theirs, ours = await stage.nas()
            assert ours == theirs
        assert ue.context.registered
        assert ue.security.current is not None
        assert ue.security.current.nas.ciphering == 2
        await stage.nas()
        pair = await stage.replay.step()
        assert pair is not None
        assert isinstance(pair[1], ngap.PDUSessionResourceSetupResponse)
        await settle()
        assert str(ue.sessions[1].context.address).startswith("10.45.0.")
        await asyncio.sleep(0)

    run_virtual(main())


def test_sequence_numbers_of_the_captures_are_taken_once(shared: Path) -> None:
    """The same challenge again, after it was answered and forgotten, is a synch failure with the SQN as SQN_MS."""

    async def main() -> None:
        stage = Stage(shared / "golden" / "open5gs-ueransim-attach-n2n3.pcap")
        challenge = next(
            nas.decode(m.nas_pdu)
            for _, m in stage.replay.messages
            if isinstance(m, ngap.DownlinkNASTransport)
        )
        assert isinstance(challenge, nas.AuthenticationRequest)
        assert challenge.rand is not None
        assert challenge.autn is not None
        await stage.up()
        first = stage.ue.usim.challenge(challenge.rand, challenge.autn)
        sqn = stage.ue.usim.sqn
        assert sqn
        second = stage.ue.usim.challenge(challenge.rand, challenge.autn)
        assert type(first).__name__ == "Challenge"
        assert type(second).__name__ == "SynchFailed"

    run_virtual(main())
