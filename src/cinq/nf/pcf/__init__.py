"""PCF, policy control function: TS 23.503, TS 29.507 (AM policy) and TS 29.512 (SM policy).

What is subscribed is authorised as it is; rules of the settings and of one subscriber (`cinq policy`) come on top.
"""

from cinq.nf.pcf.services import PCF
from cinq.nf.pcf.settings import Limit, QosReference, Settings

__all__ = ["PCF", "Limit", "QosReference", "Settings"]
