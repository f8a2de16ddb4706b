"""The UE-associated logical NG-connection, TS 38.413 §6.3: transient, never stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cinq.nf.amf import elements
from cinq.numbering import NumberingError
from cinq.wire import ngap

if TYPE_CHECKING:
    from cinq.nf.amf.ran import Ran
    from cinq.nf.amf.ue import Ue


class NgConnection:
    """ids: those of both ends. stream: the SCTP stream that its messages take. place: where the UE is, as last
    reported.

    wants_context: the gNB asked for an initial context setup. context: whether it has a UE context, or is
    being given one. releasing: a UE Context Release is under way. outstanding: class 1 procedures of the AMF
    that wait for the gNB's outcome.
    """

    __slots__ = (
        "amf_ue_ngap_id",
        "context",
        "outstanding",
        "place",
        "ran",
        "ran_ue_ngap_id",
        "releasing",
        "stream",
        "ue",
        "wants_context",
    )

    def __init__(
        self, ran: Ran, amf_ue_ngap_id: int, message: ngap.InitialUEMessage, place: elements.Place, ue: Ue
    ) -> None:
        self.ran = ran
        self.ue = ue
        self.amf_ue_ngap_id = amf_ue_ngap_id
        self.ran_ue_ngap_id = message.ran_ue_ngap_id
        self.stream = 1 + amf_ue_ngap_id % 31
        self.place = place
        self.wants_context = message.ue_context_request is not None
        self.context = False
        self.releasing = False
        self.outstanding: tuple[str, ...] = ()  # a set, even an empty one, has 216 octets

    def send(self, message: ngap.Pdu) -> None:
        self.ran.transmit(message, self.stream, self.ue)

    def moved(self, location: ngap.UserLocationInformation | None) -> None:
        """The gNB reported where the UE is, or left that out (criticality ignore)."""
        if location is not None and location[0] == "userLocationInformationNR":
            try:
                self.place = elements.place_of(location[1])
            except NumberingError:
                return

    def expect(self, procedure: str) -> None:
        self.outstanding = (*self.outstanding, procedure)

    def settle(self, procedure: str) -> None:
        """The outcome is there, or does not matter any more."""
        if self.outstanding == (procedure,):
            self.outstanding = ()
        else:
            self.outstanding = tuple(name for name in self.outstanding if name != procedure)
