"""The NF instances that are registered: kept whole, as they were said, and over a restart of the NRF.

An instance that misses two heartbeats in a row is SUSPENDED (TS 29.510 §5.2.2.3.2) and no longer discovered; its next
heartbeat brings it back. One that stays away for long is forgotten, so that strangers' names do not fill the NRF.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from cinq.eligibility.gate import OPEN, Gate
from cinq.nf.nrf.settings import Settings
from cinq.procedure import Clock, Why
from cinq.procedure.store import Store
from cinq.sbi import Problem
from cinq.sbi.nf_profile import NFProfile, NFStatus
from cinq.sbi.whole import Whole

COLLECTION = "nrf-instance"
MISSED = 2  # heartbeats in a row
FORGOTTEN = 360  # heartbeats


class Instance(msgspec.Struct):
    """profile: as it was registered. heard: when last. silent: whether its subscribers know that it is suspended."""

    profile: Whole[NFProfile]
    heard: float
    silent: bool = False


class Instances:
    """gate: policies of eligibility; one that they drain is not found."""

    def __init__(self, settings: Settings, clock: Clock, store: Store, gate: Gate = OPEN) -> None:
        self._gate = gate
        self._settings = settings
        self._clock = clock
        self._store = store
        self._by_id: dict[str, Instance] = {}
        for identifier, octets in list(store.items(COLLECTION)):
            try:
                profile = read(msgspec.json.decode(octets))
            except (msgspec.MsgspecError, Problem):
                store.delete(COLLECTION, identifier)
                continue
            self._by_id[identifier] = Instance(profile, clock.now())  # it has its two heartbeats from here on

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, identifier: str) -> bool:
        return identifier.lower() in self._by_id

    def put(self, profile: Whole[NFProfile]) -> None:
        identifier = profile.read.nf_instance_id
        if identifier not in self._by_id and len(self._by_id) >= self._settings.max_instances:
            why = Why(f"the NRF holds {len(self._by_id)} instances, which is all it may", "stop some")
            raise Problem(503, "INSUFFICIENT_RESOURCES", why)
        self._by_id[identifier] = Instance(profile, self._clock.now())
        self._store.put(COLLECTION, identifier, msgspec.json.encode(profile.document))

    def heard(self, identifier: str) -> Instance:
        """A heartbeat. Problem 404."""
        found = self.known(identifier)
        found.heard = self._clock.now()
        return found

    def remove(self, identifier: str) -> Whole[NFProfile]:
        found = self.known(identifier)
        del self._by_id[identifier.lower()]
        self._store.delete(COLLECTION, identifier.lower())
        return found.profile

    def known(self, identifier: str) -> Instance:
        found = self._by_id.get(identifier.lower())
        if found is None:
            why = Why(f"no NF instance {identifier[:60]} is registered")
            raise Problem(404, "RESOURCE_URI_STRUCTURE_NOT_FOUND", why)
        return found

    def is_late(self, instance: Instance) -> bool:
        return self._clock.now() - instance.heard > MISSED * self._settings.heart_beat_timer

    def current(self, instance: Instance) -> Whole[NFProfile]:
        """The profile: SUSPENDED where it is late, UNDISCOVERABLE where it is drained."""
        profile = instance.profile
        if self.is_late(instance) and profile.read.nf_status == "REGISTERED":
            return _with(profile, "SUSPENDED")
        if self._gate.function(profile.read.nf_instance_id, profile.read.vendor_id).drains:
            return _with(profile, "UNDISCOVERABLE")
        return profile

    def all(self) -> Iterator[Whole[NFProfile]]:
        for instance in list(self._by_id.values()):
            yield self.current(instance)

    def gone_silent(self) -> Iterator[tuple[str, bool]]:
        """Who has become late since the last look, and whether for so long that it is to be forgotten."""
        now, timer = self._clock.now(), self._settings.heart_beat_timer
        for identifier, instance in list(self._by_id.items()):
            late = self.is_late(instance)
            if late and now - instance.heard > FORGOTTEN * timer:
                yield identifier, True
            elif late != instance.silent:
                instance.silent = late
                if late:
                    yield identifier, False


def _with(profile: Whole[NFProfile], status: NFStatus) -> Whole[NFProfile]:
    read_so = msgspec.structs.replace(profile.read, nf_status=status)
    return Whole(read_so, {**profile.document, "nfStatus": status})


def read(document: object) -> Whole[NFProfile]:
    """Problem 400: it is no profile."""
    if not isinstance(document, dict):
        raise Problem(400, "INVALID_MSG_FORMAT", Why("a profile is a JSON object"))
    try:
        return Whole(msgspec.convert(document, NFProfile), document)
    except msgspec.ValidationError as error:
        raise Problem(400, "MANDATORY_IE_INCORRECT", Why(f"profile: {error}")) from None
