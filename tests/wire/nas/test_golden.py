"""Every NAS message that Open5GS and UERANSIM exchange in the captures decodes, and encodes to the same octets."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from cinq.crypto import aka, kdf, suci
from cinq.crypto.nas_security import DOWNLINK, UPLINK, NasSecurity
from cinq.numbering import Suci, msin_digits
from cinq.wire import nas

K = bytes.fromhex("465B5CE8B199B49FAA5F0A2EE238A6BC")
OPC = bytes.fromhex("E8ED289DEBA952E4283B54E88E6183CA")
HOME_KEY = bytes.fromhex("10c9c67e861a5625a1db8f684123896d9b3506199d3df1968e07b6c8448bb147")
NGAP_PORT = 38412


def pdus(capture: Path) -> list[tuple[int, bytes]]:
    """(direction, NAS PDU) of a capture of Ethernet, IPv4 and SCTP, found as length and contents in the NGAP octets."""
    octets, position, found = capture.read_bytes(), 24, []
    while position < len(octets):
        length = struct.unpack_from("<I", octets, position + 8)[0]
        frame = octets[position + 16 : position + 16 + length]
        position += 16 + length
        if frame[12:14] == b"\x08\x00" and frame[23] == 132:
            sctp = 14 + (frame[14] & 15) * 4
            direction = UPLINK if frame[sctp + 2 : sctp + 4] == NGAP_PORT.to_bytes(2, "big") else DOWNLINK
            found += [(direction, pdu) for pdu in _nas(frame[sctp + 12 :])]
    return found


def _nas(ngap: bytes) -> list[bytes]:
    found, at = [], 1
    while at + 1 < len(ngap):
        end = at + ngap[at - 1]
        if ngap[at] == 0x7E and ngap[at + 1] <= 4 and ngap[at - 1] >= 3 and end <= len(ngap):
            found.append(ngap[at:end])
            at = end
        at += 1
    return found


def hold(octets: bytes) -> list[nas.NasMessage]:
    """The message and those it carries; each re-encodes to the same octets."""
    message = nas.decode(octets)
    assert nas.encode(message) == octets
    assert not message.faults
    assert not message.unknown
    json.dumps(nas.plain(message))
    found = [message]
    container = getattr(message, "nas_message_container", None) or getattr(message, "payload_container", None)
    if container:
        found += hold(container)
    return found


def test_null_ciphered(shared: Path) -> None:
    kinds: list[str] = []
    captured = pdus(shared / "golden" / "open5gs-ueransim-attach-n2n3.pcap")
    assert len(captured) == 25
    for _, pdu in captured:
        envelope = nas.decode_envelope(pdu)
        if isinstance(envelope, nas.Protected):
            assert nas.encode_envelope(envelope) == pdu
            envelope = envelope.payload
        kinds += [type(message).__name__ for message in hold(envelope)]
    assert len(kinds) == 34
    assert kinds.count("RegistrationRequest") == 4
    assert kinds.count("PDUSessionEstablishmentAccept") == 2


@pytest.fixture
def ciphered(shared: Path) -> list[tuple[int, bytes]]:
    return pdus(shared / "golden" / "open5gs-ueransim-suci-a-nea2-n2n3.pcap")


def test_ciphered(ciphered: list[tuple[int, bytes]]) -> None:
    """The keys follow from the challenge, as a trace finds them."""
    security: NasSecurity | None = None
    challenge: nas.AuthenticationRequest | None = None
    supi, kinds = "", []
    for direction, pdu in ciphered:
        envelope = nas.decode_envelope(pdu)
        if isinstance(envelope, bytes):
            messages = hold(envelope)
        else:
            if security is None:
                assert challenge is not None
                security = context(challenge, supi, envelope)
            messages = hold(security.verify(pdu, direction))
        for message in messages:
            kinds.append(type(message).__name__)
            if isinstance(message, nas.RegistrationRequest) and isinstance(message.mobile_identity, Suci):
                output = suci.deconceal(1, HOME_KEY, message.mobile_identity.output)
                supi = "99970" + msin_digits(output)
            if isinstance(message, nas.AuthenticationRequest):
                challenge = message
    assert supi.startswith("99970000000000")
    assert {
        "RegistrationAccept",
        "PDUSessionEstablishmentAccept",
        "DeregistrationRequestUEOriginating",
    } & set(kinds)
    assert len(kinds) >= len(ciphered) >= 11


def context(challenge: nas.AuthenticationRequest, supi: str, command: nas.Protected) -> NasSecurity:
    algorithms = nas.decode(command.payload)
    assert isinstance(algorithms, nas.SecurityModeCommand)
    assert challenge.rand
    assert challenge.autn
    snn = kdf.snn("999", "70")
    answer = aka.verify_autn(aka.functions("milenage"), K, OPC, challenge.rand, challenge.autn)
    kamf = kdf.kamf(kdf.kseaf(answer.kausf(snn), snn), supi, challenge.abba)
    return NasSecurity.from_kamf(kamf, algorithms.algorithms.integrity, algorithms.algorithms.ciphering)
