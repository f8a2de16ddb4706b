"""TS 33.512, the AMF, version 18.1.0: what N1 and N2 with two gNBs can ask."""

from cinq.assurance.cases.ts33512 import (
    tc_5g_guti_allocation_amf,
    tc_amf_nas_integrity_failure,
    tc_bidding_down_xn_amf,
    tc_nas_int_selection_use_amf,
    tc_nas_null_int_amf,
    tc_nas_replay_amf,
    tc_res_star_verification_failure,
    tc_sync_fail_seaf_amf,
    tc_ue_sec_cap_handling_amf,
    tc_ue_sec_caps_as_context_setup,
)

__all__ = [
    "tc_5g_guti_allocation_amf",
    "tc_amf_nas_integrity_failure",
    "tc_bidding_down_xn_amf",
    "tc_nas_int_selection_use_amf",
    "tc_nas_null_int_amf",
    "tc_nas_replay_amf",
    "tc_res_star_verification_failure",
    "tc_sync_fail_seaf_amf",
    "tc_ue_sec_cap_handling_amf",
    "tc_ue_sec_caps_as_context_setup",
]
