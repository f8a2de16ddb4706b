"""XnAP in a trace: who speaks to whom, of which UE; tshark judges the octets that our gNBs send."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from cinq.procedure import run_virtual
from cinq.ran.gnb.roam import roam
from cinq.ran.gnb.signals import ResetXn
from cinq.trace import ladder_text, steps_of_messages
from cinq.trace.reader import Capture
from cinq.transport import frames, pcap
from cinq.wire import xnap
from tests.ran.apart import Apart
from tests.ran.core import settle
from tests.ran.test_xn_apart import xn_of

NAMES = [
    "XnSetupRequest",
    "XnSetupResponse",
    "HandoverRequest",
    "HandoverRequestAcknowledge",
    "UEContextRelease",
    "SNStatusTransfer",
    "ResetRequest",
    "ResetResponse",
]
PROCEDURES = [17, 17, 0, 0, 6, 1, 20, 20]


@pytest.fixture(scope="module")
def octets() -> bytes:
    """A capture of two gNBs: Xn Setup, a handover, a reset."""
    file = io.BytesIO()
    writer = pcap.Writer(file)
    writer.interface(pcap.ETHERNET)

    async def main() -> None:
        pair = Apart()
        await pair.up()
        assert await roam([pair.gnbs[0]]) == (1, 0)
        await settle()
        await xn_of(pair, 0).demand(ResetXn())
        for number, (source, destination, message) in enumerate(pair.lan.said, 1):
            chunk = frames.Chunk(number, 1, 0, 61, True, True, False, message)
            writer.packet(number * 10**6, frames.sctp_data(source, destination, 5, chunk))

    run_virtual(main())
    return file.getvalue()


def test_what_is_shown(octets: bytes) -> None:
    capture = Capture(io.BytesIO(octets))
    found = list(capture)
    assert [m.message for m in found] == NAMES
    assert {m.interface for m in found} == {"xn"}
    assert not any(m.fault for m in found)
    assert {m.ue for m in found[2:6]} == {"UE XnAP ID 1"}
    ladder = ladder_text(steps_of_messages(found))
    assert "Handover Request Acknowledge (10.0.0.2 ▸ 10.0.0.1)" in ladder
    assert "Xn Setup Request" in ladder
    told = json.dumps(found[2].decoded)
    assert '"key_ng_ran_star": "hidden"' in told


def test_a_message_that_is_cut_off(octets: bytes) -> None:
    file = io.BytesIO()
    writer = pcap.Writer(file)
    writer.interface(pcap.ETHERNET)
    found = next(m for m in Capture(io.BytesIO(octets)) if m.message == "HandoverRequest")
    for number, message in enumerate((found.octets[:60], b"\xff\0\0", b"\0\x07\0\3\0\0\0")):
        chunk = frames.Chunk(number, 1, 0, 61, True, True, False, message)
        writer.packet(number * 10**6, frames.sctp_data(("10.0.0.1", 1), ("10.0.0.2", 38422), 5, chunk))
    cut, broken, unknown = Capture(io.BytesIO(file.getvalue()))
    assert cut.message == "HandoverRequest"
    assert "cut off" in cut.fault
    assert broken.message == "XnAP"
    assert unknown.fault == "procedure code 7 is not known"


@pytest.mark.kernel
@pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")
def test_tshark_reads_what_our_gnbs_say(octets: bytes, tmp_path: Path) -> None:
    path = tmp_path / "xn.pcap"
    path.write_bytes(octets)
    fields = ["-T", "fields", "-e", "xnap.procedureCode", "-e", "_ws.malformed", "-e", "_ws.expert.message"]
    command = ["tshark", "-r", str(path), "-Y", "xnap", *fields]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [int(line.split("\t")[0]) for line in shown] == PROCEDURES
    assert not [line for line in shown if "alformed" in line or "rror" in line]
    detail = ["tshark", "-r", str(path), "-Y", "xnap.procedureCode == 0", "-T", "json"]
    told = subprocess.run(detail, capture_output=True, text=True, check=True).stdout
    (request,) = [m for m in Capture(io.BytesIO(octets)) if m.message == "HandoverRequest"]
    assert isinstance(request.content, xnap.HandoverRequest)
    amf_id = request.content.ue_context_info_ho_request.ng_c_ue_reference
    assert f'"xnap.ng_c_UE_reference": "{amf_id}"' in told
    assert '"ngap.' in told  # the UE's last cells are octets of NGAP
