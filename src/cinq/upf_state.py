"""What a running UPF shows of itself over a Unix socket, to programs of the same user: sessions and dropped packets.

A question is one frame, JSON; the answer is frames of at most PAGE rows each, and an empty one.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal, Protocol, TypeVar

import msgspec

from cinq.nf.upf.shown import ShownDrops, ShownSession
from cinq.transport import local

PAGE = 500
FRAMES = 10_000
R = TypeVar("R", ShownSession, ShownDrops)


class Question(msgspec.Struct, frozen=True):
    """of: a SEID or a UE's address; "" is all."""

    ask: Literal["sessions", "drops"]
    of: str = ""


class Shown(Protocol):
    """A UPF."""

    def shown(self, wanted: str = "") -> list[ShownSession]: ...

    def drops(self) -> list[ShownDrops]: ...


def socket_of(control: Path) -> Path:
    """Beside the socket of the event stream."""
    return control.with_suffix(".upf")


class _Asker:
    def __init__(self, connection: local.Connection, upf: Shown) -> None:
        self._connection, self._upf = connection, upf

    def frame(self, octets: bytes) -> None:
        try:
            question = msgspec.json.decode(octets, type=Question)
        except msgspec.MsgspecError:
            self._connection.close()
            return
        rows = self._upf.drops() if question.ask == "drops" else self._upf.shown(question.of)
        for begin in range(0, len(rows), PAGE):
            self._connection.send(msgspec.json.encode(rows[begin : begin + PAGE]))
        self._connection.send(b"")

    def lost(self, reason: str) -> None:
        """Askers come and go."""


async def serve(control: Path, upf: Shown) -> local.Listener:
    """TransportError when the path is taken."""
    return await local.listen(str(socket_of(control)), lambda connection: _Asker(connection, upf))


async def asked(control: Path, question: Question, kind: type[R]) -> list[R]:
    """The rows of the UPF that runs there. TransportError: none does."""
    queue: asyncio.Queue[bytes | None] = asyncio.Queue(FRAMES)
    connection = await local.connect(str(socket_of(control)), lambda _: local.Queued(queue))
    found: list[R] = []
    try:
        connection.send(msgspec.json.encode(question))
        while octets := await queue.get():
            found += msgspec.json.decode(octets, type=list[kind])  # type: ignore[valid-type]
    finally:
        connection.close()
    return found
