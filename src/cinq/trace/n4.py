"""PFCP and the control messages of GTP-U: which session, which UE."""

from __future__ import annotations

from collections.abc import Iterator

from cinq.numbering import NumberingError, Supi
from cinq.trace.message import Arrival, Subject, TracedMessage, traced
from cinq.trace.n1 import N1
from cinq.wire import gtpu, pfcp
from cinq.wire.gtpu import GtpuError
from cinq.wire.pfcp import PfcpError

# Of the requests, those that the UPF sends; the SMF sends the others. A response goes the other way.
_BY_UPF = ("SessionReportRequest", "NodeReportRequest")
_BY_SMF = ("Session", "Pfd")
_FIRST_REJECTION = 64


class N4:
    """The PFCP sessions of a capture."""

    def __init__(self, n1: N1) -> None:
        self._n1 = n1
        self._roles: dict[str, str] = {}
        self._by_seid: dict[tuple[str, int], Subject] = {}
        self._asked: dict[tuple[str, int], Subject] = {}

    def read(self, at: Arrival, octets: bytes) -> Iterator[TracedMessage]:
        """The message in a UDP datagram of port 8805."""
        try:
            message = pfcp.decode(octets)
        except PfcpError as error:
            shown = traced(at, "n4", *self._ends(at, ""), "PFCP", octets)
            shown.fault = str(error)
            yield shown
            return
        name = type(message).__name__
        self._role(at, message, name)
        shown = traced(at, "n4", *self._ends(at, name), name, octets)
        shown.subject = self._subject(at, message)
        cause: object = getattr(message, "cause", None)
        if isinstance(cause, int) and cause >= _FIRST_REJECTION:
            shown.cause = _cause_name(cause)
        plain = pfcp.plain(message)
        header: dict[str, object] = {"sequence": message.sequence}
        if message.seid is not None:
            header["seid"] = message.seid
        shown.decoded = {**plain, **header} if isinstance(plain, dict) else header
        yield shown

    def _role(self, at: Arrival, message: pfcp.Message, name: str) -> None:
        """Learns which address is the SMF's from what only one side sends."""
        source, destination = at.source[0], at.destination[0]
        if source == destination:
            return
        up: object = getattr(message, "up_function_features", None)
        if up is not None or name in _BY_UPF:
            self._roles[source], self._roles[destination] = "UPF", "SMF"
        elif (message.REQUEST and name.startswith(_BY_SMF)) or (
            getattr(message, "cp_function_features", None) is not None
        ):
            self._roles[source], self._roles[destination] = "SMF", "UPF"

    def _ends(self, at: Arrival, name: str) -> tuple[str, str]:
        sender = self._roles.get(at.source[0])
        if sender is None:
            from_upf = name in _BY_UPF or (name.endswith("Response") and name != "SessionReportResponse")
            sender = "UPF" if from_upf else "SMF"
        return (sender, "SMF" if sender == "UPF" else "UPF")

    def _subject(self, at: Arrival, message: pfcp.Message) -> Subject | None:
        if not message.SESSION:
            return None
        source, destination = at.source[0], at.destination[0]
        if isinstance(message, pfcp.SessionEstablishmentRequest):
            found: Subject | None = self._new(message)
            self._by_seid[source, message.cp_f_seid.seid] = _known(found)
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
        subject = Subject(f"PFCP session {message.cp_f_seid.seid:#x}")
        if message.user_id is not None and message.user_id.imsi:
            try:
                self._n1.permanent(Supi(message.user_id.imsi), subject)
            except NumberingError:
                subject.call(f"user {message.user_id.imsi[:20]}")
        addresses = [each for pdr in message.create_pdrs for each in pdr.pdi.ue_ip_addresses]
        addresses += [each for point in message.create_traffic_endpoints for each in point.ue_ip_addresses]
        for address in addresses:
            if address.ipv4 is not None:
                if subject.root().supi is None:
                    subject.call(f"UE {address.ipv4}")
                self._n1.by_address[str(address.ipv4)] = subject
                break
        return subject


def _known(subject: Subject | None) -> Subject:
    return subject or Subject("UE")


def _cause_name(cause: int) -> str:
    try:
        return f"#{cause} {pfcp.Cause(cause).name.lower().replace('_', ' ')}"
    except ValueError:
        return f"#{cause}"


def is_user_packet(octets: bytes) -> bool:
    """A G-PDU of GTP-U version 1: the user's packet, which a trace counts and does not show."""
    return len(octets) >= 8 and octets[0] >> 5 == 1 and octets[1] == gtpu.GPdu.TYPE


def read_n3(at: Arrival, octets: bytes) -> Iterator[TracedMessage]:
    """The control message in a UDP datagram of port 2152, TS 29.281."""
    try:
        message = gtpu.decode(octets)
    except GtpuError as error:
        shown = traced(at, "n3", "gNB", "UPF", "GTP-U", octets)
        shown.fault = str(error)
        yield shown
        return
    name = type(message).__name__
    ends = ("UPF", "gNB") if name in ("EchoResponse", "EndMarker") else ("gNB", "UPF")
    shown = traced(at, "n3", *ends, name, octets)
    plain = gtpu.plain(message)
    shown.decoded = dict(plain) if isinstance(plain, dict) else {}
    yield shown
