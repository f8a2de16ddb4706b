"""A UE-associated logical NG connection, as the gNB has it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from cinq.numbering import GnbId
from cinq.procedure import Declined, Refused, Runtime, Subject
from cinq.ran.gnb.context import CellId, PdcpCounts, PduSession, TunnelEnd, UeState
from cinq.ran.gnb.n2 import elements, reasons
from cinq.ran.gnb.n2.tnla import Tnla
from cinq.ran.gnb.ports import Ports
from cinq.ran.gnb.xn.association import Xn
from cinq.wire import ngap, xnap

Left = Callable[[Mapping[int, PdcpCounts]], None]


class OnXn(msgspec.Struct, frozen=True):
    """A message about the UE that goes to a neighbour."""

    xn: Xn
    message: xnap.Pdu


class RadioLink(Protocol):
    """The radio side of a UE. It outlives a connection; `ue` says for which one something is done."""

    def serves(self, ue: UeContext) -> bool:
        """Whether this connection still has its RRC connection; the UE may be back on another."""

    def deliver(self, nas: bytes) -> None:
        """A NAS message to the UE."""

    def connect(self, ue: UeContext, pdu_session_id: int, session: PduSession) -> None:
        """Radio bearers and tunnel of a session. RuleError: the user plane refuses."""

    def disconnect(self, ue: UeContext, pdu_session_id: int) -> None:
        """Radio bearers and tunnel of a session go, its interface stays."""

    async def hand_over(
        self, target: CellId, rrc_container: bytes, left: Left, forwarding: Mapping[int, TunnelEnd]
    ) -> bool:
        """RRCReconfiguration with sync: the UE goes to the cell. False: it did not arrive, and is back.

        left: called when it has left, with the PDCP counts of the DRB of each session. forwarding: where downlink
        packets of a session go on to that still come here.
        """

    def is_leaving(self, ue: UeContext) -> bool:
        """Whether it has been sent to another process, and has not left yet."""

    def rekey(self, ue: UeContext) -> None:
        """RRCReconfiguration with sync in the cell where the UE is: its key changes on the fly (TS 33.501 §6.9.4.4)."""

    def released(self, ue: UeContext, cause: str) -> None:
        """The connection is over."""

    def packets(self, ue: UeContext) -> int:
        """How many packets the bearers of this connection have carried."""

    def counts(self, ue: UeContext) -> dict[int, PdcpCounts]:
        """PDCP counts of the DRB of each session."""

    def count_on(self, ue: UeContext, counts: Mapping[int, PdcpCounts]) -> None:
        """The source's counts have come: the DRBs of a UE that has arrived go on from there."""


class Awaited:
    """The link of a UE that has not arrived yet: a target gNB has made its context ready."""

    def serves(self, ue: UeContext) -> bool:
        return False

    def deliver(self, nas: bytes) -> None:
        pass

    def connect(self, ue: UeContext, pdu_session_id: int, session: PduSession) -> None:
        pass

    def disconnect(self, ue: UeContext, pdu_session_id: int) -> None:
        pass

    async def hand_over(
        self, target: CellId, rrc_container: bytes, left: Left, forwarding: Mapping[int, TunnelEnd]
    ) -> bool:
        return False

    def is_leaving(self, ue: UeContext) -> bool:
        return False

    def rekey(self, ue: UeContext) -> None:
        pass

    def released(self, ue: UeContext, cause: str) -> None:
        pass

    def packets(self, ue: UeContext) -> int:
        return 0

    def counts(self, ue: UeContext) -> dict[int, PdcpCounts]:
        return {}

    def count_on(self, ue: UeContext, counts: Mapping[int, PdcpCounts]) -> None:
        pass


class Outlet(Protocol):
    """The association, as a connection sees it."""

    ports: Ports

    @property
    def identity(self) -> GnbId: ...

    @property
    def label(self) -> str: ...

    def transmit(self, message: ngap.Pdu, stream: int, tnla: Tnla | None = None) -> None: ...

    def xn(self, gnb: GnbId) -> Xn | None: ...

    def forget(self, ue: UeContext, cause: str) -> None: ...


class UeContext(Subject[UeState]):
    """A UE on one NG connection, TS 38.413 §9.3.3.1 and §9.3.3.2; the subject of the procedures that a gNB begins
    for one UE. What the AMF begins is answered at once, by inbound.py.

    sessions: by PDU session identity. cell: where the UE is, or was last. tnla: the association that it is bound to,
    None for the first. counted: the source's PDCP counts, for a UE that is to come by a handover. neighbour: the Xn by
    which it came or goes, neighbour_id: its UE XnAP ID there; here that is its RAN-UE-NGAP-ID. release_due: the AMF
    releases it while it is leaving for another process.
    """

    __slots__ = (
        "_gone",
        "_overall",
        "_since",
        "came",
        "cell",
        "counted",
        "link",
        "n2",
        "neighbour",
        "neighbour_id",
        "ran_ue_ngap_id",
        "release_due",
        "sessions",
        "stream",
        "tnla",
    )

    def __init__(
        self,
        ran_ue_ngap_id: int,
        link: RadioLink,
        cell: CellId,
        n2: Outlet,
        runtime: Runtime,
        stream: int = 0,
    ) -> None:
        super().__init__(UeState(), runtime)
        self.ran_ue_ngap_id = ran_ue_ngap_id
        self.link = link
        self.cell = cell
        self.n2 = n2
        self.stream = stream
        self.tnla: Tnla | None = None
        self.sessions: dict[int, PduSession] = {}
        self.counted: dict[int, PdcpCounts] = {}
        self.neighbour: Xn | None = None
        self.neighbour_id: int | None = None
        self.came = False
        self.release_due: ngap.UEContextReleaseCommand | None = None
        self._gone: asyncio.Event | None = None
        self._overall: asyncio.TimerHandle | None = None
        self._since = runtime.clock.now()

    @property
    def amf_ue_ngap_id(self) -> int | None:
        """None before the AMF has answered."""
        return self.context.amf_ue_ngap_id

    @property
    def kgnb(self) -> bytes:
        return self.context.keys.kgnb

    @property
    def location(self) -> ngap.UserLocationInformation:
        """§9.3.1.16."""
        return elements.location(self.cell)

    @property
    def stayed_s(self) -> int:
        """How long in its present cell, as the UE History Information counts."""
        return max(0, min(4095, round(self.runtime.clock.now() - self._since)))

    def enters(self, cell: CellId) -> None:
        self.cell = cell
        self._since = self.runtime.clock.now()

    @property
    def reached(self) -> bool:
        """Whether this connection still has its RRC connection."""
        return self.link.serves(self)

    def require(self) -> None:
        """Refused: the UE is not connected here any more, so that nothing can begin about it."""
        if self.amf_ue_ngap_id is None or not self.reached:
            raise Refused(None, f"{self.label} is not connected here any more")

    def deliver(self, nas: bytes) -> None:
        """A NAS message to the UE; lost where the radio link is gone."""
        if self.reached:
            self.link.deliver(nas)

    def put(self, pdu_session_id: int, session: PduSession) -> None:
        """A session is set up, or changed. RuleError: the user plane refuses, and nothing has changed."""
        self.link.connect(self, pdu_session_id, session)
        self.sessions[pdu_session_id] = session

    def counts_told(self, counts: Mapping[int, PdcpCounts]) -> None:
        """A status transfer: kept until the UE is here, or told to the DRBs that it has here."""
        if self.reached:
            self.link.count_on(self, counts)
        else:
            self.counted |= counts

    def drop(self, pdu_session_id: int) -> PduSession | None:
        """The session's resources go while the UE stays connected; its interface goes when the UE says so."""
        session = self.sessions.pop(pdu_session_id, None)
        if session is not None:
            self.n2.ports.bearers.free(session.tunnel)
            self.link.disconnect(self, pdu_session_id)
        return session

    def comes_by(self, xn: Xn, neighbour_id: int) -> None:
        self.neighbour, self.neighbour_id, self.came = xn, neighbour_id, True

    def goes_by(self, xn: Xn, neighbour_id: int | None = None) -> None:
        """neighbour_id: None before the target has told it."""
        self.neighbour, self.neighbour_id, self.came = xn, neighbour_id, False

    def tell_neighbour(self, message: xnap.Pdu) -> None:
        """Lost where the neighbour is."""
        if self.neighbour is not None:
            self.neighbour.send(message)

    # its end

    def relocates(self, seconds: float, expired: Callable[[], None]) -> None:
        """TNGRELOCoverall or TXnRELOCOverall runs (§8.3.3.4); a new one replaces the old."""
        self.stays()
        self._overall = asyncio.get_running_loop().call_later(seconds, expired)

    def stays(self) -> None:
        """The timer is stopped: the UE is back, or released."""
        if self._overall is not None:
            self._overall.cancel()
            self._overall = None

    async def gone(self) -> None:
        """Returns when the connection is over."""
        if self._gone is None:
            self._gone = asyncio.Event()
        await self._gone.wait()

    def is_gone(self) -> None:
        """Called once by the association."""
        self.stays()
        if self._gone is None:
            self._gone = asyncio.Event()
        self._gone.set()

    # the subject's ports

    def send(self, message: object) -> None:
        if isinstance(message, OnXn):
            message.xn.send(message.message)
            return
        assert isinstance(message, ngap.Pdu)
        self.n2.transmit(message, self.stream, self.tnla)

    def declined(
        self, message: object, sent: object | None, expected: tuple[type[object], ...]
    ) -> Declined | None:
        return reasons.declined(message, sent, expected, self.questions == 1, self.n2.ports.settings)

    def describe(self, message: object) -> tuple[str, str]:
        if isinstance(message, OnXn):
            return "Xn", type(message.message).__name__
        return "Xn" if type(message).__module__ == xnap.types.__name__ else "N2", type(message).__name__

    @property
    def label(self) -> str:
        return f"{self.n2.label} UE {self.ran_ue_ngap_id}"
