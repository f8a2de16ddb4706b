"""Every message of TS 24.501 clause 8: round trip of random values, and the vectors of foreign stacks."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.numbering import Guti, Imeisv, SNssai, Suci
from cinq.wire import nas

from .values import messages

KINDS: list[type[nas.NasMessage]] = [*nas.GMM_MESSAGES.values(), *nas.GSM_MESSAGES.values()]
VECTORS = [(kind, vector) for kind in KINDS for vector in kind.VECTORS]
SESSION_REQUEST = bytes.fromhex("2e0101c1ffff91")


def name(value: object) -> str:
    return value.__name__ if isinstance(value, type) else str(value)[:20]


def test_the_registry_is_whole() -> None:
    assert len(nas.GMM_MESSAGES) == 37
    assert len(nas.GSM_MESSAGES) == 20
    for kind in KINDS:
        assert getattr(nas, kind.__name__) is kind
        assert kind.NAME
        assert kind.CLAUSE.startswith("8.2" if issubclass(kind, nas.GmmMessage) else "8.3")


@pytest.mark.parametrize("kind", KINDS, ids=name)
def test_round_trip(kind: type[nas.NasMessage]) -> None:
    @settings(max_examples=30, derandomize=True, deadline=None, database=None)
    @given(messages(kind))
    def hold(message: nas.NasMessage) -> None:
        octets = nas.encode(message)
        again = nas.decode(octets)
        assert again == message
        assert not again.faults
        assert not again.unknown
        assert nas.encode(again) == octets
        json.dumps(nas.plain(again))

    hold()


@pytest.mark.parametrize(("kind", "vector"), VECTORS, ids=name)
def test_vectors(kind: type[nas.NasMessage], vector: str) -> None:
    message = nas.decode(bytes.fromhex(vector))
    assert type(message) is kind
    assert nas.encode(message).hex() == vector
    assert not message.faults
    assert not message.unknown


def test_what_the_captures_contain_has_a_vector() -> None:
    with_vector = {kind.__name__ for kind, _ in VECTORS}
    assert with_vector >= {
        "RegistrationRequest", "RegistrationAccept", "RegistrationComplete", "AuthenticationRequest",
        "AuthenticationResponse", "SecurityModeCommand", "SecurityModeComplete", "ConfigurationUpdateCommand",
        "ULNASTransport", "DLNASTransport", "PDUSessionEstablishmentRequest", "PDUSessionEstablishmentAccept",
        "PDUSessionReleaseRequest", "PDUSessionReleaseCommand", "PDUSessionReleaseComplete",
        "DeregistrationRequestUEOriginating", "DeregistrationAcceptUEOriginating",
    }  # fmt: skip


def test_values_of_a_registration() -> None:
    request = nas.decode(bytes.fromhex(nas.RegistrationRequest.VECTORS[0]))
    assert isinstance(request, nas.RegistrationRequest)
    assert request.registration_type == nas.RegistrationType(nas.RegistrationKind.INITIAL, follow_on=True)
    assert request.ng_ksi == nas.NO_KEY
    assert isinstance(request.mobile_identity, Suci)
    assert str(request.mobile_identity) == "suci-0-999-70-0000-0-0-0000000001"
    assert request.ue_security_capability == nas.UeSecurityCapability.of(
        range(4), range(4), range(4), range(4)
    )
    accept = nas.decode(bytes.fromhex(nas.RegistrationAccept.VECTORS[0]))
    assert isinstance(accept, nas.RegistrationAccept)
    assert isinstance(accept.guti, Guti)
    assert accept.allowed_nssai == [SNssai(1)]
    assert accept.t3512 == 540
    assert [str(tai) for tai in accept.tai_list or ()] == ["999-70-000001"]
    complete = nas.decode(bytes.fromhex(nas.SecurityModeComplete.VECTORS[0]))
    assert isinstance(complete, nas.SecurityModeComplete)
    assert complete.imeisv == Imeisv("4370816125816151")


def test_values_of_a_session() -> None:
    accept = nas.decode(bytes.fromhex(nas.PDUSessionEstablishmentAccept.VECTORS[0]))
    assert isinstance(accept, nas.PDUSessionEstablishmentAccept)
    assert (accept.pdu_session_id, accept.pti) == (1, 1)
    assert accept.selected_pdu_session_type is nas.PduSessionType.IPV4
    assert accept.selected_ssc_mode is nas.SscMode.SSC_MODE_1
    assert accept.session_ambr == nas.SessionAmbr(10**9, 10**9)
    rule = nas.QosRule(
        1,
        default=True,
        packet_filters=(nas.PacketFilter(1, components=nas.MATCH_ALL),),
        precedence=255,
        qfi=1,
    )
    assert accept.authorized_qos_rules == [rule]
    assert accept.authorized_qos_flow_descriptions == [nas.QosFlowDescription(1, five_qi=9)]
    assert accept.pdu_address is not None
    assert str(accept.pdu_address.ipv4) == "10.45.0.2"
    dns = [(nas.EPCO_DNS_SERVER_IPV4, bytes((8, 8, 8, 8))), (nas.EPCO_DNS_SERVER_IPV4, bytes((8, 8, 4, 4)))]
    assert accept.extended_pco == dns
    assert accept.dnn == "internet"


def test_container_lengths_depend_on_the_direction() -> None:
    """TS 24.008 §10.5.6.3: 0023 from the UE is an indicator, from the network QoS rules of a long length."""
    request = nas.decode(SESSION_REQUEST + bytes.fromhex("7b 0007 80 002300 000d00"))
    assert isinstance(request, nas.PDUSessionEstablishmentRequest)
    assert request.extended_pco == [(0x0023, b""), (nas.EPCO_DNS_SERVER_IPV4, b"")]
    command = nas.PDUSessionModificationCommand(pdu_session_id=1, pti=0, extended_pco=[(0x0023, bytes(300))])
    assert nas.decode(nas.encode(command)) == command


def test_messages_are_frozen_values() -> None:
    status = nas.FiveGMMStatus(cause=nas.GmmCause.PROTOCOL_ERROR_UNSPECIFIED)
    with pytest.raises(AttributeError, match="frozen"):
        status.cause = 1  # type: ignore[misc]  # what mypy refuses, the run refuses too
    assert status.replace(cause=97).cause == 97
    assert status != nas.FiveGSMStatus(pdu_session_id=1, pti=0, cause=111)
    assert repr(status).startswith("FiveGMMStatus(cause=<GmmCause.PROTOCOL_ERROR")
    with pytest.raises(TypeError, match="cause"):
        nas.FiveGMMStatus()  # type: ignore[call-arg]  # as above
    with pytest.raises(TypeError, match="t9999"):
        nas.RegistrationReject(cause=3, t9999=1)  # type: ignore[call-arg]  # as above


def test_cleartext_elements() -> None:
    request = nas.decode(bytes.fromhex(nas.RegistrationRequest.VECTORS[1]))
    assert isinstance(request, nas.RegistrationRequest)
    assert request.requested_nssai
    clear = request.cleartext()
    assert clear.requested_nssai is None
    assert clear.mobile_identity == request.mobile_identity
    assert clear.ue_security_capability == request.ue_security_capability


def test_what_may_be_unprotected() -> None:
    """TS 24.501 §4.4.4.2 and §4.4.4.3."""
    assert {kind.__name__ for kind in nas.GMM_MESSAGES.values() if kind.UNPROTECTED} == {
        "RegistrationRequest", "IdentityResponse", "AuthenticationResponse", "AuthenticationFailure",
        "SecurityModeReject", "DeregistrationRequestUEOriginating", "DeregistrationAcceptUETerminated",
        "IdentityRequest", "AuthenticationRequest", "AuthenticationResult", "AuthenticationReject",
        "RegistrationReject", "DeregistrationAcceptUEOriginating", "ServiceReject",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "octet"),
    [
        (540, 0x92),
        (0, 0x60),
        (2, 0x61),
        (62, 0x7F),
        (900, 0x9E),
        (1620, 0xBB),
        (3600, 0x06),
        (nas.DEACTIVATED, 0xE0),
    ],
)
def test_t3512_coding(seconds: int, octet: int) -> None:
    """GPRS timer 3: the finest unit that gives the time exactly."""
    accept = nas.RegistrationAccept(registration_result=nas.RegistrationResult(), t3512=seconds)
    octets = nas.encode(accept)
    assert octets[-1] == octet
    assert nas.decode(octets) == accept


def test_a_timer_without_a_coding_becomes_the_next_longer() -> None:
    octets = nas.encode(nas.RegistrationReject(cause=22, t3346=601))
    again = nas.decode(octets)
    assert isinstance(again, nas.RegistrationReject)
    assert again.t3346 == 660
    with pytest.raises(nas.NasError, match="t3346"):
        nas.encode(nas.RegistrationReject(cause=22, t3346=10**7))


@settings(max_examples=200, derandomize=True, deadline=None, database=None)
@given(st.integers(0, 20 * 10**12))
def test_bit_rates_are_never_less_than_asked(rate: int) -> None:
    command = nas.PDUSessionModificationCommand(
        pdu_session_id=1, pti=1, session_ambr=nas.SessionAmbr(rate, 1000)
    )
    again = nas.decode(nas.encode(command))
    assert isinstance(again, nas.PDUSessionModificationCommand)
    assert again.session_ambr is not None
    assert rate <= again.session_ambr.downlink_bps <= rate + max(1000, rate // 10000)


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("Open5GS", "43 08 87 4f78d95d3b4e01"),  # seven bits of the last octet are spare
        (
            "Telefónica",
            "43 15 90 00540065006c0065006600f3006e006900630061",
        ),  # ó is none of the alphabet: UCS2
        ("Zürich", "43 07 86 5abf3c3d4603"),
        ("€", "43 03 90 20ac"),  # by the escape only
    ],
)
def test_a_network_name_is_in_the_gsm_alphabet_where_it_has_every_letter(text: str, octets: str) -> None:
    """TS 24.008 §10.5.3.5a: free-ran-ue 2 reads no UCS2."""
    command = nas.ConfigurationUpdateCommand(full_network_name=nas.NetworkName.of(text))
    coded = nas.encode(command)
    assert coded == bytes.fromhex("7e0054" + octets)
    decoded = nas.decode(coded)
    assert isinstance(decoded, nas.ConfigurationUpdateCommand)
    assert decoded.full_network_name == command.full_network_name
    assert decoded.full_network_name.text == text
