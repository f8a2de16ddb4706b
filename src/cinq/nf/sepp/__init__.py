"""SEPP, security edge protection proxy: TS 23.501 §6.2.17, TS 33.501 §4.2.1, §5.9.3 and §13, TS 29.573.

What our functions ask of another network's goes out here, and what another network asks of ours comes in here, over
N32: agreed on by N32-c, forwarded by N32-f. Each partner may ask for what the agreement with it says, for its own PLMNs
and our subscribers, at a bounded rate, and learns nothing of how this network is built.
"""

from cinq.nf.sepp.sepp import SEPP
from cinq.nf.sepp.settings import NO_IPX, Ipx, Partner, Settings

__all__ = ["NO_IPX", "SEPP", "Ipx", "Partner", "Settings"]
