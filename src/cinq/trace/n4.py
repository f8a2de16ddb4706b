"""PFCP: which session, which UE."""

from __future__ import annotations

from collections.abc import Iterator

from cinq.numbering import NumberingError, Supi
from cinq.trace.bounded import Bounded
from cinq.trace.ends import Ends
from cinq.trace.message import Arrival, Role, Subject, TracedMessage
from cinq.trace.n1 import N1
from cinq.trace.n3 import N3
from cinq.wire import pfcp
from cinq.wire.examined import Examined

# Of the requests, those that the UPF sends; the SMF sends the others. A response goes the other way.
_BY_UPF = ("SessionReportRequest", "NodeReportRequest")
_BY_SMF = ("Session", "Pfd")
_FIRST_REJECTION = 64
_ACCESS = 0
_HEARTBEATS = (b"\x20\x01", b"\x20\x02")
_HEARTBEAT_REQUEST = 1
_BEATS = 4096


class N4:
    """The PFCP sessions of a capture."""

    def __init__(self, n1: N1, n3: N3) -> None:
        self._n1 = n1
        self._n3 = n3.ends
        self._ends = Ends("SMF", "UPF")
        self._by_seid: Bounded[tuple[str, int], Subject] = Bounded()
        self._asked: Bounded[tuple[str, int], Subject] = Bounded()
        self._beats: Bounded[bytes, str] = Bounded(_BEATS)

    def read(self, at: Arrival, octets: bytes) -> Iterator[TracedMessage]:
        """The messages in a UDP datagram of port 8805."""
        for each in pfcp.bundled(octets):
            yield self._message(at, each)

    def heartbeat(self, at: Arrival, octets: bytes) -> TracedMessage | None:
        """A heartbeat in a datagram; None for all others.

        One that differs by its sequence number only from one that was read is not read again.
        """
        if octets[:2] not in _HEARTBEATS:
            return None
        shape = octets[:4] + octets[7:]
        name = self._beats.get(shape)
        if name is None:
            examined = pfcp.examine(octets)
            if examined.faults or examined.message is None:
                return None
            name = self._beats[shape] = type(examined.message).__name__
        guess = "SMF" if octets[1] == _HEARTBEAT_REQUEST else "UPF"
        by, to = self._ends.pair(at.source[0], at.destination[0], guess)
        return TracedMessage(at, "n4", by, to, name, octets, lambda: _facts(pfcp.examine(octets)))

    def _message(self, at: Arrival, octets: bytes) -> TracedMessage:
        examined = pfcp.examine(octets)
        message = examined.message
        name = "PFCP" if message is None else type(message).__name__
        if message is not None:
            self._learn(at, message, name)
        shown = TracedMessage(at, "n4", *self._pair(at, name), name, octets)
        shown.fault = "; ".join(examined.faults)
        if message is not None:
            shown.subject = self._subject(at, message)
            cause: object = getattr(message, "cause", None)
            if isinstance(cause, int) and cause >= _FIRST_REJECTION:
                shown.cause = _cause_name(cause)
            shown.facts = lambda: _facts(examined)
            shown.content = message if examined.whole else None
        return shown

    def _pair(self, at: Arrival, name: str) -> tuple[Role | str, Role | str]:
        from_upf = name in _BY_UPF or (name.endswith("Response") and name != "SessionReportResponse")
        return self._ends.pair(at.source[0], at.destination[0], "UPF" if from_upf else "SMF")

    def _learn(self, at: Arrival, message: pfcp.Message, name: str) -> None:
        """Which address is the SMF's and which the UPF's, from what only one side sends; and those of N3."""
        source, destination = at.source[0], at.destination[0]
        up: object = getattr(message, "up_function_features", None)
        cp: object = getattr(message, "cp_function_features", None)
        if up is not None or name in _BY_UPF:
            self._ends.learn(source, "UPF")
        elif cp is not None or (message.REQUEST and name.startswith(_BY_SMF)):
            self._ends.learn(source, "SMF")
            if message.REQUEST:
                self._ends.learn(destination, "UPF")
        if isinstance(message, pfcp.SessionEstablishmentResponse | pfcp.SessionModificationResponse):
            for created in message.created_pdrs:
                self._tunnel(created.f_teid, "UPF")
        elif isinstance(message, pfcp.SessionEstablishmentRequest):
            for far in message.create_fars or ():
                given = far.forwarding_parameters
                if given is not None and given.destination_interface == _ACCESS:
                    self._tunnel(given.outer_header_creation, "gNB")
        elif isinstance(message, pfcp.SessionModificationRequest):
            for changed in message.update_fars:
                update = changed.forwarding_parameters
                if update is not None and update.destination_interface == _ACCESS:
                    self._tunnel(update.outer_header_creation, "gNB")

    def _tunnel(self, tunnel: pfcp.FTeid | pfcp.OuterHeaderCreation | None, function: str) -> None:
        for address in (tunnel.ipv4, tunnel.ipv6) if tunnel is not None else ():
            if address is not None:
                self._n3.learn(str(address), function)

    def _subject(self, at: Arrival, message: pfcp.Message) -> Subject | None:
        if not message.SESSION:
            return None
        source, destination = at.source[0], at.destination[0]
        if isinstance(message, pfcp.SessionEstablishmentRequest):
            found: Subject | None = self._new(message)
            if found is not None and isinstance(message.cp_f_seid, pfcp.FSeid):
                self._by_seid[source, message.cp_f_seid.seid] = found
        elif message.REQUEST:
            found = self._by_seid.get((destination, message.seid or 0))
        else:
            found = self._by_seid.get((destination, message.seid or 0))
            found = found or self._asked.get((source, message.sequence))
        if isinstance(message, pfcp.SessionEstablishmentResponse) and found and message.up_f_seid:
            self._by_seid[source, message.up_f_seid.seid] = found
        if message.REQUEST and found:
            self._asked[destination, message.sequence] = found
        return found

    def _new(self, message: pfcp.SessionEstablishmentRequest) -> Subject:
        """The UE of a new session: by its User ID, else by its address."""
        seid: object = getattr(message.cp_f_seid, "seid", None)
        subject = Subject(f"PFCP session {seid:#x}" if isinstance(seid, int) else "PFCP session")
        if message.user_id is not None and message.user_id.imsi:
            try:
                self._n1.permanent(Supi(message.user_id.imsi), subject)
            except NumberingError:
                subject.call(f"user {message.user_id.imsi[:20]}")
        places: list[object] = [pdr.pdi for pdr in message.create_pdrs or ()]
        places += message.create_traffic_endpoints
        for place in places:
            for address in place.ue_ip_addresses if isinstance(place, _WITH_ADDRESSES) else ():
                if address.ipv4 is not None:
                    if subject.root().supi is None:
                        subject.call(f"UE {address.ipv4}")
                    self._n1.by_address[str(address.ipv4)] = subject
                    return subject
        return subject


_WITH_ADDRESSES = (pfcp.Pdi, pfcp.CreateTrafficEndpoint)


def _facts(examined: Examined[pfcp.Message]) -> dict[str, object]:
    message = examined.message
    plain = pfcp.plain(message)
    header: dict[str, object] = {} if message is None else {"sequence": message.sequence}
    if message is not None and message.seid is not None:
        header["seid"] = message.seid
    return {**plain, **header} if isinstance(plain, dict) else header


def _cause_name(cause: int) -> str:
    try:
        return f"#{cause} {pfcp.Cause(cause).name.lower().replace('_', ' ')}"
    except ValueError:
        return f"#{cause}"
