"""One Xn-C: what is said with one neighbour, by SCTP or within the process (TS 38.422 §7, TS 38.423)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Literal, Protocol

import msgspec

from cinq.numbering import GnbId
from cinq.procedure import Event, Runtime, Subject
from cinq.ran.gnb.context import CellId
from cinq.ran.gnb.settings import GnbSettings
from cinq.ran.gnb.xn import diagnosis
from cinq.transport.sctp.association import Association
from cinq.wire import xnap

log = logging.getLogger("cinq.ran.gnb")

PPID_XNAP = 61
"""TS 38.422 §7: SCTP payload protocol identifier of XnAP."""


class XnContext(msgspec.Struct, frozen=True):
    """gnb: the neighbour, None before Xn Setup. cells: those that it serves."""

    state: Literal["setup", "up", "down"] = "setup"
    gnb: GnbId | None = None
    cells: tuple[CellId, ...] = ()


class XnNode(Protocol):
    """The gNB, as its Xn sees it."""

    runtime: Runtime
    cells: tuple[CellId, ...]

    @property
    def identity(self) -> GnbId: ...

    @property
    def settings(self) -> GnbSettings: ...

    @property
    def label(self) -> str: ...

    def xn_received(self, xn: Xn, message: xnap.Pdu) -> bool:
        """A message of a neighbour. False: it is for the procedures of the interface, or for nobody."""

    def xn_ended(self, xn: Xn, reason: str) -> None:
        """The neighbour is not reached any more."""


class Xn(Subject[XnContext]):
    """This end of an Xn-C: the handler of the SCTP association, and the subject of the interface procedures.

    association: None between gNBs of one process; then `peer` is the other end, which gets messages as they are, and
    octets are made for who listens only. up: set to False by who wants the interface to fail. sought: where, when
    this end began the association. on_message: hears what goes either way. answers: takes what is sent, for who waits
    for it. strikes: how often the neighbour asked for what it may not have.
    """

    __slots__ = ("_lost", "answers", "association", "node", "on_message", "peer", "sought", "strikes", "up")

    def __init__(
        self, node: XnNode, association: Association | None = None, sought: tuple[str, int] | None = None
    ) -> None:
        super().__init__(XnContext(), node.runtime)
        self.node = node
        self.association = association
        self.sought = sought
        self.peer: Xn | None = None
        self.up = True
        self.strikes = 0
        self.on_message: Callable[[xnap.Pdu], None] | None = None
        self.answers: Callable[[xnap.Pdu], None] | None = None
        self._lost = asyncio.Event()

    def joined(self, peer: Xn) -> None:
        """With a gNB of this process. What Xn Setup would tell, both ends see."""
        self.peer = peer
        self.commit(state="up", gnb=peer.node.identity)

    @property
    def ours(self) -> bool:
        """Whether this end began the association."""
        return self.sought is not None

    @property
    def gnb(self) -> GnbId | None:
        return self.context.gnb

    @property
    def cells(self) -> tuple[CellId, ...]:
        """Those of the neighbour."""
        return self.context.cells if self.peer is None else self.peer.node.cells

    def reaches(self, gnb: GnbId) -> bool:
        return self.up and self.context.state == "up" and self.context.gnb == gnb

    def take(self, association: Association) -> None:
        self.association = association

    # in

    def message(self, octets: bytes, stream: int, ppid: int) -> None:
        """One message of the neighbour. Whatever the octets, nothing is raised."""
        if not self.up:
            return
        try:
            message = xnap.decode(octets)
        except xnap.XnapError as error:
            self._journal(type(error.partial).__name__ if error.partial else "?", octets, str(error), True)
            if not error.tolerable or error.partial is None:
                answer = diagnosis.answer(error)
                if answer is not None:
                    self.send(answer)
                elif error.partial is not None and self.awaits(type(error.partial)):
                    self.abort(f"{type(error.partial).__name__} is wrong: {error}")
                return
            message = error.partial  # §10.3.5: what is missing is to be done without
        else:
            self._journal(type(message).__name__, octets, came=True)
        self.hears(message)

    def hears(self, message: xnap.Pdu) -> None:
        if not self.up:
            return
        if self.on_message is not None:
            self.on_message(message)
        try:
            if not self.node.xn_received(self, message):
                self.receive(message)
        except Exception as bug:
            self.runtime.report(self, "", message, f"ignored: a bug: {type(bug).__name__}: {bug}", bug)

    def at_once(self, message: xnap.Pdu) -> xnap.Pdu | None:
        """The answer of a gNB of this process, where nothing waits. None: it gives none, or is of another process."""
        if self.peer is None or not self.up or not self.peer.up:
            return None
        answers, before = list[xnap.Pdu](), self.peer.answers
        self.peer.answers = answers.append
        try:
            self._out(message)
            self.peer.hears(message)
        finally:
            self.peer.answers = before
        return answers[0] if answers else None

    def lost(self, reason: str) -> None:
        """The association is over."""
        if self.context.state == "down":
            return
        self.commit(state="down")
        self.abort(f"Xn is lost: {reason}")
        self.node.xn_ended(self, reason)
        self._lost.set()

    async def gone(self) -> None:
        """Returns when the association is over."""
        await self._lost.wait()

    def part(self) -> None:
        """It is not needed any more; nobody is harmed."""
        if self.association is not None:
            self.runtime.spawn(self.association.close, "Xn closes")
        else:
            self.lost("taken away")

    # out

    def send(self, message: object) -> None:
        assert isinstance(message, xnap.Pdu)
        if not self.up or self.context.state == "down":
            return
        self._out(message)
        if self.answers is not None:
            self.answers(message)
        elif self.peer is not None:
            asyncio.get_running_loop().call_soon(self.peer.hears, message)

    def _out(self, message: xnap.Pdu) -> None:
        """On the wire, or into the journal only."""
        if self.on_message is not None:
            self.on_message(message)
        if self.association is not None:
            octets = xnap.encode(message)
            self._journal(type(message).__name__, octets)
            self.association.send(octets, stream=_stream(message), ppid=PPID_XNAP)
        elif self.runtime.journal.listening:
            self._journal(type(message).__name__, xnap.encode(message))

    def status(self, message: object) -> object | None:
        """To what no procedure here takes, §10.3.4.1."""
        assert isinstance(message, xnap.Pdu)
        return diagnosis.unexpected(message)

    def describe(self, message: object) -> tuple[str, str]:
        return "Xn", type(message).__name__

    @property
    def label(self) -> str:
        return f"{self.node.label} Xn"

    def __str__(self) -> str:
        if self.context.gnb is not None:
            return f"Xn to gNB {self.context.gnb}"
        return "Xn" if self.association is None else "Xn to {}:{}".format(*self.association.remote)

    def _journal(self, name: str, octets: bytes, cause: str = "", came: bool = False) -> None:
        """A note: a ladder has one line for gNBs."""
        journal = self.runtime.journal
        if journal.listening:
            own = self.node.label
            other = "gNB" if self.context.gnb is None else f"gNB {self.context.gnb.value}"
            now, ends = self.runtime.clock.now(), (other, own) if came else (own, other)
            journal.emit(
                Event(now, "gNB", ends[0], "", "none", "Xn", f"Xn {name}", cause, octets, peer=ends[1])
            )


def _stream(message: xnap.Pdu) -> int:
    """Stream 0 is for what belongs to no UE; a UE keeps to one of the others (TS 38.422 §7)."""
    names = ("source_ng_ran_node_ue_xnap_id", "new_ng_ran_node_ue_xnap_id")
    known = next((value for name in names if isinstance(value := getattr(message, name, None), int)), None)
    return 0 if known is None else 1 + known % 7
