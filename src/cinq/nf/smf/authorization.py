"""Whether a UE gets the PDU session it asks for: TS 23.502 §4.3.2.2.1 steps 3 to 6, TS 24.501 §6.4.1.4."""

from __future__ import annotations

from ipaddress import IPv4Address

from cinq.nf.smf.binding import DEFAULT_QFI
from cinq.nf.smf.context import Ipv4, SmContext
from cinq.nf.smf.flows import QosFlow, QosProfile, Rates, SessionQos, same
from cinq.nf.smf.settings import DataNetwork
from cinq.numbering import NumberingError, SNssai, dnn
from cinq.sbi.models import bits_per_second
from cinq.sbi.services.nsmf_pdusession import SmContextCreateData, SmContextRefused
from cinq.sbi.services.nudm_sdm import DnnConfiguration
from cinq.wire import nas
from cinq.wire.nas import GsmCause, PduSessionType, SscMode

SSC_MODES: dict[int | None, int] = {4: SscMode.SSC_MODE_1, 5: SscMode.SSC_MODE_2, 6: SscMode.SSC_MODE_3}
"""How a network reads the unused values, TS 24.501 table 9.11.4.16.1."""
_ONLY = {
    "IPV6": (PduSessionType.IPV6, GsmCause.PDU_SESSION_TYPE_IPV6_ONLY_ALLOWED),
    "UNSTRUCTURED": (PduSessionType.UNSTRUCTURED, GsmCause.PDU_SESSION_TYPE_UNSTRUCTURED_ONLY_ALLOWED),
    "ETHERNET": (PduSessionType.ETHERNET, GsmCause.PDU_SESSION_TYPE_ETHERNET_ONLY_ALLOWED),
}
"""What a subscription to one type alone tells a UE that asks for another."""


def refusal(
    pdu_session_id: int, pti: int, cause: GsmCause, error: str, detail: str, *, status: int = 403
) -> SmContextRefused:
    """A create refused with PDU SESSION ESTABLISHMENT REJECT for the UE. error: of TS 29.502 table 6.1.7.3-1."""
    allowed = frozenset((SscMode.SSC_MODE_1,)) if cause == GsmCause.NOT_SUPPORTED_SSC_MODE else None
    reject = nas.PDUSessionEstablishmentReject(
        pdu_session_id=pdu_session_id, pti=pti, cause=cause, allowed_ssc_mode=allowed
    )
    return SmContextRefused(status, error, detail, nas.encode(reject))


def requested_data_network(
    body: SmContextCreateData, pti: int, networks: tuple[DataNetwork, ...]
) -> tuple[DataNetwork, SNssai]:
    """The data network and slice of a create. #27 when nobody knows the DNN, #70 when not in this slice."""
    psi = body.pdu_session_id or 0
    found = body.selected_dnn or body.dnn or ""
    try:
        name = dnn(found)
    except NumberingError as error:
        cause = GsmCause.MISSING_OR_UNKNOWN_DNN
        raise refusal(psi, pti, cause, "DNN_DENIED", str(error)) from None
    network = next((n for n in networks if n.name == name), None)
    if network is None:
        what = f"DNN {name} is not served here"
        raise refusal(psi, pti, GsmCause.MISSING_OR_UNKNOWN_DNN, "DNN_NOT_SUPPORTED", what)
    snssai = body.s_nssai.numbering() if body.s_nssai is not None else None
    if snssai is None or (network.slices and snssai not in network.slices):
        what = f"DNN {name} is not served in slice {snssai}"
        raise refusal(psi, pti, GsmCause.MISSING_OR_UNKNOWN_DNN_IN_A_SLICE, "DNN_NOT_SUPPORTED", what)
    return network, snssai


def subscribed_context(
    body: SmContextCreateData,
    request: nas.PDUSessionEstablishmentRequest,
    network: DataNetwork,
    snssai: SNssai,
    subscribed: DnnConfiguration,
) -> SmContext:
    """The SM context that subscription and request allow; ref and seid are still to be given."""
    psi, pti = request.pdu_session_id, request.pti
    _check_type(request, subscribed)
    modes = subscribed.ssc_modes.allowed_ssc_modes or [subscribed.ssc_modes.default_ssc_mode]
    wanted = SSC_MODES.get(request.ssc_mode, request.ssc_mode) or SscMode.SSC_MODE_1
    if wanted != SscMode.SSC_MODE_1 or "SSC_MODE_1" not in modes:
        what = f"SSC mode {wanted}; served is mode 1, subscribed are {', '.join(modes)}"
        raise refusal(psi, pti, GsmCause.NOT_SUPPORTED_SSC_MODE, "SSC_NOT_SUPPORTED", what)
    static = next((a.ipv4_addr for a in subscribed.static_ip_address if a.ipv4_addr), None)
    return SmContext(
        ref="",
        supi=body.supi or "",
        pdu_session_id=psi,
        dnn=network.name,
        s_nssai=snssai,
        ssc_mode=wanted,
        subscribed=subscribed_qos(subscribed, network),
        is_static=static is not None,
        address=None if static is None else Ipv4(int(IPv4Address(static))),
    )


def requested_type(request: nas.PDUSessionEstablishmentRequest) -> int:
    """IPv4 where none is asked for; a value that is unused counts as IPv4v6 (TS 24.501 table 9.11.4.11.1)."""
    wanted = request.pdu_session_type
    if wanted is None:
        return PduSessionType.IPV4
    return PduSessionType.IPV4V6 if wanted in (0, 6) else wanted


def _type_name(number: int) -> str:
    """'IPv6' for 2."""
    try:
        name = PduSessionType(number).name
    except ValueError:
        return str(number)
    return name.replace("IPV", "IPv").replace("4V", "4v") if name.startswith("IP") else name.capitalize()


def _check_type(request: nas.PDUSessionEstablishmentRequest, subscribed: DnnConfiguration) -> None:
    """IPv4 is what there is (§6.4.1.4.1): #50 for IPv6, #28 for a type that is no IP; else what is subscribed."""
    types = subscribed.pdu_session_types
    allowed = types.allowed_session_types or [types.default_session_type]
    wanted = requested_type(request)
    what = f"PDU session type {_type_name(wanted)}; subscribed are {', '.join(allowed)}, served is IPv4"
    error = "PDUTYPE_NOT_SUPPORTED"
    if "IPV4" not in allowed and "IPV4V6" not in allowed:
        only, cause = _ONLY.get(allowed[0], (wanted, GsmCause.UNKNOWN_PDU_SESSION_TYPE))
        if len(allowed) > 1 or only == wanted:
            cause = GsmCause.UNKNOWN_PDU_SESSION_TYPE
        error = "PDUTYPE_DENIED"
    elif wanted == PduSessionType.IPV6:
        cause = GsmCause.PDU_SESSION_TYPE_IPV4_ONLY_ALLOWED
    elif wanted not in (PduSessionType.IPV4, PduSessionType.IPV4V6):
        cause = GsmCause.UNKNOWN_PDU_SESSION_TYPE
    else:
        return
    raise refusal(request.pdu_session_id, request.pti, cause, error, what)


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
