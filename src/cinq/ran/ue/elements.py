"""What a UE puts into its 5GMM messages, from settings and what it remembers."""

from __future__ import annotations

from typing import Protocol

from cinq.numbering import SNssai, Suci
from cinq.ran.ue.context import UeContext
from cinq.ran.ue.security import N1Security
from cinq.ran.ue.settings import UeSettings
from cinq.wire import nas
from cinq.wire.nas import RegistrationKind


class Source(Protocol):
    """The UE as its messages are made from it."""

    settings: UeSettings
    context: UeContext
    security: N1Security

    @property
    def capability(self) -> bytes: ...
    @property
    def active_sessions(self) -> frozenset[int]: ...
    def suci(self) -> Suci: ...


def registration_request(
    ue: Source, kind: RegistrationKind, follow_on: bool | None, uplink_data: frozenset[int] | None
) -> nas.RegistrationRequest:
    """REGISTRATION REQUEST, §8.2.6. A SUCI where there is no 5G-GUTI."""
    context, settings = ue.context, ue.settings
    initial = kind not in (RegistrationKind.MOBILITY, RegistrationKind.PERIODIC)
    pending = initial and bool(settings.sessions) if follow_on is None else follow_on
    return nas.RegistrationRequest(
        registration_type=nas.RegistrationType(kind, follow_on=pending),
        ng_ksi=ue.security.ng_ksi,
        mobile_identity=context.guti or ue.suci(),
        capability_5gmm=nas.Capability5gmm.of(),
        ue_security_capability=nas.UeSecurityCapability(ue.capability),
        requested_nssai=requested_nssai(context, settings) or None,
        last_visited_tai=context.last_visited_tai,
        uplink_data_status=uplink_data or None,
        pdu_session_status=None if initial else ue.active_sessions,
        update_type=nas.UpdateType(),
    )


def requested_nssai(context: UeContext, settings: UeSettings) -> list[SNssai]:
    """Requested NSSAI, §5.5.1.2.2: of what the network configured or allowed, else of the settings; nothing that it
    rejected here, or that still waits for authorization."""
    known = (*context.configured_nssai, *context.allowed_nssai)
    wanted = [s for s in settings.slices if s in known] if known else list(settings.slices)
    if known and not wanted:
        wanted = list(context.allowed_nssai or context.configured_nssai)
    refused = {rejected.s_nssai for rejected in context.rejected_nssai} | set(context.pending_nssai)
    return [s for s in wanted if s not in refused][:8]
