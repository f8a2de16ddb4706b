"""The user plane of a gNB: TEIDs, the rules that join a UE's interface to its N3 tunnel, GTP-U signalling.

Without a plane the gNB does signalling only: tunnels are agreed on and carry nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_network

import msgspec

from cinq.ran.gnb.context import PdcpCounts, Tunnel, TunnelEnd
from cinq.ran.gnb.forwarding import LATE_S, Gate, Relays, onto
from cinq.ran.gnb.plane import Bearer, RanPlane, namespace
from cinq.ran.gnb.slaac import Autoconfiguration
from cinq.ran.gnb.uplink import matching, uplink_flows
from cinq.ran.radio.port import Interface
from cinq.transport_address import Address, TransportAddress
from cinq.userplane.rules import (
    NO_ADDRESS,
    Action,
    DecapRule,
    EncapRule,
    Network,
    RuleError,
    SessionRules,
    Side,
)
from cinq.wire import gtpu

log = logging.getLogger("cinq.ran.gnb")

_TEID_OCTETS = 4


class Bearers:
    """All PDU sessions of a gNB (userplane.rules.PlaneEvents).

    While a UE is idle its uplink packets are buffered, and the first one calls Bearer.notify.
    ends: our addresses on N3. instance: what names of interfaces begin with. apart: the namespace of UEs that name
    none, where the UPF is on this host: their addresses here would be the UPF's own, and never pass its tunnels.
    """

    def __init__(
        self,
        ends: TransportAddress,
        random: Callable[[int], bytes],
        instance: str = "ue",
        apart: str = "cinq-ue",
    ) -> None:
        self.ends = ends
        self._instance = instance
        self._apart = apart
        self._local: Callable[[Address], bool] = lambda _: False
        self._plane: RanPlane | None = None
        self._random = random
        self._by_session: dict[int, Bearer] = {}
        self._by_teid: dict[int, Bearer] = {}
        self._sides: dict[str, Side] = {}
        self._reserved: set[int] = set()
        self._relays = Relays(self._send)
        self._next = 1

    def use(self, plane: RanPlane, local: Callable[[Address], bool] | None = None) -> None:
        """The data plane, given before the first bearer. local: whether an address is this host's own."""
        self._plane = plane
        self._local = local or self._local

    def __len__(self) -> int:
        return len(self._by_session)

    def bearer(self, notify: Callable[[], None], failed: Callable[[], None]) -> Bearer:
        """A bearer without tunnel and without interface."""
        bearer = Bearer(self._next, notify, failed)
        self._next += 1
        self._by_session[bearer.session] = bearer
        return bearer

    def allocate_teid(self) -> int:
        """A TEID that nobody has, kept until `free_teid`. Not 0, which is for signalling (TS 29.281 §5.1)."""
        while True:
            teid = int.from_bytes(self._random(_TEID_OCTETS), "big")
            if teid and teid not in self._reserved:
                self._reserved.add(teid)
                return teid

    def free(self, tunnel: Tunnel) -> None:
        """The connection that had it is over; what is still on its way in it has LATE_S to come. Idempotent."""
        for teid in (tunnel.dl_teid, tunnel.forwarding):
            self.free_teid(teid)
        teid = tunnel.dl_teid
        bearer = self._by_teid.get(teid)
        if teid in self._relays or (bearer is not None and teid in bearer.late):
            asyncio.get_running_loop().call_later(LATE_S, self._ends, teid)

    def free_teid(self, teid: int) -> None:
        """It may be given to another. Idempotent."""
        self._reserved.discard(teid)

    def connect(self, bearer: Bearer, tunnel: Tunnel, gated: bool = False) -> None:
        """The tunnel is up; packets of the one before are taken until its END MARKER.

        gated: packets are forwarded to tunnel.forwarding, and those of the tunnel itself wait for the END MARKER there.
        RuleError: the plane does not take it, and nothing has changed.
        """
        before, late, gate = bearer.tunnel, bearer.late, bearer.gate
        if before is not None and before.dl_teid != tunnel.dl_teid:
            self._open_gate(bearer)
            late, gate = bearer.late, None
            if before.dl_teid not in self._relays:
                bearer.late = (*late, before.dl_teid)
        if before is None:  # a new DRB; what was buffered for it counts
            self.count_from(bearer, PdcpCounts())
        bearer.tunnel, bearer.has_ended = tunnel, False
        if gated and tunnel.forwarding and self._plane is not None:
            bearer.gate = Gate(tunnel.forwarding, lambda: self._open_gate(bearer))
        elif tunnel.forwarding:
            self.free_teid(tunnel.forwarding)
        try:
            self._install(bearer)
        except RuleError:
            bearer.tunnel, bearer.late, bearer.gate = before, late, gate
            raise
        self._by_teid |= dict.fromkeys(self._teids(bearer), bearer)
        self._solicit(bearer)

    def disconnect(self, bearer: Bearer) -> None:
        """The tunnel is gone. What a program still sends is buffered and notified."""
        if bearer.tunnel is not None:
            self._forget(bearer)
            self._install(bearer)

    def _teids(self, bearer: Bearer) -> tuple[int, ...]:
        """On which its packets may come."""
        own = () if bearer.tunnel is None else (bearer.tunnel.dl_teid,)
        return (*own, *bearer.late, *(() if bearer.gate is None else (bearer.gate.forwarding,)))

    def _forget(self, bearer: Bearer) -> None:
        for teid in self._teids(bearer):
            self._by_teid.pop(teid, None)
        if bearer.gate is not None:
            bearer.gate.close()
        bearer.tunnel, bearer.late, bearer.gate = None, (), None

    # handover

    def forward(self, bearer: Bearer, end: TunnelEnd) -> bool:
        """Downlink packets of the bearer, whose UE leaves, go on to this end.

        False: that is here and nothing has to, or it is not reached from here.
        """
        to = end.ends.reached_from(self.ends)
        if bearer.tunnel is None or to is None or to in self.ends.all:
            return False
        self._open_gate(bearer)
        for teid in bearer.late:  # of a handover just before: their END MARKER says nothing of this one
            self._relays.add(teid, (to, end.teid), False)
            asyncio.get_running_loop().call_later(LATE_S, self._relays.remove, teid)
        if bearer.has_ended:  # the path was switched before the UE had left: nothing comes that could go on
            self._send(gtpu.encode(gtpu.EndMarker(teid=end.teid)), (str(to), gtpu.PORT))
        else:
            self._relays.add(bearer.tunnel.dl_teid, (to, end.teid), True)
        return True

    def _ends(self, teid: int) -> None:
        """No packet of this tunnel is to come any more."""
        self.free_teid(teid)
        self._relays.remove(teid)
        bearer = self._by_teid.get(teid)
        if bearer is None or teid not in bearer.late:
            return
        del self._by_teid[teid]
        bearer.late = tuple(one for one in bearer.late if one != teid)
        self._install(bearer)

    def _open_gate(self, bearer: Bearer) -> None:
        """What waited goes to the UE behind what was forwarded; then fresh packets take their own way."""
        gate = bearer.gate
        if gate is None or self._plane is None:
            return
        gate.close()
        self._plane.catch_up()  # what came behind the END MARKER waits as well; there is less to be overtaken
        if bearer.gate is not gate:
            return
        for octets, peer in gate.waiting:
            self._plane.receive(onto(octets, gate.forwarding), peer)
        bearer.gate, bearer.late = None, (*bearer.late, gate.forwarding)
        self._install(bearer)
        asyncio.get_running_loop().call_later(LATE_S, self._ends, gate.forwarding)

    def counts(self, bearer: Bearer) -> PdcpCounts:
        """Of its DRB: where the next packets stand, from the packets that the plane has carried."""
        up, down = self._carried(bearer)
        return PdcpCounts((up + bearer.origin.uplink) % 2**32, (down + bearer.origin.downlink) % 2**32)

    def count_from(self, bearer: Bearer, counts: PdcpCounts) -> None:
        """The DRB is new, or goes on where it was at another gNB."""
        up, down = self._carried(bearer)
        bearer.origin = PdcpCounts(counts.uplink - up, counts.downlink - down)

    def add_counts(self, bearer: Bearer, counts: PdcpCounts) -> None:
        """The counts of the source, where packets may have been carried already before they came; once."""
        if not bearer.is_untold:
            return
        bearer.is_untold, origin = False, bearer.origin
        bearer.origin = PdcpCounts(origin.uplink + counts.uplink, origin.downlink + counts.downlink)

    def _carried(self, bearer: Bearer) -> tuple[int, int]:
        if self._plane is None or not bearer.has_interface:
            return 0, 0
        usage = self._plane.usage(bearer.session)
        return usage.uplink_packets, usage.downlink_packets

    def open(self, bearer: Bearer, interface: Interface, netns: str | None = None) -> Interface:
        """Give programs an interface with the UE's address; UEs of one namespace share it.

        netns: the namespace where it was at another gNB, None for one that is new.
        Returns it with its name, "" without a plane, and its namespace. OSError, ValueError or RuleError: it cannot
        be, nothing has changed.
        """
        if self._plane is None:
            return msgspec.structs.replace(interface, name="")
        if interface.frames:
            return self._open_link(bearer, interface, netns)
        ue = IPv4Address(interface.address) if interface.address else None
        if netns is None:
            netns = interface.netns or self._home(bearer)
        rules, behind = matching(interface.rules), tuple(ip_network(each) for each in interface.behind)
        side = self._sides.get(netns)
        if side is None:
            name = f"{self._instance}{len(self._sides)}"
            side = self._plane.add_side(name, namespace(netns))
            self._sides[netns] = side
        if ue is not None:
            side.add(ue)
        bearer.ue, bearer.side, bearer.netns, bearer.rules = ue, side, netns, rules
        bearer.behind = self._lead(side, behind)
        if interface.interface_identifier:
            self._autoconfigure(bearer, side, interface)
        try:
            self._install(bearer)
        except RuleError:
            self.close(bearer)
            raise
        self._solicit(bearer)
        address6 = "" if bearer.address6 is None else str(bearer.address6)
        return msgspec.structs.replace(interface, name=side.name, netns=netns, address6=address6)

    def _open_link(self, bearer: Bearer, interface: Interface, netns: str | None) -> Interface:
        """An Ethernet session has an interface of its own (TS 23.501 §5.6.10.2)."""
        assert self._plane is not None
        netns = netns if netns is not None else interface.netns or self._home(bearer)
        bearer.link = name = f"{self._instance}-l2-{bearer.session}"
        try:
            self._plane.add_link(name, name, namespace(netns))
            bearer.netns = netns
            self._install(bearer)
        except (OSError, RuleError):
            self.close(bearer)
            raise
        return msgspec.structs.replace(interface, name=name, netns=netns)

    @staticmethod
    def _lead(side: Side, behind: tuple[Network, ...]) -> tuple[Network, ...]:
        """The interface answers for the networks behind the UE. OSError: it takes one of them not, and has none."""
        done: list[Network] = []
        try:
            for network in behind:
                side.add_network(network)
                done.append(network)
        except OSError:
            for network in done:
                side.remove_network(network)
            raise
        return behind

    def _autoconfigure(self, bearer: Bearer, side: Side, interface: Interface) -> None:
        """A session of IPv6; it may have its address already, from the gNB where it was."""
        identifier = interface.interface_identifier
        if bearer.six is None or bearer.six.interface_identifier != identifier:
            bearer.six = Autoconfiguration(identifier, self._send, partial(self._addressed, bearer))
        if bearer.address6 is None and interface.address6:
            bearer.address6 = IPv6Address(interface.address6)
            bearer.six.prefix = IPv6Network((bearer.address6, 64), strict=False)
            side.add(bearer.address6)

    def _solicit(self, bearer: Bearer) -> None:
        if bearer.six is not None and bearer.tunnel is not None and bearer.side is not None:
            bearer.six.solicit(bearer.tunnel)

    def _addressed(self, bearer: Bearer) -> None:
        """The router has advertised a prefix: the interface gets its address."""
        six, side, before = bearer.six, bearer.side, bearer.address6
        if six is None or side is None or six.address is None:
            return
        bearer.address6 = six.address
        try:
            if before is not None:
                side.remove(before)
            side.add(six.address)
            self._install(bearer)
        except (OSError, RuleError) as error:
            bearer.address6 = None
            log.warning("IPv6 address %s of a UE: %s", six.address, error)
            return
        bearer.addressed()

    def _home(self, bearer: Bearer) -> str:
        upf = bearer.tunnel.upf if bearer.tunnel is not None else self.ends.all[0]
        return self._apart if self._local(upf) else ""

    def close(self, bearer: Bearer) -> None:
        """The UE gives its address up. Idempotent."""
        bearer.origin = self.counts(bearer)
        side, addresses, behind = bearer.side, bearer.addresses, bearer.behind
        if self._plane is not None and bearer.link:
            self._plane.remove(bearer.session)
            self._plane.remove_link(bearer.link)
            bearer.link = ""
        if bearer.six is not None:
            bearer.six.stop()
        bearer.side = bearer.ue = bearer.address6 = bearer.six = None
        bearer.behind = ()
        if self._plane is not None and side is not None:
            self._plane.remove(bearer.session)
            for network in behind:
                side.remove_network(network)
            for address in addresses:
                side.remove(address)

    def suspend(self, bearer: Bearer) -> None:
        """Nothing is carried any more, and it is known how much was. Only `remove` may follow."""
        if self._plane is not None and bearer.link:
            self._plane.install(SessionRules(bearer.session))
        if self._plane is not None and bearer.side is not None:
            for address in bearer.addresses:  # programs send by the interface of the other plane now
                bearer.side.remove(address)
            self._plane.settle()
            self._plane.install(SessionRules(bearer.session))

    def remove(self, bearer: Bearer) -> None:
        """The session is over. Idempotent."""
        if self._by_session.pop(bearer.session, None) is None:
            return
        self._forget(bearer)
        self.close(bearer)

    def packets(self, bearer: Bearer) -> int:
        """How many it has carried, both ways; 0 without a plane."""
        return sum(self._carried(bearer))

    def _install(self, bearer: Bearer) -> None:
        if self._plane is not None and bearer.link:
            self._plane.install(_frames(bearer))
        if self._plane is None or bearer.side is None:
            return
        tunnel, ends = bearer.tunnel, bearer.ends
        if tunnel is None:
            waiting = tuple(
                EncapRule(end, action=Action.BUFFER, routes=bearer.behind_of(end)) for end in ends
            )
            self._plane.install(SessionRules(bearer.session, encap=waiting))
            return
        gate, side = bearer.gate, bearer.side.name
        fresh = tunnel.dl_teid if gate is None else gate.forwarding
        prefix = next((end for end in ends if isinstance(end, IPv6Network)), None)
        decap = tuple(
            DecapRule(teid, bearer.ue or NO_ADDRESS, side=side, prefix=prefix)
            for teid in (fresh, *bearer.late)
        )
        flows = uplink_flows(bearer.rules, tunnel)
        encap = tuple(
            EncapRule(end, tunnel.ul_teid, tunnel.upf, tunnel.qfi, flows=flows, routes=bearer.behind_of(end))
            for end in ends
        )
        self._plane.install(SessionRules(bearer.session, decap=decap, encap=encap))

    # what the plane tells: userplane.rules.PlaneEvents

    def buffered(self, session: int) -> None:
        bearer = self._by_session.get(session)
        if bearer is not None:
            bearer.notify()

    def gtpu_received(self, octets: bytes, peer: tuple[str, int]) -> None:
        """TS 29.281 §7.2 and §7.3. A packet for a TEID that nobody has is answered with ERROR INDICATION."""
        try:
            message = gtpu.decode(octets)
        except gtpu.GtpuError as error:
            log.debug("GTP-U from %s: %s", peer[0], error)
            return
        match message:
            case gtpu.EchoRequest():
                self._answer(gtpu.EchoResponse(sequence=message.sequence), peer)
            case _ if self._relays.take(octets, message):
                pass
            case gtpu.GPdu():
                self._unmatched(message, octets, peer)
            case gtpu.EndMarker():
                self._end_marker(message.teid)
            case gtpu.ErrorIndication():
                self._failed(message, peer)
            case _:
                pass

    def _unmatched(self, message: gtpu.GPdu, octets: bytes, peer: tuple[str, int]) -> None:
        """A packet that the plane has no rule for: the router's, early, late, or nobody's (§7.3.1)."""
        bearer = self._by_teid.get(message.teid)
        ours = self.ends.beside(peer[0])
        if bearer is None and ours is not None:
            self._answer(gtpu.ErrorIndication(tunnel=message.teid, peer=ours), (peer[0], gtpu.PORT))
        if bearer is None:
            return
        if bearer.six is not None and bearer.six.heard(message.payload):
            pass
        elif bearer.gate is not None:
            bearer.gate.hold(octets, peer)

    def _end_marker(self, teid: int) -> None:
        """TS 29.281 §7.3.2, of a tunnel that has ended at the UPF, or at the source of a handover."""
        bearer = self._by_teid.get(teid)
        if bearer is not None and bearer.gate is not None and bearer.gate.forwarding == teid:
            self._open_gate(bearer)
            return
        if bearer is not None and bearer.tunnel is not None and bearer.tunnel.dl_teid == teid:
            bearer.has_ended = True
        self._ends(teid)

    def _send(self, octets: bytes, peer: tuple[str, int]) -> None:
        if self._plane is not None:
            self._plane.send(octets, peer)

    def _answer(self, message: gtpu.GtpuMessage, peer: tuple[str, int]) -> None:
        self._send(gtpu.encode(message), peer)

    def _failed(self, indication: gtpu.ErrorIndication, peer: tuple[str, int]) -> None:
        """Only the UPF of a tunnel may say that it does not know it."""
        for bearer in list(self._by_teid.values()):
            tunnel = bearer.tunnel
            if tunnel is not None and (tunnel.ul_teid, str(tunnel.upf)) == (indication.tunnel, peer[0]):
                bearer.failed()


def _frames(bearer: Bearer) -> SessionRules:
    """The rules of an Ethernet session."""
    tunnel, link = bearer.tunnel, bearer.link
    if tunnel is None:
        waiting = EncapRule(NO_ADDRESS, action=Action.BUFFER)
        return SessionRules(bearer.session, frames=waiting, link=link)
    fresh = tunnel.dl_teid if bearer.gate is None else bearer.gate.forwarding
    decap = tuple(DecapRule(teid, is_frames=True) for teid in (fresh, *bearer.late))
    frames = EncapRule(NO_ADDRESS, tunnel.ul_teid, tunnel.upf, tunnel.qfi)
    return SessionRules(bearer.session, decap, frames=frames, link=link)
