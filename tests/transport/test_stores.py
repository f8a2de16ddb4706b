"""What every store does: on SQLite, and on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from cinq.transport.postgresql import PostgresqlStore
from cinq.transport.sqlite import SqliteStore
from cinq.transport.write_behind import StoreError, WriteBehind

pytestmark = pytest.mark.kernel
Opening = Callable[..., WriteBehind]


@pytest.fixture(params=["sqlite", "postgresql"])
def opening(request: pytest.FixtureRequest, tmp_path: Path) -> Opening:
    """Opens the same store each time, with the keywords of either."""
    if request.param == "sqlite":
        return partial(SqliteStore, tmp_path / "a.sqlite")
    return partial(PostgresqlStore, request.getfixturevalue("uri"))


def test_what_was_put_is_read_back_at_once_and_later(opening: Opening) -> None:
    store = opening()
    store.put("ue", "1", b"one")
    store.put("ue", "2", b"two")
    store.put("other", "1", b"x")
    assert store.get("ue", "1") == b"one"
    assert list(store.items("ue")) == [("1", b"one"), ("2", b"two")]
    store.delete("ue", "1")
    assert store.get("ue", "1") is None
    store.close()
    again = opening()
    assert list(again.items("ue")) == [("2", b"two")]
    again.close()


def test_many_wait_for_few_commits(opening: Opening) -> None:
    store = opening()

    async def one(i: int) -> None:
        store.put("sqn", str(i), b"u")
        assert await store.replace("sqn", str(i), b"u", b"v")

    async def all_() -> None:
        await asyncio.gather(*(one(i) for i in range(500)))

    asyncio.run(all_())
    assert len(list(store.items("sqn"))) == 500
    store.close()


def test_another_process_is_seen(opening: Opening) -> None:
    core, command = opening(exclusive=True), opening()
    command.put("subscriber", "1", b"new")
    command.flush()
    assert core.get("subscriber", "1") == b"new"
    command.close()
    core.close()


def test_what_is_replaced_by_steps_is_written_once(opening: Opening) -> None:
    store = opening()
    store.put("sqn", "k", b"0")

    async def step(n: int) -> bool:
        return await store.replace("sqn", "k", b"%d" % n, b"%d" % (n + 1))

    async def all_() -> list[bool]:
        first = await asyncio.gather(*(step(n) for n in range(3)))
        return [*first, await step(1), await step(3)]

    assert asyncio.run(all_()) == [True, True, True, False, True]
    store.close()
    again = opening()
    assert again.get("sqn", "k") == b"4"
    again.close()


@pytest.mark.parametrize("foreign", [b"theirs", None])
def test_what_another_process_has_changed_is_not_replaced(opening: Opening, foreign: bytes | None) -> None:
    """And the changes of the same round are made all the same, also what stands on the one that is not."""
    core, command = opening(), opening()
    core.put("sqn", "a", b"0")
    core.put("sqn", "b", b"0")
    core.flush()
    assert command.get("sqn", "a") == b"0"
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
    for store in (core, command):
        found = [store.get("sqn", "a"), store.get("sqn", "b"), store.get("ue", "a")]
        assert found == [foreign, b"1", b"context"]
    command.close()
    core.close()


def test_a_put_is_for_good_whatever_was_to_be_replaced(opening: Opening) -> None:
    core, command = opening(), opening()
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


def test_rounds_of_every_size(opening: Opening) -> None:
    store = opening()
    store.put("deleted", "1", b"x")
    for count in (1, 3, 5, 255, 256, 257, 600, 1500):
        expected = [(f"{i:04}", b"%d" % count) for i in range(count)]
        for key, value in expected:
            store.put(f"of {count}", key, value)
        store.flush()
        assert list(store.items(f"of {count}")) == expected
    store.delete("deleted", "1")
    store.flush()
    assert not list(store.items("deleted"))
    store.close()


def test_a_second_instance_is_refused(opening: Opening) -> None:
    first = opening(exclusive=True)
    with pytest.raises(StoreError, match="another instance of cinq holds it"):
        opening(exclusive=True)
    first.close()
    opening(exclusive=True).close()


def test_parts_of_a_core_share_it_and_each_is_there_once(opening: Opening) -> None:
    one = opening(exclusive=True, parts=("amf", "smf"))
    two = opening(exclusive=True, parts=("udr",))
    for parts in ((), ("smf",), ("udr", "pcf")):
        with pytest.raises(StoreError, match="another instance of cinq holds it"):
            opening(exclusive=True, parts=parts)
    one.close()
    again = opening(exclusive=True, parts=("pcf", "amf"))
    for store in (two, again):
        store.close()
    opening(exclusive=True).close()
