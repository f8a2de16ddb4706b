"""N4 towards the UPFs: PFCP transactions (TS 29.244 §6.4) and what a UPF says on its own."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from cinq.nf.smf.settings import Settings
from cinq.procedure import Event, Inside, Runtime
from cinq.wire import pfcp
from cinq.wire.pfcp import Cause, PfcpError

Peer = tuple[str, int]
M = TypeVar("M", bound=pfcp.Message)
NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970
BEGINNING = (pfcp.AssociationSetupRequest, pfcp.HeartbeatRequest)
"""A UPF that began anew counts anew, and a heartbeat changes nothing."""
REMEMBERED = 4096  # answers kept for requests that arrive again


class N4Port(Protocol):
    """The way to the UPFs: UDP."""

    def send(self, octets: bytes, peer: Peer) -> None: ...


class N4Error(Exception):
    """A PFCP request without success. cause: the UPF's rejection (TS 29.244 table 8.2.1-1), None without one.

    failed: the rule that it could not take, where it says which.
    """

    def __init__(self, what: str, cause: int | None = None, failed: pfcp.FailedRuleId | None = None) -> None:
        super().__init__(what)
        self.cause = cause
        self.failed = failed


class _Transaction:
    """One request under way: sent again at each T1 until N1 is reached. due: when T1 expires, by the loop.

    octets: None where the UPF is handed messages: they are not lost, and nothing is sent again.
    """

    __slots__ = ("awaited", "due", "label", "left", "octets", "peer", "reply")

    def __init__(self, octets: bytes | None, peer: Peer, label: str, left: int, awaited: str) -> None:
        self.octets = octets
        self.peer = peer
        self.label = label
        self.left = left
        self.awaited = awaited
        self.due = 0.0
        self.reply: asyncio.Future[pfcp.Message] = asyncio.get_running_loop().create_future()

    @property
    def is_answered(self) -> bool:
        """By a response, not by a failure."""
        return self.reply.done() and not self.reply.cancelled() and self.reply.exception() is None


@dataclass(slots=True)
class Handlers:
    """What a UPF's own requests and its news mean for the SMF. Each answers at once. label: by our SEID.

    durable: when what was made of it survives a kill.
    """

    request: Callable[[pfcp.Message, Peer], pfcp.Message | None]
    unclaimed: Callable[[pfcp.Message, Peer], None]
    label: Callable[[int], str]
    durable: Callable[[], Awaitable[None]]


class N4:
    """Transactions in both directions, over all UPFs."""

    def __init__(self, settings: Settings, port: N4Port, runtime: Runtime, handlers: Handlers) -> None:
        self._settings = settings
        self._port = port
        self._runtime = runtime
        self._handlers = handlers
        self._sequence = 0
        self._under_way: dict[tuple[str, int], _Transaction] = {}
        self._sent: deque[_Transaction] = deque()
        """By `due`: T1 is the same for all, so that one timer, for the first, serves them."""
        self._timer: asyncio.TimerHandle | None = None
        self._answered: OrderedDict[tuple[str, int], tuple[int, bytes]] = OrderedDict()
        """By address and sequence number: what tells the request apart, and the response."""
        self._upfs = frozenset(str(each.address) for each in settings.user_planes)
        self.inside: dict[Peer, Inside[pfcp.Message]] = {}
        """UPFs of this process: they are handed messages as they are (the direct way of N4)."""
        self.node_id = pfcp.NodeId(settings.node_id)
        self.recovery_time_stamp = (int(runtime.clock.now()) + NTP_EPOCH) & 0xFFFFFFFF

    def f_seid(self, seid: int) -> pfcp.FSeid:
        return pfcp.FSeid(seid, self._settings.node_id)

    async def request(
        self, message: pfcp.Message, answer: type[M], peer: Peer, seid: int | None = None, label: str = ""
    ) -> M:
        """Send a request and return its response, whatever its cause. N4Error: none came, or an unreadable one.

        seid: the UPF's. label: of the subject, for the journal.
        """
        self._sequence = sequence = self._sequence % 0xFFFFFF + 1
        upf, octets = self.inside.get(peer), None
        if upf is None or self._runtime.journal.listening:
            octets = pfcp.encode(message, sequence=sequence, seid=seid)
            self._emit("out", message, octets, peer, label)
        transaction = _Transaction(
            octets if upf is None else None, peer, label, self._settings.n1, answer.__name__
        )
        key = peer[0], sequence
        self._under_way[key] = transaction
        try:
            if upf is not None:
                upf.send(pfcp.headed(message, sequence, seid))
            self._transmit(transaction)
            response = await transaction.reply
        finally:
            del self._under_way[key]
            while self._sent and self._sent[0].reply.done():
                self._sent.popleft()
        if not isinstance(response, answer):
            raise N4Error(f"{type(response).__name__} answers {type(message).__name__}")
        return response

    def _transmit(self, transaction: _Transaction) -> None:
        if not transaction.left:
            what = f"no {transaction.awaited} from {transaction.peer[0]}"
            transaction.reply.set_exception(N4Error(what))
            return
        transaction.left -= 1
        if transaction.octets is not None:
            self._port.send(transaction.octets, transaction.peer)
        loop = transaction.reply.get_loop()
        transaction.due = loop.time() + self._settings.t1_s
        self._sent.append(transaction)
        self._watch()

    def _watch(self) -> None:
        """Have the timer run, unless it does, until the first T1 expires."""
        if self._timer is None and self._sent:
            self._timer = asyncio.get_running_loop().call_at(self._sent[0].due, self._expired)

    def _expired(self) -> None:
        """Perhaps of a transaction that has got its answer since the timer was set."""
        reached = self._timer.when() if self._timer is not None else 0.0
        try:
            while self._sent and (self._sent[0].reply.done() or self._sent[0].due <= reached):
                transaction = self._sent.popleft()
                if not transaction.reply.done():
                    self._transmit(transaction)
        finally:
            self._timer = None
            self._watch()

    def received(self, octets: bytes, peer: Peer) -> None:
        """A datagram from N4. Never raises, whatever the octets."""
        try:
            message = pfcp.decode(octets)
        except PfcpError as error:
            self._unreadable(error, octets, peer)
        else:
            self._take(message, octets, peer)

    def handed(self, message: pfcp.Message, peer: Peer) -> None:
        """A message of a UPF of this process."""
        octets = pfcp.encode(message, sequence=message.sequence) if self._runtime.journal.listening else b""
        self._take(message, octets, peer)

    def _take(self, message: pfcp.Message, octets: bytes, peer: Peer) -> None:
        """octets: b"" of one that was handed over, which comes once."""
        is_request = type(message).REQUEST
        transaction = None if is_request else self._under_way.get((peer[0], message.sequence))
        if self._runtime.journal.listening:
            label = self._handlers.label(message.seid or 0) if transaction is None else transaction.label
            self._emit("in", message, octets, peer, label)
        if is_request:
            self._asked(message, octets, peer)
            return
        if transaction is not None and not transaction.reply.done():
            transaction.reply.set_result(message)
        elif transaction is None or not transaction.is_answered:  # else it came twice
            self._handlers.unclaimed(message, peer)

    def _asked(self, message: pfcp.Message, octets: bytes, peer: Peer) -> None:
        if peer[0] not in self._upfs:
            self._asked_by_a_stranger(message, peer)
            return
        repeats = peer not in self.inside
        earlier = self._answered.get((peer[0], message.sequence)) if repeats else None
        if earlier is not None and earlier[0] == hash(octets):
            self._port.send(earlier[1], peer)
            return
        if earlier is not None and not isinstance(message, BEGINNING):
            self._emit_fault(f"sequence number {message.sequence} again, with other content", octets, peer)
            return
        answer = self._handlers.request(message, peer)
        if answer is None:
            answer = self._refusal(type(message), Cause.SERVICE_NOT_SUPPORTED, None)
        if answer is None:
            return
        if isinstance(message, pfcp.SessionReportRequest) and message.usage_reports:
            # the UPF keeps what was used until it is told that we have it
            kept = partial(self._answered_when_kept, answer, message, octets, peer)
            self._runtime.spawn(kept, "usage report")
        else:
            self._answered_now(answer, message, octets, peer)

    async def _answered_when_kept(
        self, answer: pfcp.Message, message: pfcp.Message, octets: bytes, peer: Peer
    ) -> None:
        try:
            await self._handlers.durable()
        except OSError as error:
            self._emit_fault(f"not answered: {error}", octets, peer, type(message).__name__)
            return
        self._answered_now(answer, message, octets, peer)

    def _answered_now(self, answer: pfcp.Message, message: pfcp.Message, octets: bytes, peer: Peer) -> None:
        sent = self._answer(answer, message.sequence, answer.seid, peer, message.seid or 0)
        if peer in self.inside or isinstance(answer, pfcp.HeartbeatResponse):
            return
        self._answered[peer[0], message.sequence] = hash(octets), sent
        if len(self._answered) > REMEMBERED:
            self._answered.popitem(last=False)

    def _asked_by_a_stranger(self, message: pfcp.Message, peer: Peer) -> None:
        """A UPF that the settings do not name gets no association, nothing else is answered, nothing is kept."""
        if isinstance(message, pfcp.AssociationSetupRequest):
            answer = self._refusal(type(message), Cause.REQUEST_REJECTED, None)
            if answer is not None:
                self._answer(answer, message.sequence, None, peer)

    def _answer(
        self, answer: pfcp.Message, sequence: int, seid: int | None, peer: Peer, own_seid: int = 0
    ) -> bytes:
        """The octets; b"" where the UPF is handed it."""
        upf, octets = self.inside.get(peer), b""
        if upf is None or self._runtime.journal.listening:
            octets = pfcp.encode(answer, sequence=sequence, seid=seid)
            self._emit("out", answer, octets, peer, self._handlers.label(own_seid))
        if upf is None:
            self._port.send(octets, peer)
        else:
            upf.send(pfcp.headed(answer, sequence, seid))
        return octets

    def forget(self, peer: Peer) -> None:
        """The UPF began anew: its sequence numbers mean new requests."""
        for key in [key for key in self._answered if key[0] == peer[0]]:
            del self._answered[key]

    def _unreadable(self, error: PfcpError, octets: bytes, peer: Peer) -> None:
        """TS 29.244 §7.6: a request is answered with the cause, a response fails its request.

        Nothing of this for a stranger, or where the length lies.
        """
        kind = pfcp.BY_TYPE.get(error.message_type or 0)
        self._emit_fault(f"unreadable: {error}", octets, peer, "PFCP" if kind is None else kind.__name__)
        if error.sequence is None or error.silent or peer[0] not in self._upfs:
            return
        if error.version is not None:
            self._answer(pfcp.VersionNotSupportedResponse(), error.sequence, None, peer)
            return
        if kind is None:
            return
        if kind.REQUEST:
            answer = self._refusal(kind, error.cause, error.offending_ie)
            if answer is not None:
                self._answer(answer, error.sequence, 0, peer)
            return
        transaction = self._under_way.get((peer[0], error.sequence))
        if transaction is not None and not transaction.reply.done():
            transaction.reply.set_exception(N4Error(f"{kind.__name__}: {error}"))

    def _refusal(self, kind: type[pfcp.Message], cause: int, offending: int | None) -> pfcp.Message | None:
        """The response that refuses a request of this kind; None for a heartbeat, which cannot be refused."""
        return pfcp.refusal(kind, cause, offending, self.node_id, self.recovery_time_stamp)

    def _emit(
        self, direction: str, message: pfcp.Message, octets: bytes, peer: Peer, label: str = ""
    ) -> None:
        if not self._runtime.journal.listening:
            return
        cause = getattr(message, "cause", 1)
        self._runtime.journal.emit(
            Event(
                time=self._runtime.clock.now(),
                nf="SMF",
                subject=label,
                procedure="",
                direction="in" if direction == "in" else "out",
                interface="N4",
                message=type(message).__name__,
                cause="" if cause == 1 else pfcp.cause_name(cause),
                octets=octets,
                content=message,
                peer=peer[0],
            )
        )

    def _emit_fault(self, what: str, octets: bytes, peer: Peer, name: str = "PFCP") -> None:
        if self._runtime.journal.listening:
            now = self._runtime.clock.now()
            self._runtime.journal.emit(
                Event(now, "SMF", "", "", "in", "N4", name, what, octets, None, peer[0])
            )
