"""TS 33.117, every network product, version 18.1.0: what needs no service-based interface."""

from cinq.assurance.cases.ts33117 import (
    gtp_filtering,
    robustness_n3,
    robustness_n4,
    separation,
    tc_broadcast_icmp_handling,
    tc_bvt_port_scanning,
    tc_bvt_robustness,
    tc_handling_ip_options_and_extensions,
    tc_handling_of_icmp,
    tc_ip_spoofing_mitigation,
    tc_no_unnecessary_service,
    tc_packet_filtering,
    tc_syn_flood_prevention,
    tc_system_handling_of_overload,
    tls_profile,
)

__all__ = [
    "gtp_filtering",
    "robustness_n3",
    "robustness_n4",
    "separation",
    "tc_broadcast_icmp_handling",
    "tc_bvt_port_scanning",
    "tc_bvt_robustness",
    "tc_handling_ip_options_and_extensions",
    "tc_handling_of_icmp",
    "tc_ip_spoofing_mitigation",
    "tc_no_unnecessary_service",
    "tc_packet_filtering",
    "tc_syn_flood_prevention",
    "tc_system_handling_of_overload",
    "tls_profile",
]
