"""The error of NGAP."""

from __future__ import annotations

from cinq.wire.per.error import PduError


class NgapError(PduError):
    """Octets that are not an NGAP message, or a message that cannot be encoded (TS 38.413 clause 10)."""
