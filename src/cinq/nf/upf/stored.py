"""What a UPF keeps beyond its process: associations, sessions, when it began, what its meters said last.

The collections are written before a request is answered (TS 29.244 §6.4 knows no session that both ends forgot).
"""

from __future__ import annotations

from dataclasses import astuple
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeVar

import msgspec
from msgspec.structs import astuple as members
from msgspec.structs import replace

from cinq.nf.upf.context import Association, Far, Pdr, Qer, SessionContext, Urr
from cinq.userplane.rules import Filter
from cinq.wire.pfcp import NodeId

SESSIONS, ASSOCIATIONS, OWN = "pfcp-sessions", "pfcp-associations", "upf"
RECOVERY = "recovery-time-stamp"
_KINDS = (IPv4Address, IPv6Address, IPv4Network, IPv6Network)
BROKEN = (msgspec.DecodeError, ValueError, TypeError, LookupError, AttributeError)
R = TypeVar("R", Pdr, Far, Qer, Urr)


class Unreadable(ValueError):
    """What is stored is none of ours, or of another version."""


def _hook(value: object) -> msgspec.msgpack.Ext:
    for code, kind in enumerate(_KINDS):
        if type(value) is kind:
            return msgspec.msgpack.Ext(code, str(value).encode())
    raise NotImplementedError(type(value))


def _ext(code: int, octets: memoryview) -> object:
    return _KINDS[code](bytes(octets).decode())


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_hook)
_DECODER = msgspec.msgpack.Decoder(ext_hook=_ext)


def encoded(session: SessionContext) -> bytes:
    pdrs = [(members(replace(pdr, filters=())), [members(f) for f in pdr.filters]) for pdr in session.pdrs]
    named = [(number, [members(f) for f in filters]) for number, filters in session.named_filters]
    fars, qers, urrs = (
        [members(rule) for rule in rules] for rules in (session.fars, session.qers, session.urrs)
    )
    more = session.csids, session.dnn, session.s_nssai
    return _ENCODER.encode((session.seid, session.cp_seid, session.smf, pdrs, fars, qers, urrs, named, *more))


def decoded(octets: bytes) -> SessionContext:
    """Unreadable."""
    try:
        seid, cp_seid, smf, pdrs, fars, qers, urrs, named, csids, dnn, s_nssai = _DECODER.decode(octets)
        return SessionContext(
            seid,
            cp_seid,
            smf,
            tuple(replace(_rule(Pdr, row), filters=_filters(filters)) for row, filters in pdrs),
            tuple(_rule(Far, row) for row in fars),
            tuple(_rule(Qer, row) for row in qers),
            tuple(_rule(Urr, row) for row in urrs),
            tuple((number, _filters(rows)) for number, rows in named),
            tuple(csids),
            dnn,
            s_nssai,
        )
    except BROKEN as error:
        raise Unreadable(f"stored session: {error}") from error


def _deep(value: object) -> object:
    return tuple(map(_deep, value)) if isinstance(value, list) else value


def _rule(kind: type[R], row: list[object]) -> R:
    return kind(*map(_deep, row))  # type: ignore[arg-type]


def _filters(rows: object) -> tuple[Filter, ...]:
    if not isinstance(rows, list):
        raise Unreadable("stored session: no filters")
    return tuple(Filter(*map(_deep, row)) for row in rows)  # type: ignore[arg-type]


def association_encoded(association: Association) -> bytes:
    _, *more = astuple(association)
    return _ENCODER.encode((association.node_id.octets(), *more))


def association_decoded(octets: bytes) -> Association:
    """Unreadable."""
    try:
        node_id, *more = _DECODER.decode(octets)
        return Association(NodeId.from_octets(node_id), *more)
    except BROKEN as error:
        raise Unreadable(f"stored association: {error}") from error
