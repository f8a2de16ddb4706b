"""TS 38.413 clause 10: what decoding says of a message that is not as it should be."""

from __future__ import annotations

import pytest

from cinq.wire import ngap
from cinq.wire.error import WireError

REJECT, IGNORE, NOTIFY = 0, 1, 2
IDS = {name: number for number, name in ngap.IE_NAMES.items()}
AMF_ID, RAN_ID, NAS = IDS["AMF-UE-NGAP-ID"], IDS["RAN-UE-NGAP-ID"], IDS["NAS-PDU"]
LOCATION, ESTABLISHMENT = IDS["UserLocationInformation"], IDS["RRCEstablishmentCause"]
UNKNOWN = 4711

Ie = tuple[int, int, bytes]
NAS_IE: Ie = (NAS, REJECT, bytes.fromhex("03 7e0041"))
IDS_IES: list[Ie] = [(AMF_ID, REJECT, b"\x00\x01"), (RAN_ID, REJECT, b"\x00\x02")]


def pdu(*ies: Ie, kind: int = 0, code: int = 4, criticality: int = IGNORE) -> bytes:
    """A PDU of these IEs; a DownlinkNASTransport unless told otherwise."""
    content = b"\x00" + len(ies).to_bytes(2, "big")
    for ie, level, octets in ies:
        content += ie.to_bytes(2, "big") + bytes([level << 6, len(octets)]) + octets
    assert len(content) < 128
    return bytes([kind << 5, code, criticality << 6, len(content)]) + content


def fault(octets: bytes) -> ngap.NgapError:
    with pytest.raises(ngap.NgapError) as raised:
        ngap.decode(octets)
    assert isinstance(raised.value, WireError)
    assert raised.value.clause.startswith("TS 38.413 §10")
    return raised.value


def test_a_message_as_it_should_be() -> None:
    message = ngap.decode(pdu(*IDS_IES, NAS_IE))
    assert message == ngap.DownlinkNASTransport(amf_ue_ngap_id=1, ran_ue_ngap_id=2, nas_pdu=b"\x7e\x00\x41")
    assert message.diagnostics == ()
    assert (message.PROCEDURE_CODE, message.PROCEDURE) == (4, "DownlinkNASTransport")
    assert (message.KIND, message.CRITICALITY) == ("initiatingMessage", "ignore")


@pytest.mark.parametrize("place", [0, 1, 3])
def test_an_unknown_ie_to_ignore_is_passed_over(place: int) -> None:
    ies = [*IDS_IES, NAS_IE]
    ies.insert(place, (UNKNOWN, IGNORE, b"\xff\xff"))
    message = ngap.decode(pdu(*ies))
    assert message == ngap.DownlinkNASTransport(amf_ue_ngap_id=1, ran_ue_ngap_id=2, nas_pdu=b"\x7e\x00\x41")
    assert message.diagnostics == ()


def test_an_unknown_ie_to_notify_is_in_the_diagnostics() -> None:
    message = ngap.decode(pdu(*IDS_IES, (UNKNOWN, NOTIFY, b"\0"), NAS_IE))
    assert message.diagnostics == (("notify", UNKNOWN, "not-understood"),)


def test_an_unknown_ie_to_reject() -> None:
    error = fault(pdu(*IDS_IES, (UNKNOWN, REJECT, b"\0"), NAS_IE, (UNKNOWN + 1, NOTIFY, b"\0")))
    assert error.cause == "abstract-syntax-error-reject"
    assert error.ies == (("reject", UNKNOWN, "not-understood"), ("notify", UNKNOWN + 1, "not-understood"))
    assert (error.procedure_code, error.triggering_message) == (4, "initiatingMessage")
    assert error.procedure_criticality == "ignore"
    assert error.offset == 7 + 6 + 6
    assert isinstance(error.partial, ngap.DownlinkNASTransport)
    assert error.partial.ran_ue_ngap_id == 2
    assert error.partial.nas_pdu == b"\x7e\x00\x41"
    assert not error.tolerable


def test_a_missing_ie_to_reject() -> None:
    error = fault(pdu(IDS_IES[0], NAS_IE))
    assert error.cause == "abstract-syntax-error-reject"
    assert error.ies == (("reject", RAN_ID, "missing"),)
    assert isinstance(error.partial, ngap.DownlinkNASTransport)
    assert error.partial.amf_ue_ngap_id == 1


def test_a_missing_ie_to_ignore_can_be_tolerated() -> None:
    location = bytes.fromhex("40 99f907 0000000010 99f907 000001".replace(" ", ""))
    error = fault(pdu((RAN_ID, REJECT, b"\0\2"), NAS_IE, (LOCATION, REJECT, location), code=15))
    assert error.cause == "abstract-syntax-error-ignore-and-notify"
    assert error.ies == (("ignore", ESTABLISHMENT, "missing"),)
    assert error.tolerable
    assert isinstance(error.partial, ngap.InitialUEMessage)
    assert error.partial.user_location_information[0] == "userLocationInformationNR"


@pytest.mark.parametrize(
    "ies",
    [
        (IDS_IES[0], IDS_IES[0], IDS_IES[1], NAS_IE),
        (IDS_IES[1], IDS_IES[0], NAS_IE),
        (*IDS_IES, NAS_IE, NAS_IE),
    ],
    ids=["twice", "order", "last-twice"],
)
def test_ies_twice_or_in_the_wrong_order(ies: tuple[Ie, ...]) -> None:
    error = fault(pdu(*ies))
    assert error.cause == "abstract-syntax-error-falsely-constructed-message"
    assert error.clause == "TS 38.413 §10.3.6"
    assert isinstance(error.partial, ngap.DownlinkNASTransport)


def test_an_ie_that_cannot_be_decoded() -> None:
    error = fault(pdu(*IDS_IES, (NAS, REJECT, b"\x09\x7e")))
    assert error.cause == "transfer-syntax-error"
    assert error.what == "NAS-PDU (38): the octets end too early"
    assert isinstance(error.partial, ngap.DownlinkNASTransport)
    assert error.partial.amf_ue_ngap_id == 1


@pytest.mark.parametrize("cut", range(4, 25))
def test_a_message_cut_short(cut: int) -> None:
    octets = pdu(*IDS_IES, NAS_IE)
    assert fault(octets[:cut]).cause == "transfer-syntax-error"
    announced = octets[:3] + bytes([cut - 4]) + octets[4:cut]
    assert fault(announced).cause == "transfer-syntax-error"


@pytest.mark.parametrize(
    "octets", [b"", b"\0", b"\0\x04\0", b"\x80\x04\0\0", b"\x60\x04\0\0", b"\0\x04\xc0\0"]
)
def test_no_pdu_at_all(octets: bytes) -> None:
    error = fault(octets)
    assert error.cause == "transfer-syntax-error"
    assert error.partial is None


def test_octets_behind_the_pdu() -> None:
    """They are no part of it, and are passed over; a reader shows them (decision 12)."""
    octets = pdu(*IDS_IES, NAS_IE)
    assert ngap.decode(octets + bytes(448)) == ngap.decode(octets) == ngap.decode(octets + b"\xff")


@pytest.mark.parametrize(
    ("criticality", "cause", "silent"),
    [
        (REJECT, "abstract-syntax-error-reject", False),
        (IGNORE, "abstract-syntax-error-ignore-and-notify", True),
        (NOTIFY, "abstract-syntax-error-ignore-and-notify", False),
    ],
)
def test_unknown_procedures(criticality: int, cause: str, silent: bool) -> None:
    error = fault(pdu(code=250, criticality=criticality))
    assert (error.cause, error.silent, error.procedure_code) == (cause, silent, 250)


def test_a_kind_that_the_procedure_does_not_have() -> None:
    error = fault(pdu(kind=1))
    assert error.cause == "abstract-syntax-error-reject"
    assert error.triggering_message == "successfulOutcome"


def test_unknown_extensions_inside_an_ie() -> None:
    """An item of a list whose iE-Extensions hold an unknown IE, made out of a known one."""

    def update(criticality: int) -> bytes:
        message = ngap.AMFConfigurationUpdate(
            served_guami_list=[
                ngap.ServedGUAMIItem(
                    guami=ngap.GUAMI(
                        plmn_identity=b"\x99\xf9\x07", amf_region_id=1, amf_set_id=2, amf_pointer=3
                    ),
                    guami_type="native",
                )
            ]
        )
        octets = bytearray(ngap.encode(message))
        at = octets.rindex((IDS["GUAMIType"]).to_bytes(2, "big"))
        octets[at : at + 3] = UNKNOWN.to_bytes(2, "big") + bytes([criticality << 6])
        return bytes(octets)

    ignored = ngap.decode(update(IGNORE))
    assert isinstance(ignored, ngap.AMFConfigurationUpdate)
    assert ignored.served_guami_list is not None
    assert ignored.served_guami_list[0].guami_type is None
    assert ignored.diagnostics == ()
    assert ngap.decode(update(NOTIFY)).diagnostics == (("notify", UNKNOWN, "not-understood"),)
    error = fault(update(REJECT))
    assert error.cause == "abstract-syntax-error-reject"
    assert error.ies == (("reject", UNKNOWN, "not-understood"),)


def test_a_location_heard_before_gives_its_notice_again() -> None:
    """Locations are decoded once; not so one with an extension IE that its sender wants to hear of."""
    cgi = ngap.NRCGI(plmn_identity=b"\x99\xf9\x07", nr_cell_identity=16)
    tai = ngap.TAI(plmn_identity=b"\x99\xf9\x07", tac=b"\0\0\1")
    location = ngap.UserLocationInformationNR(nr_cgi=cgi, tai=tai, nid=5)
    message = ngap.UplinkNASTransport(
        amf_ue_ngap_id=1,
        ran_ue_ngap_id=2,
        nas_pdu=b"\x7e\x00\x41",
        user_location_information=("userLocationInformationNR", location),
    )
    octets = bytearray(ngap.encode(message))
    assert ngap.decode(bytes(octets)) == ngap.decode(bytes(octets)) == message
    at = octets.index(IDS["NID"].to_bytes(2, "big"))
    octets[at : at + 3] = UNKNOWN.to_bytes(2, "big") + bytes([NOTIFY << 6])
    for _ in range(2):
        assert ngap.decode(bytes(octets)).diagnostics == (("notify", UNKNOWN, "not-understood"),)


@pytest.mark.parametrize(
    ("inner", "outer", "ies"),
    [
        (REJECT, REJECT, (("reject", UNKNOWN, "not-understood"),)),
        (IGNORE, REJECT, (("reject", LOCATION, "not-understood"),)),
        (IGNORE, NOTIFY, (("notify", LOCATION, "not-understood"),)),
        (IGNORE, IGNORE, (("ignore", LOCATION, "missing"),)),
    ],
)
def test_an_unknown_alternative_of_a_choice(
    inner: int, outer: int, ies: tuple[ngap.IeDiagnostic, ...]
) -> None:
    """The location of an UplinkNASTransport is a choice-Extensions IE that nobody knows."""
    location = b"\xc0" + UNKNOWN.to_bytes(2, "big") + bytes([inner << 6, 1, 0])
    octets = pdu(*IDS_IES, NAS_IE, (LOCATION, outer, location), code=46)
    error = fault(octets)
    assert error.ies == ies
    assert error.tolerable == (outer != REJECT)
    rejected = error.cause == "abstract-syntax-error-reject"
    assert rejected == (outer == REJECT)


def test_a_transfer_with_an_unknown_ie() -> None:
    transfer = ngap.PDUSessionResourceSetupRequestTransfer
    with pytest.raises(ngap.NgapError) as raised:
        ngap.decode_value(transfer, b"\0\0\1" + UNKNOWN.to_bytes(2, "big") + b"\0\1\0")
    assert raised.value.cause == "abstract-syntax-error-reject"
    assert raised.value.ies[0] == ("reject", UNKNOWN, "not-understood")
    assert raised.value.procedure_code is None
    with pytest.raises(ngap.NgapError):
        ngap.decode_value(ngap.HandoverCommandTransfer, b"")


def test_private_ies_keep_their_order_and_criticality() -> None:
    message = ngap.PrivateMessage(
        private_ies=[
            ngap.PrivateIEField(id=("global", "1.3.6.1.4.1.99999"), criticality="ignore", value=b"\1\2"),
            ngap.PrivateIEField(id=("local", 65535), criticality="notify", value=b"\3"),
        ]
    )
    assert ngap.decode(ngap.encode(message)) == message


def test_values_that_have_no_encoding() -> None:
    good = {"amf_ue_ngap_id": 1, "ran_ue_ngap_id": 2, "nas_pdu": b""}
    for name, value in {"amf_ue_ngap_id": 1 << 40, "ran_ue_ngap_id": -1, "nas_pdu": None}.items():
        with pytest.raises(ngap.NgapError, match="DownlinkNASTransport"):
            ngap.encode(ngap.DownlinkNASTransport(**good | {name: value}))  # type: ignore[arg-type]
    with pytest.raises(ngap.NgapError, match="TAI"):
        ngap.encode(ngap.TAI(plmn_identity=b"\0\0\0", tac=b"\0\0\0"))  # type: ignore[arg-type]
    cause = ("nas", "normal")
    release = ngap.UEContextReleaseCommand(ue_ngap_ids=("aMF-UE-NGAP-ID", 1), cause=cause)  # type: ignore[arg-type]
    with pytest.raises(ngap.NgapError, match="normal"):
        ngap.encode(release)


def test_a_criticality_that_does_not_exist() -> None:
    error = fault(pdu(*IDS_IES, (UNKNOWN, 3, b"\0"), NAS_IE))
    assert error.cause == "transfer-syntax-error"
    assert error.what == "there is no such criticality"


def test_equality_and_plain_form() -> None:
    tai = ngap.TAI(plmn_identity=b"\x99\xf9\x07", tac=b"\0\0\1")
    assert tai == ngap.TAI(plmn_identity=b"\x99\xf9\x07", tac=b"\0\0\1")
    assert tai != ngap.TAI(plmn_identity=b"\x99\xf9\x07", tac=b"\0\0\2")
    assert tai != b""
    assert repr(tai) == "TAI(plmn_identity=b'\\x99\\xf9\\x07', tac=b'\\x00\\x00\\x01')"
    assert ngap.plain(("tAI", tai)) == {"tAI": {"plmn_identity": "99f907", "tac": "000001"}}
    assert ngap.plain((5, 4)) == "0101"
