"""Live events as pcapng: frames of N2, N3 and N4 as they were sent, and NAS deciphered beside them.

A capture has two interfaces. `network` is Ethernet and holds NGAP on SCTP, PFCP and GTP-U on UDP, under addresses
of the documentation range where the event names none. `deciphered` has link type 252 (Wireshark's exported PDU) and
holds NAS as plain text and the SBI's JSON. Wireshark shows both without any preference. See the decision record on
deciphered NAS in captures.
"""

from __future__ import annotations

import ipaddress
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import BinaryIO

from cinq.procedure import Event
from cinq.trace.bounded import Bounded
from cinq.trace.exported import NAS_COMMENT, named, note_text
from cinq.trace.message import ue_label
from cinq.transport import frames, pcap
from cinq.wire import gtpu, pfcp

# RFC 5737. A network function that has no address of its own on the bench gets one of these.
ADDRESSES: Mapping[str, str] = {
    "UE": "192.0.2.1",
    "gNB": "192.0.2.2",
    "AMF": "192.0.2.3",
    "SMF": "192.0.2.4",
    "UPF": "192.0.2.5",
    "AUSF": "192.0.2.6",
    "UDM": "192.0.2.7",
    "UDR": "192.0.2.8",
    "NRF": "192.0.2.9",
    "NSSF": "192.0.2.10",
    "PCF": "192.0.2.11",
}
_OTHERS = "192.0.2.100"
_MORE_GNBS = ipaddress.IPv4Address("198.51.100.0")
_NGAP_PORT, _GNB_PORT = 38412, 38413
_NGAP_PPID = 60
_FRAGMENT = 32768
_GSM = 0x2E
_REPORTS = 256
_PEERS = {"N1": ("UE", "AMF"), "N2": ("gNB", "AMF"), "N3": ("gNB", "UPF"), "N4": ("SMF", "UPF")}


class Exporter:
    """Writes events to a pcapng file that is open for writing in binary; `event` may listen to a journal.

    addresses: by function name ("AMF"), by that and an interface ("UPF N3", and "UPF N3 IPv6"), and by event peer
    ("gNB 1") where several functions have one name. Addresses that events name are used before. A message that both
    its ends report is written once. What became of a message (why it was refused) is a record of text behind it.
    """

    def __init__(self, file: BinaryIO, addresses: Mapping[str, str] | None = None) -> None:
        self._addresses = {**ADDRESSES, **(addresses or {})}
        self._writer = pcap.Writer(file)
        self._network = self._writer.interface(pcap.ETHERNET, "network")
        self._deciphered = self._writer.interface(pcap.EXPORTED_PDU, "deciphered")
        self._tsn: Bounded[int, int] = Bounded()
        self._gnbs: dict[str, str] = {}
        self._reported: dict[tuple[str, bytes], str] = {}

    def event(self, event: Event) -> None:
        """Writes one event. What crossed no interface, or left no octets, is not written."""
        interface = event.interface.upper()
        if event.direction == "none":
            self._note(event)
            return
        if interface in _PEERS and not event.octets:
            return
        sender, receiver = self._ends(event)
        if interface in _PEERS and self._second_report(interface, event):
            return
        time_ns = int(event.time * 1e6) * 1000
        ue = ue_label(event.subject)
        comment = named(ue) if ue else ""
        if interface == "N1":
            self._nas(time_ns, event, sender, receiver)
        elif interface == "N2":
            for frame in self._ngap(event, sender, receiver):
                self._writer.packet(time_ns, frame, self._network, comment)
        elif interface in _PEERS:
            port = gtpu.PORT if interface == "N3" else pfcp.PORT
            frame = frames.udp((sender, port), (receiver, port), event.octets)
            self._writer.packet(time_ns, frame, self._network, comment)
        else:
            said = f"{event.message} ({event.cause})" if event.cause else event.message
            record = frames.exported_pdu("json", sender, receiver, event.octets, said)
            said = "\n".join(filter(None, (comment, f"{event.nf} to {event.peer}: {said}")))
            self._writer.packet(time_ns, record, self._deciphered, said)

    def _note(self, event: Event) -> None:
        """As a line of syslog, which Wireshark shows as text."""
        ue, address = ue_label(event.subject), self._address(event.nf)
        record = frames.exported_pdu("syslog", address, address, note_text(event).encode())
        time_ns = int(event.time * 1e6) * 1000
        self._writer.packet(time_ns, record, self._deciphered, named(ue) if ue else "")

    def _second_report(self, interface: str, event: Event) -> bool:
        """Whether the other end has reported this message just now."""
        key = (interface, event.octets)
        first = self._reported.pop(key, None)
        if first is not None and first != event.nf:
            return True
        self._reported[key] = event.nf
        if len(self._reported) > _REPORTS:
            del self._reported[next(iter(self._reported))]
        return False

    def _address(self, *names: str) -> str:
        """The first name that is an address or has one."""
        for name in names:
            try:
                return str(ipaddress.ip_address(name))
            except ValueError:
                if name in self._addresses:
                    return self._addresses[name]
        return _OTHERS

    def _gnb(self, label: str) -> str:
        """A gNB without an address gets one of its own, so that associations stay apart."""
        if label in ("", "gNB"):
            return self._addresses["gNB"]
        if label not in self._gnbs:
            more = str(_MORE_GNBS + len(self._gnbs) % 255)
            self._gnbs[label] = more if self._gnbs else self._addresses["gNB"]
        return self._gnbs[label]

    def _ends(self, event: Event) -> tuple[str, str]:
        """The addresses of sender and receiver, of one family."""
        interface = event.interface.upper()
        left, right = _PEERS.get(interface, (event.peer, event.nf))
        far = left if event.nf == right else right
        near, other = self._address(f"{event.nf} {interface}", event.nf), self._address(event.peer, far)
        if interface == "N2" and (known := _place(event.address)) is not None:
            other = known[0]
        elif interface == "N2" and far == "gNB" and other == self._addresses["gNB"]:
            other = self._gnb(event.peer)
        elif interface == "N4":
            self._addresses[far] = other
        if ipaddress.ip_address(near).version != ipaddress.ip_address(other).version:
            near = self._addresses.get(
                f"{event.nf} {interface} IPv{ipaddress.ip_address(other).version}", near
            )
        if ipaddress.ip_address(near).version != ipaddress.ip_address(other).version:
            near, other = ADDRESSES.get(event.nf, _OTHERS), ADDRESSES.get(far, _OTHERS)
        return (near, other) if event.direction == "out" else (other, near)

    def _nas(self, time_ns: int, event: Event, sender: str, receiver: str) -> None:
        if event.octets[0] == _GSM and event.nf != "UE":
            return  # it stands in the NAS transport that carries it
        uplink = (event.direction == "out") == (event.nf == "UE")
        way = "uplink" if uplink else "downlink"
        comment = NAS_COMMENT.format(who=named(ue_label(event.subject) or "UE"), way=way)
        record = frames.exported_pdu("nas-5gs", sender, receiver, event.octets)
        self._writer.packet(time_ns, record, self._deciphered, comment)

    def _ngap(self, event: Event, sender: str, receiver: str) -> Iterator[bytes]:
        """SCTP packets of one DATA chunk each; a message over 32 KiB takes several."""
        from_gnb = (event.direction == "out") == (event.nf != "AMF")
        _, gnb_port = _place(event.address) or ("", _GNB_PORT)
        ports = (gnb_port, _NGAP_PORT) if from_gnb else (_NGAP_PORT, gnb_port)
        # A verification tag of its own for each association and direction.
        gnb = f"{sender if from_gnb else receiver} {gnb_port}"
        tag = zlib.crc32(gnb.encode()) & 0x7FFFFFFF | from_gnb << 31
        octets = event.octets
        for place in range(0, len(octets), _FRAGMENT):
            tsn = self._tsn[tag] = self._tsn.get(tag, 0) + 1
            part = octets[place : place + _FRAGMENT]
            last = place + _FRAGMENT >= len(octets)
            chunk = frames.Chunk(tsn, 0, 0, _NGAP_PPID, not place, last, True, part)
            yield frames.sctp_data((sender, ports[0]), (receiver, ports[1]), tag, chunk)


def _place(address: str) -> tuple[str, int] | None:
    """Host and port of 'host:port' or '[host]:port'; None where it names no address."""
    host, _, port = address.rpartition(":")
    try:
        return str(ipaddress.ip_address(host.strip("[]"))), int(port) & 0xFFFF
    except ValueError:
        return None


def export(events: Iterable[Event], file: BinaryIO, addresses: Mapping[str, str] | None = None) -> None:
    """Writes all events of a run to a file that is open for writing in binary."""
    exporter = Exporter(file, addresses)
    for event in events:
        exporter.event(event)
