"""A store that outlives its process: what was put is there, whatever the file ends with."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cinq.transport import log_store
from cinq.transport.log_store import LogStore


def reopened(store: LogStore, path: Path) -> LogStore:
    """As after a kill: nothing is flushed or closed in order."""
    store.close()
    return LogStore(path)


def test_what_was_put_is_there(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "store"
    store = LogStore(path)
    store.put("a", "2", b"two")
    store.put("a", "1", b"one")
    store.put("b", "1", b"other")
    store.put("a", "1", b"uno")
    store.delete("a", "2")
    store.delete("a", "none")
    store = reopened(store, path)
    assert list(store.items("a")) == [("1", b"uno")]
    assert store.get("b", "1") == b"other"
    assert store.get("c", "1") is None
    assert asyncio.run(store.replace("a", "1", b"uno", b"eins"))
    assert not asyncio.run(store.replace("a", "1", b"uno", b"un"))
    store.clear()
    store = reopened(store, path)
    assert list(store.items("a")) == []
    store.close()


@pytest.mark.parametrize("end", [b"\0", b"\xff" * 100, bytes(8), b"\x05\0\0\0\0\0\0\0hello"])
def test_a_record_that_is_not_whole_is_passed_over(tmp_path: Path, end: bytes) -> None:
    path = tmp_path / "store"
    store = LogStore(path)
    store.put("a", "1", b"one")
    store.close()
    whole = path.read_bytes()
    path.write_bytes(whole + end)
    store = LogStore(path)
    assert list(store.items("a")) == [("1", b"one")]
    store.put("a", "2", b"two")
    store = reopened(store, path)
    assert list(store.items("a")) == [("1", b"one"), ("2", b"two")]
    store.close()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        store = LogStore(path)
        assert list(store.items("a")) == []
        store.close()


def test_one_process_has_it(tmp_path: Path) -> None:
    store = LogStore(tmp_path / "store")
    with pytest.raises(OSError, match="another process has this store"):
        LogStore(tmp_path / "store")
    store.close()


def test_the_file_does_not_grow_without_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_store, "COMPACT_AT", 10_000)
    path = tmp_path / "store"
    store = LogStore(path)
    for number in range(2000):
        store.put("a", str(number % 20), bytes(50) + str(number).encode())
    assert path.stat().st_size < 20_000
    store = reopened(store, path)
    assert store.get("a", "19") == bytes(50) + b"1999"
    assert len(list(store.items("a"))) == 20
    with pytest.raises(OSError, match="another process"):
        LogStore(path)
    store.close()
