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
        "s = SqliteStore(Path(sys.argv[1])); s.put('sqn', 'k', b'41')\n"
        "asyncio.run(s.replace('sqn', 'k', b'41', b'42')); os._exit(9)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "a.sqlite")], check=False)
    assert done.returncode == 9
    store = SqliteStore(tmp_path / "a.sqlite")
    assert store.get("sqn", "k") == b"42"
    store.close()


def test_many_wait_for_few_commits(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "a.sqlite")

    async def one(i: int) -> None:
        store.put("sqn", str(i), b"u")
        assert await store.replace("sqn", str(i), b"u", b"v")

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


def test_what_is_replaced_by_steps_is_written_once(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "a.sqlite")
    store.put("sqn", "k", b"0")

    async def step(n: int) -> bool:
        return await store.replace("sqn", "k", b"%d" % n, b"%d" % (n + 1))

    async def all_() -> list[bool]:
        first = await asyncio.gather(*(step(n) for n in range(3)))
        return [*first, await step(1), await step(3)]

    assert asyncio.run(all_()) == [True, True, True, False, True]
    store.close()
    again = SqliteStore(tmp_path / "a.sqlite")
    assert again.get("sqn", "k") == b"4"
    again.close()


@pytest.mark.parametrize("foreign", [b"theirs", None])
def test_what_another_process_has_changed_is_not_replaced(tmp_path: Path, foreign: bytes | None) -> None:
    """And the changes of the same round are made all the same, also what stands on the one that is not."""
    path = tmp_path / "a.sqlite"
    core, command = SqliteStore(path), SqliteStore(path)
    core.put("sqn", "a", b"0")
    core.put("sqn", "b", b"0")
    core.flush()
    if foreign is None:
        command.delete("sqn", "a")
    else:
        command.put("sqn", "a", foreign)
    command.flush()

    async def all_() -> list[bool]:
        core.put("ue", "a", b"context")
        steps = [("a", b"0", b"1"), ("a", b"1", b"2"), ("b", b"0", b"1")]
        return await asyncio.gather(*(core.replace("sqn", *step) for step in steps))

    assert asyncio.run(all_()) == [False, False, True]
    found = [core.get("sqn", "a"), core.get("sqn", "b"), core.get("ue", "a")]
    assert found == [foreign, b"1", b"context"]
    command.close()
    core.close()


def test_a_put_is_for_good_whatever_was_to_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite"
    core, command = SqliteStore(path), SqliteStore(path)
    command.put("sqn", "a", b"theirs")
    command.flush()

    async def all_() -> None:
        replaced = asyncio.ensure_future(core.replace("sqn", "a", b"0", b"1"))
        await asyncio.sleep(0)
        core.put("sqn", "a", b"ours")
        await replaced

    asyncio.run(all_())
    assert command.get("sqn", "a") == b"ours"
    command.close()
    core.close()


def test_rounds_of_every_size(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "a.sqlite")
    store.put("deleted", "1", b"x")
    for count in (1, 3, 5, 255, 256, 257, 600):
        expected = [(f"{i:04}", b"%d" % count) for i in range(count)]
        for key, value in expected:
            store.put(f"of {count}", key, value)
        store.flush()
        assert list(store.items(f"of {count}")) == expected
    store.delete("deleted", "1")
    store.flush()
    assert not list(store.items("deleted"))
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


def test_a_second_instance_is_refused(tmp_path: Path) -> None:
    first = SqliteStore(tmp_path / "a.sqlite", exclusive=True)
    with pytest.raises(StoreError, match="another instance of cinq holds it"):
        SqliteStore(tmp_path / "a.sqlite", exclusive=True)
    first.close()
    SqliteStore(tmp_path / "a.sqlite", exclusive=True).close()


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


def test_parts_of_a_core_share_a_file_and_each_is_there_once(tmp_path: Path) -> None:
    path = tmp_path / "cinq.sqlite"
    one = SqliteStore(path, exclusive=True, parts=("amf", "smf"))
    two = SqliteStore(path, exclusive=True, parts=("udr",))
    for parts in ((), ("smf",), ("udr", "pcf")):
        with pytest.raises(StoreError, match="another instance of cinq holds it"):
            SqliteStore(path, exclusive=True, parts=parts)
    one.close()
    again = SqliteStore(path, exclusive=True, parts=("pcf", "amf"))
    for store in (two, again):
        store.close()
    SqliteStore(path, exclusive=True).close()


def test_nor_does_anybody_read_what_is_beside_it(tmp_path: Path) -> None:
    """The journal holds keys too; and the folder may be one that others enter."""
    store = SqliteStore(tmp_path / "a.sqlite")
    assert asyncio.run(store.replace("a", "1", None, b"a key"))
    beside = [each.name for each in tmp_path.iterdir() if each.stat().st_mode & 0o077]
    assert (tmp_path / "a.sqlite-wal").exists()
    store.close()
    assert beside == []
