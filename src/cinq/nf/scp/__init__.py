"""SCP, service communication proxy: TS 23.501 §6.2.19 and annex E (models C and D), TS 29.500 §6.10, TS 33.501 §13.3.2.

A request that names its producer's API root goes there; one that says what it looks for goes to a producer that the NRF
knows, with a token that the SCP asks for in the consumer's name. What it forwards it does not read.
"""

from cinq.nf.scp.scp import SCP
from cinq.nf.scp.settings import Settings

__all__ = ["SCP", "Settings"]
