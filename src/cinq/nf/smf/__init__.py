"""SMF: session management function, TS 23.501 §6.2.2.

PDU sessions of type IPv4 (TS 23.502 §4.3, TS 24.501 clause 6), user plane activation and paging (§4.2.3, §4.2.6),
N4 towards one or more UPFs (TS 29.244), Nsmf_PDUSession (TS 29.502).
"""

from cinq.nf.smf.settings import Charging, DataNetwork, Settings, UserPlane
from cinq.nf.smf.smf import SMF

__all__ = ["SMF", "Charging", "DataNetwork", "Settings", "UserPlane"]
