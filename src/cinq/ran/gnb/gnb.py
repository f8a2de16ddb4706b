"""The emulated gNB: its association with the AMF, its cells, its user plane, and where its UEs go."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec

from cinq.numbering import STmsi
from cinq.procedure import Aborted, Refused, Runtime, TimerExpired
from cinq.ran.gnb.bearers import Bearers
from cinq.ran.gnb.cell import CellLink, NrCell, reconfiguration
from cinq.ran.gnb.context import CellId
from cinq.ran.gnb.inactivity import Inactivity
from cinq.ran.gnb.inbound import handle, handle_xn
from cinq.ran.gnb.n2 import N2, UeContext, elements
from cinq.ran.gnb.ng_ran import NgRan
from cinq.ran.gnb.ports import Admission, Further, Ports
from cinq.ran.gnb.procedures import intra_gnb_handover, ue_context_release_request, xn_handover
from cinq.ran.gnb.settings import GnbSettings
from cinq.ran.gnb.signals import (
    RADIO_REASON,
    CancelHandover,
    SetUp,
    UpdateConfiguration,
    UpdateNeighbour,
)
from cinq.ran.gnb.xn.neighbours import XnPort
from cinq.ran.radio.port import Mobile, SystemInformation, Warning
from cinq.transport.error import NoAnswerError
from cinq.transport.sctp.association import Association, AssociationHandler
from cinq.wire import ngap

log = logging.getLogger("cinq.ran.gnb")

Connect = Callable[[AssociationHandler], Awaitable[Association]]
"""Opens the SCTP association with the AMF. NoAnswerError: there is none yet. Another OSError: there cannot be."""
Path = Literal["xn", "n2"]


def apart(settings: GnbSettings) -> str:
    """The namespace of UEs that name none, where they need one of their own."""
    return "cinq-ue" if settings.gnb_id == 1 else f"cinq-ue-{settings.gnb_id}"


def _radio_of(cell: CellId) -> tuple[int, int]:
    """What a UE knows a cell by: PCI and ARFCN."""
    return cell.pci, cell.arfcn


class Gnb:
    """An emulated gNB (radio.port.Cell by its first cell), good for any core.

    connect: the N2 port. entropy: for TEIDs. ng_ran: the gNBs of this process, where there are several. bearers: the
    user plane, where gNBs share one. further: opens associations at other addresses of the AMF.

    Its data plane is given by `bearers.use(plane)`, the events of that plane go to `bearers`; without one it does
    signalling only. station: where a test bench stands on N2. admission: what it is to refuse. hands_over: whether a
    measurement report makes it hand a UE over.
    """

    def __init__(
        self,
        settings: GnbSettings,
        connect: Connect,
        runtime: Runtime,
        entropy: Callable[[int], bytes],
        ng_ran: NgRan | None = None,
        bearers: Bearers | None = None,
        further: Further | None = None,
    ) -> None:
        self.settings = settings
        self.runtime = runtime
        own = Bearers(settings.n3, entropy, apart=apart(settings))
        self.bearers = own if bearers is None else bearers
        self.admission = Admission()
        ports = Ports(settings, self.bearers, self, self.admission, further)
        self.n2 = N2(ports, runtime, handle, handle_xn)
        self.station = self.n2.station
        self.cells = [NrCell(self, cell, settings.name) for cell in self.n2.cells]
        self.ng_ran = ng_ran or NgRan()
        self.ng_ran.add(self.n2, self.cells)
        self.links: set[CellLink] = set()
        self.hands_over = True
        self.barred_access_categories = settings.barred_access_categories
        self._connect = connect
        self._paging: dict[STmsi, CellLink] = {}
        self._up = asyncio.Event()
        self._served = False
        self._sets_up = True
        self._associated = asyncio.Event()
        self._hopeless: OSError | None = None

    async def reach_neighbours(self, port: XnPort) -> None:
        """Xn with gNBs of other processes, from now on. OSError: the port cannot be had."""
        await self.n2.neighbours.begin(port)

    def start(self, set_up: bool = True) -> None:
        """Seek the AMF, and seek it again whenever it is lost.

        set_up: do NG Setup of itself; without, the association waits for a bench (`station`, `set_up`).
        """
        self._sets_up = set_up
        self.runtime.spawn(self._hold_association, "N2")
        if self.settings.inactivity_s:
            self.runtime.every(self.settings.inactivity_s, Inactivity(self.n2).look, "inactivity")

    @property
    def trouble(self) -> str:
        """What is in the way of NG Setup, "" for nothing."""
        return self.n2.trouble

    async def up(self) -> None:
        """Returns when NG Setup has succeeded. `trouble` says what is in the way meanwhile.

        OSError: this host gives no association at all (a right, an address, SCTP itself is missing).
        """
        await self._up.wait()
        if self._hopeless is not None:
            raise self._hopeless

    async def associated(self) -> None:
        """Returns when the SCTP association is there."""
        await self._associated.wait()

    async def set_up(self) -> None:
        """NG Setup, for a gNB that does not do it of itself. Refused, TimerExpired or Aborted: it failed."""
        await self.n2.demand(SetUp())
        self.on_n2(True)

    async def stop(self) -> None:
        """Release everything: UEs, association, interfaces."""
        for link in list(self.links):
            link.detach()
        self.ng_ran.remove(self.n2)
        await self.n2.neighbours.end()
        associations = [self.n2.association, *(tnla.association for tnla in self.n2.tnlas.all)]
        await self.runtime.stop()
        for association in associations:
            if association is not None:
                await association.close()

    # the cells, as UEs see them

    def attach(self, mobile: Mobile) -> CellLink:
        """The UE camps on the first cell."""
        return self.cells[0].attach(mobile)

    def arrive(self, mobile: Mobile, pci: int, arfcn: int, c_rnti: int) -> CellLink | None:
        """A UE comes from a gNB of another process, to any cell of the NG-RAN here."""
        return self.cells[0].arrive(mobile, pci, arfcn, c_rnti)

    def cells_of(self, pci: int, arfcn: int) -> list[NrCell]:
        wanted = (pci, arfcn)
        return [cell for cell in self.ng_ran.cells.values() if _radio_of(cell.identity) == wanted]

    @property
    def in_reach(self) -> tuple[tuple[int, int], ...]:
        return tuple(_radio_of(cell.identity) for cell in self.ng_ran.cells.values())

    def system_information(self) -> SystemInformation:
        """Of the first cell."""
        return self.cells[0].system_information()

    @property
    def location(self) -> ngap.UserLocationInformation:
        """Of a UE in the first cell."""
        return elements.location(self.cells[0].identity)

    def cell_of(self, nr_cell_identity: int) -> NrCell | None:
        """Any cell of the NG-RAN."""
        return self.ng_ran.cells.get(nr_cell_identity)

    def listen(self, link: CellLink, s_tmsi: STmsi | None) -> None:
        if link.s_tmsi is not None and self._paging.get(link.s_tmsi) is link:
            del self._paging[link.s_tmsi]
        link.s_tmsi = s_tmsi
        if s_tmsi is not None:
            self._paging[s_tmsi] = link

    def page(self, s_tmsi: STmsi, cells: tuple[CellId, ...]) -> None:
        """On the paging channel of these cells; a UE that has an RRC connection does not listen to it."""
        link = self._paging.get(s_tmsi)
        if link is not None and not link.connected and link.cell.identity in cells:
            link.mobile.on_paging()

    def broadcast(self, cells: tuple[CellId, ...], warning: Warning) -> None:
        """To every UE in these cells, idle or connected."""
        for link in list(self.links):
            if link.cell.identity in cells:
                link.mobile.on_warning(warning)

    def _tell_cells(self) -> None:
        for link in list(self.links):
            link.mobile.on_system_information(link.cell.system_information())

    def bar(self, *categories: int) -> None:
        """From now on the cells bar these access categories (1 to 63), and no others."""
        self.barred_access_categories = categories
        self._tell_cells()

    async def change_tracking_area(self, cell: NrCell, tac: int) -> None:
        """The cell has another tracking area: the AMF hears of it, then the UEs. Refused: the AMF does not want it."""
        before, now = cell.identity, msgspec.structs.replace(cell.identity, tac=tac)
        self.n2.cells = tuple(now if one == before else one for one in self.n2.cells)
        try:
            await self.n2.demand(UpdateConfiguration())
        except Refused:
            self.n2.cells = tuple(before if one == now else one for one in self.n2.cells)
            raise
        cell.identity = now
        for xn in self.n2.neighbours:
            if xn.association is not None:
                xn.want(UpdateNeighbour(before, now))
        for link in self.links:
            if link.cell is cell and link.context is not None:
                link.context.cell = now
        self._tell_cells()

    # where UEs go

    async def hand_over(
        self,
        ue: UeContext,
        target: NrCell,
        via: Path | None = None,
        cause: ngap.Cause = RADIO_REASON,
    ) -> UeContext:
        """Hand a UE over to a cell of this process. Returns its connection at the target, when all is done there.

        via: how, to another gNB; without it as the network has it (xn_handover.handed_over). Refused, TimerExpired,
        Aborted: the UE is where it was. ValueError: it is not connected here, or is there already.
        """
        link = ue.link
        if not isinstance(link, CellLink) or not link.serves(ue) or link.gnb is not self:
            raise ValueError(f"{ue.label}: found no RRC connection here, wanted one")
        if target is link.cell:
            raise ValueError(f"target: found {target}, where the UE is already")
        if target.site is self:
            intra_gnb_handover.moved(ue, target.identity)
            link.mobile.on_handover(reconfiguration(ue, target.identity))
            link.camp(target)
            return ue
        await xn_handover.handed_over(ue, target.identity, via, cause)
        there = link.context
        await self._released(ue)
        if there is None or link.context is not there:
            raise Aborted(f"{ue.label}: the UE was released in {target}")
        return there

    async def hand_over_away(
        self, ue: UeContext, target: CellId, via: Path | None = None, cause: ngap.Cause = RADIO_REASON
    ) -> None:
        """Hand a UE over to a cell of a neighbour in another process. Returns when nothing of it is left here.

        Raises as `hand_over` does.
        """
        link = ue.link
        if not isinstance(link, CellLink) or not link.serves(ue) or link.gnb is not self:
            raise ValueError(f"{ue.label}: found no RRC connection here, wanted one")
        await xn_handover.handed_over(ue, target, via, cause)
        await self._released(ue)

    async def _released(self, ue: UeContext) -> None:
        """The core, or the target by Xn, releases what is left here; it has twice TNGRELOCoverall for it."""
        patience = 2 * self.settings.t_ng_reloc_overall_s
        try:
            async with asyncio.timeout(patience):
                await ue.gone()
        except TimeoutError:
            raise Aborted(f"{ue.label}: nobody released it here within {patience:g} s") from None

    async def cancel_handover(
        self, ue: UeContext, cause: ngap.Cause = ("radioNetwork", "handover-cancelled")
    ) -> None:
        """Cancel the handover that is being prepared, or is (TS 38.413 §8.4.5; by Xn TS 38.423 §8.2.3)."""
        by_xn = ue.context.leaving == "xn-handover-triggered"
        ue.abort("handover cancelled")
        if by_xn:  # its procedure tells the target as it ends
            return
        await ue.demand(CancelHandover(cause))

    def release(self, ue: UeContext, cause: ngap.Cause = ("radioNetwork", "user-inactivity")) -> None:
        """Ask the AMF to release the UE (§8.3.2)."""
        ue_context_release_request.send(ue, cause)

    def measured(self, link: CellLink, target: NrCell) -> None:
        """A measurement report of a connected UE."""
        ue = link.context
        if ue is None or not self.hands_over or not ue.context.has_context or not ue.is_idle:
            return

        async def go() -> None:
            try:
                await self.hand_over(ue, target)
            except (Refused, TimerExpired, Aborted) as ended:
                log.info("%s: handover to %s: %s", ue.label, target, ended)

        self.runtime.spawn(go, "handover")

    # N2

    def on_n2(self, up: bool, reason: str = "") -> None:
        """NG Setup succeeded, or the association is lost: the cell opens or is barred."""
        amf = f"AMF {self.settings.amf_address}:{self.settings.amf_port}"
        if up and self._served:
            log.info("NG Setup done again with %s", amf)
        if not up and self._up.is_set() and not self.runtime.stopping:
            log.warning("%s is lost: %s; sought every %g s", amf, reason, self.settings.ng_setup_retry_s)
        self.n2.trouble = reason
        if up:
            self._served = True
            self._up.set()
        else:
            self._up.clear()
        self._tell_cells()

    async def _hold_association(self) -> None:
        while True:
            try:
                association = await self._connect(self.n2)
            except OSError as error:
                if not self._served and not isinstance(error, NoAnswerError):
                    self._hopeless = error
                    self._up.set()
                    return
                why = getattr(error, "what", str(error))
                self.n2.hindered(f"AMF {self.settings.amf_address}:{self.settings.amf_port}: {why}")
            else:
                self.n2.established(association)
                self._associated.set()
                if self._sets_up:
                    await self._set_up(association)
                await self.n2.wait_lost()
                self._associated.clear()
            await asyncio.sleep(self.settings.ng_setup_retry_s)

    async def _set_up(self, association: Association) -> None:
        try:
            await self.n2.demand(SetUp())
        except (Refused, TimerExpired, Aborted) as error:
            self.n2.hindered(f"NG Setup: {error}")
            association.abort("NG Setup failed")
        else:
            self.on_n2(True)
