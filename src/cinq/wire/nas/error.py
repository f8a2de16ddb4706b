"""NasError: octets that are no NAS message, with what an answer to the sender needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cinq.wire.error import WireError

if TYPE_CHECKING:
    from cinq.wire.nas.engine import NasMessage


class NasError(WireError):
    """A NAS message that cannot be read (TS 24.501 clause 7), or a value that has no encoding.

    cause: the 5GMM or 5GSM cause for a STATUS or reject message; None when the message is to be ignored.
    message_type, pdu_session_id, pti: as far as they could be read.
    ie: the attribute name of the information element at fault, None when the fault lies elsewhere.
    partial: the message without the element at fault, where all that is mandatory could be read.
    """

    def __init__(
        self,
        offset: int | None,
        what: str,
        clause: str = "",
        *,
        cause: int | None = None,
        ie: str | None = None,
    ) -> None:
        super().__init__(offset, what, clause)
        self.cause = cause
        self.ie = ie
        self.message_type: int | None = None
        self.pdu_session_id: int | None = None
        self.pti: int | None = None
        self.partial: NasMessage | None = None
