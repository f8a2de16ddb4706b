"""The N2 end of a gNB: one NG-C association, its messages in and out, and what is wrong with them (TS 38.413 §10)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Literal

import msgspec

from cinq.numbering import GnbId
from cinq.procedure import Declined, Event, Runtime, Subject, Why
from cinq.ran.gnb.context import CellId, N2Context
from cinq.ran.gnb.n2 import diagnosis, reasons
from cinq.ran.gnb.n2.connections import Connections
from cinq.ran.gnb.n2.tnla import Tnla, Tnlas
from cinq.ran.gnb.n2.ue import UeContext
from cinq.ran.gnb.ports import Ports
from cinq.ran.gnb.settings import GnbSettings
from cinq.ran.gnb.xn.association import Xn
from cinq.ran.gnb.xn.neighbours import Neighbours
from cinq.ran.station import Parcel, Station
from cinq.transport.sctp.association import PPID_NGAP, Association
from cinq.wire import ngap, xnap

log = logging.getLogger("cinq.ran.gnb")


class OnTnla(msgspec.Struct, frozen=True):
    """A message of no UE that is to go by this association."""

    message: ngap.Pdu
    tnla: Tnla


class N2(Subject[N2Context]):
    """The gNB's side of N2. It is the handler of the SCTP association, and the subject of the NG interface procedures.

    station: where a test bench stands. handle, handle_xn: who hears what (inbound.py); False: the message has no row.
    connections: the UEs that are signalled about. cells, neighbours: what the gNB has, and the Xn to other gNBs.
    warnings: what is broadcast, by cell, message identifier and serial number. trouble: what is in the way of NG Setup.
    tnlas: associations beside the first. attempts: RRC connections that an overload concerned. on_relayed: hears
    what the gNB itself makes nothing of.
    """

    __slots__ = (
        "_arriving",
        "_first",
        "_handle",
        "_handle_xn",
        "_lost",
        "_notices",
        "association",
        "attempts",
        "cells",
        "connections",
        "neighbours",
        "on_relayed",
        "ports",
        "station",
        "tnlas",
        "trouble",
        "warnings",
    )

    def __init__(
        self,
        ports: Ports,
        runtime: Runtime,
        handle: Callable[[N2, ngap.Pdu], bool],
        handle_xn: Callable[[N2, Xn, xnap.Pdu], bool],
    ) -> None:
        super().__init__(N2Context(), runtime)
        self.ports = ports
        self.cells: tuple[CellId, ...] = cells_of(ports.settings)
        self.connections = Connections(self, runtime)
        self.neighbours = Neighbours(self)
        self.warnings: dict[tuple[int, int, int], ngap.WriteReplaceWarningRequest] = {}
        self.trouble = ""
        self.attempts = 0
        self.on_relayed: Callable[[ngap.Pdu], None] | None = None
        self.association: Association | None = None
        self.station: Station[ngap.Pdu] = Station(ngap.encode, self._put)
        self._handle = handle
        self._handle_xn = handle_xn
        self._lost = asyncio.Event()
        self.tnlas = Tnlas()
        self._arriving: Tnla | None = None
        self._first: Tnla | None = None
        self._notices: ngap.CriticalityDiagnostics | None = None

    @property
    def identity(self) -> GnbId:
        return self.ports.settings.identity

    @property
    def settings(self) -> GnbSettings:
        return self.ports.settings

    @property
    def ues(self) -> dict[int, UeContext]:
        """By RAN-UE-NGAP-ID."""
        return self.connections.ues

    # the association

    def established(self, association: Association) -> None:
        self.association = association
        self._lost.clear()
        self.commit(state="setup")

    def message(self, octets: bytes, stream: int, ppid: int) -> None:
        """One message of the AMF. Whatever the octets, nothing is raised."""
        if self.association is None:
            return
        try:
            message = ngap.decode(octets)
        except ngap.NgapError as error:
            name = type(error.partial).__name__ if error.partial else ""
            self._journal("in", name, octets, error.partial, str(error))
            if not error.tolerable or error.partial is None:
                if not diagnosis.answer(self, error) and error.partial is not None:
                    self._broken_outcome(error.partial, str(error))
                return
            message = error.partial  # §10.3.5: what is missing is to be done without
        else:
            self._journal("in", type(message).__name__, octets, message)
        if not self.station.hears(message):
            return
        self._notices = diagnosis.noticed(message) if message.diagnostics else None
        try:
            if not self._handle(self, message):
                self.receive(message)
        except Exception as bug:
            self.runtime.report(self, "", message, f"ignored: a bug: {type(bug).__name__}: {bug}", bug)
        told, self._notices = self._notices, None
        if told is not None:
            diagnosis.notify(self, message, told)

    def _broken_outcome(self, message: ngap.Pdu, what: str) -> None:
        """The procedure that waits for it has ended without success (§10.3.5): local error handling."""
        ue = self.ues.get(getattr(message, "ran_ue_ngap_id", None) or -1)
        subject = self if ue is None else ue
        if subject.awaits(type(message)):
            subject.abort(f"{type(message).__name__} is wrong: {what}")

    def heard(self, octets: bytes, by: Tnla) -> None:
        """One message by an association beside the first: what is answered at once goes back the same way."""
        self._arriving = None if by is self._first else by
        try:
            self.message(octets, 0, PPID_NGAP)
        finally:
            self._arriving = None

    def tnla_lost(self, tnla: Tnla, reason: str) -> None:
        """Its UEs go by another; the last that is lost ends the interface."""
        if tnla is self._first:
            self._first = None
            self.lost(reason)
            return
        if tnla in self.tnlas.all:
            self.tnlas.all.remove(tnla)
        for ue in self.ues.values():
            if ue.tnla is tnla:
                ue.tnla = self.tnlas.for_ue()

    def lost(self, reason: str) -> None:
        """The association is over: UEs lose their connections, TS 38.412 §7; not where another one is left."""
        self.association = None
        heir = self.tnlas.heir()
        if heir is not None:
            self._first, self.association = heir, heir.association
            for ue in self.ues.values():
                if ue.tnla is heir:
                    ue.tnla = None
            return
        self.abort(reason)
        self.commit(state="down", overload=None, slice_overload=())
        for ue in list(self.ues.values()):
            self.forget(ue, "association lost")
        self.station.lost(f"association lost: {reason}")
        self.ports.radio.on_n2(False, reason)
        self._lost.set()

    async def wait_lost(self) -> None:
        await self._lost.wait()

    @property
    def outbound_streams(self) -> int:
        return 1 if self.association is None else self.association.outbound_streams

    def hindered(self, trouble: str) -> None:
        """What is in the way of NG Setup, into the log when it is new, with what mends it."""
        if trouble != self.trouble:
            mend = f" · {trouble.mend}" if isinstance(trouble, Why) and trouble.mend else ""
            log.warning("%s; tried again every %g s%s", trouble, self.ports.settings.ng_setup_retry_s, mend)
        self.trouble = trouble

    # what is sent

    def send(self, message: object) -> None:
        """On stream 0, for what belongs to no UE."""
        if isinstance(message, OnTnla):
            self.transmit(message.message, 0, message.tnla)
        else:
            assert isinstance(message, ngap.Pdu)
            self.transmit(message, 0, self._arriving)

    def transmit(self, message: ngap.Pdu, stream: int, tnla: Tnla | None = None) -> None:
        if self._notices is not None and diagnosis.add_notices(message, self._notices):
            self._notices = None
        self.station.passes(Parcel(ngap.encode(message), message, stream, PPID_NGAP, tnla))

    def _put(self, parcel: Parcel[ngap.Pdu]) -> None:
        """On the wire, and into the journal as it is there. A parcel of octets alone is read for its name."""
        if self.association is None:
            return
        message, ppid = parcel.message, parcel.ppid or PPID_NGAP
        if self.runtime.journal.listening:
            if message is None:
                message, wrong = _read(parcel.octets)
                self._journal("out", type(message).__name__ if message else "", parcel.octets, message, wrong)
            else:
                self._journal("out", type(message).__name__, parcel.octets, message)
        if isinstance(parcel.carrier, Tnla):
            parcel.carrier.send(parcel.octets, parcel.stream, ppid)
        else:
            self.association.send(parcel.octets, stream=parcel.stream, ppid=ppid)

    # Xn

    def xn(self, gnb: GnbId) -> Xn | None:
        """The interface to that gNB, where there is one and it is up."""
        return self.neighbours.to(gnb)

    def relayed(self, message: ngap.Pdu) -> None:
        """A message for something that the gNB has not: a positioning unit, another gNB's Xn."""
        if self.on_relayed is not None:
            self.on_relayed(message)

    def xn_received(self, xn: Xn, message: xnap.Pdu) -> bool:
        """A message of a neighbour on Xn. False: it is for the procedures of the interface, or for nobody."""
        return self._handle_xn(self, xn, message)

    def xn_ended(self, xn: Xn, reason: str) -> None:
        """Who was to come from there does not; who is prepared there stays; who has gone is the AMF's to release."""
        self.neighbours.remove(xn)
        if xn.gnb is not None and not self.runtime.stopping:
            log.warning("%s is lost: %s", xn, reason)
        for ue in list(self.ues.values()):
            if ue.neighbour is not xn:
                continue
            ue.neighbour = None
            if self.connections.awaits(ue):
                self.forget(ue, f"{xn} is lost")
            elif ue.awaits(xnap.HandoverRequestAcknowledge):
                ue.abort(f"{xn} is lost: {reason}")

    # the subject's ports

    def status(self, message: object) -> object | None:
        """To what no procedure here takes, TS 38.413 §10.3.4.1 and §10.4."""
        assert isinstance(message, ngap.Pdu)
        return diagnosis.unexpected(message)

    def declined(
        self, message: object, sent: object | None, expected: tuple[type[object], ...]
    ) -> Declined | None:
        return reasons.declined(message, sent, expected, self.questions == 1, self.ports.settings)

    def describe(self, message: object) -> tuple[str, str]:
        return "N2", type(message).__name__

    @property
    def label(self) -> str:
        return f"gNB {self.ports.settings.gnb_id}"

    def _journal(
        self,
        direction: Literal["in", "out"],
        name: str,
        octets: bytes,
        message: ngap.Pdu | None,
        cause: str = "",
    ) -> None:
        journal = self.runtime.journal
        if journal.listening:
            now = self.runtime.clock.now()
            journal.emit(
                Event(now, "gNB", self.label, "", direction, "N2", name, cause, octets, message, "AMF")
            )

    # the UE-associated logical connections

    def of_ue(self, ran_ue_ngap_id: int | None, amf_ue_ngap_id: int | None) -> UeContext | None:
        """The UE that both identities name. None after an ERROR INDICATION has said which is wrong (§10.6).

        Where criticality lets an identity be missing (§10.3.5), the other one names the UE, or nobody.
        """
        if ran_ue_ngap_id is None or amf_ue_ngap_id is None:
            known = self.connections.by_amf_ue_ngap_id(amf_ue_ngap_id)
            return known if ran_ue_ngap_id is None else self.ues.get(ran_ue_ngap_id)
        ue = self.ues.get(ran_ue_ngap_id)
        cause: ngap.CauseRadioNetwork = "unknown-local-UE-NGAP-ID"
        if ue is not None:
            if ue.amf_ue_ngap_id is None:
                self.connections.name(ue, amf_ue_ngap_id)
            if ue.amf_ue_ngap_id == amf_ue_ngap_id:
                ue.tnla = self._arriving  # TS 23.501 §5.21.1.2: the AMF chooses by which it sends
                return ue
            cause = "inconsistent-remote-UE-NGAP-ID"
            self.forget(ue, cause)
        self.transmit(
            ngap.ErrorIndication(
                amf_ue_ngap_id=amf_ue_ngap_id, ran_ue_ngap_id=ran_ue_ngap_id, cause=("radioNetwork", cause)
            ),
            self.stream_of(ran_ue_ngap_id),
        )
        return None

    def stream_of(self, ran_ue_ngap_id: int) -> int:
        return self.connections.stream_of(ran_ue_ngap_id)

    def forget(self, ue: UeContext, cause: str) -> None:
        """The logical connection and the RRC connection are over; the UE's sessions lose their bearers."""
        if self.connections.remove(ue):
            ue.abort(cause)
            ue.is_gone()
            ue.link.released(ue, cause)
            for session in ue.sessions.values():
                self.ports.bearers.free(session.tunnel)
            ue.sessions.clear()


def cells_of(settings: GnbSettings) -> tuple[CellId, ...]:
    """The cells of the settings, as other nodes name them."""
    return tuple(
        CellId(
            settings.identity,
            settings.nci(cell),
            cell.tac,
            settings.nci(cell) % 1008 if cell.pci is None else cell.pci,
            cell.arfcn,
        )
        for cell in settings.every_cell
    )


def _read(octets: bytes) -> tuple[ngap.Pdu | None, str]:
    try:
        return ngap.decode(octets), ""
    except ngap.NgapError as error:
        return error.partial, str(error)
