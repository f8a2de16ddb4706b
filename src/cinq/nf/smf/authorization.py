"""Whether a UE gets the PDU session it asks for: TS 23.502 §4.3.2.2.1 steps 3 to 6, TS 24.501 §6.4.1.4."""

from __future__ import annotations

from contextlib import suppress
from ipaddress import IPv4Address, IPv6Network, ip_network
from typing import Final

from cinq.nf.smf.binding import DEFAULT_QFI
from cinq.nf.smf.context import (
    IntegrityRate,
    Ipv4,
    Protection,
    SessionType,
    SmContext,
    UeSupport,
    UserPlaneSecurity,
)
from cinq.nf.smf.flows import QosFlow, QosProfile, Rates, SessionQos, same
from cinq.nf.smf.rejects import Denied
from cinq.nf.smf.session_types import selected_type
from cinq.nf.smf.settings import DataNetwork
from cinq.numbering import NumberingError, PlmnId, SNssai
from cinq.operator_identifier import network_identifier
from cinq.procedure import Why
from cinq.sbi.models import UserLocation, bits_per_second
from cinq.sbi.services.nsmf_pdusession import SmContextCreateData
from cinq.sbi.services.nudm_sdm import DnnConfiguration
from cinq.wire import nas
from cinq.wire.nas import DataRate, GsmCause, GsmFeature, SscMode

SSC_MODES: dict[int | None, int] = {4: SscMode.SSC_MODE_1, 5: SscMode.SSC_MODE_2, 6: SscMode.SSC_MODE_3}
"""How a network reads the unused values, TS 24.501 table 9.11.4.16.1."""
DEFAULT_PACKET_FILTERS: Final = 16
"""Of a UE that says nothing, TS 24.501 §9.11.4.9; one that says something takes at least 17."""
PROTECTIONS: dict[str, Protection] = {
    "required": "REQUIRED",
    "preferred": "PREFERRED",
    "not-needed": "NOT_NEEDED",
}


def requested_data_network(
    body: SmContextCreateData, networks: tuple[DataNetwork, ...], plmns: tuple[PlmnId, ...] = ()
) -> tuple[DataNetwork, SNssai]:
    """The data network and slice of a create. #27: nobody knows the DNN, #70: not in this slice, #46: not here.

    plmns: those whose operator identifier a DNN may end in (TS 23.003 §9A).
    """
    found = body.selected_dnn or body.dnn or ""
    served = ", ".join(network.name for network in networks)
    unknown = GsmCause.MISSING_OR_UNKNOWN_DNN
    mend = f"let the UE ask for one of {served}, or add a [[dnn]] table"
    try:
        name = network_identifier(found, plmns)
    except NumberingError as error:
        raise Denied(unknown, "DNN_DENIED", Why(str(error), mend)) from None
    network = next((n for n in networks if n.name == name), None)
    if network is None:
        why = Why(f"the UE asks for DNN {name}; this network serves {served}", mend)
        raise Denied(unknown, "DNN_NOT_SUPPORTED", why)
    snssai = body.s_nssai.numbering() if body.s_nssai is not None else None
    if snssai is None or (network.slices and snssai not in network.slices):
        slices = ", ".join(map(str, network.slices))
        why = Why(
            f"the UE asks for DNN {name} in slice {snssai}; it is served in {slices}",
            f"add the slice to `slices` of the [[dnn]] table of {name}",
        )
        raise Denied(GsmCause.MISSING_OR_UNKNOWN_DNN_IN_A_SLICE, "DNN_NOT_SUPPORTED", why)
    _check_place(network, body.ue_location)
    return network, snssai


def tac_of(place: UserLocation | None) -> int | None:
    """Where the UE is, as far as the AMF says it."""
    location = None if place is None else place.nr_location
    return None if location is None else int(location.tai.tac, 16)


def _check_place(network: DataNetwork, place: UserLocation | None) -> None:
    """TS 24.501 §6.4.1.4.1: a local area data network is served in its tracking areas alone."""
    tac = tac_of(place)
    if not network.ladn_tacs or tac is None:
        return
    if tac not in network.ladn_tacs:
        tacs = ", ".join(map(str, network.ladn_tacs))
        why = Why(
            f"the UE is in TAC {tac}; local area data network {network.name} is served in {tacs}",
            f"add the TAC to `ladn_tacs` of the [[dnn]] table of {network.name}",
        )
        raise Denied(GsmCause.OUT_OF_LADN_SERVICE_AREA, "OUT_OF_LADN_SERVICE_AREA", why)


def subscribed_context(
    body: SmContextCreateData,
    request: nas.PDUSessionEstablishmentRequest,
    network: DataNetwork,
    snssai: SNssai,
    subscribed: DnnConfiguration,
) -> SmContext:
    """The SM context that subscription and request allow; ref and seid are still to be given."""
    supi = body.supi or ""
    session_type = selected_type(supi, request, network, subscribed)
    static = next((a.ipv4_addr for a in subscribed.static_ip_address if a.ipv4_addr), None)
    static = None if session_type in ("IPV6", "ETHERNET") else static
    rate = request.integrity_protection_maximum_data_rate
    return SmContext(
        ref="",
        supi=supi,
        pdu_session_id=request.pdu_session_id,
        dnn=network.name,
        s_nssai=snssai,
        ssc_mode=_ssc_mode(supi, request, network, subscribed, session_type),
        subscribed=subscribed_qos(subscribed, network),
        always_on=network.always_on,
        security=user_plane_security(network, subscribed, rate),
        ue=ue_support(
            request.capability_5gsm, request.maximum_number_of_supported_packet_filters, UeSupport()
        ),
        session_type=session_type,
        amf=body.serving_nf_id,
        status_uri=body.sm_context_status_uri,
        is_static=static is not None,
        static_prefix=static_prefix(subscribed) if session_type in ("IPV6", "IPV4V6") else 0,
        address=None if static is None else Ipv4(int(IPv4Address(static))),
        framed_routes=framed_routes(subscribed, session_type),
    )


def framed_routes(subscribed: DnnConfiguration, session_type: SessionType) -> tuple[str, ...]:
    """The networks behind the UE that a session of this type reaches (TS 23.501 §5.6.14). One that is none is passed
    over."""
    four = [each.ipv4_mask for each in subscribed.ipv4_frame_route_list if session_type in ("IPV4", "IPV4V6")]
    six = [
        each.ipv6_prefix for each in subscribed.ipv6_frame_route_list if session_type in ("IPV6", "IPV4V6")
    ]
    found: list[str] = []
    for text in (*four, *six):
        with suppress(ValueError):
            if text is not None:
                found.append(str(ip_network(text)))
    return tuple(dict.fromkeys(found))


def static_prefix(subscribed: DnnConfiguration) -> int:
    """The 64 bits of a subscription's prefix as a number, 0 for none. A prefix that is none is passed over."""
    for each in subscribed.static_ip_address:
        with suppress(ValueError):
            if each.ipv6_prefix is not None:
                return int(IPv6Network(each.ipv6_prefix).network_address) >> 64
    return 0


def ue_support(
    capability: nas.Capability5gsm | None, packet_filters: int | None, before: UeSupport
) -> UeSupport:
    """What the UE says of itself; what it says nothing of stays."""
    return UeSupport(
        before.packet_filters if packet_filters is None else max(packet_filters, DEFAULT_PACKET_FILTERS),
        before.reflective_qos if capability is None else GsmFeature.REFLECTIVE_QOS in capability,
    )


def user_plane_security(
    network: DataNetwork,
    subscribed: DnnConfiguration,
    rate: nas.IntegrityProtectionMaximumDataRate,
) -> UserPlaneSecurity:
    """TS 23.501 §5.10.3: the policy of the subscription before that of the network. #82 for a UE that is too slow."""
    policy = subscribed.up_security
    security = UserPlaneSecurity(
        PROTECTIONS[network.up_integrity] if policy is None else policy.up_integr,
        PROTECTIONS[network.up_ciphering] if policy is None else policy.up_confid,
        _rate(rate.uplink),
        _rate(rate.downlink),
    )
    if security.integrity == "REQUIRED" and DataRate.NULL in (rate.uplink, rate.downlink):
        cause = GsmCause.MAXIMUM_DATA_RATE_PER_UE_FOR_USER_PLANE_INTEGRITY_PROTECTION_IS_TOO_LOW
        why = Why(
            f"DNN {network.name} requires user plane integrity protection, which the UE does at no data rate",
            f"set `up_integrity` of the [[dnn]] table of {network.name} to 'preferred'",
        )
        raise Denied(cause, "REQUEST_REJECTED_UNSPECIFIED", why)
    return security


def _rate(rate: int) -> IntegrityRate:
    return "full" if rate == DataRate.FULL else "64kbps"


def _ssc_mode(
    supi: str,
    request: nas.PDUSessionEstablishmentRequest,
    network: DataNetwork,
    subscribed: DnnConfiguration,
    session_type: str,
) -> int:
    """§6.4.1.3: the mode asked for, else that of the subscription. #68 with those that are allowed.

    SSC mode 3 is for sessions of IP (TS 23.501 §5.6.9.2.3): one of Ethernet has no address to move away from.
    """
    modes = subscribed.ssc_modes
    names = modes.allowed_ssc_modes or [modes.default_ssc_mode]
    is_ethernet = session_type == "ETHERNET"
    if is_ethernet:
        names = [name for name in names if name != "SSC_MODE_3"]
    allowed = frozenset(int(SscMode[name]) for name in names if name in SscMode.__members__)
    wanted = SSC_MODES.get(request.ssc_mode, request.ssc_mode)
    if wanted is None and allowed:
        default = SscMode.__members__.get(modes.default_ssc_mode)
        return int(default) if default in allowed else min(allowed)
    if wanted is None or wanted not in allowed:
        ask = f"let the UE ask for mode {min(allowed, default=1)}"
        subscribe = f"cinq subscriber set {supi} --ssc-modes '{1 if is_ethernet else wanted}'"
        why = Why(
            f"{supi} asks for SSC mode {wanted}; for {network.name} it may have {', '.join(names) or 'none'}",
            ask if is_ethernet and allowed else f"{subscribe}, or {ask}",
        )
        raise Denied(GsmCause.NOT_SUPPORTED_SSC_MODE, "SSC_NOT_SUPPORTED", why, allowed=allowed)
    return wanted


def subscribed_qos(subscribed: DnnConfiguration, network: DataNetwork) -> SessionQos:
    """Session AMBR and default QoS flow, where the subscription has none those of the data network."""
    profile, ambr = subscribed.qos_profile_5g, subscribed.session_ambr
    flow = QosProfile(
        five_qi=network.five_qi if profile is None else profile.five_qi,
        arp_priority=network.arp if profile is None else profile.arp.priority_level,
        may_preempt=profile is not None and profile.arp.preempt_cap == "MAY_PREEMPT",
        preemptable=profile is None or profile.arp.preempt_vuln == "PREEMPTABLE",
        priority_level=None if profile is None else profile.priority_level,
    )
    rates = Rates(
        network.ambr_uplink_bps if ambr is None else bits_per_second(ambr.uplink),
        network.ambr_downlink_bps if ambr is None else bits_per_second(ambr.downlink),
    )
    return same(SessionQos(rates, (QosFlow(DEFAULT_QFI, flow),)))
