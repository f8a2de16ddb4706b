"""The radio link over a socket: RadioServer beside a gNB's cell, RemoteCell where the UEs run."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

import msgspec

from cinq.numbering import NumberingError, PlmnId, STmsi
from cinq.ran.radio import frames
from cinq.ran.radio.port import (
    Interface,
    Link,
    Reconfiguration,
    RrcSetup,
    Site,
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
        self._send(
            frames.Handover(self._ue, told.pci, told.arfcn, told.ncc, told.new_key, told.nas, told.c_rnti)
        )
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

    def __init__(self, cell: Site, connection: FrameConnection) -> None:
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
            self._send(frames.Cells(0, self._cell.in_reach))
            return
        if not self._greeted:
            raise _ProtocolError("no hello")
        if isinstance(frame, frames.Attach):
            if frame.ue in self._mobiles:
                raise _ProtocolError(f"UE {frame.ue} attached twice")
            mobile = self._mobiles[frame.ue] = _RemoteMobile(frame.ue, self._send)
            mobile.link = self._cell.attach(mobile)
            return
        if isinstance(frame, frames.Arrive):
            self._arrive(frame)
            return
        link = self._mobiles[frame.ue].link
        if link is not None:
            self._command(link, frame)

    def _arrive(self, frame: frames.Arrive) -> None:
        """A UE that nobody awaits hears that it is released, and is no UE of this cell."""
        if frame.ue in self._mobiles:
            raise _ProtocolError(f"UE {frame.ue} attached twice")
        mobile = _RemoteMobile(frame.ue, self._send)
        mobile.link = self._cell.arrive(mobile, frame.pci, frame.arfcn, frame.c_rnti)
        if mobile.link is None:
            mobile.on_released("nobody of that C-RNTI is awaited")
        else:
            self._mobiles[frame.ue] = mobile

    def _command(
        self,
        link: Link,
        frame: frames.Detach
        | frames.Leave
        | frames.Stay
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
            case frames.Stay():
                link.stay()
            case frames.Leave():
                del self._mobiles[frame.ue]
                link.leave()
            case frames.Detach():
                del self._mobiles[frame.ue]
                link.detach()


class _ProtocolError(ValueError):
    """The other end does not keep to frames.py."""
