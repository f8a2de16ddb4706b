"""The IEs with structure that are neither grouped nor flags. TS 29.244 §8.2."""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from struct import Struct as Packing
from typing import ClassVar, Self

from cinq.transport_address import TransportAddress
from cinq.wire.pfcp.error import Truncated
from cinq.wire.pfcp.forms import labels_to_text, text_to_labels
from cinq.wire.pfcp.row import Element

# What this core itself writes has IPv4 and nothing optional. These forms are read and written in one step each.
_V4, _V4_TEID, _V4_SEID, _V4_HEADER = Packing(">BI"), Packing(">BII"), Packing(">BQI"), Packing(">HII")
_CHOOSE_V4 = b"\x05"
_TEID, _SEID = Packing(">BI"), Packing(">BQ")
_ipv4 = lru_cache(256)(IPv4Address)
"""Most addresses on N4 are those of a few gNBs and UPFs."""


class Interface(IntEnum):
    """Source Interface (§8.2.2) and Destination Interface (§8.2.24): the values they share."""

    ACCESS = 0
    CORE = 1
    SGI_LAN_N6_LAN = 2
    CP_FUNCTION = 3


class InterfaceType(IntEnum):
    """3GPP Interface Type, §8.2.118: those of the 5G core."""

    N3_3GPP_ACCESS = 11
    N3_TRUSTED_NON_3GPP_ACCESS = 12
    N3_UNTRUSTED_NON_3GPP_ACCESS = 13
    N3_FOR_DATA_FORWARDING = 14
    N9 = 15
    SGI = 16
    N6 = 17
    N19 = 18


class PdnType(IntEnum):
    """§8.2.79."""

    IPV4 = 1
    IPV6 = 2
    IPV4V6 = 3
    NON_IP = 4
    ETHERNET = 5


class Reader:
    """Takes octets from the front of an IE; Truncated when there are too few."""

    __slots__ = ("at", "octets")

    def __init__(self, octets: bytes, at: int = 0) -> None:
        self.octets = octets
        self.at = at

    def take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self.octets):
            raise Truncated(f"{len(self.octets)} octets, wanted at least {end}")
        part = self.octets[self.at : end]
        self.at = end
        return part

    def uint(self, count: int) -> int:
        return int.from_bytes(self.take(count), "big")

    def ipv4(self, present: int) -> IPv4Address | None:
        return _ipv4(self.uint(4)) if present else None

    def ipv6(self, present: int) -> IPv6Address | None:
        return IPv6Address(self.take(16)) if present else None


def _packed(address: IPv4Address | IPv6Address | None) -> bytes:
    return b"" if address is None else address.packed


class NodeId(Element, frozen=True):
    """§8.2.38: an IPv4 or IPv6 address or an FQDN."""

    COMMON: ClassVar[bool] = True

    value: IPv4Address | IPv6Address | str

    @classmethod
    def from_octets(cls, octets: bytes) -> Self:
        reader = Reader(octets)
        kind = reader.uint(1) & 0x0F
        if kind == 0:
            return cls(_ipv4(reader.uint(4)))
        if kind == 1:
            return cls(IPv6Address(reader.take(16)))
        if kind == 2:
            return cls(labels_to_text(octets[1:]))
        raise ValueError(f"Node ID type {kind}, wanted 0 to 2")

    def octets(self) -> bytes:
        if isinstance(self.value, str):
            return b"\x02" + text_to_labels(self.value)
        return bytes((self.value.version == 6,)) + self.value.packed


class FSeid(Element, frozen=True):
    """F-SEID, §8.2.37."""

    seid: int
    ipv4: IPv4Address | None = None
    ipv6: IPv6Address | None = None

    @classmethod
    def from_octets(cls, octets: bytes) -> Self:
        if len(octets) == 13 and octets[0] == 2:
            _, seid, ipv4 = _V4_SEID.unpack(octets)
            return cls(seid, _ipv4(ipv4))
        reader = Reader(octets)
        flags = reader.uint(1)
        if not flags & 3:
            raise ValueError("neither V4 nor V6 is set")
        return cls(reader.uint(8), reader.ipv4(flags & 2), reader.ipv6(flags & 1))

    def octets(self) -> bytes:
        if self.ipv4 is not None and self.ipv6 is None:
            return _V4_SEID.pack(2, self.seid, int(self.ipv4))
        flags = 2 * (self.ipv4 is not None) + (self.ipv6 is not None)
        return _SEID.pack(flags, self.seid) + _packed(self.ipv4) + _packed(self.ipv6)


class FTeid(Element, frozen=True):
    """F-TEID, §8.2.3. teid None is CHOOSE: the UPF allocates; PDRs of one choose_id get the same one.

    With CHOOSE, wants_ipv4 and wants_ipv6 are the V4 and V6 flags.
    """

    teid: int | None
    ipv4: IPv4Address | None = None
    ipv6: IPv6Address | None = None
    choose_id: int | None = None
    wants_ipv4: bool = False
    wants_ipv6: bool = False

    @classmethod
    def choose(cls, choose_id: int | None = None, *, ipv4: bool = True, ipv6: bool = False) -> Self:
        return cls(None, None, None, choose_id, ipv4, ipv6)

    @classmethod
    def at(cls, teid: int, *addresses: IPv4Address | IPv6Address) -> Self:
        """Of one or of both versions."""
        ends = TransportAddress.of(*addresses)
        return cls(teid, ends.ipv4, ends.ipv6)

    @property
    def ends(self) -> TransportAddress:
        return TransportAddress(self.ipv4, self.ipv6)

    @classmethod
    def from_octets(cls, octets: bytes) -> Self:
        if len(octets) == 9 and octets[0] == 1:
            _, teid, ipv4 = _V4_TEID.unpack(octets)
            return cls(teid, _ipv4(ipv4))
        if octets == _CHOOSE_V4:
            return cls(None, wants_ipv4=True)
        reader = Reader(octets)
        flags = reader.uint(1)
        if flags & 4:
            choose_id = reader.uint(1) if flags & 8 else None
            if reader.at != len(octets):
                raise ValueError("an address or a TEID beside CHOOSE")
            return cls(None, None, None, choose_id, bool(flags & 1), bool(flags & 2))
        if not flags & 3:
            raise ValueError("neither V4 nor V6 is set")
        return cls(reader.uint(4), reader.ipv4(flags & 1), reader.ipv6(flags & 2))

    def octets(self) -> bytes:
        if self.teid is not None and self.ipv4 is not None and self.ipv6 is None:
            return _V4_TEID.pack(1, self.teid, int(self.ipv4))
        if self.teid is None:
            if self.wants_ipv4 and not self.wants_ipv6 and self.choose_id is None:
                return _CHOOSE_V4
            flags = 4 + self.wants_ipv4 + 2 * self.wants_ipv6
            return bytes((flags,)) if self.choose_id is None else bytes((flags + 8, self.choose_id))
        flags = (self.ipv4 is not None) + 2 * (self.ipv6 is not None)
        return _TEID.pack(flags, self.teid) + _packed(self.ipv4) + _packed(self.ipv6)


class UeIpAddress(Element, frozen=True):
    """UE IP Address, §8.2.62. destination: the S/D bit. choose_ipv4, choose_ipv6: the UPF allocates."""

    ipv4: IPv4Address | None = None
    ipv6: IPv6Address | None = None
    destination: bool = False
    choose_ipv4: bool = False
    choose_ipv6: bool = False
    prefix_delegation_bits: int | None = None
    prefix_length: int | None = None

    @classmethod
    def from_octets(cls, octets: bytes) -> Self:
        if len(octets) == 5 and octets[0] & 0xFB == 2:
            flags, number = _V4.unpack(octets)
            return cls(_ipv4(number), None, flags == 6)
        reader = Reader(octets)
        flags = reader.uint(1)
        ipv4, ipv6 = reader.ipv4(flags & 2), reader.ipv6(flags & 1)
        delegation = reader.uint(1) if flags & 8 else None
        length = reader.uint(1) if flags & 0x40 else None
        bits = (bool(flags & 4), bool(flags & 0x10), bool(flags & 0x20))
        return cls(ipv4, ipv6, *bits, delegation, length)

    def octets(self) -> bytes:
        bare = self.ipv6 is None and self.prefix_delegation_bits is None and self.prefix_length is None
        if bare and self.ipv4 is not None and not self.choose_ipv4 and not self.choose_ipv6:
            return _V4.pack(6 if self.destination else 2, int(self.ipv4))
        flags = (self.ipv6 is not None) | (self.ipv4 is not None) << 1 | self.destination << 2
        flags |= self.choose_ipv4 << 4 | self.choose_ipv6 << 5
        flags |= (self.prefix_delegation_bits is not None) << 3 | (self.prefix_length is not None) << 6
        tail = bytes(n for n in (self.prefix_delegation_bits, self.prefix_length) if n is not None)
        return bytes((flags,)) + _packed(self.ipv4) + _packed(self.ipv6) + tail


class NetworkInstance(Element, frozen=True):
    """§8.2.4: a name. labels: coded as a DNN (as 5G cores do), else as plain text."""

    COMMON: ClassVar[bool] = True

    name: str
    labels: bool = True

    @classmethod
    def from_octets(cls, octets: bytes) -> Self:
        try:
            return cls(labels_to_text(octets))
        except ValueError:
            return cls(octets.decode("latin-1"), False)

    def octets(self) -> bytes:
        return text_to_labels(self.name) if self.labels else self.name.encode("latin-1")


class SdfFilter(Element, frozen=True):
    """SDF Filter, §8.2.5. flow_description: IPFilterRule text (RFC 6733); tos: ToS octet and its mask."""

    COMMON: ClassVar[bool] = True

    flow_description: str | None = None
    tos: bytes | None = None
    security_parameter_index: int | None = None
    flow_label: bytes | None = None
    filter_id: int | None = None

    @classmethod
    def from_octets(cls, octets: bytes) -> Self:
        reader = Reader(octets)
        flags = reader.take(2)[0]
        text = reader.take(reader.uint(2)).decode("latin-1") if flags & 1 else None
        tos = reader.take(2) if flags & 2 else None
        spi = reader.uint(4) if flags & 4 else None
        label = reader.take(3) if flags & 8 else None
        return cls(text, tos, spi, label, reader.uint(4) if flags & 16 else None)

    def octets(self) -> bytes:
        flags, out = 0, b""
        if self.flow_description is not None:
            text = self.flow_description.encode("latin-1")
            flags, out = 1, len(text).to_bytes(2, "big") + text
        if self.tos is not None:
            flags, out = flags | 2, out + self.tos
        if self.security_parameter_index is not None:
            flags, out = flags | 4, out + self.security_parameter_index.to_bytes(4, "big")
        if self.flow_label is not None:
            flags, out = flags | 8, out + self.flow_label
        if self.filter_id is not None:
            flags, out = flags | 16, out + self.filter_id.to_bytes(4, "big")
        return bytes((flags, 0)) + out


class GateStatus(Element, frozen=True):
    """Gate Status, §8.2.7: 0 open, 1 closed."""

    COMMON: ClassVar[bool] = True

    uplink: int = 0
    downlink: int = 0

    @classmethod
    def from_octets(cls, octets: bytes) -> Self:
        value = Reader(octets).uint(1)
        return cls(value >> 2 & 3, value & 3)

    def octets(self) -> bytes:
        return bytes((self.uplink << 2 | self.downlink,))


class BitRate(Element, frozen=True):
    """MBR (§8.2.8) and GBR (§8.2.9): kbit/s of 1000 bits."""

    COMMON: ClassVar[bool] = True

    uplink: int
    downlink: int

    @classmethod
    def from_octets(cls, octets: bytes) -> Self:
        reader = Reader(octets)
        return cls(reader.uint(5), reader.uint(5))

    def octets(self) -> bytes:
        return self.uplink.to_bytes(5, "big") + self.downlink.to_bytes(5, "big")


class OuterHeaderCreation(Element, frozen=True):
    """§8.2.56. description: the two octets as one number (octet 5 high), see the constants."""

    GTPU_UDP_IPV4: ClassVar[int] = 0x0100
    GTPU_UDP_IPV6: ClassVar[int] = 0x0200
    UDP_IPV4: ClassVar[int] = 0x0400
    UDP_IPV6: ClassVar[int] = 0x0800
    IPV4: ClassVar[int] = 0x1000
    IPV6: ClassVar[int] = 0x2000
    C_TAG: ClassVar[int] = 0x4000
    S_TAG: ClassVar[int] = 0x8000

    description: int
    teid: int | None = None
    ipv4: IPv4Address | None = None
    ipv6: IPv6Address | None = None
    port: int | None = None
    c_tag: bytes | None = None
    s_tag: bytes | None = None

    @classmethod
    def gtpu(cls, teid: int, *addresses: IPv4Address | IPv6Address) -> Self:
        """Towards a peer with an address of either version, or of both, of which the UPF takes one."""
        ends = TransportAddress.of(*addresses)
        if ends.ipv6 is None:
            return cls(cls.GTPU_UDP_IPV4, teid, ends.ipv4)
        description = cls.GTPU_UDP_IPV6 | (cls.GTPU_UDP_IPV4 if ends.ipv4 is not None else 0)
        return cls(description, teid, ends.ipv4, ends.ipv6)

    @classmethod
    def from_octets(cls, octets: bytes) -> Self:
        if len(octets) == 10 and octets[:2] == b"\1\0":
            d, teid, address = _V4_HEADER.unpack(octets)
            return cls(d, teid, _ipv4(address))
        reader = Reader(octets)
        d = reader.uint(2)
        teid = reader.uint(4) if d & 0x0300 else None
        ipv4, ipv6 = reader.ipv4(d & 0x1500), reader.ipv6(d & 0x2A00)
        port = reader.uint(2) if d & 0x0C00 else None
        c_tag = reader.take(3) if d & cls.C_TAG else None
        return cls(d, teid, ipv4, ipv6, port, c_tag, reader.take(3) if d & cls.S_TAG else None)

    def octets(self) -> bytes:
        d = self.description
        bare = self.ipv6 is None and self.c_tag is None and self.s_tag is None
        if d == self.GTPU_UDP_IPV4 and self.ipv4 is not None and bare:
            return _V4_HEADER.pack(d, self.teid or 0, int(self.ipv4))
        out = d.to_bytes(2, "big")
        if d & 0x0300:
            out += (self.teid or 0).to_bytes(4, "big")
        out += _packed(self.ipv4) + _packed(self.ipv6)
        if d & 0x0C00:
            out += (self.port or 0).to_bytes(2, "big")
        return out + (self.c_tag or b"") + (self.s_tag or b"")


class OuterHeaderRemoval(Element, frozen=True):
    """§8.2.64. description: 0 GTP-U/UDP/IPv4, 1 GTP-U/UDP/IPv6, 6 GTP-U/UDP/IP. extensions: octet 6."""

    COMMON: ClassVar[bool] = True

    description: int = 0
    extensions: int | None = None

    @classmethod
    def from_octets(cls, octets: bytes) -> Self:
        reader = Reader(octets)
        return cls(reader.uint(1), reader.uint(1) if len(octets) > 1 else None)

    def octets(self) -> bytes:
        return bytes(n for n in (self.description, self.extensions) if n is not None)


class DownlinkDataServiceInformation(Element, frozen=True):
    """§8.2.27: the DSCP of the packet that woke the session, and the flow it belongs to."""

    paging_policy_indication: int | None = None
    qfi: int | None = None

    @classmethod
    def from_octets(cls, octets: bytes) -> Self:
        reader = Reader(octets)
        flags = reader.uint(1)
        ppi = reader.uint(1) & 0x3F if flags & 1 else None
        return cls(ppi, reader.uint(1) & 0x3F if flags & 2 else None)

    def octets(self) -> bytes:
        flags = (self.paging_policy_indication is not None) + 2 * (self.qfi is not None)
        return bytes((flags, *(n for n in (self.paging_policy_indication, self.qfi) if n is not None)))


class Volume(Element, frozen=True):
    """Volume Threshold (§8.2.13), Volume Quota (§8.2.50) and their Subsequent forms: octets."""

    total: int | None = None
    uplink: int | None = None
    downlink: int | None = None

    @classmethod
    def from_octets(cls, octets: bytes) -> Self:
        reader = Reader(octets)
        flags = reader.uint(1)
        return cls(*(reader.uint(8) if flags & bit else None for bit in (1, 2, 4)))

    def octets(self) -> bytes:
        return _counters((self.total, self.uplink, self.downlink))


class VolumeMeasurement(Element, frozen=True):
    """§8.2.44: octets and packets."""

    total: int | None = None
    uplink: int | None = None
    downlink: int | None = None
    total_packets: int | None = None
    uplink_packets: int | None = None
    downlink_packets: int | None = None

    @classmethod
    def from_octets(cls, octets: bytes) -> Self:
        reader = Reader(octets)
        flags = reader.uint(1)
        return cls(*(reader.uint(8) if flags & 1 << n else None for n in range(6)))

    def octets(self) -> bytes:
        packets = (self.total_packets, self.uplink_packets, self.downlink_packets)
        return _counters((self.total, self.uplink, self.downlink, *packets))


def _counters(values: tuple[int | None, ...]) -> bytes:
    flags = sum(1 << n for n, value in enumerate(values) if value is not None)
    return bytes((flags,)) + b"".join(value.to_bytes(8, "big") for value in values if value is not None)


_RULE_ID_OCTETS = {0: 2, 1: 4, 2: 4, 3: 4, 4: 1, 5: 2, 6: 1}


class FailedRuleId(Element, frozen=True):
    """§8.2.80. kind: 0 PDR, 1 FAR, 2 QER, 3 URR, 4 BAR, 5 MAR, 6 SRR."""

    kind: int
    identity: int

    @classmethod
    def from_octets(cls, octets: bytes) -> Self:
        reader = Reader(octets)
        kind = reader.uint(1) & 0x1F
        if kind not in _RULE_ID_OCTETS:
            raise ValueError(f"Rule ID type {kind}, wanted 0 to 6")
        return cls(kind, reader.uint(_RULE_ID_OCTETS[kind]))

    def octets(self) -> bytes:
        return bytes((self.kind,)) + self.identity.to_bytes(_RULE_ID_OCTETS[self.kind], "big")


class RemoteGtpuPeer(Element, frozen=True):
    """§8.2.70. rest: destination interface and network instance of later releases, as octets."""

    ipv4: IPv4Address | None = None
    ipv6: IPv6Address | None = None
    rest: bytes = b""
    flags: int = 0
    """Bits above V4 and V6, which say what `rest` holds."""

    @classmethod
    def from_octets(cls, octets: bytes) -> Self:
        reader = Reader(octets)
        flags = reader.uint(1)
        ipv4, ipv6 = reader.ipv4(flags & 2), reader.ipv6(flags & 1)
        return cls(ipv4, ipv6, octets[reader.at :], flags & 0xFC)

    def octets(self) -> bytes:
        flags = self.flags | 2 * (self.ipv4 is not None) | (self.ipv6 is not None)
        return bytes((flags,)) + _packed(self.ipv4) + _packed(self.ipv6) + self.rest
