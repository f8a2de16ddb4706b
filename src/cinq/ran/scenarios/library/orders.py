"""What an operator wants to know of one UE, and has the core ask its gNB: TS 38.413 §8.11, §8.12, §8.14.2, §8.3.

How the core is made to do it is the target's: a knob for each.
"""

from __future__ import annotations

from cinq.ran.scenarios import check
from cinq.ran.scenarios.bench import Bench
from cinq.ran.scenarios.library.mobility import attached, is_served, moves
from cinq.ran.scenarios.scenario import scenario
from cinq.ran.scenarios.target import Knob
from cinq.ran.ue import Ue
from cinq.wire import ngap

TRACE_ID = 8  # octets of NG-RAN Trace ID, §9.3.1.14


async def ordered(bench: Bench, knob: Knob, ue: Ue) -> None:
    """The operator's order about this UE."""
    await bench.settled()
    imsi = ue.settings.supi.imsi
    await bench.turn(knob, supi=f"imsi-{imsi}", imsi=imsi)


@scenario("services", needs=("locate",))
async def location_is_asked_for(bench: Bench) -> None:
    """The gNB of a connected UE is asked for its location, and reports it (TS 38.413 §8.12.1.2, §8.12.3.2)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    await ordered(bench, "locate", ue)
    control = await bench.hears(ngap.LocationReportingControl, gnb)
    wanted = control.location_reporting_request_type
    check.that(wanted.event_type in ("direct", "change-of-serve-cell"), "a report is due at once")
    check.equal(wanted.report_area, "cell", "the area of the report")
    report = check.first(bench.said(ngap.LocationReport), "a LOCATION REPORT")
    check.equal(report.location_reporting_request_type, wanted, "what the report answers")
    await bench.quiet_of(ngap.ErrorIndication, gnb)
    await is_served(bench, ue)


@scenario("services", needs=("locate",))
async def location_of_an_idle_ue(bench: Bench) -> None:
    """An idle UE is paged for it: the report says where it answers (TS 23.502 §4.10, §4.2.3.3, TS 38.413 §8.12.1)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    await bench.released(ue)
    await ordered(bench, "locate", ue)
    await bench.hears(ngap.Paging, gnb)
    await bench.hears(ngap.LocationReportingControl, gnb)
    check.first(bench.said(ngap.LocationReport), "a LOCATION REPORT")
    check.that(ue.link.connected, "the UE is connected")


@scenario("services", needs=("trace", "trace_stop"))
async def trace_begins_and_ends(bench: Bench) -> None:
    """A trace of a UE is started in its gNB, and ended by the same trace reference (TS 38.413 §8.11.1, §8.11.3)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    await ordered(bench, "trace", ue)
    activation = (await bench.hears(ngap.TraceStart, gnb)).trace_activation
    check.equal(len(activation.ngran_trace_id), TRACE_ID, "octets of the trace reference")
    traced = [one.ngran_trace_id for one in bench.context(ue, gnb).context.traces]
    check.equal(traced, [activation.ngran_trace_id], "what the gNB traces")
    await ordered(bench, "trace_stop", ue)
    stop = await bench.hears(ngap.DeactivateTrace, gnb)
    check.equal(stop.ngran_trace_id, activation.ngran_trace_id, "the trace that ends")
    check.equal(bench.context(ue, gnb).context.traces, (), "what the gNB traces")
    await bench.quiet_of(ngap.ErrorIndication, gnb)
    await is_served(bench, ue)


@scenario("services", needs=("trace", "trace_stop"))
async def trace_follows_the_ue(bench: Bench) -> None:
    """The target of an N2 handover hears of the trace with the UE's context (TS 38.413 §8.4.2.2, TS 32.422 §4.1.2)."""
    source, target = await bench.gnb(), await bench.gnb()
    ue = await attached(bench, source)
    await ordered(bench, "trace", ue)
    activation = (await bench.hears(ngap.TraceStart, source)).trace_activation
    await moves(bench, ue, target, "n2")
    request = await bench.hears(ngap.HandoverRequest, target)
    there = check.present(request.trace_activation, "the trace activation")
    check.equal(there.ngran_trace_id[:6], activation.ngran_trace_id[:6], "the trace reference")
    await ordered(bench, "trace_stop", ue)
    await bench.hears(ngap.DeactivateTrace, target)


@scenario("services", needs=("radio_check",))
async def radio_capability_is_checked(bench: Bench) -> None:
    """The gNB is asked whether the UE's radio suits IMS voice, and answers (TS 38.413 §8.14.2, TS 23.502 §4.2.8a)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    await ordered(bench, "radio_check", ue)
    request = await bench.hears(ngap.UERadioCapabilityCheckRequest, gnb)
    check.equal(request.ran_ue_ngap_id, bench.ran_ue_ngap_id(ue, gnb), "the UE that is asked about")
    check.first(bench.said(ngap.UERadioCapabilityCheckResponse), "an answer of the gNB")
    await bench.quiet_of(ngap.ErrorIndication, gnb)
    await is_served(bench, ue)


@scenario("services", needs=("unbind",))
async def tnla_binding_is_released(bench: Bench) -> None:
    """The UE is bound to its TNL association no more; its context stays (TS 38.413 §8.3.9, TS 23.501 §5.21.1.2)."""
    gnb = await bench.gnb()
    ue = await attached(bench, gnb)
    await ordered(bench, "unbind", ue)
    request = await bench.hears(ngap.UETNLABindingReleaseRequest, gnb)
    check.equal(request.ran_ue_ngap_id, bench.ran_ue_ngap_id(ue, gnb), "the UE that is meant")
    check.that(ue.link.connected and ue.sessions[1].context.bearer, "connection and session stay")
    await is_served(bench, ue)
