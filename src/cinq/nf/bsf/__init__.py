"""BSF, binding support function: TS 23.501 §6.2.16, TS 23.503 §6.1.1.2, TS 29.521."""

from cinq.nf.bsf.services import BSF

__all__ = ["BSF"]
