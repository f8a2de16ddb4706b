"""UDR, unified data repository: TS 23.501 §6.2.11, TS 29.504 and TS 29.505.

Holds what is provisioned of a subscriber and what the UDM keeps of a UE, as the JSON of TS 29.505, in the
store port. A sequence number is durable before the update is answered.
"""

from cinq.nf.udr.services import UDR

__all__ = ["UDR"]
