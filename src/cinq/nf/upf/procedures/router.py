"""The router of UEs of IPv6: stateless address autoconfiguration, TS 23.501 §5.8.2.2.3, RFC 4861 §6.2.

A router solicitation from a session's tunnel is answered on that tunnel. When the downlink has found its way to a
gNB, the UE hears an advertisement without asking.
"""

from __future__ import annotations

from ipaddress import IPv6Address

from cinq.nf.upf.context import SessionContext
from cinq.nf.upf.dataplane import DataPlane
from cinq.nf.upf.settings import Settings
from cinq.wire import gtpu, icmpv6

ROUTER = icmpv6.link_local(0x6369_6E71_0000_0001)


class Router:
    """Advertises the prefixes of sessions."""

    def __init__(self, settings: Settings, plane: DataPlane) -> None:
        self._prefixes, self._plane = settings.prefixes, plane

    def solicited(self, session: SessionContext, packet: bytes) -> bool:
        """Answers a router solicitation; False where the packet is none."""
        try:
            asked = icmpv6.decode(packet)
        except icmpv6.Icmpv6Error:
            return False
        if not isinstance(asked, icmpv6.RouterSolicitation):
            return False
        self.advertise(session, asked.source)
        return True

    def advertise(self, session: SessionContext, to: IPv6Address = icmpv6.ALL_NODES) -> None:
        """To the UE, on the default flow of its downlink; nothing while there is no way to it."""
        prefix = session.prefix
        known = next((each for each in self._prefixes if prefix and prefix.subnet_of(each.pool)), None)
        pdrs = [pdr for pdr in session.pdrs if not pdr.is_uplink]
        if prefix is None or known is None or not pdrs:
            return
        last = max(pdrs, key=lambda pdr: pdr.precedence)
        far = session.far(last.far_id)
        if far.peer is None or (far.teid, far.peer) not in session.downlink_ends:
            return
        qfi = next((q for n in last.qer_ids if (q := session.qer(n).qfi) is not None), 0)
        mtu = min(known.mtu or self._plane.mtu, self._plane.mtu)
        packet = icmpv6.encode(icmpv6.RouterAdvertisement(ROUTER, to, prefix, mtu, known.dns))
        container = gtpu.DlPduSessionInformation(qfi)
        message = gtpu.GPdu(teid=far.teid, extensions=(container,), payload=packet)
        self._plane.send(gtpu.encode(message), (str(far.peer), gtpu.PORT))
