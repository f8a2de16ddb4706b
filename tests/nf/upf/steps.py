"""Steps that the tests of N4 share: a test on the virtual clock, packets both ways."""

from __future__ import annotations

import struct
from collections.abc import Awaitable, Callable
from functools import wraps
from ipaddress import IPv4Address

from cinq.procedure import run_virtual
from cinq.userplane.model import Inner
from cinq.wire import pfcp

from .peer import UE, Bench

UE2 = IPv4Address("10.45.0.2")
Body = Callable[..., Awaitable[None]]


def virtual(body: Body) -> Callable[..., None]:
    """The test on a virtual clock."""

    @wraps(body)
    def run(**arguments: object) -> None:
        async def main() -> None:
            await body(**arguments)

        run_virtual(main())

    return run


def cause(answer: pfcp.Message | None) -> int:
    found = getattr(answer, "cause", None)
    assert isinstance(found, int), answer
    return found


def packet(source: IPv4Address, destination: IPv4Address) -> bytes:
    return (
        struct.pack("!BBHHHBBH", 0x45, 0, 28, 0, 0, 64, 17, 0) + source.packed + destination.packed + bytes(8)
    )


def gpdu(teid: int, inner: bytes) -> bytes:
    tail = struct.pack("!HBBBBBB", 0, 0, 0x85, 1, 0x10, 9, 0)
    return struct.pack("!BBHI", 0x34, 255, len(tail) + len(inner), teid) + tail + inner


def forwards(bench: Bench, teid: int, ue: IPv4Address = UE) -> bool:
    return isinstance(
        bench.plane.model.decapsulate(gpdu(teid, packet(ue, IPv4Address("10.6.0.2"))), 0), Inner
    )


def downlink(bench: Bench, ue: IPv4Address = UE) -> object:
    return bench.plane.model.encapsulate(packet(IPv4Address("10.6.0.2"), ue), 0)
