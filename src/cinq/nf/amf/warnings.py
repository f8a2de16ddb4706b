"""Public warnings (TS 23.041) as the store has them: what an operator wants broadcast, and what gNBs made of it.

`cinq warn` writes them beside a running core, which looks each second; so they outlive it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Literal

import msgspec
from msgspec import Struct

from cinq.procedure.kept import Kept
from cinq.procedure.store import Store

log = logging.getLogger("cinq.amf")

WARNINGS, RESULTS = "amf-warning", "amf-warning-result"
MOST = 64  # warnings at a time
KEPT_S = 60.0  # how long a warning that is over can still be looked at

State = Literal["wanted", "broadcast", "unwanted", "cancelled"]


class Warning(Struct, frozen=True, omit_defaults=True):
    """identifier, serial: what a gNB and a UE know it by. coding, contents: the text in pages (cinq.wire.cbs).

    tacs: where; empty: everywhere. repeat_s, number: each cell broadcasts it so often; number 0: until it is cancelled.
    replaces: whatever is broadcast there ends. state: as the operator wants it, then as gNBs were told.
    etws: Warning Type (cinq.wire.cbs) of a primary notification; security: its Warning Security Information.
    since: seconds since 1970, of the state. told: the gNBs that have heard of the last change.
    """

    identifier: int
    serial: int
    text: str
    coding: int
    contents: bytes
    tacs: tuple[int, ...] = ()
    repeat_s: int = 60
    number: int = 0
    replaces: bool = False
    state: State = "wanted"
    since: float = 0.0
    told: tuple[str, ...] = ()
    etws: bytes = b""
    security: bytes = b""

    @property
    def key(self) -> str:
        return f"{self.identifier:04x}-{self.serial:04x}"

    def runs(self, now: float) -> bool:
        """Whether gNBs broadcast it, as far as they were told."""
        return self.state == "broadcast" and (
            not self.number or now < self.since + self.repeat_s * self.number
        )

    def rest(self, now: float) -> Warning:
        """For a gNB that begins with it now: what is left of its broadcasts."""
        if not self.number or self.state != "broadcast":
            return self
        done = int((now - self.since) // self.repeat_s) if self.repeat_s else 0
        return msgspec.structs.replace(self, number=max(1, self.number - done))

    def over(self, now: float) -> bool:
        """Whether nobody needs to know of it any more."""
        ends = self.since + (self.repeat_s * self.number if self.state == "broadcast" else 0)
        forever = self.state in ("wanted", "unwanted") or (self.state == "broadcast" and not self.number)
        return not forever and now > ends + KEPT_S


class Result(Struct, frozen=True):
    """What one gNB made of it. cells: where it is broadcast, or was. text: what happened, for a person."""

    gnb: str
    cells: int
    text: str


_WARNING, _RESULT = msgspec.json.Decoder(Warning), msgspec.json.Decoder(Result)


class Warnings:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._kept = Kept(store, WARNINGS, _WARNING.decode, "warning", log)

    def all(self) -> Iterator[Warning]:
        return iter(self._kept)

    def get(self, key: str) -> Warning | None:
        return self._kept.get(key)

    def put(self, warning: Warning) -> None:
        self._store.put(WARNINGS, warning.key, msgspec.json.encode(warning))

    def changed(self, warning: Warning, state: State, now: float, told: tuple[str, ...] = ()) -> Warning:
        """Results of another state are results no more."""
        for result in self.results(warning):
            self._store.delete(RESULTS, f"{warning.key}/{result.gnb}")
        changed = msgspec.structs.replace(warning, state=state, since=now, told=told)
        self.put(changed)
        return changed

    def told(self, warning: Warning, gnb: str) -> Warning:
        """One more gNB hears of it."""
        told = msgspec.structs.replace(warning, told=tuple(dict.fromkeys((*warning.told, gnb))))
        self.put(told)
        return told

    def forget(self, warning: Warning) -> None:
        for result in self.results(warning):
            self._store.delete(RESULTS, f"{warning.key}/{result.gnb}")
        self._store.delete(WARNINGS, warning.key)

    def record(self, warning: Warning, result: Result) -> None:
        self._store.put(RESULTS, f"{warning.key}/{result.gnb}", msgspec.json.encode(result))

    def results(self, warning: Warning) -> list[Result]:
        prefix = f"{warning.key}/"
        return [_RESULT.decode(o) for key, o in self._store.items(RESULTS) if key.startswith(prefix)]
