"""N4: association, sessions, reports, and the hostile inputs DEV-060 to DEV-079 that concern a UPF."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ipaddress import IPv4Address

import pytest

from cinq.userplane.model import Dropped, Outer
from cinq.userplane.rules import Ambr, Reason
from cinq.wire import pfcp
from cinq.wire.pfcp import ApplyAction, Cause

from .peer import GNB, N3, OTHER_SMF, SMF, UE, Bench, downlink_pdr, establishment, forward, uplink_pdr
from .steps import UE2, cause, downlink, forwards, virtual


@virtual
async def test_session_from_establishment_to_deletion() -> None:
    bench = Bench(SMF)
    answer = bench.associate()
    assert isinstance(answer, pfcp.AssociationSetupResponse)
    assert answer.cause == Cause.REQUEST_ACCEPTED
    assert answer.up_function_features is not None
    assert answer.up_function_features.has(pfcp.UpFunctionFeatures.FTUP)
    seid, teid = bench.session()
    assert forwards(bench, teid)
    rules = bench.plane.model.registry.sessions[seid]
    assert rules.ambr == Ambr(1_000_000, 2_000_000)
    assert rules.decap[0].qfi == 9
    modified = bench.ask(pfcp.SessionModificationRequest(update_fars=[forward()]), seid)
    assert cause(modified) == Cause.REQUEST_ACCEPTED
    assert modified is not None
    assert modified.seid == 77
    sent = downlink(bench)
    assert isinstance(sent, Outer)
    assert sent.peer == (str(GNB), 2152)
    assert sent.octets[4:8] == (0x2001).to_bytes(4, "big")
    deleted = bench.ask(pfcp.SessionDeletionRequest(), seid)
    assert cause(deleted) == Cause.REQUEST_ACCEPTED
    assert not forwards(bench, teid)
    assert len(bench.upf) == 0
    assert cause(bench.ask(pfcp.SessionDeletionRequest(), seid)) == Cause.SESSION_CONTEXT_NOT_FOUND


@virtual
async def test_first_waiting_packet_is_reported_until_it_is_answered() -> None:
    bench = Bench(SMF)
    bench.associate()
    seid, _ = bench.session()
    assert downlink(bench)
    bench.upf.buffered(seid)
    octets, peer = bench.port.sent[-1]
    report = pfcp.decode(octets)
    assert isinstance(report, pfcp.SessionReportRequest)
    assert (report.seid, peer) == (77, SMF)
    assert report.report_type.has(pfcp.ReportType.DLDR)
    assert report.downlink_data_report is not None
    assert report.downlink_data_report.pdr_ids == [2]
    before = len(bench.port.sent)
    await asyncio.sleep(3.5)
    assert [each[0] for each in bench.port.sent[before:]] == [octets]
    ok = pfcp.SessionReportResponse(cause=Cause.REQUEST_ACCEPTED)
    bench.upf.n4_received(pfcp.encode(ok, sequence=report.sequence, seid=seid), SMF)
    await asyncio.sleep(20)
    assert len(bench.port.sent) == before + 1
    released = bench.ask(pfcp.SessionModificationRequest(update_fars=[forward()]), seid)
    assert cause(released) == Cause.REQUEST_ACCEPTED
    assert [to for _, to in bench.plane.sent] == [(str(GNB), 2152)]


@virtual
async def test_unanswered_report_ends_after_n1_attempts() -> None:
    bench = Bench(SMF)
    bench.associate()
    seid, _ = bench.session()
    before = len(bench.port.sent)
    bench.upf.buffered(seid)
    await asyncio.sleep(60)
    assert len(bench.port.sent) == before + 3


@virtual
async def test_dropping_what_waits_reports_again() -> None:
    bench = Bench(SMF)
    bench.associate()
    seid, _ = bench.session()
    downlink(bench)
    flags = pfcp.SmReqFlags(pfcp.SmReqFlags.DROBU)
    buffer = pfcp.UpdateFar(far_id=2, apply_action=ApplyAction(ApplyAction.BUFF | ApplyAction.NOCP))
    assert cause(
        bench.ask(pfcp.SessionModificationRequest(update_fars=[buffer], smreq_flags=flags), seid)
    ) == (Cause.REQUEST_ACCEPTED)
    assert bench.plane.model.waiting == 0
    assert getattr(downlink(bench), "notify", None) is True


@virtual
async def test_smf_that_does_not_know_the_session_ends_it() -> None:
    bench = Bench(SMF)
    bench.associate()
    seid, _ = bench.session()
    bench.upf.buffered(seid)
    report = pfcp.decode(bench.port.sent[-1][0])
    gone = pfcp.SessionReportResponse(cause=Cause.SESSION_CONTEXT_NOT_FOUND)
    bench.upf.n4_received(pfcp.encode(gone, sequence=report.sequence, seid=seid), SMF)
    assert len(bench.upf) == 0


@virtual
async def test_end_marker_to_the_end_that_is_left() -> None:
    bench = Bench(SMF)
    bench.associate()
    seid, _ = bench.session()
    bench.ask(pfcp.SessionModificationRequest(update_fars=[forward()]), seid)
    target = IPv4Address("10.3.0.3")
    bench.ask(pfcp.SessionModificationRequest(update_fars=[forward(0x3001, target, end_marker=True)]), seid)
    assert bench.plane.sent[-1] == (bytes.fromhex("30fe000000002001"), (str(GNB), 2152))
    sent = downlink(bench)
    assert isinstance(sent, Outer)
    assert sent.peer == (str(target), 2152)


@virtual
async def test_retransmission_gets_the_same_answer_and_does_nothing() -> None:
    bench = Bench(SMF)
    bench.associate()
    octets = pfcp.encode(establishment(), sequence=99, seid=0)
    bench.upf.n4_received(octets, SMF)
    bench.upf.n4_received(octets, SMF)
    assert bench.port.sent[-1] == bench.port.sent[-2]
    assert len(bench.upf) == 1
    bench.upf.n4_received(pfcp.encode(establishment(UE2, 78), sequence=99, seid=0), SMF)
    assert len(bench.upf) == 1, "other content is no repeat, and no request either (§6.4)"
    bench.upf.n4_received(pfcp.encode(establishment(UE2, 78), sequence=100, seid=0), SMF)
    assert len(bench.upf) == 2


@virtual
async def test_restoration_gives_back_the_same_f_teid() -> None:
    """TS 23.527 §4.3.2: the SMF names the F-TEID that the session had before."""
    bench = Bench(SMF)
    bench.associate()
    request = establishment()
    request.create_pdrs = [uplink_pdr(f_teid=pfcp.FTeid(0xABCD, N3)), downlink_pdr()]
    assert cause(bench.ask(request, 0)) == Cause.REQUEST_ACCEPTED
    assert forwards(bench, 0xABCD)


@virtual
async def test_closed_gate_and_update_of_qer() -> None:
    bench = Bench(SMF)
    bench.associate()
    seid, teid = bench.session()
    shut = pfcp.UpdateQer(qer_id=1, gate_status=pfcp.GateStatus(1, 1), mbr=pfcp.BitRate(5, 6))
    assert (
        cause(bench.ask(pfcp.SessionModificationRequest(update_qers=[shut]), seid)) == Cause.REQUEST_ACCEPTED
    )
    assert not forwards(bench, teid)
    assert downlink(bench) == Dropped(Reason.RULE_DROP)
    assert bench.plane.model.registry.sessions[seid].ambr == Ambr(5000, 6000)


@virtual
async def test_heartbeat_with_a_new_recovery_time_ends_the_sessions() -> None:
    bench = Bench(SMF)
    bench.associate(recovery=1000)
    bench.session()
    assert isinstance(bench.ask(pfcp.HeartbeatRequest(recovery_time_stamp=1000)), pfcp.HeartbeatResponse)
    assert len(bench.upf) == 1
    bench.ask(pfcp.HeartbeatRequest(recovery_time_stamp=1001))
    assert len(bench.upf) == 0
    assert cause(bench.ask(establishment(), 0)) == Cause.NO_ESTABLISHED_PFCP_ASSOCIATION


@virtual
async def test_release_of_the_association_ends_its_sessions() -> None:
    bench = Bench(SMF)
    bench.associate()
    _, teid = bench.session()
    request = pfcp.AssociationReleaseRequest(node_id=pfcp.NodeId(IPv4Address(SMF[0])))
    assert cause(bench.ask(request)) == Cause.REQUEST_ACCEPTED
    assert not forwards(bench, teid)
    assert cause(bench.ask(request)) == Cause.NO_ESTABLISHED_PFCP_ASSOCIATION


@virtual
async def test_dev_060_a_stranger_is_refused_or_ignored() -> None:
    bench = Bench(SMF)
    assert cause(bench.associate(OTHER_SMF)) == Cause.REQUEST_REJECTED
    assert bench.ask(establishment(), 0, OTHER_SMF) is None
    assert bench.ask(pfcp.HeartbeatRequest(recovery_time_stamp=1), peer=OTHER_SMF) is None


@virtual
async def test_dev_061_a_node_id_from_elsewhere_leaves_the_sessions() -> None:
    bench = Bench(SMF, OTHER_SMF)
    bench.associate()
    _, teid = bench.session()
    assert cause(bench.associate(OTHER_SMF, node=SMF[0])) == Cause.REQUEST_REJECTED
    assert forwards(bench, teid)


@virtual
async def test_dev_062_node_ids_are_bounded() -> None:
    bench = Bench()
    answers = [cause(bench.associate(node=f"10.9.{n // 250}.{n % 250 + 1}")) for n in range(2000)]
    assert answers.count(Cause.REQUEST_ACCEPTED) == 16
    assert answers[-1] == Cause.NO_RESOURCES_AVAILABLE


@virtual
async def test_dev_063_a_session_of_another_smf_is_not_there() -> None:
    bench = Bench(SMF, OTHER_SMF)
    bench.associate()
    bench.associate(OTHER_SMF)
    seid, teid = bench.session()
    for request in (pfcp.SessionDeletionRequest(), pfcp.SessionModificationRequest(update_fars=[forward()])):
        answer = bench.ask(request, seid, OTHER_SMF)
        assert answer is not None
        assert (cause(answer), answer.seid) == (Cause.SESSION_CONTEXT_NOT_FOUND, 0)
    assert forwards(bench, teid)


@virtual
async def test_dev_064_one_bad_ie_changes_nothing() -> None:
    bench = Bench(SMF)
    bench.associate()
    seid, teid = bench.session()
    bench.ask(pfcp.SessionModificationRequest(update_fars=[forward()]), seid)
    bad = pfcp.UpdateFar(far_id=99, apply_action=ApplyAction(ApplyAction.DROP))
    answer = bench.ask(
        pfcp.SessionModificationRequest(
            remove_pdrs=[pfcp.RemovePdr(pdr_id=1)], update_fars=[forward(0x7777, GNB), bad]
        ),
        seid,
    )
    assert isinstance(answer, pfcp.SessionModificationResponse)
    assert answer.cause == Cause.RULE_CREATION_MODIFICATION_FAILURE
    assert answer.failed_rule_id == pfcp.FailedRuleId(1, 99)
    assert answer.seid == 77
    assert forwards(bench, teid)
    sent = downlink(bench)
    assert isinstance(sent, Outer)
    assert sent.octets[4:8] == (0x2001).to_bytes(4, "big")


@virtual
async def test_dev_065_a_ue_address_in_use_is_refused() -> None:
    bench = Bench(SMF)
    bench.associate()
    _, teid = bench.session()
    answer = bench.ask(establishment(UE, 78), 0)
    assert isinstance(answer, pfcp.SessionEstablishmentResponse)
    assert answer.cause == Cause.RULE_CREATION_MODIFICATION_FAILURE
    assert (answer.offending_ie, answer.seid) == (93, 78)
    assert forwards(bench, teid)
    assert len(bench.upf) == 1
    only_uplink = establishment(UE, 79)
    only_uplink.create_pdrs = [uplink_pdr(UE)]
    assert cause(bench.ask(only_uplink, 0)) == Cause.RULE_CREATION_MODIFICATION_FAILURE


@virtual
async def test_dev_066_a_teid_in_use_is_refused() -> None:
    bench = Bench(SMF)
    bench.associate()
    _, teid = bench.session()
    request = establishment(UE2, 78)
    request.create_pdrs[0] = uplink_pdr(UE2, pfcp.FTeid(teid, N3))
    assert cause(bench.ask(request, 0)) == Cause.RULE_CREATION_MODIFICATION_FAILURE
    assert forwards(bench, teid)
    assert not forwards(bench, teid, UE2)


def changed(**members: object) -> Callable[[pfcp.SessionEstablishmentRequest], None]:
    def change(request: pfcp.SessionEstablishmentRequest) -> None:
        for name, value in members.items():
            target, _, attribute = name.rpartition("__")
            where: object = request
            for step in filter(None, target.split("__")):
                where = where[int(step)] if step.isdigit() else getattr(where, step)  # type: ignore[index]
            setattr(where, attribute, value)

    return change


def urr(number: int, *, method: int = 2, triggers: int = 0) -> pfcp.CreateUrr:
    return pfcp.CreateUrr(
        urr_id=number,
        measurement_method=pfcp.MeasurementMethod(method),
        reporting_triggers=pfcp.ReportingTriggers(triggers),
    )


def filters(text: str) -> list[pfcp.SdfFilter]:
    return [pfcp.SdfFilter(text)]


PDI = "create_pdrs__0__pdi__"
REFUSED = {
    # The list of cases says "Mandatory IE missing"; but the FAR ID of a Create PDR is conditional (TS 29.244 table
    # 7.5.2.2-1), and "Conditional IE missing" is the cause for such (table 8.2.1-1).
    "DEV-067 PDR without FAR": (changed(create_pdrs__0__far_id=None), Cause.CONDITIONAL_IE_MISSING, 108),
    "DEV-068 URR 65535 without its period": (
        changed(create_urrs=[urr(65535, triggers=1)]),
        Cause.CONDITIONAL_IE_MISSING,
        64,
    ),
    "URR of events": (changed(create_urrs=[urr(1, method=4)]), Cause.SERVICE_NOT_SUPPORTED, 62),
    "URR of a trigger not offered": (
        changed(create_urrs=[urr(1, triggers=pfcp.ReportingTriggers.ENVCL)]),
        Cause.SERVICE_NOT_SUPPORTED,
        37,
    ),
    "undeclared URR": (
        changed(create_pdrs__0__urr_ids=[7]),
        Cause.RULE_CREATION_MODIFICATION_FAILURE,
        81,
    ),
    "URR twice": (
        changed(create_urrs=[urr(1), urr(1)]),
        Cause.RULE_CREATION_MODIFICATION_FAILURE,
        None,
    ),
    "PDR twice": (
        changed(create_pdrs=[uplink_pdr(), uplink_pdr()]),
        Cause.RULE_CREATION_MODIFICATION_FAILURE,
        None,
    ),
    "CP SEID 0": (
        changed(cp_f_seid=pfcp.FSeid(0, IPv4Address(SMF[0]))),
        Cause.MANDATORY_IE_INCORRECT,
        57,
    ),
    "DEV-069 F-TEID of 0 octets": (
        changed(**{PDI + "f_teid": None, PDI + "unknown": [(21, b"")]}),
        Cause.INVALID_LENGTH,
        21,
    ),
    "DEV-069 F-TEID neither V4 nor V6": (
        changed(**{PDI + "f_teid": None, PDI + "unknown": [(21, bytes(5))]}),
        Cause.INVALID_F_TEID_ALLOCATION_OPTION,
        21,
    ),
    "DEV-069 F-TEID absent": (changed(**{PDI + "f_teid": None}), Cause.CONDITIONAL_IE_MISSING, 21),
    "DEV-069 CHOOSE of IPv6": (
        changed(**{PDI + "f_teid": pfcp.FTeid.choose(ipv4=False, ipv6=True)}),
        Cause.INVALID_F_TEID_ALLOCATION_OPTION,
        21,
    ),
    "DEV-069 F-TEID at another address": (
        changed(**{PDI + "f_teid": pfcp.FTeid(5, GNB)}),
        Cause.INVALID_F_TEID_ALLOCATION_OPTION,
        21,
    ),
    "DEV-071 filter empty": (changed(**{PDI + "sdf_filters": filters("")}), Cause.MANDATORY_IE_INCORRECT, 23),
    "DEV-071 filter of spaces": (
        changed(**{PDI + "sdf_filters": filters("   ")}),
        Cause.MANDATORY_IE_INCORRECT,
        23,
    ),
    "DEV-071 filter without permit": (
        changed(**{PDI + "sdf_filters": filters("out ip from any to any")}),
        Cause.MANDATORY_IE_INCORRECT,
        23,
    ),
    "DEV-071 filter of 1000 tokens": (
        changed(**{PDI + "sdf_filters": filters("permit out ip from " + "any " * 1000)}),
        Cause.MANDATORY_IE_INCORRECT,
        23,
    ),
    "DEV-071 filter with an address that is none": (
        changed(**{PDI + "sdf_filters": filters("permit out 17 from 10.6.0.256 to assigned")}),
        Cause.MANDATORY_IE_INCORRECT,
        23,
    ),
    "filter of an SDF Filter ID that is not known": (
        changed(**{PDI + "sdf_filters": [pfcp.SdfFilter(filter_id=5)]}),
        Cause.MANDATORY_IE_INCORRECT,
        23,
    ),
    "more filters than a tunnel end takes": (
        changed(
            **{PDI + "sdf_filters": [pfcp.SdfFilter(f"permit out 17 from any {n} to any") for n in range(65)]}
        ),
        Cause.NO_RESOURCES_AVAILABLE,
        23,
    ),
    "DEV-072 1000 QERs": (
        changed(create_pdrs__0__qer_ids=list(range(1000))),
        Cause.NO_RESOURCES_AVAILABLE,
        109,
    ),
    "DEV-072 undeclared QER": (
        changed(create_pdrs__0__qer_ids=[7]),
        Cause.RULE_CREATION_MODIFICATION_FAILURE,
        109,
    ),
    "DEV-073 PDN type 0": (changed(pdn_type=0), Cause.SERVICE_NOT_SUPPORTED, 113),
    "DEV-079 network instance": (
        changed(**{PDI + "network_instance": pfcp.NetworkInstance("\x3finternet", False)}),
        Cause.MANDATORY_IE_INCORRECT,
        22,
    ),
    "UE address outside the pools": (
        changed(**{PDI + "ue_ip_addresses": [pfcp.UeIpAddress(IPv4Address("192.0.2.1"))]}),
        Cause.RULE_CREATION_MODIFICATION_FAILURE,
        93,
    ),
    "uplink keeps its header": (
        changed(create_pdrs__0__outer_header_removal=None),
        Cause.CONDITIONAL_IE_MISSING,
        95,
    ),
    "two actions at once": (
        changed(create_fars__1__apply_action=ApplyAction(ApplyAction.FORW | ApplyAction.DROP)),
        Cause.MANDATORY_IE_INCORRECT,
        44,
    ),
    "forward to nowhere": (
        changed(create_fars__1__apply_action=ApplyAction(ApplyAction.FORW)),
        Cause.CONDITIONAL_IE_MISSING,
        84,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
@virtual
async def test_establishments_that_are_refused(name: str) -> None:
    change, wanted, offending = REFUSED[name]
    bench = Bench(SMF)
    bench.associate()
    request = establishment()
    change(request)
    answer = bench.ask(request, 0)
    assert isinstance(answer, pfcp.SessionEstablishmentResponse)
    assert (answer.cause, answer.offending_ie, answer.up_f_seid) == (wanted, offending, None)
    assert len(bench.upf) == 0
    assert not bench.plane.model.sessions
    bench.session()
