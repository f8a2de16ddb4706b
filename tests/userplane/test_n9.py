"""Packets that go on in another tunnel: N9 both ways, an uplink classifier, forwarding. On every plane.

The gNB's host is the other UPF too: what comes back to it by another TEID went over N9.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv4Network
from random import Random

import pytest
from msgspec import structs

from cinq.userplane.model import Model, Outer
from cinq.userplane.rules import (
    Action,
    Ambr,
    DecapRule,
    EncapRule,
    Filter,
    Flow,
    Limit,
    Reason,
    SessionRules,
)

from . import packets as p
from .ends import End
from .test_planes import SETTINGS, Run, run  # noqa: F401 (a fixture)

N3_UP, N9_UP, N9_DOWN, N3_DOWN = 0x1001, 0x3001, 0x1003, 0x2001
PEER = (IPv4Network(p.GNB_N3),)
LOCAL = Filter(protocol=17, remote=IPv4Network(p.DN), remote_ports=(9999, 9999))


def on_the_way(ue: IPv4Address = p.UE, **downlink: object) -> SessionRules:
    """An I-UPF: all of it goes on, both ways."""
    up = DecapRule(N3_UP, ue, onward=N9_UP, peer=p.GNB_N3, peers=PEER)
    down = DecapRule(N9_DOWN, onward=N3_DOWN, peer=p.GNB_N3, peers=PEER, to_ue=True)
    return SessionRules(1, (up, structs.replace(down, **downlink)))


def classifier() -> SessionRules:
    """Port 9999 of DN leaves here, the rest goes on; both come back."""
    flows = (Flow(1, (LOCAL,), qfis=(9,)), Flow(2, teid=N9_UP, peer=p.GNB_N3))
    up = DecapRule(N3_UP, p.UE, flows=flows, peers=PEER)
    down = DecapRule(N9_DOWN, onward=N3_DOWN, peer=p.GNB_N3, peers=PEER, to_ue=True)
    here = EncapRule(p.UE, flows=(Flow(4, (LOCAL,), qfi=9, teid=N3_DOWN, peer=p.GNB_N3),))
    return SessionRules(1, (up, down), (here,))


def test_uplink_goes_on_octet_by_octet(run: Run) -> None:  # noqa: F811
    """Also with a sequence number, and a container of more than four octets: all but the TEID stays."""
    inner = p.udp(p.UE, p.DN, b"on")
    body = struct.pack("!HBB", 77, 0, 0x85) + bytes((2, 0x10, 5, 0, 0, 0, 0, 0)) + inner
    forms = [
        p.gpdu(N3_UP, inner, qfi=5),
        struct.pack("!BBHI", 0x36, 255, len(body), N3_UP) + body,
        struct.pack("!BBHI", 0x30, 255, len(inner), N3_UP) + inner,
    ]

    async def case(end: End) -> None:
        end.install(on_the_way())
        wanted = [octets[:4] + N9_UP.to_bytes(4, "big") + octets[8:] for octets in forms]
        assert await end.across(*forms) == wanted
        used = end.usage(1)
        assert (used.uplink_packets, used.uplink_octets) == (3, 3 * len(inner))
        assert used.downlink_packets == 0

    run(case)


def test_downlink_goes_on_with_its_qfi(run: Run) -> None:  # noqa: F811
    down = p.udp(p.DN, p.UE, b"back")

    async def case(end: End) -> None:
        end.install(on_the_way())
        came = [p.gpdu(N9_DOWN, down, qfi=qfi | 0x40, psc_type=0) for qfi in (1, 9, 63)]
        assert await end.across(*came) == [
            p.gpdu(N3_DOWN, down, qfi=qfi | 0x40, psc_type=0) for qfi in (1, 9, 63)
        ]
        used = end.usage(1)
        assert (used.downlink_packets, used.downlink_octets) == (3, 3 * len(down))
        assert used.uplink_packets == 0

    run(case)


def test_a_container_of_the_other_direction_is_malformed(run: Run) -> None:  # noqa: F811
    async def case(end: End) -> None:
        end.install(on_the_way())
        wrong = p.gpdu(N9_DOWN, p.udp(p.DN, p.UE)), p.gpdu(N3_UP, p.udp(p.UE, p.DN), psc_type=0)
        assert await end.across(*wrong) == []
        assert end.counts()[Reason.MALFORMED] == 2

    run(case)


def test_a_tunnel_of_n9_is_served_from_its_peer_alone(run: Run) -> None:  # noqa: F811
    """Both ways: the TEID is not enough."""
    up, down = p.gpdu(N3_UP, p.udp(p.UE, p.DN)), p.gpdu(N9_DOWN, p.udp(p.DN, p.UE), psc_type=0)

    async def case(end: End) -> None:
        end.install(on_the_way())
        assert await end.elsewhere(up, down) == []
        assert await end.across() == []
        assert end.counts()[Reason.WRONG_PEER] == 2
        assert end.usage(1).uplink_packets == end.usage(1).downlink_packets == 0

    run(case)


def test_the_classifier_takes_some_out_here(run: Run) -> None:  # noqa: F811
    """By the SDF filter and the QFI; what the filter does not take goes on."""
    here = p.udp(p.UE, p.DN, b"name?")
    web = p.udp(p.UE, p.DN, b"page?", port=80)

    async def case(end: End) -> None:
        end.install(classifier())
        assert await end.uplink(p.gpdu(N3_UP, here)) == [p.after_hop(here)]
        assert await end.across(p.gpdu(N3_UP, web)) == [p.gpdu(N9_UP, web)]
        assert await end.across(p.gpdu(N3_UP, here, qfi=5)) == [p.gpdu(N9_UP, here, qfi=5)]
        answer, other = p.udp(p.DN, p.UE, b"name!", sport=9999), p.udp(p.DN, p.UE, b"?", sport=80)
        assert await end.downlink(answer, other) == [p.gpdu(N3_DOWN, p.after_hop(answer), psc_type=0)]
        assert end.counts()[Reason.NO_FLOW] == 1
        counted = {number: count.packets for number, count in end.flow_usage(1).items()}
        assert counted == {1: 1, 2: 2, 4: 1}

    run(case)


def test_what_is_not_the_ues_does_not_go_on(run: Run) -> None:  # noqa: F811
    async def case(end: End) -> None:
        for rules in (on_the_way(), classifier()):
            end.install(rules)
            assert await end.across(p.gpdu(N3_UP, p.udp(p.OTHER_UE, p.DN))) == []
            assert await end.across(p.gpdu(N3_UP, p.udp(p.UE, p.DN)[:-3])) == []
        assert end.counts()[Reason.SPOOFED] == 2
        assert end.counts()[Reason.MALFORMED] == 2

    run(case)


def test_without_an_address_nobody_looks_inside(run: Run) -> None:  # noqa: F811
    """The UPF of a visited network does not know the UE's address; frames pass as well as packets."""
    frame = bytes(range(12)) + b"\x08\x06" + bytes(28)

    async def case(end: End) -> None:
        end.install(on_the_way(IPv4Address(0)))
        sent = [p.gpdu(N3_UP, each) for each in (p.udp(p.OTHER_UE, p.DN), frame, b"x")]
        assert await end.across(*sent) == [
            p.gpdu(N9_UP, each) for each in (p.udp(p.OTHER_UE, p.DN), frame, b"x")
        ]

    run(case)


def test_what_leaves_here_is_kept_from_the_core(run: Run) -> None:  # noqa: F811
    """What goes on is for the anchor to judge; the tunnel end of the other UPF is nothing that a UE reaches."""
    local = Flow(1, (Filter(protocol=17, remote_ports=(1, 3000)),))
    rest = Flow(2, teid=N9_UP, peer=p.GNB_N3)
    rules = SessionRules(1, (DecapRule(N3_UP, p.UE, flows=(local, rest)),))
    to_core = p.udp(p.UE, p.UPF_N3, port=2152), p.udp(p.UE, p.GNB_N3, port=2152)
    far = p.udp(p.UE, p.UPF_N3, port=5000)

    async def case(end: End) -> None:
        end.install(rules)
        assert await end.uplink(*[p.gpdu(N3_UP, each) for each in to_core]) == []
        assert end.counts()[Reason.PROTECTED] == 2
        assert await end.across(p.gpdu(N3_UP, far)) == [p.gpdu(N9_UP, far)]

    run(case)


def test_packets_from_n9_wait_for_an_idle_ue(run: Run) -> None:  # noqa: F811
    """One notification; in order when the gNB is known, no more than the bound; live packets behind them."""
    came = [p.gpdu(N9_DOWN, p.udp(p.DN, p.UE, bytes((n,)) * 40), psc_type=0) for n in range(20)]
    there = [p.gpdu(N3_DOWN, octets[16:], psc_type=0) for octets in came]

    async def case(end: End) -> None:
        end.install(on_the_way(action=Action.BUFFER))
        assert await end.across(*came[:8]) == []
        assert await end.across(*came[8:]) == []
        assert end.events.waiting == [1]
        assert await end.after(lambda: end.install(on_the_way())) == there[:16]
        assert end.counts()[Reason.BUFFER_FULL] == 4
        assert await end.across(*came[:3]) == there[:3]
        assert end.usage(1).downlink_packets == 19

    run(case)


def test_what_waits_is_thrown_away(run: Run) -> None:  # noqa: F811
    came = p.gpdu(N9_DOWN, p.udp(p.DN, p.UE), psc_type=0)

    async def case(end: End) -> None:
        end.install(on_the_way(action=Action.BUFFER))
        assert await end.across(came, came) == []
        end.discard(1)
        assert await end.after(lambda: end.install(on_the_way())) == []
        assert end.counts()[Reason.DISCARDED] == 2

    run(case)


def test_both_ways_have_their_rates(run: Run) -> None:  # noqa: F811
    """The session's, without flows; towards the UE it is the downlink's."""
    fast = structs.replace(on_the_way(), ambr=Ambr(0, 8000))  # 300 octets at once
    flow = Flow(7, limits=(1,), teid=N3_DOWN, peer=p.GNB_N3)
    by_flow = structs.replace(on_the_way(flows=(flow,)), limits=(Limit(1, 0, 8000),))

    async def case(end: End) -> None:
        for number, rules in enumerate((fast, by_flow)):
            end.install(rules)
            down = p.gpdu(N9_DOWN, p.udp(p.DN, p.UE, bytes(272)), psc_type=0)
            up = p.gpdu(N3_UP, p.udp(p.UE, p.DN, bytes(272)))
            assert len(await end.across(*[down] * 12)) < 6
            assert len(await end.across(*[up] * 12)) == 12
            assert end.usage(1).downlink_policed > 0
            assert end.usage(1).uplink_policed == 0
            assert number or end.flow_usage(1) == {}
            end.remove(1)

    run(case)


def test_end_markers_and_errors_are_for_the_control_side(run: Run) -> None:  # noqa: F811
    marker = struct.pack("!BBHI", 0x30, 254, 0, N9_DOWN)

    async def case(end: End) -> None:
        end.install(on_the_way())
        await end.uplink(marker)
        assert end.events.gtpu == [(marker, (str(p.GNB_N3), 2152))]

    run(case)


@pytest.mark.parametrize("seed", range(3))
def test_random_packets_go_on_alike_everywhere(run: Run, seed: int) -> None:  # noqa: F811
    """Faults at random places of the headers: each plane sends on what the model sends on."""
    random = Random(seed)
    rules = (on_the_way(), classifier())[seed % 2]
    model = Model(SETTINGS)
    model.install(rules, 0)
    bursts = list[tuple[list[bytes], list[bytes]]]()
    for _ in range(10):
        sent, wanted = list[bytes](), list[bytes]()
        for _ in range(20):
            octets = random_gpdu(random)
            verdict = model.decapsulate(octets, 0, p.GNB_N3)
            sent.append(octets)
            wanted += [verdict.octets] if isinstance(verdict, Outer) else []
        bursts.append((sent, wanted))
    assert sum(len(wanted) for _, wanted in bursts) > 20

    async def case(end: End) -> None:
        end.install(rules)
        for sent, wanted in bursts:
            assert await end.across(*sent) == wanted

    run(case)


def random_gpdu(random: Random) -> bytes:
    """Of either direction, with up to two octets of its headers changed."""
    up = random.random() < 0.5
    inner = p.udp(*((p.UE, p.DN) if up else (p.DN, p.UE)), port=random.choice((53, 80, 9999)))
    octets = bytearray(p.gpdu(N3_UP if up else N9_DOWN, inner, random.randrange(64), int(up)))
    for _ in range(random.randrange(3)):
        octets[random.choice((0, *range(2, 45)))] = random.choice(
            (0, 1, 0x34, 0x85, 255, random.randrange(256))
        )
    return bytes(octets)
