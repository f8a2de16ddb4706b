"""What a gNB is told of a PDU session, and what it tells of it: N2 SM information, TS 38.413 §9.3.4."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeVar

from cinq.nf.smf.context import AnTunnel, SessionType, SmContext, UserPlaneSecurity, n3_ends
from cinq.nf.smf.flows import Difference, QosFlow, SessionQos
from cinq.transport_address import TransportAddress, is_one_host
from cinq.wire import ngap

T = TypeVar("T", bound=ngap.Sequence)

NORMAL_RELEASE: ngap.Cause = ("nas", "normal-release")
_INTEGRITY: dict[str, Literal["required", "preferred", "not-needed"]] = {
    "REQUIRED": "required",
    "PREFERRED": "preferred",
    "NOT_NEEDED": "not-needed",
}
_SESSION_TYPES: dict[SessionType, ngap.PDUSessionType] = {
    "IPV4": "ipv4",
    "IPV6": "ipv6",
    "IPV4V6": "ipv4v6",
    "ETHERNET": "ethernet",
}
_RATES: dict[str, Literal["bitrate64kbs", "maximum-UE-rate"]] = {
    "64kbps": "bitrate64kbs",
    "full": "maximum-UE-rate",
}


class TransferError(ValueError):
    """A transfer that cannot be used: unreadable, or with values that no gNB may send."""


# -- towards the gNB ------------------------------------------------------------------------------------


def setup_request_transfer(
    context: SmContext, *, direct_forwarding: bool = False, forwarding_impossible: bool = False
) -> bytes:
    """PDU Session Resource Setup Request Transfer, §9.3.4.1."""
    kind = _SESSION_TYPES[context.session_type]
    near = context.access
    tunnel = (near.teid, near.n3_address, near.n3_ipv6)
    return _setup_request(
        tunnel, kind, context.qos, context.security, direct_forwarding, forwarding_impossible
    )


@lru_cache(64)  # of a UE that is paged the AMF has it twice
def _setup_request(
    tunnel: tuple[int, int, bytes],
    kind: ngap.PDUSessionType,
    qos: SessionQos,
    security: UserPlaneSecurity | None,
    direct_forwarding: bool,
    forwarding_impossible: bool,
) -> bytes:
    """tunnel: TEID and addresses of our end, as an SM context has them."""
    teid, ipv4, ipv6 = tunnel
    return ngap.encode_value(
        ngap.PDUSessionResourceSetupRequestTransfer(
            pdu_session_aggregate_maximum_bit_rate=_ambr(qos),
            ul_ngu_up_tnl_information=tunnel_information(teid, n3_ends(ipv4, ipv6)),
            data_forwarding_not_possible="data-forwarding-not-possible" if forwarding_impossible else None,
            pdu_session_type=kind,
            security_indication=security_indication(security),
            qos_flow_setup_request_list=_setup_items(qos),
            direct_forwarding_path_availability="direct-path-available" if direct_forwarding else None,
        )
    )


@lru_cache(256)
def _setup_items(qos: SessionQos) -> list[ngap.QosFlowSetupRequestItem]:
    """Most sessions have the same; nobody changes them."""
    return [
        ngap.QosFlowSetupRequestItem(
            qos_flow_identifier=flow.qfi, qos_flow_level_qos_parameters=_parameters(flow)
        )
        for flow in qos.flows
    ]


def modify_request_transfer(context: SmContext, change: Difference) -> bytes:
    """PDU Session Resource Modify Request Transfer, §9.3.4.3, of what changes; b"" when a gNB has nothing to do.

    context: with the QoS that is to be.
    """
    wanted = [*change.new_flows, *(after for _, after in change.changed_flows)]
    if change.ambr is None and not wanted and not change.gone_flows:
        return b""
    return ngap.encode_value(
        ngap.PDUSessionResourceModifyRequestTransfer(
            pdu_session_aggregate_maximum_bit_rate=None if change.ambr is None else _ambr(context.qos),
            qos_flow_add_or_modify_request_list=[
                ngap.QosFlowAddOrModifyRequestItem(
                    qos_flow_identifier=flow.qfi, qos_flow_level_qos_parameters=_parameters(flow)
                )
                for flow in wanted
            ]
            or None,
            qos_flow_to_release_list=[
                ngap.QosFlowWithCauseItem(qos_flow_identifier=flow.qfi, cause=NORMAL_RELEASE)
                for flow in change.gone_flows
            ]
            or None,
        )
    )


def uplink_moved_transfer(context: SmContext, an: AnTunnel) -> bytes:
    """PDU Session Resource Modify Request Transfer, §9.3.4.3: uplink packets go to another end."""
    item = ngap.ULNGUUPTNLModifyItem(
        ul_ngu_up_tnl_information=uplink_tunnel(context),
        dl_ngu_up_tnl_information=tunnel_information(an.teid, an.ends),
    )
    return ngap.encode_value(ngap.PDUSessionResourceModifyRequestTransfer(ul_ngu_up_tnl_modify_list=[item]))


def release_command_transfer(cause: ngap.Cause = NORMAL_RELEASE) -> bytes:
    """PDU Session Resource Release Command Transfer, §9.3.4.12."""
    return ngap.encode_value(ngap.PDUSessionResourceReleaseCommandTransfer(cause=cause))


def uplink_tunnel(context: SmContext) -> ngap.UPTransportLayerInformation:
    """Our end of N3: the UPF's."""
    return tunnel_information(context.access.teid, context.n3)


def tunnel_information(teid: int, ends: TransportAddress) -> ngap.UPTransportLayerInformation:
    tunnel = ngap.GTPTunnel(transport_layer_address=ends.bits, gtp_teid=teid.to_bytes(4, "big"))
    return "gTPTunnel", tunnel


def _ambr(qos: SessionQos) -> ngap.PDUSessionAggregateMaximumBitRate:
    ambr = qos.ambr
    return ngap.PDUSessionAggregateMaximumBitRate(
        pdu_session_aggregate_maximum_bit_rate_dl=ambr.downlink_bps,
        pdu_session_aggregate_maximum_bit_rate_ul=ambr.uplink_bps,
    )


def _parameters(flow: QosFlow) -> ngap.QosFlowLevelQosParameters:
    """QoS Flow Level QoS Parameters, §9.3.1.12."""
    profile = flow.profile
    descriptor = ngap.NonDynamic5QIDescriptor(
        five_qi=profile.five_qi,
        priority_level_qos=profile.priority_level,
        averaging_window=profile.averaging_window,
        maximum_data_burst_volume=profile.max_data_burst,
    )
    return ngap.QosFlowLevelQosParameters(
        qos_characteristics=("nonDynamic5QI", descriptor),
        allocation_and_retention_priority=ngap.AllocationAndRetentionPriority(
            priority_level_arp=profile.arp_priority,
            pre_emption_capability="may-trigger-pre-emption"
            if profile.may_preempt
            else "shall-not-trigger-pre-emption",
            pre_emption_vulnerability="pre-emptable" if profile.preemptable else "not-pre-emptable",
        ),
        gbr_qos_information=_guaranteed(flow),
        reflective_qos_attribute="subject-to" if flow.reflective else None,
    )


def _guaranteed(flow: QosFlow) -> ngap.GBRQosInformation | None:
    least, most = flow.gfbr, flow.mfbr
    if least is None or most is None:
        return None
    return ngap.GBRQosInformation(
        maximum_flow_bit_rate_dl=most.downlink_bps,
        maximum_flow_bit_rate_ul=most.uplink_bps,
        guaranteed_flow_bit_rate_dl=least.downlink_bps,
        guaranteed_flow_bit_rate_ul=least.uplink_bps,
        notification_control="notification-requested" if flow.profile.notification_control else None,
        maximum_packet_loss_rate_dl=flow.loss_downlink,
        maximum_packet_loss_rate_ul=flow.loss_uplink,
    )


@lru_cache(64)
def security_indication(security: UserPlaneSecurity | None) -> ngap.SecurityIndication | None:
    """Security Indication, §9.3.1.27; the rates only where integrity may be protected."""
    if security is None:
        return None
    integrity = security.integrity != "NOT_NEEDED"
    return ngap.SecurityIndication(
        integrity_protection_indication=_INTEGRITY[security.integrity],
        confidentiality_protection_indication=_INTEGRITY[security.confidentiality],
        maximum_integrity_protected_data_rate_ul=_RATES[security.rate_uplink] if integrity else None,
        maximum_integrity_protected_data_rate_dl=_RATES[security.rate_downlink] if integrity else None,
    )


# -- from the gNB ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Modified:
    """The gNB did what it was asked to modify, but for the flows that failed. an: its end of N3 where that moved."""

    failed: frozenset[int] = frozenset()
    an: AnTunnel | None = None


@dataclass(frozen=True, slots=True)
class Resources:
    """What a gNB has set up: its end of N3, the QoS flows on it, those it refused; whether security is performed."""

    an: AnTunnel
    flows: frozenset[int]
    failed: frozenset[int] = frozenset()
    integrity: bool | None = None
    confidentiality: bool | None = None


def read(kind: type[T], octets: bytes) -> T:
    """A transfer. TransferError when the octets are none."""
    try:
        return ngap.decode_value(kind, octets)
    except ngap.NgapError as error:
        raise TransferError(f"{kind.__name__}: {error}") from None


def setup_response(octets: bytes) -> Resources:
    """PDU Session Resource Setup Response Transfer, §9.3.4.2. TransferError when it is none."""
    transfer = read(ngap.PDUSessionResourceSetupResponseTransfer, octets)
    flows = transfer.dl_qos_flow_per_tnl_information
    failed = transfer.qos_flow_failed_to_setup_list or ()
    return resources(
        flows.up_transport_layer_information,
        frozenset(flow.qos_flow_identifier for flow in flows.associated_qos_flow_list),
        frozenset(flow.qos_flow_identifier for flow in failed),
        transfer.security_result,
    )


def modify_response(octets: bytes) -> Modified:
    """PDU Session Resource Modify Response Transfer, §9.3.4.4. TransferError when it is none."""
    transfer = read(ngap.PDUSessionResourceModifyResponseTransfer, octets)
    failed = transfer.qos_flow_failed_to_add_or_modify_list or ()
    tunnel = transfer.dl_ngu_up_tnl_information
    return Modified(
        frozenset(flow.qos_flow_identifier for flow in failed),
        None if tunnel is None else an_tunnel(tunnel),
    )


def modify_unsuccessful(octets: bytes) -> ngap.Cause:
    """PDU Session Resource Modify Unsuccessful Transfer, §9.3.4.17. TransferError when it is none."""
    return read(ngap.PDUSessionResourceModifyUnsuccessfulTransfer, octets).cause


def resources(
    tunnel: ngap.UPTransportLayerInformation,
    flows: frozenset[int],
    failed: frozenset[int] = frozenset(),
    security: ngap.SecurityResult | None = None,
) -> Resources:
    return Resources(
        an_tunnel(tunnel),
        flows - failed,
        failed,
        None if security is None else security.integrity_protection_result == "performed",
        None if security is None else security.confidentiality_protection_result == "performed",
    )


def an_tunnel(tunnel: ngap.UPTransportLayerInformation) -> AnTunnel:
    """TransferError when an address is not of one host (TS 38.414 §5.1: of IPv4, IPv6 or both)."""
    try:
        ends = TransportAddress.from_bits(*tunnel[1].transport_layer_address)
    except ValueError as error:
        raise TransferError(str(error)) from None
    for end in ends.all:
        if not is_one_host(end):
            raise TransferError(f"{end} is not the address of one host")
    return AnTunnel(int.from_bytes(tunnel[1].gtp_teid, "big"), ends.ipv4, ends.ipv6)


def cause_text(cause: ngap.Cause) -> str:
    """ "radioNetwork: slice-not-supported"."""
    return f"{cause[0]}: {cause[1]}"
