"""HTTP/2 on real sockets of loopback: both ends of ours, and ends that misbehave."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import h2.config
import h2.connection
import h2.errors
import h2.events
import hpack
import pytest

from cinq.transport.error import NoAnswerError, TransportError
from cinq.transport.http2 import Answer, Http2Peer, Http2Server, Limits, Request, Response, Secured, serve
from cinq.transport.http2.compact import Compact

from .certificates import certificate

HOST = "127.0.0.1"


async def echo(request: Request, peer: Secured) -> Response:
    where = request.target.partition("?")[0]
    if where == "/slow":
        await asyncio.sleep(0.5)
    if where == "/bug":
        raise RuntimeError("a bug")
    if where == "/large":
        return Response(200, (), b"x" * 3_000_000)
    return Response(200, (("x-method", request.method), ("x-peer", ",".join(peer.names))), request.body)


def run(
    body: Callable[[Http2Server, Http2Peer], Awaitable[None]],
    *,
    answer: Answer = echo,
    limits: Limits | None = None,
    client: Limits | None = None,
) -> None:
    async def main() -> None:
        server = await serve(HOST, 0, answer, limits=limits)
        peer = Http2Peer(*server.local, limits=client)
        try:
            await body(server, peer)
        finally:
            await peer.close()
            await server.close()

    asyncio.run(main())


def test_requests_of_any_size_cross_many_at_a_time() -> None:
    """Above every window and frame, on one connection, more than the peer takes at a time."""

    async def body(server: Http2Server, peer: Http2Peer) -> None:
        sizes = [0, 1, 16_384, 65_536, 900_000, *range(300)]
        requests = [Request("POST", f"/{n}", (), bytes([n % 251]) * n) for n in sizes]
        answers = await asyncio.gather(*(peer.send(r) for r in requests))
        assert [a.body for a in answers] == [r.body for r in requests]
        assert {a.header("x-method") for a in answers} == {"POST"}
        assert len(server.links) == 1

    run(body, limits=Limits(streams=20))


def test_a_bug_and_a_large_body_harm_nobody_else() -> None:
    async def body(server: Http2Server, peer: Http2Peer) -> None:
        slow = asyncio.create_task(peer.send(Request("GET", "/slow")))
        assert (await peer.send(Request("GET", "/bug"))).status == 500
        assert (await peer.send(Request("POST", "/", (), b"x" * 2_000_000))).status == 413
        with pytest.raises(NoAnswerError, match="an answer of more than"):
            await peer.send(Request("GET", "/large"))
        assert (await peer.send(Request("GET", "/"))).status == 200
        assert (await slow).status == 200
        assert len(server.links) == 1

    run(body)


def test_who_waits_no_longer_gives_the_stream_up() -> None:
    async def body(server: Http2Server, peer: Http2Peer) -> None:
        with pytest.raises(NoAnswerError, match=r"no answer within 0\.05 s"):
            await peer.send(Request("GET", "/slow"), within=0.05)
        assert (await peer.send(Request("GET", "/"))).status == 200

    run(body)


def test_a_server_that_has_gone_is_asked_again_after_a_rest() -> None:
    async def main() -> None:
        server = await serve(HOST, 0, echo)
        peer = Http2Peer(*server.local)
        assert (await peer.send(Request("GET", "/"))).status == 200
        slow = asyncio.create_task(peer.send(Request("GET", "/slow")))
        await asyncio.sleep(0.1)
        await server.close()
        with pytest.raises(NoAnswerError):
            await slow
        with pytest.raises(NoAnswerError, match="not sent"):
            await peer.send(Request("GET", "/"))
        again = await serve(HOST, server_port := peer.port, echo)
        assert server_port == peer.port
        with pytest.raises(NoAnswerError, match="not sent"):  # it rests
            await peer.send(Request("GET", "/"))
        await asyncio.sleep(0.6)
        assert (await peer.send(Request("GET", "/"))).status == 200
        await peer.close()
        await again.close()

    asyncio.run(main())


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..example", "\ud800", "a\0b"])
def test_a_host_that_is_no_name(host: str) -> None:
    """As a peer may write it into a callback URI or a profile."""

    async def main() -> None:
        with pytest.raises(NoAnswerError, match="not sent"):
            await Http2Peer(host, 80).send(Request("GET", "/"))

    asyncio.run(main())


@pytest.mark.parametrize(
    "request_",
    [
        *(Request("GET", target) for target in ("", "/\0", "/é", "/a b", "/\ud800", "x")),
        *(Request("GET", "/", (("a", value),)) for value in ("a\r\nb: c", " a", "a ", "\0", "\ud800")),
        *(Request("GET", "/", ((name, "x"),)) for name in ("", "A", "a b", ":path")),
    ],
)
def test_what_is_no_request_ends_no_connection(request_: Request) -> None:
    """A callback URI or a token that a peer wrote so would end the requests of others with it."""

    async def body(server: Http2Server, peer: Http2Peer) -> None:
        slow = asyncio.create_task(peer.send(Request("GET", "/slow")))
        await peer.send(Request("GET", "/"))
        with pytest.raises(NoAnswerError, match="not sent: a "):
            await peer.send(request_)
        assert (await slow).status == 200
        assert len(server.links) == 1

    run(body)


def test_an_address_that_cannot_be_had() -> None:
    async def main() -> None:
        server = await serve(HOST, 0, echo)
        with pytest.raises(TransportError, match=f"HTTP/2 on {HOST}:{server.local[1]}"):
            await serve(*server.local, echo)
        await server.close()

    asyncio.run(main())


# peers that misbehave


class Rogue:
    """A client that does what it likes. Closed by the server: `ended` is set."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.h2 = h2.connection.H2Connection(
            h2.config.H2Configuration(header_encoding="utf-8", validate_outbound_headers=False)
        )
        self.events: list[h2.events.Event] = []

    @classmethod
    async def of(cls, server: Http2Server, *, greet: bool = True) -> Rogue:
        rogue = cls(*await asyncio.open_connection(*server.local))
        if greet:
            rogue.h2.initiate_connection()
            rogue.flush()
        return rogue

    def flush(self) -> None:
        self.writer.write(self.h2.data_to_send())

    def ask(self, stream: int, path: str = "/slow", *, end: bool = True, **more: str) -> None:
        headers = [
            (":method", "GET"),
            (":scheme", "http"),
            (":authority", "a"),
            (":path", path),
            *more.items(),
        ]
        self.h2.send_headers(stream, headers, end_stream=end)

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except ConnectionError:
            pass

    async def ended(self, within: float = 3.0) -> bool:
        """Whether the server closes the connection."""
        try:
            async with asyncio.timeout(within):
                while octets := await self.reader.read(65536):
                    self.events += self.h2.receive_data(octets)
        except TimeoutError:
            return False
        except ConnectionError:
            pass
        return True


def misbehave(deed: Callable[[Rogue], None], *, limits: Limits | None = None, greet: bool = True) -> Rogue:
    """The rogue is put out, and a well-behaved client is served before and after."""
    found: list[Rogue] = []

    async def body(server: Http2Server, peer: Http2Peer) -> None:
        assert (await peer.send(Request("GET", "/"))).status == 200
        rogue = await Rogue.of(server, greet=greet)
        deed(rogue)
        ended = await rogue.ended()
        await rogue.close()
        assert ended, "the server keeps it"
        assert (await peer.send(Request("GET", "/"))).status == 200
        assert len(server.links) == 1
        found.append(rogue)

    run(body, limits=limits)
    return found[0]


def terminated(rogue: Rogue) -> h2.errors.ErrorCodes | int | None:
    return next((e.error_code for e in rogue.events if isinstance(e, h2.events.ConnectionTerminated)), None)


def test_rapid_reset_is_ended_with_enhance_your_calm() -> None:
    """DEV-109, with the floods below."""

    def deed(rogue: Rogue) -> None:
        for n in range(300):
            rogue.ask(2 * n + 1)
            rogue.h2.reset_stream(2 * n + 1)
        rogue.flush()

    assert terminated(misbehave(deed)) == h2.errors.ErrorCodes.ENHANCE_YOUR_CALM


def test_trailers_end_a_message() -> None:
    """RFC 9113 §8.1."""

    async def body(server: Http2Server, peer: Http2Peer) -> None:
        rogue = await Rogue.of(server)
        rogue.ask(1, "/", end=False)
        rogue.h2.send_data(1, b"some")
        rogue.h2.send_headers(1, [("x-checksum", "1")], end_stream=True)
        rogue.flush()
        while not any(isinstance(each, h2.events.StreamEnded) for each in rogue.events):
            rogue.events += rogue.h2.receive_data(await asyncio.wait_for(rogue.reader.read(65536), 10))
        assert [e.data for e in rogue.events if isinstance(e, h2.events.DataReceived)] == [b"some"]
        await rogue.close()

    run(body)


def test_a_flood_of_pings_and_settings_is_ended() -> None:
    def pings(rogue: Rogue) -> None:
        for _ in range(300):
            rogue.h2.ping(b"12345678")
        rogue.flush()

    def settings(rogue: Rogue) -> None:
        for n in range(300):
            rogue.h2.update_settings({3: 100 + n})
        rogue.flush()

    def windows(rogue: Rogue) -> None:
        for _ in range(3000):
            rogue.h2.increment_flow_control_window(1)
        rogue.flush()

    for deed in (pings, settings, windows):
        assert terminated(misbehave(deed)) == h2.errors.ErrorCodes.ENHANCE_YOUR_CALM


def test_a_body_that_comes_drop_by_drop_is_not_waited_for() -> None:
    """DEV-108: of one that is too large too, no more is kept than a body may have."""

    async def body(server: Http2Server, peer: Http2Peer) -> None:
        rogue = await Rogue.of(server)
        rogue.ask(1, end=False)
        rogue.flush()

        async def drops() -> None:
            while True:
                rogue.h2.send_data(1, b"x")
                rogue.flush()
                await asyncio.sleep(0.01)

        dropping = asyncio.create_task(drops())
        answered = None
        while answered is None:
            rogue.events += rogue.h2.receive_data(await asyncio.wait_for(rogue.reader.read(65536), 10))
            answered = next((e for e in rogue.events if isinstance(e, h2.events.ResponseReceived)), None)
        dropping.cancel()
        assert (":status", "408") in answered.headers
        assert (await peer.send(Request("GET", "/"))).status == 200
        await rogue.close()

    run(body, limits=Limits(arrive=0.2, drain=0.1, greeting=0.1))


def test_headers_that_grow_without_end() -> None:
    def bomb(rogue: Rogue) -> None:
        headers = [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/")]
        rogue.h2.send_headers(1, headers + [("x", "y" * 4000)] * 40, end_stream=True)
        rogue.flush()

    def continuation(rogue: Rogue) -> None:
        rogue.writer.write(b"\0\0\0\1\0\0\0\0\1" + b"\0\0\0\x09\0\0\0\0\1" * 300)

    for deed in (bomb, continuation):
        misbehave(deed)


@pytest.mark.parametrize(
    "octets", [b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", b"\0" * 40, b"\x16\x03\x01\x02\0\x01"]
)
def test_what_is_no_http2(octets: bytes) -> None:
    limits = Limits(greeting=0.3)
    misbehave(lambda rogue: rogue.writer.write(octets), greet=False, limits=limits)


def test_who_says_nothing_is_left() -> None:
    misbehave(lambda rogue: None, greet=False, limits=Limits(greeting=0.2))
    misbehave(lambda rogue: None, limits=Limits(greeting=0.1, idle=0.3, drain=0.2))


def test_who_asks_and_does_not_read_costs_no_more_than_its_window() -> None:
    """Its stream is given up; others are served all the time."""

    async def large(request: Request, peer: Secured) -> Response:
        return Response(200, (), b"x" * 900_000)

    async def body(server: Http2Server, peer: Http2Peer) -> None:
        rogue = await Rogue.of(server)
        rogue.ask(1)
        rogue.flush()
        await asyncio.sleep(0.1)
        for _ in range(5):
            assert len((await peer.send(Request("GET", "/"))).body) == 900_000
        await asyncio.sleep(0.5)
        async with asyncio.timeout(2):
            while not any(isinstance(e, h2.events.StreamReset) for e in rogue.events):
                rogue.events += rogue.h2.receive_data(await rogue.reader.read(65536))
        await rogue.close()

    run(body, answer=large, limits=Limits(drain=0.3, greeting=0.1))


def test_a_peer_that_vanishes_in_the_middle_leaves_nothing() -> None:
    async def body(server: Http2Server, peer: Http2Peer) -> None:
        for path, end in (("/slow", True), ("/", False)):
            rogue = await Rogue.of(server)
            rogue.ask(1, path, end=end)
            rogue.flush()
            await asyncio.sleep(0.05)
            rogue.writer.transport.abort()
            await rogue.close()
        await asyncio.sleep(0.7)
        assert not server.links
        assert (await peer.send(Request("GET", "/"))).status == 200

    run(body)


@pytest.mark.parametrize(
    "octets", [b"", b"HTTP/1.1 400 no\r\n\r\n", b"\0\0\0\x04\0\0\0\0\0" + b"\xff" * 40, None]
)
def test_a_server_that_answers_nonsense_or_nothing(octets: bytes | None) -> None:
    async def main() -> None:
        async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if octets is None:
                await over.wait()
            else:
                writer.write(octets)
            writer.close()
            await writer.wait_closed()

        over = asyncio.Event()
        server = await asyncio.start_server(nonsense, HOST, 0)
        host, port = server.sockets[0].getsockname()[:2]
        peer = Http2Peer(host, port)
        with pytest.raises(NoAnswerError):
            await peer.send(Request("GET", "/"), within=0.5)
        await peer.close()
        over.set()
        await asyncio.sleep(0.05)
        server.close()

    asyncio.run(main())


# TLS


def context(purpose: ssl.Purpose, own: tuple[Path, Path], trusted: Path) -> ssl.SSLContext:
    made = ssl.create_default_context(purpose, cafile=str(trusted))
    made.load_cert_chain(*map(str, own))
    made.verify_mode = ssl.CERT_REQUIRED
    made.set_alpn_protocols(["h2"])
    return made


def test_both_ends_show_who_they_are(tmp_path: Path) -> None:
    amf = certificate(tmp_path, "amf", "urn:uuid:00000000-0000-4000-8000-000000000001")
    udm = certificate(tmp_path, "udm", "urn:uuid:00000000-0000-4000-8000-000000000002")
    foreign = certificate(tmp_path, "foreign", "urn:uuid:00000000-0000-4000-8000-000000000001")

    async def main() -> None:
        server = await serve(HOST, 0, echo, tls=context(ssl.Purpose.CLIENT_AUTH, udm, amf[0]))
        known = Http2Peer(*server.local, tls=context(ssl.Purpose.SERVER_AUTH, amf, udm[0]))
        response = await known.send(Request("GET", "/"))
        assert "urn:uuid:00000000-0000-4000-8000-000000000001" in (response.header("x-peer") or "")
        stranger = Http2Peer(*server.local, tls=context(ssl.Purpose.SERVER_AUTH, foreign, udm[0]))
        with pytest.raises(NoAnswerError):
            await stranger.send(Request("GET", "/"))
        deceived = Http2Peer(*server.local, tls=context(ssl.Purpose.SERVER_AUTH, amf, foreign[0]))
        with pytest.raises(NoAnswerError, match="certificate verify failed"):
            await deceived.send(Request("GET", "/"))
        for peer in (known, stranger, deceived):
            await peer.close()
        await server.close()

    asyncio.run(main())


def test_header_lists_are_read_as_they_were_written() -> None:
    """Whatever comes in whatever order, with a table that fills, empties and changes its size (RFC 7541 §4)."""
    chance = random.Random(7)
    mine, theirs = Compact(), hpack.Decoder()
    names = [
        b":path",
        b"location",
        b"authorization",
        b"user-agent",
        b"x",
        b"3gpp-sbi-sender-timestamp",
        b":status",
    ]
    for turn in range(2000):
        listed = [
            (
                chance.choice(names),
                bytes(chance.choices(b"abc/%~", k=chance.choice((0, 3, 126, 127, 128, 400, 2000)))),
            )
            for _ in range(chance.randrange(1, 6))
        ]
        if turn % 97 == 0:
            mine.header_table_size = chance.choice((0, 64, 4096))
        if turn % 3:  # as requests do, most of them the same
            listed += [(b"user-agent", b"AMF-cinq"), (b"authorization", b"Bearer " + b"t" * 400)]
        assert [tuple(one) for one in theirs.decode(mine.encode(listed), raw=True)] == listed
