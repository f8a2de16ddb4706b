"""TS 33.514, the UDM, version 18.1.0."""

from cinq.assurance.cases.ts33514 import (
    tc_auth_status_store_udm,
    tc_de_conceal_supi_from_suci_udm,
    tc_sync_failure_udm,
    user_plane_policies,
)

__all__ = [
    "tc_auth_status_store_udm",
    "tc_de_conceal_supi_from_suci_udm",
    "tc_sync_failure_udm",
    "user_plane_policies",
]
