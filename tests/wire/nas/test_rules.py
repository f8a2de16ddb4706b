"""What a receiver does with messages that are wrong: TS 24.501 clause 7, TS 24.007 §11.2.4."""

from __future__ import annotations

import random

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from cinq.wire import nas
from cinq.wire.error import WireError
from cinq.wire.nas.row import Codec, Format, Row

from .values import messages

KINDS: list[type[nas.NasMessage]] = [*nas.GMM_MESSAGES.values(), *nas.GSM_MESSAGES.values()]
REQUEST = bytes.fromhex(nas.RegistrationRequest.VECTORS[0])
SESSION = bytes.fromhex(nas.PDUSessionEstablishmentRequest.VECTORS[0])


def fails(octets: bytes) -> nas.NasError:
    with pytest.raises(nas.NasError) as caught:
        nas.decode(octets)
    return caught.value


@pytest.mark.parametrize(
    "octets", ["", "7e", "7e00", "2e", "2e01", "2e0101", "00", "004179", "417e00", "ff" * 40]
)
def test_too_short_or_of_no_protocol_is_to_be_ignored(octets: str) -> None:
    """§7.2.1 and §9.2: no cause, since there is nothing to answer."""
    assert fails(bytes.fromhex(octets)).cause is None


def test_unknown_message_types() -> None:
    mobility = fails(b"\x7e\x00\x3f\x01")
    assert (mobility.cause, mobility.message_type) == (nas.GmmCause(97), 0x3F)
    session = fails(b"\x2e\x05\x07\x3f\x01")
    assert (session.cause, session.message_type) == (nas.GsmCause(97), 0x3F)
    assert (session.pdu_session_id, session.pti) == (5, 7)


def test_a_protected_message_is_not_plain() -> None:
    assert fails(b"\x7e\x02\x41\x00\x00\x00\x00\x00").cause is None


@pytest.mark.parametrize("length", range(3, len(REQUEST) - 6))
def test_missing_mandatory_element(length: int) -> None:
    error = fails(REQUEST[:length])
    assert error.cause == nas.GmmCause.INVALID_MANDATORY_INFORMATION
    assert error.message_type == 0x41
    assert error.ie in ("registration_type", "mobile_identity")


@pytest.mark.parametrize(
    "identity",
    [
        "",  # DEV-003: lengths 0, 1 and 3 of SUCI, 5G-GUTI and 5G-S-TMSI
        "01",
        "0199f9",
        "f2",
        "f299f9",
        "f4",
        "f4aabb",
        "0199f907000000",
        "0199f90700000000",
        "0199f90700000000" + "21436587092143658709" * 2,  # DEV-004: 40 digits
        "0199f907000000000a",  # not decimal
        "01aaf90700000000 0000000010",  # MCC not decimal
        "f299f907020040c00003",  # 5G-GUTI, one octet short
        "f299f907020040c00003ff00",  # one too long
        "0b11",  # IMEI too short
        "06aabbccddeeff",  # MAC address: not supported
        "1199f907",  # SUPI format network specific identifier: no NAI
        "11" + b"user17@example.com".hex(),  # a NAI that is no SUCI
        "21" + b"type1.rid678.schid0.useriduser17@example.com".hex(),  # SUPI format GCI, SUPI type NSI
        "11" + b"type1.rid67800.schid0.useriduser17@example.com".hex(),
        "11" + b"type1.rid678.schid1.hnkey27.ecckey00.cip00.mac00@example.com".hex(),
        "11" + b"type1.rid678.schid0.useriduser17@example.com".hex() + "ff",  # not UTF-8
    ],
)
def test_wrong_mobile_identity(identity: str) -> None:
    contents = bytes.fromhex(identity)
    octets = b"\x7e\x00\x41\x79" + len(contents).to_bytes(2, "big") + contents + b"\x2e\x02\xf0\xf0"
    error = fails(octets)
    assert (error.cause, error.ie) == (96, "mobile_identity")


@pytest.mark.parametrize(
    ("identity", "suci"),
    [
        ("11" + b"type1.rid678.schid0.useriduser17@example.com".hex(), "suci-1-example.com-678-0-0-user17"),
        ("11" + b"type1.rid678.schid0.userid@example.com".hex(), "suci-1-example.com-678-0-0-"),
        ("21" + b"type3.rid0.schid0.userid00aabb@5gc.example".hex(), "suci-3-5gc.example-0-0-0-00aabb"),
        ("31" + b"type2.rid0.schid0.useridline@5gc.example".hex(), "suci-2-5gc.example-0-0-0-line"),
        ("7199f90700000000" + "0000000010", "suci-0-999-70-0000-0-0-0000000001"),
    ],
)
def test_suci_in_the_form_of_a_nai(identity: str, suci: str) -> None:
    """§9.11.3.4 and TS 23.003 §28.7.3; a SUPI format without meaning counts as that of an IMSI."""
    contents = bytes.fromhex(identity)
    octets = b"\x7e\x00\x41\x79" + len(contents).to_bytes(2, "big") + contents + b"\x2e\x02\xf0\xf0"
    message = nas.decode(octets)
    assert isinstance(message, nas.RegistrationRequest)
    assert str(message.mobile_identity) == suci
    if not suci.startswith("suci-0"):
        assert nas.encode(message) == octets


def test_optional_element_that_is_wrong_is_absent() -> None:
    """§7.6.4: an NSSAI whose inner length overruns, then a good element."""
    message = nas.decode(REQUEST + bytes.fromhex("2f 02 05 01") + b"\x50\x02\x20\x00")
    assert isinstance(message, nas.RegistrationRequest)
    assert message.requested_nssai is None
    assert [name for name, _ in message.faults] == ["requested_nssai"]
    assert message.pdu_session_status == frozenset((5,))


def test_optional_element_that_overruns_the_message_is_absent() -> None:
    message = nas.decode(SESSION[:-3])  # DEV-024: extended PCO cut
    assert isinstance(message, nas.PDUSessionEstablishmentRequest)
    assert message.extended_pco is None
    assert [name for name, _ in message.faults] == ["extended_pco"]
    again = nas.decode(
        SESSION[:7] + b"\x7b\x00\x05\x80\x00\x0d\x09\x00"
    )  # a container longer than the element
    assert [name for name, _ in again.faults] == ["extended_pco"]


def test_repeated_element_the_first_counts() -> None:
    """§7.6.3."""
    message = nas.decode(REQUEST + b"\x50\x02\x02\x00" + b"\x50\x02\x04\x00")
    assert isinstance(message, nas.RegistrationRequest)
    assert message.pdu_session_status == frozenset((1,))
    wrong_first = nas.decode(REQUEST + b"\x50\x01\x02" + b"\x50\x02\x04\x00")
    assert isinstance(wrong_first, nas.RegistrationRequest)
    assert wrong_first.pdu_session_status is None


def test_unknown_elements_are_skipped_by_their_form() -> None:
    """TS 24.007 §11.2.4: one octet from 80, two octets of length from 70, else one."""
    message = nas.decode(REQUEST + b"\xf5" + b"\x7f\x00\x02\xaa\xbb" + b"\x6f\x01\xcc" + b"\x50\x02\x02\x00")
    assert isinstance(message, nas.RegistrationRequest)
    assert message.unknown == ((0x0F, b"\x05"), (0x7F, b"\xaa\xbb"), (0x6F, b"\xcc"))
    assert message.pdu_session_status == frozenset((1,))
    assert message == nas.decode(REQUEST + b"\x50\x02\x02\x00")


@pytest.mark.parametrize("tag", range(16))
def test_unknown_element_that_wants_comprehension(tag: int) -> None:
    """§7.5.1: such an element makes the message one with invalid mandatory information."""
    assert fails(REQUEST + bytes((tag, 0))).cause == 96
    error = fails(SESSION + bytes((tag, 0)))
    assert (error.cause, error.pdu_session_id) == (96, SESSION[1])


@pytest.mark.parametrize(
    "contents", ["", "00", "0561" * 40, "3f" + "61" * 63 + "24" + "61" * 36, "05 61 62", "02 2d 61"]
)
def test_wrong_dnn_raises_and_hands_over_the_rest(contents: str) -> None:
    """DEV-027: DNN of length 0, of more than 100 octets, with labels that do not fit or are no labels."""
    name = bytes.fromhex(contents)
    transport = bytes.fromhex(nas.ULNASTransport.VECTORS[0])
    plain = transport[: transport.rindex(b"\x25\x09")]
    error = fails(plain + bytes((0x25, len(name))) + name)
    assert (error.cause, error.ie) == (96, "dnn")
    assert isinstance(error.partial, nas.ULNASTransport)
    assert error.partial.pdu_session_id == 1
    assert error.partial.dnn is None


@pytest.mark.parametrize(
    "rules",
    [
        "01 00 07 31 31 01 01 ff 01",
        "01 00 06 3f 31 01 01 ff 01",
        "01 00 06 31 31 09 01 ff 01",
        "01 00 00 01",
        "01 00 05 31 31 01 01 ff",
    ],
)
def test_wrong_qos_rules(rules: str) -> None:
    """DEV-026: a QoS rule or packet filter that is longer than what remains."""
    contents = bytes.fromhex(rules)
    octets = b"\x2e\x01\x01\xcb\x7a" + len(contents).to_bytes(2, "big") + contents
    message = nas.decode(octets)
    assert [name for name, _ in message.faults] == ["authorized_qos_rules"]


def test_empty_qos_flow_descriptions() -> None:
    message = nas.decode(b"\x2e\x01\x01\xc9\x79\x00\x00")  # DEV-025
    assert isinstance(message, nas.PDUSessionModificationRequest)
    assert [name for name, _ in message.faults] == ["requested_qos_flow_descriptions"]


@pytest.mark.parametrize("length", range(1, 8))
def test_envelope_that_is_too_short(length: int) -> None:
    """DEV-002."""
    with pytest.raises(nas.NasError) as caught:
        nas.decode_envelope(b"\x7e\x02\xaa\xbb\xcc\xdd\x00"[:length])
    assert caught.value.cause is None


def test_envelope() -> None:
    assert nas.decode_envelope(REQUEST) == REQUEST
    assert nas.decode_envelope(SESSION) == SESSION
    protected = nas.Protected(nas.SecurityHeader.INTEGRITY_CIPHERED, b"\1\2\3\4", 255, b"\xaa")
    assert nas.encode_envelope(protected) == b"\x7e\x02\1\2\3\4\xff\xaa"
    assert nas.decode_envelope(nas.encode_envelope(protected)) == protected
    assert nas.plain(protected)["header_type"] == "INTEGRITY_CIPHERED (2)"
    for wrong in (b"\x7e\x05" + bytes(9), b"\x00" * 9, b""):
        with pytest.raises(nas.NasError):
            nas.decode_envelope(wrong)
    with pytest.raises(nas.NasError):
        nas.encode_envelope(nas.Protected(nas.SecurityHeader.INTEGRITY, b"\1", 1, b""))


@pytest.mark.parametrize(
    "message",
    [
        nas.RegistrationReject(cause=256),
        nas.RegistrationReject(cause=3, t3346=-7),
        nas.FiveGSMStatus(pdu_session_id=256, pti=0, cause=3),
        nas.AuthenticationRequest(ng_ksi=nas.NgKsi(99), abba=b"\0\0"),
        nas.AuthenticationRequest(ng_ksi=nas.NgKsi(0), abba=b"\0\0", rand=b"\0" * 15),
        nas.ULNASTransport(payload_container_type=1, payload_container=b"\0" * 70000),
        nas.ServiceAccept(pdu_session_status=frozenset((16,))),
        nas.ServiceAccept(pdu_session_status="five"),  # type: ignore[arg-type]  # mypy refuses it too
    ],
    ids=lambda message: type(message).__name__,
)
def test_values_without_an_encoding(message: nas.NasMessage) -> None:
    with pytest.raises(nas.NasError) as caught:
        nas.encode(message)
    assert isinstance(caught.value, WireError)


@settings(max_examples=1500, derandomize=True, deadline=None, database=None)
@given(st.sampled_from(KINDS), st.binary(max_size=90))
def test_arbitrary_octets_raise_nas_error_only(kind: type[nas.NasMessage], body: bytes) -> None:
    head = b"\x7e\x00" if kind.EPD == 0x7E else b"\x2e\x01\x01"
    try:
        message = nas.decode(head + bytes((kind.TYPE,)) + body)
    except nas.NasError as error:
        assert error.message_type == kind.TYPE  # noqa: PT017  # the other outcome is as good
        return
    assert nas.decode(nas.encode(message)) == message


def test_mutated_messages_raise_nas_error_only() -> None:
    """Octets of real messages changed, cut, doubled and inserted; what decodes, encodes and decodes to the same."""
    dice = random.Random(24501)
    real = [bytes.fromhex(vector) for kind in KINDS for vector in kind.VECTORS]
    read = 0
    for _ in range(20_000):
        octets = bytearray(dice.choice(real))
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(2, len(octets)) if len(octets) > 2 else 0
            action = dice.randrange(4)
            if action == 0 and octets:
                octets[at] = dice.choice((0, 1, 0x7F, 0x80, 0xFF, dice.randrange(256)))
            elif action == 1:
                del octets[at:]
            elif action == 2:
                octets[at:at] = dice.randbytes(dice.randint(1, 4))
            else:
                octets[at:at] = octets[at : at + dice.randint(1, 8)]
        try:
            message = nas.decode(bytes(octets))
        except nas.NasError:
            continue
        read += 1
        nas.plain(message)
        assert nas.decode(nas.encode(message)) == message
    assert read > 2_000


def _contents(dice: random.Random, row: Row) -> bytes:
    """Any octets, or small numbers such as lengths and kinds are, of a length that fits the row."""
    assert isinstance(row.codec, Codec)
    size = dice.randint(row.codec.low, min(row.codec.high, row.codec.low + dice.choice((0, 1, 8, 40))))
    if dice.random() < 0.4:
        return dice.randbytes(size)
    return bytes(dice.choice((0, 1, 2, 3, 4, 5, 6, 7, 9, 0x10, 0x99, 0xF9)) for _ in range(size))


def _element(dice: random.Random, row: Row) -> bytes:
    tag = row.iei or 0
    if row.format is Format.TV1:
        return bytes((tag << 4 | dice.randrange(16),))
    contents = _contents(dice, row)
    if row.format is Format.TV:
        return bytes((tag,)) + contents
    if row.format is Format.TLV:
        return bytes((tag, len(contents))) + contents
    return bytes((tag,)) + len(contents).to_bytes(2, "big") + contents


def test_elements_of_random_contents() -> None:
    """Every optional element with any contents: a meaning that has an encoding, or a fault; nothing else."""
    dice = random.Random(24008)
    optional = [(kind, row) for kind in KINDS for row in kind.ROWS if not (row.mandatory or row.strict)]
    heads = {kind: _head(kind) for kind in KINDS}
    read = 0
    for _ in range(12_000):
        kind, row = dice.choice(optional)
        message = nas.decode(heads[kind] + _element(dice, row))
        nas.plain(message)
        read += row.name in message.fields
        assert (row.name in message.fields) != (row.name in dict(message.faults))
        assert nas.decode(nas.encode(message)) == message
    assert read > 6_000


def _head(kind: type[nas.NasMessage]) -> bytes:
    """A message of the kind with its mandatory elements only."""
    needed = messages(kind, frozenset())
    return nas.encode(find(needed, lambda _: True, settings=settings(database=None, derandomize=True)))
