"""Every PFCP message of a foreign stack decodes, re-encodes to the same octets, and says what tshark says."""

import json
import os
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from cinq.wire import pfcp

SHARED = Path(os.environ.get("CINQ_SHARED", Path(__file__).resolve().parents[4] / "shared"))
CAPTURES = sorted((SHARED / "golden").glob("*sbi-pfcp.pcap"))
pytestmark = pytest.mark.skipif(not CAPTURES, reason="no golden captures (CINQ_SHARED)")


def datagrams(capture: Path, port: int) -> list[bytes]:
    """UDP payloads to a port in a pcap of Ethernet frames with IPv4."""
    octets, at, found = capture.read_bytes(), 24, []
    assert struct.unpack_from("<I", octets, 20)[0] == 1
    while at < len(octets):
        length = struct.unpack_from("<I", octets, at + 8)[0]
        frame = octets[at + 16 : at + 16 + length]
        at += 16 + length
        if frame[12:14] != b"\x08\x00" or frame[23] != 17:
            continue
        udp = 14 + (frame[14] & 15) * 4
        if int.from_bytes(frame[udp + 2 : udp + 4], "big") == port:
            found.append(frame[udp + 8 : udp + int.from_bytes(frame[udp + 4 : udp + 6], "big")])
    return found


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.stem)
def test_round_trip(capture: Path) -> None:
    messages = datagrams(capture, pfcp.PORT)
    assert len(messages) >= 12
    for octets in messages:
        message = pfcp.decode(octets)
        assert pfcp.encode(message, sequence=message.sequence) == octets
        json.dumps(pfcp.plain(message))


def test_establishment_of_open5gs() -> None:
    octets = next(o for o in datagrams(CAPTURES[0], pfcp.PORT) if o[1] == 50)
    message = pfcp.decode(octets)
    assert isinstance(message, pfcp.SessionEstablishmentRequest)
    assert message.sequence == 3
    assert message.seid == 0
    assert message.cp_f_seid.seid == 0x890
    assert [pdr.pdr_id for pdr in message.create_pdrs] == [1, 2, 3, 4]
    assert message.create_pdrs[1].pdi.f_teid == pfcp.FTeid.choose(5, ipv4=True, ipv6=True)
    assert message.create_fars[0].apply_action.names() == ["BUFF", "NOCP"]
    assert message.create_qers[0].mbr == pfcp.BitRate(1_000_000, 1_000_000)
    assert message.user_id == pfcp.UserId(imsi="999700000000001", imei="4370816125816151")
    assert message.dnn == "internet"
    assert not message.unknown


@pytest.mark.kernel
@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_tshark_agrees() -> None:
    fields = ["pfcp.msg_type", "pfcp.seqno", "pfcp.seid", "pfcp.f_teid.teid", "pfcp.pdr_id", "pfcp.cause"]
    command = ["tshark", "-r", str(CAPTURES[0]), "-Y", "pfcp", "-T", "fields", "-E", "separator=;"]
    for field in fields:
        command += ["-e", field]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    messages = [pfcp.decode(octets) for octets in datagrams(CAPTURES[0], pfcp.PORT)]
    assert len(lines) == len(messages)
    for line, message in zip(lines, messages, strict=True):
        kind, sequence, _, teids, pdrs, cause = line.split(";")
        assert (int(kind), int(sequence)) == (message.TYPE, message.sequence)
        created = getattr(message, "created_pdrs", [])
        if created:
            assert teids.split(",") == [f"0x{pdr.f_teid.teid:08x}" for pdr in created]
            assert pdrs.split(",") == [str(pdr.pdr_id) for pdr in created]
        if cause:
            assert int(cause) == message.cause  # type: ignore[attr-defined]  # every response has one
