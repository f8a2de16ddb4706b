"""A gNB: the subject of the NGAP procedures that concern no single UE."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from cinq.nf.amf import n2
from cinq.nf.amf.context import RanContext
from cinq.procedure import Event, Subject
from cinq.wire import ngap

if TYPE_CHECKING:
    from cinq.nf.amf.amf import AMF
    from cinq.nf.amf.connection import NgConnection
    from cinq.nf.amf.ue import Ue

log = logging.getLogger("cinq.amf")


class N2Association(Protocol):
    """What the AMF needs of an SCTP association. `cinq.transport.sctp.Association` is one."""

    def send(self, octets: bytes, *, stream: int) -> None:
        """Queue one message on a stream (modulo the streams there are)."""
        ...


class Ran(Subject[RanContext]):
    """connections: by RAN UE NGAP ID. leaving: those whose release the gNB has not confirmed, by AMF UE NGAP ID,
    with the RAN UE NGAP ID and the time after which nobody waits any longer."""

    __slots__ = ("amf", "association", "connections", "is_lost", "leaving")

    def __init__(self, amf: AMF, association: N2Association) -> None:
        super().__init__(RanContext(), amf.runtime)
        self.amf = amf
        self.association = association
        self.is_lost = False
        self.connections: dict[int, NgConnection] = {}
        self.leaving: dict[int, tuple[int, float]] = {}

    def message(self, octets: bytes, stream: int, ppid: int = 60) -> None:
        """One NGAP PDU. PPIDs other than NGAP's (and 0, which some senders use) are not for the AMF.

        Never raises: a bug costs the one message, loudly.
        """
        if self.is_lost or self.runtime.stopping:
            return
        if ppid not in (60, 0):
            log.warning("%s: SCTP message of PPID %d ignored", self.label, ppid)
            return
        try:
            n2.receive(self, octets)
        except Exception as bug:
            cause = f"a message was lost to a bug: {type(bug).__name__}: {bug}"
            self.runtime.report(self, "", self, cause, bug)

    def lost(self, reason: str) -> None:
        if not self.is_lost:
            self.is_lost = True
            self.amf.n2_lost(self, reason)

    def send(self, message: object) -> None:
        """A message that concerns no single UE: stream 0 is theirs (TS 38.412 §7)."""
        assert isinstance(message, ngap.Pdu)
        self.transmit(message, 0, None)

    def transmit(self, message: ngap.Pdu, stream: int, ue: Ue | None) -> None:
        octets = ngap.encode(message)
        journal = self.amf.journal
        if journal.listening:
            self.emit("out", message, octets, ue)
        self.association.send(octets, stream=stream)

    def emit(self, direction: str, message: ngap.Pdu, octets: bytes, ue: Ue | None) -> None:
        """The N2 event of a message; of a UE when one is concerned."""
        subject = self.label if ue is None else ue.label
        procedure = self.procedure_name if ue is None else ue.procedure_name
        self.amf.journal.emit(
            Event(
                time=self.amf.clock.now(),
                nf="AMF",
                subject=subject,
                procedure=procedure,
                direction="in" if direction == "in" else "out",
                interface="N2",
                message=type(message).__name__,
                octets=octets,
                content=message,
                peer=self.label,
            )
        )

    def status(self, message: object) -> object | None:
        """TS 38.413 §10.4: a message that does not fit the state."""
        from cinq.nf.amf.errors import incompatible

        assert isinstance(message, ngap.Pdu)
        return None if isinstance(message, ngap.ErrorIndication) else incompatible(message)

    def describe(self, message: object) -> tuple[str, str]:
        return "N2", type(message).__name__

    @property
    def procedure_name(self) -> str:
        running = self.running
        return "" if running is None else running.name

    @property
    def label(self) -> str:
        return self.context.name or self.context.node_id or "gNB"
