"""One structured event for each message on each interface: what traces, consoles and ladders are made of."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, Protocol

from cinq.procedure.verdict import Why

log = logging.getLogger("cinq.journal")


class Labelled(Protocol):
    """Something an event can be about."""

    @property
    def label(self) -> str: ...


ON_BEHALF: ContextVar[Labelled | None] = ContextVar("cinq-on-behalf", default=None)
"""The subject whose procedure the running task is: whom a service operation without a SUPI is about."""

Direction = Literal["in", "out", "none"]
Listener = Callable[["Event"], None]


@dataclass(frozen=True, slots=True)
class Event:
    """A message, or what became of one.

    time: seconds since 1970 UTC. nf: "AMF". subject: whole identity (screens shorten it). procedure: name, or "".
    direction: as the NF sees it; "none" for what became of a message or procedure (then `cause` says it).
    interface: "N1", "N2", "N4", "Nudm_SDM"... message: the 3GPP name. cause: 3GPP cause, or why silence.
    octets: the message as sent (N1: deciphered). content: the decoded message, or a function that decodes it.
    peer: the other end, where it is not evident from the interface. address: its transport address, 'host:port'.
    behalf: what the subject was called by the procedure that asked, where that is another name ("UE 7").
    whereabouts: the gNB where the subject is.
    """

    time: float
    nf: str
    subject: str
    procedure: str
    direction: Direction
    interface: str
    message: str
    cause: str = ""
    octets: bytes = b""
    content: object | None = None
    peer: str = ""
    address: str = ""
    behalf: str = ""
    whereabouts: str = ""

    @property
    def mend(self) -> str:
        """What mends it: a command or a setting; "" where nothing is to be mended."""
        return self.cause.mend if isinstance(self.cause, Why) else ""

    def decoded(self) -> object | None:
        """The decoded message: `content`, or what it returns when it is a function."""
        return self.content() if callable(self.content) else self.content


class Journal:
    """Where events go. Look at `listening` before building an event: without a listener it costs nothing.

    Of trouble (a refusal, a silence, a release, and what became of a message) look at `heeding`: somebody may listen to
    that alone. keep: how many events are remembered for a late listener (0: none; remembering counts as listening).
    """

    def __init__(self, keep: int = 0) -> None:
        self._listeners: list[Listener] = []
        self._of_all: list[Listener] = []
        self._kept: deque[Event] = deque(maxlen=keep)
        self._keeps = keep > 0
        self.listening = self.heeding = self._keeps

    def listen(self, listener: Listener, *, trouble: bool = False) -> Callable[[], None]:
        """Every event from now on goes to `listener`. Returns the function that ends this.

        trouble: it is there for trouble only, and others are not built for it; it may get them all the same.
        """
        self._listeners.append(listener)
        if not trouble:
            self._of_all.append(listener)
        self._look()

        def end() -> None:
            self._take_off(listener)

        return end

    def _take_off(self, listener: Listener) -> None:
        for listeners in (self._listeners, self._of_all):
            if listener in listeners:
                listeners.remove(listener)
        self._look()

    def _look(self) -> None:
        self.listening = bool(self._of_all) or self._keeps
        self.heeding = bool(self._listeners) or self._keeps

    def kept(self) -> list[Event]:
        """The remembered events, oldest first."""
        return list(self._kept)

    def emit(self, event: Event) -> None:
        """To all listeners. One that raises is taken off, loudly: a trace must not harm the network."""
        if self._keeps:
            self._kept.append(event)
        for listener in tuple(self._listeners):
            try:
                listener(event)
            except Exception:
                log.exception("journal listener failed and was taken off")
                self._take_off(listener)
