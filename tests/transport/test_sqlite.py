"""The store: what was put is there after the process, in one transaction a round, and faults are said."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from cinq.transport import sqlite, write_behind
from cinq.transport.sqlite import SqliteStore, StoreError


def test_durable_means_a_kill_loses_nothing(tmp_path: Path) -> None:
    script = (
        "import asyncio, os, sys; from pathlib import Path; from cinq.transport.sqlite import SqliteStore\n"
        "s = SqliteStore(Path(sys.argv[1])); s.put('sqn', 'k', b'41')\n"
        "asyncio.run(s.replace('sqn', 'k', b'41', b'42')); os._exit(9)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "a.sqlite")], check=False)
    assert done.returncode == 9
    store = SqliteStore(tmp_path / "a.sqlite")
    assert store.get("sqn", "k") == b"42"
    store.close()


@pytest.mark.parametrize(
    ("failed", "later", "both"),
    [
        ("a: 0>1", "b: 0>1", "a: 0>1, b: 0>1"),
        ("a: 0>1", "a: 1>2", "a: 0>2"),
        ("a: 0>1", "a: >2", "a: >2"),
        ("a: >1", "a: 1>2", "a: >2"),
    ],
)
def test_a_round_that_failed_goes_with_the_next(failed: str, later: str, both: str) -> None:
    def round_(text: str) -> sqlite.Round:
        made = sqlite.Round()
        for item in text.split(", "):
            key, _, change = item.partition(": ")
            before, _, value = change.partition(">")
            made.values["sqn", key] = value.encode()
            if before:
                made.before["sqn", key] = before.encode()
        return made

    assert round_(failed).followed_by(round_(later)) == round_(both)


def test_a_file_that_is_no_store(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    path.write_bytes(b"this is not a database" * 100)
    with pytest.raises(StoreError, match="not a database; put a copy of it back"):
        SqliteStore(path)
    assert path.read_bytes().startswith(b"this is not")


def test_a_newer_schema_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="schema is version 99"):
        SqliteStore(path)


def test_durable_waits_for_all_that_was_put_before(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "a.sqlite")
    other = sqlite3.connect(tmp_path / "a.sqlite")

    async def run() -> None:
        await store.durable()  # nothing to wait for
        for number in range(50):
            store.put("a", str(number), b"x")
            store.delete("a", str(number - 1))
            await store.durable()
            assert other.execute("SELECT key FROM item").fetchall() == [(str(number),)]

    asyncio.run(run())
    other.close()
    store.close()


def test_a_full_disk_is_an_error_to_who_waits(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "a.sqlite", max_pages=16)
    store.put("a", "1", b"kept")
    store.flush()

    async def overflow() -> None:
        store.put("a", "2", os.urandom(1 << 20))
        await store.replace("a", "1", b"kept", b"gone")

    with pytest.raises(StoreError, match="full"):
        asyncio.run(overflow())
    with pytest.raises(StoreError, match="full"):
        asyncio.run(store.durable())
    store.close()
    again = SqliteStore(tmp_path / "a.sqlite")
    assert again.get("a", "1") == b"kept"
    assert again.get("a", "2") is None
    again.close()


def test_once_there_is_room_it_is_written_after_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    commit = sqlite._commit

    def full(*unused: object) -> set[tuple[str, str]]:
        raise sqlite3.OperationalError("the disk is full")

    monkeypatch.setattr(write_behind, "RETRY_S", 0.01)
    monkeypatch.setattr(sqlite, "_commit", full)
    store = SqliteStore(tmp_path / "a.sqlite")
    store.put("a", "1", b"later")
    for _ in range(2):
        with pytest.raises(StoreError, match="the disk is full"):
            asyncio.run(store.replace("a", "1", b"later", b"even later"))
    assert store.get("a", "1") == b"even later"
    monkeypatch.setattr(sqlite, "_commit", commit)
    with store._changed:
        assert store._changed.wait_for(lambda: store._failure is None, 10)
    assert asyncio.run(store.replace("a", "1", b"even later", b"at last"))
    store.close()
    again = SqliteStore(tmp_path / "a.sqlite")
    assert again.get("a", "1") == b"at last"
    again.close()
    said = [record.getMessage() for record in caplog.records]
    assert len([each for each in said if "the disk is full" in each]) == 1
    assert "written again" in said[-1]


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    SqliteStore(tmp_path / "deep" / "a.sqlite").close()
    assert (tmp_path / "deep" / "a.sqlite").stat().st_mode & 0o077 == 0


def test_nor_does_anybody_read_what_is_beside_it(tmp_path: Path) -> None:
    """The journal holds keys too; and the folder may be one that others enter."""
    store = SqliteStore(tmp_path / "a.sqlite")
    assert asyncio.run(store.replace("a", "1", None, b"a key"))
    beside = [each.name for each in tmp_path.iterdir() if each.stat().st_mode & 0o077]
    assert (tmp_path / "a.sqlite-wal").exists()
    store.close()
    assert beside == []
