"""TS 33.515, the SMF, version 18.0.0."""

from cinq.assurance.cases.ts33515 import (
    tc_charging_id_uniqueness_smf,
    tc_up_policy_precedence_smf,
    tc_up_security_policy_smf,
)

__all__ = ["tc_charging_id_uniqueness_smf", "tc_up_policy_precedence_smf", "tc_up_security_policy_smf"]
