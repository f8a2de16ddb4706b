"""Incidents as lines of a log, so many and no more: a storm of rejects is a few lines and a number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from cinq.explain.incident import Incident

WINDOW_S = 10.0
OF_A_KIND, IN_ALL = 3, 30  # lines in a window
_KINDS = 100  # that are counted apart


class Lines:
    """say: where a line goes."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._since = 0.0
        self._said: Counter[str] = Counter()
        self._held: Counter[str] = Counter()

    def incident(self, incident: Incident, now: float) -> None:
        """Said, or counted with those held back."""
        self.tick(now)
        title = incident.title
        if self._said[title] < OF_A_KIND and self._said.total() < IN_ALL:
            self._said[title] += 1
            self._say(line(incident))
        else:
            self.held(title)

    def held(self, title: str) -> None:
        """One that is not said."""
        self._held[title if title in self._held or len(self._held) < _KINDS else "others"] += 1

    def tick(self, now: float) -> None:
        """At the end of a window: how many were held back."""
        if now - self._since < WINDOW_S:
            return
        for title, count in self._held.most_common(OF_A_KIND):
            self._say(f"{count:,} more in {WINDOW_S:.0f} s: {title}")
        rest = self._held.total() - sum(count for _, count in self._held.most_common(OF_A_KIND))
        if rest:
            self._say(f"{rest:,} more in {WINDOW_S:.0f} s of other kinds")
        self._since = now
        self._said.clear()
        self._held.clear()


def line(incident: Incident) -> str:
    """'Registration rejected: 5GMM cause #3 illegal UE, imsi-... at gnb-1: the reason → the mend'."""
    who = ", ".join(filter(None, (incident.ue, incident.gnb and f"at {incident.gnb}")))
    text = incident.title + (f", {who}" if who else "")
    if incident.because:
        text += f": {incident.because}"
    return f"{text} → {incident.mend}" if incident.mend else text
