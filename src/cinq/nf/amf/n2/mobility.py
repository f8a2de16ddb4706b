"""The NGAP messages of path switch and handover that the AMF sends, built from data. Nothing is sent here."""

from __future__ import annotations

from collections.abc import Mapping

from cinq.nf.amf.context import UeContext
from cinq.nf.amf.n1.exchange import NextHop, Relocation
from cinq.nf.amf.n2 import elements
from cinq.nf.amf.n2.carriage import UNLIMITED, Identities, Resource
from cinq.nf.amf.n2.standing import Standing
from cinq.nf.amf.settings import Settings
from cinq.wire import ngap

NOT_SWITCHED: ngap.Cause = ("radioNetwork", "unspecified")


def path_switch_acknowledge(
    ids: Identities,
    context: UeContext,
    next_hop: NextHop,
    switched: Mapping[int, bytes],
    released: Mapping[int, bytes],
    capabilities_differ: bool,
) -> ngap.PathSwitchRequestAcknowledge:
    """TS 38.413 §8.4.4.2. switched, released: transfers by PDU session.

    capabilities_differ: the gNB has others than the AMF: it is told those of the AMF (TS 33.501 §6.7.3.1).
    """
    capabilities = elements.security_capabilities(context.security_capability)
    gone = [
        ngap.PDUSessionResourceReleasedItemPSAck(
            pdu_session_id=number, path_switch_request_unsuccessful_transfer=transfer
        )
        for number, transfer in released.items()
    ]
    return ngap.PathSwitchRequestAcknowledge(
        amf_ue_ngap_id=ids.amf_ue_ngap_id,
        ran_ue_ngap_id=ids.ran_ue_ngap_id,
        ue_security_capabilities=capabilities if capabilities_differ else None,
        security_context=_security_context(next_hop),
        new_security_context_ind="true" if next_hop.new_key else None,
        pdu_session_resource_switched_list=[
            ngap.PDUSessionResourceSwitchedItem(
                pdu_session_id=number, path_switch_request_acknowledge_transfer=transfer
            )
            for number, transfer in switched.items()
        ],
        pdu_session_resource_released_list_ps_ack=gone or None,
        allowed_nssai=elements.allowed_nssai(context.allowed_nssai),
    )


def preparation_failure(
    required: ngap.HandoverRequired, cause: ngap.Cause, container: bytes | None = None
) -> ngap.HandoverPreparationFailure:
    """§8.4.1.3. container: from the target to the source."""
    return ngap.HandoverPreparationFailure(
        amf_ue_ngap_id=required.amf_ue_ngap_id,
        ran_ue_ngap_id=required.ran_ue_ngap_id,
        cause=cause,
        targetto_source_failure_transparent_container=container,
    )


def handover_request(
    target: Identities,
    required: ngap.HandoverRequired,
    context: UeContext,
    settings: Settings,
    relocation: Relocation,
    resources: list[Resource],
    standing: Standing,
) -> ngap.HandoverRequest:
    """§8.4.2.2, to the target."""
    return ngap.HandoverRequest(
        amf_ue_ngap_id=target.amf_ue_ngap_id,
        handover_type=required.handover_type,
        cause=required.cause,
        ue_aggregate_maximum_bit_rate=elements.ue_ambr(context.ue_ambr or UNLIMITED),
        ue_security_capabilities=elements.security_capabilities(context.security_capability),
        security_context=_security_context(relocation.next_hop),
        new_security_context_ind="true" if relocation.next_hop.new_key else None,
        nasc=relocation.container or None,
        pdu_session_resource_setup_list_ho_req=[
            ngap.PDUSessionResourceSetupItemHOReq(
                pdu_session_id=resource.transfer.pdu_session_id,
                s_nssai=resource.s_nssai(settings),
                handover_request_transfer=resource.transfer.n2 or b"",
            )
            for resource in resources
        ],
        allowed_nssai=elements.allowed_nssai(context.allowed_nssai),
        masked_imeisv=elements.masked_imeisv(context.pei) if context.pei else None,
        source_to_target_transparent_container=required.source_to_target_transparent_container,
        trace_activation=standing.trace,
        location_reporting_request_type=standing.location,
        guami=elements.guami(settings.plmn, settings.amf_id),
    )


def handover_command(
    source: Identities,
    required: ngap.HandoverRequired,
    acknowledge: ngap.HandoverRequestAcknowledge,
    handed: Mapping[int, bytes],
    released: Mapping[int, bytes],
) -> ngap.HandoverCommand:
    """§8.4.1.2, to the source. handed, released: transfers by PDU session."""
    to_target = [
        ngap.PDUSessionResourceHandoverItem(pdu_session_id=number, handover_command_transfer=transfer)
        for number, transfer in handed.items()
    ]
    to_release = [
        ngap.PDUSessionResourceToReleaseItemHOCmd(
            pdu_session_id=number, handover_preparation_unsuccessful_transfer=transfer
        )
        for number, transfer in released.items()
    ]
    return ngap.HandoverCommand(
        amf_ue_ngap_id=source.amf_ue_ngap_id,
        ran_ue_ngap_id=source.ran_ue_ngap_id,
        handover_type=required.handover_type,
        pdu_session_resource_handover_list=to_target or None,
        pdu_session_resource_to_release_list_ho_cmd=to_release or None,
        target_to_source_transparent_container=acknowledge.target_to_source_transparent_container,
    )


def not_handed_over(cause: ngap.Cause) -> bytes:
    """Handover Preparation Unsuccessful Transfer, §9.3.4.18."""
    return ngap.encode_value(ngap.HandoverPreparationUnsuccessfulTransfer(cause=cause))


def not_allocated(cause: ngap.Cause) -> bytes:
    """Handover Resource Allocation Unsuccessful Transfer, §9.3.4.19, for a session that the target said nothing of."""
    return ngap.encode_value(ngap.HandoverResourceAllocationUnsuccessfulTransfer(cause=cause))


def _security_context(next_hop: NextHop) -> ngap.SecurityContext:
    return ngap.SecurityContext(
        next_hop_chaining_count=next_hop.ncc, next_hop_nh=int.from_bytes(next_hop.nh, "big")
    )
