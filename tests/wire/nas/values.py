"""Random values for every row of every message table, by the codec of the row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from cinq.wire import nas
from cinq.wire.nas import ie
from cinq.wire.nas.engine import Codec, NasMessage, Nibble, Row

from .atoms import (
    access,
    dnn,
    exact_rate,
    flags,
    guti,
    half,
    imeisv,
    mobile_identity,
    octet,
    own_nssai,
    plmn,
    s_nssai,
    s_tmsi,
    tai,
)
from .told import TOLD

SIZES = {
    nas.Component.MATCH_ALL: 0, nas.Component.IPV4_REMOTE_ADDRESS: 8, nas.Component.IPV4_LOCAL_ADDRESS: 8,
    nas.Component.IPV6_REMOTE_PREFIX: 17, nas.Component.IPV6_LOCAL_PREFIX: 17, nas.Component.PROTOCOL: 1,
    nas.Component.LOCAL_PORT: 2, nas.Component.LOCAL_PORT_RANGE: 4, nas.Component.REMOTE_PORT: 2,
    nas.Component.REMOTE_PORT_RANGE: 4, nas.Component.SECURITY_PARAMETER_INDEX: 4,
    nas.Component.TRAFFIC_CLASS: 2, nas.Component.FLOW_LABEL: 3, nas.Component.DESTINATION_MAC: 6,
    nas.Component.SOURCE_MAC: 6, nas.Component.C_TAG_VID: 2, nas.Component.S_TAG_VID: 2,
    nas.Component.C_TAG_PCP_DEI: 1, nas.Component.S_TAG_PCP_DEI: 1, nas.Component.ETHERTYPE: 2,
}  # fmt: skip
LATER = {  # of release 16 and 18
    nas.Component.DESTINATION_MAC_RANGE: 12, nas.Component.SOURCE_MAC_RANGE: 12,
    nas.Component.EXTENDED_C_TAG_PCP_DEI: 1, nas.Component.EXTENDED_S_TAG_PCP_DEI: 1,
}  # fmt: skip


def _component(kind: nas.Component, size: int) -> st.SearchStrategy[tuple[int, bytes]]:
    return st.tuples(st.just(kind), st.binary(min_size=size, max_size=size))


media = st.lists(st.binary(max_size=8), max_size=3).map(
    lambda entries: bytes((len(entries),)) + b"".join(bytes((len(e),)) + e for e in entries)
)
component = st.one_of([_component(kind, size) for kind, size in SIZES.items()])
later_component = st.one_of(
    *(_component(kind, size) for kind, size in LATER.items()),
    st.tuples(st.just(nas.Component.RTP_MULTIPLEXED_MEDIA), media),
)
packet_filter = st.builds(
    nas.PacketFilter, half, st.integers(1, 3), st.lists(component, min_size=1, max_size=3).map(tuple)
)
filters = st.lists(packet_filter, max_size=4).map(tuple)
qfi = st.integers(1, 63)
qos_rule = st.one_of(
    st.builds(nas.QosRule, octet, st.just(1), flags, filters, octet, qfi, flags),
    st.builds(nas.QosRule, octet, st.just(2)),
    st.builds(nas.QosRule, octet, st.sampled_from((3, 4)), flags, filters, st.none() | octet),
    st.builds(nas.QosRule, octet, st.just(4), flags, filters, octet, qfi, flags),
    st.builds(nas.QosRule, octet, st.just(6), flags, st.just(()), octet, qfi, flags),
    st.builds(
        nas.QosRule,
        octet,
        st.just(5),
        flags,
        st.lists(half.map(nas.PacketFilter), min_size=1, max_size=5).map(tuple),
    ),
)
flow = st.builds(
    nas.QosFlowDescription,
    qfi,
    st.integers(1, 3),
    flags,
    st.none() | octet,
    *(st.none() | exact_rate for _ in range(4)),
    st.none() | st.integers(0, 65535),
    st.none() | half,
)
address = st.one_of(
    st.builds(nas.PduAddress, st.ip_addresses(v=4)),
    st.builds(nas.PduAddress, st.none(), st.binary(min_size=8, max_size=8)),
    st.builds(
        nas.PduAddress,
        st.ip_addresses(v=4),
        st.binary(min_size=8, max_size=8),
        st.none() | st.ip_addresses(v=6),
    ),
)
containers = st.lists(
    st.tuples(st.integers(0, 65535) | st.sampled_from((0x23, 0x41)), st.binary(max_size=20)), max_size=5
)
zone = st.integers(-48, 56).map(lambda quarters: timedelta(minutes=15 * quarters))
moment = st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)).map(
    lambda t: t.replace(microsecond=0, tzinfo=UTC)
)
gsm_text = st.text("@£$ABCxyz 0123456789?!", max_size=30)
ucs2_text = st.text(st.characters(max_codepoint=0xD7FF), max_size=30)


def _seconds(codec: object) -> st.SearchStrategy[int]:
    assert isinstance(codec, Codec)
    return octet.map(lambda n: int(codec.decode(bytes((n,)))))


bearer = st.builds(
    nas.MappedEpsBearer,
    half,
    st.integers(1, 3),
    flags,
    st.lists(st.tuples(octet, st.binary(max_size=12)), max_size=4).map(tuple),
)
compression = st.one_of(
    st.builds(nas.IpHeaderCompression, st.frozensets(st.integers(0, 6)), st.integers(0, 65535)),
    st.builds(
        nas.IpHeaderCompression,
        st.frozensets(st.integers(0, 6)),
        st.integers(0, 65535),
        octet,
        st.binary(max_size=9),
    ),
)


BY_CODEC: dict[int, st.SearchStrategy[object]] = TOLD | {
    id(codec): strategy
    for codec, strategy in (
        (ie.ng_ksi, st.builds(nas.NgKsi, st.integers(0, 7), flags)),
        (ie.registration_type, st.builds(nas.RegistrationType, st.integers(0, 7), flags)),
        (ie.registration_result, st.builds(nas.RegistrationResult, st.integers(0, 7), *[flags] * 4)),
        (ie.deregistration_type, st.builds(nas.DeregistrationType, access, flags, flags)),
        (ie.configuration_update_indication, st.builds(nas.ConfigurationUpdateIndication, flags, flags)),
        (ie.mico_indication, st.builds(nas.MicoIndication, flags, flags)),
        (ie.ue_status, st.builds(nas.UeStatus, flags, flags)),
        (ie.mobile_identity, mobile_identity),
        (ie.guti, guti),
        (ie.imeisv, imeisv),
        (ie.s_tmsi, s_tmsi),
        (ie.s_nssai, s_nssai),
        (ie.own_s_nssai, own_nssai),
        (ie.nssai, st.lists(s_nssai, min_size=1, max_size=16)),
        (ie.nssai_of_8, st.lists(s_nssai, min_size=1, max_size=8)),
        (
            ie.rejected_nssai,
            st.lists(st.builds(nas.RejectedSNssai, own_nssai, st.integers(0, 2)), min_size=1, max_size=8),
        ),
        (ie.tai, tai),
        (ie.tai_list, st.lists(tai, min_size=1, max_size=8)),
        (ie.plmn, plmn),
        (ie.plmn_list, st.lists(plmn, min_size=1, max_size=15)),
        (ie.plmn_list_or_none, st.lists(plmn, max_size=15)),
        (ie.dnn, dnn),
        (ie.ue_security_capability, st.binary(min_size=2, max_size=8).map(nas.UeSecurityCapability)),
        (ie.nas_algorithms, st.builds(nas.NasAlgorithms, st.integers(0, 7), st.integers(0, 7))),
        (ie.additional_security_information, st.builds(nas.AdditionalSecurityInformation, flags, flags)),
        (ie.imeisv_request, flags),
        (ie.network_feature_support, st.binary(min_size=1, max_size=4).map(nas.NetworkFeatureSupport)),
        (ie.pdu_sessions, st.frozensets(st.integers(1, 15))),
        (ie.reactivation_causes, st.dictionaries(st.integers(1, 15), octet, min_size=1)),
        (ie.pdu_address, address),
        (ie.session_ambr, st.builds(nas.SessionAmbr, exact_rate, exact_rate)),
        (ie.integrity_rate, st.builds(nas.IntegrityProtectionMaximumDataRate, octet, octet)),
        (ie.packet_filter_count, st.integers(0, 2047)),
        (ie.extended_pco_from_ue, containers),
        (ie.extended_pco_from_network, containers),
        (ie.re_attempt_indicator, st.builds(nas.ReAttemptIndicator, flags, flags)),
        (ie.qos_rules, st.lists(qos_rule, min_size=1, max_size=3)),
        (ie.qos_flow_descriptions, st.lists(flow, min_size=1, max_size=3)),
        (ie.gprs_timer, _seconds(ie.gprs_timer)),
        (ie.gprs_timer_3, _seconds(ie.gprs_timer_3)),
        (ie.time_zone, zone),
        (ie.universal_time, st.builds(nas.UniversalTime, moment, zone)),
        (
            ie.network_name,
            st.builds(nas.NetworkName, gsm_text, st.just(False), flags)
            | st.builds(nas.NetworkName, ucs2_text, st.just(True), flags),
        ),
        (ie.mapped_eps_bearer_contexts, st.lists(bearer, min_size=1, max_size=3)),
        (ie.ip_header_compression, compression),
        (ie.dn_request, st.text(st.characters(max_codepoint=0x7FF), min_size=1, max_size=30)),
        (
            ie.suggested_interface_identifier,
            st.builds(nas.PduAddress, st.none(), st.binary(min_size=8, max_size=8)),
        ),
        (ie.flag, flags),
        (ie.octet, octet),
        (ie.gmm_cause, octet),
        (ie.gsm_cause, octet),
        (ie.half_octet, half),
        (ie.service_type, half),
        (ie.payload_container_type, half),
        (ie.access_type, st.integers(0, 3)),
        *(
            (codec, st.integers(0, 7))
            for codec in (ie.identity_type, ie.request_type, ie.pdu_session_type, ie.ssc_mode)
        ),
    )
}


def of_row(row: Row) -> st.SearchStrategy[object]:
    strategy = BY_CODEC.get(id(row.codec))
    if strategy is not None:
        return strategy
    codec = row.codec
    if isinstance(codec, Nibble):
        return st.sampled_from(codec.values)
    low = codec.low
    octets = st.binary(min_size=low, max_size=max(low, min(codec.high, low + 12)))
    if codec.decode is bytes:
        return octets
    assert codec.low == codec.high or codec.high < 40, f"{row.name}: no strategy for its codec"
    return octets.map(lambda b: meaning(codec, b)).filter(lambda value: value is not None)


def meaning(codec: Codec[object], octets: bytes) -> object:
    """What an element of little structure means; None when it has no meaning."""
    try:
        return codec.decode(octets)
    except (ValueError, IndexError):
        return None


def messages(kind: type[NasMessage], optional: frozenset[str] | None = None) -> st.SearchStrategy[NasMessage]:
    """Messages of a kind with any of its optional elements, or any of those named."""
    needed = dict.fromkeys(kind.HEADER, octet) | {row.name: of_row(row) for row in kind.ROWS if row.mandatory}
    choice = {
        row.name: of_row(row)
        for row in kind.ROWS
        if not row.mandatory and (optional is None or row.name in optional)
    }
    return st.fixed_dictionaries(needed, optional=choice).map(lambda fields: kind(**fields))
