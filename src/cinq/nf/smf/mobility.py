"""N2 SM information of a UE that moves: path switch, handover, modify indication, notify (TS 38.413 §9.3.4)."""

from __future__ import annotations

from dataclasses import dataclass

from cinq.nf.smf.context import AnTunnel, SmContext
from cinq.nf.smf.n2 import (
    Resources,
    TransferError,
    an_tunnel,
    read,
    resources,
    security_indication,
    tunnel_information,
    uplink_tunnel,
)
from cinq.wire import ngap

MOST_FORWARDED_DRBS = 32  # TS 38.413 maxnoofDRBs


# -- path switch ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Switched:
    """What a target gNB asks a path switch for. indication: the security policy that the source gave it."""

    made: Resources
    indication: ngap.SecurityIndication | None = None


def path_switch_request(octets: bytes) -> Switched:
    """Path Switch Request Transfer, §9.3.4.8. TransferError when it is none."""
    transfer = read(ngap.PathSwitchRequestTransfer, octets)
    security = transfer.user_plane_security_information
    made = resources(
        transfer.dl_ngu_up_tnl_information,
        frozenset(flow.qos_flow_identifier for flow in transfer.qos_flow_accepted_list),
        security=None if security is None else security.security_result,
    )
    return Switched(made, None if security is None else security.security_indication)


def path_switch_acknowledge(context: SmContext, told: ngap.SecurityIndication | None) -> bytes:
    """§9.3.4.9. Our security policy comes with it where the target was told another (TS 33.501 §6.6.1)."""
    ours = security_indication(context.security) if is_other_policy(context, told) else None
    return ngap.encode_value(
        ngap.PathSwitchRequestAcknowledgeTransfer(
            ul_ngu_up_tnl_information=uplink_tunnel(context), security_indication=ours
        )
    )


def is_other_policy(context: SmContext, told: ngap.SecurityIndication | None) -> bool:
    """Whether a gNB was told another user plane security policy than ours."""
    ours = security_indication(context.security)
    return ours is not None and told is not None and _policy(ours) != _policy(told)


def _policy(indication: ngap.SecurityIndication) -> tuple[str, str]:
    return indication.integrity_protection_indication, indication.confidentiality_protection_indication


def path_switch_unsuccessful(cause: ngap.Cause) -> bytes:
    """§9.3.4.20."""
    return ngap.encode_value(ngap.PathSwitchRequestUnsuccessfulTransfer(cause=cause))


def path_switch_setup_failed(octets: bytes) -> ngap.Cause:
    """§9.3.4.15. TransferError when it is none."""
    return read(ngap.PathSwitchRequestSetupFailedTransfer, octets).cause


# -- handover -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Forwarding:
    """A tunnel for forwarded packets: of the whole session (drb None) or of one DRB; end: where they are to go."""

    end: AnTunnel
    is_downlink: bool
    drb: int | None = None


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What a target gNB has set up. forwarded: the QoS flows whose data it takes."""

    made: Resources
    forwarded: frozenset[int] = frozenset()
    tunnels: tuple[Forwarding, ...] = ()


def handover_required(octets: bytes) -> bool:
    """Handover Required Transfer, §9.3.4.14: whether source and target reach each other directly."""
    return read(ngap.HandoverRequiredTransfer, octets).direct_forwarding_path_availability is not None


def handover_acknowledge(octets: bytes) -> Acknowledged:
    """Handover Request Acknowledge Transfer, §9.3.4.11. TransferError when it is none."""
    transfer = read(ngap.HandoverRequestAcknowledgeTransfer, octets)
    flows = transfer.qos_flow_setup_response_list
    made = resources(
        transfer.dl_ngu_up_tnl_information,
        frozenset(flow.qos_flow_identifier for flow in flows),
        frozenset(flow.qos_flow_identifier for flow in transfer.qos_flow_failed_to_setup_list or ()),
        transfer.security_result,
    )
    forwarded = frozenset(f.qos_flow_identifier for f in flows if f.data_forwarding_accepted is not None)
    return Acknowledged(made, forwarded & made.flows, _tunnels(transfer))


def _tunnels(transfer: ngap.HandoverRequestAcknowledgeTransfer) -> tuple[Forwarding, ...]:
    drbs = transfer.data_forwarding_response_drb_list or ()
    if len({each.drb_id for each in drbs}) != len(drbs):
        raise TransferError("Data Forwarding Response DRB List names a DRB twice")
    ends: list[tuple[ngap.UPTransportLayerInformation | None, bool, int | None]] = [
        (transfer.dl_forwarding_up_tnl_information, True, None),
        (transfer.ul_forwarding_up_tnl_information, False, None),
    ]
    for each in drbs:
        ends.append((each.dl_forwarding_up_tnl_information, True, each.drb_id))
        ends.append((each.ul_forwarding_up_tnl_information, False, each.drb_id))
    return tuple(Forwarding(an_tunnel(end), down, drb) for end, down, drb in ends if end is not None)


def handover_command(forwarded: frozenset[int], tunnels: tuple[Forwarding, ...]) -> bytes:
    """Handover Command Transfer, §9.3.4.10. tunnels: where the source is to send forwarded packets."""
    drbs: dict[int, ngap.DataForwardingResponseDRBItem] = {}
    for drb in dict.fromkeys(t.drb for t in tunnels if t.drb is not None):
        drbs[drb] = ngap.DataForwardingResponseDRBItem(
            drb_id=drb,
            dl_forwarding_up_tnl_information=_information(tunnels, drb, is_downlink=True),
            ul_forwarding_up_tnl_information=_information(tunnels, drb, is_downlink=False),
        )
    items = [ngap.QosFlowToBeForwardedItem(qos_flow_identifier=qfi) for qfi in sorted(forwarded)]
    return ngap.encode_value(
        ngap.HandoverCommandTransfer(
            dl_forwarding_up_tnl_information=_information(tunnels, None, is_downlink=True),
            qos_flow_to_be_forwarded_list=items if tunnels and items else None,
            data_forwarding_response_drb_list=list(drbs.values()) or None,
            ul_forwarding_up_tnl_information=_information(tunnels, None, is_downlink=False),
        )
    )


def _information(
    tunnels: tuple[Forwarding, ...], drb: int | None, *, is_downlink: bool
) -> ngap.UPTransportLayerInformation | None:
    for tunnel in tunnels:
        if (tunnel.drb, tunnel.is_downlink) == (drb, is_downlink):
            return tunnel_information(tunnel.end.teid, tunnel.end.ends)
    return None


def handover_preparation_unsuccessful(cause: ngap.Cause) -> bytes:
    """§9.3.4.18."""
    return ngap.encode_value(ngap.HandoverPreparationUnsuccessfulTransfer(cause=cause))


def handover_allocation_unsuccessful(octets: bytes) -> ngap.Cause:
    """Handover Resource Allocation Unsuccessful Transfer, §9.3.4.19. TransferError when it is none."""
    return read(ngap.HandoverResourceAllocationUnsuccessfulTransfer, octets).cause


# -- what a gNB says on its own -------------------------------------------------------------------------


def modify_indication(octets: bytes) -> Resources:
    """PDU Session Resource Modify Indication Transfer, §9.3.4.6. TransferError when it is none."""
    transfer = read(ngap.PDUSessionResourceModifyIndicationTransfer, octets)
    flows = transfer.dl_qos_flow_per_tnl_information
    if transfer.additional_dl_qos_flow_per_tnl_information:
        raise TransferError("the session is split over two tunnels, which this UPF does not serve")
    return resources(
        flows.up_transport_layer_information,
        frozenset(flow.qos_flow_identifier for flow in flows.associated_qos_flow_list),
        security=transfer.security_result,
    )


def modify_confirm(context: SmContext, made: Resources) -> bytes:
    """PDU Session Resource Modify Confirm Transfer, §9.3.4.7. Flows that the session has not are not modified."""
    known = {flow.qfi for flow in context.qos.flows}
    unknown: ngap.Cause = ("radioNetwork", "unkown-qos-flow-ID")
    return ngap.encode_value(
        ngap.PDUSessionResourceModifyConfirmTransfer(
            qos_flow_modify_confirm_list=[
                ngap.QosFlowModifyConfirmItem(qos_flow_identifier=qfi) for qfi in sorted(made.flows & known)
            ],
            ulngu_up_tnl_information=uplink_tunnel(context),
            qos_flow_failed_to_modify_list=[
                ngap.QosFlowWithCauseItem(qos_flow_identifier=qfi, cause=unknown)
                for qfi in sorted(made.flows - known)
            ]
            or None,
        )
    )


def modify_indication_unsuccessful(cause: ngap.Cause) -> bytes:
    """§9.3.4.22."""
    return ngap.encode_value(ngap.PDUSessionResourceModifyIndicationUnsuccessfulTransfer(cause=cause))


@dataclass(frozen=True, slots=True)
class Notified:
    """released: flows that the gNB let go. fulfilled, unfulfilled: GBR flows whose GFBR is met again, or is not."""

    released: frozenset[int] = frozenset()
    fulfilled: frozenset[int] = frozenset()
    unfulfilled: frozenset[int] = frozenset()


def notify(octets: bytes) -> Notified:
    """PDU Session Resource Notify Transfer, §9.3.4.5. TransferError when it is none."""
    transfer = read(ngap.PDUSessionResourceNotifyTransfer, octets)
    said = transfer.qos_flow_notify_list or ()
    return Notified(
        frozenset(flow.qos_flow_identifier for flow in transfer.qos_flow_released_list or ()),
        frozenset(f.qos_flow_identifier for f in said if f.notification_cause == "fulfilled"),
        frozenset(f.qos_flow_identifier for f in said if f.notification_cause == "not-fulfilled"),
    )


def notify_released(octets: bytes) -> ngap.Cause:
    """PDU Session Resource Notify Released Transfer, §9.3.4.13. TransferError when it is none."""
    return read(ngap.PDUSessionResourceNotifyReleasedTransfer, octets).cause


def secondary_rat_usage(octets: bytes) -> str:
    """Secondary RAT Data Usage Report Transfer, §9.3.4.23, in one line. TransferError when it is none."""
    usage = read(ngap.SecondaryRATDataUsageReportTransfer, octets).secondary_rat_usage_information
    report = None if usage is None else usage.pdu_session_usage_report
    if report is None:
        return "secondary RAT usage: none for the session as a whole"
    uplink = sum(item.usage_count_ul for item in report.pdu_session_timed_report_list)
    downlink = sum(item.usage_count_dl for item in report.pdu_session_timed_report_list)
    return f"secondary RAT usage ({report.rat_type}): {uplink} octets uplink, {downlink} downlink"
