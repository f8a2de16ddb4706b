"""What a user, or the UE itself, wants of a UE or a session: each opens the procedure of its name."""

from __future__ import annotations

from dataclasses import dataclass

from cinq.numbering import SNssai
from cinq.procedure import Signal
from cinq.wire.nas import GsmCause, QosFlowDescription, QosRule, RegistrationKind, RequestType


@dataclass(frozen=True, slots=True)
class Register(Signal[None]):
    """Registration, TS 24.501 §5.5.1.

    attempts: before T3502 (§5.5.1.2.7); with fewer than 5 nothing follows by itself. follow_on: whether a follow-on
    request is pending; None where the sessions of the settings are, or the UE has more to do. uplink_data: the
    sessions whose user plane is wanted back; allowed: those of allowed PDU session status, None for no such element.
    """

    kind: RegistrationKind = RegistrationKind.INITIAL
    follow_on: bool | None = None
    attempts: int = 5
    uplink_data: frozenset[int] | None = None
    allowed: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Deregister(Signal[None]):
    """UE-initiated de-registration, §5.5.2.2."""

    switch_off: bool = False


@dataclass(frozen=True, slots=True)
class RequestService(Signal[None]):
    """Service request, §5.6.1. mobile_terminated: in answer to paging.

    kind: a ServiceType that is sent whatever the state; None lets the UE choose. uplink_data, allowed: the sessions of
    uplink data status and of allowed PDU session status, None for those without bearers, and for no such element.
    sessions: DNN and S-NSSAI of what is to be asked for then.
    """

    mobile_terminated: bool = False
    sessions: tuple[tuple[str, SNssai | None], ...] = ()
    kind: int | None = None
    uplink_data: frozenset[int] | None = None
    allowed: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class EstablishSession(Signal[None]):
    """UE-requested PDU session establishment, §6.4.1. request_type: a RequestType.

    old: the session that this one takes the place of (SSC mode 3).
    """

    request_type: int = RequestType.INITIAL_REQUEST
    old: int | None = None


@dataclass(frozen=True, slots=True)
class ModifySession(Signal[None]):
    """UE-requested PDU session modification, §6.4.2, of what is given. cause: of errors that the UE found."""

    rules: tuple[QosRule, ...] = ()
    flows: tuple[QosFlowDescription, ...] = ()
    cause: int | None = None
    packet_filters: int | None = None
    always_on: bool | None = None
    pco: tuple[tuple[int, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class ReleaseSession(Signal[None]):
    """UE-requested PDU session release, §6.4.3. cause: a 5GSM cause."""

    cause: int = GsmCause.REGULAR_DEACTIVATION
