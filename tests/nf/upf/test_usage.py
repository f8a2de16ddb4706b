"""URRs: what is counted, when it is reported, and when a quota closes. TS 29.244 §5.2.2, §7.5.8.3."""

from __future__ import annotations

import asyncio

from cinq.userplane.model import Dropped, Outer
from cinq.wire import pfcp
from cinq.wire.pfcp import Cause, ReportingTriggers, UsageReportTrigger

from .peer import Bench
from .steps import cause, virtual
from .test_flows import down, opened, up, with_voice

SIZE = 1028  # octets of each packet
VOLTH, TIMTH, VOLQU, PERIO = (
    ReportingTriggers.VOLTH,
    ReportingTriggers.TIMTH,
    ReportingTriggers.VOLQU,
    ReportingTriggers.PERIO,
)


def metered(*urrs: pfcp.CreateUrr, voice: list[int], rest: list[int]) -> tuple[Bench, int, int]:
    request = with_voice()
    request.create_urrs = list(urrs)
    for pdr, numbers in zip(request.create_pdrs, (rest, rest, voice, voice), strict=True):
        pdr.urr_ids = numbers
    return opened(request)


def urr(number: int, triggers: int = 0, **more: object) -> pfcp.CreateUrr:
    method = pfcp.MeasurementMethod(pfcp.MeasurementMethod.VOLUM | pfcp.MeasurementMethod.DURAT)
    made = pfcp.CreateUrr(
        urr_id=number, measurement_method=method, reporting_triggers=ReportingTriggers(triggers)
    )
    for name, value in more.items():
        setattr(made, name, value)
    return made


def reports(bench: Bench) -> list[pfcp.UsageReport]:
    """What was reported so far; each is answered."""
    found: dict[tuple[int, int], list[pfcp.UsageReport]] = {}  # by UR-SEQN: unanswered ones are repeated
    for octets, peer in bench.port.sent:
        message = pfcp.decode(octets)
        if isinstance(message, pfcp.SessionReportRequest):
            assert message.report_type.value == pfcp.ReportType.USAR
            first = message.usage_reports[0]
            found[first.urr_id, first.ur_seqn] = message.usage_reports
            answer = pfcp.SessionReportResponse(cause=Cause.REQUEST_ACCEPTED)
            bench.upf.n4_received(pfcp.encode(answer, sequence=message.sequence, seid=0), peer)
    bench.port.sent.clear()
    return [report for each in found.values() for report in each]


def volume(report: object) -> tuple[int | None, int | None]:
    """Packets up and down; octets agree with them."""
    measured = getattr(report, "volume_measurement", None)
    assert isinstance(measured, pfcp.VolumeMeasurement)
    assert measured.uplink == (measured.uplink_packets or 0) * SIZE
    assert measured.downlink == (measured.downlink_packets or 0) * SIZE
    return measured.uplink_packets, measured.downlink_packets


@virtual
async def test_what_each_urr_counts_is_told_when_the_session_ends() -> None:
    bench, seid, teid = metered(urr(1), urr(2), voice=[1, 2], rest=[2])
    for port in (5000, 5001, 80):
        assert isinstance(down(bench, port), Outer)
    up(bench, teid, 80, 9)
    await asyncio.sleep(12)
    answer = bench.ask(pfcp.SessionDeletionRequest(), seid)
    assert isinstance(answer, pfcp.SessionDeletionResponse)
    told = {report.urr_id: report for report in answer.usage_reports}
    assert volume(told[1]) == (0, 2)
    assert volume(told[2]) == (1, 3)
    assert {r.usage_report_trigger.value for r in told.values()} == {UsageReportTrigger.TERMR}
    assert {r.duration_measurement for r in told.values()} == {12}
    assert len(bench.upf._meters) == 0


@virtual
async def test_a_volume_threshold_is_reported_each_time_it_is_reached() -> None:
    bench, seid, _ = metered(urr(1, VOLTH, volume_threshold=pfcp.Volume(3 * SIZE)), voice=[1], rest=[])
    for port in (5000, 80, 80, 5000):
        down(bench, port)
    await asyncio.sleep(1.5)
    assert reports(bench) == []
    down(bench, 5000)
    await asyncio.sleep(1.5)
    (first,) = reports(bench)
    assert volume(first) == (0, 3)
    assert first.usage_report_trigger.value == UsageReportTrigger.VOLTH
    for _ in range(4):
        down(bench, 5000)
    await asyncio.sleep(1.5)
    (second,) = reports(bench)
    assert (volume(second), second.ur_seqn) == ((0, 4), first.ur_seqn + 1)
    assert second.start_time == first.end_time
    assert cause(bench.ask(pfcp.SessionDeletionRequest(), seid)) == Cause.REQUEST_ACCEPTED


@virtual
async def test_time_and_periods() -> None:
    bench, _, _ = metered(
        urr(1, TIMTH, time_threshold=10), urr(2, PERIO, measurement_period=4), voice=[1], rest=[2]
    )
    await asyncio.sleep(13)
    found = [(report.urr_id, report.duration_measurement) for report in reports(bench)]
    assert found.count((2, 4)) == 3
    assert found.count((1, 10)) == 1
    assert len(found) == 4


@virtual
async def test_a_quota_that_is_used_up_closes_its_flow_until_there_is_a_new_one() -> None:
    bench, seid, _ = metered(urr(1, VOLQU, volume_quota=pfcp.Volume(2 * SIZE)), voice=[1], rest=[])
    down(bench, 5000)
    down(bench, 5000)
    await asyncio.sleep(1.5)
    (report,) = reports(bench)
    assert report.usage_report_trigger.value == UsageReportTrigger.VOLQU
    assert isinstance(down(bench, 5000), Dropped)
    assert isinstance(down(bench, 80), Outer)
    await asyncio.sleep(5)
    assert reports(bench) == [], "it is said once"
    more = pfcp.UpdateUrr(urr_id=1, volume_quota=pfcp.Volume(5 * SIZE))
    assert cause(bench.ask(pfcp.SessionModificationRequest(update_urrs=[more]), seid)) == 1
    assert isinstance(down(bench, 5000), Outer)


@virtual
async def test_nothing_is_lost_while_rules_change() -> None:
    """One PDR for all, then two, then one again: each packet is counted once, where it belonged."""
    bench, seid, _ = metered(urr(1), urr(2), voice=[1], rest=[2])
    down(bench, 5000)
    down(bench, 80)
    gone = pfcp.SessionModificationRequest(
        remove_pdrs=[pfcp.RemovePdr(pdr_id=3), pfcp.RemovePdr(pdr_id=4)],
        remove_urrs=[pfcp.RemoveUrr(urr_id=1)],
    )
    answer = bench.ask(gone, seid)
    assert isinstance(answer, pfcp.SessionModificationResponse)
    (last,) = answer.usage_reports
    assert (last.urr_id, volume(last)) == (1, (0, 1))
    assert last.usage_report_trigger.value == UsageReportTrigger.TERMR
    down(bench, 5000)
    query = pfcp.SessionModificationRequest(query_urrs=[pfcp.QueryUrr(urr_id=2)])
    answer = bench.ask(query, seid)
    assert isinstance(answer, pfcp.SessionModificationResponse)
    (asked,) = answer.usage_reports
    assert volume(asked) == (0, 2)
    assert asked.usage_report_trigger.value == UsageReportTrigger.IMMER
    query.query_urrs[0].urr_id = 9
    assert cause(bench.ask(query, seid)) == Cause.RULE_CREATION_MODIFICATION_FAILURE


@virtual
async def test_an_smf_that_began_anew_leaves_no_meter() -> None:
    bench, _, _ = metered(urr(1, PERIO, measurement_period=1), voice=[1], rest=[])
    bench.associate(recovery=2000)
    assert len(bench.upf._meters) == 0
    bench.port.sent.clear()
    await asyncio.sleep(5)
    assert bench.port.sent == []


@virtual
async def test_traffic_starts_stops_and_starts_again() -> None:
    """§5.4.3: each is said once; such a report has no times (table 7.5.8.3-1)."""
    start, stop = ReportingTriggers.START, ReportingTriggers.STOPT
    bench, _, _ = metered(urr(1, start | stop), voice=[1], rest=[])
    await asyncio.sleep(60)
    assert reports(bench) == []
    for _ in range(2):
        down(bench, 5000)
        await asyncio.sleep(5)
        (report,) = reports(bench)
        assert report.usage_report_trigger.value == UsageReportTrigger.START
        assert (report.start_time, report.end_time) == (None, None)
        await asyncio.sleep(40)
        (report,) = reports(bench)
        assert report.usage_report_trigger.value == UsageReportTrigger.STOPT
        await asyncio.sleep(60)
        assert reports(bench) == []
