"""A capture file of any core, as a stream of decoded messages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cinq.trace import n2, n3
from cinq.trace.exported import Exported
from cinq.trace.keys import NO_KEYS, Keys
from cinq.trace.message import Arrival, TracedMessage
from cinq.trace.n1 import N1
from cinq.trace.n2 import N2
from cinq.trace.n3 import N3
from cinq.trace.n4 import N4
from cinq.trace.sctp import Reassembly
from cinq.transport import frames, pcap
from cinq.transport.frames import Segment
from cinq.transport.pcap import Packet, PcapError
from cinq.wire import gtpu, pfcp

_SCTP_OVER_UDP = 9899


class Capture(Iterator[TracedMessage]):
    """The messages of a capture, and what was counted on the way; the counts are whole after the last message.

    undecoded: messages shown as octets. packets: all frames. user_packets: G-PDUs. tcp_packets: passed over (the SBI).
    other_packets: neither. cut_packets: shortened by the capture program. fault: why the file ended early, or empty.
    """

    def __init__(self, file: BinaryIO, keys: Keys = NO_KEYS) -> None:
        self.undecoded = 0
        self.messages = 0
        self.packets = 0
        self.user_packets = 0
        self.tcp_packets = 0
        self.other_packets = 0
        self.cut_packets = 0
        self.fault = ""
        self._file = file
        self._fragments = frames.Fragments()
        self._sctp = Reassembly()
        self._n1 = N1(keys)
        self._n3 = N3()
        self._n2 = N2(self._n1, self._n3)
        self._n4 = N4(self._n1, self._n3)
        self._exported = Exported(self._n1, self._n2, self._n3, self._n4)
        self._stream = self._read()

    def __next__(self) -> TracedMessage:
        message = next(self._stream)
        self.messages += 1
        if message.facts is None:
            self.undecoded += 1
        return message

    def _read(self) -> Iterator[TracedMessage]:
        with self._file:
            reader = pcap.Reader(self._file)
            packets = iter(reader)
            while True:
                try:
                    packet = next(packets)
                except StopIteration:
                    return
                except PcapError as error:
                    self.fault = str(error)
                    return
                self.packets += 1
                self.cut_packets += len(packet.octets) < packet.original_length
                # Where deciphered copies of the NAS follow as records, NGAP's own NAS would show twice.
                self._n2.shows_nas = pcap.EXPORTED_PDU not in reader.linktypes
                yield from self._named(packet)

    def _named(self, packet: Packet) -> Iterator[TracedMessage]:
        """The messages of a packet, of the UE that its comment may name."""
        subject = self._exported.subject(packet)
        for message in self._packet(packet):
            if subject is not None and message.subject is not None:
                message.subject.becomes(subject)
            message.subject = message.subject or subject
            yield message

    def _packet(self, packet: Packet) -> Iterator[TracedMessage]:
        if packet.linktype == pcap.EXPORTED_PDU:
            yield from self._exported.read(packet)
            return
        octets = frames.ip_octets(packet.linktype, packet.octets)
        part = frames.datagram(octets) if octets else None
        datagram = self._fragments.whole(part) if part else None
        segment = frames.segment(datagram.protocol, datagram.payload) if datagram else None
        if datagram is None or segment is None:
            self.other_packets += 1
            return
        source = (datagram.source, segment.source_port)
        at = Arrival(packet.time_ns, packet.number, source, (datagram.destination, segment.destination_port))
        if datagram.protocol == frames.TCP:
            self.tcp_packets += 1
        elif datagram.protocol == frames.SCTP:
            yield from self._associations(at, segment)
        else:
            yield from self._datagram(at, segment)

    def _datagram(self, at: Arrival, segment: Segment) -> Iterator[TracedMessage]:
        ports = (segment.source_port, segment.destination_port)
        if pfcp.PORT in ports:
            yield from self._n4.read(at, segment.payload)
        elif gtpu.PORT in ports:
            if n3.is_user_packet(segment.payload):
                self.user_packets += 1
                self._n3.user_packet(at.source[0], at.destination[0], segment.payload)
            else:
                yield from self._n3.read(at, segment.payload)
        elif _SCTP_OVER_UDP in ports:
            inner = frames.segment(frames.SCTP, segment.payload)
            if inner is not None:
                source = (at.source[0], inner.source_port)
                destination = (at.destination[0], inner.destination_port)
                yield from self._associations(Arrival(at.time_ns, at.frame, source, destination), inner)
        else:
            self.other_packets += 1

    def _associations(self, at: Arrival, segment: Segment) -> Iterator[TracedMessage]:
        for chunk in frames.data_chunks(segment.payload):
            # usrsctp and old stacks may send PPID 0; the NGAP port says the same.
            if chunk.ppid == n2.PPID or (chunk.ppid == 0 and n2.PORT in (at.source[1], at.destination[1])):
                message = self._sctp.take(at.source, at.destination, segment.tag, chunk)
                if message is not None:
                    yield from self._n2.read(at, message)


def read_capture(path: Path, keys: Keys = NO_KEYS) -> Capture:
    """Opens a capture file. OSError where it cannot be opened, PcapError where it is no capture at all.

    A fault further on ends the iteration and stands in `fault`.
    """
    file = path.open("rb")
    try:
        iter(pcap.Reader(file))
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return Capture(file, keys)
