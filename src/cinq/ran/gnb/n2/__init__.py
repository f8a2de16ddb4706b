"""The N2 end of a gNB: the association, the UEs that have a connection on it, and what is said about both."""

from cinq.ran.gnb.n2.association import N2
from cinq.ran.gnb.n2.ue import RadioLink, UeContext

__all__ = ["N2", "RadioLink", "UeContext"]
