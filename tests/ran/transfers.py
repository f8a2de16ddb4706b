"""What the SMF of the scripted core asks of a gNB."""

from __future__ import annotations

from ipaddress import IPv4Address

from cinq.wire import ngap

UPF = IPv4Address("10.99.0.1")


def qos(five_qi: int = 9, guaranteed: int = 0) -> ngap.QosFlowLevelQosParameters:
    """Of a QoS flow; guaranteed: bit/s each way of a GBR flow."""
    rates = ngap.GBRQosInformation(
        maximum_flow_bit_rate_dl=2 * guaranteed,
        maximum_flow_bit_rate_ul=2 * guaranteed,
        guaranteed_flow_bit_rate_dl=guaranteed,
        guaranteed_flow_bit_rate_ul=guaranteed,
    )
    return ngap.QosFlowLevelQosParameters(
        qos_characteristics=("nonDynamic5QI", ngap.NonDynamic5QIDescriptor(five_qi=five_qi)),
        allocation_and_retention_priority=ngap.AllocationAndRetentionPriority(
            priority_level_arp=8,
            pre_emption_capability="shall-not-trigger-pre-emption",
            pre_emption_vulnerability="not-pre-emptable",
        ),
        gbr_qos_information=rates if guaranteed else None,
    )


def transfer(
    psi: int,
    qfi: int = 9,
    flows: list[ngap.QosFlowSetupRequestItem] | None = None,
    security: ngap.SecurityIndication | None = None,
) -> bytes:
    """What the SMF asks of the gNB for a session."""
    return ngap.encode_value(
        ngap.PDUSessionResourceSetupRequestTransfer(
            ul_ngu_up_tnl_information=(
                "gTPTunnel",
                ngap.GTPTunnel(
                    transport_layer_address=(int(UPF), 32), gtp_teid=(0x1000 + psi).to_bytes(4, "big")
                ),
            ),
            pdu_session_aggregate_maximum_bit_rate=ngap.PDUSessionAggregateMaximumBitRate(
                pdu_session_aggregate_maximum_bit_rate_dl=10**9,
                pdu_session_aggregate_maximum_bit_rate_ul=10**8,
            ),
            pdu_session_type="ipv4",
            security_indication=security,
            qos_flow_setup_request_list=flows
            or [ngap.QosFlowSetupRequestItem(qos_flow_identifier=qfi, qos_flow_level_qos_parameters=qos())],
        )
    )
