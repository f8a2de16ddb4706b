"""The user plane of a gNB: TEIDs, the rules that join a UE's interface to its N3 tunnel, GTP-U signalling.

Without a plane the gNB does signalling only: tunnels are agreed on and carry nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Protocol

import msgspec

from cinq.ran.gnb.context import Tunnel
from cinq.ran.gnb.uplink import Matching, matching, uplink_flows
from cinq.ran.radio.port import Interface
from cinq.userplane.rules import Action, DecapRule, EncapRule, RuleError, SessionRules, Side, Usage
from cinq.wire import gtpu

log = logging.getLogger("cinq.ran.gnb")

_TEID_OCTETS = 4


class RanPlane(Protocol):
    """What a gNB asks of its data plane: userplane.rules.Plane, or a recorder in a test."""

    def install(self, rules: SessionRules) -> None: ...

    def remove(self, session: int) -> None: ...

    def usage(self, session: int) -> Usage: ...

    def send(self, octets: bytes, peer: tuple[str, int]) -> None: ...

    def add_side(
        self, name: str, namespace: str | int | None = None, pools: tuple[IPv4Network, ...] = ()
    ) -> Side: ...


@dataclass(slots=True)
class Bearer:
    """One PDU session of one UE.

    session: its number in the plane. side: the interface with its address, None before there is one.
    rules: what puts uplink packets on
    flows. notify: a program sends while there is no tunnel. failed: the UPF does not know the tunnel.
    """

    session: int
    notify: Callable[[], None]
    failed: Callable[[], None]
    tunnel: Tunnel | None = None
    ue: IPv4Address | None = None
    side: Side | None = None
    rules: Matching = ()


class Bearers:
    """All PDU sessions of a gNB (userplane.rules.PlaneEvents).

    While a UE is idle its uplink packets are buffered, and the first one calls Bearer.notify.
    instance: what names of interfaces begin with. apart: the namespace of UEs that name none, where the UPF is on
    this host: their addresses here would be the UPF's own, and never pass its tunnels.
    """

    def __init__(
        self,
        address: IPv4Address,
        random: Callable[[int], bytes],
        instance: str = "ue",
        apart: str = "cinq-ue",
    ) -> None:
        self.address = address
        self._instance = instance
        self._apart = apart
        self._local: Callable[[IPv4Address], bool] = lambda _: False
        self._plane: RanPlane | None = None
        self._random = random
        self._by_session: dict[int, Bearer] = {}
        self._by_teid: dict[int, Bearer] = {}
        self._sides: dict[str, Side] = {}
        self._reserved: set[int] = set()
        self._next = 1

    def use(self, plane: RanPlane, local: Callable[[IPv4Address], bool] | None = None) -> None:
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

    def free_teid(self, teid: int) -> None:
        """It may be given to another. Idempotent."""
        self._reserved.discard(teid)

    def connect(self, bearer: Bearer, tunnel: Tunnel) -> None:
        """The tunnel is up. RuleError: the plane does not take it, and nothing has changed."""
        before = bearer.tunnel
        bearer.tunnel = tunnel
        try:
            self._install(bearer)
        except RuleError:
            bearer.tunnel = before
            raise
        if before is not None:
            self._by_teid.pop(before.dl_teid, None)
        self._by_teid[tunnel.dl_teid] = bearer

    def disconnect(self, bearer: Bearer) -> None:
        """The tunnel is gone. What a program still sends is buffered and notified."""
        if bearer.tunnel is not None:
            self._by_teid.pop(bearer.tunnel.dl_teid, None)
            bearer.tunnel = None
            self._install(bearer)

    def open(self, bearer: Bearer, interface: Interface) -> Interface:
        """Give programs an interface with the UE's address; UEs of one namespace share it.

        Returns it with its name, "" without a plane, and its namespace. OSError, ValueError or RuleError: it cannot
        be, nothing has changed.
        """
        if self._plane is None:
            return msgspec.structs.replace(interface, name="")
        ue, netns = IPv4Address(interface.address), interface.netns or self._home(bearer)
        rules = matching(interface.rules)
        side = self._sides.get(netns)
        if side is None:
            name = f"{self._instance}{len(self._sides)}"
            side = self._plane.add_side(name, namespace(netns))
            self._sides[netns] = side
        side.add(ue)
        bearer.ue, bearer.side, bearer.rules = ue, side, rules
        try:
            self._install(bearer)
        except RuleError:
            self.close(bearer)
            raise
        return msgspec.structs.replace(interface, name=side.name, netns=netns)

    def _home(self, bearer: Bearer) -> str:
        upf = bearer.tunnel.upf if bearer.tunnel is not None else self.address
        return self._apart if self._local(upf) else ""

    def close(self, bearer: Bearer) -> None:
        """The UE gives its address up. Idempotent."""
        side, ue, bearer.side, bearer.ue = bearer.side, bearer.ue, None, None
        if self._plane is not None and side is not None and ue is not None:
            self._plane.remove(bearer.session)
            side.remove(ue)

    def remove(self, bearer: Bearer) -> None:
        """The session is over. Idempotent."""
        if self._by_session.pop(bearer.session, None) is None:
            return
        if bearer.tunnel is not None:
            self._by_teid.pop(bearer.tunnel.dl_teid, None)
        self.close(bearer)

    def packets(self, bearer: Bearer) -> int:
        """How many it has carried, both ways; 0 without a plane."""
        if self._plane is None or bearer.side is None:
            return 0
        usage = self._plane.usage(bearer.session)
        return usage.uplink_packets + usage.downlink_packets

    def _install(self, bearer: Bearer) -> None:
        if self._plane is None or bearer.ue is None or bearer.side is None:
            return
        tunnel, ue = bearer.tunnel, bearer.ue
        if tunnel is None:
            self._plane.install(SessionRules(bearer.session, encap=(EncapRule(ue, action=Action.BUFFER),)))
            return
        decap = DecapRule(tunnel.dl_teid, ue, side=bearer.side.name)
        flows = uplink_flows(bearer.rules, tunnel)
        encap = EncapRule(ue, tunnel.ul_teid, tunnel.upf, tunnel.qfi, flows=flows)
        self._plane.install(SessionRules(bearer.session, decap=(decap,), encap=(encap,)))

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
            case gtpu.GPdu():
                if message.teid not in self._by_teid:
                    self._answer(
                        gtpu.ErrorIndication(tunnel=message.teid, peer=self.address), (peer[0], gtpu.PORT)
                    )
            case gtpu.ErrorIndication():
                self._failed(message, peer)
            case _:
                pass

    def _answer(self, message: gtpu.GtpuMessage, peer: tuple[str, int]) -> None:
        if self._plane is not None:
            self._plane.send(gtpu.encode(message), peer)

    def _failed(self, indication: gtpu.ErrorIndication, peer: tuple[str, int]) -> None:
        """Only the UPF of a tunnel may say that it does not know it."""
        for bearer in list(self._by_teid.values()):
            tunnel = bearer.tunnel
            if tunnel is not None and (tunnel.ul_teid, str(tunnel.upf)) == (indication.tunnel, peer[0]):
                bearer.failed()


def namespace(netns: str) -> str | int | None:
    """A process id, a path, a name under /run/netns; '' is our own."""
    if not netns:
        return None
    if netns.isdecimal():
        return int(netns)
    return netns if netns.startswith("/") else f"/run/netns/{netns}"
