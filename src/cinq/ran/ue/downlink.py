"""What a UE hears: the way of a NAS message from the radio link, past security and a test bench, to the procedures."""

from __future__ import annotations

from typing import Protocol

from cinq.ran.ue.context import Received
from cinq.ran.ue.security import Discarded, N1Security
from cinq.ran.ue.uplink import Journalling, Uplink
from cinq.wire import nas

_REJECTS = (nas.RegistrationReject, nas.ServiceReject, nas.DeregistrationRequestUETerminated)

FROM_NETWORK = (
    *_REJECTS,
    nas.RegistrationAccept,
    nas.ServiceAccept,
    nas.DeregistrationAcceptUEOriginating,
    nas.ConfigurationUpdateCommand,
    nas.AuthenticationRequest,
    nas.AuthenticationResult,
    nas.AuthenticationReject,
    nas.IdentityRequest,
    nas.SecurityModeCommand,
    nas.DLNASTransport,
    nas.Notification,
)
"""The 5GMM messages of a network that this UE knows."""


class Hearer(Journalling, Protocol):
    """The UE as its downlink sees it."""

    security: N1Security
    uplink: Uplink

    def receive(self, message: object) -> None: ...
    def tell(self, message: object) -> None: ...
    def authentication_rejected(self, reject: nas.AuthenticationReject, checked: bool) -> None: ...


class Downlink:
    """reject_protected: whether the last reject was integrity protected; what it says is believed accordingly."""

    __slots__ = ("_ue", "reject_protected")

    def __init__(self, ue: Hearer) -> None:
        self._ue = ue
        self.reject_protected = False

    def hear(self, octets: bytes) -> None:
        """A PDU of the network: discarded, answered with 5GMM STATUS, or given to the procedures."""
        ue, station, header = self._ue, self._ue.uplink.station, nas.security_header_of(octets)
        try:
            received = ue.security.open(octets)
        except Discarded as reason:
            ue.journal("in", octets, None, f"discarded: {reason}")
            if station is not None:
                station.came(None, octets, discarded=str(reason), header=header)
            return
        except nas.NasError as error:
            ue.journal("in", octets, None, str(error))
            if station is not None:
                station.came(None, octets, checked=True, discarded=str(error), header=header)
            if error.cause is not None:
                ue.tell(nas.FiveGMMStatus(cause=error.cause))
            return
        ue.journal("in", received.octets, received.message)
        if station is None or station.came(
            received.message, received.octets, checked=received.checked, header=header
        ):
            self._deliver(received)

    def _deliver(self, received: Received) -> None:
        """Some are known at once, since what follows them in the same moment depends on it."""
        message = received.message
        if isinstance(message, nas.AuthenticationReject):
            self._ue.authentication_rejected(message, received.checked)
            return
        if isinstance(message, nas.AuthenticationResult):
            self._ue.security.confirm(message)
        elif isinstance(message, _REJECTS):
            self.reject_protected = received.checked
        self._ue.receive(received)
