"""Framed routes through the model, eBPF and TUN alike: networks behind UEs, which come and go (TS 23.501 §5.6.14)."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from pathlib import Path

import pytest
from msgspec import structs

from cinq.transport.netlink import Netlink
from cinq.userplane.rules import (
    Action,
    AddressInUse,
    DecapRule,
    EncapRule,
    Network,
    Reason,
    RuleError,
    SessionRules,
)
from cinq.userplane.topology import Topology

from . import packets as p
from .conftest import missing
from .ends import End
from .test_ipv6 import KernelEnd6, Run, run, six  # noqa: F401  # fixtures

NET, INSIDE = IPv4Network("10.45.200.0/24"), IPv4Network("10.45.200.64/26")
NET6 = IPv6Network("2001:db8:45:f000::/52")
BEHIND, DEEPER, BEHIND6 = NET[9], INSIDE[9], NET6[0x1234]


def rules(
    *routes: Network, session: int = 1, other: bool = False, action: Action = Action.FORWARD
) -> SessionRules:
    ue, prefix = (p.OTHER_UE, p.OTHER_PREFIX) if other else (p.UE, p.PREFIX)
    up, down = 0x1000 + session, 0x2000 + session
    encap = tuple(
        EncapRule(end, down, p.GNB_N3, 9, action, routes=tuple(r for r in routes if r.version == end.version))
        for end in (ue, prefix)
    )
    return SessionRules(session, (DecapRule(up, ue, prefix=prefix),), encap)


def test_both_ways_and_live(run: Run) -> None:  # noqa: F811
    async def case(end: End) -> None:
        there, back = p.udp(BEHIND, p.DN, b"up"), p.udp(p.DN, BEHIND, b"down")
        there6, back6 = p.udp6(BEHIND6, p.DN6, b"up"), p.udp6(p.DN6, BEHIND6, b"down")
        end.install(rules())
        assert await end.uplink(p.gpdu(0x1001, there), p.gpdu(0x1001, there6)) == []
        assert end.counts()[Reason.SPOOFED] == 2
        assert await end.downlink(back, back6) == []
        end.install(rules(NET, NET6))
        assert p.after_hop(there6) in await end.uplink(p.gpdu(0x1001, there6))
        assert end.usage(1).uplink_packets == 1
        await end.uplink(p.gpdu(0x1001, there))
        assert end.usage(1).uplink_packets == 2
        wanted = [p.gpdu(0x2001, p.after_hop(packet), psc_type=0) for packet in (back, back6)]
        assert await end.downlink(back, back6) == wanted
        own = p.udp(p.DN, p.UE, b"own")
        assert await end.downlink(own) == [p.gpdu(0x2001, p.after_hop(own), psc_type=0)]
        end.install(rules(NET6))
        assert await end.downlink(back) == []
        assert await end.uplink(p.gpdu(0x1001, there)) == []
        assert len(await end.downlink(back6)) == 1
        end.remove(1)
        assert await end.downlink(back6) == []

    run(case)


def test_whose_network_it_is(run: Run) -> None:  # noqa: F811
    """The longest prefix counts; nobody sends from another's network, nor to it; a network is behind one UE."""

    async def case(end: End) -> None:
        end.install(rules(NET, NET6))
        end.install(rules(INSIDE, session=2, other=True))
        wide, narrow = p.udp(p.DN, BEHIND, b"wide"), p.udp(p.DN, DEEPER, b"narrow")
        assert await end.downlink(wide, narrow) == [
            p.gpdu(0x2001, p.after_hop(wide), psc_type=0),
            p.gpdu(0x2002, p.after_hop(narrow), psc_type=0),
        ]
        before = end.counts()[Reason.SPOOFED]
        forged = [
            (0x1002, p.udp(BEHIND, p.DN)),
            (0x1001, p.udp(DEEPER, p.DN)),
            (0x1002, p.udp6(BEHIND6, p.DN6)),
        ]
        assert await end.uplink(*(p.gpdu(teid, packet) for teid, packet in forged)) == []
        assert end.counts()[Reason.SPOOFED] == before + 3
        to = [p.udp(p.OTHER_UE, BEHIND), p.udp6(p.OTHER_PREFIX[7], BEHIND6)]
        assert await end.uplink(*(p.gpdu(0x1002, packet) for packet in to)) == []
        assert end.counts()[Reason.UE_TO_UE] == 2
        with pytest.raises(AddressInUse, match=r"10.45.200.0/24 is behind the UE of another session"):
            end.install(rules(INSIDE, NET, session=2, other=True))
        only = EncapRule(IPv4Address("10.45.0.9"), 0x2003, p.GNB_N3, routes=(NET6,))
        with pytest.raises(RuleError, match="cannot be behind"):
            end.install(SessionRules(3, encap=(only,)))
        assert len(await end.downlink(narrow)) == 1, "a refusal changes nothing"

    run(case)


def test_waiting_packets_of_a_network(run: Run) -> None:  # noqa: F811
    async def case(end: End) -> None:
        end.install(rules(NET, NET6, action=Action.BUFFER))
        waiting = [p.udp(p.DN, BEHIND, b"1"), p.udp6(p.DN6, BEHIND6, b"2"), p.udp(p.DN, p.UE, b"3")]
        assert await end.downlink(*waiting) == []
        assert end.events.waiting == [1], "one UE, told once"
        out = await end.after(lambda: end.install(rules(NET, NET6)))
        assert [(octets[4:8], octets[-1:]) for octets in out] == [
            (b"\0\0\x20\x01", n) for n in (b"1", b"2", b"3")
        ]

    run(case)


@pytest.mark.root
@pytest.mark.kernel
@pytest.mark.parametrize("kind", ["ebpf", "tun"])
def test_the_ways_of_the_host(kind: str, six: Topology | None, tmp_path: Path) -> None:  # noqa: F811
    """A route for each network, gone with it; a network that the host reaches otherwise is refused."""
    if missing(kind):
        pytest.skip(missing(kind))
    assert six is not None
    t, lab = six, IPv4Network("198.51.100.0/24")

    async def case() -> None:
        end = KernelEnd6(t, kind, tmp_path / "journal")
        with Netlink(t.upf) as links:

            def ways() -> set[str]:
                return {route.destination for route in links.routes()}

            try:
                end.install(rules(lab))
                assert str(lab) in ways()
                with pytest.raises(RuleError, match=r"takes no route to 10.6.0.0/24"):
                    end.install(
                        structs.replace(rules(IPv4Network("203.0.113.0/24"), IPv4Network("10.6.0.0/24")))
                    )
                assert "203.0.113.0/24" not in ways()
                there = p.udp(p.DN, lab[7], b"outside of the pool")
                assert await end.downlink(there) == [p.gpdu(0x2001, p.after_hop(there), psc_type=0)]
                end.install(rules())
                assert str(lab) not in ways()
                end.install(rules(lab))
                end.remove(1)
                assert str(lab) not in ways()
                end.install(rules(lab))
            finally:
                end.close()
            assert str(lab) not in ways()

    asyncio.run(case())
