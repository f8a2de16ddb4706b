"""5G-EIR, equipment identity register: TS 23.501 §6.2.15, TS 29.511: which equipment may be used, by its PEI."""

from cinq.nf.eir.services import EIR
from cinq.nf.eir.settings import Settings

__all__ = ["EIR", "Settings"]
