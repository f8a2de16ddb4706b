"""PCF, policy control function: TS 23.503, TS 29.507 and TS 29.512, with default policies."""

from cinq.nf.pcf.services import PCF

__all__ = ["PCF"]
