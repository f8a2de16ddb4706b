"""UPF: user plane function, TS 23.501 §6.2.3.

N4 (TS 29.244): association, heartbeat, sessions of IPv4, IPv6 and IPv4v6 with framed routes and with flows by SDF
filters, each with its gate, rates and marks, sessions of Ethernet with one flow, buffering with downlink data report,
usage reports, and the router of UEs of IPv6. N3 of IPv4, of IPv6 or of both, and its signalling (TS 29.281 §7): Echo,
Error Indication, End Marker, Supported Extension Headers Notification. Packets themselves are the data plane's
(dataplane.py).
"""

from cinq.nf.upf.dataplane import DataPlane
from cinq.nf.upf.services import UPF
from cinq.nf.upf.settings import Prefixes, Settings

__all__ = ["UPF", "DataPlane", "Prefixes", "Settings"]
