"""The error of XnAP."""

from __future__ import annotations

from cinq.wire.per.error import PduError


class XnapError(PduError):
    """Octets that are not an XnAP message, or a message that cannot be encoded (TS 38.423 clause 10)."""
