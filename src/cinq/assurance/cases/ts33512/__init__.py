"""TS 33.512, the AMF, version 18.1.0: what N1 and N2 with two gNBs can ask."""

from cinq.assurance.cases.ts33512 import (
    tc_5g_guti_allocation_amf,
    tc_amf_nas_integrity_failure,
    tc_amf_redirection_5gs_eps,
    tc_amf_reest_cp_ciot,
    tc_bidding_down_xn_amf,
    tc_nas_alg_amf_change_amf,
    tc_nas_int_selection_use_amf,
    tc_nas_null_int_amf,
    tc_nas_replay_amf,
    tc_nssaa_revocation,
    tc_res_star_verification_failure,
    tc_sync_fail_seaf_amf,
    tc_ue_sec_cap_handling_amf,
    tc_ue_sec_caps_as_context_setup,
    tc_validation_snssai_in_pdu_request,
)

__all__ = [
    "tc_5g_guti_allocation_amf",
    "tc_amf_nas_integrity_failure",
    "tc_amf_redirection_5gs_eps",
    "tc_amf_reest_cp_ciot",
    "tc_bidding_down_xn_amf",
    "tc_nas_alg_amf_change_amf",
    "tc_nas_int_selection_use_amf",
    "tc_nas_null_int_amf",
    "tc_nas_replay_amf",
    "tc_nssaa_revocation",
    "tc_res_star_verification_failure",
    "tc_sync_fail_seaf_amf",
    "tc_ue_sec_cap_handling_amf",
    "tc_ue_sec_caps_as_context_setup",
    "tc_validation_snssai_in_pdu_request",
]
