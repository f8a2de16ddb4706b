"""The incidents that are kept: so many, in the store, repeats as one. Nobody can push out what happened to others.

A flood of one kind of incident, under however many names, lets older ones of the same kind go, those first that have
happened once only.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from cinq.explain.incident import Incident
from cinq.procedure.store import Store

COLLECTION = "incident"
ENTRIES = 2_000
WRITES = 100  # entries that go to the store in one round
_DECODER = msgspec.msgpack.Decoder(Incident)
_ENCODER = msgspec.msgpack.Encoder()


class History:
    """entries: how many are kept at most. What changed goes to the store with `save`."""

    def __init__(self, store: Store, entries: int = ENTRIES) -> None:
        self._store = store
        self._slots: dict[tuple[str, ...], int] = {}
        self._incidents: dict[int, Incident] = {}
        self._kinds: dict[tuple[str, ...], dict[int, None]] = {}
        self._changed: dict[int, None] = {}
        for slot, incident in stored(store):
            if 0 <= slot < entries and incident.key not in self._slots:
                self._put(slot, incident)
        self._free = [slot for slot in reversed(range(entries)) if slot not in self._incidents]

    def add(self, incident: Incident) -> Incident:
        """One more; returned as it stands now, counted with its like."""
        slot = self._slots.get(incident.key)
        if slot is not None:
            incident = self._incidents[slot] = self._incidents[slot].again(incident)
            kind = self._kinds[incident.kind]
            kind[slot] = kind.pop(slot)  # the latest last
        else:
            slot = self._free.pop() if self._free else self._let_go()
            self._put(slot, incident)
        self._changed[slot] = None
        return incident

    def _put(self, slot: int, incident: Incident) -> None:
        self._slots[incident.key] = slot
        self._incidents[slot] = incident
        self._kinds.setdefault(incident.kind, {})[slot] = None

    def _let_go(self) -> int:
        """The slot of the incident that is worth least: of the kind with most, the oldest of the rarest."""
        kind = max(self._kinds.values(), key=len)
        slot = min(kind, key=lambda each: self._incidents[each].count)
        gone = self._incidents.pop(slot)
        del self._slots[gone.key], self._kinds[gone.kind][slot]
        if not self._kinds[gone.kind]:
            del self._kinds[gone.kind]
        return slot

    def save(self, most: int = WRITES) -> None:
        """Writes what changed, so many entries and no more; the others next time."""
        for slot in list(self._changed)[:most]:
            del self._changed[slot]
            self._store.put(COLLECTION, f"{slot:04}", _ENCODER.encode(self._incidents[slot]))


def stored(store: Store) -> Iterator[tuple[int, Incident]]:
    """What a store holds, by slot. What cannot be read there is passed over: it explains nothing any more."""
    for key, octets in store.items(COLLECTION):
        try:
            yield int(key), _DECODER.decode(octets)
        except (ValueError, msgspec.MsgspecError):
            continue
