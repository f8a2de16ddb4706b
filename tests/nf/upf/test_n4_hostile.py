"""N4: octets that lie, come late or were changed on the way (DEV-070, DEV-074, DEV-075)."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.procedure import run_virtual
from cinq.wire import pfcp
from cinq.wire.pfcp import Cause

from .peer import SMF, Bench, establishment, forward
from .steps import UE2, cause, downlink, forwards, virtual


@pytest.mark.parametrize("body", ["", "0100", "0100000000ff", "01000000000f0a03", "02000000000f0a030002"])
@virtual
async def test_dev_070_outer_header_creation_cut_short(body: str) -> None:
    bench = Bench(SMF)
    bench.associate()
    seid, _ = bench.session()
    octets = pfcp.encode(pfcp.SessionModificationRequest(update_fars=[forward()]), sequence=500, seid=seid)
    whole = struct.pack("!HH", 84, 10) + bytes.fromhex("0100000020010a030002")
    assert whole in octets
    cut = struct.pack("!HH", 84, len(body) // 2) + bytes.fromhex(body)
    short = len(whole) - len(cut)
    wrong = bytearray(octets.replace(whole, cut))
    for kind in (10, 11):  # Update FAR and its Update Forwarding Parameters
        at = wrong.index(struct.pack("!H", kind), 16)
        struct.pack_into("!H", wrong, at + 2, struct.unpack_from("!H", wrong, at + 2)[0] - short)
    struct.pack_into("!H", wrong, 2, len(wrong) - 4)
    assert cause(bench.send(bytes(wrong))) == Cause.INVALID_LENGTH
    assert isinstance(downlink(bench), object)
    assert not bench.plane.sent


@virtual
async def test_dev_074_lengths_that_lie_are_met_with_silence() -> None:
    bench = Bench(SMF)
    bench.associate()
    octets = pfcp.encode(establishment(), sequence=5, seid=0)
    for wrong in (octets[:-1], octets + b"\0", octets[: len(octets) // 2], octets[:7], b""):
        assert bench.send(wrong) is None
    assert len(bench.upf) == 0
    other = bench.send(b"\x40" + octets[1:])
    assert isinstance(other, pfcp.VersionNotSupportedResponse)


@virtual
async def test_dev_075_answers_that_nobody_waits_for_are_ignored() -> None:
    bench = Bench(SMF)
    bench.associate()
    seid, _ = bench.session()
    bench.ask(pfcp.SessionDeletionRequest(), seid)
    late = pfcp.SessionReportResponse(cause=Cause.REQUEST_ACCEPTED)
    assert bench.send(pfcp.encode(late, sequence=1, seid=seid)) is None


@virtual
async def test_what_is_not_offered_says_so() -> None:
    bench = Bench(SMF)
    bench.associate()
    assert cause(bench.ask(pfcp.PfdManagementRequest())) == Cause.SERVICE_NOT_SUPPORTED


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_no_datagram_harms(data: st.DataObject) -> None:
    """Mutations of good requests: an answer or silence, and the session of another UE still forwards."""

    async def main() -> None:
        bench = Bench(SMF)
        bench.associate()
        seid, teid = bench.session(UE2, 5)
        good = [
            pfcp.encode(establishment(), sequence=1000, seid=0),
            pfcp.encode(
                pfcp.SessionModificationRequest(update_fars=[forward()]), sequence=1001, seid=seid + 1
            ),
        ]
        octets = bytearray(data.draw(st.sampled_from(good)))
        for _ in range(data.draw(st.integers(1, 4))):
            octets[data.draw(st.integers(16, len(octets) - 1))] = data.draw(st.integers(0, 255))
        bench.upf.n4_received(bytes(octets), SMF)
        bench.upf.n4_received(data.draw(st.binary(max_size=60)), SMF)
        assert forwards(bench, teid, UE2)

    run_virtual(main())
