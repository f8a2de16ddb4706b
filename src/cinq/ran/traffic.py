"""Traffic of emulated UEs, and what the network makes of it: profiles, a responder, loss, delay and jitter.

A UE sends datagrams to a responder in the data network, which answers each as it asks. Both ends are pure: octets in,
octets out, time as an argument. The responder gives more than it got only to those who have shown, by a cookie, that
they receive at the address that they send from; so it cannot be made to flood others.
"""

from __future__ import annotations

import asyncio
import hashlib
import struct
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from random import Random
from typing import Literal, Protocol

Profile = Literal["constant", "voice", "web", "video"]
PORT = 5600
HEADER = struct.Struct("!4sBxHIQ8sI")
"""Mark, kind, part, number, time sent in nanoseconds, cookie, octets asked for (request) or parts (reply)."""
MARK = b"cinq"
REQUEST, REPLY, COOKIE = 1, 2, 3
NO_COOKIE = bytes(8)
PART = 1200  # octets of a datagram at most
MOST_REPLY = 100_000  # octets
LATE_S = 2.0  # what has not come by then is lost
MOST_WAITING = 65536
KNOCK_S = 0.5

Step = tuple[float, int, int]
"""Seconds until the next request, its octets, and those asked for in answer."""


def steps(profile: Profile, rate: int, random: Random) -> Iterator[Step]:
    """Endless. rate: bit/s each way, of `constant` alone."""
    match profile:
        case "constant":
            while True:
                yield 8 * 1000 / rate, 1000, 1000
        case "voice":  # 20 ms of AMR-WB at 23.85 kbit/s: RTP 12 octets, payload 61
            while True:
                yield 0.02, 73, 73
        case "video":  # 25 frames a second, about 2.2 Mbit/s; one of 25 is complete
            while True:
                for frame in range(25):
                    yield 0.04, 100, 40_000 if frame == 0 else 10_000
        case "web":  # a page of some objects, then somebody reads
            while True:
                objects = random.randint(2, 12)
                for each in range(objects):
                    size = int(min(random.lognormvariate(9.5, 1.0), MOST_REPLY))
                    yield random.expovariate(1 / 5) if each == 0 else 0.01, 300, size


class Responder:
    """The end in the data network. secret: what cookies are made with."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self.answered = 0

    def answer(self, octets: bytes, peer: tuple[str, int]) -> list[bytes]:
        """The datagrams that go back; none to what is no request."""
        if len(octets) < HEADER.size:
            return []
        mark, kind, _, number, sent, cookie, wanted = HEADER.unpack_from(octets)
        if mark != MARK or kind != REQUEST:
            return []
        own = hashlib.blake2b(f"{peer[0]} {peer[1]}".encode(), key=self._secret, digest_size=8).digest()
        if cookie != own:
            return [HEADER.pack(MARK, COOKIE, 0, number, sent, own, 0)]
        self.answered += 1
        left = min(max(wanted, HEADER.size), MOST_REPLY)
        parts = -(-left // PART)
        made: list[bytes] = []
        for part in range(parts):
            size = min(PART, left - part * PART)
            made.append(HEADER.pack(MARK, REPLY, part, number, sent, own, parts).ljust(size, b"\0"))
        return made


@dataclass(frozen=True, slots=True)
class Figures:
    """sent, received: datagrams of answers that were asked for, and that came; lost: those that cannot come any more.
    Milliseconds there and back; jitter as RFC 3550 §6.4.1 has it, of the way there and back."""

    sent: int = 0
    received: int = 0
    lost: int = 0
    delay_ms: float = 0.0
    least_ms: float = 0.0
    most_ms: float = 0.0
    jitter_ms: float = 0.0
    octets: int = 0

    @property
    def loss(self) -> float:
        """Of what is decided, from 0 to 1."""
        decided = self.received + self.lost
        return self.lost / decided if decided else 0.0


class Meter:
    """Of one stream. Time in seconds of any monotonic clock."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[int, tuple[float, set[int]]] = OrderedDict()
        self._sent = self._received = self._lost = self._octets = 0
        self._total = self._jitter = self._most = 0.0
        self._least: float | None = None
        self._before: float | None = None

    def sent(self, number: int, parts: int, now: float) -> None:
        self._waiting[number] = now, set(range(parts))
        self._sent += parts
        if len(self._waiting) > MOST_WAITING:
            self._give_up()

    def heard(self, number: int, part: int, octets: int, now: float) -> bool:
        """False: nobody waits for it. It came twice, too late, or was never asked for."""
        self._expire(now)
        found = self._waiting.get(number)
        if found is None or part not in found[1]:
            return False
        since, parts = found
        parts.discard(part)
        if not parts:
            del self._waiting[number]
        delay = now - since
        self._received += 1
        self._octets += octets
        self._total += delay
        self._most = max(self._most, delay)
        self._least = delay if self._least is None else min(self._least, delay)
        if self._before is not None:
            self._jitter += (abs(delay - self._before) - self._jitter) / 16
        self._before = delay
        return True

    def _give_up(self) -> None:
        _, (_, parts) = self._waiting.popitem(last=False)
        self._lost += len(parts)

    def _expire(self, now: float) -> None:
        while self._waiting and now - next(iter(self._waiting.values()))[0] > LATE_S:
            self._give_up()

    def figures(self, now: float) -> Figures:
        self._expire(now)
        mean = self._total / self._received if self._received else 0.0
        mean, least, most, jitter = (
            round(1000 * each, 3) for each in (mean, self._least or 0.0, self._most, self._jitter)
        )
        return Figures(self._sent, self._received, self._lost, mean, least, most, jitter, self._octets)


class Port(Protocol):
    """A UDP socket of the UE, connected to the responder as far as the stream is concerned."""

    def send(self, octets: bytes, to: tuple[str, int]) -> None: ...


class Stream:
    """One UE's traffic with a responder."""

    def __init__(
        self, port: Port, peer: tuple[str, int], found: Iterator[Step], clock: Callable[[], float]
    ) -> None:
        """found: what to send, and when."""
        self.meter = Meter()
        self._port, self._peer, self._steps, self._clock = port, peer, found, clock
        self._number = 0
        self._cookie = NO_COOKIE
        self._let_in = asyncio.Event()

    async def run(self) -> None:
        """Until it is cancelled."""
        while not self._let_in.is_set():
            self._ask(HEADER.size, 0)
            try:
                async with asyncio.timeout(KNOCK_S):
                    await self._let_in.wait()
            except TimeoutError:
                continue
        due = self._clock()
        for wait, octets, wanted in self._steps:
            due += wait
            pause = due - self._clock()
            await asyncio.sleep(max(pause, 0))
            if pause < -LATE_S:  # the host was too slow for the profile: what is missed is not made up for
                due = self._clock()
            self._ask(octets, wanted)

    def _ask(self, octets: int, wanted: int) -> None:
        self._number += 1
        now = self._clock()
        head = HEADER.pack(MARK, REQUEST, 0, self._number, int(now * 1e9), self._cookie, wanted)
        if self._cookie != NO_COOKIE:
            self.meter.sent(self._number, -(-max(wanted, HEADER.size) // PART), now)
        self._port.send(head.ljust(octets, b"\0"), self._peer)

    def received(self, octets: bytes, peer: tuple[str, int]) -> None:
        """Whatever comes to the socket."""
        if peer != self._peer or len(octets) < HEADER.size:
            return
        mark, kind, part, number, _, cookie, _ = HEADER.unpack_from(octets)
        if mark != MARK:
            return
        if kind == COOKIE and self._cookie == NO_COOKIE:
            self._cookie = cookie
            self._let_in.set()
        elif kind == REPLY and cookie == self._cookie:
            self.meter.heard(number, part, len(octets), self._clock())


def peer_of(text: str) -> tuple[str, int]:
    """'10.6.0.2:5600', '[2001:db8::1]:5600'; the port may be left out. ValueError."""
    host, port = text, str(PORT)
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.removeprefix(":") or port
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    try:
        address, number = str(ip_address(host)), int(port)
    except ValueError:
        address, number = "", 0
    if not 1 <= number <= 65535:
        raise ValueError(f"found {text[:60]!r}, wanted an address and a port, such as 10.6.0.2:{PORT}")
    return address, number
