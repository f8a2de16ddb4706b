"""The N2 end of a gNB: one NG-C association, its messages in and out, and what is wrong with them (TS 38.413 §10)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

from cinq.procedure import Event, Runtime, Subject
from cinq.ran.gnb.context import N2Context
from cinq.ran.gnb.n2 import diagnosis
from cinq.ran.gnb.n2.ue import RadioLink, UeContext
from cinq.ran.gnb.ports import Ports
from cinq.ran.station import Parcel, Station
from cinq.transport.sctp.association import PPID_NGAP, Association
from cinq.wire import ngap


class N2(Subject[N2Context]):
    """The gNB's side of N2. It is the handler of the SCTP association, and the subject of the NG interface procedures.

    station: where a test bench stands. handle: who hears what (inbound.py); False for a message without a row.
    ues: by RAN-UE-NGAP-ID. trouble: what is in the way of NG Setup.
    """

    __slots__ = (
        "_by_amf_id",
        "_handle",
        "_lost",
        "association",
        "next_ran_ue_ngap_id",
        "ports",
        "station",
        "trouble",
        "ues",
    )

    def __init__(self, ports: Ports, runtime: Runtime, handle: Callable[[N2, ngap.Pdu], bool]) -> None:
        super().__init__(N2Context(), runtime)
        self.ports = ports
        self.trouble = ""
        self._handle = handle
        self._by_amf_id: dict[int, UeContext] = {}
        self.association: Association | None = None
        self.ues: dict[int, UeContext] = {}
        self.next_ran_ue_ngap_id = 1
        self.station: Station[ngap.Pdu] = Station(ngap.encode, self._put)
        self._lost = asyncio.Event()

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
                diagnosis.answer(self, error)
                return
            message = error.partial  # §10.3.5: what is missing is to be done without
        else:
            self._journal("in", type(message).__name__, octets, message)
        if not self.station.hears(message):
            return
        if not self._handle(self, message):
            self.receive(message)
        if message.diagnostics:
            diagnosis.notify(self, message)

    def lost(self, reason: str) -> None:
        """The association is over: UEs lose their connections, TS 38.412 §7."""
        self.association = None
        self.abort(reason)
        self.commit(state="down", overload=False)
        for ue in list(self.ues.values()):
            self.forget(ue, "association lost")
        self.station.lost(f"association lost: {reason}")
        self.ports.radio.on_n2(False, reason)
        self._lost.set()

    async def wait_lost(self) -> None:
        await self._lost.wait()

    def send(self, message: object) -> None:
        """On stream 0, for what belongs to no UE."""
        assert isinstance(message, ngap.Pdu)
        self.transmit(message, 0)

    def transmit(self, message: ngap.Pdu, stream: int) -> None:
        self.station.passes(Parcel(ngap.encode(message), message, stream, PPID_NGAP))

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
        self.association.send(parcel.octets, stream=parcel.stream, ppid=ppid)

    def status(self, message: object) -> object | None:
        """To what no procedure here takes, TS 38.413 §10.3.4.1 and §10.4."""
        assert isinstance(message, ngap.Pdu)
        return diagnosis.unexpected(message)

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
            journal.emit(
                Event(
                    self.runtime.clock.now(),
                    "gNB",
                    self.label,
                    "",
                    direction,
                    "N2",
                    name,
                    cause,
                    octets,
                    message,
                    "AMF",
                )
            )

    # the UE-associated logical connections

    def new_ue(self, link: RadioLink) -> UeContext:
        """A connection that the AMF does not know yet."""
        ran_ue_ngap_id = self.allocate_ran_ue_ngap_id()
        ue = UeContext(ran_ue_ngap_id, link, self, self.runtime, self.stream_of(ran_ue_ngap_id))
        self.ues[ran_ue_ngap_id] = ue
        return ue

    def name(self, ue: UeContext, amf_ue_ngap_id: int) -> None:
        """The AMF calls it so from now on."""
        self._unname(ue)
        ue.commit(amf_ue_ngap_id=amf_ue_ngap_id)
        self._by_amf_id[amf_ue_ngap_id] = ue

    def _unname(self, ue: UeContext) -> None:
        known = ue.amf_ue_ngap_id
        if known is not None and self._by_amf_id.get(known) is ue:
            del self._by_amf_id[known]

    def allocate_ran_ue_ngap_id(self) -> int:
        """32 bits, not in use, TS 38.413 §9.3.3.2."""
        while self.next_ran_ue_ngap_id in self.ues:
            self.next_ran_ue_ngap_id = (self.next_ran_ue_ngap_id + 1) & 0xFFFFFFFF
        found = self.next_ran_ue_ngap_id
        self.next_ran_ue_ngap_id = (found + 1) & 0xFFFFFFFF
        return found

    def stream_of(self, ran_ue_ngap_id: int) -> int:
        """Stream 0 is for the interface itself, TS 38.412 §7; a UE keeps to one of the others."""
        streams = 1 if self.association is None else self.association.outbound_streams
        return 0 if streams < 2 else 1 + ran_ue_ngap_id % (streams - 1)

    def of_ue(self, ran_ue_ngap_id: int, amf_ue_ngap_id: int) -> UeContext | None:
        """The UE that both identities name. None after an ERROR INDICATION has said which is wrong (§10.6)."""
        ue = self.ues.get(ran_ue_ngap_id)
        if ue is None:
            cause: ngap.CauseRadioNetwork = "unknown-local-UE-NGAP-ID"
        elif ue.amf_ue_ngap_id == amf_ue_ngap_id:
            return ue
        elif ue.amf_ue_ngap_id is None:
            self.name(ue, amf_ue_ngap_id)
            return ue
        else:
            cause = "inconsistent-remote-UE-NGAP-ID"
            self.forget(ue, cause)
        self.transmit(
            ngap.ErrorIndication(
                amf_ue_ngap_id=amf_ue_ngap_id, ran_ue_ngap_id=ran_ue_ngap_id, cause=("radioNetwork", cause)
            ),
            self.stream_of(ran_ue_ngap_id),
        )
        return None

    def by_amf_ue_ngap_id(self, amf_ue_ngap_id: int | None) -> UeContext | None:
        """The UE that the AMF calls so. None: it has named none of them so."""
        return None if amf_ue_ngap_id is None else self._by_amf_id.get(amf_ue_ngap_id)

    def tell_of(self, ue: UeContext, message: ngap.Pdu) -> None:
        """A message of UE-associated signalling."""
        self.transmit(message, ue.stream)

    def forget(self, ue: UeContext, cause: str) -> None:
        """The logical connection and the RRC connection are over; the UE's sessions lose their bearers."""
        if self.ues.pop(ue.ran_ue_ngap_id, None) is not None:
            self._unname(ue)
            ue.abort(cause)
            ue.link.released(ue, cause)


def _read(octets: bytes) -> tuple[ngap.Pdu | None, str]:
    try:
        return ngap.decode(octets), ""
    except ngap.NgapError as error:
        return error.partial, str(error)
