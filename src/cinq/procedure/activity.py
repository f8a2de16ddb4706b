"""What a subject has only while it is not idle: its runs, its mailbox, and whose turn is next."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from cinq.procedure.run import Run


class Turn:
    """A network-initiated procedure that waits for its turn."""

    __slots__ = ("begin", "given_up", "refuse")

    def __init__(
        self, begin: Callable[[], None], given_up: Callable[[], bool], refuse: Callable[[Exception], None]
    ) -> None:
        self.begin = begin
        self.given_up = given_up
        self.refuse = refuse


class Activity:
    """Made when the first thing happens, dropped when the last procedure has ended."""

    __slots__ = ("arrived", "beside", "deferred", "draining", "mailbox", "main", "turns")

    def __init__(self) -> None:
        self.main: Run | None = None
        self.beside: list[Run] = []
        self.mailbox: deque[object] = deque()
        self.deferred: deque[object] = deque()
        self.turns: deque[Turn] = deque()
        self.draining = False
        self.arrived = 0  # how many messages came into the mailbox; their number is their position

    @property
    def position(self) -> int:
        """Of the first message in the mailbox."""
        return self.arrived - len(self.mailbox)

    @property
    def runs(self) -> list[Run]:
        return [*self.beside] if self.main is None else [self.main, *self.beside]

    @property
    def questions(self) -> int:
        """How many runs wait for an answer that has not come."""
        waiting = (run.awaiting for run in self.runs)
        return sum(one is not None and not one.reply.done() for one in waiting)

    @property
    def unsettled(self) -> bool:
        if self.main is not None and self.main.unsettled:
            return True
        return bool(self.beside) and any(run.unsettled and run.aborting is None for run in self.beside)
