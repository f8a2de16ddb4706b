"""What UE and gNB are told of a PDU session: 5GSM messages (TS 24.501 §8.3), N2 SM information (TS 38.413 §9.3.4)."""

from __future__ import annotations

from ipaddress import IPv4Address

from cinq.nf.smf.authorization import requested_type
from cinq.nf.smf.context import SmContext
from cinq.nf.smf.session import AnTunnel
from cinq.nf.smf.settings import DataNetwork
from cinq.wire import nas, ngap
from cinq.wire.nas import GsmCause, PduSessionType

QFI = 1
"""The QoS flow of the default QoS rule, the only one so far."""
MULTICAST = 0xE000_0000  # the first IPv4 address that is not of one host
_DEFAULT_RULE = [
    nas.QosRule(
        identifier=1,
        default=True,
        packet_filters=(nas.PacketFilter(1, nas.Direction.BIDIRECTIONAL, nas.MATCH_ALL),),
        precedence=255,
        qfi=QFI,
    )
]


def establishment_accept(
    context: SmContext, request: nas.PDUSessionEstablishmentRequest, network: DataNetwork
) -> nas.PDUSessionEstablishmentAccept:
    """TS 24.501 §6.4.1.3. #50 tells a UE that asked for IPv4v6 why it got IPv4."""
    narrowed = requested_type(request) == PduSessionType.IPV4V6
    return nas.PDUSessionEstablishmentAccept(
        pdu_session_id=request.pdu_session_id,
        pti=request.pti,
        selected_pdu_session_type=PduSessionType.IPV4,
        selected_ssc_mode=context.ssc_mode,
        authorized_qos_rules=_DEFAULT_RULE,
        session_ambr=nas.SessionAmbr(context.qos.ambr_downlink_bps, context.qos.ambr_uplink_bps),
        cause=GsmCause.PDU_SESSION_TYPE_IPV4_ONLY_ALLOWED if narrowed else None,
        pdu_address=nas.PduAddress(context.ipv4),
        s_nssai=context.s_nssai,
        always_on=False if request.always_on_requested else None,
        authorized_qos_flow_descriptions=[nas.QosFlowDescription(QFI, five_qi=context.qos.five_qi)],
        extended_pco=_extended_pco(request.extended_pco, network),
        dnn=context.dnn,
    )


def _extended_pco(requested: nas.ExtendedPco | None, network: DataNetwork) -> nas.ExtendedPco | None:
    """DNS servers and link MTU for a UE that asks for them, TS 24.008 §10.5.6.3."""
    if requested is None:
        return None
    asked = {identifier for identifier, _ in requested}
    answer: nas.ExtendedPco = []
    if nas.EPCO_DNS_SERVER_IPV4 in asked:
        answer += [(nas.EPCO_DNS_SERVER_IPV4, server.packed) for server in network.dns]
    if nas.EPCO_IPV4_LINK_MTU in asked:
        answer.append((nas.EPCO_IPV4_LINK_MTU, network.mtu.to_bytes(2, "big")))
    return answer or None


def setup_request_transfer(context: SmContext) -> bytes:
    """PDU Session Resource Setup Request Transfer, TS 38.413 §9.3.4.1."""
    qos = context.qos
    arp = ngap.AllocationAndRetentionPriority(
        priority_level_arp=qos.arp_priority,
        pre_emption_capability="may-trigger-pre-emption"
        if qos.may_preempt
        else "shall-not-trigger-pre-emption",
        pre_emption_vulnerability="pre-emptable" if qos.preemptable else "not-pre-emptable",
    )
    parameters = ngap.QosFlowLevelQosParameters(
        qos_characteristics=("nonDynamic5QI", ngap.NonDynamic5QIDescriptor(five_qi=qos.five_qi)),
        allocation_and_retention_priority=arp,
    )
    tunnel = ngap.GTPTunnel(
        transport_layer_address=(context.n3_address, 32),
        gtp_teid=context.teid.to_bytes(4, "big"),
    )
    flow = ngap.QosFlowSetupRequestItem(qos_flow_identifier=QFI, qos_flow_level_qos_parameters=parameters)
    return ngap.encode_value(
        ngap.PDUSessionResourceSetupRequestTransfer(
            pdu_session_aggregate_maximum_bit_rate=ngap.PDUSessionAggregateMaximumBitRate(
                pdu_session_aggregate_maximum_bit_rate_dl=qos.ambr_downlink_bps,
                pdu_session_aggregate_maximum_bit_rate_ul=qos.ambr_uplink_bps,
            ),
            ul_ngu_up_tnl_information=("gTPTunnel", tunnel),
            pdu_session_type="ipv4",
            qos_flow_setup_request_list=[flow],
        )
    )


def release_command_transfer() -> bytes:
    """PDU Session Resource Release Command Transfer, §9.3.4.12: a normal release."""
    cause: ngap.Cause = ("nas", "normal-release")
    return ngap.encode_value(ngap.PDUSessionResourceReleaseCommandTransfer(cause=cause))


def an_tunnel(octets: bytes) -> AnTunnel | None:
    """The gNB's end of N3 out of a Setup Response Transfer (§9.3.4.2); None when our flow is not carried.

    NgapError when the octets are no such transfer; ValueError when the address is not IPv4 or not of one host.
    """
    transfer = ngap.decode_value(ngap.PDUSessionResourceSetupResponseTransfer, octets)
    flows = transfer.dl_qos_flow_per_tnl_information
    if all(flow.qos_flow_identifier != QFI for flow in flows.associated_qos_flow_list):
        return None
    tunnel = flows.up_transport_layer_information[1]
    value, bits = tunnel.transport_layer_address
    if bits not in (32, 160):
        raise ValueError(f"transport layer address of {bits} bits, wanted IPv4")
    address = value if bits == 32 else value >> 128
    if not 0 < address < MULTICAST:
        raise ValueError(f"{IPv4Address(address)} is not the address of one host")
    return AnTunnel(int.from_bytes(tunnel.gtp_teid, "big"), IPv4Address(address))
