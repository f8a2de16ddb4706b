"""Service data flows: the same packets of the same flows at the model, eBPF and TUN; what each flow is held to."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from ipaddress import IPv4Address, IPv4Network
from random import Random

import pytest
from msgspec import structs

from cinq.userplane.flows import Traits, chosen
from cinq.userplane.inner import check_inner, traits
from cinq.userplane.model import Inner, Model, Outer
from cinq.userplane.rules import (
    Action,
    Count,
    DecapRule,
    EncapRule,
    Filter,
    Flow,
    Limit,
    NoRoom,
    Reason,
    RuleError,
    SessionRules,
)

from . import packets as p
from .ends import End, KernelEnd, ModelEnd, rules
from .test_planes import SETTINGS, Run, run  # noqa: F401 (a fixture)

DN_NET = IPv4Network("10.6.0.0/24")
VOICE = Filter(protocol=17, remote=DN_NET, local_ports=(4000, 4999))


def flow(number: int, *filters: Filter, qfi: int = 9, limits: tuple[int, ...] = (), **more: int) -> Flow:
    """Of the downlink, to the gNB."""
    made = Flow(number, filters, qfi=qfi, limits=limits, teid=0x2001, peer=p.GNB_N3)
    return structs.replace(made, **more)


def session(
    uplink: tuple[Flow, ...], downlink: tuple[Flow, ...], limits: tuple[Limit, ...] = ()
) -> SessionRules:
    decap, encap = DecapRule(0x1001, p.UE, flows=uplink), EncapRule(p.UE, flows=downlink)
    return SessionRules(1, (decap,), (encap,), limits=limits)


def two(limits: tuple[Limit, ...] = (), **more: int) -> SessionRules:
    """Voice on QFI 5, the rest on QFI 9; limit 1 is shared, limit 2 is the voice's."""
    own = tuple(n for n in (1, 2) if n in {limit.number for limit in limits})
    shared = own[:1]
    return session(
        (Flow(1, (VOICE,), qfis=(5,), limits=own), Flow(2, qfis=(9,), limits=shared)),
        (flow(3, VOICE, qfi=5, limits=own, **more), flow(4, limits=shared)),
        limits,
    )


def voice(*, up: bool, payload: bytes = b"voice") -> bytes:
    if up:
        return p.udp(p.UE, p.DN, payload, sport=4500)
    return p.udp(p.DN, p.UE, payload, port=4500)


def qfis(sent: list[bytes]) -> list[int]:
    return [octets[14] for octets in sent]


def test_each_packet_goes_in_its_flow_and_is_counted_there(run: Run) -> None:  # noqa: F811
    async def case(end: End) -> None:
        end.install(two())
        rest = p.udp(p.DN, p.UE, b"rest")
        assert qfis(await end.downlink(voice(up=False), rest, voice(up=False))) == [5, 9, 5]
        up = [p.gpdu(0x1001, voice(up=True), qfi=5), p.gpdu(0x1001, p.udp(p.UE, p.DN), qfi=9)]
        assert len(await end.uplink(*up)) == 2
        counted = end.flow_usage(1)
        size = len(voice(up=False))
        assert counted[3] == Count(2, 2 * size)
        assert counted[4] == Count(1, len(rest))
        assert (counted[1].packets, counted[2].packets) == (1, 1)
        usage = end.usage(1)
        assert (usage.uplink_packets, usage.downlink_packets) == (2, 3)

    run(case)


def test_without_a_container_filters_tell_the_flow(run: Run) -> None:  # noqa: F811
    """Some gNBs send no PDU Session Container on N3, though TS 29.281 §5.2.2.7 wants it."""

    async def case(end: End) -> None:
        end.install(two())
        sent = voice(up=True), p.udp(p.UE, p.DN)
        assert await end.uplink(*(p.bare(0x1001, one) for one in sent)) == [p.after_hop(one) for one in sent]
        counted = end.flow_usage(1)
        assert (counted[1].packets, counted[2].packets) == (1, 1)

    run(case)


def test_uplink_in_a_flow_that_is_not_its_own_is_dropped(run: Run) -> None:  # noqa: F811
    """TS 23.501 §5.7.1.7: the UPF verifies that QFIs are used as the QoS rules of the UE say."""

    async def case(end: End) -> None:
        end.install(two())
        rest_as_voice = p.gpdu(0x1001, p.udp(p.UE, p.DN), qfi=5)
        assert await end.uplink(rest_as_voice) == []
        assert end.counts()[Reason.NO_FLOW] == 1

    run(case)


def test_what_no_flow_takes_is_dropped(run: Run) -> None:  # noqa: F811
    async def case(end: End) -> None:
        end.install(session((Flow(1, (VOICE,)),), (flow(2, VOICE),)))
        assert await end.downlink(p.udp(p.DN, p.UE)) == []
        assert await end.uplink(p.gpdu(0x1001, p.udp(p.UE, p.DN))) == []
        assert end.counts()[Reason.NO_FLOW] == 2

    run(case)


def test_a_closed_gate_closes_its_flow_alone(run: Run) -> None:  # noqa: F811
    async def case(end: End) -> None:
        end.install(two(action=Action.DROP))
        assert qfis(await end.downlink(voice(up=False), p.udp(p.DN, p.UE))) == [9]
        assert end.counts()[Reason.RULE_DROP] == 1

    run(case)


def test_a_limit_of_one_flow_and_one_that_flows_share(run: Run) -> None:  # noqa: F811
    """1 Mbit/s with 300 ms takes 37.5 kB at once. Voice has that; both together have twice as much."""
    limits = (Limit(1, 2_000_000, 2_000_000), Limit(2, 1_000_000, 1_000_000))

    async def case(end: End) -> None:
        end.install(two(limits))
        many = [voice(up=False, payload=bytes(1000))] * 60
        first = await end.downlink(*many)
        assert 36 <= len(first) <= 42
        rest = await end.downlink(*[p.udp(p.DN, p.UE, bytes(1000))] * 60)
        assert 36 <= len(rest) <= 46  # what voice was refused is not charged to the shared limit
        usage = end.usage(1)
        assert usage.downlink_policed + usage.downlink_packets == 120
        assert end.counts()[Reason.POLICED] == usage.downlink_policed
        up = await end.uplink(*[p.gpdu(0x1001, voice(up=True, payload=bytes(1000)), qfi=5)] * 60)
        assert 36 <= len(up) <= 42

    run(case)


def test_reflective_packets_carry_the_rqi(run: Run) -> None:  # noqa: F811
    """TS 38.415 §5.5.2.1."""

    async def case(end: End) -> None:
        end.install(two(reflective=True))
        assert qfis(await end.downlink(voice(up=False), p.udp(p.DN, p.UE))) == [0x45, 9]

    run(case)


def test_the_outer_header_is_marked(run: Run) -> None:  # noqa: F811
    """Transport level marking, in a flow and in a plain rule."""

    async def case(end: End) -> None:
        if isinstance(end, ModelEnd):
            return  # it makes no outer header
        assert isinstance(end, KernelEnd)
        end.gnb.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        plain = rules()
        for each in (
            two(tos=0xB8),
            structs.replace(plain, encap=(structs.replace(plain.encap[0], tos=0xB8),)),
        ):
            end.install(each)
            end.raw.sendto(voice(up=False), (str(p.UE), 0))
            for _ in range(200):
                await asyncio.sleep(0.01)
                with contextlib.suppress(BlockingIOError):
                    _, marks, _, _ = end.gnb.recvmsg(2048, 64)
                    break
            assert [data[0] for _, _, data in marks] == [0xB8]

    run(case)


def test_waiting_packets_leave_in_order_each_in_its_flow(run: Run) -> None:  # noqa: F811
    async def case(end: End) -> None:
        idle = session((), (flow(3, VOICE, action=Action.BUFFER), flow(4, action=Action.BUFFER)))
        end.install(idle)
        sent = [voice(up=False, payload=b"0"), p.udp(p.DN, p.UE, b"1"), voice(up=False, payload=b"2")]
        assert await end.downlink(*sent) == []
        assert end.events.waiting == [1]
        released = await end.after(lambda: end.install(two()))
        assert [(octets[14], octets[44:]) for octets in released] == [(5, b"0"), (9, b"1"), (5, b"2")]
        assert qfis(await end.downlink(*sent)) == [5, 9, 5]

    run(case)


def test_flows_come_and_go_and_counters_of_those_that_stay_go_on(run: Run) -> None:  # noqa: F811
    async def case(end: End) -> None:
        end.install(two())
        await end.downlink(voice(up=False))
        end.install(rules())
        assert qfis(await end.downlink(voice(up=False))) == [9]
        assert end.flow_usage(1) == {}
        end.install(two())
        assert end.flow_usage(1)[3] == Count()
        await end.downlink(voice(up=False))
        other = structs.replace(VOICE, local_ports=(6000, 6000))
        end.install(session((Flow(1),), (flow(3, VOICE, qfi=7), flow(5, other), flow(4))))
        assert qfis(await end.downlink(voice(up=False))) == [7]
        assert end.flow_usage(1)[3].packets == 2
        assert end.usage(1).downlink_packets == 4
        end.remove(1)
        assert end.flow_usage(1) == {}
        assert await end.downlink(voice(up=False)) == []

    run(case)


def test_more_than_a_tunnel_end_holds_is_refused_and_nothing_changes(run: Run) -> None:  # noqa: F811
    async def case(end: End) -> None:
        end.install(two())
        many = tuple(flow(n) for n in range(10, 43))
        with pytest.raises(NoRoom):
            end.install(session((Flow(1),), many))
        filters = tuple(Filter(remote_ports=(n, n)) for n in range(65))
        with pytest.raises(NoRoom):
            end.install(session((Flow(1, filters),), (flow(2),)))
        with pytest.raises(RuleError):
            end.install(session((Flow(1, limits=(7,)),), (flow(2),)))
        assert qfis(await end.downlink(voice(up=False))) == [5]
        full = tuple(Filter(protocol=17, remote_ports=(n, n)) for n in range(63))
        end.install(session((Flow(1),), (flow(3, *full, qfi=5), flow(4))))
        sent = [p.udp(p.DN, p.UE, sport=n) for n in (1, 62, 63)]
        assert qfis(await end.downlink(*sent)) == [5, 5, 9]

    run(case)


# -- random filters and packets: the kernel chooses what the model chooses -------------------------------


def random_filter(r: Random) -> Filter:
    def some(value: object) -> object:
        return value if r.random() < 0.3 else None

    def ports() -> tuple[int, int]:
        first = r.randrange(5000, 5010)
        return first, first + r.randrange(6)

    length = r.choice((0, 8, 24, 30, 32))
    network = IPv4Network((p.DN, length), strict=False)
    local = IPv4Network((p.UE, r.choice((16, 32))), strict=False)
    fields = {
        "protocol": some(r.choice((6, 17, 1, 50, 51))),
        "remote": some(r.choice((network, IPv4Network("10.6.0.9/32")))),
        "remote_ports": some(ports()),
        "local": some(r.choice((local, IPv4Network("10.45.0.9/32")))),
        "local_ports": some(ports()),
        "tos": some((r.choice((0xB8, 0x28)), r.choice((0xFC, 0xFF, 0)))),
        "spi": some(r.randrange(3)),
        "flow_label": some(r.randrange(2)) if r.random() < 0.1 else None,
    }
    return structs.replace(Filter(), **fields)


def random_packet(r: Random, mark: int) -> bytes:
    """To the UE, of a kind that filters tell apart; the last two octets are its mark."""
    protocol = r.choice((6, 17, 17, 1, 50, 51))
    ports = struct.pack("!HH", r.randrange(5000, 5012), r.randrange(5000, 5012))
    spi = struct.pack("!II", r.randrange(3), r.randrange(3))
    head = spi if protocol in (50, 51) else b"\x08\0\0\0\0\0\0\0" if protocol == 1 else ports + bytes(4)
    if protocol == 17:
        return p.udp(p.DN, p.UE, struct.pack("!H", mark), *reversed(struct.unpack("!HH", ports)))
    fragment = r.choice((0, 0, 0x2000, 0x0010))
    body = head + bytes(14) + struct.pack("!H", mark)
    return with_tos(p.ip(p.DN, p.UE, body, protocol, fragment=fragment), r.choice((0, 0xB8, 0x28, 0xB9)))


def with_tos(packet: bytes, tos: int) -> bytes:
    zero = packet[:1] + bytes((tos,)) + packet[2:10] + b"\0\0" + packet[12:20]
    return zero[:10] + struct.pack("!H", ~p.ones_sum(zero) & 0xFFFF) + packet[12:]


def turned(packet: bytes) -> bytes:
    """The same from the UE to the data network."""
    ends = packet[16:20] + packet[12:16]
    ports = packet[22:24] + packet[20:22] if packet[9] in (6, 17) else packet[20:24]
    return packet[:12] + ends + ports + packet[24:]


@pytest.mark.parametrize("seed", range(8))
def test_random_filters_choose_alike_everywhere(run: Run, seed: int) -> None:  # noqa: F811
    r = Random(seed)
    made = [[random_filter(r) for _ in range(r.randrange(1, 4))] for _ in range(12)]
    down = tuple(flow(n + 100, *filters, qfi=n + 1) for n, filters in enumerate(made))
    up = tuple(
        Flow(n + 1, tuple(filters), qfis=(n + 1, 40) if n % 2 else ()) for n, filters in enumerate(made)
    )
    packets = [random_packet(r, mark) for mark in range(60)]

    async def case(end: End) -> None:
        if isinstance(end, ModelEnd):
            return  # it is the judge here
        oracle = Model(SETTINGS)
        oracle.install(session(up, down), 0)
        end.install(session(up, down))
        wanted = [oracle.encapsulate(p.after_hop(packet), 0) for packet in packets]
        expected = [(v.octets[14], v.octets[-2:]) for v in wanted if isinstance(v, Outer)]
        got = [(octets[14], octets[-2:]) for octets in await end.downlink(*packets)]
        assert sorted(got) == sorted(expected)
        assert len(expected) > 5
        assert end.counts()[Reason.NO_FLOW] == oracle.counts[Reason.NO_FLOW]
        assert end.flow_usage(1) == oracle.flow_usage(1)
        for qfi in (1, 2, 40):
            gpdus = [p.gpdu(0x1001, turned(packet), qfi=qfi) for packet in packets]
            inner = [v.packet[-2:] for v in (oracle.decapsulate(g, 0) for g in gpdus) if isinstance(v, Inner)]
            assert [packet[-2:] for packet in await end.uplink(*gpdus)] == inner

    run(case)


def seen_in(packet: bytes) -> Traits:
    return traits(packet, check_inner(packet), uplink=False)


def test_the_ends_of_a_filter() -> None:
    """First and last port, a tos mask, an SPI: judged by hand."""
    seen = seen_in(p.udp(p.DN, p.UE, port=9999, sport=4000))
    assert (seen.remote_port, seen.local_port) == (4000, 9999)
    flows = [Flow(1, (Filter(remote_ports=(4001, 4002)),)), Flow(2, (Filter(remote_ports=(3999, 4000)),))]
    found = chosen(flows, seen)
    assert found is not None
    assert found.number == 2
    esp = seen_in(p.ip(IPv4Address(1), p.UE, struct.pack("!II", 7, 8), 50))
    ah = seen_in(p.ip(IPv4Address(1), p.UE, struct.pack("!II", 7, 8), 51))
    assert (esp.spi, ah.spi) == (7, 8)
    marked = seen_in(with_tos(p.udp(p.DN, p.UE), 0xB9))
    assert chosen([Flow(1, (Filter(tos=(0xB8, 0xFC)),))], marked)
    assert not chosen([Flow(1, (Filter(tos=(0xB8, 0xFF)),))], marked)
    assert chosen([Flow(1, qfis=(5,))], marked, 5)
    assert not chosen([Flow(1, qfis=(5,))], marked, 9)
