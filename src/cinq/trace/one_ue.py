"""The events of one UE out of a stream, those included from before its name was known."""

from __future__ import annotations

from cinq.procedure import Event
from cinq.trace.bounded import Bounded
from cinq.trace.detail import decoded
from cinq.trace.message import ue_label
from cinq.trace.names import supis

HELD = 1000  # events of UEs without a name


class OneUe:
    """Chooses by the UE's label (SUPI as 'imsi-...', or 'UE 7'); an empty one chooses everything.

    What concerns a UE that has no SUPI yet is held until an event says whose it was: what network functions ask of
    each other for it names both the SUPI and who asked, and so do the NGAP messages of its connection. From then on
    that name is the UE's as well, also where it never comes to have a SUPI: with a wrong key, for example.
    """

    def __init__(self, wanted: str) -> None:
        self._wanted = wanted
        self._held: dict[str, list[Event]] = {}
        self._also: Bounded[str, str] = Bounded()

    def of(self, event: Event) -> list[Event]:
        """The events that are now known to be the UE's, oldest first."""
        if not self._wanted:
            return [event]
        ue = ue_label(event.subject)
        other = _other_name(event)
        claimed: list[Event] = []
        if other and supis(ue):
            self._also[other] = ue
            claimed = self._held.pop(other, [])
        if self._wanted in (ue, self._also.get(ue), other):
            return [*(claimed if ue == self._wanted else ()), event]
        if ue.startswith("UE ") and ue not in self._also:
            self._hold(ue, event)
        return []

    def _hold(self, ue: str, event: Event) -> None:
        self._held.setdefault(ue, []).append(event)
        if sum(map(len, self._held.values())) > HELD:
            del self._held[next(iter(self._held))]


def _other_name(event: Event) -> str:
    """What the UE was called before its SUPI was known: 'UE 7'; empty where the event does not say."""
    if event.behalf.startswith("UE "):
        return event.behalf
    if event.interface != "N2" or not supis(event.subject):
        return ""
    message = event.decoded() or decoded(event.interface, event.octets)
    number: object = getattr(message, "amf_ue_ngap_id", None)
    return "" if number is None else f"UE {number}"
