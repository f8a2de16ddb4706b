"""One HTTP/2 connection: octets to h2's events and back, bodies within the peer's windows, and what a peer may cost.

Both ends are this class with another idea of what a stream is for.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections import deque
from dataclasses import dataclass, field
from typing import cast

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from cinq.transport.http2.compact import Compact
from cinq.transport.http2.frame_buffer import Frames
from cinq.transport.tls_exporter import exporter_of

log = logging.getLogger(__name__)

UPDATES = 10  # updates of windows that cost as much as another frame of control
WINDOW = 1 << 20  # octets of a stream that a peer may send before we have read them


@dataclass(frozen=True, slots=True)
class Limits:
    """What one peer may cost. A body in octets, header lists in octets (RFC 9113 §6.5.2), times in seconds.

    streams: at a time. control: frames of control, and streams that the peer ends itself, in `per` seconds. greeting:
    until its preface. idle: without a stream or an octet. drain: for it to take what was answered. arrive: for a
    request, or an answer that has begun, to be there in full.
    """

    body: int = 1 << 20
    headers: int = 16_384
    streams: int = 256
    control: int = 200
    per: float = 10.0
    greeting: float = 5.0
    idle: float = 300.0
    drain: float = 30.0
    arrive: float = 30.0


@dataclass(frozen=True, slots=True)
class Secured:
    """How a peer has shown who it is. names: URIs and DNS names of its certificate (RFC 5280 §4.2.1.6).

    certificate: as it was shown, in DER. exporter: the exporter master secret of the connection and its hash, where
    the context keeps it (cinq.transport.tls_exporter).
    """

    address: tuple[str, int]
    tls: bool = False
    names: tuple[str, ...] = ()
    certificate: bytes = b""
    exporter: tuple[bytes, str] = field(default=(b"", ""), repr=False)


@dataclass(slots=True)
class _Outgoing:
    """What is left to send on a stream."""

    octets: memoryview
    since: float


class Link(asyncio.Protocol):
    """A connection. A subclass says what comes of its streams: opened, data, ended, lost."""

    def __init__(self, client: bool, limits: Limits) -> None:
        config = h2.config.H2Configuration(  # what goes out is written here, in lower case
            client_side=client,
            header_encoding="utf-8",
            validate_outbound_headers=False,
            normalize_outbound_headers=False,
        )
        self.h2 = h2.connection.H2Connection(config)
        self.h2.encoder = Compact()
        self.h2.incoming_buffer = Frames(server=not client)
        self.h2.local_settings = h2.settings.Settings(
            client=client,
            initial_values={
                h2.settings.SettingCodes.ENABLE_PUSH: 0,
                h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: limits.streams,
                h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: limits.headers,
                h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: WINDOW,
            },
        )
        self.limits = limits
        self.transport: asyncio.Transport | None = None
        self.peer = Secured(("", 0))
        self.open = False
        self._loop = asyncio.get_running_loop()
        self._outgoing: dict[int, _Outgoing] = {}
        self._paused = False
        self._control: deque[float] = deque(maxlen=limits.control)
        self._heard = self._loop.time()
        self._greeted = False
        self._updates = 0
        self._watch: asyncio.TimerHandle | None = None
        self._gone = asyncio.Event()

    # what a subclass is told

    def opened(self, stream: int, headers: list[tuple[str, str]], ended: bool) -> None:
        """The headers of a request or of a response."""

    def data(self, stream: int, octets: bytes, ended: bool) -> None:
        """Some of a body; at the end, possibly without octets."""

    def stream_lost(self, stream: int, reason: str) -> None:
        """The peer gave a stream up."""

    def lost(self, reason: str) -> None:
        """The connection has gone."""

    def looked(self, now: float) -> None:
        """At times: a subclass gives up what takes too long. now: of the loop."""

    @property
    def busy(self) -> bool:
        """Whether something is under way, so that silence is no reason to leave."""
        return bool(self._outgoing)

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.peer = _secured(self.transport)
        self.open = True
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(8 * WINDOW)
        self.flush()
        self._watch = self._loop.call_later(self.limits.greeting, self._look)

    def data_received(self, data: bytes) -> None:
        self._heard = self._loop.time()
        try:
            events = self.h2.receive_data(data)
        except h2.exceptions.ProtocolError as error:
            self.flush()
            self.close(f"protocol error: {error}")
            return
        self._greeted = self._greeted or bool(events)
        for event in events:
            if self.open:
                self._event(event)
        self._send_on()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self._gone.set()
        was_open, self.open = self.open, False
        self._outgoing.clear()
        if was_open:
            self.lost("the peer has closed the connection" if exc is None else f"the connection broke: {exc}")

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._send_on()

    # h2's events

    def _event(self, event: h2.events.Event) -> None:
        if isinstance(event, (h2.events.RequestReceived, h2.events.ResponseReceived)):
            headers = cast("list[tuple[str, str]]", event.headers)
            self.opened(event.stream_id, headers, event.stream_ended is not None)
        elif isinstance(event, h2.events.DataReceived):
            stream = event.stream_id
            self._took(stream, event.flow_controlled_length or 0)
            self.data(stream, event.data or b"", event.stream_ended is not None)
        elif isinstance(event, h2.events.TrailersReceived):
            self.data(
                event.stream_id, b"", True
            )  # RFC 9113 §8.1: they end the message; nothing in them is read
        elif isinstance(event, h2.events.StreamReset):
            self._outgoing.pop(event.stream_id, None)
            self.stream_lost(event.stream_id, f"the peer gave it up: {event.error_code!s}")
            self._costs()
        elif isinstance(
            event, (h2.events.PingReceived, h2.events.RemoteSettingsChanged, h2.events.PriorityUpdated)
        ):
            self._costs()
        elif isinstance(event, h2.events.WindowUpdated):
            self._updates += 1
            if self._updates % UPDATES == 0:  # one in so many counts: who reads what we send needs them
                self._costs()
        elif isinstance(event, h2.events.ConnectionTerminated):
            self.going_away(event.last_stream_id or 0)

    def going_away(self, last: int) -> None:
        """The peer takes no more streams; those after `last` were not looked at."""
        self.close("the peer goes away")

    def _took(self, stream: int, length: int) -> None:
        """What was read makes room: the body is bounded elsewhere."""
        if length:
            try:
                self.h2.acknowledge_received_data(length, stream)
            except h2.exceptions.StreamClosedError:
                pass

    def _costs(self) -> None:
        """A frame that costs us and not the peer (CVE-2019-9512, 9515, CVE-2023-44487)."""
        now = self._loop.time()
        control = self._control
        if len(control) == self.limits.control and now - control[0] < self.limits.per:
            self.close(
                f"more than {self.limits.control} resets, pings and settings in {self.limits.per:g} s",
                calm=True,
            )
            return
        control.append(now)

    # sending

    def send_headers(self, stream: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.h2.send_headers(stream, headers, end_stream=not body)
        if body:
            self._outgoing[stream] = _Outgoing(memoryview(body), self._loop.time())
            self._send_on()
        else:
            self.flush()

    def give_up(self, stream: int, code: h2.errors.ErrorCodes) -> None:
        """RST_STREAM, where there still is a stream."""
        self._outgoing.pop(stream, None)
        try:
            self.h2.reset_stream(stream, code)
        except h2.exceptions.ProtocolError:
            return
        self.flush()

    def _send_on(self) -> None:
        """As much as windows and the socket take, each stream a frame in turn."""
        if not self.open:
            return
        moved = True
        while moved and not self._paused and self._outgoing:
            moved = False
            for stream, left in list(self._outgoing.items()):
                moved = self._send_some(stream, left) or moved
            self.flush()
        self.flush()

    def _send_some(self, stream: int, left: _Outgoing) -> bool:
        try:
            room = min(
                self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, len(left.octets)
            )
            if room <= 0:
                return False
            last = room == len(left.octets)
            self.h2.send_data(stream, bytes(left.octets[:room]), end_stream=last)
        except h2.exceptions.ProtocolError:
            del self._outgoing[stream]
            return False
        left.octets, left.since = left.octets[room:], self._loop.time()
        if last:
            del self._outgoing[stream]
        return True

    def flush(self) -> None:
        octets = self.h2.data_to_send()
        if octets and self.transport is not None:
            self.transport.write(octets)

    def close(self, reason: str, *, calm: bool = False) -> None:
        """GOAWAY and the end. lost() hears of it. calm: the peer is told to be calmer."""
        if not self.open:
            return
        self.open = False
        try:
            code = h2.errors.ErrorCodes.ENHANCE_YOUR_CALM if calm else h2.errors.ErrorCodes.NO_ERROR
            self.h2.close_connection(code)
        except h2.exceptions.ProtocolError:
            pass
        self.flush()
        self._outgoing.clear()
        if self.transport is not None:
            self.transport.close()
        self.lost(reason)

    async def down(self, within: float) -> None:
        """After close: until the transport is gone, by force where the peer lets TLS wait for its last word."""
        if self.transport is None:
            return
        try:
            async with asyncio.timeout(within):
                await self._gone.wait()
        except TimeoutError:
            self.transport.abort()

    # silence

    def _look(self) -> None:
        """Who says nothing, or does not take what it asked for, is left."""
        limits, now = self.limits, self._loop.time()
        if not self.open or self.transport is None:
            return
        slow = [stream for stream, left in self._outgoing.items() if now - left.since > limits.drain]
        for stream in slow:
            self.give_up(stream, h2.errors.ErrorCodes.CANCEL)
        self.looked(now)
        if not self._greeted:
            self.transport.abort()  # no preface: it may be no HTTP/2 at all
            return
        if now - self._heard >= limits.idle and not self.busy:
            self.close(f"nothing for {limits.idle:g} s")
            return
        self._watch = self._loop.call_later(min(limits.drain, limits.idle, limits.arrive), self._look)


def _secured(transport: asyncio.Transport) -> Secured:
    name = transport.get_extra_info("peername") or ("", 0)
    shown = transport.get_extra_info("ssl_object")
    if not isinstance(shown, ssl.SSLObject):
        return Secured((str(name[0]), int(name[1])))
    certificate = shown.getpeercert() or {}
    names = cast("tuple[tuple[str, str], ...]", certificate.get("subjectAltName", ()))
    said = tuple(value for kind, value in names if kind in ("URI", "DNS"))
    whole = shown.getpeercert(binary_form=True) or b""
    return Secured((str(name[0]), int(name[1])), True, said, whole, exporter_of(shown))
