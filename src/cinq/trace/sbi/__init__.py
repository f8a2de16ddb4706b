"""The service-based interface in a capture: which operation, between which functions, of which UE."""

from cinq.trace.sbi.calls import Sbi

__all__ = ["Sbi"]
