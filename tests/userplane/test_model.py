"""The model alone: total on any octets, and the policer's arithmetic."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from cinq.userplane.model import Dropped, Inner, Model, Outer, SlowPath
from cinq.userplane.packet import checksum, end_marker, hop, internet_checksum_ok
from cinq.userplane.policer import Policer, Rate
from cinq.userplane.rules import Action, EncapRule, PlaneSettings, Protected, Role, SessionRules
from cinq.wire import gtpu

from . import packets as p
from .ends import rules

UPF = PlaneSettings(Role.UPF, p.UPF_N3)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.binary(max_size=80))
def test_any_octets_get_a_verdict(octets: bytes) -> None:
    model = Model(UPF)
    model.install(rules(), 0)
    assert isinstance(model.decapsulate(octets, 0), Inner | SlowPath | Dropped)
    assert isinstance(model.encapsulate(octets, 0), Outer | Dropped)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.data())
def test_only_whole_packets_of_the_ue_pass(data: st.DataObject) -> None:
    """Whatever is changed in a good G-PDU, what passes is one IPv4 packet from the UE."""
    octets = bytearray(p.gpdu(0x1001, p.udp(p.UE, p.DN)))
    for _ in range(data.draw(st.integers(1, 4))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    model = Model(UPF)
    model.install(rules(), 0)
    verdict = model.decapsulate(bytes(octets), 0)
    if isinstance(verdict, Inner):
        assert verdict.packet[12:16] == p.UE.packed
        assert int.from_bytes(verdict.packet[2:4], "big") == len(verdict.packet)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 40_000_000), st.integers(20, 1500)), min_size=1, max_size=60))
def test_a_policer_never_passes_more_than_rate_and_bucket(arrivals: list[tuple[int, int]]) -> None:
    policer, now, passed = Policer(1_000_000, 300_000_000), 0, 0
    for gap, octets in arrivals:
        now += gap
        passed += octets if policer.conforms(octets, now) else 0
    assert passed * 8 <= 1_000_000 * (now + 300_000_000) / 1e9 + 1500 * 8


def test_no_limit_passes_everything() -> None:
    policer = Policer(0, 300_000_000)
    assert all(policer.conforms(1500, 0) for _ in range(10_000))
    rate = Rate(10, 3)
    assert [rate.conforms(0) for _ in range(5)] == [True, True, True, False, False]
    assert rate.conforms(100_000_000)


def test_checksums_agree_with_plain_arithmetic() -> None:
    packet = p.udp(p.UE, p.DN, b"odd")
    assert internet_checksum_ok(packet)
    assert not internet_checksum_ok(packet[:-1] + b"x")
    assert hop(packet) == p.after_hop(packet)
    assert checksum(bytes(20)) == 0xFFFF
    assert checksum(b"\xff\xff") == 0


def test_end_marker_is_one_for_the_codec() -> None:
    for octets in (end_marker(0x1234), end_marker(0x1234, 9)):
        message = gtpu.decode(octets)
        assert isinstance(message, gtpu.EndMarker)
        assert message.teid == 0x1234


def test_the_buffer_of_all_sessions_is_bounded() -> None:
    model = Model(PlaneSettings(Role.UPF, p.UPF_N3, buffer_per_session=10, buffer_total=15))
    for number in range(3):
        ue = p.UE + number
        model.install(SessionRules(number, encap=(EncapRule(ue, action=Action.BUFFER),)), 0)
        for _ in range(10):
            model.encapsulate(p.udp(p.DN, ue), 0)
    assert model.waiting == 15
    model.remove(0)
    assert model.waiting == 5
    model.discard(1)
    assert model.waiting == 0


def test_a_gnb_takes_what_is_addressed_to_its_ue() -> None:
    model = Model(PlaneSettings(Role.GNB, p.GNB_N3))
    model.install(rules(uplink=0x2001, downlink=0x1001), 0)
    down = p.udp(p.DN, p.UE)
    assert model.decapsulate(p.gpdu(0x2001, down, psc_type=0), 0) == Inner(down)
    assert isinstance(model.decapsulate(p.gpdu(0x2001, p.udp(p.DN, p.OTHER_UE)), 0), Dropped)
    sent = model.encapsulate(p.udp(p.UE, p.DN), 0)
    assert isinstance(sent, Outer)
    assert sent.octets[13] == 0x10  # PDU type 1: uplink
    usage = model.usage(1)
    assert (usage.uplink_packets, usage.downlink_packets) == (1, 1)


def test_a_port_of_any_protocol_is_spelt_out() -> None:
    protected = PlaneSettings(Role.UPF, p.UPF_N3, protected=(Protected(p.DN, port=80),)).infrastructure()
    assert {(e.protocol, e.port) for e in protected if e.address == p.DN} == {(6, 80), (17, 80), (132, 80)}
