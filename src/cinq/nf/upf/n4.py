"""N4 towards the SMFs: PFCP requests answered once, and reports sent until they are answered. TS 29.244 §6.4, §7.6."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from cinq.nf.upf.settings import Settings
from cinq.procedure import Event, Inside, Runtime
from cinq.wire import pfcp
from cinq.wire.pfcp import Cause, PfcpError

Peer = tuple[str, int]
Answered = Callable[[pfcp.Message], None]
NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970
ROOM = 16 << 20  # octets for the answers of one turn
KEPT_ASIDE, KEPT_PEER = (
    128,
    1024,
)  # octets that an answer takes besides its own, and a peer besides its answers
UNDER_WAY = 4096  # requests that wait for their answer
BEGINNING = (pfcp.AssociationSetupRequest, pfcp.HeartbeatRequest)
"""An SMF that began anew counts anew, and a heartbeat changes nothing."""


class N4Port(Protocol):
    """The way to the SMFs: UDP."""

    def send(self, octets: bytes, to: Peer) -> None: ...


@dataclass(slots=True)
class _Request:
    """octets: None where the SMF is handed messages: they are not lost, and nothing is sent again."""

    octets: bytes | None
    peer: Peer
    left: int
    awaited: int
    answered: Answered
    failed: Callable[[], None]
    handle: asyncio.TimerHandle | None = None


class Answers:
    """What requests were answered, by peer and sequence number: kept for at least one turn and at most two.

    A turn is as long as an SMF repeats a request. It is cut short only when its answers fill ROOM, which takes
    some 10 000 requests a second at the usual T1 and N1. An idle UPF keeps none, and has no timer.
    """

    def __init__(self, turn_s: float) -> None:
        self._turn_s = turn_s
        self._latest: dict[str, dict[int, bytes]] = {}
        self._older: dict[str, dict[int, bytes]] = {}
        self._filled = 0
        self._timer: asyncio.TimerHandle | None = None

    def find(self, peer: Peer, sequence: int, request: bytes) -> bytes | None:
        """The answer to these octets, b"" where others had their sequence number: what repeats a request has the
        same content (§6.4)."""
        for turn in (self._latest, self._older):
            answers = turn.get(peer[0])
            kept = None if answers is None else answers.get(_number(peer, sequence))
            if kept is not None:
                return kept[8:] if kept.startswith(_mark(request)) else b""
        return None

    def keep(self, peer: Peer, sequence: int, request: bytes, response: bytes) -> None:
        answers = self._latest.get(peer[0])
        if answers is None:
            answers = self._latest[peer[0]] = {}
            self._filled += KEPT_PEER
        answers[_number(peer, sequence)] = _mark(request) + response
        self._filled += KEPT_ASIDE + len(response)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._turn_s, self._turn)
        elif self._filled >= ROOM:
            self.stop()
            self._turn()

    def _turn(self) -> None:
        self._latest, self._older, self._filled = {}, self._latest, 0
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._turn_s, self._turn) if self._older else None

    def forget(self, peer: str) -> None:
        self._latest.pop(peer, None)
        self._older.pop(peer, None)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _number(peer: Peer, sequence: int) -> int:
    """A sequence number is of the port that it came from (§6.4)."""
    return peer[1] << 24 | sequence


def _mark(request: bytes) -> bytes:
    """Tells requests of one sequence number apart."""
    return hash(request).to_bytes(8, "big", signed=True)


class N4:
    """Transactions in both directions. `handle` answers a request at once, or says nothing (None)."""

    def __init__(
        self,
        settings: Settings,
        port: N4Port,
        runtime: Runtime,
        handle: Callable[[pfcp.Message, Peer], pfcp.Message | None],
        cp_seid: Callable[[int | None, Peer], int],
    ) -> None:
        """cp_seid: the SMF's SEID of the session that has our SEID, 0 where it has none such."""
        self._settings, self._port, self._runtime, self._handle = settings, port, runtime, handle
        self._cp_seid = cp_seid
        self._allowed = {str(address) for address in settings.smf_addresses}
        self._sequence = 0
        self._reports: dict[tuple[str, int], _Request] = {}
        self._answers = Answers(settings.t1_s * settings.n1)
        self.inside: dict[Peer, Inside[pfcp.Message]] = {}
        """SMFs of this process: they are handed messages as they are (the direct way of N4)."""
        self.node_id = pfcp.NodeId(settings.node_id)
        self.recovery_time_stamp = (int(runtime.clock.now()) + NTP_EPOCH) & 0xFFFFFFFF
        """When what we have began. A process that takes up what a former one had began when that did: an SMF that hears
        another time believes its sessions lost (§6.2.2, TS 23.527 §4.2, TS 23.007 §19A)."""

    def resume(self, recovery_time_stamp: int, sequence: int) -> None:
        """We go on with what a former process had. sequence: of our requests, one that it has hardly used lately."""
        self.recovery_time_stamp, self._sequence = recovery_time_stamp, sequence

    def is_smf(self, peer: Peer) -> bool:
        """Whether the settings name this address (DEV-060)."""
        return not self._allowed or peer[0] in self._allowed

    def received(self, octets: bytes, peer: Peer) -> None:
        """A datagram. Never raises, whatever the octets."""
        try:
            message = pfcp.decode(octets)
        except PfcpError as error:
            self._unreadable(error, octets, peer)
            return
        if type(message).REQUEST:
            self._asked(message, octets, peer)
        else:
            self._answered(message, octets, peer)

    def handed(self, message: pfcp.Message, peer: Peer) -> None:
        """A message of an SMF of this process: it comes once."""
        octets = pfcp.encode(message, sequence=message.sequence) if self._runtime.journal.listening else b""
        if not type(message).REQUEST:
            self._answered(message, octets, peer)
            return
        self._emit("in", message, octets, peer)
        answer = self._handle(message, peer)
        if answer is not None:
            self._send(answer, message.sequence, answer.seid, peer)

    def _answered(self, message: pfcp.Message, octets: bytes, peer: Peer) -> None:
        self._emit("in", message, octets, peer)
        asked = self._reports.get((peer[0], message.sequence))
        if asked is not None and asked.awaited == type(message).TYPE:
            del self._reports[peer[0], message.sequence]
            self._end(asked)
            asked.answered(message)

    def _asked(self, message: pfcp.Message, octets: bytes, peer: Peer) -> None:
        """TS 29.244 §6.4: a request that arrives again gets the same answer and does nothing."""
        earlier = self._answers.find(peer, message.sequence, octets)
        if earlier:
            self._port.send(earlier, peer)
            return
        if earlier is not None and not isinstance(message, BEGINNING):
            self._emit_fault(f"sequence number {message.sequence} again, with other content", octets, peer)
            return
        self._emit("in", message, octets, peer)
        answer = self._handle(message, peer)
        if answer is None:
            return
        response = self._send(answer, message.sequence, answer.seid, peer)
        if not isinstance(answer, pfcp.HeartbeatResponse) and self.is_smf(peer):
            self._answers.keep(peer, message.sequence, octets, response)

    def forget(self, peer: str) -> None:
        """The SMF began anew: its sequence numbers mean new requests, its reports have no reader."""
        self._answers.forget(peer)
        for waiting in [key for key in self._reports if key[0] == peer]:
            self._end(self._reports.pop(waiting))

    def refusal(
        self, kind: type[pfcp.Message], cause: int, offending: int | None, seid: int = 0
    ) -> pfcp.Message | None:
        """The response that refuses a request of this kind; None for a heartbeat, which cannot be refused."""
        return pfcp.refusal(kind, cause, offending, self.node_id, self.recovery_time_stamp, seid)

    def _unreadable(self, error: PfcpError, octets: bytes, peer: Peer) -> None:
        """TS 29.244 §7.6: silence, always for a stranger, Version Not Supported, or a response with the cause."""
        kind = pfcp.BY_TYPE.get(error.message_type or 0)
        self._emit_fault(f"unreadable: {error}", octets, peer, "PFCP" if kind is None else kind.__name__)
        if error.sequence is None or error.silent or not self.is_smf(peer):
            return
        if error.version is not None:
            self._send(pfcp.VersionNotSupportedResponse(), error.sequence, None, peer)
        elif kind is not None and kind.REQUEST:
            seid = self._cp_seid(error.seid, peer) if kind.SESSION else 0
            answer = self.refusal(kind, error.cause, error.offending_ie, seid)
            if answer is not None:
                self._send(answer, error.sequence, seid, peer)

    # -- what we ask -------------------------------------------------------------------------------------

    def ask(
        self,
        message: pfcp.Message,
        peer: Peer,
        answered: Answered,
        seid: int | None = None,
        failed: Callable[[], None] = lambda: None,
    ) -> bool:
        """Sends a request, again at each T1 until N1: then it has failed. False: too many are under way."""
        if len(self._reports) >= UNDER_WAY:
            return False
        self._sequence = sequence = self._sequence % 0xFFFFFF + 1
        smf, octets = self.inside.get(peer), None
        if smf is None or self._runtime.journal.listening:
            octets = pfcp.encode(message, sequence=sequence, seid=seid)
            self._emit("out", message, octets, peer)
        repeated = octets if smf is None else None
        request = _Request(repeated, peer, self._settings.n1, message.TYPE + 1, answered, failed)
        self._reports[peer[0], sequence] = request
        if smf is not None:
            smf.send(pfcp.headed(message, sequence, seid))
        self._transmit(sequence, request)
        return True

    def _transmit(self, sequence: int, report: _Request) -> None:
        if not report.left:
            if self._reports.pop((report.peer[0], sequence), None) is not None:
                report.failed()
            return
        report.left -= 1
        if report.octets is not None:
            self._port.send(report.octets, report.peer)
        loop = asyncio.get_running_loop()
        report.handle = loop.call_later(self._settings.t1_s, self._transmit, sequence, report)

    @staticmethod
    def _end(report: _Request) -> None:
        if report.handle is not None:
            report.handle.cancel()

    def stop(self) -> None:
        self._answers.stop()
        while self._reports:
            self._end(self._reports.popitem()[1])

    # -- octets ------------------------------------------------------------------------------------------

    def _send(self, answer: pfcp.Message, sequence: int, seid: int | None, peer: Peer) -> bytes:
        """The octets; b"" where the SMF is handed it."""
        smf, octets = self.inside.get(peer), b""
        if smf is None or self._runtime.journal.listening:
            octets = pfcp.encode(answer, sequence=sequence, seid=seid)
            self._emit("out", answer, octets, peer)
        if smf is None:
            self._port.send(octets, peer)
        else:
            smf.send(pfcp.headed(answer, sequence, seid))
        return octets

    def _emit_fault(self, what: str, octets: bytes, peer: Peer, name: str = "PFCP") -> None:
        if self._runtime.journal.listening:
            now = self._runtime.clock.now()
            self._runtime.journal.emit(
                Event(now, "UPF", "", "", "in", "N4", name, what, octets, None, peer[0])
            )

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
                cause="" if cause == Cause.REQUEST_ACCEPTED else pfcp.cause_name(cause),
                octets=octets,
                content=message,
                peer=peer[0],
            )
        )
