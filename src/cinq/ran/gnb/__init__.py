"""The emulated gNB: N2 (TS 38.413), one cell, and the RAN end of N3 (TS 38.414)."""

from cinq.ran.gnb.gnb import Connect, Gnb
from cinq.ran.gnb.settings import GnbSettings

__all__ = ["Connect", "Gnb", "GnbSettings"]
