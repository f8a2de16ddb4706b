"""Records of link type 252 and comments: what our own exporter adds to a capture, read back.

A record holds a message without the layers below it; NAS in one is deciphered. A comment names the UE.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cinq.numbering import Supi
from cinq.procedure import Event
from cinq.trace.bounded import Bounded
from cinq.trace.message import Arrival, Subject, TracedMessage
from cinq.trace.n1 import N1, Connection
from cinq.trace.n2 import N2
from cinq.trace.n3 import N3
from cinq.trace.n4 import N4
from cinq.trace.names import supis
from cinq.trace.passed import Passed
from cinq.transport import frames
from cinq.transport.pcap import Packet
from cinq.wire import gtpu, pfcp

# The form of every comment of the exporter: whose message, and for NAS which way.
NAS_COMMENT = "{who}, {way}, deciphered"
_NOTE = re.compile(
    r"^<\d+>cinq (?P<nf>\w+): (?P<message>[^:]*): (?P<cause>.*?)(?: → (?P<mend>.*))?$", re.DOTALL
)
_COMMENT = re.compile(r"^UE (?P<ue>[^,\n]+)(?:, (?P<way>uplink|downlink), deciphered)?$", re.MULTILINE)


def named(ue: str) -> str:
    """'UE imsi-...', 'UE 7': never 'UE UE 7'."""
    return ue if ue.startswith("UE") else f"UE {ue}"


def note_text(event: Event) -> str:
    """What became of a message, as a line of syslog (RFC 3164, informational)."""
    mend = f" → {event.mend}" if event.mend else ""
    return f"<134>cinq {event.nf}: {event.message or event.procedure}: {event.cause}{mend}"


class Exported:
    """Gives messages the UE that the comments name, and reads the records that have no layers below."""

    def __init__(self, n1: N1, n2: N2, n3: N3, n4: N4) -> None:
        self._n1 = n1
        self._n2 = n2
        self._n3 = n3
        self._n4 = n4
        self._named: Bounded[str, Subject] = Bounded()

    def subject(self, packet: Packet) -> Subject | None:
        """The UE that a packet's comment names."""
        found = _COMMENT.search(packet.comment) if packet.comment else None
        if found is None:
            return None
        name = f"UE {found['ue']}" if found["ue"].isdecimal() else found["ue"]
        if name not in self._named:
            self._named[name] = Subject(name, given=True)
            if name in supis(name):
                self._n1.permanent(Supi.parse(name), self._named[name])
        return self._named[name]

    def read(self, packet: Packet, passed: Passed) -> Iterator[TracedMessage]:
        """The message in a record of link type 252; those of other dissectors than of N1 to N4 are passed over."""
        record = frames.exported(packet.octets)
        if record is None:
            passed.count("records that name no dissector")
            return
        if record.dissector == "nas-5gs":
            at = _arrival(packet, record, 0)
            for message in self._n1.read(at, record.octets, _uplink(packet), self._connection(packet)):
                message.integrity = ""
                yield message
        elif record.dissector == "ngap":
            yield from self._n2.read(_arrival(packet, record, 0), record.octets)
        elif record.dissector == "pfcp":
            yield from self._n4.read(_arrival(packet, record, pfcp.PORT), record.octets)
        elif record.dissector == "syslog" and (note := _NOTE.match(record.octets.decode("utf-8", "replace"))):
            yield _note(_arrival(packet, record, 0), note)
        elif record.dissector == "gtp":
            yield from self._n3.read(_arrival(packet, record, gtpu.PORT), record.octets)
        else:
            sbi = record.dissector == "json"
            passed.count("JSON (SBI)" if sbi else f"records for {record.dissector[:20]}")

    def _connection(self, packet: Packet) -> Connection:
        return Connection(self.subject(packet) or Subject("UE"))


def _arrival(packet: Packet, record: frames.ExportedPdu, port: int) -> Arrival:
    return Arrival(packet.time_ns, packet.number, (record.source, port), (record.destination, port))


def _note(at: Arrival, note: re.Match[str]) -> TracedMessage:
    """What the exporter says of a message's end."""
    found = {name: text or "" for name, text in note.groupdict().items()}
    shown = TracedMessage(at, "note", found["nf"], found["nf"], found["message"], note[0].encode())
    shown.cause, shown.mend = found["cause"], found["mend"]
    shown.facts = lambda: {name: found[name] for name in ("cause", "mend") if found[name]}
    return shown


def _uplink(packet: Packet) -> bool:
    found = _COMMENT.search(packet.comment)
    return found is None or found["way"] != "downlink"
