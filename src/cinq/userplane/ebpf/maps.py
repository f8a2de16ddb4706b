"""The structures of gtpu.c, octet by octet. TEIDs and addresses are in network order, as on the wire."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network

from cinq.userplane.policer import cost_per_octet
from cinq.userplane.rules import DecapRule, EncapRule, PlaneSettings, Protected, Reason, Role

ROLE_GNB, DENY_UE_TO_UE, HAS_PROTECTED, HAS_NETWORKS = 1, 2, 4, 8
TO_PEER = 1
ANY_PROTOCOL = 255
WHOLE_HOST, SOME_PORTS = 1, 2
SETTINGS = struct.Struct("<4s5I2Q12s4x")
DECAP = struct.Struct("<I4sIBBBx")
ENCAP = struct.Struct("<I4s4s4sBB2xI")
POLICER = struct.Struct("<7Q")
USAGE = struct.Struct("<4Q")
ENDPOINT = struct.Struct("<4s2sBx")
NETWORK = struct.Struct("<I4s")
COUNT = struct.Struct("<Q")
INDEX = struct.Struct("<I")
FIRST = INDEX.pack(0)
SIZES = {"settings": SETTINGS, "decaps": DECAP, "encaps": ENCAP, "policers": POLICER, "usages": USAGE}


def settings_value(
    settings: PlaneSettings, *, n3: int, buffer: int, mtu: int, ue_macs: tuple[bytes, bytes]
) -> bytes:
    """`n3` and `buffer` are interface indices; `ue_macs` the UE's address and ours on its interface."""
    flags = ROLE_GNB if settings.role is Role.GNB else HAS_PROTECTED
    if settings.role is Role.UPF and not settings.ue_to_ue:
        flags |= DENY_UE_TO_UE
    if settings.role is Role.UPF and settings.protected_networks:
        flags |= HAS_NETWORKS
    interval = 1_000_000_000 // settings.slow_per_s
    burst = interval * max(settings.slow_per_s // 10 - 1, 0)
    rate = settings.buffer_per_session, interval, burst
    return SETTINGS.pack(settings.n3_address.packed, n3, buffer, mtu, flags, *rate, b"".join(ue_macs))


def decap_key(teid: int) -> bytes:
    return teid.to_bytes(4, "big")


def decap_value(rule: DecapRule, slot: int, port: int, flags: int) -> bytes:
    """`port` is the interface index of the UE's interface (gNB), `flags` TO_PEER or 0."""
    return DECAP.pack(slot, rule.ue.packed, port, rule.action, rule.qfi, flags)


def encap_value(rule: EncapRule, slot: int) -> bytes:
    teid = rule.teid.to_bytes(4, "big")
    return ENCAP.pack(slot, teid, rule.peer.packed, rule.local.packed, rule.action, rule.qfi, 0)


def policer_value(decap_bps: int, encap_bps: int, burst_ns: int) -> bytes:
    """A fresh bucket for each direction."""
    return POLICER.pack(cost_per_octet(decap_bps), cost_per_octet(encap_bps), burst_ns, 0, 0, 0, 0)


def protected_entries(endpoints: Iterable[Protected]) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values: one for each endpoint, and one that says that the host has any."""
    hosts: dict[bytes, int] = {}
    for endpoint in endpoints:
        address, whole = endpoint.address.packed, not endpoint.protocol
        hosts[address] = WHOLE_HOST if whole else hosts.get(address, SOME_PORTS)
        if not whole:
            key = ENDPOINT.pack(address, endpoint.port.to_bytes(2, "big"), endpoint.protocol)
            yield key, INDEX.pack(SOME_PORTS)
    for address, value in hosts.items():
        yield ENDPOINT.pack(address, b"\0\0", ANY_PROTOCOL), INDEX.pack(value)


def network_entry(network: IPv4Network) -> tuple[bytes, bytes]:
    """Key and value of the longest-prefix table."""
    return NETWORK.pack(network.prefixlen, network.network_address.packed), INDEX.pack(WHOLE_HOST)


def reason_key(reason: Reason) -> bytes:
    return INDEX.pack(reason)
