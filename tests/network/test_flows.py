"""QoS flows from the operator's or the UE's wish to the packets: in which flow they go, what they are held to."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address

from cinq.nf.udr import policies
from cinq.ran.ue.session import Session
from cinq.ran.ue.signals import ModifySession
from cinq.ran.ue.ue import Ue
from cinq.settings.policy import Rule
from cinq.settings.toml import BitRate
from cinq.userplane.model import Dropped, Inner
from cinq.userplane.rules import Reason
from cinq.wire import nas
from cinq.wire.nas.ie import filters
from tests.network.test_lifecycle import inactivity
from tests.network.test_policy import told
from tests.network.through import Path, play
from tests.network.world import SUPI
from tests.userplane import packets as p

FAR = IPv4Address("198.51.100.7")
FILTER = "permit out 17 from 198.51.100.0/24 5004 to assigned"
MEGABIT = BitRate(1_000_000)
VOICE = Rule("voice", (FILTER,), 1, gbr_uplink=MEGABIT, gbr_downlink=MEGABIT, precedence=10)


def up(session: Session, port: int, size: int = 100) -> bytes:
    assert session.context.address is not None
    return p.udp(session.context.address, FAR, bytes(size), port=port)


def down(session: Session, port: int, size: int = 100) -> bytes:
    assert session.context.address is not None
    return p.udp(FAR, session.context.address, bytes(size), sport=port)


def passed(found: tuple[int, Inner | Dropped]) -> int:
    """The QFI of a packet that arrived."""
    assert isinstance(found[1], Inner), found
    return found[0]


def test_a_rule_of_the_operator_puts_packets_on_their_flow_and_holds_them_to_its_rate() -> None:
    async def scene(path: Path, ue: Ue, session: Session) -> None:
        default = passed(path.up(up(session, 5004)))
        policies.put(path.network.store, SUPI, "voice", policies.element(VOICE))
        await told(path.network)
        voice = next(flow.qfi for flow in session.context.flows if flow.five_qi == 1)
        assert passed(path.up(up(session, 5004))) == voice
        assert passed(path.down(down(session, 5004))) == voice
        for other in (5005, 80):
            assert passed(path.up(up(session, other))) == default
            assert passed(path.down(down(session, other))) == default
        many = [path.down(down(session, 5004, 1000))[1] for _ in range(60)]
        assert 34 <= len([verdict for verdict in many if isinstance(verdict, Inner)]) <= 38
        assert many[-1] == Dropped(Reason.POLICED)
        many = [path.up(up(session, 5004, 1000))[1] for _ in range(60)]
        assert 34 <= len([verdict for verdict in many if isinstance(verdict, Inner)]) <= 38
        assert passed(path.down(down(session, 80))) == default
        policies.remove(path.network.store, SUPI, "voice")
        await told(path.network)
        assert passed(path.up(up(session, 5004, 1000))) == default
        assert passed(path.down(down(session, 5004, 1000))) == default

    play(scene)


def test_flows_outlive_an_idle_time() -> None:
    async def scene(path: Path, ue: Ue, session: Session) -> None:
        policies.put(path.network.store, SUPI, "voice", policies.element(VOICE))
        await told(path.network)
        voice = next(flow.qfi for flow in session.context.flows if flow.five_qi == 1)
        inactivity(path.radio)
        await asyncio.sleep(1)
        assert not session.context.bearer
        path.buffered(down(session, 5004))
        await asyncio.sleep(5)
        assert session.context.bearer, "paged"
        assert passed(path.up(up(session, 5004))) == voice
        assert passed(path.down(down(session, 5004))) == voice

    play(scene)


def test_a_closed_gate() -> None:
    async def scene(path: Path, ue: Ue, session: Session) -> None:
        shut = Rule("shut", (FILTER,), precedence=10, gate="closed")
        policies.put(path.network.store, SUPI, "shut", policies.element(shut))
        await told(path.network)
        assert path.down(down(session, 5004)) == (0, Dropped(Reason.RULE_DROP))
        assert path.up(up(session, 5004))[1] == Dropped(Reason.RULE_DROP)
        assert passed(path.down(down(session, 80)))

    play(scene)


def test_what_a_ue_asks_for_is_its_flow() -> None:
    """TS 24.501 §6.4.2: the PCF grants it where the operator lets it."""

    async def scene(path: Path, ue: Ue, session: Session) -> None:
        components = (
            filters.number(filters.Component.PROTOCOL, 17),
            filters.number(filters.Component.REMOTE_PORT, 7000),
        )
        rule = nas.QosRule(
            0,
            packet_filters=(nas.PacketFilter(1, nas.Direction.BIDIRECTIONAL, components),),
            precedence=20,
            qfi=0,
        )
        flow = nas.QosFlowDescription(0, nas.FlowOperation.CREATE, five_qi=7)
        default = passed(path.up(up(session, 7000)))
        await session.modify(ModifySession((rule,), (flow,)))
        await asyncio.sleep(1)
        own = next(flow.qfi for flow in session.context.flows if flow.five_qi == 7)
        assert own != default
        assert passed(path.up(up(session, 7000))) == own
        assert passed(path.down(down(session, 7000))) == own
        assert passed(path.down(down(session, 7001))) == default

    play(scene)
