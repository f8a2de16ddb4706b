"""What a message that is not awaited meets, and how a procedure ends early."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self


class Why(str):
    """Why something was refused, ended or ignored, in words for a person. mend: the command or setting that mends it.

    It goes wherever a reason goes: Refused, IGNORE, abort, the cause of an Event.
    """

    __slots__ = ("mend",)
    mend: str

    def __new__(cls, text: str, mend: str = "") -> Self:
        why = super().__new__(cls, text)
        why.mend = mend
        return why


def outcome(what: str, reason: str) -> str:
    """ "refused: the reason", with what mends it."""
    text = f"{what}: {reason}"
    return Why(text, reason.mend) if isinstance(reason, Why) else text


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer of a collision rule.

    IGNORE(reason)  nothing is sent; the journal shows the reason
    RESEND          what the procedure asked last is sent again
    ABORT           the procedure is undone, then the message is judged anew
    DEFER           the message is kept for the next `expect`, or judged anew when the procedure has ended
    BESIDE          the procedure that the message opens runs beside the present one
    STATUS          the subject's `status` answers (the default)
    """

    kind: Literal["IGNORE", "RESEND", "ABORT", "DEFER", "BESIDE", "STATUS"]
    reason: str = ""


RESEND = Verdict("RESEND")
ABORT = Verdict("ABORT")
DEFER = Verdict("DEFER")
BESIDE = Verdict("BESIDE")
STATUS = Verdict("STATUS")


def ENDED(reason: str) -> Verdict:
    """As ABORT, by what the procedure was for: the journal says that it ended so, and not that it was aborted."""
    return Verdict("ABORT", reason)


def IGNORE(reason: str) -> Verdict:
    """Silence, with the reason that the journal shows."""
    return Verdict("IGNORE", reason)


@dataclass(frozen=True, slots=True)
class Timer:
    """A 3GPP timer: `seconds` until expiry; `ask` sends again at the first `retransmissions` expiries."""

    name: str
    seconds: float
    retransmissions: int = 4


class Refused(Exception):
    """Ends the procedure with an answer: told to the peer, or raised to whoever performs the procedure.

    answer: the message (or the ProblemDetails) that says why. None when the peer is to hear nothing.
    reason: for the journal.
    """

    def __init__(self, answer: object, reason: str = "") -> None:
        super().__init__(reason or type(answer).__name__)
        self.answer = answer
        self.reason = reason


class Declined(Refused):
    """The peer says that it does not do what was asked, by no outcome of the procedure: there will be none.

    cause: as the peer gave it, None where it gave none.
    """

    def __init__(self, cause: object, reason: str) -> None:
        super().__init__(None, reason)
        self.cause = cause


class TimerExpired(Exception):
    """A timer expired and no retransmission is left."""

    def __init__(self, timer: Timer) -> None:
        super().__init__(timer.name)
        self.timer = timer


class Aborted(Exception):
    """Raised by `perform` when the procedure ended without a result: aborted, stopped, or a bug ended it."""
