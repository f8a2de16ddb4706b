"""The SMF with three UPFs of this core: packets are carried from plane to plane by the addresses of their tunnels."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address

from msgspec.structs import replace

from cinq.nf.smf import UserPlane
from cinq.procedure import run_virtual
from cinq.sbi.services.npcf_smpolicycontrol import RouteToLocation, SmPolicyDecision, TrafficControlData
from cinq.userplane.model import Buffered, Inner, Outer
from cinq.wire import gtpu, ngap
from tests.network.upfs import ANCHOR, N3, UPFS, Upfs
from tests.nf.smf.gnb import TARGET
from tests.nf.smf.pcf import rule, session_of
from tests.nf.smf.places import place
from tests.nf.smf.world import World
from tests.nf.upf.steps import gpdu, packet

GNB, OTHER_GNB = IPv4Address("10.0.0.2"), IPv4Address(TARGET)
UE, LOCAL, FAR = IPv4Address("10.45.0.2"), IPv4Address("198.51.100.1"), IPv4Address("203.0.113.9")
FLOW = f"permit out 17 from {LOCAL} to assigned"


def to_the_edge() -> SmPolicyDecision:
    control = TrafficControlData(tc_id="edge", route_to_locs=[RouteToLocation(dnai="edge")])
    wanted = replace(rule("edge", FLOW), ref_qos_data=None)
    return SmPolicyDecision(pcc_rules={"edge": wanted}, traff_cont_decs={"edge": control})


def sent(teid: int, inner: bytes) -> bytes:
    """A G-PDU of a gNB on the default flow."""
    octets = gpdu(teid, inner)
    return octets[:14] + bytes((1,)) + octets[15:]


class Network(World):
    """That of tests.nf.smf with real UPFs."""

    def __init__(self, user_planes: tuple[UserPlane, ...] = UPFS) -> None:
        super().__init__(user_planes=user_planes)
        self.all = Upfs(self.smf)
        self.upf.send = self.all.send  # type: ignore[method-assign]
        self.planes, self.upfs, self.mute, self.asked = (
            self.all.planes,
            self.all.upfs,
            self.all.mute,
            self.all.asked,
        )
        self.begin, self.sessions = self.all.begin, self.all.sessions

    # -- packets

    def carry(self, octets: bytes, source: IPv4Address, to: IPv4Address) -> str:
        """Where a G-PDU ends: 'N6 of ADDRESS', 'gNB ADDRESS TEID', 'waits at ADDRESS', or 'nowhere'."""
        for _ in range(5):
            upf = next((upf for upf, end in N3.items() if end == to), None)
            if upf is None:
                return f"gNB {to} {gtpu.decode(octets).teid:#x}"
            plane = self.planes[upf]
            verdict = plane.model.decapsulate(octets, 0, source)
            if isinstance(verdict, Inner):
                return f"N6 of {upf}"
            if isinstance(verdict, Buffered):
                if verdict.notify:
                    self.upfs[upf].buffered(verdict.session)
                return f"waits at {upf}"
            if not isinstance(verdict, Outer):
                return "nowhere"
            octets, source, to = verdict.octets, to, IPv4Address(verdict.peer[0])
        return "round and round"

    def uplink(self, server: IPv4Address, gnb: IPv4Address = GNB) -> str:
        """From the gNB, to the end of N3 that it was last told."""
        near = session_of(self).context.access
        ue = session_of(self).context.ipv4
        return self.carry(sent(near.teid, packet(ue, server)), gnb, IPv4Address(near.n3_address))

    def downlink(self, server: IPv4Address, at: IPv4Address) -> str:
        """From a server beside a UPF."""
        verdict = self.planes[at].model.encapsulate(packet(server, session_of(self).context.ipv4), 0)
        if isinstance(verdict, Outer):
            return self.carry(verdict.octets, N3[at], IPv4Address(verdict.peer[0]))
        return f"waits at {at}" if isinstance(verdict, Buffered) else "nowhere"

    def carried_on(self) -> list[tuple[str, int]]:
        """The end markers that gNBs got, each by way of UPFs; what planes sent is taken."""
        found = list[tuple[str, int]]()
        left = [(octets, N3[a], peer) for a, plane in self.planes.items() for octets, peer in plane.sent]
        for plane in self.planes.values():
            plane.sent.clear()
        while left:
            octets, source, peer = left.pop(0)
            message = gtpu.decode(octets)
            if not isinstance(message, gtpu.EndMarker):
                continue
            at = next((upf for upf, end in N3.items() if str(end) == peer[0]), None)
            if at is None:
                found.append((peer[0], message.teid))
                continue
            self.upfs[at].gtpu_received(octets, (str(source), 2152))
            left += [(each, N3[at], to) for each, to in self.planes[at].sent]
            self.planes[at].sent.clear()
        return found


def play(scene: Callable[[Network], Awaitable[None]], user_planes: tuple[UserPlane, ...] = UPFS) -> None:
    async def main() -> None:
        w = Network(user_planes)
        w.pcf.decision = to_the_edge()
        await w.start()
        await scene(w)
        await w.smf.stop()

    run_virtual(main())


async def active(w: Network, tac: int) -> str:
    ref = await w.create(location=place(tac))
    await asyncio.sleep(0.01)
    await w.setup_response(ref)
    return ref


def told(octets: bytes | None, kind: type) -> int:
    """The TEID of N3 that a gNB is told."""
    assert octets is not None
    transfer = ngap.decode_value(kind, octets)
    information = getattr(transfer, "ul_ngu_up_tnl_information", None) or transfer.ulngu_up_tnl_information
    return int.from_bytes(information[1].gtp_teid, "big")


def by_the_edge(w: Network, edge: IPv4Address, gnb: IPv4Address = GNB, teid: int = 7) -> None:
    """Both servers reach the UE, and it them: the local one here, the other by the anchor."""
    assert w.uplink(LOCAL, gnb) == f"N6 of {edge}"
    assert w.uplink(FAR, gnb) == f"N6 of {ANCHOR}"
    assert w.downlink(LOCAL, edge) == f"gNB {gnb} {teid:#x}"
    assert w.downlink(FAR, ANCHOR) == f"gNB {gnb} {teid:#x}"
    assert w.downlink(FAR, edge) == "nowhere"


def straight(w: Network, gnb: IPv4Address = GNB, teid: int = 7) -> None:
    for server in (LOCAL, FAR):
        assert w.uplink(server, gnb) == f"N6 of {ANCHOR}"
        assert w.downlink(server, ANCHOR) == f"gNB {gnb} {teid:#x}"
