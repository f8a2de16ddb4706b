"""The radio link where the UEs run: cells of other processes, by their sockets, and what a UE has there."""

from __future__ import annotations

import logging
from collections.abc import Callable

import msgspec

from cinq.numbering import NumberingError, PlmnId, STmsi
from cinq.ran.radio import frames
from cinq.ran.radio.link import FrameConnection
from cinq.ran.radio.port import (
    Interface,
    Link,
    Mobile,
    Reconfiguration,
    RrcSetup,
    SystemInformation,
    Warning,
)

log = logging.getLogger("cinq.ran.radio")


class _RemoteLink:
    """The link of one UE to a cell of another process; a handover gives it a cell of yet another one.

    While it moves, it is heard by both: `_before` is where it was, `_waits` are sessions whose interfaces are not there
    yet at the new cell.
    """

    __slots__ = (
        "_before",
        "_cell",
        "_has_come",
        "_interfaces",
        "_s_tmsi",
        "_ue",
        "_waits",
        "connected",
        "information",
        "mobile",
    )

    def __init__(self, cell: RemoteCell, ue: int, mobile: Mobile) -> None:
        self._cell = cell
        self._ue = ue
        self._before: tuple[RemoteCell, int] | None = None
        self._has_come = False
        self._waits: set[int] = set()
        self._interfaces: dict[int, Interface] = {}
        self._s_tmsi = b""
        self.mobile = mobile
        self.connected = False
        self.information: SystemInformation | None = None

    def setup(self, setup: RrcSetup) -> None:
        self.connected = True
        s_tmsi = b"" if setup.s_tmsi is None else setup.s_tmsi.octets
        self._cell.send(frames.Setup(self._ue, setup.nas, setup.cause, setup.plmn.octets, s_tmsi))

    def uplink(self, nas: bytes) -> None:
        if self.connected:
            self._cell.send(frames.Uplink(self._ue, nas))

    def listen(self, s_tmsi: STmsi | None) -> None:
        self._s_tmsi = b"" if s_tmsi is None else s_tmsi.octets
        self._cell.send(frames.Listen(self._ue, self._s_tmsi))

    def open_interface(self, interface: Interface) -> None:
        i = self._interfaces[interface.pdu_session_id] = interface
        self._cell.send(
            frames.Open(
                self._ue,
                i.pdu_session_id,
                i.address,
                i.mtu,
                i.netns,
                i.name,
                i.rules,
                i.interface_identifier,
                i.behind,
                i.frames,
            )
        )

    def close_interface(self, pdu_session_id: int) -> None:
        self._interfaces.pop(pdu_session_id, None)
        self._waits.discard(pdu_session_id)
        self._cell.send(frames.Close(self._ue, pdu_session_id))

    def measure(self, nr_cell_identity: int) -> None:
        self._cell.send(frames.Measure(self._ue, nr_cell_identity))

    def reselect(self, nr_cell_identity: int) -> bool:
        """Whether there is such a cell is known to the other process; system information follows where there is."""
        self._cell.send(frames.Reselect(self._ue, nr_cell_identity))
        return not self.connected

    def re_establish(self, nr_cell_identity: int) -> bool:
        self._cell.send(frames.ReEstablish(self._ue, nr_cell_identity))
        return self.connected

    def fail(self) -> None:
        self.connected = False
        self._cell.send(frames.Fail(self._ue))

    def detach(self) -> None:
        self.connected = False
        self._leave_before()
        self._cell.detached(self._ue)

    # from process to process

    def leave(self) -> None:
        self._leave_before()

    def stay(self) -> None:
        self._cell.send(frames.Stay(self._ue))

    def is_at(self, cell: RemoteCell, ue: int) -> bool:
        return self._cell is cell and self._ue == ue

    def reconfigure(self, told: Reconfiguration) -> None:
        """A handover: the gNB has moved the UE already, or the UE goes to another process."""
        if told.c_rnti:
            self.move(told)
        elif not self.mobile.on_handover(told):
            self.fail()
            self.mobile.on_released("the UE refuses the handover: radio link failure")

    def move(self, told: Reconfiguration) -> None:
        """RRCReconfiguration with sync, to a cell of another process. It stays where no such cell is in reach."""
        target = None if self._before is not None else self._cell.other(told.pci, told.arfcn)
        if target is None:
            log.warning("handover to PCI %d, ARFCN %d: no such cell in reach", told.pci, told.arfcn)
            self.stay()
            return
        if not self.mobile.on_handover(told):
            self.stay()
            return
        self._has_come = False
        self._before, self._waits = (self._cell, self._ue), set(self._interfaces)
        self._cell, self._ue = target, target.adopt(self)
        target.send(frames.Arrive(self._ue, told.pci, told.arfcn, told.c_rnti))

    def has_come(self) -> None:
        """The new cell has taken the UE: what the UE has comes after it."""
        if self._before is None or self._has_come:
            return
        self._has_come = True
        self._cell.send(frames.Listen(self._ue, self._s_tmsi))
        for interface in list(self._interfaces.values()):
            self.open_interface(interface)
        self._settle()

    def broadcast(self, frame: frames.CellInformation) -> None:
        """What the cell where the UE is says of itself; the first word of a new one is that it has taken the UE."""
        plmn = PlmnId.from_octets(frame.plmn)
        self.information = SystemInformation(
            frame.name, plmn, frame.tac, frame.nci, frame.barred, frame.categories
        )
        self.mobile.on_system_information(self.information)
        self.has_come()

    def interface_told(self, interface: Interface) -> None:
        """It keeps the namespace where it is, so that it comes into the same one at another gNB."""
        psi = interface.pdu_session_id
        known = self._interfaces.get(psi)
        if known is not None and (interface.netns or interface.address6):
            self._interfaces[psi] = msgspec.structs.replace(
                known, netns=interface.netns or known.netns, address6=interface.address6 or known.address6
            )
        self._waits.discard(psi)

    def _settle(self) -> None:
        if not self._waits:
            self._leave_before()

    def settle(self) -> None:
        """An interface is there, or cannot be: when all are, the old cell has no use any more."""
        if self._has_come:
            self._settle()

    def _leave_before(self) -> None:
        if self._before is not None:
            (cell, ue), self._before = self._before, None
            cell.left(ue)

    @property
    def is_moving(self) -> bool:
        return self._before is not None

    def lost_way(self, reason: str) -> bool:
        """The new cell did not take it: as a radio link failure, it is back where it was. False: it was not moving."""
        if self._before is None:
            return False
        (cell, ue), self._before = self._before, None
        self._cell.forget(self._ue)
        self._cell, self._ue = cell, ue
        self._waits.clear()
        self.fail()
        self.mobile.on_released(f"handover failed: {reason}")
        return True


class RemoteCell:
    """A cell of another process. When the connection is lost every UE hears that it is barred, and is released.

    on_gone: told why it was lost. reach: all cells that UEs may go to, of which this becomes one.
    """

    def __init__(
        self,
        connection: FrameConnection,
        on_gone: Callable[[str], None] = lambda reason: None,
        reach: list[RemoteCell] | None = None,
    ) -> None:
        self._reach = [] if reach is None else reach
        self._reach.append(self)
        self._cells: frozenset[tuple[int, int]] = frozenset()
        self._connection = connection
        self._on_gone = on_gone
        self._links: dict[int, _RemoteLink] = {}
        self._next = 1
        self.send(frames.Hello())

    def send(self, frame: frames.Frame) -> None:
        self._connection.send(frames.encode(frame))

    def attach(self, mobile: Mobile) -> Link:
        ue = self._number()
        link = self._links[ue] = _RemoteLink(self, ue, mobile)
        self.send(frames.Attach(ue))
        return link

    def _number(self) -> int:
        found, self._next = self._next, self._next + 1
        return found

    @property
    def has_ues(self) -> bool:
        return bool(self._links)

    def other(self, pci: int, arfcn: int) -> RemoteCell | None:
        """Another socket in reach behind which that cell is."""
        return next((one for one in self._reach if one is not self and (pci, arfcn) in one._cells), None)

    def adopt(self, link: _RemoteLink) -> int:
        """A UE comes; its number here."""
        ue = self._number()
        self._links[ue] = link
        return ue

    def left(self, ue: int) -> None:
        if self._links.pop(ue, None) is not None:
            self.send(frames.Leave(ue))

    def forget(self, ue: int) -> None:
        self._links.pop(ue, None)

    def detached(self, ue: int) -> None:
        if self._links.pop(ue, None) is not None:
            self.send(frames.Detach(ue))

    def frame(self, octets: bytes) -> None:
        try:
            frame = frames.decode_from_gnb(octets)
            if isinstance(frame, frames.Cells):
                self._cells = frozenset(frame.cells)
                return
            link = self._links.get(frame.ue)
            if link is not None:
                self._deliver(link, frame)
        except (msgspec.DecodeError, NumberingError) as error:
            log.warning("radio link: %s; the connection is closed", error)
            self._connection.close()

    def lost(self, reason: str) -> None:
        if self in self._reach:
            self._reach.remove(self)
        self._cells = frozenset()
        links = [link for ue, link in self._links.items() if link.is_at(self, ue)]
        self._links.clear()
        for link in links:
            if link.lost_way(reason):
                continue
            if link.connected:
                link.connected = False
                link.mobile.on_released(reason)
            if link.information is not None:
                i = link.information
                barred = SystemInformation(i.name, i.plmn, i.tac, i.nr_cell_identity, barred=True)
                link.mobile.on_system_information(barred)
        self._on_gone(reason)

    def _deliver(self, link: _RemoteLink, frame: frames.FromGnb) -> None:
        """A UE that has moved hears only NAS messages from where it was, which may have been on their way."""
        mobile = link.mobile
        if not link.is_at(self, frame.ue) and not isinstance(frame, frames.Downlink):
            return
        match frame:
            case frames.Downlink():
                mobile.on_downlink(frame.nas)
            case frames.Handover():
                link.reconfigure(
                    Reconfiguration(frame.pci, frame.arfcn, frame.ncc, frame.new_key, frame.nas, frame.c_rnti)
                )
            case frames.Bearer():
                mobile.on_bearer(frame.psi, frame.up)
            case frames.Released() if link.is_moving:
                link.lost_way(frame.cause)
            case frames.Released():
                link.connected = False
                mobile.on_released(frame.cause)
            case frames.CellInformation():
                link.broadcast(frame)
            case frames.InterfaceUp():
                interface = Interface(
                    frame.psi, frame.address, frame.mtu, frame.netns, frame.name, address6=frame.address6
                )
                link.interface_told(interface)
                mobile.on_interface(interface, frame.error)
                link.settle()
            case frames.Paging():
                mobile.on_paging()
            case frames.Warning():
                f = frame
                told = Warning(f.sib, f.identifier, f.serial, f.kind, f.coding, f.contents)
                mobile.on_warning(told)
            case frames.Data():
                mobile.on_uplink_data(frame.psi)
