"""Signalling on N3: TS 29.281 §7, and that answers are bounded."""

from __future__ import annotations

from cinq.procedure import run_virtual
from cinq.wire import gtpu, pfcp

from .peer import GNB, N3, SMF, Bench, forward

PEER = (str(GNB), 2152)


def test_echo_and_its_bound() -> None:
    """DEV-089."""

    async def main() -> None:
        bench = Bench(SMF)
        bench.upf.gtpu_received(gtpu.encode(gtpu.EchoRequest(sequence=7)), ("10.3.0.2", 4000))
        octets, to = bench.plane.sent[0]
        assert to == ("10.3.0.2", 4000)
        answer = gtpu.decode(octets)
        assert isinstance(answer, gtpu.EchoResponse)
        assert answer.sequence == 7
        for _ in range(500):
            bench.upf.gtpu_received(gtpu.encode(gtpu.EchoRequest(sequence=8)), PEER)
        assert len(bench.plane.sent) == 50

    run_virtual(main())


def test_unknown_teid_is_answered_with_error_indication() -> None:
    """DEV-082. It goes to port 2152, whatever port the packet came from."""

    async def main() -> None:
        bench = Bench(SMF)
        bench.upf.gtpu_received(gtpu.encode(gtpu.GPdu(teid=0x1234, payload=b"x")), ("10.3.0.2", 4000))
        octets, to = bench.plane.sent[0]
        answer = gtpu.decode(octets)
        assert isinstance(answer, gtpu.ErrorIndication)
        assert (answer.tunnel, answer.peer, to) == (0x1234, N3, PEER)

    run_virtual(main())


def test_error_indication_of_the_gnb_is_reported() -> None:
    async def main() -> None:
        bench = Bench(SMF)
        bench.associate()
        seid, _ = bench.session()
        bench.ask(pfcp.SessionModificationRequest(update_fars=[forward()]), seid)
        before = len(bench.port.sent)
        indication = gtpu.encode(gtpu.ErrorIndication(tunnel=0x2001, peer=GNB, sequence=0))
        bench.upf.gtpu_received(indication, ("10.3.0.99", 2152))
        assert len(bench.port.sent) == before  # only the end itself may say so
        bench.upf.gtpu_received(indication, PEER)
        report = pfcp.decode(bench.port.sent[-1][0])
        assert isinstance(report, pfcp.SessionReportRequest)
        assert report.error_indication_report is not None
        assert report.error_indication_report.remote_f_teids == [pfcp.FTeid(0x2001, GNB)]
        reported = len(bench.port.sent)
        for _ in range(1000):
            bench.upf.gtpu_received(indication, PEER)
        assert len(bench.port.sent) == reported, "a thousand are one report"
        bench.ask(pfcp.SessionModificationRequest(update_fars=[forward()]), seid)
        reported = len(bench.port.sent)
        bench.upf.gtpu_received(indication, PEER)
        assert len(bench.port.sent) == reported + 1, "the session was changed since"
        wait = pfcp.ApplyAction(pfcp.ApplyAction.BUFF | pfcp.ApplyAction.NOCP)
        bench.ask(
            pfcp.SessionModificationRequest(update_fars=[pfcp.UpdateFar(far_id=2, apply_action=wait)]), seid
        )
        reported = len(bench.port.sent)
        bench.upf.gtpu_received(indication, PEER)
        assert len(bench.port.sent) == reported, "no packet goes there any more"
        await bench.upf.stop()

    run_virtual(main())


def test_extension_header_that_must_be_understood() -> None:
    async def main() -> None:
        bench = Bench(SMF)
        bench.associate()
        _, teid = bench.session()
        header = gtpu.ExtensionHeader(0x84, b"\0\0")
        bench.upf.gtpu_received(gtpu.encode(gtpu.GPdu(teid=teid, extensions=(header,), payload=b"x")), PEER)
        answer = gtpu.decode(bench.plane.sent[0][0])
        assert isinstance(answer, gtpu.SupportedExtensionHeadersNotification)
        assert answer.supported == (0x85,)

    run_virtual(main())


def test_malformed_and_unknown_are_met_with_silence() -> None:
    async def main() -> None:
        bench = Bench(SMF)
        for octets in (b"", b"\x30", bytes(20), b"\x30\x50\0\0\0\0\0\0", b"\x50\x01\0\0\0\0\0\0"):
            bench.upf.gtpu_received(octets, PEER)
        bench.upf.gtpu_received(gtpu.encode(gtpu.EndMarker(teid=1)), PEER)
        assert not bench.plane.sent

    run_virtual(main())
