"""The store on a real PostgreSQL: what SqliteStore does, and what a server does to it."""

from __future__ import annotations

import asyncio
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from cinq.transport import postgresql, write_behind
from cinq.transport.postgresql import PostgresqlStore
from cinq.transport.write_behind import StoreError

pytestmark = pytest.mark.kernel
WORD = "a-secret-word"


class Server:
    """One of its own, on loopback, whose data go with it. It does not run as root."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.programs, self.folder = programs, folder
        with socket.socket() as free:
            free.bind(("127.0.79.3", 0))
            self.port: int = free.getsockname()[1]
        self.user = {"user": "postgres"} if os.geteuid() == 0 else {}
        if self.user:
            shutil.chown(folder, "postgres")
        (folder / "word").write_text(WORD)
        (folder / "word").chmod(0o644)
        made = ("-A", "scram-sha-256", "-U", "cinq", f"--pwfile={folder}/word", "--no-sync", "-D", self.data)
        self._run("initdb", *made)
        self.start()

    @property
    def data(self) -> str:
        return f"{self.folder}/data"

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            (self.programs / program, *arguments),
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            **self.user,
        )  # type: ignore[call-overload]
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        how = f"-F -h 127.0.79.3 -p {self.port} -k {self.folder}"
        self._run("pg_ctl", "-D", self.data, "-w", "-l", f"{self.folder}/log", "-o", how, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self.data, "-w", "-m", "immediate", "stop")

    def uri(self, name: str, word: str = WORD) -> str:
        return f"postgresql://cinq:{word}@127.0.79.3:{self.port}/{name}"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    if not found:
        pytest.skip("needs a PostgreSQL server: apt install postgresql")
    if os.geteuid() == 0 and not any(each.pw_name == "postgres" for each in pwd.getpwall()):
        pytest.skip("needs the user postgres: PostgreSQL does not run as root")
    folder = Path(tempfile.mkdtemp(prefix="cinq-pg-"))  # pytest's own is for its owner only
    made = Server(Path(found[-1]).parent, folder)
    yield made
    made.stop()
    shutil.rmtree(folder)


@pytest.fixture
def uri(server: Server, request: pytest.FixtureRequest) -> str:
    """A database of the test's own."""
    name = f"t{abs(hash(request.node.nodeid))}"
    with psycopg.connect(server.uri("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return server.uri(name)


def test_what_was_put_is_read_back_at_once_and_later(uri: str) -> None:
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


def test_rounds_of_every_size(uri: str) -> None:
    store = PostgresqlStore(uri)
    for count in (1, 3, 257, 1500):
        expected = [(f"{i:04}", b"%d" % count) for i in range(count)]
        for key, value in expected:
            store.put(f"of {count}", key, value)
        store.flush()
        assert list(store.items(f"of {count}")) == expected
    store.close()


@pytest.mark.parametrize("foreign", [b"theirs", None])
def test_what_another_process_has_changed_is_not_replaced(uri: str, foreign: bytes | None) -> None:
    core, command = PostgresqlStore(uri), PostgresqlStore(uri)
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
    found = [command.get("sqn", "a"), command.get("sqn", "b"), command.get("ue", "a")]
    assert found == [foreign, b"1", b"context"]
    command.close()
    core.close()


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


def test_parts_share_a_database_and_each_is_there_once(uri: str) -> None:
    one = PostgresqlStore(uri, exclusive=True, parts=("amf", "smf"))
    two = PostgresqlStore(uri, exclusive=True, parts=("udr",))
    for parts in ((), ("smf",), ("udr", "pcf")):
        with pytest.raises(StoreError, match="another instance of cinq holds it"):
            PostgresqlStore(uri, exclusive=True, parts=parts)
    one.close()
    again = PostgresqlStore(uri, exclusive=True, parts=("pcf", "amf"))
    for store in (two, again):
        store.close()
    PostgresqlStore(uri, exclusive=True).close()


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
