"""IPv6 and IPv4v6 sessions through a whole network: types, prefixes, autoconfiguration, packets both ways."""

from __future__ import annotations

import asyncio
from ipaddress import IPv6Address, IPv6Network

import pytest

from cinq.nf.udr import policies, provisioning
from cinq.procedure import Refused
from cinq.ran.ue.session import Session
from cinq.ran.ue.settings import SessionSettings
from cinq.ran.ue.ue import Ue
from cinq.settings.policy import Rule
from cinq.userplane.model import Dropped, Inner
from cinq.userplane.rules import Reason
from cinq.wire import nas
from tests.network.test_lifecycle import inactivity
from tests.network.test_policy import told
from tests.network.through import DNS6, POOL6, Path, play
from tests.network.world import SUPI
from tests.userplane import packets as p

FAR = IPv6Address("2001:db8:ffff::7")


def passed(found: tuple[int, Inner | Dropped]) -> int:
    """The QFI of a packet that arrived."""
    assert isinstance(found[1], Inner), found
    return found[0]


async def opened(ue: Ue, kind: str) -> Session:
    session = await ue.open_session(SessionSettings(kind=kind))  # type: ignore[arg-type]
    await asyncio.sleep(1)
    assert isinstance(session, Session)
    return session


def address6(session: Session) -> IPv6Address:
    found = session.context.address6
    assert found is not None
    return found


@pytest.mark.parametrize("kind", ["IPv6", "IPv4v6"])
def test_a_session_and_its_packets(kind: str) -> None:
    async def scene(path: Path, ue: Ue, first: Session) -> None:
        session = await opened(ue, kind)
        assert session.context.kind == {"IPv6": 2, "IPv4v6": 3}[kind]
        assert (session.context.address is not None) == (kind == "IPv4v6")
        six = address6(session)
        prefix = IPv6Network((six, 64), strict=False)
        assert prefix.subnet_of(POOL6)
        assert prefix != IPv6Network((POOL6.network_address, 64)), "the first is nobody's"
        assert six == prefix[int.from_bytes(session.context.interface_identifier, "big")]
        assert DNS6 in session.context.dns
        assert passed(path.up(p.udp6(six, FAR)))
        assert passed(path.down(p.udp6(FAR, six)))
        assert path.down(p.udp6(FAR, POOL6[7]))[1] == Dropped(Reason.UNKNOWN_UE)
        if session.context.address is not None:
            assert passed(path.up(p.udp(session.context.address, p.DN)))
        other = await opened(ue, kind)
        assert address6(other) not in prefix
        await ue.release_session(session.context.pdu_session_id)
        await asyncio.sleep(1)
        assert path.down(p.udp6(FAR, six))[1] == Dropped(Reason.UNKNOWN_UE)
        assert passed(path.down(p.udp6(FAR, address6(other))))

    play(scene, ipv6=True)


def test_the_address_stays_while_bearers_come_and_go() -> None:
    async def scene(path: Path, ue: Ue, first: Session) -> None:
        session = await opened(ue, "IPv6")
        six = address6(session)
        inactivity(path.radio)
        await asyncio.sleep(1)
        assert not session.context.bearer
        path.buffered(p.udp6(FAR, six))
        await asyncio.sleep(5)
        assert session.context.bearer, "paged"
        assert address6(session) == six
        assert passed(path.up(p.udp6(six, FAR)))
        assert passed(path.down(p.udp6(FAR, six)))

    play(scene, ipv6=True)


def test_a_flow_of_ipv6() -> None:
    async def scene(path: Path, ue: Ue, first: Session) -> None:
        session = await opened(ue, "IPv4v6")
        six = address6(session)
        rule = Rule("six", (f"permit out 17 from {FAR}/128 5004 to assigned",), 7, precedence=10)
        policies.put(path.network.store, SUPI, "six", policies.element(rule))
        await told(path.network)
        own = next(flow.qfi for flow in session.context.flows if flow.five_qi == 7)
        default = passed(path.up(p.udp6(six, FAR, port=80)))
        assert own != default
        assert passed(path.up(p.udp6(six, FAR, port=5004))) == own
        assert passed(path.down(p.udp6(FAR, six, sport=5004))) == own
        assert passed(path.down(p.udp6(FAR, six, sport=5005))) == default

    play(scene, ipv6=True)


def test_one_version_is_all_there_is() -> None:
    """TS 24.501 §6.4.1.3: #50 with IPv4 for a UE that asked for both; a reject for IPv6 alone."""

    async def scene(path: Path, ue: Ue, first: Session) -> None:
        session = await opened(ue, "IPv4v6")
        assert (session.context.kind, session.context.cause) == (1, 50)
        assert session.context.address6 is None
        with pytest.raises(Refused) as refused:
            await opened(ue, "IPv6")
        answer = refused.value.answer
        assert isinstance(answer, nas.PDUSessionEstablishmentReject)
        assert answer.cause == nas.GsmCause.PDU_SESSION_TYPE_IPV4_ONLY_ALLOWED

    play(scene)


def test_a_spoofed_source_is_dropped() -> None:
    async def scene(path: Path, ue: Ue, first: Session) -> None:
        session, other = await opened(ue, "IPv6"), await opened(ue, "IPv6")
        packet = p.udp6(address6(session), FAR)
        sent = path.gnb.encapsulate(packet, 0)
        teids = {
            rules.decap[0].teid for rules in path.upf.registry.sessions.values() if rules.decap[0].prefix
        }
        forged = [
            sent.octets[:4] + teid.to_bytes(4, "big") + sent.octets[8:]  # type: ignore[union-attr]
            for teid in teids
        ]
        verdicts = [path.upf.decapsulate(octets, 0) for octets in forged]
        assert sorted(type(v).__name__ for v in verdicts) == ["Dropped", "Inner"]
        assert Dropped(Reason.SPOOFED) in verdicts
        assert address6(other) != address6(session)

    play(scene, ipv6=True)


def test_a_static_prefix() -> None:
    """TS 23.501 §5.8.2.2.1: the prefix of the subscription; another one ends the session, so that the UE gets it."""

    async def scene(path: Path, ue: Ue, first: Session) -> None:
        async def subscribe(prefix: str) -> None:
            known = provisioning.get(path.network.store, SUPI)
            assert known is not None
            after = provisioning.changed(known, {"static_prefix": prefix})
            provisioning.put_subscription(path.network.store, after)
            await told(path.network)

        await subscribe("2001:db8:45:77::/64")
        session = await opened(ue, "IPv4v6")
        assert address6(session) in IPv6Network("2001:db8:45:77::/64")
        assert passed(path.down(p.udp6(FAR, address6(session))))
        await subscribe("2001:db8:45:78::/64")
        await asyncio.sleep(2)
        again = next(each for each in ue.sessions.values() if each.context.address6 is not None)
        assert again.context.address6 in IPv6Network("2001:db8:45:78::/64")
        assert path.down(p.udp6(FAR, IPv6Network("2001:db8:45:77::/64")[1]))[1] == Dropped(Reason.UNKNOWN_UE)

    play(scene, ipv6=True)
