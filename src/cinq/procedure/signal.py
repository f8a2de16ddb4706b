"""What the network itself asks of a subject: it opens a procedure as a message of the peer does."""

from __future__ import annotations

from typing import Generic, TypeVar

R = TypeVar("R", covariant=True)


class Signal(Generic[R]):
    """Base of the signals of a room (`signals.py`): plain data, one class for each procedure that it opens.

    R: what that procedure returns (`Subject.demand`). A procedure says `@procedure(opens=ThatSignal)`; whoever wants it
    says `subject.want(ThatSignal(...))` and needs to know the signal only.
    """

    __slots__ = ()
