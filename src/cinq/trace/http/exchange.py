"""One end's frames of an HTTP/2 connection (RFC 9113) to requests or responses."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from enum import IntEnum

from msgspec import Struct, structs

from cinq.trace.bounded import Bounded
from cinq.trace.http.hpack import UNKNOWN, Decoder, HpackError

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
FRAME_HEAD = 9  # octets
_END_STREAM, _END_HEADERS, _PADDED, _PRIORITY = 0x01, 0x04, 0x08, 0x20
_FRAME = 1 << 20  # octets: peers may agree on more than the 16384 that all have
_BLOCK = 1 << 18
_STREAMS = 1024
_FIELDS = 1024  # of a request or response with all its trailers
BODY = 1 << 20  # octets of a body that are kept
_BODIES = 8 << 20  # of all bodies that have not ended


class Kind(IntEnum):
    """Frame types, RFC 9113 §6."""

    DATA = 0
    HEADERS = 1
    PRIORITY = 2
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    CONTINUATION = 9


_OF_CONNECTION = (Kind.SETTINGS, Kind.PING, Kind.GOAWAY)
_LENGTHS = {Kind.PRIORITY: 5, Kind.RST_STREAM: 4, Kind.PING: 8, Kind.WINDOW_UPDATE: 4}
_FLAGS = {
    Kind.DATA: _END_STREAM | _PADDED,
    Kind.HEADERS: _END_STREAM | _END_HEADERS | _PADDED | _PRIORITY,
    Kind.SETTINGS: 1,
    Kind.PUSH_PROMISE: _END_HEADERS | _PADDED,
    Kind.PING: 1,
    Kind.CONTINUATION: _END_HEADERS,
}

Headers = tuple[tuple[str, str], ...]


class Half(Struct, frozen=True):
    """A request or a response. body: without its content coding. fault: what is wrong with it, or missing."""

    stream: int
    headers: Headers
    body: bytes
    fault: str = ""

    def header(self, name: str) -> str:
        """Its value, empty where there is none or it is unknown."""
        found = next((value for key, value in self.headers if key == name), "")
        return "" if found == UNKNOWN else found

    @property
    def is_request(self) -> bool:
        return any(name in (":method", ":path", ":authority") for name, _ in self.headers)


class _Open(Struct):
    headers: Headers
    body: bytearray
    fault: str = ""


def plausible(octets: bytes) -> bool:
    """Whether frames begin here: each head is one that RFC 9113 §6 allows, as far as the octets go."""
    place = 0
    while len(octets) - place >= FRAME_HEAD:
        length, kind, flags, stream = _frame(octets, place)
        if kind > Kind.CONTINUATION or length > _FRAME or octets[place + 5] & 0x80:
            return False
        if flags & ~_FLAGS.get(Kind(kind), 0) or length != _LENGTHS.get(Kind(kind), length):
            return False
        if kind != Kind.WINDOW_UPDATE and (kind in _OF_CONNECTION) == bool(stream):
            return False
        if kind == Kind.SETTINGS and length % 6:
            return False
        place += FRAME_HEAD + length
    return place > 0


def _frame(octets: bytes | bytearray, place: int) -> tuple[int, int, int, int]:
    length = int.from_bytes(octets[place : place + 3], "big")
    return (
        length,
        octets[place + 3],
        octets[place + 4],
        int.from_bytes(octets[place + 5 : place + 9], "big") & 0x7FFFFFFF,
    )


class Reader:
    """One end. late: its beginning was not seen."""

    def __init__(self, late: bool) -> None:
        self._late = late
        self._in_step = not late
        self._begun = late
        self._octets = bytearray()
        self._decoder = Decoder(late)
        self._block: tuple[int, bool, bytearray] | None = None
        self._open: Bounded[int, _Open] = Bounded(_STREAMS)
        self._bodies = 0  # octets of them

    @property
    def octets(self) -> int:
        """How many are kept of what has not ended, about."""
        block = 0 if self._block is None else len(self._block[2])
        return len(self._octets) + block + self._bodies + self._decoder.octets

    def take(self, octets: bytes, gap: bool = False) -> Iterator[Half]:
        """More octets, as they were in the segments. gap: some before them are missing."""
        if gap:
            self._lost()
        if not self._in_step:
            if not plausible(octets):
                return
            self._in_step = True
        self._octets += octets
        if not self._begun:
            if len(self._octets) < len(PREFACE) and PREFACE.startswith(self._octets):
                return
            if self._octets.startswith(PREFACE):
                del self._octets[: len(PREFACE)]
            self._begun = True
        yield from self._frames()

    def rest(self) -> Iterator[Half]:
        """What was begun and came to no end."""
        for stream, one in self._open.items():
            yield _half(stream, one, "the capture ends within it")
        self._open.clear()

    def _frames(self) -> Iterator[Half]:
        place, whole = 0, len(self._octets)
        while whole - place >= FRAME_HEAD:
            length, kind, flags, stream = _frame(self._octets, place)
            if length > _FRAME or kind > 0x20:
                self._lost()
                return
            end = place + FRAME_HEAD + length
            if end > whole:
                break
            payload = bytes(self._octets[place + FRAME_HEAD : end])
            place = end
            found = self._one(kind, flags, stream, payload)
            if found is not None:
                yield found
        del self._octets[:place]

    def _lost(self) -> None:
        """Where the next frame begins is not known any more."""
        self._in_step = False
        self._octets.clear()
        self._block = None
        self._decoder.missed()
        for one in self._open.values():
            one.fault = "octets are missing from the capture"

    def _one(self, kind: int, flags: int, stream: int, payload: bytes) -> Half | None:
        if kind == Kind.HEADERS:
            return self._headers(stream, flags, _unpadded(payload, flags))
        if kind == Kind.CONTINUATION and self._block is not None and self._block[0] == stream:
            self._block[2].extend(payload)
            return self._whole_block() if flags & _END_HEADERS or len(self._block[2]) > _BLOCK else None
        if kind == Kind.DATA:
            return self._data(stream, flags, _unpadded(payload, flags & ~_PRIORITY))
        if kind == Kind.RST_STREAM:
            number = int.from_bytes(payload[:4], "big")
            return self._ended(stream, f"ended by RST_STREAM, error {number:#x}")
        return None

    def _headers(self, stream: int, flags: int, block: bytes) -> Half | None:
        self._block = (stream, bool(flags & _END_STREAM), bytearray(block))
        return self._whole_block() if flags & _END_HEADERS else None

    def _whole_block(self) -> Half | None:
        if self._block is None:
            return None
        stream, ends, block = self._block
        self._block = None
        fault, fields = "", list[tuple[str, str]]()
        try:
            fields = self._decoder.block(bytes(block))
        except HpackError as error:
            fault = f"header block: {error}"
            self._decoder.missed()
        before = self._open.get(stream)
        if before is not None:  # a trailer section, RFC 9113 §8.1
            room = max(0, _FIELDS - len(before.headers))
            if room:
                before.headers += tuple(fields[:room])
            if len(fields) > room:
                fault = fault or f"more than {_FIELDS} fields"
            before.fault = before.fault or fault
        elif not _interim(fields):
            self._open[stream] = _Open(tuple(fields), bytearray(), fault)
        return self._ended(stream) if ends else None

    def _data(self, stream: int, flags: int, payload: bytes) -> Half | None:
        one = self._open.get(stream)
        if one is None:
            one = self._open[stream] = _Open((), bytearray(), "its headers are not in the capture")
        room = max(0, min(BODY - len(one.body), self._room()))
        one.body += payload[:room]
        self._bodies += min(room, len(payload))
        if len(payload) > room:
            one.fault = one.fault or f"of its body only {len(one.body)} octets are shown"
        return self._ended(stream) if flags & _END_STREAM else None

    def _room(self) -> int:
        """For octets of bodies. What streams had that were forgotten is found to be free where there is little."""
        if self._bodies >= _BODIES:
            self._bodies = sum(len(one.body) for one in self._open.values())
        return _BODIES - self._bodies

    def _ended(self, stream: int, fault: str = "") -> Half | None:
        one = self._open.pop(stream, None)
        if one is None:
            return None
        self._bodies = max(0, self._bodies - len(one.body))
        return _half(stream, one, fault)


def _unpadded(payload: bytes, flags: int) -> bytes:
    """Without padding and priority, RFC 9113 §6.1 and §6.2."""
    start, end = 0, len(payload)
    if flags & _PADDED and payload:
        start, end = 1, end - payload[0]
    if flags & _PRIORITY:
        start += 5
    return payload[start : max(start, end)]


def _interim(fields: list[tuple[str, str]]) -> bool:
    """An informational response (1xx): the final one follows."""
    return any(name == ":status" and value.startswith("1") for name, value in fields)


def _half(stream: int, one: _Open, fault: str = "") -> Half:
    half = Half(stream, one.headers, bytes(one.body), one.fault or fault)
    coding = half.header("content-encoding")
    if coding not in ("gzip", "x-gzip", "deflate") or not half.body:
        return half
    opened = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        body = opened.decompress(half.body, BODY)
    except zlib.error as error:
        return structs.replace(half, fault=half.fault or f"{coding}: {error}")
    cut = f"of its body only {BODY} octets are shown" if opened.unconsumed_tail else ""
    return structs.replace(half, body=body, fault=half.fault or cut)
