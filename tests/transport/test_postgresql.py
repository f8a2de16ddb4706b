"""The store on a real PostgreSQL: names of any octets, and what a server does to it."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys

import psycopg
import pytest

from cinq.transport import postgresql, write_behind
from cinq.transport.postgresql import PostgresqlStore
from cinq.transport.write_behind import StoreError

from .postgresql_server import WORD, Server

pytestmark = pytest.mark.kernel


def test_names_of_any_octets_are_read_back(uri: str) -> None:
    store = PostgresqlStore(uri)
    names = [("ue", "1"), ("ue", "a\0b"), ("ue", "\udc80"), ("u\0e", "ä")]
    for number, name in enumerate(names):
        store.put(*name, bytes((number, 0, 255)))
    assert [store.get(*name) for name in names] == [bytes((n, 0, 255)) for n in range(4)]
    store.delete("ue", "1")
    assert store.get("ue", "1") is None
    store.close()
    again = PostgresqlStore(uri)
    assert list(again.items("ue")) == [("a\0b", b"\1\0\xff"), ("\udc80", b"\2\0\xff")]
    again.close()


def test_durable_means_a_kill_loses_nothing(uri: str) -> None:
    script = (
        "import asyncio, os, sys; from cinq.transport.postgresql import PostgresqlStore\n"
        "s = PostgresqlStore(sys.argv[1]); s.put('sqn', 'k', b'41')\n"
        "asyncio.run(s.replace('sqn', 'k', b'41', b'42')); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", script, uri], check=False)
    assert done.returncode == -signal.SIGKILL
    store = PostgresqlStore(uri)
    assert store.get("sqn", "k") == b"42"
    store.close()


def test_a_round_whose_outcome_is_not_known(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was committed, and the answer did not come; what was replaced on top of it meanwhile is not lost."""
    monkeypatch.setattr(write_behind, "RETRY_S", 0.05)
    store = PostgresqlStore(uri)
    store.put("sqn", "a", b"0")
    store.flush()
    commit = postgresql._commit

    def unheard(*arguments: object) -> set[tuple[str, str]]:
        commit(*arguments)  # type: ignore[arg-type]
        monkeypatch.setattr(postgresql, "_commit", commit)
        raise psycopg.OperationalError("the connection is lost")

    async def all_() -> list[bool | BaseException]:
        monkeypatch.setattr(postgresql, "_commit", unheard)
        first = asyncio.ensure_future(store.replace("sqn", "a", b"0", b"1"))
        failed = await asyncio.gather(first, return_exceptions=True)
        store.put("ue", "b", b"x")
        for _ in range(100):
            if store._failure is None:
                break
            await asyncio.sleep(0.02)
        return [*failed, await store.replace("sqn", "a", b"1", b"2")]

    failed, after = asyncio.run(all_())
    assert isinstance(failed, StoreError)
    assert after is True
    store.close()
    again = PostgresqlStore(uri)
    assert again.get("sqn", "a") == b"2"
    again.close()


def test_a_newer_schema_is_left_alone(uri: str) -> None:
    PostgresqlStore(uri).close()
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute("UPDATE cinq_schema SET version = 99")
    with pytest.raises(StoreError, match="schema is version 99"):
        PostgresqlStore(uri)


def test_what_cannot_be_had_is_said_without_the_password(server: Server) -> None:
    for wrong, said in (
        (server.uri("nowhere"), 'database "nowhere" does not exist'),
        (server.uri("postgres", "wrong-word"), "password authentication failed"),
        (f"postgresql://cinq:{WORD}@127.0.79.4:9/x", "Connection refused"),
        (f"postgresql://cinq:{WORD}@127.0.79.4:9/x?nonsense=1", "no URI that libpq reads"),
    ):
        with pytest.raises(StoreError) as raised:
            PostgresqlStore(wrong)
        assert said in str(raised.value)
        assert "word" not in str(raised.value).replace("password authentication", "")


def test_a_server_that_goes_and_comes_back_loses_nothing(
    server: Server, uri: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(write_behind, "RETRY_S", 0.05)
    monkeypatch.setattr(postgresql, "REST_S", 0.05)
    store = PostgresqlStore(uri, exclusive=True)
    store.put("ue", "1", b"before")
    store.flush()
    server.stop()
    try:
        store.put("ue", "2", b"meanwhile")
        with pytest.raises(StoreError, match=r"server closed the connection|Connection refused"):
            store.flush()
        with pytest.raises(StoreError):
            store.get("ue", "1")
        assert store.get("ue", "2") == b"meanwhile"  # it waits to be written
    finally:
        server.start()
    other = PostgresqlStore(uri)
    for _ in range(200):
        if other.get("ue", "2") is not None:
            break
        with other._changed:
            other._changed.wait(0.05)
    assert other.get("ue", "2") == b"meanwhile"
    with store._changed:
        store._changed.wait(0.1)
    assert store.get("ue", "1") == b"before"
    with pytest.raises(StoreError, match="another instance"):
        PostgresqlStore(uri, exclusive=True)  # it is held again
    assert [r.levelname for r in caplog.records if r.name == write_behind.log.name] == ["ERROR", "WARNING"]
    other.close()
    store.close()
