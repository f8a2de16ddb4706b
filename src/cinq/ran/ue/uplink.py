"""What a UE sends: the way of a NAS message to the radio link, through protection and past a test bench."""

from __future__ import annotations

from typing import Literal, Protocol

from cinq.ran.radio.port import EstablishmentCause, Link, RrcSetup
from cinq.ran.station import Parcel
from cinq.ran.ue.camp import Camp
from cinq.ran.ue.context import Initial, UeContext
from cinq.ran.ue.security import N1Security
from cinq.ran.ue.settings import UeSettings
from cinq.ran.ue.station import Event, N1Station, Opening
from cinq.wire import nas


class Journalling(Protocol):
    """The UE as what reports its messages sees it."""

    def journal(
        self,
        direction: Literal["in", "out"],
        octets: bytes,
        message: nas.NasMessage | None,
        cause: str = "",
    ) -> None: ...


class Sender(Journalling, Protocol):
    """The UE as its uplink sees it."""

    settings: UeSettings
    context: UeContext
    security: N1Security
    link: Link
    camp: Camp

    def connecting(self, message: nas.NasMessage | None) -> None:
        """A connection is about to be opened by this message."""


class Uplink:
    """station: None until a test bench asks for it."""

    __slots__ = ("_ue", "station")

    def __init__(self, ue: Sender) -> None:
        self._ue = ue
        self.station: N1Station | None = None

    def tell(self, message: nas.NasMessage) -> None:
        """A 5GMM message on the connection that there is."""
        if self.station is not None:
            self.station.passes(Parcel(nas.encode(message), message))
            return
        octets = nas.encode(message)
        self._ue.journal("out", octets, message)
        self._ue.link.uplink(self._protected(octets, message))

    def carry(self, message: nas.GsmMessage, transport: nas.ULNASTransport) -> None:
        """A 5GSM message in its UL NAS TRANSPORT."""
        if self.station is None:
            self.tell(transport)
        else:
            self.station.passes(Parcel(transport.payload_container, message, carrier=transport))

    def connect(self, initial: Initial) -> None:
        """An initial message: on a new connection; while there is one as any other message."""
        ue, message = self._ue, initial.message
        if ue.link.connected:
            ue.security.initial = message
            self.tell(message)
        elif self.station is not None:
            self.station.passes(Parcel(nas.encode(message), message, carrier=Opening(initial.cause)))
        else:
            ue.journal("out", nas.encode(message), message)
            self._open(ue.security.protect_initial(message), initial.cause, message)

    # the rest of the way while a bench stands there (station.Line)

    def protect(self, parcel: Parcel[Event]) -> None:
        ue, carrier = self._ue, parcel.carrier
        message = parcel.message if isinstance(parcel.message, nas.NasMessage) else None
        assert self.station is not None
        if isinstance(carrier, nas.ULNASTransport):
            self.tell(carrier.replace(payload_container=parcel.octets))
            return
        ue.journal("out", parcel.octets, message)
        if isinstance(carrier, Opening) and not ue.link.connected:
            pdu = ue.security.protect_initial(message or parcel.octets)
        else:
            pdu = self._protected(parcel.octets, message)
        self.station.pdus.passes(Parcel(pdu, message, carrier=carrier))

    def leave(self, parcel: Parcel[Event]) -> None:
        if self.station is not None:
            self.station.went(parcel)
        if isinstance(parcel.carrier, Opening) and not self._ue.link.connected:
            message = parcel.message if isinstance(parcel.message, nas.NasMessage) else None
            self._open(parcel.octets, parcel.carrier.cause, message)
        else:
            self._ue.link.uplink(parcel.octets)

    def put(self, parcel: Parcel[Event]) -> None:
        message = parcel.message if isinstance(parcel.message, nas.NasMessage) else None
        self._ue.journal("out", parcel.octets, message)
        self.leave(parcel)

    def _protected(self, octets: bytes, message: nas.NasMessage | None) -> bytes:
        security = self._ue.security
        if isinstance(message, nas.SecurityModeComplete):
            return security.protect_complete(octets)
        return security.protect_octets(octets)

    def _open(self, octets: bytes, cause: EstablishmentCause, message: nas.NasMessage | None) -> None:
        ue = self._ue
        ue.connecting(message)
        guti = ue.context.guti
        ue.link.setup(RrcSetup(octets, cause, ue.camp.plmn, None if guti is None else guti.s_tmsi))
