"""TS 33.513, the UPF, version 18.0.0: what N4 with a bench SMF and N3 with a bench gNB can ask."""

from cinq.assurance.cases.ts33513 import (
    ipsec,
    tc_ipups_malformed_messages,
    tc_ipups_packet_handling,
    tc_teid_id_uniqueness_upf,
)

__all__ = ["ipsec", "tc_ipups_malformed_messages", "tc_ipups_packet_handling", "tc_teid_id_uniqueness_upf"]
