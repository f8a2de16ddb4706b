"""N4 towards the SMFs: PFCP requests answered once, and reports sent until they are answered. TS 29.244 §6.4, §7.6."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from cinq.nf.upf.settings import Settings
from cinq.procedure import Event, Runtime
from cinq.wire import pfcp
from cinq.wire.pfcp import Cause, PfcpError

Peer = tuple[str, int]
Answered = Callable[[pfcp.Message], None]
NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970
REMEMBERED = 2048  # answers of one turn, kept for requests that arrive again
UNDER_WAY = 4096  # reports that wait for their answer
DROPPED = "TS 29.244 §7.6.3"  # a length that lies: silence


class N4Port(Protocol):
    """The way to the SMFs: UDP."""

    def send(self, octets: bytes, to: Peer) -> None: ...


@dataclass(slots=True)
class _Report:
    octets: bytes
    peer: Peer
    left: int
    answered: Answered
    handle: asyncio.TimerHandle | None = None


def _mark(request: bytes) -> bytes:
    """Tells requests of one sequence number apart."""
    return hash(request).to_bytes(8, "big", signed=True)


_RESPONSES: dict[type[pfcp.Message], type[pfcp.Message]] = {
    request: response
    for request in pfcp.MESSAGES
    if request.REQUEST
    for response in pfcp.MESSAGES
    if response.TYPE == request.TYPE + 1
}


class N4:
    """Transactions in both directions. `handle` answers a request at once, or says nothing (None)."""

    def __init__(
        self,
        settings: Settings,
        port: N4Port,
        runtime: Runtime,
        handle: Callable[[pfcp.Message, Peer], pfcp.Message | None],
    ) -> None:
        self._settings, self._port, self._runtime, self._handle = settings, port, runtime, handle
        self._sequence = 0
        self._reports: dict[tuple[str, int], _Report] = {}
        self._answers: dict[tuple[str, int], bytes] = {}
        self._older: dict[tuple[str, int], bytes] = {}
        self._turned = 0.0
        self.node_id = pfcp.NodeId(settings.node_id)
        self.recovery_time_stamp = (int(runtime.clock.now()) + NTP_EPOCH) & 0xFFFFFFFF

    def received(self, octets: bytes, peer: Peer) -> None:
        """A datagram. Never raises, whatever the octets."""
        try:
            message = pfcp.decode(octets)
        except PfcpError as error:
            self._unreadable(error, octets, peer)
            return
        if type(message).REQUEST:
            self._asked(message, octets, peer)
            return
        self._emit("in", message, octets, peer)
        report = self._reports.pop((peer[0], message.sequence), None)
        if report is not None:
            if report.handle is not None:
                report.handle.cancel()
            report.answered(message)

    def _asked(self, message: pfcp.Message, octets: bytes, peer: Peer) -> None:
        """TS 29.244 §6.4: a request that arrives again gets the same answer and does nothing."""
        key = peer[0], message.sequence
        earlier = self._answers.get(key) or self._older.get(key)
        if earlier is not None and earlier[:8] == _mark(octets):
            self._port.send(earlier[8:], peer)
            return
        self._emit("in", message, octets, peer)
        answer = self._handle(message, peer)
        if answer is None:
            return
        response = self._send(answer, message.sequence, answer.seid, peer)
        if not isinstance(answer, pfcp.HeartbeatResponse):
            self._remember(key, octets, response)

    def _remember(self, key: tuple[str, int], request: bytes, response: bytes) -> None:
        """For as long as the SMF may repeat the request: at least one turn, at most two."""
        now = self._runtime.clock.now()
        if now - self._turned > self._settings.t1_s * self._settings.n1 or len(self._answers) >= REMEMBERED:
            self._answers, self._older, self._turned = {}, self._answers, now
        self._answers[key] = _mark(request) + response

    def forget(self, peer: str) -> None:
        """The SMF began anew: its sequence numbers mean new requests, its reports have no reader."""
        for answers in (self._answers, self._older):
            for answered in [key for key in answers if key[0] == peer]:
                del answers[answered]
        for waiting in [key for key in self._reports if key[0] == peer]:
            self._end(self._reports.pop(waiting))

    def refusal(
        self, kind: type[pfcp.Message], cause: int, offending: int | None, seid: int = 0
    ) -> pfcp.Message | None:
        """The response that refuses a request of this kind; None for a heartbeat, which cannot be refused."""
        response = _RESPONSES.get(kind)
        if response is None or response is pfcp.HeartbeatResponse:
            return None
        members: dict[str, object] = {"cause": cause}
        offered = response.__struct_fields__
        if "node_id" in offered:
            members["node_id"] = self.node_id
        if "offending_ie" in offered:
            members["offending_ie"] = offending
        if "recovery_time_stamp" in offered:
            members["recovery_time_stamp"] = self.recovery_time_stamp
        build: partial[pfcp.Message] = partial(response, seid=seid)
        return build(**members)

    def _unreadable(self, error: PfcpError, octets: bytes, peer: Peer) -> None:
        """TS 29.244 §7.6: silence, Version Not Supported, or a response with the cause."""
        kind = pfcp.BY_TYPE.get(error.message_type or 0)
        if self._runtime.journal.listening:
            name, now = "PFCP" if kind is None else kind.__name__, self._runtime.clock.now()
            fault = Event(now, "UPF", "", "", "in", "N4", name, f"unreadable: {error}", octets, None, peer[0])
            self._runtime.journal.emit(fault)
        if error.sequence is None or (error.clause == DROPPED and error.version is None):
            return
        if error.version is not None:
            self._send(pfcp.VersionNotSupportedResponse(), error.sequence, None, peer)
        elif kind is not None and kind.REQUEST:
            answer = self.refusal(kind, error.cause, error.offending_ie)
            if answer is not None:
                self._send(answer, error.sequence, 0, peer)

    # -- reports -----------------------------------------------------------------------------------------

    def report(self, message: pfcp.SessionReportRequest, peer: Peer, seid: int, answered: Answered) -> None:
        """Sends it, again at each T1 until N1; without an answer the next event brings a new one."""
        if len(self._reports) >= UNDER_WAY:
            return
        self._sequence = sequence = self._sequence % 0xFFFFFF + 1
        octets = pfcp.encode(message, sequence=sequence, seid=seid)
        report = self._reports[peer[0], sequence] = _Report(octets, peer, self._settings.n1, answered)
        self._emit("out", message, octets, peer)
        self._transmit(sequence, report)

    def _transmit(self, sequence: int, report: _Report) -> None:
        if not report.left:
            self._reports.pop((report.peer[0], sequence), None)
            return
        report.left -= 1
        self._port.send(report.octets, report.peer)
        loop = asyncio.get_running_loop()
        report.handle = loop.call_later(self._settings.t1_s, self._transmit, sequence, report)

    @staticmethod
    def _end(report: _Report) -> None:
        if report.handle is not None:
            report.handle.cancel()

    def stop(self) -> None:
        while self._reports:
            self._end(self._reports.popitem()[1])

    # -- octets ------------------------------------------------------------------------------------------

    def _send(self, answer: pfcp.Message, sequence: int, seid: int | None, peer: Peer) -> bytes:
        octets = pfcp.encode(answer, sequence=sequence, seid=seid)
        self._emit("out", answer, octets, peer)
        self._port.send(octets, peer)
        return octets

    def _emit(self, direction: str, message: pfcp.Message, octets: bytes, peer: Peer) -> None:
        if not self._runtime.journal.listening:
            return
        cause = getattr(message, "cause", 1)
        self._runtime.journal.emit(
            Event(
                time=self._runtime.clock.now(),
                nf="UPF",
                subject=f"SEID {message.seid:#x}" if message.seid else "",
                procedure="",
                direction="in" if direction == "in" else "out",
                interface="N4",
                message=type(message).__name__,
                cause="" if cause == Cause.REQUEST_ACCEPTED else _cause_name(cause),
                octets=octets,
                content=message,
                peer=peer[0],
            )
        )


def _cause_name(cause: object) -> str:
    try:
        return Cause(cause).name if isinstance(cause, int) else ""
    except ValueError:
        return str(cause)
