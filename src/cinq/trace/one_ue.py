"""The events of one UE out of a stream, those included from before its name was known."""

from __future__ import annotations

from cinq.procedure import Event
from cinq.trace.detail import decoded
from cinq.trace.message import ue_label
from cinq.trace.names import supis

HELD = 1000  # events of UEs without a name


class OneUe:
    """Chooses by the UE's label (SUPI as 'imsi-...', or 'UE 7'); an empty one chooses everything.

    What concerns a UE that has no SUPI yet is held until an event says whose it was: the AMF's events of one UE
    carry the AMF UE NGAP ID before, the SUPI after, and the connection's NGAP messages carry both.
    """

    def __init__(self, wanted: str) -> None:
        self._wanted = wanted
        self._held: dict[str, list[Event]] = {}

    def of(self, event: Event) -> list[Event]:
        """The events that are now known to be the UE's, oldest first."""
        ue = ue_label(event.subject)
        if not self._wanted or ue == self._wanted:
            return [*self._claimed(event), event]
        if supis(ue):
            self._claimed(event)
        elif ue.startswith("UE "):
            self._hold(ue, event)
        return []

    def _hold(self, ue: str, event: Event) -> None:
        self._held.setdefault(ue, []).append(event)
        if sum(map(len, self._held.values())) > HELD:
            del self._held[next(iter(self._held))]

    def _claimed(self, event: Event) -> list[Event]:
        """What was held of the UE whose NGAP message this is; of another UE it is let go as well."""
        if not self._held or event.interface != "N2":
            return []
        message = event.decoded() or decoded(event.interface, event.octets)
        number: object = getattr(message, "amf_ue_ngap_id", None)
        return self._held.pop(f"UE {number}", [])
