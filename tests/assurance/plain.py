"""Sub-cases of transport and host, on real sockets in a namespace of the test, without a core: those who must not
notice are left out, and what makes a target of the kernel is here."""

from __future__ import annotations

import asyncio
import dataclasses
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from ipaddress import IPv4Address
from pathlib import Path

from cinq.assurance.case import CASES
from cinq.assurance.target import Interfaces, KnobName, Target
from cinq.assurance.trial import DoesNotApply, Ended, Lab, Others, Trial
from cinq.assurance.verdict import Broken, Fact, Judged, judge
from cinq.ran.scenarios.check import Failed
from cinq.ran.scenarios.target import Core, Radio
from cinq.transport import udp
from cinq.transport.frames import crc32c
from cinq.transport.raw import INIT, INIT_ACK, SCTP, Raw, payload_of, source_of
from cinq.wire import gtpu

from .site import target

N2, N3, BENCH = IPv4Address("127.0.0.77"), IPv4Address("127.0.0.87"), IPv4Address("127.0.0.97")
LIVE = Fact("liveness", "it lives", True)
Turns = Mapping[KnobName, Callable[[dict[str, str]], str]]


@dataclasses.dataclass
class Turning:
    """Knobs as functions."""

    turns: Turns

    async def turn(self, knob: KnobName, names: dict[str, str]) -> str:
        try:
            return (
                await asyncio.to_thread(self.turns[knob], names)
                if knob == "restart"
                else self.turns[knob](names)
            )
        except KeyError:
            raise OSError(f"{knob} is not there") from None


def described(**interfaces: object) -> Target:
    where = Interfaces(**{"n3": N3, "udp": (), "sctp": (), **interfaces})  # type: ignore[arg-type]
    return dataclasses.replace(
        target(), core=Core(amf_address=N2), radio=Radio(n3_address=BENCH), interfaces=where
    )


def played(
    case: str,
    sub: str,
    whom: Target,
    around: Callable[[], AbstractAsyncContextManager[object]] | None = None,
    turns: Turns | None = None,
    host: object = None,
    others: Others | None = None,
    bench: object = None,
    sbi: object = None,
) -> tuple[Judged, Trial]:
    """The verdict of a sub-case. around: what serves meanwhile."""

    async def main() -> tuple[Judged, Trial]:
        lab = Lab(whom, Turning(turns or {}), time.time, host=host, sbi=sbi)  # type: ignore[arg-type]
        trial = Trial(lab, bench)  # type: ignore[arg-type]  # no gNB plays here
        trial.others = others
        play = CASES[f"SCAS-{case}"].subs[sub].play
        assert play is not None
        broken, absent = "", None
        async with around() if around is not None else _nothing():
            try:
                await play(trial)
            except Ended:
                pass
            except DoesNotApply as error:
                absent = Broken(str(error), applies=False)
            except Failed as failed:
                broken = str(failed)
        if broken:
            trial.note("control", broken, False)
        return judge([*trial.facts, LIVE], absent), trial

    return asyncio.run(main())


@asynccontextmanager
async def _nothing() -> AsyncIterator[None]:
    yield


@asynccontextmanager
async def together(*parts: AbstractAsyncContextManager[object]) -> AsyncIterator[None]:
    if not parts:
        yield
        return
    async with parts[0], together(*parts[1:]):
        yield


@asynccontextmanager
async def task(serve: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    running = asyncio.ensure_future(serve())
    try:
        yield
    finally:
        running.cancel()


@asynccontextmanager
async def answering_init(
    address: str = str(N2), port: int = 38412, raw: Raw | None = None
) -> AsyncIterator[None]:
    """Whoever sends an INIT to the port gets INIT ACK."""
    socket = raw or Raw(address, SCTP)

    async def serve() -> None:
        while True:
            for packet in socket.came():
                payload = payload_of(packet)
                if len(payload) > 20 and payload[12] == INIT and int.from_bytes(payload[2:4], "big") == port:
                    chunk = struct.pack("!BBHIIHHI", INIT_ACK, 0, 20, 7, 65536, 10, 10, 1)
                    head = payload[2:4] + payload[0:2] + payload[16:20]
                    total = crc32c(head + bytes(4) + chunk).to_bytes(4, "little")
                    socket.send(head + total + chunk, source_of(packet))
            await asyncio.sleep(0.005)

    async with task(serve):
        yield
    socket.close()


@asynccontextmanager
async def answering_gtpu(address: str = str(N3), port: int = 2152) -> AsyncIterator[None]:
    """Echo, and Error Indication for every tunnel."""

    def heard(octets: bytes, peer: udp.Address) -> None:
        try:
            message = gtpu.decode(octets)
        except gtpu.GtpuError:
            end.send(b"\x40\x02\0\x09\0\0\x01\0\x03\0\x01\0\0", peer)  # as of GTP-C
            return
        answer: gtpu.GtpuMessage = gtpu.EchoResponse(sequence=1)
        if isinstance(message, gtpu.GPdu):
            answer = gtpu.ErrorIndication(tunnel=message.teid, peer=N3)
        end.send(gtpu.encode(answer), peer)

    end = await udp.endpoint(address, port, heard)
    try:
        yield
    finally:
        end.close()


def sysctl(name: str, value: str) -> None:
    """In the namespace of this thread."""
    Path("/proc/sys", *name.split(".")).write_text(value)
