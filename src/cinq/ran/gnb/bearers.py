"""The user plane of a gNB: TEIDs, and the rules that join a UE's interface to its N3 tunnel.

The rules go to a Plane (cinq.userplane), the interfaces are made by a UserSide. Without a plane the gNB does
signalling only: tunnels are agreed on and carry nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Protocol

from cinq.ran.gnb.context import Tunnel
from cinq.ran.radio.port import Interface
from cinq.userplane.rules import Action, DecapRule, EncapRule, RuleError, SessionRules

_TEID_BITS = 32


class RulePlane(Protocol):
    """What the gNB asks of its data plane: userplane.rules.Plane, or a recorder in a test."""

    def install(self, rules: SessionRules) -> None: ...

    def remove(self, session: int) -> None: ...


class UserSide(Protocol):
    """Makes the interfaces that ordinary programs on a UE use."""

    async def open(self, interface: Interface) -> str:
        """Make the interface and its route in its namespace. Returns its name. OSError says why it cannot."""
        ...

    async def close(self, name: str) -> None: ...


@dataclass(slots=True)
class Bearer:
    """One PDU session of one UE. session: its number in the plane. side: its interface, "" before there is one."""

    session: int
    tunnel: Tunnel | None = None
    ue: IPv4Address | None = None
    side: str = ""
    notify: Callable[[], None] | None = None


class Bearers:
    """All PDU sessions of a gNB.

    While a UE is idle its uplink packets are buffered, and the first one calls Bearer.notify.
    """

    def __init__(self, address: IPv4Address, plane: RulePlane | None, random: Callable[[int], bytes]) -> None:
        self.address_of_n3 = address
        self._plane = plane
        self._random = random
        self._by_session: dict[int, Bearer] = {}
        self._by_teid: dict[int, Bearer] = {}
        self._next = 1

    def __len__(self) -> int:
        return len(self._by_session)

    def bearer(self) -> Bearer:
        """A bearer without tunnel and without interface."""
        bearer = Bearer(self._next)
        self._next += 1
        self._by_session[bearer.session] = bearer
        return bearer

    def allocate_teid(self) -> int:
        """A TEID that no bearer has. Not 0, which is for signalling (TS 29.281 §5.1)."""
        while True:
            teid = int.from_bytes(self._random(_TEID_BITS // 8), "big")
            if teid and teid not in self._by_teid:
                return teid

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

    def address(self, bearer: Bearer, ue: IPv4Address, side: str) -> None:
        """The UE has its address on this interface. RuleError as with connect."""
        bearer.ue, bearer.side = ue, side
        self._install(bearer)

    def remove(self, bearer: Bearer) -> None:
        """Idempotent."""
        if self._by_session.pop(bearer.session, None) is None:
            return
        if bearer.tunnel is not None:
            self._by_teid.pop(bearer.tunnel.dl_teid, None)
        if self._plane is not None:
            self._plane.remove(bearer.session)

    def of_teid(self, teid: int) -> Bearer | None:
        return self._by_teid.get(teid)

    def buffered(self, session: int) -> None:
        """The plane holds the first uplink packet of an idle UE."""
        bearer = self._by_session.get(session)
        if bearer is not None and bearer.notify is not None:
            bearer.notify()

    def _install(self, bearer: Bearer) -> None:
        if self._plane is None or bearer.ue is None:
            return
        tunnel, ue = bearer.tunnel, bearer.ue
        if tunnel is None:
            self._plane.install(SessionRules(bearer.session, encap=(EncapRule(ue, action=Action.BUFFER),)))
            return
        decap = DecapRule(tunnel.dl_teid, ue, side=bearer.side)
        encap = EncapRule(ue, tunnel.ul_teid, tunnel.upf, self.address_of_n3, tunnel.qfi)
        self._plane.install(SessionRules(bearer.session, decap=(decap,), encap=(encap,)))
