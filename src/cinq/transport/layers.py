"""From a captured frame down to the datagram that matters: link layers, VLAN, MPLS and tunnels taken off.

What is no datagram comes back as its name, so that a trace can say what it passed over. Nothing here raises.
"""

from __future__ import annotations

from struct import Struct

from cinq.transport import frames, pcap
from cinq.transport.frames import SCTP, UDP, Datagram

WAITING = "fragments of datagrams that are not whole"
CUT = "frames cut short"
_DEPTH = 8  # tunnels in tunnels
_IPV4, _IPV6, _BRIDGED = 0x0800, 0x86DD, 0x6558
_VLAN = (0x8100, 0x88A8, 0x9100, 0x9200)
_MPLS = (0x8847, 0x8848)
_PPPOE = 0x8864
_RAW = (12, 14, pcap.RAW_IP, 228, 229)
_PPP = {0x0021: _IPV4, 0x0057: _IPV6}
_ERSPAN = {0x88BE: 8, 0x22EB: 12}
_NAMES = {0x0806: "ARP", 0x88CC: "LLDP", 0x888E: "802.1X", 0x88F7: "PTP", 0x8863: "PPPoE discovery"}
_PROTOCOLS = {1: "ICMP", 2: "IGMP", 50: "ESP (IPsec)", 58: "ICMPv6", 89: "OSPF", 112: "VRRP", 115: "L2TP"}
_LINKS = {
    105: "802.11 frames",
    127: "802.11 frames",
    147: "MAC of LTE",
    148: "NAS of LTE",
    149: "MAC or RLC over UDP",
    150: "S1AP (4G)",
    151: "NAS without NGAP",
    153: "E1AP",
    154: "F1AP",
    155: "E2AP",
    157: "MAC of NR",
}
"""147 to 162 are for private use; these are how srsRAN uses them."""
NGAP_LINK, GTPU_LINK, SCTP_LINK = 152, 156, 248

_PLAIN = Struct(">12xHBxHxxHxB2x12sH").unpack_from
"""Ethernet, IPv4 without options; both addresses and both ports; the length of UDP."""
PLAIN = 42  # octets before the payload of UDP
_HEADERS = {frames.TCP: 40, SCTP: 32}  # octets of IPv4 and the other header


def plain(octets: bytes) -> tuple[int, bytes, bytes] | None:
    """Of the most usual frames, UDP, TCP or SCTP in IPv4 in Ethernet: the protocol, addresses and ports as
    frames.ends() takes them, and the payload. That of TCP and SCTP has their header. None for all others."""
    if len(octets) < PLAIN:
        return None
    kind, version, total, fragment, protocol, ends, length = _PLAIN(octets)
    if kind != _IPV4 or version != 0x45 or fragment & 0xBFFF:
        return None
    if protocol == UDP:
        if length < 8 or total < length + 20:
            return None
        return protocol, ends, octets[42 : 34 + length]
    whole = _HEADERS.get(protocol)
    if whole is None or total < whole or len(octets) < 14 + whole:
        return None
    return protocol, ends, octets[34 : 14 + total]


class Layers:
    """Takes off what stands around datagrams; holds their fragments."""

    def __init__(self) -> None:
        self._fragments = frames.Fragments()

    def datagram(self, linktype: int, octets: bytes) -> Datagram | str:
        """The datagram in a frame, or the name of what is there instead."""
        if linktype == pcap.ETHERNET:
            return self.ethernet(octets)
        if linktype == pcap.LINUX_SLL:
            return self._payload(_number(octets, 14), octets[16:], 0)
        if linktype == pcap.LINUX_SLL2:
            return self._payload(_number(octets, 0), octets[20:], 0)
        if linktype in _RAW:
            return self._ip(octets, 0)
        if linktype in (0, 108):  # BSD loopback: the address family comes first
            return self._ip(octets[4:], 0)
        if linktype in (9, 50):  # PPP, with or without HDLC framing
            octets = octets[2:] if octets[:2] == b"\xff\x03" else octets
            return self._payload(_PPP.get(_number(octets, 0), 0), octets[2:], 0)
        if linktype == 104:  # Cisco HDLC
            return self._payload(_number(octets, 2), octets[4:], 0)
        if linktype == SCTP_LINK:
            return Datagram("", "", SCTP, octets)
        name = _LINKS.get(linktype)
        return f"link type {linktype}" + (f" ({name})" if name else "")

    def ethernet(self, octets: bytes, depth: int = 0) -> Datagram | str:
        """The datagram in an Ethernet frame, also of a tunnel."""
        return self._payload(_number(octets, 12), octets[14:], depth)

    def _payload(self, kind: int, octets: bytes, depth: int) -> Datagram | str:
        """By EtherType."""
        while kind in _VLAN:
            kind, octets = _number(octets, 2), octets[4:]
        if kind in (_IPV4, _IPV6):
            return self._ip(octets, depth)
        if kind in _MPLS:
            return self._mpls(octets, depth)
        if kind == _PPPOE:
            return self._payload(_PPP.get(_number(octets, 6), 0), octets[8:], depth)
        if kind == _BRIDGED and depth < _DEPTH:
            return self.ethernet(octets, depth + 1)
        if kind < 0x0600:
            return "frames without EtherType"
        return _NAMES.get(kind, f"EtherType {kind:04x}")

    def _mpls(self, octets: bytes, depth: int) -> Datagram | str:
        """RFC 3032; behind the last label IP, or Ethernet after a control word (RFC 4448)."""
        while len(octets) >= 4 and not octets[2] & 1:
            octets = octets[4:]
        octets = octets[4:]
        if octets and octets[0] >> 4 in (4, 6):
            return self._ip(octets, depth)
        if octets and not octets[0] >> 4 and depth < _DEPTH:
            return self.ethernet(octets[4:], depth + 1)
        return "MPLS"

    def _ip(self, octets: bytes, depth: int) -> Datagram | str:
        part = frames.datagram(octets)
        if part is None:
            return CUT
        found = self._fragments.whole(part)
        if found is None:
            return WAITING
        return self._inside(found, depth)

    def _inside(self, found: Datagram, depth: int) -> Datagram | str:
        """The datagram, or that in the tunnel that it carries."""
        protocol, octets = found.protocol, found.payload
        if protocol == 51 and len(octets) >= 8:  # AH: authenticated, not ciphered
            protocol, octets = octets[0], octets[(octets[1] + 2) * 4 :]
            found = Datagram(found.source, found.destination, protocol, octets)
        if protocol in (frames.TCP, UDP, SCTP):
            return found
        if depth < _DEPTH:
            if protocol in (4, 41):
                return self._ip(octets, depth + 1)
            if protocol == 47:
                return self._gre(octets, depth + 1)
            if protocol == 97:
                return self.ethernet(octets[2:], depth + 1)
            if protocol == 137:
                return self._mpls(octets, depth + 1)
        return _PROTOCOLS.get(protocol, f"IP protocol {protocol}")

    def _gre(self, octets: bytes, depth: int) -> Datagram | str:
        """RFC 2784 and 2890, with ERSPAN."""
        if len(octets) < 4 or octets[1] & 7:
            return "GRE of another version"
        flags, kind = octets[0], _number(octets, 2)
        body = octets[4 + 4 * sum(bool(flags & bit) for bit in (0x80, 0x20, 0x10)) :]
        if kind in _ERSPAN:
            numbered = bool(flags & 0x10)
            return self.ethernet(body[_ERSPAN[kind] if numbered else 0 :], depth)
        return self._payload(kind, body, depth)

    def vxlan(self, octets: bytes) -> Datagram | str:
        """RFC 7348."""
        return self.ethernet(octets[8:], 1) if len(octets) > 8 and octets[0] & 8 else "VXLAN"

    def geneve(self, octets: bytes) -> Datagram | str:
        """RFC 8926."""
        if len(octets) < 8 or octets[0] >> 6:
            return "Geneve"
        return self._payload(_number(octets, 2), octets[8 + (octets[0] & 63) * 4 :], 1)


def _number(octets: bytes, place: int) -> int:
    return int.from_bytes(octets[place : place + 2], "big")
