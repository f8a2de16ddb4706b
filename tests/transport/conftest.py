"""Network namespaces for the tests of the transport room: named after the process, removed in any case."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from cinq.transport import netns
from cinq.transport.error import TransportError

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
