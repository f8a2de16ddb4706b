"""Network namespaces, named after the process and removed in any case; and a PostgreSQL server."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from cinq.transport import netns
from cinq.transport.error import TransportError

from .postgresql_server import Server

NewNamespace = Callable[[str], str]


@pytest.fixture
def new_namespace() -> Iterator[NewNamespace]:
    """Makes network namespaces; skips the test where the host forbids them."""
    made: list[str] = []

    def make(name: str) -> str:
        full = f"cinq-test-{os.getpid()}-{name}"
        try:
            netns.create(full)
        except TransportError as error:
            pytest.skip(f"no network namespaces: {error}")
        made.append(full)
        return full

    yield make
    for each in made:
        netns.delete(each)


@pytest.fixture
def namespace(new_namespace: NewNamespace) -> Iterator[str]:
    """The test's thread is inside a fresh namespace, in which only loopback exists."""
    name = new_namespace("one")
    with netns.inside(name):
        yield name


@pytest.fixture(scope="session")
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
