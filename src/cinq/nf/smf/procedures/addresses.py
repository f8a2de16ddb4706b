"""The addresses of a new PDU session, TS 23.501 §5.8.2.2: an IPv4 address, an IPv6 prefix of 64 bits, or both."""

from __future__ import annotations

import hashlib

from cinq.nf.smf.addresses import AddressPool, PrefixPool
from cinq.nf.smf.context import Address, Ipv4, Ipv4v6, Ipv6
from cinq.nf.smf.session import PduSession
from cinq.procedure import Undo


class NoneFree(Exception):
    """A pool is empty, or a static address in use. key: of the setting."""

    def __init__(self, what: str, key: str) -> None:
        super().__init__(what)
        self.key = key


def assigned(session: PduSession, undo: Undo) -> Address | None:
    """What a session of its type has, of Ethernet nothing; given back when it does not come to be. NoneFree."""
    context, ports = session.context, session.ports
    kind, number, prefix = context.session_type, 0, 0
    if kind == "ETHERNET":
        return None
    if kind != "IPV6":
        pool = ports.pools[context.dnn]
        static = int(context.ipv4) if context.is_static else None
        number = _taken(pool, undo, static, f"no address of {context.dnn} is free", "pool")
    if kind != "IPV4":
        prefixes = ports.prefixes[context.dnn]
        static = context.static_prefix or None
        prefix = _taken(prefixes, undo, static, f"no prefix of {context.dnn} is free", "ipv6_pool")
    if kind == "IPV4":
        return Ipv4(number)
    identifier = _interface_identifier(context.ref)
    return Ipv6(prefix, identifier) if kind == "IPV6" else Ipv4v6(number, prefix, identifier)


def _taken(pool: AddressPool | PrefixPool, undo: Undo, static: int | None, what: str, key: str) -> int:
    number = pool.take() if static is None else static if pool.hold(static) else None
    if number is None:
        raise NoneFree(what, key)

    async def give_back(held: int) -> None:
        pool.give_back(held)

    undo.owe(give_back, number)
    return number


def _interface_identifier(ref: str) -> int:
    """Of the UE's link local address: 64 bits that no other session is likely to have, never 0."""
    return int.from_bytes(hashlib.sha256(f"{ref} interface".encode()).digest()[:8], "big") or 1
