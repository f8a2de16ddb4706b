"""Ladders of a capture without an end: arrows are held until so many wait, and then drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from cinq.trace import xn
from cinq.trace.bounded import Bounded
from cinq.trace.detail import detail
from cinq.trace.ladder import Row, Step, ladder_rows
from cinq.trace.message import Role, Subject, TracedMessage

ARROWS = 20_000
HEARTBEATS = ("HeartbeatRequest", "HeartbeatResponse")
HELD = 5_000

_Waiting = Callable[[], Step]


def step_of(message: TracedMessage) -> Step:
    """The arrow of a message. What is wrong with it stands where a cause would."""
    return _arrow(message)()


def _arrow(message: TracedMessage) -> _Waiting:
    """Makes the arrow, with the names and roles that are known by then; it needs neither octets nor content."""
    cause = message.cause
    if fault := message.fault:
        cause = f"{cause}; {fault}" if cause else fault
    broken = message.integrity in ("failed", "replayed")
    if broken:
        cause = f"integrity {message.integrity}" + (f", {cause}" if cause else "")
    return partial(
        _step,
        message.at.time_ns,
        message.by,
        message.to,
        message.message,
        message.subject,
        "" if message.interface == "note" else message.interface,
        xn.ends(message) if message.interface == "xn" else detail(message.content),
        cause,
        broken or bool(fault),
        message.mend,
    )


def _step(
    time_ns: int,
    by: str | Role,
    to: str | Role,
    name: str,
    subject: Subject | None,
    interface: str,
    detail: str,
    cause: str,
    fault: bool,
    mend: str,
) -> Step:
    sender = by if isinstance(by, str) else by.name
    receiver = to if isinstance(to, str) else to.name
    ue = subject.label if subject else ""
    return Step(time_ns / 1e9, sender, receiver, name, ue, interface, detail, cause, fault, mend)


def steps_of_messages(messages: Iterable[TracedMessage]) -> list[Step]:
    """The steps of a capture. What could not be decoded is a step with its fault."""
    return [step_of(message) for message in messages]


class Ladders:
    """Draws what it takes, a sheet at a time. A UE whose ladder is on an earlier sheet has another that goes on.

    heartbeats: how many there were; they are not drawn, unless something is wrong with them.
    """

    def __init__(self, width: int, arrows: int = ARROWS) -> None:
        self.heartbeats = 0
        self._width, self._arrows = width, arrows
        self._waiting: list[_Waiting] = []
        self._begun: Bounded[str, float] = Bounded()

    def take(self, message: TracedMessage) -> list[Row]:
        """A message more; the rows that are drawn now, most times none."""
        if message.message in HEARTBEATS and not message.fault:
            self.heartbeats += 1
            return []
        self._waiting.append(_arrow(message))
        return self.rest() if len(self._waiting) >= self._arrows else []

    def rest(self) -> list[Row]:
        """What waits, drawn. Names and roles are those known by now."""
        steps = [step() for step in self._waiting]
        self._waiting = []
        return ladder_rows(steps, self._width, begun=self._begun)


class Chosen:
    """The messages of one UE out of a stream; an empty name chooses all.

    What concerns a UE without a SUPI is held, so many messages and no more, until it is known whose it is.
    names: the UEs that were met, some of them.
    """

    def __init__(self, wanted: str) -> None:
        self.names: Bounded[str, None] = Bounded(1000)
        self._wanted = wanted
        self._held: Bounded[int, TracedMessage] = Bounded(HELD)
        self._number = 0

    def of(self, message: TracedMessage) -> list[TracedMessage]:
        """The messages that are now known to be wanted, oldest first."""
        if not self._wanted:
            return [message]
        subject = message.subject
        if subject is None:
            return []
        if self._is_wanted(subject.label):
            return [*self._released(), message]
        if subject.root().supi is not None:
            self.names[subject.label] = None
        else:
            self._number += 1
            self._held[self._number] = message
        return []

    def rest(self) -> list[TracedMessage]:
        """Those held that turned out to be wanted."""
        found = self._released()
        for message in self._held.values():
            self.names[message.ue] = None
        return found

    def _released(self) -> list[TracedMessage]:
        numbers = [number for number, message in self._held.items() if self._is_wanted(message.ue)]
        return [self._held.pop(number) for number in numbers]

    def _is_wanted(self, label: str) -> bool:
        """By its name, or by the short form of it that is shown."""
        first, short, last = self._wanted.partition("…")
        return label.startswith(first) and label.endswith(last) if short else label == self._wanted
