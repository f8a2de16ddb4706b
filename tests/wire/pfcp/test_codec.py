"""PFCP rows in both directions, against pycrate, and against what a peer may get wrong (TS 29.244 §7.6)."""

from __future__ import annotations

import random
from inspect import get_annotations
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.numbering import SNssai
from cinq.wire import pfcp
from cinq.wire.pfcp import Cause, PfcpError
from cinq.wire.pfcp.row import Row, layouts

QUICK = settings(max_examples=150, derandomize=True, deadline=None)


def establishment() -> pfcp.SessionEstablishmentRequest:
    uplink = pfcp.CreatePdr(
        pdr_id=1,
        precedence=255,
        pdi=pfcp.Pdi(
            source_interface=pfcp.Interface.ACCESS,
            f_teid=pfcp.FTeid.choose(1),
            network_instance=pfcp.NetworkInstance("internet"),
            ue_ip_addresses=[pfcp.UeIpAddress(IPv4Address("10.45.0.2"))],
            qfis=[1],
        ),
        outer_header_removal=pfcp.OuterHeaderRemoval(0),
        far_id=1,
        qer_ids=[1],
    )
    return pfcp.SessionEstablishmentRequest(
        node_id=pfcp.NodeId(IPv4Address("127.0.0.4")),
        cp_f_seid=pfcp.FSeid(7, IPv4Address("127.0.0.4")),
        create_pdrs=[uplink],
        create_fars=[pfcp.CreateFar(far_id=1, apply_action=pfcp.ApplyAction(pfcp.ApplyAction.FORW))],
        create_qers=[pfcp.CreateQer(qer_id=1, gate_status=pfcp.GateStatus(), mbr=pfcp.BitRate(1000, 2000))],
        s_nssai=SNssai(1, 0x0000FF),
    )


ELEMENTS: list[pfcp.Element] = [
    pfcp.NodeId(IPv4Address("192.0.2.1")),
    pfcp.NodeId(IPv6Address("2001:db8::1")),
    pfcp.NodeId("upf1.example.org"),
    pfcp.FSeid(2**64 - 1, IPv4Address("192.0.2.1"), IPv6Address("2001:db8::1")),
    pfcp.FTeid(0x01020304, IPv4Address("192.0.2.1")),
    pfcp.FTeid(0xFFFFFFFF, None, IPv6Address("2001:db8::1")),
    pfcp.FTeid.choose(),
    pfcp.FTeid.choose(9, ipv4=True, ipv6=True),
    pfcp.UeIpAddress(IPv4Address("10.0.0.1"), destination=True),
    pfcp.UeIpAddress(choose_ipv4=True),
    pfcp.UeIpAddress(None, IPv6Address("2001:db8::"), prefix_delegation_bits=8, prefix_length=56),
    pfcp.NetworkInstance("internet"),
    pfcp.NetworkInstance("plain text", labels=False),
    pfcp.SdfFilter("permit out ip from any to assigned"),
    pfcp.SdfFilter("permit out ip from any to assigned", b"\x10\xfc", 5, b"\0\0\1", 77),
    pfcp.GateStatus(1, 0),
    pfcp.BitRate(2**40 - 1, 1),
    pfcp.OuterHeaderCreation.gtpu(5, IPv4Address("192.0.2.1")),
    pfcp.OuterHeaderCreation(0x0800, None, None, IPv6Address("2001:db8::1"), 4000),
    pfcp.OuterHeaderRemoval(6, 1),
    pfcp.DownlinkDataServiceInformation(3, 5),
    pfcp.Volume(1, 2, 3),
    pfcp.VolumeMeasurement(1, None, 3, 4, None, 6),
    pfcp.FailedRuleId(0, 5),
    pfcp.FailedRuleId(4, 5),
    pfcp.UserId("999700000000001", "4370816125816151", None, "a@b"),
    pfcp.RemoteGtpuPeer(IPv4Address("192.0.2.1")),
    pfcp.ApplyAction(pfcp.ApplyAction.BUFF | pfcp.ApplyAction.NOCP),
]


@pytest.mark.parametrize("element", ELEMENTS, ids=repr)
def test_element_round_trip_and_truncation(element: pfcp.Element) -> None:
    octets = element.octets()
    assert type(element).from_octets(octets) == element
    for cut in range(len(octets)):
        try:
            type(element).from_octets(octets[:cut])
        except ValueError:
            pass


def test_flags_keep_their_width() -> None:
    assert pfcp.ApplyAction(2).octets() == b"\x02\x00"
    assert pfcp.ApplyAction.from_octets(b"\x02").octets() == b"\x02"
    assert pfcp.UpFunctionFeatures.from_octets(b"\x10\x21").names() == ["FTUP", "EMPU", "FRRT"]


def test_message_round_trip() -> None:
    octets = pfcp.encode(establishment(), sequence=9, seid=0)
    message = pfcp.decode(octets)
    assert isinstance(message, pfcp.SessionEstablishmentRequest)
    assert (message.sequence, message.seid, message.priority) == (9, 0, None)
    message.sequence, message.seid = 0, None
    assert message == establishment()


def test_priority_is_kept() -> None:
    message = pfcp.SessionDeletionRequest(priority=5)
    octets = pfcp.encode(message, sequence=1, seid=4)
    assert octets == bytes.fromhex("2336000c 0000000000000004 00000150")
    assert pfcp.decode(octets).priority == 5


def test_order_and_unknown_ies_survive() -> None:
    heartbeat = bytes.fromhex("20010000 00000500")
    body = bytes.fromhex("7fff0002abcd 8001000400091234 0060000400000001 0060000400000002")
    octets = heartbeat[:2] + (len(body) + 4).to_bytes(2, "big") + heartbeat[4:] + body
    message = pfcp.decode(octets)
    assert isinstance(message, pfcp.HeartbeatRequest)
    assert message.recovery_time_stamp == 1
    assert [number for number, _ in message.unknown] == [0x7FFF, 0x8001, 96]
    assert pfcp.encode(message, sequence=5) == octets


def values(hint: object, row: Row) -> st.SearchStrategy[object]:
    """Random values for a member, from examples of its type and its form."""
    samples = [e for e in ELEMENTS if isinstance(hint, type) and isinstance(e, hint)]
    if samples:
        return st.sampled_from(samples)
    if isinstance(hint, type) and issubclass(hint, pfcp.Group):
        return groups(hint)
    if row.form is None:
        return st.integers(0, 255).map(hint)  # type: ignore[arg-type]  # a Flags class
    if hint is int:
        return st.binary(min_size=8, max_size=8).map(row.form.decode)
    if hint is str:
        return st.sampled_from(["internet", "a.b"])
    return st.just(SNssai(1, 5)) if hint is SNssai else st.binary(max_size=9)


def groups(cls: type[pfcp.Group]) -> st.SearchStrategy[object]:
    members: dict[str, st.SearchStrategy[object]] = {}
    for base in reversed(cls.__mro__):
        for name, hint in get_annotations(base).items():
            row = next((r for r in getattr(hint, "__metadata__", ()) if isinstance(r, Row)), None)
            if row is None:
                continue
            kind = hint.__origin__
            repeated = getattr(kind, "__origin__", None) is list
            inner = kind.__args__[0] if hasattr(kind, "__args__") else kind
            one = values(inner, row)
            many = st.lists(one, min_size=1, max_size=2)
            if row.presence != "M":
                one, many = st.none() | one, st.just([]) | many
            members[name] = many if repeated else one
    return st.fixed_dictionaries(members).map(lambda found: cls(**found))


@pytest.mark.parametrize("cls", pfcp.MESSAGES, ids=lambda cls: cls.__name__)
def test_every_message_round_trips(cls: type[pfcp.Message]) -> None:
    @settings(max_examples=12, derandomize=True, deadline=None)
    @given(groups(cls))
    def check(message: object) -> None:
        assert isinstance(message, pfcp.Message)
        octets = pfcp.encode(message, sequence=0x123456, seid=1)
        again = pfcp.decode(octets)
        assert pfcp.encode(again, sequence=0x123456) == octets
        again.sequence, again.seid = 0, None
        assert again == message

    check()


@pytest.mark.parametrize("cls", pfcp.MESSAGES, ids=lambda cls: cls.__name__)
def test_mandatory_ie_missing(cls: type[pfcp.Message]) -> None:
    mandatory = layouts[cls].mandatory
    head = b"\x21" if cls.SESSION else b"\x20"
    size = 12 if cls.SESSION else 4
    octets = head + bytes((cls.TYPE, 0, size)) + bytes(8 * cls.SESSION) + bytes.fromhex("00002a00")
    if not mandatory:
        assert isinstance(pfcp.decode(octets), cls)
        return
    with pytest.raises(PfcpError) as caught:
        pfcp.decode(octets)
    assert caught.value.cause == Cause.MANDATORY_IE_MISSING
    assert caught.value.offending_ie == mandatory[0].number
    assert caught.value.sequence == 42
    assert caught.value.message_type == cls.TYPE
    assert caught.value.seid == (0 if cls.SESSION else None)


def body_of(octets: bytes) -> bytes:
    return octets[:2] + (len(octets) - 4).to_bytes(2, "big") + octets[4:]


@pytest.mark.parametrize(
    ("tail", "cause", "offending"),
    [
        ("00600004000000", Cause.INVALID_LENGTH, 96),  # runs past the end
        ("006000020000", Cause.INVALID_LENGTH, 96),  # too short for its type
        ("0060", Cause.INVALID_LENGTH, None),  # a header cut short
    ],
)
def test_invalid_length(tail: str, cause: Cause, offending: int | None) -> None:
    with pytest.raises(PfcpError) as caught:
        pfcp.decode(body_of(bytes.fromhex("2001000000000100" + tail)))
    assert (caught.value.cause, caught.value.offending_ie) == (cause, offending)


def test_wrong_contents_of_a_mandatory_ie() -> None:
    octets = bytes.fromhex("2009000000000100" + "003c0005" + "0701020304")
    with pytest.raises(PfcpError) as caught:
        pfcp.decode(body_of(octets))
    assert (caught.value.cause, caught.value.offending_ie) == (Cause.MANDATORY_IE_INCORRECT, 60)


def test_an_optional_ie_that_cannot_be_read_is_ignored() -> None:
    message = establishment()
    message.unknown = [(141, b"\x01")]
    again = pfcp.decode(pfcp.encode(message, sequence=1))
    assert isinstance(again, pfcp.SessionEstablishmentRequest)
    assert again.user_id is None
    assert again.unknown == [(141, b"\x01")]


@pytest.mark.parametrize(
    "octets",
    [
        "",
        "200100",
        "4001000c00000100 0060000400000001",  # version 2
        "2001000d00000100 0060000400000001",  # longer than the datagram
        "2001000b00000100 0060000400000001",  # shorter
        "2101000c00000100 0060000400000001",  # a node message with a SEID
        "2036000400000100",  # a session message without
        "21360004000001",
        "20630004 00000100",  # unknown type
        "2401000c00000100 0060000400000001",  # follow on
    ],
)
def test_headers(octets: str) -> None:
    with pytest.raises(PfcpError) as caught:
        pfcp.decode(bytes.fromhex(octets))
    assert (caught.value.version == 2) == octets.startswith("40")


@QUICK
@given(st.binary(max_size=80))
def test_only_pfcp_error(octets: bytes) -> None:
    for candidate in (octets, b"\x21\x32" + (len(octets) + 12).to_bytes(2, "big") + bytes(12) + octets):
        try:
            pfcp.decode(candidate)
        except PfcpError:
            pass


def test_only_pfcp_error_when_octets_flip() -> None:
    source = random.Random(1)
    octets = pfcp.encode(establishment(), sequence=9, seid=0)
    for _ in range(3000):
        broken = bytearray(octets)
        for _ in range(source.randint(1, 4)):
            broken[source.randrange(8, len(broken))] = source.randrange(256)
        try:
            message = pfcp.decode(bytes(broken))
            pfcp.decode(pfcp.encode(message, sequence=1))
        except PfcpError:
            pass


def test_values_without_an_encoding() -> None:
    request = pfcp.AssociationReleaseRequest(node_id=pfcp.NodeId("x" * 70))
    with pytest.raises(PfcpError):
        pfcp.encode(request, sequence=1)
    with pytest.raises(PfcpError):
        pfcp.encode(pfcp.HeartbeatRequest(recovery_time_stamp=1 << 32), sequence=1)
    with pytest.raises(PfcpError):
        pfcp.encode(pfcp.HeartbeatRequest(recovery_time_stamp=1), sequence=1 << 24)


def test_pycrate_reads_and_rewrites_it() -> None:
    parser = pytest.importorskip("pycrate_mobile.TS29244_PFCP")
    samples: list[pfcp.Message] = [
        establishment(),
        pfcp.AssociationSetupRequest(
            node_id=pfcp.NodeId(IPv4Address("127.0.0.4")),
            recovery_time_stamp=5,
            cp_function_features=pfcp.CpFunctionFeatures(0),
        ),
        pfcp.SessionReportRequest(
            report_type=pfcp.ReportType(pfcp.ReportType.DLDR),
            downlink_data_report=pfcp.DownlinkDataReport(pdr_ids=[2]),
        ),
        pfcp.SessionModificationRequest(
            update_fars=[
                pfcp.UpdateFar(
                    far_id=1,
                    apply_action=pfcp.ApplyAction(2),
                    forwarding_parameters=pfcp.UpdateForwardingParameters(
                        destination_interface=0,
                        outer_header_creation=pfcp.OuterHeaderCreation.gtpu(1, IPv4Address("10.0.0.1")),
                        sm_req_flags=pfcp.SmReqFlags(pfcp.SmReqFlags.SNDEM),
                    ),
                )
            ],
        ),
    ]
    for message in samples:
        octets = pfcp.encode(message, sequence=1, seid=2)
        parsed, error = parser.parse_PFCP(octets)
        assert error == 0
        assert parsed.to_bytes() == octets
