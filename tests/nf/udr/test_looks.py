"""Who looked at a subscriber's data is logged, and the data are not."""

from __future__ import annotations

import logging

import pytest

from cinq.nf.udr import looks
from cinq.procedure.store import MemoryStore

SUPI = "imsi-999700000000001"


def test_each_look_stands_in_the_log_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "cinq.udr")
    store = MemoryStore()
    looks.note(store, looks.Look(1.5, "ann", "subscription and keys", SUPI))
    looks.note(store, looks.Look(2.5, "bob", "subscriptions"))
    looks.tell(store)
    looks.tell(store)
    first, second = (record.getMessage() for record in caplog.records)
    assert first.startswith("subscriber imsi-99970… (SHA-256 ")
    assert first.endswith("subscription and keys shown to user ann at 1970-01-01T00:00:01Z")
    assert SUPI not in first
    assert second == "all subscribers: subscriptions shown to user bob at 1970-01-01T00:00:02Z"


def test_so_many_are_kept_while_no_core_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "MOST", 3)
    store = MemoryStore()
    for at in range(9, 16):
        looks.note(store, looks.Look(float(at), "ann", "subscription", SUPI))
    assert [float(key) for key, _ in store.items(looks.COLLECTION)] == [13.0, 14.0, 15.0]


def test_what_is_no_look_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryStore()
    store.put(looks.COLLECTION, "0000000009.000000", b"nonsense")
    looks.tell(store)
    assert "stored look" in caplog.text
