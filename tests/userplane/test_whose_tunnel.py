"""Whose a tunnel is: uplink from an address that has it not, tunnels that lead back to us. On every plane."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pytest
from msgspec import structs

from cinq.userplane.model import Dropped, Inner, Model, SlowPath
from cinq.userplane.rules import MOST_PEERS, DecapRule, EncapRule, NoRoom, Reason, Role, SessionRules

from . import packets as p
from .ends import End, ModelEnd, rules
from .test_planes import SETTINGS, Run, run  # noqa: F401 (a fixture)


def of(*peers: str) -> SessionRules:
    """A session whose uplink may come from these networks."""
    plain = rules()
    decap = structs.replace(plain.decap[0], peers=tuple(IPv4Network(each) for each in peers))
    return structs.replace(plain, decap=(decap,))


def test_uplink_from_an_address_that_has_not_the_tunnel(run: Run) -> None:  # noqa: F811
    """A valid TEID is not enough: dropped, counted, and shown to the control side."""
    packet = p.gpdu(0x1001, p.udp(p.UE, p.DN))

    async def case(end: End) -> None:
        end.install(of(str(p.GNB_N3)))
        assert await end.elsewhere(packet) == []
        assert end.events.gtpu == [(packet, (str(p.OTHER_GNB), 2152))]
        assert end.counts()[Reason.WRONG_PEER] == 1
        assert end.usage(1).uplink_packets == 0
        assert len(await end.uplink(packet)) == 1

    run(case)


@pytest.mark.parametrize("peers", [(), ("10.3.0.0/24",), ("10.9.0.1/32", "10.3.0.3/32"), ("0.0.0.0/0",)])
def test_uplink_from_one_of_several_addresses(run: Run, peers: tuple[str, ...]) -> None:  # noqa: F811
    async def case(end: End) -> None:
        end.install(of(*peers))
        assert len(await end.elsewhere(p.gpdu(0x1001, p.udp(p.UE, p.DN)))) == 1
        assert end.counts()[Reason.WRONG_PEER] == 0

    run(case)


def test_a_flood_of_strangers_leaves_echo_its_share(run: Run) -> None:  # noqa: F811
    """None gets through, all are counted, few are shown."""
    echo = bytes.fromhex("320100040000000000000000")
    packet = p.gpdu(0x1001, p.udp(p.UE, p.DN))

    async def case(end: End) -> None:
        end.install(of(str(p.GNB_N3)))
        for _ in range(15):
            assert await end.elsewhere(*[packet] * 100) == []
        await end.uplink(echo)
        assert end.events.gtpu[-1][0] == echo
        assert end.counts()[Reason.WRONG_PEER] == 1500

    run(case)


def test_the_tunnel_moves(run: Run) -> None:  # noqa: F811
    async def case(end: End) -> None:
        end.install(of(str(p.GNB_N3)))
        end.install(of(str(p.OTHER_GNB)))
        packet = p.gpdu(0x1001, p.udp(p.UE, p.DN))
        assert await end.uplink(packet) == []
        assert len(await end.elsewhere(packet)) == 1

    run(case)


def test_more_ends_than_a_tunnel_has_are_refused(run: Run) -> None:  # noqa: F811
    async def case(end: End) -> None:
        with pytest.raises(NoRoom, match="far ends"):
            end.install(of(*(f"10.3.0.{n + 2}/32" for n in range(MOST_PEERS + 1))))

    run(case)


def test_a_tunnel_of_ours_does_not_enter_another(run: Run) -> None:  # noqa: F811
    """However it came about that a tunnel leads to a UE: the packet dies on its second way in (also a fragment)."""
    inside = p.gpdu(0x2001, p.udp(p.DN, p.UE), psc_type=0)

    async def case(end: End) -> None:
        end.install(rules())
        looped = p.udp(p.UPF_N3, p.UE, inside, port=2152, sport=2152)
        fragment = p.ip(p.UPF_N3, p.UE, bytes(16), 17, fragment=0x10)
        fine = p.udp(p.UPF_N3, p.UE, b"53", port=40000, sport=53)
        got = await end.own(looped, fragment, fine)
        assert [octets[16 + 20 :] for octets in got] == [fine[20:]]
        assert end.counts()[Reason.LOOP] == 2

    run(case)


@pytest.mark.parametrize(
    ("first", "second", "words", "passes"),
    [
        (0x10, 0x09, 1, True),
        (0x18, 0x09, 1, False),
        (0x18, 0x09, 7, True),
        (0x14, 0x09, 1, False),
        (0x12, 0x09, 2, True),
        (0x11, 0x09, 1, False),
        (0x10, 0x89, 1, False),
        (0x10, 0x49, 1, False),
        (0x10, 0x49, 2, True),
    ],
)
def test_a_container_has_what_its_flags_announce(
    run: Run,  # noqa: F811
    first: int,
    second: int,
    words: int,
    passes: bool,
) -> None:
    """TS 38.415 §5.5.2.2: QMP, delays, sequence number, another octet."""
    inner = p.udp(p.UE, p.DN)
    container = bytes((words, first, second)).ljust(words * 4, b"\0")
    tail = b"\0\0\0\x85" + container
    head = bytes((0x34, 255)) + (len(tail) + len(inner)).to_bytes(2, "big") + (0x1001).to_bytes(4, "big")

    async def case(end: End) -> None:
        end.install(rules())
        assert await end.uplink(head + tail + inner) == ([p.after_hop(inner)] if passes else [])
        assert end.counts()[Reason.MALFORMED] == int(not passes)

    run(case)


def test_spare_bits_say_nothing(run: Run) -> None:  # noqa: F811
    """TS 29.281 §5.1: the receiver does not evaluate bit 4 of the first octet. Here: it is no other version."""
    inner = p.udp(p.UE, p.DN)
    octets = p.gpdu(0x1001, inner)

    async def case(end: End) -> None:
        end.install(rules())
        assert await end.uplink(bytes((octets[0] | 8,)) + octets[1:]) == [p.after_hop(inner)]

    run(case)


def test_the_gnb_takes_a_container_of_the_downlink_that_is_whole() -> None:
    """TS 38.415 §5.5.2.1: PPI, QMP, sequence number."""
    settings = replace(SETTINGS, role=Role.GNB, n3_address=p.GNB_N3)
    gnb = Model(settings)
    gnb.install(
        SessionRules(1, (DecapRule(0x2001, p.UE),), (EncapRule(p.UE, 0x1001, p.UPF_N3, 9),)),
        0,
    )
    inner = p.udp(p.DN, p.UE)
    cases = ((0, 9, 1, True), (0, 0x89, 1, False), (0, 0x89, 2, True), (8, 9, 1, False))
    for flags, second, words, passes in cases:
        tail = b"\0\0\0\x85" + bytes((words, flags, second)).ljust(words * 4, b"\0")
        head = bytes((0x34, 255)) + (len(tail) + len(inner)).to_bytes(2, "big") + (0x2001).to_bytes(4, "big")
        assert isinstance(gnb.decapsulate(head + tail + inner, 0), Inner if passes else Dropped)


def test_the_model_asks_for_the_sender_only_where_it_is_told() -> None:
    end = ModelEnd(SETTINGS)
    end.install(of("10.3.0.2/32"))
    packet = p.gpdu(0x1001, p.udp(p.UE, p.DN))
    assert not isinstance(end.model.decapsulate(packet, 0), SlowPath)
    assert isinstance(end.model.decapsulate(packet, 0, IPv4Address("10.3.0.9")), SlowPath)
