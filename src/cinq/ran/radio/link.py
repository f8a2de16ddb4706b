"""The radio link over a socket: RadioServer beside a gNB's cell, RemoteCell where the UEs run."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

import msgspec

from cinq.numbering import NumberingError, PlmnId, STmsi
from cinq.ran.radio import frames
from cinq.ran.radio.port import (
    Cell,
    Interface,
    Link,
    Mobile,
    Reconfiguration,
    RrcSetup,
    SystemInformation,
    Warning,
)

log = logging.getLogger("cinq.ran.radio")


class FrameConnection(Protocol):
    """A connection of framed messages, as transport.local gives it."""

    def send(self, octets: bytes) -> None: ...

    def close(self) -> None: ...


class _RemoteMobile:
    """A UE of another process, as the cell sees it."""

    __slots__ = ("_send", "_ue", "link")

    def __init__(self, ue: int, send: Callable[[frames.Frame], None]) -> None:
        self._ue = ue
        self._send = send
        self.link: Link | None = None

    def on_system_information(self, information: SystemInformation) -> None:
        i = information
        self._send(
            frames.CellInformation(
                self._ue,
                i.name,
                i.plmn.octets,
                i.tac,
                i.nr_cell_identity,
                i.barred,
                i.barred_access_categories,
            )
        )

    def on_downlink(self, nas: bytes) -> None:
        self._send(frames.Downlink(self._ue, nas))

    def on_released(self, cause: str) -> None:
        self._send(frames.Released(self._ue, cause))

    def on_handover(self, told: Reconfiguration) -> bool:
        self._send(frames.Handover(self._ue, told.pci, told.arfcn, told.ncc, told.new_key, told.nas))
        return True

    def on_bearer(self, pdu_session_id: int, up: bool) -> None:
        self._send(frames.Bearer(self._ue, pdu_session_id, up))

    def on_interface(self, interface: Interface, error: str) -> None:
        i = interface
        self._send(
            frames.InterfaceUp(
                self._ue, i.pdu_session_id, i.address, i.mtu, i.netns, i.name, error, i.address6
            )
        )

    def on_paging(self) -> None:
        self._send(frames.Paging(self._ue))

    def on_warning(self, warning: Warning) -> None:
        w = warning
        told = (w.sib, w.message_identifier, w.serial_number, w.warning_type, w.coding, w.contents)
        self._send(frames.Warning(self._ue, *told))

    def on_uplink_data(self, pdu_session_id: int) -> None:
        self._send(frames.Data(self._ue, pdu_session_id))


class RadioServer:
    """One connection of a UE process to a cell. When it is lost, all its UEs leave the cell.

    A frame that is malformed, or names a UE that did not attach, closes the connection: the other end is not ours.
    """

    def __init__(self, cell: Cell, connection: FrameConnection) -> None:
        self._cell = cell
        self._connection = connection
        self._mobiles: dict[int, _RemoteMobile] = {}
        self._greeted = False

    def frame(self, octets: bytes) -> None:
        try:
            self._handle(frames.decode_from_ue(octets))
        except (msgspec.DecodeError, NumberingError, KeyError, _ProtocolError) as error:
            log.warning("radio link: %s; the connection is closed", error)
            self._connection.close()

    def lost(self, reason: str) -> None:
        log.info("radio link lost: %s", reason)
        mobiles = list(self._mobiles.values())
        self._mobiles.clear()
        for mobile in mobiles:
            if mobile.link is not None:
                mobile.link.detach()

    def _send(self, frame: frames.Frame) -> None:
        self._connection.send(frames.encode(frame))

    def _handle(self, frame: frames.FromUe) -> None:
        if isinstance(frame, frames.Hello):
            if frame.version != frames.VERSION:
                raise _ProtocolError(f"version: found {frame.version}, wanted {frames.VERSION}")
            self._greeted = True
            return
        if not self._greeted:
            raise _ProtocolError("no hello")
        if isinstance(frame, frames.Attach):
            if frame.ue in self._mobiles:
                raise _ProtocolError(f"UE {frame.ue} attached twice")
            mobile = self._mobiles[frame.ue] = _RemoteMobile(frame.ue, self._send)
            mobile.link = self._cell.attach(mobile)
            return
        link = self._mobiles[frame.ue].link
        if link is not None:
            self._command(link, frame)

    def _command(
        self,
        link: Link,
        frame: frames.Detach
        | frames.Setup
        | frames.Uplink
        | frames.Listen
        | frames.Open
        | frames.Close
        | frames.Fail
        | frames.Measure
        | frames.Reselect
        | frames.ReEstablish,
    ) -> None:
        match frame:
            case frames.Uplink():
                link.uplink(frame.nas)
            case frames.Setup():
                s_tmsi = STmsi.from_octets(frame.s_tmsi) if frame.s_tmsi else None
                link.setup(RrcSetup(frame.nas, frame.cause, PlmnId.from_octets(frame.plmn), s_tmsi))
            case frames.Listen():
                link.listen(STmsi.from_octets(frame.s_tmsi) if frame.s_tmsi else None)
            case frames.Open():
                wanted = Interface(
                    frame.psi,
                    frame.address,
                    frame.mtu,
                    frame.netns,
                    frame.name,
                    frame.rules,
                    frame.identifier,
                    behind=frame.behind,
                    frames=frame.frames,
                )
                link.open_interface(wanted)
            case frames.Close():
                link.close_interface(frame.psi)
            case frames.Fail():
                link.fail()
            case frames.Measure():
                link.measure(frame.nci)
            case frames.Reselect():
                link.reselect(frame.nci)
            case frames.ReEstablish():
                link.re_establish(frame.nci)
            case frames.Detach():
                del self._mobiles[frame.ue]
                link.detach()


class _ProtocolError(ValueError):
    """The other end does not keep to frames.py."""


class _RemoteLink:
    """The link of one UE to a cell of another process."""

    __slots__ = ("_cell", "_ue", "connected", "information", "mobile")

    def __init__(self, cell: RemoteCell, ue: int, mobile: Mobile) -> None:
        self._cell = cell
        self._ue = ue
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
        self._cell.send(frames.Listen(self._ue, b"" if s_tmsi is None else s_tmsi.octets))

    def open_interface(self, interface: Interface) -> None:
        i = interface
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
        self._cell.detached(self._ue)


class RemoteCell:
    """A cell of another process. When the connection is lost every UE hears that it is barred, and is released.

    on_gone: told why it was lost.
    """

    def __init__(
        self, connection: FrameConnection, on_gone: Callable[[str], None] = lambda reason: None
    ) -> None:
        self._connection = connection
        self._on_gone = on_gone
        self._links: dict[int, _RemoteLink] = {}
        self._next = 1
        self.send(frames.Hello())

    def send(self, frame: frames.Frame) -> None:
        self._connection.send(frames.encode(frame))

    def attach(self, mobile: Mobile) -> Link:
        ue = self._next
        self._next += 1
        link = self._links[ue] = _RemoteLink(self, ue, mobile)
        self.send(frames.Attach(ue))
        return link

    def detached(self, ue: int) -> None:
        if self._links.pop(ue, None) is not None:
            self.send(frames.Detach(ue))

    def frame(self, octets: bytes) -> None:
        try:
            frame = frames.decode_from_gnb(octets)
            link = self._links.get(frame.ue)
            if link is not None:
                self._deliver(link, frame)
        except (msgspec.DecodeError, NumberingError) as error:
            log.warning("radio link: %s; the connection is closed", error)
            self._connection.close()

    def lost(self, reason: str) -> None:
        links = list(self._links.values())
        self._links.clear()
        for link in links:
            if link.connected:
                link.connected = False
                link.mobile.on_released(reason)
            if link.information is not None:
                i = link.information
                barred = SystemInformation(i.name, i.plmn, i.tac, i.nr_cell_identity, barred=True)
                link.mobile.on_system_information(barred)
        self._on_gone(reason)

    def _deliver(self, link: _RemoteLink, frame: frames.FromGnb) -> None:
        mobile = link.mobile
        match frame:
            case frames.Downlink():
                mobile.on_downlink(frame.nas)
            case frames.Handover():
                to = Reconfiguration(frame.pci, frame.arfcn, frame.ncc, frame.new_key, frame.nas)
                if not mobile.on_handover(to):
                    link.fail()
                    mobile.on_released("the UE refuses the handover: radio link failure")
            case frames.Bearer():
                mobile.on_bearer(frame.psi, frame.up)
            case frames.Released():
                link.connected = False
                mobile.on_released(frame.cause)
            case frames.CellInformation():
                plmn = PlmnId.from_octets(frame.plmn)
                link.information = SystemInformation(
                    frame.name, plmn, frame.tac, frame.nci, frame.barred, frame.categories
                )
                mobile.on_system_information(link.information)
            case frames.InterfaceUp():
                interface = Interface(
                    frame.psi, frame.address, frame.mtu, frame.netns, frame.name, address6=frame.address6
                )
                mobile.on_interface(interface, frame.error)
            case frames.Paging():
                mobile.on_paging()
            case frames.Warning():
                f = frame
                told = Warning(f.sib, f.identifier, f.serial, f.kind, f.coding, f.contents)
                mobile.on_warning(told)
            case frames.Data():
                mobile.on_uplink_data(frame.psi)
