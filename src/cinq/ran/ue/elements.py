"""What a UE puts into its 5GMM messages, from settings and what it remembers."""

from __future__ import annotations

from typing import Protocol

from cinq.numbering import SNssai, Suci
from cinq.ran.ue.context import UeContext
from cinq.ran.ue.security import N1Security
from cinq.ran.ue.settings import RegistrationSettings, UeSettings
from cinq.ran.ue.signals import Register
from cinq.wire import nas
from cinq.wire.nas import RegistrationKind


class Source(Protocol):
    """The UE as its messages are made from it."""

    settings: UeSettings
    context: UeContext
    security: N1Security
    more_to_do: bool

    @property
    def capability(self) -> bytes: ...
    @property
    def active_sessions(self) -> frozenset[int]: ...
    def suci(self) -> Suci: ...


def registration_request(ue: Source, kind: RegistrationKind, asked: Register) -> nas.RegistrationRequest:
    """REGISTRATION REQUEST, §8.2.6. A SUCI where there is no 5G-GUTI; of a periodic update only what it may carry."""
    context, settings, wanted = ue.context, ue.settings, ue.settings.registration
    initial = kind not in (RegistrationKind.MOBILITY, RegistrationKind.PERIODIC)
    pending = asked.follow_on
    if pending is None:
        pending = (initial and bool(settings.sessions)) or (
            ue.more_to_do and kind is not RegistrationKind.PERIODIC
        )
    request = nas.RegistrationRequest(
        registration_type=nas.RegistrationType(kind, follow_on=pending),
        ng_ksi=ue.security.ng_ksi,
        mobile_identity=context.guti or ue.suci(),
        ue_security_capability=nas.UeSecurityCapability(ue.capability),
        last_visited_tai=context.last_visited_tai,
        uplink_data_status=asked.uplink_data or None,
        pdu_session_status=None if initial else ue.active_sessions,
        allowed_pdu_session_status=asked.allowed,
        mico_indication=nas.MicoIndication() if wanted.mico else None,
        requested_drx_parameters=_DRX.get(wanted.drx),
        requested_extended_drx_parameters=_edrx(wanted),
        t3324=wanted.active_time_s or None,
        requested_t3512=wanted.periodic_s or None,
        update_type=nas.UpdateType(sms_requested=wanted.sms),
    )
    return request if kind is RegistrationKind.PERIODIC else _full(ue, request)


def _full(ue: Source, request: nas.RegistrationRequest) -> nas.RegistrationRequest:
    """With what a periodic registration update does not carry (§5.5.1.3.2)."""
    context, settings, wanted = ue.context, ue.settings, ue.settings.registration
    slices = requested_nssai(context, settings)
    own = wanted.default_configured_nssai and not context.configured_nssai and not context.allowed_nssai
    features = [nas.GmmFeature[name.upper()] for name in wanted.capability]
    usage = {"voice": nas.UsageSetting.VOICE_CENTRIC, "data": nas.UsageSetting.DATA_CENTRIC}.get(wanted.usage)
    return request.replace(
        capability_5gmm=nas.Capability5gmm.of(*features),
        requested_nssai=slices or None,
        network_slicing_indication=nas.NetworkSlicingIndication(from_default_configured=True)
        if own and slices
        else None,
        ue_usage_setting=usage,
        ladn_indication=list(wanted.ladn) or None,
        ue_radio_capability_id=wanted.radio_capability_id or context.radio_capability_id or None,
    )


_DRX: dict[str, int] = {"32": nas.Drx.T_32, "64": nas.Drx.T_64, "128": nas.Drx.T_128, "256": nas.Drx.T_256}


def _edrx(wanted: RegistrationSettings) -> nas.ExtendedDrx | None:
    return None if wanted.edrx < 0 else nas.ExtendedDrx(wanted.edrx, wanted.paging_time_window)


def requested_nssai(context: UeContext, settings: UeSettings) -> list[SNssai]:
    """Requested NSSAI, §5.5.1.2.2: of what the network configured or allowed, else of the settings; nothing that it
    rejected here, or that still waits for authorization."""
    known = (*context.configured_nssai, *context.allowed_nssai)
    wanted = [s for s in settings.slices if s in known] if known else list(settings.slices)
    if known and not wanted:
        wanted = list(context.allowed_nssai or context.configured_nssai)
    refused = {rejected.s_nssai for rejected in context.rejected_nssai} | set(context.pending_nssai)
    return [s for s in wanted if s not in refused][:8]
