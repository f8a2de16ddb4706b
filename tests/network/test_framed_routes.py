"""Networks behind a UE through a whole network: subscription, PFCP, packets, and a change while the session is up."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network

from cinq.nf.udr import provisioning
from cinq.ran.ue.session import Session
from cinq.ran.ue.settings import SessionSettings
from cinq.ran.ue.ue import Ue
from cinq.userplane.model import Dropped, Inner
from cinq.userplane.rules import Reason
from cinq.wire import pfcp
from tests.network.test_ipv6 import FAR, opened
from tests.network.test_policy import told
from tests.network.through import Path, play
from tests.network.world import SUPI
from tests.userplane import packets as p

LAB, LAB6 = IPv4Network("198.51.100.0/24"), IPv6Network("2001:db8:99::/48")
SITE = IPv4Network("203.0.113.0/25")
HOST, HOST6, THERE = LAB[7], LAB6[7], SITE[7]


async def subscribe(path: Path, *routes: IPv4Network | IPv6Network) -> None:
    known = provisioning.get(path.network.store, SUPI)
    assert known is not None
    cell = {"framed_routes": " ".join(map(str, routes)) or "none"}
    provisioning.put_subscription(path.network.store, provisioning.changed(known, cell))
    await told(path.network)


def test_they_come_and_go_while_the_session_is_up() -> None:
    async def scene(path: Path, ue: Ue, first: Session) -> None:
        await ue.release_session(first.context.pdu_session_id)
        await subscribe(path, LAB, LAB6)
        session = await ue.open_session(SessionSettings(kind="IPv4v6", behind=(LAB, LAB6, SITE)))
        assert isinstance(session, Session)
        await told(path.network)
        address = session.context.address
        assert address is not None
        for there, back in ((p.udp(HOST, p.DN), p.udp(p.DN, HOST)), (p.udp6(HOST6, FAR), p.udp6(FAR, HOST6))):
            assert isinstance(path.up(there)[1], Inner)
            assert isinstance(path.down(back)[1], Inner)
        assert path.up(p.udp(THERE, p.DN))[1] == Dropped(Reason.SPOOFED)
        assert path.down(p.udp(p.DN, THERE))[1] == Dropped(Reason.UNKNOWN_UE)
        await subscribe(path, SITE)
        assert isinstance(path.up(p.udp(THERE, p.DN))[1], Inner)
        assert isinstance(path.down(p.udp(p.DN, THERE))[1], Inner)
        assert path.up(p.udp(HOST, p.DN))[1] == Dropped(Reason.SPOOFED)
        assert path.down(p.udp6(FAR, HOST6))[1] == Dropped(Reason.UNKNOWN_UE)
        assert session.context.address == address, "the session goes on"
        assert isinstance(path.up(p.udp(address, p.DN))[1], Inner)
        await subscribe(path)
        assert path.up(p.udp(THERE, p.DN))[1] == Dropped(Reason.SPOOFED)
        updates = [
            e.content for e in path.network.events if isinstance(e.content, pfcp.SessionModificationRequest)
        ]
        routes = [
            u.update_pdrs[0].pdi.framed_routes for u in updates if u.update_pdrs and u.update_pdrs[0].pdi
        ]
        assert routes == [["203.0.113.0/25 0.0.0.0 1"], []]

    play(scene, ipv6=True)


def test_a_session_of_one_version_has_networks_of_that_version() -> None:
    async def scene(path: Path, ue: Ue, first: Session) -> None:
        await subscribe(path, LAB, LAB6)
        packet = p.udp(p.DN, HOST)
        verdict = path.upf.encapsulate(packet, 0)
        assert not isinstance(verdict, Dropped), verdict
        assert path.upf.encapsulate(p.udp6(FAR, HOST6), 0) == Dropped(Reason.UNKNOWN_UE)
        await ue.release_session(first.context.pdu_session_id)
        six = await opened(ue, "IPv6")
        assert six.context.address is None
        assert path.upf.encapsulate(packet, 0) == Dropped(Reason.UNKNOWN_UE)
        assert not isinstance(path.upf.encapsulate(p.udp6(FAR, HOST6), 0), Dropped)

    play(scene, ipv6=True)
