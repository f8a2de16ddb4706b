"""What both implementations of `Association` have in common: queue, reassembly, handler, beginning and end.

What one turn of the event loop sends is handed over together at its end, so that it leaves in as few packets as
hold it (RFC 9260 §6.10): a packet costs several times what a message in it costs.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import struct
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Collection

from cinq.transport.sctp.association import (
    PPID_NGAP,
    Address,
    Association,
    AssociationHandler,
    OnAssociation,
    SctpSettings,
)

log = logging.getLogger(__name__)

assoc_change = struct.Struct("=HHIHHHHI")
"""struct sctp_assoc_change, RFC 6458 §6.1.1: type, flags, length, state, error, streams out, in, id."""

USER_INITIATED = 12
"""Error cause of RFC 9260 §3.3.10.12."""

REASON_LIMIT = 256

Message = tuple[bytes, int, int]
"""Octets, stream, payload protocol identifier."""


class Change(enum.IntEnum):
    """sac_state of RFC 6458 §6.1.1; Linux counts from 0, usrsctp from 1 as here."""

    COMM_UP = 1
    COMM_LOST = 2
    RESTART = 3
    SHUTDOWN_COMP = 4
    CANT_STR_ASSOC = 5


class AssociationCore(ABC):
    """An association; `Association` says what its public methods do."""

    def __init__(self, local: Address, remote: Address, settings: SctpSettings) -> None:
        self.local = local
        self.remote = remote
        self.outbound_streams = 1
        self.over = False
        self.settings = settings
        self._on_association: OnAssociation | None = None
        self._handler: AssociationHandler | None = None
        self._owner: set[Association] | None = None
        self._parts: list[bytes] = []
        self._part_octets = 0
        self._loop = asyncio.get_running_loop()
        self._staged: list[Message] = []
        self._queue: deque[Message] = deque()
        self._queued = 0
        self._gone: asyncio.Future[None] | None = None

    # -- what an implementation adds

    @abstractmethod
    def transmit(self, messages: Collection[Message]) -> int:
        """Hands over messages in order. How many went: fewer than all when there is no room now."""

    @abstractmethod
    def wait_for_room(self, wanted: bool) -> None:
        """Whether `drain` is to be called when there is room again."""

    @abstractmethod
    def transmit_shutdown(self) -> None:
        """Starts the SHUTDOWN exchange."""

    @abstractmethod
    def transmit_abort(self, reason: bytes) -> None:
        """ABORT with a user-initiated cause leaves now, or at the latest with `release`."""

    @abstractmethod
    def release(self) -> None:
        """Gives back the socket and what else is held. Called once."""

    @abstractmethod
    def agreed_streams(self) -> int:
        """Outbound streams of the established association, 0 when unknown."""

    @abstractmethod
    async def answers(self, within: float) -> bool:
        """Whether the peer answers a heartbeat on demand."""

    @abstractmethod
    def restarted(self) -> None:
        """The peer set the association up anew (RFC 9260 §5.2.4.1)."""

    # -- towards the peer

    def send(self, octets: bytes, *, stream: int = 0, ppid: int = PPID_NGAP) -> None:
        if not self._staged:
            self._loop.call_soon(self._flush)
        self._staged.append((octets, stream % self.outbound_streams, ppid))

    def _flush(self) -> None:
        """The end of a turn."""
        staged, self._staged = self._staged, []
        if not staged:
            return
        if self.over:
            log.debug("%d messages for %s dropped: the association is over", len(staged), self.remote)
            return
        sent = 0 if self._queue else self.transmit(staged)
        if sent < len(staged):
            self._wait(staged[sent:])

    def _wait(self, messages: list[Message]) -> None:
        """There is no room for these now."""
        self._queue += messages
        self._queued += sum(len(octets) for octets, _, _ in messages)
        self.wait_for_room(True)
        if self._queued > self.settings.send_queue_limit:
            self.abort(f"more than {self.settings.send_queue_limit} octets wait: the peer does not read")

    def drain(self) -> None:
        """There is room again."""
        for _ in range(self.transmit(self._queue)):
            self._queued -= len(self._queue.popleft()[0])
        if not self._queue:
            self.wait_for_room(False)
            if self._gone is not None:
                self.transmit_shutdown()

    async def alive(self, within: float = 2.0) -> bool:
        return not self.over and await self.answers(within) and not self.over

    async def close(self, within: float = 2.0) -> None:
        self._flush()
        if self.over:
            return
        if self._gone is None:
            self._gone = self._loop.create_future()
            if not self._queue:
                self.transmit_shutdown()
        await asyncio.wait([self._gone], timeout=within)
        self.abort(f"shutdown not answered within {within:g} s")

    def abort(self, reason: str = "") -> None:
        self._flush()
        if not self.over:
            self.transmit_abort(reason.encode()[:REASON_LIMIT])
            self.end(f"aborted here: {reason}" if reason else "aborted here")

    # -- towards the user

    def established(self, on_association: OnAssociation, owner: set[Association] | None) -> None:
        """The association is up: asks the user for the handler."""
        self._on_association, self._owner = on_association, owner
        self.outbound_streams = self.agreed_streams() or 1
        if owner is not None:
            owner.add(self)
        try:
            self._handler = on_association(self)
        except Exception:
            log.exception("the new association with %s has no handler", self.remote)
            self.abort("internal error")

    def received(self, octets: bytes, complete: bool, stream: int, ppid: int) -> None:
        """Octets of a message; `complete` when they are its end (MSG_EOR)."""
        if self._part_octets + len(octets) > self.settings.message_limit:
            log.warning("%s sent a message of more than %d octets", self.remote, self.settings.message_limit)
            self.abort(f"message longer than {self.settings.message_limit} octets")
            return
        if self._parts or not complete:
            self._parts.append(octets)
            self._part_octets += len(octets)
            if not complete:
                return
            octets = b"".join(self._parts)
            self._parts.clear()
            self._part_octets = 0
        if self._handler is not None:
            try:
                self._handler.message(octets, stream, ppid)
            except Exception:
                log.exception("the handler of %s failed on a message of %d octets", self.remote, len(octets))

    def changed(self, change: int, causes: bytes | None) -> None:
        """An SCTP_ASSOC_CHANGE notification; `causes`: error causes of the peer's ABORT, None: it sent none."""
        if change == Change.COMM_LOST:
            self.end(_why_lost(causes))
        elif change == Change.RESTART:
            self.restarted()
        elif change == Change.SHUTDOWN_COMP:
            self.shut_down()
        elif change == Change.CANT_STR_ASSOC:
            self.end("no answer from the peer" if causes is None else "refused by the peer")

    def shut_down(self) -> None:
        """The SHUTDOWN exchange is over, or needs nothing more from here."""
        self.end("shut down" if self._gone is not None else "shut down by the peer")

    def incomplete(self) -> None:
        """The rest of the message whose beginning was `received` will not come (RFC 6458 §6.1.7)."""
        self._parts.clear()
        self._part_octets = 0

    def hand_over(self, successor: AssociationCore) -> None:
        """The peer restarted: to the user this one is lost and `successor` is new."""
        self.over = True
        self.finish("restarted by the peer")
        if self._on_association is not None:
            successor.established(self._on_association, self._owner)

    def end(self, reason: str) -> None:
        if not self.over:
            self.over = True
            self.release()
            self.finish(reason)

    def forsake(self) -> None:
        """The event loop of the user has ended: gives everything back, tells nobody."""
        self._handler = self._gone = None
        self.end("the event loop has ended")

    def finish(self, reason: str) -> None:
        """Tells everybody who waits that the association is over."""
        self._queue.clear()
        self._parts.clear()
        if self._owner is not None:
            self._owner.discard(self)
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)
        if self._handler is not None:
            try:
                self._handler.lost(reason)
            except Exception:
                log.exception("the handler of %s failed on the loss of the association", self.remote)


def _why_lost(causes: bytes | None) -> str:
    """The reason of COMM_LOST; `causes`: what stood in the ABORT chunk, if there was one (RFC 9260 §3.3.7)."""
    if causes is None:
        return "no answer from the peer"
    if len(causes) < 4:
        return "aborted by the peer"
    cause, length = struct.unpack_from("!HH", causes)
    if cause != USER_INITIATED:
        return f"aborted by the peer, cause {cause}"
    text = causes[4:length].decode("utf-8", "replace").strip("\0")
    return f"aborted by the peer: {text}" if text else "aborted by the peer"
