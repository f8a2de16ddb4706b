"""Stateless address autoconfiguration of an emulated UE: TS 23.501 §5.8.2.2.3, RFC 4861 §6.3.7, RFC 4862 §5.5.3.

A phone solicits its router on the link of its PDU session and makes an address of the prefix that it advertises; here
the gNB does so for the UE, since UEs of one namespace share an interface.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ipaddress import IPv6Address, IPv6Network

from cinq.ran.gnb.context import Tunnel
from cinq.wire import gtpu, icmpv6

INTERVAL_S, MOST = 4.0, 3  # RTR_SOLICITATION_INTERVAL and MAX_RTR_SOLICITATIONS, RFC 4861 §10


class Autoconfiguration:
    """Of one PDU session. send: a GTP-U message to an address. got: the address is known, or another one is."""

    def __init__(
        self,
        interface_identifier: bytes,
        send: Callable[[bytes, tuple[str, int]], None],
        got: Callable[[], None],
    ) -> None:
        self.interface_identifier = interface_identifier
        self.prefix: IPv6Network | None = None
        self._send, self._got = send, got
        self._left = 0
        self._handle: asyncio.TimerHandle | None = None

    @property
    def address(self) -> IPv6Address | None:
        if self.prefix is None:
            return None
        return self.prefix[int.from_bytes(self.interface_identifier, "big")]

    def solicit(self, tunnel: Tunnel) -> None:
        """Router solicitations on this tunnel, until there is an answer or enough was asked."""
        self.stop()
        if self.prefix is None:
            self._left = MOST
            self._ask(tunnel)

    def _ask(self, tunnel: Tunnel) -> None:
        self._left -= 1
        source = icmpv6.link_local(int.from_bytes(self.interface_identifier, "big"))
        packet = icmpv6.encode(icmpv6.RouterSolicitation(source))
        container = gtpu.UlPduSessionInformation(tunnel.qfi)
        message = gtpu.GPdu(teid=tunnel.ul_teid, extensions=(container,), payload=packet)
        self._send(gtpu.encode(message), (str(tunnel.upf), gtpu.PORT))
        if self._left:
            self._handle = asyncio.get_running_loop().call_later(INTERVAL_S, self._ask, tunnel)

    def heard(self, packet: bytes) -> bool:
        """A packet from the tunnel; True where it was a router advertisement."""
        try:
            message = icmpv6.decode(packet)
        except icmpv6.Icmpv6Error:
            return False
        if not isinstance(message, icmpv6.RouterAdvertisement):
            return False
        if message.prefix is not None:
            self.stop()
        if message.prefix is not None and message.prefix != self.prefix:
            self.prefix = message.prefix
            self._got()
        return True

    def stop(self) -> None:
        """No more solicitations."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
