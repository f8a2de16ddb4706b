"""AUSF, authentication server function: TS 23.501 §6.2.8, TS 29.509, TS 33.501 §6.1.3 (EAP-AKA' and 5G AKA)."""

from cinq.nf.ausf.services import AUSF

__all__ = ["AUSF"]
