"""The store: what was put is there after the process, in one transaction a round, and faults are said."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from cinq.transport import sqlite
from cinq.transport.sqlite import SqliteStore, StoreError


def test_what_was_put_is_read_back_at_once_and_later(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "a.sqlite")
    store.put("ue", "1", b"one")
    store.put("ue", "2", b"two")
    store.put("other", "1", b"x")
    assert store.get("ue", "1") == b"one"
    assert list(store.items("ue")) == [("1", b"one"), ("2", b"two")]
    store.delete("ue", "1")
    assert store.get("ue", "1") is None
    store.close()
    again = SqliteStore(tmp_path / "a.sqlite")
    assert list(again.items("ue")) == [("2", b"two")]
    again.close()


def test_durable_means_a_kill_loses_nothing(tmp_path: Path) -> None:
    script = (
        "import asyncio, os, sys; from pathlib import Path; from cinq.transport.sqlite import SqliteStore\n"
        "s = SqliteStore(Path(sys.argv[1])); s.put('sqn', 'k', b'42'); asyncio.run(s.durable()); os._exit(9)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "a.sqlite")], check=False)
    assert done.returncode == 9
    store = SqliteStore(tmp_path / "a.sqlite")
    assert store.get("sqn", "k") == b"42"
    store.close()


def test_many_wait_for_few_commits(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "a.sqlite")

    async def one(i: int) -> None:
        store.put("sqn", str(i), b"v")
        await store.durable()

    async def all_() -> None:
        await asyncio.gather(*(one(i) for i in range(500)))

    asyncio.run(all_())
    assert len(list(store.items("sqn"))) == 500
    store.close()


def test_another_process_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    core, command = SqliteStore(path, exclusive=True), SqliteStore(path)
    command.put("subscriber", "1", b"new")
    command.flush()
    assert core.get("subscriber", "1") == b"new"
    command.close()
    core.close()


def test_a_second_instance_is_refused(tmp_path: Path) -> None:
    first = SqliteStore(tmp_path / "a.sqlite", exclusive=True)
    with pytest.raises(StoreError, match="another instance of cinq holds it"):
        SqliteStore(tmp_path / "a.sqlite", exclusive=True)
    first.close()
    SqliteStore(tmp_path / "a.sqlite", exclusive=True).close()


def test_a_file_that_is_no_store(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    path.write_bytes(b"this is not a database" * 100)
    with pytest.raises(StoreError, match="not a database"):
        SqliteStore(path)
    assert path.read_bytes().startswith(b"this is not")


def test_a_newer_schema_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match="schema is version 99"):
        SqliteStore(path)


def test_a_full_disk_is_an_error_to_who_waits(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "a.sqlite", max_pages=16)
    store.put("a", "1", b"kept")
    store.flush()

    async def overflow() -> None:
        store.put("a", "2", os.urandom(1 << 20))
        await store.durable()

    with pytest.raises(StoreError, match="full"):
        asyncio.run(overflow())
    store.close()
    again = SqliteStore(tmp_path / "a.sqlite")
    assert again.get("a", "1") == b"kept"
    assert again.get("a", "2") is None
    again.close()


def test_once_there_is_room_it_is_written_after_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    commit, full = sqlite._commit, StoreError("the disk is full")
    monkeypatch.setattr(sqlite, "RETRY_S", 0.01)
    monkeypatch.setattr(sqlite, "_commit", lambda *unused: full)
    store = SqliteStore(tmp_path / "a.sqlite")
    store.put("a", "1", b"later")
    with pytest.raises(StoreError, match="the disk is full"):
        asyncio.run(store.durable())
    with pytest.raises(StoreError, match="the disk is full"):
        asyncio.run(store.durable())
    assert store.get("a", "1") == b"later"
    monkeypatch.setattr(sqlite, "_commit", commit)
    with store._changed:
        assert store._changed.wait_for(lambda: store._failure is None, 10)
    asyncio.run(store.durable())
    store.close()
    again = SqliteStore(tmp_path / "a.sqlite")
    assert again.get("a", "1") == b"later"
    again.close()
    said = [record.getMessage() for record in caplog.records]
    assert len([each for each in said if "the disk is full" in each]) == 1
    assert "written again" in said[-1]


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    SqliteStore(tmp_path / "deep" / "a.sqlite").close()
    assert (tmp_path / "deep" / "a.sqlite").stat().st_mode & 0o077 == 0
