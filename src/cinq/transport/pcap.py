"""Capture files: a reader of pcap and pcapng, of either byte order, and a writer of pcapng.

Formats: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng. A file is taken as hostile: lengths are bounded
before anything is read, and a fault is a PcapError with the offset in the file.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Literal

from msgspec import Struct

ETHERNET = 1
RAW_IP = 101
LINUX_SLL = 113
LINUX_SLL2 = 276
EXPORTED_PDU = 252

# The largest packet a capture program stores is 256 KiB (its snap length); blocks add options to that.
MAX_PACKET = 1 << 18
MAX_BLOCK = 1 << 24
_PIECE = 1 << 18  # octets that are read of the file at once

_SECTION_HEADER = 0x0A0D0D0A
_INTERFACE = 1
_OLD_PACKET = 2
_SIMPLE_PACKET = 3
_ENHANCED_PACKET = 6
_DECRYPTION_SECRETS = 10
_TLS_KEY_LOG = 0x544C534B
_USUAL = struct.Struct("<IIIIIII").unpack_from
_BYTE_ORDER = b"\x1a\x2b\x3c\x4d"
_OPT_COMMENT = 1
_OPT_IF_NAME = 2
_OPT_APPLICATION = 4
_OPT_TSRESOL = 9
_OPT_TSOFFSET = 14

_Order = Literal["<", ">"]
_PCAP_MAGIC: dict[bytes, tuple[_Order, int]] = {
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\x3c\x4d": (">", 1),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
}


class PcapError(ValueError):
    """A file that is not the capture it claims to be. offset: the octet in the file where the fault is."""

    def __init__(self, offset: int, what: str) -> None:
        self.offset = offset
        self.what = what
        super().__init__(f"{what} at octet {offset} of the file")


class Packet(Struct, frozen=True, gc=False):
    """One captured frame.

    number: from 1, as Wireshark counts. time_ns: nanoseconds since 1970 UTC (0 where the file has no time).
    octets: what was captured; original_length: what was on the wire. comment: by lines.
    """

    number: int
    time_ns: int
    linktype: int
    octets: bytes
    original_length: int
    comment: str = ""


@dataclass(frozen=True, slots=True)
class _Interface:
    linktype: int
    snap_length: int
    ticks_per_second: int = 10**6
    offset_seconds: int = 0
    tick_ns: int = 1000
    """Nanoseconds of a tick; 0 where that is no whole number."""


@dataclass(slots=True)
class _Section:
    order: _Order
    interfaces: list[_Interface] = field(default_factory=list)


class Reader:
    """Iterates over the packets of a capture file that is open for reading in binary, from its start.

    A PcapError may come at any packet, after the good ones; a file cut off while it was written ends so.
    secrets: key logs of TLS that the file had up to here, for the caller to take out.
    """

    def __init__(self, file: BinaryIO) -> None:
        # What is at hand comes at once: a fault further on in a compressed file takes nothing with it.
        self._read_some: Callable[[int], bytes] = getattr(file, "read1", file.read)
        self._offset = 0
        self._number = 0
        self._section = _Section("<")
        self._piece, self._at = b"", 0
        self.secrets: list[str] = []

    @property
    def linktypes(self) -> frozenset[int]:
        """The link types that the current section of a pcapng file has declared so far."""
        return frozenset(interface.linktype for interface in self._section.interfaces)

    def __iter__(self) -> Iterator[Packet]:
        magic = self._read(4, "a capture file")
        if magic in _PCAP_MAGIC:
            return self._pcap(*_PCAP_MAGIC[magic])
        if magic == _SECTION_HEADER.to_bytes(4, "big"):
            return self._pcapng()
        raise PcapError(0, f"found {magic.hex()}, wanted the magic number of pcap or pcapng")

    def _more(self, wanted: int) -> int:
        """Gets octets of the file until so many are at hand from `_at` on, or all; how many there are."""
        parts = [self._piece[self._at :]]
        there = len(parts[0])
        while there < wanted and (part := self._read_some(max(_PIECE, wanted - there))):
            parts.append(part)
            there += len(part)
        self._piece, self._at = b"".join(parts), 0
        return there

    def _take(self, length: int) -> bytes:
        """The next octets, fewer at the end of the file."""
        if len(self._piece) - self._at < length:
            self._more(length)
        octets = self._piece[self._at : self._at + length]
        self._at += len(octets)
        return octets

    def _read(self, length: int, what: str) -> bytes:
        octets = self._take(length)
        if len(octets) != length:
            raise PcapError(self._offset, f"{what} is cut off: found {len(octets)} octets, wanted {length}")
        self._offset += length
        return octets

    def _fault(self, what: str, back: int = 0) -> PcapError:
        return PcapError(self._offset - back, what)

    def _pcap(self, order: _Order, scale: int) -> Iterator[Packet]:
        header = self._read(20, "the file header")
        major, minor = struct.unpack(order + "HH", header[:4])
        if major != 2:
            raise PcapError(4, f"pcap version {major}.{minor}: wanted 2")
        linktype = struct.unpack(order + "I", header[16:])[0] & 0xFFFF
        record = struct.Struct(order + "IIII").unpack_from
        while True:
            if len(self._piece) - self._at < 16 and (there := self._more(16)) < 16:
                if not there:
                    return
                raise self._fault("a packet header is cut off")
            seconds, fraction, length, original = record(self._piece, self._at)
            self._offset += 16
            self._at = start = self._at + 16
            if length > MAX_PACKET:
                raise self._fault(f"packet of {length} octets: wanted at most {MAX_PACKET}", 8)
            end = start + length
            if end <= len(self._piece):
                octets = self._piece[start:end]
                self._at = end
                self._offset += length
            else:
                octets = self._read(length, "a packet")
            self._number += 1
            yield Packet(self._number, seconds * 10**9 + fraction * scale, linktype, octets, original)

    def _pcapng(self) -> Iterator[Packet]:
        self._section_header()
        while True:
            while (packet := self._usual_packet()) is not None:
                yield packet
            head = self._take(8)
            if not head:
                return
            if len(head) != 8:
                raise self._fault("a block header is cut off")
            self._offset += 8
            if head[:4] == _SECTION_HEADER.to_bytes(4, "big"):
                self._section_header(head[4:])
                continue
            kind, length = struct.unpack(self._section.order + "II", head)
            body = self._body(length)
            if kind == _INTERFACE:
                self._interface(body)
            elif kind in (_ENHANCED_PACKET, _OLD_PACKET):
                yield self._enhanced_packet(body, kind)
            elif kind == _SIMPLE_PACKET:
                yield self._simple_packet(body)
            elif kind == _DECRYPTION_SECRETS and len(body) >= 8:
                what, length = struct.unpack_from(self._section.order + "II", body)
                if what == _TLS_KEY_LOG:
                    self.secrets.append(body[8 : 8 + length].decode("ascii", "replace"))

    def _usual_packet(self) -> Packet | None:
        """An enhanced packet block without options that is at hand as a whole; None for all others.

        Big-endian ones and ticks that are no whole nanoseconds go the long way, too.
        """
        piece, at = self._piece, self._at
        if len(piece) - at < 32:
            return None
        kind, block, index, high, low, length, original = _USUAL(piece, at)
        interfaces = self._section.interfaces
        if (
            kind != _ENHANCED_PACKET
            or self._section.order != "<"
            or block != 32 + length + -length % 4
            or len(piece) - at < block
            or index >= len(interfaces)
            or piece[at + block - 4 : at + block] != piece[at + 4 : at + 8]
        ):
            return None
        interface = interfaces[index]
        if not interface.tick_ns:
            return None
        self._offset += block
        self._at = at + block
        self._number += 1
        return Packet(
            self._number,
            (high << 32 | low) * interface.tick_ns + interface.offset_seconds * 10**9,
            interface.linktype,
            piece[at + 28 : at + 28 + length],
            original,
        )

    def _body(self, length: int, taken: int = 8) -> bytes:
        """The rest of a block of which `taken` octets were read, with the trailing length checked."""
        if length % 4 or not 12 <= length <= MAX_BLOCK:
            wanted = f"a multiple of 4 from 12 to {MAX_BLOCK}"
            raise self._fault(f"block length: found {length}, wanted {wanted}", 4)
        body = self._read(length - 4 - taken, "a block")
        trailer = struct.unpack(self._section.order + "I", self._read(4, "a block"))[0]
        if trailer != length:
            raise self._fault(f"block length at its end: found {trailer}, wanted {length}", 4)
        return body

    def _section_header(self, length_octets: bytes | None = None) -> None:
        octets = self._read(4, "a section header") if length_octets is None else length_octets
        magic = self._read(4, "a section header")
        if magic not in (_BYTE_ORDER, _BYTE_ORDER[::-1]):
            raise self._fault(f"byte-order magic: found {magic.hex()}, wanted {_BYTE_ORDER.hex()}", 4)
        order: _Order = ">" if magic == _BYTE_ORDER else "<"
        self._section = _Section(order)
        length = struct.unpack(order + "I", octets)[0]
        if length < 28:
            raise self._fault(f"section header length: found {length}, wanted 28 or more", 8)
        body = self._body(length, 12)
        major, minor = struct.unpack_from(order + "HH", body)
        if major != 1:
            raise self._fault(f"pcapng version {major}.{minor}: wanted 1", len(body) + 4)

    def _options(self, octets: bytes) -> Iterator[tuple[int, bytes]]:
        place = 0
        while place + 4 <= len(octets):
            code, length = struct.unpack_from(self._section.order + "HH", octets, place)
            if code == 0:
                return
            if place + 4 + length > len(octets):
                raise self._fault(f"option {code} of {length} octets runs over the end of its block")
            yield code, octets[place + 4 : place + 4 + length]
            place += 4 + length + -length % 4

    def _interface(self, body: bytes) -> None:
        if len(body) < 8:
            raise self._fault("interface description is too short")
        linktype, _, snap_length = struct.unpack_from(self._section.order + "HHI", body)
        ticks, offset = 10**6, 0
        for code, value in self._options(body[8:]):
            if code == _OPT_TSRESOL and len(value) == 1:
                ticks = self._resolution(value[0])
            elif code == _OPT_TSOFFSET and len(value) == 8:
                offset = struct.unpack(self._section.order + "q", value)[0]
        tick_ns = 0 if 10**9 % ticks else 10**9 // ticks
        self._section.interfaces.append(_Interface(linktype, snap_length, ticks, offset, tick_ns))

    def _resolution(self, value: int) -> int:
        exponent = value & 0x7F
        if exponent > (63 if value & 0x80 else 19):
            raise self._fault(f"timestamp resolution: found {value}, wanted at most 63 bits")
        return int(2**exponent) if value & 0x80 else int(10**exponent)

    def _interface_of(self, index: int) -> _Interface:
        if index >= len(self._section.interfaces):
            known = len(self._section.interfaces)
            raise self._fault(f"packet of interface {index}, where the section has {known}")
        return self._section.interfaces[index]

    def _enhanced_packet(self, body: bytes, kind: int) -> Packet:
        if len(body) < 20:
            raise self._fault("packet block is too short")
        layout = "IIIII" if kind == _ENHANCED_PACKET else "HxxIIII"
        index, high, low, length, original = struct.unpack_from(self._section.order + layout, body)
        interface = self._interface_of(index)
        if length > len(body) - 20:
            raise self._fault(f"packet of {length} octets in a block that has room for {len(body) - 20}")
        options = self._options(body[20 + length + -length % 4 :])
        comments = [value.decode("utf-8", "replace") for code, value in options if code == _OPT_COMMENT]
        seconds, ticks = divmod(high << 32 | low, interface.ticks_per_second)
        nanoseconds = ticks * 10**9 // interface.ticks_per_second
        self._number += 1
        return Packet(
            self._number,
            (seconds + interface.offset_seconds) * 10**9 + nanoseconds,
            interface.linktype,
            body[20 : 20 + length],
            original,
            "\n".join(comments),
        )

    def _simple_packet(self, body: bytes) -> Packet:
        if len(body) < 4:
            raise self._fault("packet block is too short")
        interface = self._interface_of(0)
        original = struct.unpack_from(self._section.order + "I", body)[0]
        length = min(original, len(body) - 4, interface.snap_length or MAX_BLOCK)
        self._number += 1
        return Packet(self._number, 0, interface.linktype, body[4 : 4 + length], original)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


class Writer:
    """Writes pcapng with times in nanoseconds to a file that is open for writing in binary.

    Each packet is one write of one whole block, so a file whose writer died opens up to its last packet.
    """

    def __init__(self, file: BinaryIO, application: str = "cinq") -> None:
        self._file = file
        self._interfaces = 0
        options = _option(_OPT_APPLICATION, application.encode()) + _option(0, b"")
        self._block(_SECTION_HEADER, _BYTE_ORDER[::-1] + struct.pack("<HHq", 1, 0, -1) + options)

    def _block(self, kind: int, body: bytes) -> None:
        length = len(body) + 12
        self._file.write(struct.pack("<II", kind, length) + body + struct.pack("<I", length))

    def interface(self, linktype: int, name: str = "") -> int:
        """Declares an interface; its number goes to packet()."""
        options = _option(_OPT_IF_NAME, name.encode()) if name else b""
        options += _option(_OPT_TSRESOL, b"\x09") + _option(0, b"")
        self._block(_INTERFACE, struct.pack("<HHI", linktype, 0, MAX_PACKET) + options)
        self._interfaces += 1
        return self._interfaces - 1

    def packet(self, time_ns: int, octets: bytes, interface: int = 0, comment: str = "") -> None:
        """Writes one packet. ValueError on an interface that was not declared or a packet over MAX_PACKET."""
        if not 0 <= interface < self._interfaces:
            raise ValueError(f"interface: found {interface}, wanted one of the {self._interfaces} declared")
        if len(octets) > MAX_PACKET:
            raise ValueError(f"packet: found {len(octets)} octets, wanted at most {MAX_PACKET}")
        length = len(octets)
        head = struct.pack("<IIIII", interface, time_ns >> 32, time_ns & 0xFFFFFFFF, length, length)
        body = head + octets + bytes(-length % 4)
        if comment:
            body += _option(_OPT_COMMENT, comment.encode()[:0xFFFF]) + _option(0, b"")
        self._block(_ENHANCED_PACKET, body)
