"""UDM, unified data management: TS 23.501 §6.2.7, TS 29.503, TS 33.501 §6.1.2 and §6.12 (ARPF and SIDF)."""

from cinq.nf.udm.services import UDM
from cinq.nf.udm.settings import HomeNetworkKey, Settings

__all__ = ["UDM", "HomeNetworkKey", "Settings"]
