"""What a core does with its gNBs beside serving UEs: warnings, location, trace, positioning, reports.

TS 38.413 §8.8 to §8.16.
"""

from __future__ import annotations

from ipaddress import IPv4Address

from cinq.numbering import GnbId
from cinq.ran.gnb.gnb import Gnb
from cinq.ran.gnb.n2 import elements
from cinq.ran.gnb.procedures import (
    location_reporting,
    relay,
    rrc_inactive,
    trace,
    usage_report,
    warning,
)
from cinq.ran.scenarios import check
from cinq.ran.scenarios.bench import Bench
from cinq.ran.scenarios.scenario import scenario
from cinq.wire import cbs, ngap
from cinq.wire.nas import RegistrationKind

TEXT = "Exercise: flood, go to higher ground"


def text_of(request: ngap.WriteReplaceWarningRequest) -> str:
    coding = check.present(request.data_coding_scheme, "the data coding scheme")
    contents = check.present(request.warning_message_contents, "the contents")
    return cbs.decode(cbs.Contents(coding, contents))


async def warned(bench: Bench, gnb: Gnb, tac: int) -> ngap.WriteReplaceWarningRequest:
    """A warning that the core's operator has sent, as the gNB heard it."""
    await bench.turn("warn", text=TEXT, tac=str(tac))
    return await bench.hears(ngap.WriteReplaceWarningRequest, gnb, lambda m: text_of(m) == TEXT)


@scenario("services", needs=("warn", "warn_cancel"))
async def warning_is_broadcast(bench: Bench) -> None:
    """A warning reaches the gNB with text, repetition and area, and is broadcast (TS 38.413 §8.9.1.2)."""
    gnb = await bench.gnb()
    request = await warned(bench, gnb, bench.target.core.tacs[0])
    check.that(bool(gnb.n2.warnings), "the cell broadcasts it")
    check.that(request.repetition_period > 0, "it is repeated")
    area = check.present(request.warning_area_list, "the warning area")
    check.equal(area[0], "tAIListForWarning", "the kind of area")
    await bench.turn("warn_cancel")


@scenario("services", needs=("warn", "warn_cancel"))
async def warning_is_shown(bench: Bench) -> None:
    """A UE shows a warning of its cell, and one that comes later does (TS 23.041 §8.2, TS 38.304 §7.1)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    await warned(bench, gnb, bench.target.core.tacs[0])
    check.equal([shown.text for shown in ue.warnings.shown], [TEXT], "what the UE shows")
    later = bench.ue(gnb)
    check.equal(
        [shown.text for shown in later.warnings.shown], [TEXT], "what a UE shows that is switched on later"
    )
    await bench.turn("warn_cancel")


@scenario("services", needs=("warn", "warn_cancel"))
async def warning_is_cancelled(bench: Bench) -> None:
    """A warning that is cancelled is broadcast no more; the UEs of the cell notice nothing (TS 38.413 §8.9.2.2)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    request = await warned(bench, gnb, bench.target.core.tacs[0])
    await bench.turn("warn_cancel")
    stop = await bench.hears(ngap.PWSCancelRequest, gnb)
    check.equal(
        (stop.message_identifier, stop.serial_number),
        (request.message_identifier, request.serial_number),
        "what is cancelled",
    )
    check.equal(list(gnb.n2.warnings), [], "what the cell broadcasts")
    await bench.succeeds(ue.register(RegistrationKind.MOBILITY), "registration update")


@scenario("services", needs=("two tracking areas", "warn", "warn_cancel"))
async def warning_of_another_area(bench: Bench) -> None:
    """A gNB outside the warned tracking area hears nothing of it (TS 38.413 §8.9.1.2)."""
    first, second = bench.target.core.tacs[:2]
    gnb, other = await bench.gnb(tac=first), await bench.gnb(tac=second)
    await warned(bench, gnb, first)
    await bench.quiet_of(ngap.WriteReplaceWarningRequest, other)
    await bench.turn("warn_cancel")


@scenario("services", needs=("warn", "warn_cancel"))
async def warning_after_a_restart(bench: Bench) -> None:
    """A gNB whose broadcasts are lost gets the running warning again (TS 38.413 §8.9.3.2, TS 23.527 §6.3)."""
    gnb = await bench.gnb()
    request = await warned(bench, gnb, bench.target.core.tacs[0])
    warning.restart_indication(gnb.n2)
    check.equal(list(gnb.n2.warnings), [], "what the cell broadcasts")
    again = await bench.hears(ngap.WriteReplaceWarningRequest, gnb)
    check.equal(again.serial_number, request.serial_number, "the serial number")
    check.that(bool(gnb.n2.warnings), "the cell broadcasts it again")
    await bench.turn("warn_cancel")


@scenario("services", needs=("warn", "warn_cancel"))
async def warning_for_a_gnb_that_comes_later(bench: Bench) -> None:
    """A gNB that is set up while a warning runs gets it, and so do its UEs (TS 23.041 §9.1.2, TS 38.413 §8.9.1.2)."""
    first = await bench.gnb()
    request = await warned(bench, first, bench.target.core.tacs[0])
    later = await bench.gnb()
    again = await bench.hears(ngap.WriteReplaceWarningRequest, later, lambda m: text_of(m) == TEXT)
    check.equal(
        (again.message_identifier, again.serial_number),
        (request.message_identifier, request.serial_number),
        "the warning",
    )
    ue = await bench.registered(later)
    check.equal([shown.text for shown in ue.warnings.shown], [TEXT], "what a UE there shows")
    await bench.turn("warn_cancel")
    await bench.hears(ngap.PWSCancelRequest, later)


@scenario("services", needs=("warn_primary", "warn_cancel"))
async def primary_notification_of_etws(bench: Bench) -> None:
    """The primary notification of an earthquake goes out with its warning type, to a gNB that comes later as well.

    TS 23.041 §9.3.24, TS 38.413 §8.9.1.2.
    """
    first = await bench.gnb()
    await bench.turn("warn_primary", tac=str(bench.target.core.tacs[0]))
    request = await bench.hears(ngap.WriteReplaceWarningRequest, first)
    kind = check.present(request.warning_type, "the warning type")
    check.equal(len(kind), 2, "octets of the warning type")
    later = await bench.gnb()
    again = await bench.hears(ngap.WriteReplaceWarningRequest, later)
    check.equal(again.warning_type, kind, "the warning type")
    ue = await bench.registered(later)
    check.that(bool(ue.warnings.shown), "a UE there shows it")
    await bench.turn("warn_cancel")


@scenario("services")
async def pws_failure_is_heard(bench: Bench) -> None:
    """PWS FAILURE INDICATION is taken without an answer, and the cell's UEs are served (TS 38.413 §8.9.4.2)."""
    gnb = await bench.gnb()
    warning.failure_indication(gnb.n2)
    await bench.quiet_of(ngap.ErrorIndication, gnb)
    await bench.alive(gnb)


@scenario("services")
async def location_reports_are_heard(bench: Bench) -> None:
    """A LOCATION REPORT, and that a report failed, are taken without an answer (TS 38.413 §8.12.2, §8.12.3)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    context = bench.context(ue, gnb)
    request = ngap.LocationReportingRequestType(event_type="change-of-serve-cell", report_area="cell")
    location_reporting.report(context, request)
    location_reporting.failed(context, ("radioNetwork", "unspecified"))
    await bench.quiet_of(ngap.ErrorIndication, gnb)
    await bench.succeeds(ue.register(RegistrationKind.MOBILITY), "registration update")


@scenario("services")
async def trace_reports_are_heard(bench: Bench) -> None:
    """TRACE FAILURE INDICATION and CELL TRAFFIC TRACE are taken without an answer (TS 38.413 §8.11.2, §8.11.4)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    context = bench.context(ue, gnb)
    trace.failed(context, bytes(8), ("radioNetwork", "ng-intra-system-handover-triggered"))
    trace.cell_traffic(context, bytes(8), IPv4Address("192.0.2.1"), "logged-MDT")
    await bench.quiet_of(ngap.ErrorIndication, gnb)
    await bench.succeeds(ue.register(RegistrationKind.MOBILITY), "registration update")


@scenario("services")
async def nrppa_without_an_lmf(bench: Bench) -> None:
    """NRPPa for an LMF that nobody knows goes nowhere and does no harm (TS 38.413 §8.10.2.2, §8.10.2.4)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    relay.send_nrppa(gnb.n2, b"no such LMF", bytes(16))
    relay.send_nrppa_of_ue(bench.context(ue, gnb), b"no such LMF", bytes(16))
    await bench.quiet_of(ngap.ErrorIndication, gnb)
    await bench.succeeds(ue.register(RegistrationKind.MOBILITY), "registration update")


@scenario("services")
async def rrc_inactive_is_reported(bench: Bench) -> None:
    """RRC INACTIVE TRANSITION REPORT leaves the UE connected (TS 38.413 §8.3.5.2)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb)
    context = bench.context(ue, gnb)
    context.commit(inactive=True)
    rrc_inactive.report(context)
    context.commit(inactive=False)
    rrc_inactive.report(context)
    await bench.quiet_of(ngap.ErrorIndication, gnb)
    await bench.succeeds(ue.register(RegistrationKind.MOBILITY), "registration update")


@scenario("services")
async def data_usage_is_reported(bench: Bench) -> None:
    """SECONDARY RAT DATA USAGE REPORT of a session, and of one that is not there, do no harm (TS 38.413 §8.15.1.2)."""
    gnb = await bench.gnb()
    ue = await bench.registered(gnb, sessions=(bench.session(),))
    await bench.succeeds(ue.establish_session(), "PDU session")
    usage = {1: (1000, 2000), 14: (1, 1)}
    usage_report.send(bench.context(ue, gnb), usage, bytes(4), bytes((0, 0, 0, 60)))
    await bench.quiet_of(ngap.ErrorIndication, gnb)
    await bench.succeeds(ue.register(RegistrationKind.MOBILITY), "registration update")


def son_target(gnb: Gnb | GnbId, of: Gnb) -> ngap.TargetRANNodeIDSON:
    identity = gnb if isinstance(gnb, GnbId) else gnb.n2.identity
    return ngap.TargetRANNodeIDSON(
        global_ran_node_id=elements.global_gnb_id(identity), selected_tai=elements.tai(of.n2.cells[0].tai)
    )


@scenario("services")
async def xn_addresses_of_another_gnb(bench: Bench) -> None:
    """A gNB learns another's Xn address through the core: request and reply are passed on (TS 38.413 §8.8.1.2)."""
    gnb, other = await bench.gnb(), await bench.gnb()
    relay.ask_xn_addresses(gnb.n2, son_target(other, gnb))
    await bench.hears(ngap.DownlinkRANConfigurationTransfer, other)
    reply = await bench.hears(ngap.DownlinkRANConfigurationTransfer, gnb)
    son = check.present(reply.son_configuration_transfer_dl, "the SON configuration")
    check.equal(son.son_information[0], "sONInformationReply", "what comes back")


@scenario("services")
async def ran_configuration_for_nobody(bench: Bench) -> None:
    """RAN configuration for a gNB that is not there goes nowhere, told or not (TS 38.413 §8.8.1.2, §10.4)."""
    gnb = await bench.gnb()
    stranger = GnbId(bench.target.core.plmn, 0x5C0F0F, 24)
    relay.ask_xn_addresses(gnb.n2, son_target(stranger, gnb))
    gnb.station.send(ngap.UplinkRANConfigurationTransfer())
    await bench.quiet_of(ngap.DownlinkRANConfigurationTransfer, gnb)
    await bench.alive(gnb)


@scenario("services")
async def rim_information_is_passed_on(bench: Bench) -> None:
    """RIM information of a gNB reaches the gNB that it names (TS 38.413 §8.16.1.2, §8.16.2.2)."""
    gnb, other = await bench.gnb(), await bench.gnb()
    here = elements.tai(gnb.n2.cells[0].tai)
    transfer = ngap.RIMInformationTransfer(
        target_ran_node_id_rim=ngap.TargetRANNodeIDRIM(
            global_ran_node_id=elements.global_gnb_id(other.n2.identity), selected_tai=here
        ),
        source_ran_node_id=ngap.SourceRANNodeID(
            global_ran_node_id=elements.global_gnb_id(gnb.n2.identity), selected_tai=here
        ),
        rim_information=ngap.RIMInformation(target_gnb_set_id=7, rim_rs_detection="rs-detected"),
    )
    relay.send_rim(gnb.n2, transfer)
    try:
        heard = await bench.hears(ngap.DownlinkRIMInformationTransfer, other)
    except check.Failed:  # a core that does not comprehend it may ignore it (§10.3.4.1)
        raise check.NotApplicable("transfer of RIM information: nothing came of it") from None
    check.equal(heard.rim_information_transfer, transfer, "what is passed on")
