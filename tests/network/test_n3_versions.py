"""N3 of IPv4, of IPv6 and of both, at either end: which address each sends to, and what if those never meet."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address, IPv6Address

import pytest

from cinq.procedure import Event, Refused
from cinq.ran.ue.session import Session
from cinq.ran.ue.ue import Ue
from cinq.transport_address import TransportAddress
from cinq.userplane.model import Inner, Outer, SlowPath
from cinq.userplane.rules import Reason
from cinq.wire import gtpu, pfcp
from tests.network.through import N3, Path, play
from tests.userplane import packets as p

UPF = TransportAddress(N3, IPv6Address("2001:db8:3::1"))
GNB = TransportAddress(IPv4Address("10.0.0.2"), IPv6Address("2001:db8:3::2"))
ONLY_4, ONLY_6 = TransportAddress(UPF.ipv4), TransportAddress(None, UPF.ipv6)
GNB_4, GNB_6 = TransportAddress(GNB.ipv4), TransportAddress(None, GNB.ipv6)


def of_the_gnb(ends: TransportAddress) -> dict[str, IPv4Address | IPv6Address]:
    first, *second = ends.all
    return {"n3_address": first} | ({"n3_ipv6_address": second[0]} if second else {})


def elements(events: list[Event], kind: type) -> list[object]:
    return [event.content for event in events if isinstance(event.content, kind)]


@pytest.mark.parametrize(
    ("upf", "gnb", "to_upf", "to_gnb"),
    [
        (ONLY_4, GNB_4, UPF.ipv4, GNB.ipv4),
        (ONLY_4, GNB, UPF.ipv4, GNB.ipv4),
        (UPF, GNB_4, UPF.ipv4, GNB.ipv4),
        (UPF, GNB, UPF.ipv4, GNB.ipv4),
        (ONLY_6, GNB_6, UPF.ipv6, GNB.ipv6),
        (ONLY_6, GNB, UPF.ipv6, GNB.ipv6),
        (UPF, GNB_6, UPF.ipv6, GNB.ipv6),
    ],
)
def test_versions_that_meet(
    upf: TransportAddress, gnb: TransportAddress, to_upf: IPv4Address, to_gnb: IPv4Address
) -> None:
    """TS 38.414 §5.1, TS 29.244 §8.2.3, §8.2.56: each end says all of its addresses, and takes one of the other's."""

    async def scene(path: Path, ue: Ue, session: Session) -> None:
        address = session.context.address
        assert address is not None
        up = path.gnb.encapsulate(p.udp(address, p.DN), 0)
        down = path.upf.encapsulate(p.udp(p.DN, address), 0)
        assert isinstance(up, Outer)
        assert isinstance(down, Outer)
        assert (up.peer[0], down.peer[0]) == (str(to_upf), str(to_gnb))
        assert isinstance(path.up(p.udp(address, p.DN))[1], Inner)
        for own in gnb.all:  # its uplink may come from either, whichever its downlink goes to
            assert isinstance(path.upf.decapsulate(up.octets, 0, own), Inner)
        strangers = IPv4Address("10.0.0.77"), IPv6Address("2001:db8:3::77")
        assert [path.upf.decapsulate(up.octets, 0, one) for one in strangers] == [
            SlowPath(Reason.WRONG_PEER)
        ] * 2
        events = path.network.events
        (created,) = elements(events, pfcp.SessionEstablishmentResponse)[:1]
        assert isinstance(created, pfcp.SessionEstablishmentResponse)
        assert {each.f_teid.ends for each in created.created_pdrs if each.f_teid} == {upf}
        (asked,) = elements(events, pfcp.SessionEstablishmentRequest)[:1]
        assert isinstance(asked, pfcp.SessionEstablishmentRequest)
        removal = {(True, False): 0, (False, True): 1, (True, True): 6}
        wanted = removal[upf.ipv4 is not None, upf.ipv6 is not None]
        removed = [pdr.outer_header_removal for pdr in asked.create_pdrs]
        assert removed == [pfcp.OuterHeaderRemoval(wanted), None]
        (forward,) = [
            far.forwarding_parameters.outer_header_creation
            for message in elements(events, pfcp.SessionModificationRequest)
            for far in message.update_fars  # type: ignore[attr-defined]
            if far.forwarding_parameters is not None
            and far.forwarding_parameters.outer_header_creation is not None
        ][:1]
        flags = 0x0100 * (gnb.ipv4 is not None) | 0x0200 * (gnb.ipv6 is not None)
        assert (forward.description, forward.ipv4, forward.ipv6) == (flags, gnb.ipv4, gnb.ipv6)

    play(scene, n3=upf, **of_the_gnb(gnb))


@pytest.mark.parametrize(("upf", "gnb", "other"), [(ONLY_4, GNB_4, GNB_6), (ONLY_6, GNB_6, GNB_4)])
def test_versions_that_never_meet(
    upf: TransportAddress, gnb: TransportAddress, other: TransportAddress
) -> None:
    """A gNB without a way to the UPF takes no session; the UE is told, and nothing is left of it at the UPF."""

    async def scene(path: Path, ue: Ue, session: Session) -> None:
        path.network.provision(2)
        second = path.network.ue(await path.network.gnb(2, **of_the_gnb(other)), 1)  # type: ignore[arg-type]
        await second.register()
        with pytest.raises(Refused, match="#26"):
            await second.establish_session()
        await asyncio.sleep(1)
        assert len(path.control) == 1

    play(scene, n3=upf, **of_the_gnb(gnb))


@pytest.mark.parametrize("upf", [ONLY_6, UPF])
def test_signalling_over_ipv6(upf: TransportAddress) -> None:
    """TS 29.281 §7.2, §7.3: echo, an error indication that names the address the packet was sent to, and one that ends
    a tunnel at a gNB of IPv6."""

    async def scene(path: Path, ue: Ue, session: Session) -> None:
        sent: list[tuple[gtpu.GtpuMessage, tuple[str, int]]] = []
        plane = path.control._plane  # what it sends is looked at
        assert plane is not None
        plane.send = lambda octets, peer: sent.append((gtpu.decode(octets), peer))  # type: ignore[method-assign]
        peer = str(GNB.ipv6), 2152
        path.control.gtpu_received(gtpu.encode(gtpu.EchoRequest(sequence=7)), peer)
        path.control.gtpu_received(gtpu.encode(gtpu.GPdu(teid=0x9999, payload=b"nobody's")), peer)
        echo, indication = sent
        assert (type(echo[0]), echo[0].sequence, echo[1]) == (gtpu.EchoResponse, 7, peer)
        assert isinstance(indication[0], gtpu.ErrorIndication)
        assert (indication[0].tunnel, indication[0].peer) == (0x9999, UPF.ipv6)
        (rules,) = path.upf.registry.sessions.values()
        teid, before = rules.encap[0].teid, len(path.network.events)
        stranger = gtpu.encode(
            gtpu.ErrorIndication(tunnel=teid, peer=IPv6Address("2001:db8:3::2"), sequence=0)
        )
        path.control.gtpu_received(stranger, ("2001:db8:3::66", 2152))
        assert not elements(path.network.events[before:], pfcp.SessionReportRequest)
        path.control.gtpu_received(stranger, peer)
        await asyncio.sleep(1)
        (report,) = elements(path.network.events[before:], pfcp.SessionReportRequest)
        assert isinstance(report, pfcp.SessionReportRequest)
        assert report.error_indication_report is not None
        assert report.error_indication_report.remote_f_teids == [pfcp.FTeid(teid, None, GNB.ipv6)]
        (answer,) = elements(path.network.events[before:], pfcp.SessionReportResponse)
        assert isinstance(answer, pfcp.SessionReportResponse)
        assert answer.cause == pfcp.Cause.REQUEST_ACCEPTED

    play(scene, n3=upf, **of_the_gnb(GNB_6))
