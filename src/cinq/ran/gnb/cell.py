"""The radio side of a gNB: a cell, and what it does for each UE that camps there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Container, Mapping
from functools import partial
from typing import Protocol

from msgspec import structs

from cinq.numbering import STmsi
from cinq.ran.gnb.bearers import Bearers
from cinq.ran.gnb.context import CellId, PdcpCounts, PduSession, TunnelEnd
from cinq.ran.gnb.n2 import N2, UeContext
from cinq.ran.gnb.n2.ue import Left
from cinq.ran.gnb.plane import Bearer
from cinq.ran.gnb.procedures import (
    initial_ue_message,
    nas_transport,
    overload,
    re_establishment,
    ue_context_release_request,
    warning,
)
from cinq.ran.radio import rrc
from cinq.ran.radio.port import Interface, Mobile, Reconfiguration, RrcSetup, SystemInformation
from cinq.userplane.rules import RuleError

log = logging.getLogger("cinq.ran.gnb")

DEPARTS_S = 5.0
"""How long a UE may take to come to a cell of another process. T304 is shorter; interfaces are made meanwhile."""


class Site(Protocol):
    """The gNB, as its cells see it."""

    bearers: Bearers
    links: set[CellLink]
    barred_access_categories: tuple[int, ...]

    @property
    def n2(self) -> N2: ...

    def cell_of(self, nr_cell_identity: int) -> NrCell | None:
        """Any cell of the NG-RAN that a UE here may go to."""

    def cells_of(self, pci: int, arfcn: int) -> list[NrCell]:
        """Those of the NG-RAN of this process."""

    @property
    def in_reach(self) -> tuple[tuple[int, int], ...]: ...

    def listen(self, link: CellLink, s_tmsi: STmsi | None) -> None: ...

    def measured(self, link: CellLink, target: NrCell) -> None:
        """A connected UE hears that cell better."""


class NrCell:
    """One cell of a gNB (radio.port.Cell)."""

    def __init__(self, site: Site, identity: CellId, name: str) -> None:
        self.site = site
        self.identity = identity
        self.name = name

    def attach(self, mobile: Mobile) -> CellLink:
        link = CellLink(self, mobile)
        self.site.links.add(link)
        self.tell(mobile)
        return link

    def arrive(self, mobile: Mobile, pci: int, arfcn: int, c_rnti: int) -> CellLink | None:
        """By a handover from a gNB of another process."""
        for cell in self.site.cells_of(pci, arfcn):
            found = cell.site.n2.connections.arrives(c_rnti, cell.identity)
            if found is not None:
                ue, arrived = found
                link = CellLink(cell, mobile)
                cell.site.links.add(link)
                cell.tell(mobile)
                link.arrives(ue)
                arrived(ue)
                return link
        return None

    @property
    def in_reach(self) -> tuple[tuple[int, int], ...]:
        return self.site.in_reach

    def tell(self, mobile: Mobile) -> None:
        """What a UE that comes to the cell hears there."""
        mobile.on_system_information(self.system_information())
        for told in warning.broadcast_in(self.site.n2, self.identity):
            mobile.on_warning(told)

    def system_information(self) -> SystemInformation:
        i = self.identity
        barred = self.site.n2.context.state != "up"
        categories = self.site.barred_access_categories
        return SystemInformation(self.name, i.gnb.plmn, i.tac, i.nci, barred, categories)

    def __repr__(self) -> str:
        return str(self.identity)


def reconfiguration(ue: UeContext, cell: CellId) -> Reconfiguration:
    """What a UE is told of the key that it has in this cell."""
    keys = ue.context.keys
    return Reconfiguration(cell.pci, cell.arfcn, keys.used_ncc, keys.used_new_key)


class CellLink:
    """What the NG-RAN keeps for one UE (radio.port.Link), in whichever cell it is.

    context: its NG connection while it has an RRC connection. bearers: by PDU session identity; they last from the
    first tunnel or interface to the release of the session. obeys: whether the UE goes where a handover sends it.
    """

    __slots__ = ("_departs", "bearers", "cell", "context", "interfaces", "mobile", "obeys", "s_tmsi")

    def __init__(self, cell: NrCell, mobile: Mobile) -> None:
        self.cell = cell
        self.mobile = mobile
        self.context: UeContext | None = None
        self.s_tmsi: STmsi | None = None
        self.bearers: dict[int, Bearer] = {}
        self.interfaces: dict[int, Interface] = {}
        self.obeys = True
        self._departs: asyncio.Future[bool] | None = None

    @property
    def gnb(self) -> Site:
        return self.cell.site

    # what the UE asks for

    @property
    def connected(self) -> bool:
        return self.context is not None

    def setup(self, setup: RrcSetup) -> None:
        n2 = self.gnb.n2
        if n2.context.state != "up":
            self.mobile.on_released("no AMF")
            return
        if overload.barred(n2, setup.cause):
            self.mobile.on_released("AMF overload")
            return
        if self.context is not None:
            self.fail()
        ue = self.context = n2.connections.new(self, self.cell.identity)
        initial_ue_message.send(n2, ue, setup)

    def uplink(self, nas: bytes) -> None:
        if self.context is not None:
            nas_transport.uplink(self.gnb.n2, self.context, nas)

    def listen(self, s_tmsi: STmsi | None) -> None:
        self.gnb.listen(self, s_tmsi)

    def open_interface(self, interface: Interface) -> None:
        """Whatever goes wrong, the UE hears why."""
        made, error = interface, ""
        try:
            made = self.gnb.bearers.open(self._bearer(interface.pdu_session_id), interface)
        except (OSError, RuleError, ValueError) as found:
            error = str(found)
            log.debug("interface for %s: %s", interface.address, error)
        else:
            self._keep(self.bearers[interface.pdu_session_id], made, interface)
        self.mobile.on_interface(made, error)

    def _keep(self, bearer: Bearer, made: Interface, wanted: Interface) -> None:
        """The interface is there; its IPv6 address may come later, and goes with the UE to other gNBs."""
        psi = wanted.pdu_session_id
        self.interfaces[psi] = structs.replace(wanted, address6=made.address6)

        if wanted.interface_identifier:
            bearer.addressed = partial(self._addressed, bearer.session, made, wanted)

    def _addressed(self, session: int, made: Interface, wanted: Interface) -> None:
        bearer = self.bearers.get(wanted.pdu_session_id)
        if bearer is None or bearer.session != session:
            return
        address6 = str(bearer.address6)
        self.interfaces[wanted.pdu_session_id] = structs.replace(wanted, address6=address6)
        self.mobile.on_interface(structs.replace(made, address6=address6), "")

    def close_interface(self, pdu_session_id: int) -> None:
        self.interfaces.pop(pdu_session_id, None)
        bearer = self.bearers.get(pdu_session_id)
        if bearer is None:
            return
        if bearer.tunnel is None:
            self._drop(pdu_session_id)
        else:
            self.gnb.bearers.close(bearer)

    def measure(self, nr_cell_identity: int) -> None:
        target = self.gnb.cell_of(nr_cell_identity)
        if target is not None and target is not self.cell and self.context is not None:
            self.gnb.measured(self, target)

    def reselect(self, nr_cell_identity: int) -> bool:
        target = self.gnb.cell_of(nr_cell_identity)
        if target is None or self.context is not None:
            return False
        self.camp(target)
        return True

    def re_establish(self, nr_cell_identity: int) -> bool:
        target, old = self.gnb.cell_of(nr_cell_identity), self.context
        if target is None or old is None:
            return False
        found = re_establishment.re_establish(target.site.n2, target.identity, self.gnb.n2, old)
        if found is None:
            self.fail()
            self.camp(target)
            self.mobile.on_released("RRC re-establishment: no UE context")
            return False
        ue, arrived = found
        self.camp(target)
        if ue is not old:
            self._take(ue)
        arrived(ue)
        self.mobile.on_handover(reconfiguration(ue, target.identity))
        return True

    def fail(self) -> None:
        """Radio connection lost: the AMF is asked to release the UE, TS 38.413 §8.3.2."""
        ue, self.context = self.context, None
        self._departed(False)
        if ue is not None:
            self._disconnect(ue)
            ue_context_release_request.send(ue, ("radioNetwork", "radio-connection-with-ue-lost"))

    def detach(self) -> None:
        self.fail()
        self.listen(None)
        for pdu_session_id in list(self.bearers):
            self._drop(pdu_session_id)
        self.gnb.links.discard(self)

    # what the gNB does for the UE (n2.RadioLink)

    def serves(self, ue: UeContext) -> bool:
        return self.context is ue

    def deliver(self, nas: bytes) -> None:
        self.mobile.on_downlink(nas)

    def packets(self, ue: UeContext) -> int:
        return sum(self.gnb.bearers.packets(self.bearers[psi]) for psi in ue.sessions if psi in self.bearers)

    def rekey(self, ue: UeContext) -> None:
        if self.context is ue:
            self.mobile.on_handover(reconfiguration(ue, ue.cell))

    def released(self, ue: UeContext, cause: str) -> None:
        """Called when the NG connection of `ue` is over."""
        if self.context is ue:
            self._disconnect(ue)
            self.context = None
            self.mobile.on_released(cause)

    def connect(self, ue: UeContext, pdu_session_id: int, session: PduSession) -> None:
        if self.context is ue:
            self.gnb.bearers.connect(self._bearer(pdu_session_id), session.tunnel)
            self.mobile.on_bearer(pdu_session_id, True)

    def disconnect(self, ue: UeContext, pdu_session_id: int) -> None:
        if self.context is ue:
            self._lose_tunnel(pdu_session_id)
            self.mobile.on_bearer(pdu_session_id, False)

    def counts(self, ue: UeContext) -> dict[int, PdcpCounts]:
        bearers = self.gnb.bearers
        return {psi: bearers.counts(self.bearers[psi]) for psi in ue.sessions if psi in self.bearers}

    def count_on(self, ue: UeContext, counts: Mapping[int, PdcpCounts]) -> None:
        for pdu_session_id, count in counts.items():
            bearer = self.bearers.get(pdu_session_id)
            if bearer is not None and self.context is ue:
                self.gnb.bearers.add_counts(bearer, count)

    async def hand_over(
        self, target: CellId, rrc_container: bytes, left: Left, forwarding: Mapping[int, TunnelEnd]
    ) -> bool:
        """The UE leaves its cell for the target; what it had there and has here is the same but for the tunnels."""
        cell = self.gnb.cell_of(target.nci)
        try:
            command = rrc.decode(rrc_container)
        except rrc.RrcError as error:
            log.warning("handover to %s: %s", target, error)
            return False
        here = self.context
        if cell is None:
            return await self._send_away(target, command, left, forwarding)
        told = Reconfiguration(target.pci, target.arfcn, command.ncc, command.new_key, command.nas)
        goes = (
            here is not None
            and self.obeys
            and cell.site.n2.connections.expects(command.c_rnti, target)
            and self.mobile.on_handover(told)
        )
        found = None if not goes else cell.site.n2.connections.arrives(command.c_rnti, target)
        if found is None or here is None:
            left({} if here is None else self.counts(here))
            return False
        ue, arrived = found
        forwarded = self._forward(forwarding)
        left(self.counts(here) | self.camp(cell))
        self._take(ue, forwarded)
        arrived(ue)
        return True

    async def _send_away(
        self, target: CellId, command: rrc.HandoverCommand, left: Left, forwarding: Mapping[int, TunnelEnd]
    ) -> bool:
        """To a gNB of another process: the UE tells when it has come there, or that it stays.

        Until then its packets take their way through this gNB, so that none is lost.
        """
        here, loop = self.context, asyncio.get_running_loop()
        told = Reconfiguration(
            target.pci, target.arfcn, command.ncc, command.new_key, command.nas, command.c_rnti
        )
        if here is None or not self.obeys or not self.mobile.on_handover(told):
            left({} if here is None else self.counts(here))
            return False
        self._departs = loop.create_future()
        timer = loop.call_later(DEPARTS_S, self._departed, False)
        try:
            went = await self._departs
        finally:
            timer.cancel()
            self._departs = None
        if not went or self.context is not here:
            left({} if self.context is None else self.counts(here))
            return False
        self._forward(forwarding)
        self.context = None
        left(self._part())
        return True

    def _part(self) -> dict[int, PdcpCounts]:
        """Nothing of the UE is left here but its NG connection. Returns where the DRBs stood."""
        counts, bearers = dict[int, PdcpCounts](), self.gnb.bearers
        self.listen(None)
        self.gnb.links.discard(self)
        for pdu_session_id in list(self.bearers):
            bearer = self.bearers.pop(pdu_session_id)
            bearers.suspend(bearer)
            counts[pdu_session_id] = bearers.counts(bearer)
            bearers.remove(bearer)
        self.interfaces.clear()
        return counts

    def is_leaving(self, ue: UeContext) -> bool:
        return self.context is ue and self._departs is not None

    def _departed(self, went: bool) -> None:
        if self._departs is not None and not self._departs.done():
            self._departs.set_result(went)

    def leave(self) -> None:
        self._departed(True)

    def stay(self) -> None:
        self._departed(False)

    def arrives(self, ue: UeContext) -> None:
        """It has come from a gNB of another process; its interfaces are opened as it asks for them."""
        forwarded = {psi for psi, session in ue.sessions.items() if session.tunnel.forwarding}
        for pdu_session_id in ue.sessions:
            self._bearer(pdu_session_id).is_untold = True
        self._take(ue, forwarded)

    def _forward(self, forwarding: Mapping[int, TunnelEnd]) -> set[int]:
        """From now on packets for the UE go on to these ends. Returns the sessions of which some do."""
        bearers, own = self.gnb.bearers, self.bearers
        return {psi for psi, end in forwarding.items() if psi in own and bearers.forward(own[psi], end)}

    # moving

    def camp(self, target: NrCell) -> dict[int, PdcpCounts]:
        """The UE is in this cell from now on; it hears its system information.

        Returns the counts of DRBs that it had in another user plane.
        """
        before, s_tmsi, counts = self.gnb, self.s_tmsi, dict[int, PdcpCounts]()
        if target is self.cell:
            return counts
        if target.site is not before:
            self.listen(None)
            before.links.discard(self)
            counts = self._carry(before.bearers, target.site.bearers)
        self.cell = target
        if target.site is not before:
            target.site.links.add(self)
            self.listen(s_tmsi)
        target.tell(self.mobile)
        return counts

    def _carry(self, old: Bearers, new: Bearers) -> dict[int, PdcpCounts]:
        """The UE's interfaces go to another gNB's user plane, where it is another. Returns where the DRBs stood."""
        counts: dict[int, PdcpCounts] = {}
        if old is new:
            return counts
        for pdu_session_id in list(self.bearers):
            bearer = self.bearers.pop(pdu_session_id)
            interface = self.interfaces.get(pdu_session_id)
            if interface is not None:
                self._open_at(new, pdu_session_id, interface, bearer.netns)
            old.suspend(bearer)  # after the new one is there: programs are never without their address
            counts[pdu_session_id] = old.counts(bearer)
            old.remove(bearer)
        return counts

    def _open_at(self, new: Bearers, pdu_session_id: int, interface: Interface, netns: str | None) -> None:
        notify = partial(self.mobile.on_uplink_data, pdu_session_id)
        self.bearers[pdu_session_id] = made = new.bearer(notify, self._tunnel_failed)
        made.is_untold = True
        try:
            opened = new.open(made, interface, netns)
            self._keep(made, opened, interface)
            self.mobile.on_interface(opened, "")
        except (OSError, RuleError, ValueError) as found:
            self.mobile.on_interface(interface, str(found))

    def _take(self, ue: UeContext, forwarded: Container[int] = ()) -> None:
        """The connection that the target made ready is the UE's; its sessions get their bearers here.

        forwarded: those whose packets of the source come first.
        """
        old, self.context = self.context, ue
        ue.link = self
        counted, ue.counted = ue.counted, {}
        for pdu_session_id in () if old is None else [psi for psi in old.sessions if psi not in ue.sessions]:
            self._lose_tunnel(pdu_session_id)
            self.mobile.on_bearer(pdu_session_id, False)
        for pdu_session_id, session in list(ue.sessions.items()):
            bearer = self._bearer(pdu_session_id)
            try:
                self.gnb.bearers.connect(bearer, session.tunnel, gated=pdu_session_id in forwarded)
                self.mobile.on_bearer(pdu_session_id, True)
            except RuleError as error:
                log.warning("session %d after a handover: %s", pdu_session_id, error)
                ue.drop(pdu_session_id)
        self.count_on(ue, counted)

    # bearers

    def _disconnect(self, ue: UeContext) -> None:
        for pdu_session_id in list(ue.sessions):
            self._lose_tunnel(pdu_session_id)

    def _lose_tunnel(self, pdu_session_id: int) -> None:
        bearer = self.bearers.get(pdu_session_id)
        if bearer is None:
            return
        if not bearer.has_interface:
            self._drop(pdu_session_id)
        else:
            self.gnb.bearers.disconnect(bearer)

    def _bearer(self, pdu_session_id: int) -> Bearer:
        bearer = self.bearers.get(pdu_session_id)
        if bearer is None:
            notify = partial(self.mobile.on_uplink_data, pdu_session_id)
            bearer = self.gnb.bearers.bearer(notify, self._tunnel_failed)
            self.bearers[pdu_session_id] = bearer
        return bearer

    def _tunnel_failed(self) -> None:
        """ERROR INDICATION on N3: the AMF is asked to release the UE, TS 23.527 §5.3.3.1."""
        if self.context is not None:
            ue_context_release_request.send(
                self.context, ("radioNetwork", "release-due-to-ngran-generated-reason")
            )

    def _drop(self, pdu_session_id: int) -> None:
        bearer = self.bearers.pop(pdu_session_id, None)
        if bearer is not None:
            self.gnb.bearers.remove(bearer)
