"""Handover Preparation (TS 38.413 §8.4.1) and Handover Cancellation (§8.4.5): the source of an N2 handover."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from cinq.procedure import Declined, Refused, Timer, TimerExpired, procedure
from cinq.ran.gnb.context import CellId, PdcpCounts, TunnelEnd
from cinq.ran.gnb.n2 import UeContext
from cinq.ran.gnb.n2.elements import Unsuccessful, far_ends, global_gnb_id, nr_cgi, tai
from cinq.ran.gnb.n2.reasons import why
from cinq.ran.gnb.procedures import status_transfer, ue_context_release, ue_context_release_request
from cinq.ran.gnb.signals import CancelHandover, HandOverByN2, PrepareHandover
from cinq.ran.radio.rrc import HANDOVER_PREPARATION_INFORMATION
from cinq.wire import ngap

CANCEL = Timer("Handover Cancel", 5, 0)
_LEAVING: ngap.CauseRadioNetwork = "ng-intra-system-handover-triggered"
_MOST_CELLS = 16  # §9.3.1.95: maxnoofCellsinUEHistoryInfo


@procedure(opens=HandOverByN2)
async def n2_handover(ue: UeContext, wanted: HandOverByN2) -> None:
    """TS 23.502 §4.9.1.3 as the source gNB has it. Refused: the UE stays, and the AMF knows it."""
    settings = ue.n2.ports.settings
    command = await prepare(ue, PrepareHandover(wanted.target, wanted.cause, wanted.direct))  # 4.9.1.3.2
    released = {item.pdu_session_id for item in command.pdu_session_resource_to_release_list_ho_cmd or ()}

    def left(counts: Mapping[int, PdcpCounts]) -> None:
        status_transfer.uplink(ue, counts, released)  # 4.9.1.3.3 step 2a

    ue.relocates(settings.t_ng_reloc_overall_s, lambda: overall_expired(ue))
    container, forwarding = container_of(command), forwarding_of(command)
    try:
        arrived = await ue.link.hand_over(wanted.target, container, left, forwarding)  # steps 3 and 4
    finally:
        gone = ue_context_release.owed(ue)  # step 14 may come before the UE has left
    if not arrived and not gone:
        ue.stays()
        await cancel(ue, CancelHandover(("radioNetwork", "failure-in-radio-interface-procedure")))
        raise Refused(None, f"the UE did not arrive in {wanted.target}")


@procedure(opens=PrepareHandover)
async def prepare(ue: UeContext, wanted: PrepareHandover) -> ngap.HandoverCommand:
    """§8.4.1. Refused: with the HANDOVER PREPARATION FAILURE. TimerExpired: TNGRELOCprep, after cancellation."""
    ue.require()
    timer = Timer("TNGRELOCprep", ue.n2.ports.settings.t_ng_reloc_prep_s, 0)
    ue.commit(leaving=_LEAVING)
    try:
        answer = await ue.ask(
            _required(ue, wanted), ngap.HandoverCommand, ngap.HandoverPreparationFailure, timer=timer
        )
    except TimerExpired:
        await cancel(ue, CancelHandover(("radioNetwork", "tngrelocprep-expiry")))
        raise
    except Declined:
        ue.commit(leaving=None)
        raise
    if isinstance(answer, ngap.HandoverPreparationFailure):
        ue.commit(leaving=None)
        settings = ue.n2.ports.settings
        raise Refused(answer, why("Handover Preparation Failure", answer.cause, settings, wanted.target))
    return answer


@procedure(opens=CancelHandover)
async def cancel(ue: UeContext, wanted: CancelHandover) -> None:
    """§8.4.5. An acknowledgement that does not come, or cannot, counts as come (§8.4.5.4)."""
    assert ue.amf_ue_ngap_id is not None
    message = ngap.HandoverCancel(
        amf_ue_ngap_id=ue.amf_ue_ngap_id, ran_ue_ngap_id=ue.ran_ue_ngap_id, cause=wanted.cause
    )
    ue.stays()
    with suppress(TimerExpired, Declined):
        await ue.ask(message, ngap.HandoverCancelAcknowledge, timer=CANCEL)
    ue.commit(leaving=None)


def overall_expired(ue: UeContext, cause: ngap.CauseRadioNetwork = "tngrelocoverall-expiry") -> None:
    """TNGRELOCoverall or TXnRELOCOverall: nobody released the UE that left (§8.3.3.4)."""
    ue_context_release_request.send(ue, ("radioNetwork", cause))


def container_of(command: ngap.HandoverCommand) -> bytes:
    """The RRC container of the Target to Source Transparent Container; b"" where it cannot be read."""
    try:
        found = ngap.decode_value(
            ngap.TargetNGRANNodeToSourceNGRANNodeTransparentContainer,
            command.target_to_source_transparent_container,
        )
    except ngap.NgapError:
        return b""
    return found.rrc_container


def forwarding_of(command: ngap.HandoverCommand) -> dict[int, TunnelEnd]:
    """Where downlink packets of each session go on to (Handover Command Transfer, §9.3.4.10).

    To the target directly or to the UPF, as the core has it; a session without such a tunnel loses them.
    """
    found: dict[int, TunnelEnd] = {}
    for item in command.pdu_session_resource_handover_list or ():
        try:
            transfer = ngap.decode_value(ngap.HandoverCommandTransfer, item.handover_command_transfer)
            if transfer.dl_forwarding_up_tnl_information is not None:
                found[item.pdu_session_id] = TunnelEnd(*far_ends(transfer.dl_forwarding_up_tnl_information))
        except (ngap.NgapError, Unsuccessful):
            continue
    return found


def _required(ue: UeContext, wanted: PrepareHandover) -> ngap.HandoverRequired:
    """HANDOVER REQUIRED, §9.2.3.1."""
    assert ue.amf_ue_ngap_id is not None
    target = wanted.target
    direct: ngap.DirectForwardingPathAvailability | None = "direct-path-available" if wanted.direct else None
    transfer = ngap.encode_value(ngap.HandoverRequiredTransfer(direct_forwarding_path_availability=direct))
    sessions = [
        ngap.PDUSessionResourceItemHORqd(pdu_session_id=psi, handover_required_transfer=transfer)
        for psi in ue.sessions
    ]
    return ngap.HandoverRequired(
        amf_ue_ngap_id=ue.amf_ue_ngap_id,
        ran_ue_ngap_id=ue.ran_ue_ngap_id,
        handover_type="intra5gs",
        cause=wanted.cause,
        target_id=(
            "targetRANNodeID",
            ngap.TargetRANNodeID(global_ran_node_id=global_gnb_id(target.gnb), selected_tai=tai(target.tai)),
        ),
        direct_forwarding_path_availability=direct,
        pdu_session_resource_list_ho_rqd=sessions,
        source_to_target_transparent_container=ngap.encode_value(_container(ue, target)),
    )


def _container(ue: UeContext, target: CellId) -> ngap.SourceNGRANNodeToTargetNGRANNodeTransparentContainer:
    """§9.3.1.29: downlink forwarding is proposed for every flow."""
    sessions = [
        ngap.PDUSessionResourceInformationItem(
            pdu_session_id=psi,
            qos_flow_information_list=[
                ngap.QosFlowInformationItem(qos_flow_identifier=qfi, dl_forwarding="dl-forwarding-proposed")
                for qfi in session.qfis
            ],
        )
        for psi, session in ue.sessions.items()
    ]
    return ngap.SourceNGRANNodeToTargetNGRANNodeTransparentContainer(
        rrc_container=HANDOVER_PREPARATION_INFORMATION,
        pdu_session_resource_information_list=sessions or None,
        target_cell_id=("nR-CGI", nr_cgi(target)),
        ue_history_information=history(ue),
    )


def history(ue: UeContext) -> list[ngap.LastVisitedCellItem]:
    """UE History Information, §9.3.1.95: the present cell first."""
    here = ngap.LastVisitedNGRANCellInformation(
        global_cell_id=("nR-CGI", nr_cgi(ue.cell)),
        cell_type=ngap.CellType(cell_size="medium"),
        time_ue_stayed_in_cell=ue.stayed_s,
    )
    item = ngap.LastVisitedCellItem(last_visited_cell_information=("nGRANCell", here))
    return [item, *ue.context.history][:_MOST_CELLS]
