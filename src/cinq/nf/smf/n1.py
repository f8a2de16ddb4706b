"""What a UE is told of its PDU session: the elements of 5GSM messages, TS 24.501 §8.3."""

from __future__ import annotations

from cinq.nf.smf.authorization import requested_type
from cinq.nf.smf.context import QFI, SmContext
from cinq.nf.smf.settings import DataNetwork
from cinq.wire import nas
from cinq.wire.nas import GsmCause, PduSessionType

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
