"""BSF, binding support function: TS 23.502 §5.2.13, TS 29.521 §4."""

from cinq.nf.bsf.services import BSF

__all__ = ["BSF"]
