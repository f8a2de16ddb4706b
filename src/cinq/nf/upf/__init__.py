"""UPF: user plane function, TS 23.501 §6.2.3.

N4 (TS 29.244): association, heartbeat, sessions of IPv4 with one uplink tunnel end and one downlink flow for each UE
address, buffering with downlink data report, session AMBR. N3 signalling (TS 29.281 §7): Echo, Error Indication,
End Marker, Supported Extension Headers Notification. Packets themselves are the data plane's (dataplane.py).
"""

from cinq.nf.upf.dataplane import DataPlane
from cinq.nf.upf.services import UPF
from cinq.nf.upf.settings import Settings

__all__ = ["UPF", "DataPlane", "Settings"]
