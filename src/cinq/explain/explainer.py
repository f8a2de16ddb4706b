"""The explainer of a running core: hears of trouble, keeps it, and says it."""

from __future__ import annotations

import logging
from collections.abc import Callable

from cinq.explain.assembly import Assembly
from cinq.explain.history import History
from cinq.explain.incident import Incident, name
from cinq.explain.lines import Lines
from cinq.procedure import Event
from cinq.procedure.store import Store
from cinq.wire import ngap

log = logging.getLogger("cinq.explain")

PACE_S = 0.5
BUDGET = 500  # events of trouble that are looked at in a second


class Explainer:
    """`event` listens to a journal for trouble; `tick` is called every PACE_S. warn, inform: where lines go."""

    def __init__(
        self,
        store: Store,
        warn: Callable[[str], None] = log.warning,
        inform: Callable[[str], None] = log.info,
    ) -> None:
        self._history = History(store)
        self._assembly = Assembly()
        self._inform = inform
        self._lines = Lines(warn)
        self._second, self._left = 0, BUDGET

    def event(self, event: Event) -> None:
        """Never takes long: what is over the budget of a second is counted only."""
        if (
            event.direction != "none"
            and not event.cause
            and event.interface not in ("N1", "N2")
            and not event.behalf
        ):
            return
        if int(event.time) != self._second:
            self._second, self._left = int(event.time), BUDGET
        self._left -= 1
        if self._left < 0:
            if event.direction == "none":
                self._lines.held("more than can be looked at")
            return
        content = event.content
        if isinstance(content, ngap.NGSetupResponse) and event.nf == "AMF":
            address = f" from {event.address}" if event.address else ""
            self._inform(f"gNB attached: {name(event.subject or event.peer)}{address}")
        for incident in self._assembly.event(event):
            self._take(incident, event.time)

    def tick(self, now: float) -> None:
        """What waited for its other half is told, and the history is stored."""
        for incident in self._assembly.due(now):
            self._take(incident, now)
        self._lines.tick(now)
        self._history.save()

    def close(self) -> None:
        """All that is known is told and stored."""
        for incident in self._assembly.due(float("inf")):
            self._history.add(incident)
        self._history.save(most=1 << 30)

    def _take(self, incident: Incident, now: float) -> None:
        self._history.add(incident)
        self._lines.incident(incident, now)
