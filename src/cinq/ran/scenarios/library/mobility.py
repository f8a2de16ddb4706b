"""Mobility: Xn and N2 handover, reselection. TS 23.502 §4.9, TS 38.413 §8.4."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from cinq.procedure import Aborted, Refused, TimerExpired
from cinq.ran.gnb.gnb import Gnb, Path
from cinq.ran.gnb.n2.elements import far_ends
from cinq.ran.scenarios import check
from cinq.ran.scenarios.bench import Bench
from cinq.ran.scenarios.scenario import scenario
from cinq.ran.ue import Ue
from cinq.wire import nas, ngap, xnap
from cinq.wire.nas import RegistrationKind

NO_ROOM: ngap.Cause = ("radioNetwork", "no-radio-resources-available-in-target-cell")


async def attached(bench: Bench, gnb: Gnb, sessions: int = 1) -> Ue:
    """A registered UE with PDU sessions whose bearers are up."""
    ue = await bench.registered(gnb, sessions=tuple(bench.session() for _ in range(sessions)))
    for index in range(sessions):
        await bench.succeeds(ue.establish_session(index), f"PDU session {index + 1}")
    await bench.until(lambda: all(s.context.bearer for s in ue.sessions.values()), "the bearers are up")
    return ue


async def moves(bench: Bench, ue: Ue, target: Gnb, via: Path) -> None:
    """The UE is handed over to another gNB, and its bearers are up there."""
    await bench.succeeds(bench.hand_over(ue, target, via), f"handover by {via.capitalize()}")
    check.that(bench.gnb_of(ue) is target, "the UE is at the target")
    await bench.until(lambda: all(s.context.bearer for s in ue.sessions.values()), "the bearers are up there")


async def is_served(bench: Bench, ue: Ue) -> None:
    """NAS goes on where the UE is, without a new authentication."""
    before = len(bench.heard(nas.AuthenticationRequest, ue))
    await bench.succeeds(ue.register(RegistrationKind.MOBILITY), "registration update where it is")
    check.equal(len(bench.heard(nas.AuthenticationRequest, ue)), before, "authentications")


@scenario("mobility")
async def xn_handover(bench: Bench) -> None:
    """A UE with a session moves by Xn: the path is switched and NAS goes on.

    TS 23.502 §4.9.1.2.2, TS 38.413 §8.4.4.
    """
    source, target = await bench.gnb(), await bench.gnb()
    ue = await attached(bench, source)
    await moves(bench, ue, target, "xn")
    answer = await bench.hears(ngap.PathSwitchRequestAcknowledge, target)
    check.equal(len(answer.pdu_session_resource_switched_list), 1, "sessions that are switched")
    await is_served(bench, ue)


@scenario("mobility")
async def xn_handover_with_three_sessions(bench: Bench) -> None:
    """Every session of the UE is switched (TS 23.502 §4.9.1.2.2, TS 38.413 §8.4.4.2)."""
    source, target = await bench.gnb(), await bench.gnb()
    ue = await attached(bench, source, 3)
    await moves(bench, ue, target, "xn")
    answer = await bench.hears(ngap.PathSwitchRequestAcknowledge, target)
    switched = sorted(i.pdu_session_id for i in answer.pdu_session_resource_switched_list)
    check.equal(switched, [1, 2, 3], "sessions that are switched")


@scenario("mobility")
async def xn_handover_there_and_back(bench: Bench) -> None:
    """Ten handovers in a row: the next hop chaining count goes up by one each time, modulo eight.

    TS 33.501 §6.9.2.3.2.
    """
    gnbs = await bench.gnb(), await bench.gnb()
    ue = await attached(bench, gnbs[0])
    counts = []
    for number in range(1, 11):
        target = gnbs[number % 2]
        await moves(bench, ue, target, "xn")
        answer = await bench.hears(ngap.PathSwitchRequestAcknowledge, target)
        counts.append(answer.security_context.next_hop_chaining_count)
    check.equal([(b - a) % 8 for a, b in pairwise(counts)], [1] * 9, "steps of the count")
    await is_served(bench, ue)


@scenario("mobility")
async def next_hops_differ(bench: Bench) -> None:
    """Each path switch brings a fresh next hop, never zero (TS 33.501 §6.9.2.1.1)."""
    gnbs = await bench.gnb(), await bench.gnb()
    ue = await attached(bench, gnbs[0])
    hops = []
    for number in range(1, 5):
        await moves(bench, ue, gnbs[number % 2], "xn")
        answer = await bench.hears(ngap.PathSwitchRequestAcknowledge, gnbs[number % 2])
        hops.append(answer.security_context.next_hop_nh)
    check.equal(len(set(hops)), 4, "different next hops")
    check.that(0 not in hops, "no next hop is zero")


@scenario("mobility")
async def xn_handover_of_a_part(bench: Bench) -> None:
    """A session that the target could not set up stays without user plane, the other is switched.

    TS 23.502 §4.9.1.2.2.
    """
    source, target = await bench.gnb(), await bench.gnb()
    ue = await attached(bench, source, 2)
    target.admission.session = lambda number, session: NO_ROOM if number == 2 else None
    await bench.succeeds(bench.hand_over(ue, target, "xn"), "handover by Xn")
    answer = await bench.hears(ngap.PathSwitchRequestAcknowledge, target)
    check.equal(
        [i.pdu_session_id for i in answer.pdu_session_resource_switched_list], [1], "switched sessions"
    )
    await is_served(bench, ue)


@scenario("mobility")
async def what_xn_says_at_a_handover(bench: Bench) -> None:
    """The source tells the target all that the core has told it of the UE, and is told to forget it.

    TS 38.423 §8.2.1, §8.2.2, §8.2.7, TS 23.502 §4.9.1.2.2.
    """
    source, target = await bench.gnb(), await bench.gnb()
    ue = await attached(bench, source)
    before = bench.context(ue, source)
    said: list[xnap.Pdu] = []
    xn = check.present(source.n2.xn(target.n2.identity), "Xn between the gNBs")
    xn.on_message = said.append
    await moves(bench, ue, target, "xn")
    names = [type(message).__name__ for message in said]
    check.equal(
        names,
        ["HandoverRequest", "HandoverRequestAcknowledge", "SNStatusTransfer", "UEContextRelease"],
        "messages on Xn",
    )
    request, answer = said[0], said[1]
    assert isinstance(request, xnap.HandoverRequest)
    assert isinstance(answer, xnap.HandoverRequestAcknowledge)
    told = request.ue_context_info_ho_request
    check.equal(told.ng_c_ue_reference, before.amf_ue_ngap_id, "the AMF UE NGAP ID")
    check.equal(len(told.pdu_session_resources_to_be_setup_list), 1, "sessions that the target is told of")
    check.equal(len(answer.pdu_session_resources_admitted_list), 1, "sessions that it admits")
    key = told.security_information.key_ng_ran_star.to_bytes(32, "big")
    check.that(key != before.kgnb, "the target gets a key of its own")
    check.equal(bench.context(ue, target).kgnb, key, "the key at the target")
    check.equal(xnap.decode(xnap.encode(request)), request, "the request, read again")


@scenario("mobility")
async def a_silent_xn_target(bench: Bench) -> None:
    """A target that does not answer: TXnRELOCprep, the handover is cancelled, the UE stays and is served.

    TS 38.423 §8.2.1.2, §8.2.3.
    """
    source, target = await bench.gnb(), await bench.gnb()
    ue = await attached(bench, source)
    xn = check.present(source.n2.xn(target.n2.identity), "Xn between the gNBs")
    far = check.present(xn.peer, "the other end")
    said: list[xnap.Pdu] = []
    xn.on_message = said.append
    far.up = False
    await bench.forgiven(bench.hand_over(ue, target, "xn"))
    check.equal(
        [type(message).__name__ for message in said], ["HandoverRequest", "HandoverCancel"], "messages on Xn"
    )
    check.that(bench.gnb_of(ue) is source, "the UE is at the source")
    await is_served(bench, ue)
    far.up = True
    await moves(bench, ue, target, "xn")


@scenario("mobility")
async def path_switch_of_a_stranger(bench: Bench) -> None:
    """A path switch of a UE that the AMF does not know gets the failure of the procedure, or ERROR INDICATION.

    TS 38.413 §8.4.4.3, §10.6.
    """
    gnb = await bench.gnb()
    capability = ngap.UESecurityCapabilities(
        nr_encryption_algorithms=(0xE000, 16),
        nr_integrity_protection_algorithms=(0xE000, 16),
        eutra_encryption_algorithms=(0xE000, 16),
        eutra_integrity_protection_algorithms=(0xE000, 16),
    )
    item = ngap.PDUSessionResourceToBeSwitchedDLItem(
        pdu_session_id=1, path_switch_request_transfer=b"\0" * 12
    )
    gnb.station.send(
        ngap.PathSwitchRequest(
            ran_ue_ngap_id=4711,
            source_amf_ue_ngap_id=0xFFFFFF0003,
            user_location_information=gnb.location,
            ue_security_capabilities=capability,
            pdu_session_resource_to_be_switched_dl_list=[item],
        ),
        stream=1,
    )
    answer = await bench.hears_one_of((ngap.PathSwitchRequestFailure, ngap.ErrorIndication), gnb)
    assert isinstance(answer, ngap.PathSwitchRequestFailure | ngap.ErrorIndication)
    check.equal(answer.ran_ue_ngap_id, 4711, "the RAN UE NGAP ID")
    await bench.alive(gnb)


@scenario("mobility")
async def capability_bidding_down_at_a_handover(bench: Bench) -> None:
    """A target that says other security capabilities than the AMF has is told the AMF's (TS 33.501 §6.7.3.1)."""
    source, target = await bench.gnb(), await bench.gnb()
    ue = await attached(bench, source)

    def bid_down(request: ngap.PathSwitchRequest) -> list[ngap.Pdu]:
        request.ue_security_capabilities = ngap.UESecurityCapabilities(
            nr_encryption_algorithms=(0, 16),
            nr_integrity_protection_algorithms=(0x8000, 16),
            eutra_encryption_algorithms=(0, 16),
            eutra_integrity_protection_algorithms=(0, 16),
        )
        return [request]

    with target.station.change(ngap.PathSwitchRequest, bid_down):
        await bench.succeeds(bench.hand_over(ue, target, "xn"), "handover by Xn")
    answer = await bench.hears(ngap.PathSwitchRequestAcknowledge, target)
    told = check.present(answer.ue_security_capabilities, "the UE security capabilities of the AMF")
    check.that(told.nr_encryption_algorithms != (0, 16), "the AMF's own capabilities are told")


@scenario("mobility")
async def n2_handover(bench: Bench) -> None:
    """A UE with a session moves by N2: prepared, commanded, notified, and released at the source.

    TS 23.502 §4.9.1.3.
    """
    source, target = await bench.gnb(), await bench.gnb()
    ue = await attached(bench, source)
    await moves(bench, ue, target, "n2")
    request = await bench.hears(ngap.HandoverRequest, target)
    check.equal(len(request.pdu_session_resource_setup_list_ho_req), 1, "sessions asked for at the target")
    await bench.hears(ngap.HandoverCommand, source)
    release = await bench.hears(ngap.UEContextReleaseCommand, source)
    check.equal(
        release.cause, ("radioNetwork", "successful-handover"), "the cause of the release at the source"
    )
    await is_served(bench, ue)


@scenario("mobility")
async def n2_handover_with_pdcp_counts(bench: Bench) -> None:
    """What the source says of its DRBs reaches the target as it is (TS 38.413 §8.4.6.2, §8.4.7.2)."""
    source, target = await bench.gnb(), await bench.gnb()
    ue = await attached(bench, source, 2)
    await moves(bench, ue, target, "n2")
    status = await bench.hears(ngap.DownlinkRANStatusTransfer, target)
    items = status.ran_status_transfer_transparent_container.drbs_subject_to_status_transfer_list
    check.equal(sorted(item.drb_id for item in items), [1, 2], "the DRBs")
    check.equal({item.drb_status_ul[0] for item in items}, {"dRBStatusUL18"}, "the size of their counts")
    await is_served(bench, ue)


@scenario("mobility")
async def n2_handover_with_data_forwarding(bench: Bench) -> None:
    """The source is given an end for packets that it forwards: the target's where there is a direct path.

    None where the core says that it cannot be. TS 38.413 §8.4.1.2, §8.4.2.2.
    """
    source, target = await bench.gnb(), await bench.gnb()
    ue = await attached(bench, source)
    await moves(bench, ue, target, "n2")
    command = await bench.hears(ngap.HandoverCommand, source)
    (item,) = check.present(command.pdu_session_resource_handover_list, "the sessions that are handed over")
    transfer = ngap.decode_value(ngap.HandoverCommandTransfer, item.handover_command_transfer)
    request = await bench.hears(ngap.HandoverRequest, target)
    (asked,) = request.pdu_session_resource_setup_list_ho_req
    wanted = ngap.decode_value(ngap.PDUSessionResourceSetupRequestTransfer, asked.handover_request_transfer)
    end = transfer.dl_forwarding_up_tnl_information
    if wanted.data_forwarding_not_possible is not None:
        check.equal(end, None, "a tunnel where forwarding is said to be impossible")
    if wanted.direct_forwarding_path_availability is not None:
        ends, _ = far_ends(check.present(end, "the end of forwarding"))
        check.equal(ends, target.bearers.ends, "whose address it has")
    await is_served(bench, ue)


@scenario("mobility")
async def n2_handover_there_and_back(bench: Bench) -> None:
    """Six handovers by N2 in a row, then by Xn: keys stay in step (TS 33.501 §6.9.2.3.3)."""
    gnbs = await bench.gnb(), await bench.gnb()
    ue = await attached(bench, gnbs[0])
    for number in range(1, 7):
        await moves(bench, ue, gnbs[number % 2], "n2")
    await moves(bench, ue, gnbs[1], "xn")
    await is_served(bench, ue)


@scenario("mobility")
async def n2_handover_with_three_sessions(bench: Bench) -> None:
    """Every session of the UE moves (TS 23.502 §4.9.1.3.2, TS 38.413 §8.4.2.2)."""
    source, target = await bench.gnb(), await bench.gnb()
    ue = await attached(bench, source, 3)
    await moves(bench, ue, target, "n2")
    command = await bench.hears(ngap.HandoverCommand, source)
    handed = check.present(command.pdu_session_resource_handover_list, "the list of sessions")
    check.equal(sorted(i.pdu_session_id for i in handed), [1, 2, 3], "sessions handed over")


@scenario("mobility")
async def n2_handover_of_a_part(bench: Bench) -> None:
    """A session that the target does not admit is named for release, the other moves.

    TS 38.413 §8.4.1.2, §8.4.2.2.
    """
    source, target = await bench.gnb(), await bench.gnb()
    ue = await attached(bench, source, 2)
    target.admission.session = lambda number, session: NO_ROOM if number == 2 else None
    await bench.succeeds(bench.hand_over(ue, target, "n2"), "handover by N2")
    command = await bench.hears(ngap.HandoverCommand, source)
    ended = check.present(command.pdu_session_resource_to_release_list_ho_cmd, "the list for release")
    check.equal([i.pdu_session_id for i in ended], [2], "sessions for release")
    await is_served(bench, ue)


@scenario("mobility")
async def n2_handover_that_the_target_refuses(bench: Bench) -> None:
    """HANDOVER FAILURE of the target becomes HANDOVER PREPARATION FAILURE, the UE stays.

    TS 38.413 §8.4.1.3, §8.4.2.3.
    """
    source, target = await bench.gnb(), await bench.gnb()
    ue = await attached(bench, source)
    target.admission.handover = lambda cell: NO_ROOM
    await bench.refused(bench.hand_over(ue, target, "n2"), "a handover that the target refuses")
    failure = await bench.hears(ngap.HandoverPreparationFailure, source)
    check.equal(failure.cause, NO_ROOM, "the cause")
    await is_served(bench, ue)


@scenario("mobility")
async def n2_handover_to_nowhere(bench: Bench) -> None:
    """A target that is not connected: HANDOVER PREPARATION FAILURE 'unknown target' (TS 38.413 §8.4.1.3)."""
    source, target = await bench.gnb(), await bench.gnb()
    ue = await attached(bench, source)
    away = bench.unattached_gnb()
    await bench.refused(bench.hand_over(ue, away, "n2"), "a handover to a gNB that is not connected")
    failure = await bench.hears(ngap.HandoverPreparationFailure, source)
    check.equal(failure.cause, ("radioNetwork", "unknown-targetID"), "the cause")
    await moves(bench, ue, target, "n2")


@scenario("mobility", within=60.0)
async def n2_handover_to_a_silent_target(bench: Bench) -> None:
    """A silent target: the source is told of failure, or its cancellation acknowledged (TS 38.413 §8.4.1.3, §8.4.5)."""
    source, target = await bench.gnb(), await bench.gnb()
    ue = await attached(bench, source)
    with target.station.mute(ngap.HandoverRequest):
        bench.soon(_forgiven_handover(bench, ue, target))
        ends = (ngap.HandoverPreparationFailure, ngap.HandoverCancelAcknowledge)
        await bench.hears_one_of(ends, source, within=30.0)
    await is_served(bench, ue)


@scenario("mobility")
async def n2_handover_cancelled(bench: Bench) -> None:
    """HANDOVER CANCEL of the source is acknowledged and the target let go (TS 38.413 §8.4.5)."""
    source, target = await bench.gnb(), await bench.gnb()
    ue = await attached(bench, source)
    with target.station.drop(ngap.HandoverRequestAcknowledge):
        bench.soon(_forgiven_handover(bench, ue, target))
        await bench.hears(ngap.HandoverRequest, target)
        await bench.succeeds(bench.cancel_handover(ue), "cancellation")
    await bench.hears(ngap.HandoverCancelAcknowledge, source)
    await is_served(bench, ue)


async def _forgiven_handover(bench: Bench, ue: Ue, target: Gnb) -> None:
    await bench.forgiven(bench.hand_over(ue, target, "n2"))


@scenario("mobility", within=60.0)
async def n2_handover_of_a_ue_that_does_not_go(bench: Bench) -> None:
    """A UE that is commanded and never arrives: the source cancels, and the UE is served there (TS 38.413 §8.4.5)."""
    source, target = await bench.gnb(), await bench.gnb()
    ue = await attached(bench, source)
    bench.stays(ue)
    try:
        await bench.hand_over(ue, target, "n2")
    except (Refused, TimerExpired, Aborted):
        pass
    else:
        check.that(False, "the handover came to an end although the UE did not go")
    await is_served(bench, ue)


@scenario("mobility")
async def idle_after_a_handover(bench: Bench) -> None:
    """At the target the UE goes idle and comes back with its session (TS 23.502 §4.9.1.2.2, §4.2.3.2)."""
    source, target = await bench.gnb(), await bench.gnb()
    ue = await attached(bench, source)
    await moves(bench, ue, target, "xn")
    await bench.released(ue)
    await bench.succeeds(ue.request_service(), "service request at the target")
    await bench.until(lambda: ue.sessions[1].context.bearer, "the bearer is up at the target")


@scenario("mobility")
async def session_after_a_handover(bench: Bench) -> None:
    """At the target the UE opens another session and releases the first (TS 23.502 §4.3.2.2.1, §4.3.4.2)."""
    source, target = await bench.gnb(), await bench.gnb()
    ue = await bench.registered(source, sessions=(bench.session(), bench.session()))
    await bench.succeeds(ue.establish_session(0), "PDU session at the source")
    await moves(bench, ue, target, "n2")
    await bench.succeeds(ue.establish_session(1), "PDU session at the target")
    await bench.succeeds(ue.release_session(1), "release of the first session")


@scenario("mobility")
async def deregistration_after_a_handover(bench: Bench) -> None:
    """At the target the UE deregisters and its context is released there (TS 23.502 §4.2.2.3.2)."""
    source, target = await bench.gnb(), await bench.gnb()
    ue = await attached(bench, source)
    await moves(bench, ue, target, "n2")
    await bench.succeeds(ue.deregister(), "deregistration at the target")
    await bench.hears(ngap.UEContextReleaseCommand, target)


@scenario("mobility")
async def the_source_dies_after_a_handover(bench: Bench) -> None:
    """When the source's association ends, a UE that has moved away is not touched.

    TS 38.412 §7, TS 23.502 §4.9.1.2.2.
    """
    source, target = await bench.gnb(), await bench.gnb()
    ue = await attached(bench, source)
    await moves(bench, ue, target, "xn")
    await bench.loses_its_association(source)
    await is_served(bench, ue)


@scenario("mobility")
async def reselection_while_idle(bench: Bench) -> None:
    """An idle UE that camps on another gNB's cell comes back there by a service request (TS 23.502 §4.2.3.2)."""
    source, target = await bench.gnb(), await bench.gnb()
    ue = await attached(bench, source)
    await bench.released(ue)
    await bench.moved(ue, target)
    await bench.succeeds(ue.request_service(), "service request at the other gNB")
    await bench.until(lambda: ue.sessions[1].context.bearer, "the bearer is up at the other gNB")


@scenario("mobility")
async def two_ues_cross(bench: Bench) -> None:
    """Two UEs swap their gNBs at the same time, one by Xn, one by N2 (TS 23.502 §4.9.1.2, §4.9.1.3)."""
    one, other = await bench.gnb(), await bench.gnb()
    first, second = await attached(bench, one), await attached(bench, other)
    await bench.all(moves(bench, first, other, "xn"), moves(bench, second, one, "n2"))
    await asyncio.sleep(0.1)
    await is_served(bench, first)
    await is_served(bench, second)


@scenario("mobility", needs=("two tracking areas",))
async def handover_to_another_tracking_area(bench: Bench) -> None:
    """In another tracking area the UE goes on, and registers where the area is not in its list.

    TS 24.501 §5.5.1.3.2.
    """
    core = bench.target.core
    source, target = await bench.gnb(), await bench.gnb(tac=core.tacs[1])
    ue = await attached(bench, source)
    await moves(bench, ue, target, "n2")
    await is_served(bench, ue)
