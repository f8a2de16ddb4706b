"""Who looked at personal data of subscribers (TS 33.117 §4.2.3.2.5): a command notes it, and a running core logs it.

The log has who, when and what, and of whom as many digits as tell nothing and a digest by which one who knows the
subscriber finds the entry: not the data themselves.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from cinq.procedure.kept import Kept
from cinq.procedure.store import Store

log = logging.getLogger("cinq.udr")

COLLECTION = "look"
MOST = 1000
"""Looks that are kept while no core runs: older ones go."""
DIGITS, DIGEST = 10, 12


class Look(Struct, frozen=True):
    """at: seconds since 1970. user: of the host, who looked. what: 'subscription', 'subscription and keys'. supi: ''
    for all subscribers."""

    at: float
    user: str
    what: str
    supi: str = ""

    @property
    def words(self) -> str:
        """'subscriber imsi-99970… (SHA-256 0123456789ab): subscription shown to user ann at 2026-11-30T12:00:00Z'."""
        digest = hashlib.sha256(self.supi.encode()).hexdigest()[:DIGEST]
        whom = f"subscriber {self.supi[:DIGITS]}… (SHA-256 {digest})" if self.supi else "all subscribers"
        when = datetime.fromtimestamp(self.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return f"{whom}: {self.what} shown to user {self.user} at {when}"


def note(store: Store, look: Look) -> None:
    before = [key for key, _ in store.items(COLLECTION)]
    for key in sorted(before)[: max(0, len(before) - MOST + 1)]:
        store.delete(COLLECTION, key)
    store.put(COLLECTION, f"{look.at:017.6f}", msgspec.json.encode(look))


def _all(store: Store) -> Iterator[Look]:
    return iter(Kept(store, COLLECTION, msgspec.json.Decoder(Look).decode, "look", log))


def tell(store: Store) -> None:
    """Each stands in the log once."""
    for look in list(_all(store)):
        log.info("%s", look.words)
        store.delete(COLLECTION, f"{look.at:017.6f}")
