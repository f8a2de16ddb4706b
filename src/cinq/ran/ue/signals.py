"""What a user, or the UE itself, wants of a UE or a session: each opens the procedure of its name."""

from __future__ import annotations

from dataclasses import dataclass

from cinq.procedure import Signal
from cinq.wire.nas import GsmCause, RegistrationKind


@dataclass(frozen=True, slots=True)
class Register(Signal[None]):
    """Registration, TS 24.501 §5.5.1."""

    kind: RegistrationKind = RegistrationKind.INITIAL


@dataclass(frozen=True, slots=True)
class Deregister(Signal[None]):
    """UE-initiated de-registration, §5.5.2.2."""

    switch_off: bool = False


@dataclass(frozen=True, slots=True)
class RequestService(Signal[None]):
    """Service request, §5.6.1. mobile_terminated: in answer to paging."""

    mobile_terminated: bool = False


@dataclass(frozen=True, slots=True)
class EstablishSession(Signal[None]):
    """UE-requested PDU session establishment, §6.4.1."""


@dataclass(frozen=True, slots=True)
class ReleaseSession(Signal[None]):
    """UE-requested PDU session release, §6.4.3. cause: a 5GSM cause."""

    cause: int = GsmCause.REGULAR_DEACTIVATION
