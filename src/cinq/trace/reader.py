"""A capture file of any core, as a stream of decoded messages."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from cinq.trace import n2, n3, xn
from cinq.trace.exported import Exported
from cinq.trace.http import KeyLog, Unread
from cinq.trace.keys import NO_KEYS, Keys
from cinq.trace.message import Arrival, TracedMessage
from cinq.trace.n1 import N1
from cinq.trace.n2 import N2
from cinq.trace.n3 import N3
from cinq.trace.n4 import N4
from cinq.trace.passed import Passed
from cinq.trace.sbi import Sbi
from cinq.trace.sctp import Reassembly
from cinq.trace.xn import Xn
from cinq.transport import frames, layers, pcap
from cinq.transport.compressed import open_capture
from cinq.transport.frames import Datagram
from cinq.transport.pcap import Packet, PcapError
from cinq.wire import gtpu, pfcp

_SCTP_OVER_UDP = 9899
_VXLAN, _GENEVE = (4789, 8472), 6081
_OVERLAYS = (*_VXLAN, _GENEVE)
_OF_RECORDS = (layers.NGAP_LINK, layers.GTPU_LINK, pcap.EXPORTED_PDU)
_WATCHED = 4096  # packets
_NOWHERE = ("", 0)

_End = tuple[str, int]
_Messages = list[TracedMessage] | tuple[()]


class Capture(Iterator[TracedMessage]):
    """The messages of a capture, and what was counted on the way; the counts are whole after the last message.

    undecoded: messages of which nothing could be read; faulty: with something wrong in them, those included.
    packets: all frames. user_packets: G-PDUs. tcp_packets: passed over. other_packets: neither. passed: what was not
    looked at, by name. cut_packets: shortened by the capture program. fault: why the file ended early, or empty.
    watch: called now and then while packets are read.
    """

    def __init__(self, file: BinaryIO, keys: Keys = NO_KEYS, below: BinaryIO | None = None) -> None:
        """below: the file whose octets are counted for progress(), where `file` is made from it."""
        self._secrets = KeyLog(keys.tls)
        self.undecoded = self.faulty = self.messages = 0
        self.packets = self.user_packets = self.tcp_packets = self.other_packets = self.cut_packets = 0
        self.passed = Passed()
        self.watch: Callable[[], None] | None = None
        self.fault = ""
        self._file, self._below = file, below or file
        self._layers = layers.Layers()
        self._sctp = Reassembly()
        self._n1 = N1(keys)
        self._n3 = N3()
        self._n2 = N2(self._n1, self._n3)
        self._n4 = N4(self._n1, self._n3)
        self._xn = Xn(self._n2)
        self._sbi = Sbi(self._n1, self._secrets)
        self._exported = Exported(self._n1, self._n2, self._n3, self._n4)
        self._stream = self._read()

    def __iter__(self) -> Iterator[TracedMessage]:
        return self._stream

    def __next__(self) -> TracedMessage:
        return next(self._stream)

    def progress(self) -> tuple[int, int]:
        """Octets of the file that were read, and all; 0 of 0 where that cannot be told."""
        try:
            return self._below.tell(), os.fstat(self._below.fileno()).st_size
        except (OSError, ValueError):
            return 0, 0

    def _read(self) -> Iterator[TracedMessage]:
        with self._file, self._below:
            reader = pcap.Reader(self._file)
            packet: Packet | None = None
            try:
                for packet in reader:
                    self.packets += 1
                    if not self.packets % _WATCHED and self.watch is not None:
                        self.watch()
                    if len(packet.octets) < packet.original_length:
                        self.cut_packets += 1
                    while reader.secrets:
                        self._secrets.add(reader.secrets.pop())
                    found = self._messages(packet, reader)
                    if isinstance(found, TracedMessage):
                        self.messages += 1
                        yield found
                        continue
                    for message in found:
                        yield self._counted(message)
            except PcapError as error:
                self.fault = str(error)
            if packet is not None:
                for message in self._sbi.rest(packet.time_ns, packet.number):
                    yield self._counted(message)

    def _counted(self, message: TracedMessage) -> TracedMessage:
        self.messages += 1
        if message.fault:
            self.faulty += 1
            if message.facts is None:
                self.undecoded += 1
        return message

    def _messages(self, packet: Packet, reader: pcap.Reader) -> TracedMessage | Iterable[TracedMessage]:
        """Nearly all packets of a large file are UDP, TCP or SCTP in IPv4 in Ethernet and say nothing of a UE: the
        short way.

        One message comes as it is where nothing is wrong with it.
        """
        if packet.linktype == pcap.ETHERNET and not packet.comment:
            plain = layers.plain(packet.octets)
            if plain is not None:
                protocol, ends, payload = plain
                if protocol == frames.UDP:
                    return self._plain_udp(packet, ends, payload)
                if protocol == frames.SCTP:
                    # Where deciphered copies of the NAS follow as records, NGAP's own NAS would show twice.
                    self._n2.shows_nas = pcap.EXPORTED_PDU not in reader.linktypes
                    return self._sctp_packet(packet, *frames.ends(ends), payload)
                if self.passed.tcp_again(ends):
                    self.tcp_packets += 1
                    return ()
                return self._tcp(packet, *frames.ends(ends), payload, ends)
        self._n2.shows_nas = pcap.EXPORTED_PDU not in reader.linktypes
        if packet.comment or packet.linktype in _OF_RECORDS:
            return self._named(packet)
        return self._packet(packet)

    def _plain_udp(
        self, packet: Packet, ends: bytes, payload: bytes
    ) -> TracedMessage | Iterable[TracedMessage]:
        source, destination = frames.ends(ends)
        here, there = source[1], destination[1]
        if here == pfcp.PORT or there == pfcp.PORT:
            at = Arrival(packet.time_ns, packet.number, source, destination)
            return self._n4.heartbeat(at, payload) or self._n4.read(at, payload)
        if (here == gtpu.PORT or there == gtpu.PORT) and n3.is_user_packet(payload):
            self.user_packets += 1
            self._n3.user_packet(source[0], destination[0], payload)
            return ()
        if there in _OVERLAYS:
            return self._packet(packet)
        return self._udp(Arrival(packet.time_ns, packet.number, source, destination), payload)

    def _sctp_packet(self, packet: Packet, source: _End, destination: _End, octets: bytes) -> _Messages:
        """octets: from the common header of SCTP on."""
        at = Arrival(packet.time_ns, packet.number, source, destination)
        tag = int.from_bytes(octets[4:8], "big")
        chunks = frames.data_chunks(octets[12:])
        if len(chunks) == 1:
            return self._chunk(at, tag, chunks[0])
        return [message for chunk in chunks for message in self._chunk(at, tag, chunk)]

    def _named(self, packet: Packet) -> Iterator[TracedMessage]:
        """The messages of a packet, of the UE that its comment may name."""
        subject = self._exported.subject(packet)
        for message in self._records(packet) if packet.linktype in _OF_RECORDS else self._packet(packet):
            if subject is not None and message.subject is not None:
                message.subject.becomes(subject)
            message.subject = message.subject or subject
            yield message

    def _records(self, packet: Packet) -> Iterator[TracedMessage]:
        """Link types that hold a message without the layers below it."""
        at = Arrival(packet.time_ns, packet.number, _NOWHERE, _NOWHERE)
        if packet.linktype == layers.NGAP_LINK:
            yield from self._n2.read(at, packet.octets)
        elif packet.linktype == pcap.EXPORTED_PDU:
            yield from self._exported.read(packet, self.passed)
        elif n3.is_user_packet(packet.octets):
            self.user_packets += 1
        else:
            yield from self._n3.read(at, packet.octets)

    def _packet(self, packet: Packet) -> Iterator[TracedMessage]:
        return self._datagram(packet, self._layers.datagram(packet.linktype, packet.octets))

    def _datagram(self, packet: Packet, found: Datagram | str) -> Iterator[TracedMessage]:
        segment = frames.segment(found.protocol, found.payload) if isinstance(found, Datagram) else None
        if not isinstance(found, Datagram) or segment is None:
            self.other_packets += 1
            self.passed.count(found if isinstance(found, str) else layers.CUT)
            return
        source, destination = (
            (found.source, segment.source_port),
            (found.destination, segment.destination_port),
        )
        if found.protocol == frames.TCP:
            yield from self._tcp(packet, source, destination, found.payload)
            return
        at = Arrival(packet.time_ns, packet.number, source, destination)
        if found.protocol == frames.SCTP:
            for chunk in frames.data_chunks(segment.payload):
                yield from self._chunk(at, segment.tag, chunk)
        elif destination[1] in _VXLAN:
            yield from self._datagram(packet, self._layers.vxlan(segment.payload))
        elif destination[1] == _GENEVE:
            yield from self._datagram(packet, self._layers.geneve(segment.payload))
        else:
            yield from self._udp(at, segment.payload)

    def _tcp(
        self, packet: Packet, source: _End, destination: _End, octets: bytes, ends: bytes = b""
    ) -> list[TracedMessage] | tuple[()]:
        """octets: from the TCP header on. ends: by which a connection that is passed over is known again."""
        found = self._sbi.take(Arrival(packet.time_ns, packet.number, source, destination), octets)
        if isinstance(found, list):
            self.tcp_packets -= self.passed.looked_at(source, destination)
            return found
        segment = frames.segment(frames.TCP, octets)
        self.tcp_packets += 1
        if segment is None:
            self.passed.count(layers.CUT)
        else:
            self.passed.tcp(source, destination, segment.payload, ends if found is Unread.NEVER else b"")
        return ()

    def _udp(self, at: Arrival, payload: bytes) -> Iterator[TracedMessage]:
        ports = (at.source[1], at.destination[1])
        if pfcp.PORT in ports:
            yield from self._n4.read(at, payload)
        elif gtpu.PORT in ports:
            if n3.is_user_packet(payload):
                self.user_packets += 1
                self._n3.user_packet(at.source[0], at.destination[0], payload)
            else:
                yield from self._n3.read(at, payload)
        elif _SCTP_OVER_UDP in ports:
            inner = frames.segment(frames.SCTP, payload)
            if inner is not None:
                source = (at.source[0], inner.source_port)
                destination = (at.destination[0], inner.destination_port)
                at = Arrival(at.time_ns, at.frame, source, destination)
                for chunk in frames.data_chunks(inner.payload):
                    yield from self._chunk(at, inner.tag, chunk)
        else:
            self.other_packets += 1
            self.passed.udp(ports)

    def _chunk(self, at: Arrival, tag: int, chunk: frames.Chunk) -> _Messages:
        # usrsctp and old stacks may send PPID 0; the port says the same.
        ports = (at.source[1], at.destination[1])
        is_xnap = chunk.ppid == xn.PPID or (not chunk.ppid and xn.PORT in ports)
        if not is_xnap and chunk.ppid != n2.PPID and (chunk.ppid or n2.PORT not in ports):
            self.passed.sctp(chunk.ppid)
            return ()
        message = self._sctp.take(at.source, at.destination, tag, chunk)
        if message is None:
            return ()
        return [self._xn.read(at, message)] if is_xnap else self._n2.read(at, message)


def read_capture(path: Path, keys: Keys = NO_KEYS) -> Capture:
    """Opens a capture file, compressed with gzip or Zstandard or not. PcapError where it is no capture at all, OSError
    where it cannot be opened.

    A fault further on ends the iteration and stands in `fault`.
    """
    file, below = open_capture(path)
    with file, below:
        iter(pcap.Reader(file))
    file, below = open_capture(path)
    return Capture(file, keys, below)
