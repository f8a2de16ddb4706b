"""The straight way and the careful way give the same, values and errors alike."""

from __future__ import annotations

import random
from ipaddress import IPv4Address, IPv6Address

import pytest

from cinq.numbering import SNssai
from cinq.wire import pfcp
from cinq.wire.pfcp import PfcpError, engine

Outcome = pfcp.Group | tuple[object, ...]


def pdr(number: int) -> pfcp.CreatePdr:
    pdi = pfcp.Pdi(
        source_interface=0,
        f_teid=pfcp.FTeid(77, IPv4Address("192.0.2.1")),
        network_instance=pfcp.NetworkInstance("internet"),
        ue_ip_addresses=[pfcp.UeIpAddress(IPv4Address("10.45.0.2")), pfcp.UeIpAddress(choose_ipv6=True)],
        sdf_filters=[pfcp.SdfFilter("permit out ip from any to assigned")],
        qfis=[1, 2],
    )
    return pfcp.CreatePdr(pdr_id=number, precedence=255, pdi=pdi, far_id=1, qer_ids=[1, 2])


def far() -> pfcp.CreateFar:
    header = pfcp.OuterHeaderCreation.gtpu(5, IPv4Address("192.0.2.7"))
    parameters = pfcp.ForwardingParameters(destination_interface=0, outer_header_creation=header)
    action = pfcp.ApplyAction(pfcp.ApplyAction.FORW)
    return pfcp.CreateFar(far_id=1, apply_action=action, forwarding_parameters=parameters, bar_id=3)


SAMPLES: list[pfcp.Message] = [
    pfcp.SessionEstablishmentRequest(
        node_id=pfcp.NodeId("smf.example.org"),
        cp_f_seid=pfcp.FSeid(7, IPv4Address("127.0.0.4")),
        create_pdrs=[pdr(1), pdr(2)],
        create_fars=[far()],
        create_qers=[pfcp.CreateQer(qer_id=1, gate_status=pfcp.GateStatus(), mbr=pfcp.BitRate(1, 2), qfi=9)],
        user_id=pfcp.UserId("999700000000001"),
        dnn="internet",
        s_nssai=SNssai(1, 5),
    ),
    pfcp.SessionEstablishmentResponse(
        node_id=pfcp.NodeId(IPv4Address("127.0.0.7")),
        cause=1,
        up_f_seid=pfcp.FSeid(8, None, IPv6Address("2001:db8::1")),
        created_pdrs=[pfcp.CreatedPdr(pdr_id=1, f_teid=pfcp.FTeid(1, IPv4Address("127.0.0.7")))],
    ),
    pfcp.SessionModificationRequest(
        remove_pdrs=[pfcp.RemovePdr(pdr_id=3)],
        update_fars=[pfcp.UpdateFar(far_id=2, apply_action=pfcp.ApplyAction(12))],
        smreq_flags=pfcp.SmReqFlags(1),
    ),
    pfcp.SessionReportRequest(
        report_type=pfcp.ReportType(1), downlink_data_report=pfcp.DownlinkDataReport(pdr_ids=[2])
    ),
    pfcp.SessionDeletionRequest(),
    pfcp.HeartbeatRequest(recovery_time_stamp=5, source_ip_address=b"\2\x7f\0\0\1"),
]


def outcome(decode: engine.Decoder, octets: bytes) -> Outcome:
    try:
        return decode(octets + bytes(8), 0, len(octets))
    except PfcpError as error:
        return error.offset, error.what, error.cause, error.offending_ie


def both(cls: type[pfcp.Group], octets: bytes) -> tuple[Outcome, Outcome]:
    """By each way; the groups within go the straight way in both."""
    return outcome(engine.decoders[cls], octets), outcome(
        lambda *where: engine.careful_decode(cls, *where), octets
    )


@pytest.mark.parametrize("message", SAMPLES, ids=lambda message: type(message).__name__)
def test_both_ways_agree(message: pfcp.Message) -> None:
    octets = engine.encoders[type(message)](message)
    assert octets == engine.careful_encode(message)
    straight, careful = both(type(message), octets)
    assert straight == careful == message


@pytest.mark.parametrize("sample", SAMPLES[:4], ids=lambda message: type(message).__name__)
def test_both_ways_agree_on_broken_octets(sample: pfcp.Message) -> None:
    source = random.Random(7)
    whole = engine.careful_encode(sample)
    for _ in range(1500):
        broken = bytearray(whole)
        for _ in range(source.randint(1, 3)):
            broken[source.randrange(len(broken))] = source.choice((0, 1, 2, 4, 255, source.randrange(256)))
        octets = bytes(broken[: source.choice((len(broken), source.randrange(len(broken))))])
        straight, careful = both(type(sample), octets)
        assert straight == careful


def test_both_ways_agree_on_groups_cut_short_inside_others() -> None:
    """What stands behind a group is never taken for a part of it."""
    inner = engine.careful_encode(pfcp.UpdateFar(far_id=2, apply_action=pfcp.ApplyAction(12)))
    for cut in range(len(inner)):
        behind = inner[cut:] + inner
        octets = b"\0\x0a" + cut.to_bytes(2, "big") + inner[:cut] + behind
        straight, careful = both(pfcp.SessionModificationRequest, octets)
        assert straight == careful
        group = outcome(lambda o, at, end: engine.decoders[pfcp.UpdateFar](o, 4, 4 + cut), octets)  # noqa: B023
        alone = outcome(lambda o, at, end: engine.careful_decode(pfcp.UpdateFar, o, 4, 4 + cut), octets)  # noqa: B023
        assert group == alone


def test_what_is_out_of_order_or_repeated() -> None:
    head = engine.careful_encode(pfcp.UpdateFar(far_id=2))
    action = engine.careful_encode(pfcp.UpdateFar(far_id=2, apply_action=pfcp.ApplyAction(2)))[len(head) :]
    bar = engine.careful_encode(pfcp.UpdateFar(far_id=2, bar_id=1))[len(head) :]
    group = engine.decoders[pfcp.UpdateFar](head + bar + action + bytes(8), 0, len(head + bar + action))
    assert group.order == (108, 88, 44)
    assert engine.encoders[pfcp.UpdateFar](group) == head + bar + action
    group = engine.decoders[pfcp.UpdateFar](head + action + action + bytes(8), 0, len(head + action + action))
    assert group.unknown == [(44, action[4:])]


@pytest.mark.parametrize("message", pfcp.MESSAGES, ids=lambda cls: cls.__name__)
def test_the_source_of_every_message_can_be_read(message: type[pfcp.Message]) -> None:
    text = engine.source(message)
    compile(text, "rows", "exec")
    assert all(member.name in text for member in engine.layouts[message].members)


def test_values_of_a_wrong_kind_have_no_encoding_either_way() -> None:
    wrong = [
        pfcp.UpdateFar(far_id=None),  # type: ignore[arg-type]  # what is tested
        pfcp.UpdateFar(far_id=1, apply_action=b"\2"),  # type: ignore[arg-type]
        pfcp.UpdateFar(far_id=1, bar_id=256),
        pfcp.ErrorIndicationReport(remote_f_teids=None),  # type: ignore[arg-type]
        pfcp.Pdi(source_interface=0, qfis=(1,)),  # type: ignore[arg-type]
        pfcp.CreatePdr(pdr_id=1, precedence=1, pdi=None),  # type: ignore[arg-type]
    ]
    for group in wrong:
        for encode in (engine.encoders[type(group)], engine.careful_encode):
            with pytest.raises(PfcpError):
                encode(group)
