"""NSSF, network slice selection function: TS 23.501 §6.2.14 and §5.15.5.2.1, TS 29.531."""

from cinq.nf.nssf.services import NSSF
from cinq.nf.nssf.settings import Settings

__all__ = ["NSSF", "Settings"]
