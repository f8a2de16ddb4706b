"""Random values for what 5GMM tells a UE: areas, groups, slices, paging, emergency numbers, containers."""

from __future__ import annotations

from hypothesis import strategies as st

from cinq.wire import nas
from cinq.wire.nas import ie

from .atoms import dnn, flags, half, octet, own_nssai, plmn, s_nssai, tai


def fits(groups: list[nas.RejectedGroup]) -> bool:
    """An extended rejected NSSAI has at most 88 octets."""
    return len(ie.extended_rejected_nssai.encode(groups)) <= 88


Values = st.SearchStrategy[object]
tais = st.lists(tai, min_size=1, max_size=8).map(tuple)
word = st.binary(max_size=12)
identity_32 = st.integers(0, 0xFFFFFFFF)
address_4, address_6 = st.ip_addresses(v=4), st.ip_addresses(v=6)
number = st.text("0123456789*#abc", min_size=1, max_size=9)
service = st.text("abcdefghij.", max_size=17)
instant = st.integers(0, (1 << 64) - 1)
period = st.none() | st.integers(0, (1 << 24) - 1)
nid = st.text("0123456789abcdef", min_size=11, max_size=11)
area = st.one_of(
    st.builds(nas.ServiceArea, st.lists(tai, min_size=1, max_size=8).map(tuple), flags),
    st.builds(nas.ServiceArea, whole_plmn=plmn),
)
rejected = st.builds(nas.RejectedSNssai, s_nssai, st.integers(0, 3))
short_timer = st.sampled_from((None, 0, 62, 600, nas.DEACTIVATED))
group = st.builds(nas.RejectedGroup, st.lists(rejected, min_size=1, max_size=8).map(tuple), short_timer)
cell = st.builds(nas.NrCell, plmn, st.integers(0, (1 << 36) - 1))
window = st.one_of(
    st.builds(nas.TimeWindow, instant, instant),
    st.builds(nas.TimeWindow, instant, instant, half, st.none() | instant),
)
timed = st.builds(
    nas.CagValidity, identity_32, st.lists(st.binary(min_size=16, max_size=16), max_size=2).map(tuple)
)
groups_of_ids = st.lists(identity_32, max_size=4).map(tuple)
application = st.builds(nas.OsApplication, st.binary(min_size=16, max_size=16), word)
category = st.builds(
    nas.AccessCategory,
    octet,
    st.integers(32, 63),
    st.lists(dnn, max_size=2).map(tuple),
    st.lists(application, max_size=2).map(tuple),
    st.lists(own_nssai, max_size=2).map(tuple),
    st.none() | st.integers(0, 31),
)
some_cells = st.builds(nas.SliceCells, s_nssai, st.lists(cell, min_size=1, max_size=4).map(tuple))
partial = st.lists(st.builds(nas.PartialSNssai, s_nssai, tais), max_size=4)
extended_ladn = st.lists(st.builds(nas.ExtendedLadn, dnn, s_nssai, tais), max_size=4)
mac = st.binary(min_size=16, max_size=16)
even, odd = st.integers(0, 127).map(lambda n: n * 2), st.integers(0, 127).map(lambda n: n * 2 + 1)
service_level = st.lists(
    st.one_of(
        st.tuples(st.sampled_from((0x10, 0x20, 0x30, 0x40, 0x50, 0x70, 0x11)), word),
        st.tuples(st.just(0xA0), half.map(lambda n: bytes((n,)))),
    ),
    min_size=1,
    max_size=4,
).filter(lambda found: sum(len(value) for _, value in found) > 2)
small_data = st.one_of(
    st.builds(
        nas.SmallData, st.just(0), st.binary(min_size=1, max_size=9), st.integers(0, 7), st.integers(0, 3)
    ),
    st.builds(nas.SmallData, st.just(1), st.binary(min_size=1, max_size=9)),
    st.builds(nas.SmallData, st.just(2), word, st.just(0), st.integers(0, 3), word),
)
type_6 = st.builds(
    nas.Type6Elements,
    extended_ladn,
    st.none() | st.lists(some_cells, min_size=1, max_size=2),
    st.none() | partial,
    st.none() | partial,
)
restriction = st.builds(nas.PagingRestriction, half, st.none() | st.frozensets(st.integers(1, 15)))
numbers = st.lists(st.builds(nas.NamedEmergencyNumber, number, service), min_size=1, max_size=3).map(tuple)
TOLD: dict[int, Values] = {
    id(codec): values
    for codec, values in (
        (ie.service_area_list, area),
        (ie.ladn_information, st.lists(st.builds(nas.Ladn, dnn, tais), min_size=1, max_size=4)),
        (ie.ladn_information_or_none, st.lists(st.builds(nas.Ladn, dnn, tais), max_size=4)),
        (ie.ladn_indication, st.lists(dnn, max_size=8)),
        (ie.extended_ladn_information, extended_ladn),
        (ie.partial_nssai, partial),
        (ie.cag_information_list, st.lists(st.builds(nas.Cag, plmn, groups_of_ids, flags), max_size=3)),
        (
            ie.extended_cag_information_list,
            st.lists(
                st.builds(
                    nas.ExtendedCag, plmn, groups_of_ids, flags, st.lists(timed, max_size=2).map(tuple)
                ),
                max_size=3,
            ),
        ),
        (ie.access_category_definitions, st.lists(category, max_size=3)),
        (ie.mapped_nssai, st.lists(own_nssai, min_size=1, max_size=8)),
        (ie.extended_rejected_nssai, st.lists(group, min_size=1, max_size=2).filter(fits)),
        (
            ie.nssrg_information,
            st.lists(
                st.builds(nas.SliceGroups, s_nssai, st.lists(octet, min_size=2, max_size=16).map(tuple)),
                min_size=1,
                max_size=4,
            ),
        ),
        (
            ie.nsag_information,
            st.lists(
                st.builds(
                    nas.Nsag, octet, st.lists(own_nssai, min_size=1, max_size=4).map(tuple), octet, tais
                ),
                min_size=1,
                max_size=4,
            ),
        ),
        (ie.alternative_nssai, st.lists(st.builds(nas.AlternativeSNssai, s_nssai, s_nssai), max_size=8)),
        (
            ie.on_demand_nssai,
            st.lists(st.builds(nas.OnDemandSNssai, s_nssai, period), min_size=2, max_size=16),
        ),
        (ie.s_nssai_location_validity, st.lists(some_cells, min_size=1, max_size=3)),
        (
            ie.s_nssai_time_validity,
            st.lists(
                st.builds(nas.SliceTimes, s_nssai, st.lists(window, min_size=1, max_size=2).map(tuple)),
                min_size=1,
                max_size=2,
            ),
        ),
        (ie.paging_restriction, restriction),
        (ie.unavailability_information, st.builds(nas.Unavailability, st.integers(0, 7), period, period)),
        (ie.unavailability_configuration, st.builds(nas.UnavailabilityConfiguration, flags, period, period)),
        (ie.nid, nid),
        (ie.snpn_list, st.lists(st.builds(nas.Snpn, plmn, nid), min_size=1, max_size=15)),
        (ie.feature_authorization, st.builds(nas.FeatureAuthorization, st.integers(0, 3), flags)),
        (
            ie.n3iwf_identifier,
            st.one_of(
                st.builds(nas.N3iwfIdentifier, address_4),
                st.builds(nas.N3iwfIdentifier, st.none() | address_4, address_6),
                st.builds(nas.N3iwfIdentifier, fqdn=st.binary(min_size=4, max_size=20)),
            ),
        ),
        (ie.tnan_information, st.builds(nas.Tnan, st.none() | word, st.none() | word)),
        (ie.ue_radio_capability_id, st.text("0123456789abcde", min_size=1, max_size=20)),
        (
            ie.emergency_number_list,
            st.lists(st.builds(nas.EmergencyNumber, number, st.integers(0, 31)), min_size=1, max_size=5),
        ),
        (ie.extended_emergency_number_list, st.builds(nas.ExtendedEmergencyNumbers, numbers, flags)),
        (
            ie.sor_container,
            st.one_of(
                st.builds(nas.SorContainer, even, mac, st.integers(0, 65535), word),
                st.builds(nas.SorContainer, odd, mac),
            ),
        ),
        (ie.sor_acknowledgement, st.builds(nas.SorContainer, odd, mac)),
        (ie.service_level_aa, service_level),
        (ie.service_level_aa_mandatory, service_level),
        (
            ie.n3qai,
            st.lists(
                st.builds(
                    nas.N3Qai,
                    st.lists(octet, min_size=1, max_size=3).map(tuple),
                    st.lists(st.tuples(octet, word), min_size=2, max_size=3).map(tuple),
                ),
                min_size=1,
                max_size=3,
            ),
        ),
        (
            ie.ursp_reports,
            st.lists(st.lists(octet, min_size=1, max_size=4).map(tuple), min_size=1, max_size=4),
        ),
        (ie.ecn_marking, st.lists(octet, max_size=9).map(tuple)),
        (ie.ciot_small_data, small_data),
        (ie.type_6_container, type_6),
        (ie.s1_ue_security_capability, st.binary(min_size=2, max_size=5).map(nas.S1UeSecurityCapability)),
    )
}
