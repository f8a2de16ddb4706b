"""nftables by nfnetlink: expressions, a table with masquerade rules, what makes a table and deletes it.

Neither the nft program nor a library is needed. The kernel needs nf_tables, nft_chain_nat and nft_masq; OSError
(ENOENT, EOPNOTSUPP) says that it lacks one.
"""

from __future__ import annotations

import os
import socket
import struct
from ipaddress import IPv4Network, IPv6Network

NETLINK_NETFILTER = 12
NLM_F_REQUEST, NLM_F_ACK, NLM_F_CREATE, NLM_F_APPEND, NLM_F_EXCL = 1, 4, 0x400, 0x800, 0x200
NLMSG_ERROR = 2
BATCH_BEGIN, BATCH_END = 0x10, 0x11
SUBSYSTEM = 10
NEW_TABLE, DELETE_TABLE, NEW_CHAIN, NEW_RULE = 0, 2, 3, 6
INET = 1  # both versions of IP in one table
IPV4, IPV6 = 2, 10
NESTED = 0x8000
POSTROUTING, SOURCE_NAT_PRIORITY, LAST_PRIORITY = 4, 100, 300
DROP = 0  # NF_DROP
META_OIFNAME = 7
REGISTER, VERDICT_REGISTER = 1, 0
META_NFPROTO = 15
NETWORK_HEADER = 1
AT = {4: (12, 16), 6: (8, 24)}
"""Where source and destination are in the header of an IP version."""
Pool = IPv4Network | IPv6Network
Part = tuple[int, int, bytes]
"""A message of a transaction: kind, flags, what follows its header."""
EQUAL, NOT_EQUAL = 0, 1


def _attribute(kind: int, payload: bytes) -> bytes:
    return struct.pack("=HH", len(payload) + 4, kind) + payload + b"\0" * (-len(payload) % 4)


def _nest(kind: int, *inside: bytes) -> bytes:
    return _attribute(kind | NESTED, b"".join(inside))


def _text(kind: int, value: str) -> bytes:
    return _attribute(kind, value.encode() + b"\0")


def _number(kind: int, value: int) -> bytes:
    return _attribute(kind, struct.pack("!I", value))


def _message(
    kind: int, flags: int, sequence: int, body: bytes, family: int = INET, resource: int = 0
) -> bytes:
    payload = struct.pack("!BBH", family, 0, resource) + body
    return struct.pack("=IHHII", 16 + len(payload), kind, flags | NLM_F_REQUEST, sequence, 0) + payload


def _expression(name: str, *attributes: bytes) -> bytes:
    return _nest(1, _text(1, name), _nest(2, *attributes))


def compare(octets: bytes, operator: int) -> bytes:
    return _expression("cmp", _number(1, REGISTER), _number(2, operator), _nest(3, _attribute(1, octets)))


def meta(key: int) -> bytes:
    """What the kernel knows of a packet, into the register."""
    return _expression("meta", _number(1, REGISTER), _number(2, key))


def route(key: int) -> bytes:
    """What it knows of the packet's route."""
    return _expression("rt", _number(1, REGISTER), _number(2, key))


def payload(header: int, at: int, size: int) -> bytes:
    """Octets of a header, into the register."""
    return _expression("payload", _number(1, REGISTER), _number(2, header), _number(3, at), _number(4, size))


def counter() -> bytes:
    return _expression("counter")


def drop() -> bytes:
    verdict = _nest(
        2, _nest(2, _number(1, DROP))
    )  # NFTA_IMMEDIATE_DATA, NFTA_DATA_VERDICT, NFTA_VERDICT_CODE
    return _expression("immediate", _number(1, VERDICT_REGISTER), verdict)


def rule_of(*expressions: bytes) -> bytes:
    return _nest(4, *expressions)


def rule_in(table: str, chain: str) -> bytes:
    """Where a rule stands."""
    return _text(1, table) + _text(2, chain)


def new_table(name: str) -> Part:
    return NEW_TABLE, NLM_F_CREATE | NLM_F_EXCL, _text(1, name)


def new_chain(table: str, name: str, hook: int, priority: int, kind: str) -> Part:
    at = _nest(4, _number(1, hook), _number(2, priority))
    return NEW_CHAIN, NLM_F_CREATE, _text(1, table) + _text(3, name) + at + _text(7, kind)


def _address_in(pool: Pool, at: int, operator: int) -> bytes:
    """The address at this octet of the IP header is (EQUAL) or is not in the pool."""
    size = pool.max_prefixlen // 8
    mask = _nest(4, _attribute(1, pool.netmask.packed)), _nest(5, _attribute(1, bytes(size)))
    registers = _number(1, REGISTER), _number(2, REGISTER)
    return (
        payload(NETWORK_HEADER, at, size)
        + _expression("bitwise", *registers, _number(3, size), *mask)
        + compare(pool.network_address.packed, operator)
    )


def _leaving(pool: Pool, interface: str) -> bytes:
    """From the pool, out of the interface; without one, to anywhere but the pool."""
    source, destination = AT[pool.version]
    family = bytes((IPV4 if pool.version == 4 else IPV6,))
    is_version = meta(META_NFPROTO) + compare(family, EQUAL)
    out = meta(META_OIFNAME) + compare(interface.encode().ljust(16, b"\0"), EQUAL)
    elsewhere = out if interface else _address_in(pool, destination, NOT_EQUAL)
    return is_version + _address_in(pool, source, EQUAL) + elsewhere


def _masquerade(pool: Pool, interface: str) -> bytes:
    return rule_of(_leaving(pool, interface), _expression("masq"))


def _drop(pool: Pool, interface: str) -> bytes:
    """What still has its source behind the translation could not be translated: it says too much of the UE."""
    return rule_of(_leaving(pool, interface), drop())


def commit(parts: list[Part]) -> None:
    """Sends one transaction; OSError of the first message that the kernel refuses."""
    batch = _message(BATCH_BEGIN, 0, 0, b"", 0, SUBSYSTEM)
    for sequence, (kind, flags, body) in enumerate(parts, 1):
        batch += _message(SUBSYSTEM << 8 | kind, flags | NLM_F_ACK, sequence, body)
    batch += _message(BATCH_END, 0, len(parts) + 1, b"", 0, SUBSYSTEM)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as netlink:
        netlink.bind((0, 0))
        netlink.settimeout(2)
        netlink.send(batch)
        answered = 0
        while answered < len(parts):
            answered += _read(netlink.recv(65536))


def _read(octets: bytes) -> int:
    """Acknowledgements in the datagram."""
    at = seen = 0
    while at + 16 <= len(octets):
        length, kind, _, _, _ = struct.unpack_from("=IHHII", octets, at)
        if kind == NLMSG_ERROR:
            (code,) = struct.unpack_from("=i", octets, at + 16)
            if code:
                raise OSError(-code, os.strerror(-code))
            seen += 1
        at += length + 3 & ~3
    return seen


def add_masquerade(table: str, pools: tuple[Pool, ...], interface: str) -> None:
    """Makes the table: what leaves by the interface with a source in a pool gets the interface's address.

    An interface "" is any by which a packet leaves the pool. What cannot be translated does not leave.
    """
    append = NLM_F_CREATE | NLM_F_APPEND
    parts = [new_table(table)]
    for chain, priority, kind, made in (
        ("postrouting", SOURCE_NAT_PRIORITY, "nat", _masquerade),
        ("untranslated", LAST_PRIORITY, "filter", _drop),
    ):
        parts.append(new_chain(table, chain, POSTROUTING, priority, kind))
        parts += [(NEW_RULE, append, rule_in(table, chain) + made(pool, interface)) for pool in pools]
    commit(parts)


def delete_table(table: str) -> None:
    """Absent is well."""
    try:
        commit([(DELETE_TABLE, 0, _text(1, table))])
    except FileNotFoundError:
        return
