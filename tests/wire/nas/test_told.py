"""5GMM in detail: elements by hand from the figures of TS 24.501 §9.11, containers, and what is wrong in them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.numbering import PlmnId, SNssai, Tai
from cinq.wire import nas
from cinq.wire.nas import GmmFeature, NetworkFeature

from .atoms import dnn, octet, s_nssai

PLMN = PlmnId("999", "70")
HERE, THERE = Tai(PLMN, 1), Tai(PLMN, 0x020304)


def registration(octets: str) -> nas.RegistrationRequest:
    message = nas.decode(bytes.fromhex(nas.RegistrationRequest.VECTORS[0] + octets))
    assert isinstance(message, nas.RegistrationRequest)
    assert not message.faults
    return message


def accept(octets: str) -> nas.RegistrationAccept:
    """REGISTRATION ACCEPT with these elements; it re-encodes to the same octets."""
    whole = "7e00420101" + octets.replace(" ", "")
    message = nas.decode(bytes.fromhex(whole))
    assert isinstance(message, nas.RegistrationAccept)
    assert not message.faults
    assert nas.encode(message).hex() == whole
    return message


def update(octets: str) -> nas.ConfigurationUpdateCommand:
    whole = "7e0054" + octets.replace(" ", "")
    message = nas.decode(bytes.fromhex(whole))
    assert isinstance(message, nas.ConfigurationUpdateCommand)
    assert not message.faults
    assert nas.encode(message).hex() == whole
    return message


def test_what_a_ue_asks_for() -> None:
    asked = registration(
        "10020381 180101 510102 53010b 60022000 6e0135 6a0121 670321f354 480101 290101 28030302 00"
        " b1 91 3505 04010000ff 740005 04 03 6c616e"
    )
    assert asked.capability_5gmm is not None
    assert GmmFeature.S1_MODE in asked.capability_5gmm
    assert GmmFeature.RACS in asked.capability_5gmm
    assert GmmFeature.LPP not in asked.capability_5gmm
    assert asked.capability_5gmm.features == ["s1_mode", "ho_attach", "srvcc_5gs", "racs"]
    assert asked.ue_usage_setting is nas.UsageSetting.DATA_CENTRIC
    assert asked.requested_drx_parameters is nas.Drx.T_64
    assert asked.update_type == nas.UpdateType(sms_requested=True, radio_capability_update=True, ciot_5gs=2)
    assert asked.eps_bearer_context_status == {5}
    assert asked.requested_extended_drx_parameters == nas.ExtendedDrx(5, 3)
    assert asked.t3324 == 3600
    assert asked.ue_radio_capability_id == "123f45"
    assert asked.additional_information_requested is True
    assert asked.ue_request_type is nas.UeRequestType.NAS_CONNECTION_RELEASE
    assert asked.paging_restriction == nas.PagingRestriction(
        nas.PagingRestrictionType.ALL_BUT_SESSIONS, frozenset((1,))
    )
    assert asked.mico_indication == nas.MicoIndication(all_plmn_registration_area=True)
    assert asked.network_slicing_indication == nas.NetworkSlicingIndication(subscription_changed=True)
    assert asked.requested_mapped_nssai == [SNssai(1, 0xFF)]
    assert asked.ladn_indication == ["lan"]


def test_where_a_ue_may_be() -> None:
    """Service area list (§9.11.3.49): TAIs of one PLMN not allowed, a whole PLMN allowed; LADN information."""
    told = accept("79 000d 04 03 6c616e 07 40 99f907 000001 27 0a 81 99f907 000001 020304")
    assert told.service_area_list == nas.ServiceArea((HERE, THERE), allowed=False)
    assert told.ladn_information == [nas.Ladn("lan", (HERE,))]
    whole = accept("27 04 60 99f907")
    assert whole.service_area_list == nas.ServiceArea(whole_plmn=PLMN)
    consecutive = nas.decode(bytes.fromhex("7e00420101 270722 99f907 000001"))
    assert isinstance(consecutive, nas.RegistrationAccept)
    assert consecutive.service_area_list == nas.ServiceArea(tuple(Tai(PLMN, n) for n in (1, 2, 3)))


def test_a_list_of_too_many_elements_counts_as_one_of_16() -> None:
    """§9.11.3.9: other numbers of elements are to be interpreted as 16."""
    tai_list = "5434 1f 99f907" + "".join(f"{n:06x}" for n in range(16))
    message = nas.decode(bytes.fromhex("7e00420101" + tai_list))
    assert isinstance(message, nas.RegistrationAccept)
    assert message.tai_list == [Tai(PLMN, n) for n in range(16)]


def test_network_features() -> None:
    told = accept("21 03 a7 15 40")
    support = told.network_feature_support
    assert support is not None
    assert (support.ims_vops_3gpp, support.ims_vops_non_3gpp) == (True, True)
    assert (support.emergency, support.emergency_fallback, support.restrict_enhanced_coverage) == (1, 2, 1)
    assert NetworkFeature.MPS_VALID in support
    assert NetworkFeature.EMERGENCY_NON_3GPP in support
    assert NetworkFeature.PAGING_RESTRICTION in support
    assert not support.interworking_without_n26
    made = nas.NetworkFeatureSupport.of(NetworkFeature.ATSSS, ims_vops_3gpp=True, emergency=3)
    assert made.octets.hex() == "0d0002"


def test_emergency_numbers() -> None:
    """TS 24.008 §10.5.3.13: police 110; TS 24.301 §9.9.3.37A: 112 of urn:service:sos.police."""
    told = accept("34 04 03 01 11 f0 7a 000b 01 02 11 f2 06 f0375b3e2e03")
    assert told.emergency_number_list == [nas.EmergencyNumber("110", 1)]
    numbers = told.extended_emergency_number_list
    assert numbers is not None
    assert numbers.in_plmn_only
    assert numbers.numbers[0].number == "112"
    spelt = nas.ExtendedEmergencyNumbers(
        (nas.NamedEmergencyNumber("911", "police.municipal"), nas.NamedEmergencyNumber("112", "fire123"))
    )
    message = told.replace(extended_emergency_number_list=spelt)
    assert nas.decode(nas.encode(message)) == message


def test_rejected_slices() -> None:
    """§9.11.3.75: two slices with one back-off timer, then one without."""
    groups = [
        nas.RejectedGroup(
            (
                nas.RejectedSNssai(SNssai(1), nas.RejectedCause.MAXIMUM_NUMBER_OF_UES_REACHED),
                nas.RejectedSNssai(SNssai(2, 0xFF), nas.RejectedCause.MAXIMUM_NUMBER_OF_UES_REACHED),
            ),
            back_off=3600,
        ),
        nas.RejectedGroup(
            (nas.RejectedSNssai(SNssai(3), nas.RejectedCause.NOT_AVAILABLE_IN_REGISTRATION_AREA),)
        ),
    ]
    told = accept("68 0c 11 06 1301 43020000ff 00 1103")
    assert told.extended_rejected_nssai == groups


def test_what_a_configuration_update_tells() -> None:
    told = update(
        "d3 49 01 01 91 f1 6c 01 6f 75 000d 0c 99f907 01 00000007 00000008 67 02 21 43 a1 1b 01 a6 c1 e2"
    )
    assert told.configuration_update_indication == nas.ConfigurationUpdateIndication(True, True)
    assert told.network_daylight_saving_time is nas.DaylightSaving.ONE_HOUR
    assert told.network_slicing_indication == nas.NetworkSlicingIndication(subscription_changed=True)
    assert told.sms_indication is True
    assert told.t3447 == 30
    assert told.cag_information_list == [nas.Cag(PLMN, (7, 8), only=True)]
    assert told.ue_radio_capability_id == "1234"
    assert told.ue_radio_capability_id_deletion_indication is nas.DeletionRequest.NETWORK_ASSIGNED_IDS
    assert told.truncated_5g_s_tmsi_configuration == nas.TruncatedSTmsi(6, 10)
    assert told.additional_configuration_indication is True
    assert told.priority_indicator == nas.PriorityIndicator(mcs=True)


def test_access_categories() -> None:
    """§9.11.3.38: category 33 of precedence 5 for DNN 'lan' and SST 1, used as category 7."""
    told = update("76 0010 0f 05 81 0b 00 01 04 03 6c616e 02 01 01 01 07")
    assert told.operator_defined_access_category_definitions == [
        nas.AccessCategory(5, 33, ("lan",), slices=(SNssai(1),), standardized=7)
    ]


def test_type_6_container() -> None:
    """§9.11.3.98 and §7.7.3: unknown elements, repeated and wrong ones do no harm, nor do octets left over."""
    element = "03 000a 01 01 07 40 99f907 000001"
    contents = bytes.fromhex(f"63 0001 00 {element} 03 0000 04 0001 ff 01 00")
    octets = bytes.fromhex("7e00420101 7d") + len(contents).to_bytes(2, "big") + contents
    message = nas.decode(octets)
    assert isinstance(message, nas.RegistrationAccept)
    elements = message.registration_accept_type_6_ie_container
    assert elements is not None
    assert elements.partially_allowed_nssai == [nas.PartialSNssai(SNssai(1), (HERE,))]
    assert elements.partially_rejected_nssai is None
    assert elements.unknown == ((0x63, b"\0"),)


def test_elements_out_of_sequence_are_told() -> None:
    """§7.6.2: they count all the same, and the message says so."""
    asked = nas.decode(bytes.fromhex(nas.RegistrationRequest.VECTORS[0] + "530100 50020200 b1"))
    assert isinstance(asked, nas.RegistrationRequest)
    assert asked.misplaced == ("pdu_session_status", "mico_indication")
    assert asked.pdu_session_status == {1}
    assert nas.plain(asked)["out_of_sequence"] == ["pdu_session_status", "mico_indication"]
    assert nas.decode(nas.encode(asked)) == asked
    assert not nas.decode(nas.encode(asked)).misplaced


# -- containers ----------------------------------------------------------------------------------------------


def test_multiple_payloads() -> None:
    """§9.11.3.39: a 5GSM message with PDU session identity and request type, and an SMS."""
    contents = bytes.fromhex("02 000b 21 12 01 05 80 01 01 2e0501d1 0004 02 aabbcc")
    found = nas.payloads(contents)
    assert found == [
        nas.Payload(
            nas.PayloadContainerType.N1_SM_INFORMATION,
            bytes.fromhex("2e0501d1"),
            pdu_session_id=5,
            request_type=nas.RequestType.INITIAL_REQUEST,
        ),
        nas.Payload(nas.PayloadContainerType.SMS, bytes.fromhex("aabbcc")),
    ]
    assert nas.payloads_octets(found) == contents
    container = nas.ULNASTransport(
        payload_container_type=nas.PayloadContainerType.MULTIPLE_PAYLOADS, payload_container=contents
    )
    assert nas.decode(nas.encode(container)) == container


def test_wrong_elements_of_a_payload_are_absent() -> None:
    """§7.6.3 and §7.7.1: an unknown one, a repeated one, one of two octets."""
    found = nas.payloads(bytes.fromhex("01 0015 51 7f0100 120105 120106 59020102 220101 2e0501d1"))
    assert found[0].unknown == ((0x7F, b"\0"),)
    assert (found[0].pdu_session_id, found[0].old_pdu_session_id) == (5, None)
    assert found[0].s_nssai == SNssai(1)
    assert found[0].contents.hex() == "2e0501d1"


@pytest.mark.parametrize(
    "contents", ["", "01", "010000", "01000521", "0100030212", "010004 21 12 05 01", "02 0001 01"]
)
def test_payloads_that_are_cut(contents: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        nas.payloads(bytes.fromhex(contents))


payload = st.builds(
    nas.Payload,
    st.integers(0, 15),
    st.binary(max_size=20),
    st.none() | octet,
    st.none() | st.binary(min_size=1, max_size=5),
    st.none() | octet,
    st.none() | st.sampled_from((0, 62, 600, nas.DEACTIVATED)),
    st.none() | octet,
    st.none() | st.integers(0, 7),
    st.none() | s_nssai,
    st.none() | dnn,
    st.none() | st.integers(0, 2),
    st.none() | st.integers(0, 1),
)


@settings(max_examples=200, derandomize=True, deadline=None, database=None)
@given(st.lists(payload, max_size=4))
def test_payloads_there_and_back(values: list[nas.Payload]) -> None:
    assert nas.payloads(nas.payloads_octets(values)) == values


@settings(max_examples=500, derandomize=True, deadline=None, database=None)
@given(st.binary(max_size=60))
def test_arbitrary_payloads(contents: bytes) -> None:
    try:
        found = nas.payloads(contents)
    except ValueError:
        return
    assert len(found) == contents[0]
