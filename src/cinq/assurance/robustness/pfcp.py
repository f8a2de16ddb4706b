"""PFCP, TS 29.244: the messages of its tables, with the IEs inside of grouped ones."""

from __future__ import annotations

import random
from functools import cache

from cinq.assurance.robustness.form import Grammar, Input, Part, Symbols, contents
from cinq.wire.pfcp.messages import BY_TYPE
from cinq.wire.pfcp.row import Group, Member, layouts

VERSION, SEID = 0x20, "SEID"
MOST, TRIES = 40, 40  # octets and draws that are tried for contents
NOT_AN_IE = 0x7FFF
ENTERPRISE = 0x8001


@cache
def forms() -> tuple[Input, ...]:
    """Requests and responses: a UPF may hear either."""
    return tuple(
        Input(cls.__name__, (cls.TYPE, int(cls.SESSION)), _parts(cls)) for _, cls in sorted(BY_TYPE.items())
    )


def _parts(cls: type[Group]) -> tuple[Part, ...]:
    return tuple(_part(member) for member in layouts[cls].members)


def _part(member: Member) -> Part:
    mandatory = member.presence == "M"
    if member.group is not None:
        return Part(member.group.__name__, member.number, inside=_parts(member.group), mandatory=mandatory)
    symbol = f"ie {member.number}"
    return Part(member.name, member.number, value=_example(member), symbol=symbol, mandatory=mandatory)


def _example(member: Member) -> bytes:
    """The fewest octets that have a meaning: of zeros, else of chance that is the same each time."""
    if member.form.width:
        return bytes(member.form.width)
    chance = random.Random(member.name)
    for size in range(MOST):
        for value in (bytes(size), *(chance.randbytes(size) for _ in range(TRIES))):
            try:
                member.form.decode(value)
            except (ValueError, IndexError):
                continue
            return value
    return b"\0"


def part(one: Part, symbols: Symbols) -> bytes:
    grouped = b"".join(part(each, symbols) for each in one.inside)
    value = grouped if one.inside else contents(one, symbols)
    told = len(value) if one.told is None else one.told
    return one.tag.to_bytes(2, "big") + min(told, 0xFFFF).to_bytes(2, "big") + value


def header(one: Input, body: bytes, symbols: Symbols) -> bytes:
    """§7.2.2. The sequence number is the sender's symbol, so that an answer is not taken for that to another."""
    kind, session = one.head
    sequence = symbols.get("sequence", bytes(3)) + b"\0"
    inner = (symbols.get(SEID, bytes(8)) if session else b"") + sequence + body
    return bytes((VERSION | session, kind)) + min(len(inner), 0xFFFF).to_bytes(2, "big") + inner


def elements(octets: bytes, at: int) -> dict[str, bytes]:
    """The IEs of a whole message from an offset on, those inside of grouped ones among them, as symbols."""
    found: dict[str, bytes] = {}
    while at + 4 <= len(octets):
        number, size = (
            int.from_bytes(octets[at : at + 2], "big"),
            int.from_bytes(octets[at + 2 : at + 4], "big"),
        )
        value = octets[at + 4 : at + 4 + size]
        found.setdefault(f"ie {number}", value)
        if number in GROUPED:
            for name, inner in elements(value, 0).items():
                found.setdefault(name, inner)
        at += 4 + size
    return found


def _grouped(parts: tuple[Part, ...]) -> frozenset[int]:
    return frozenset(one.tag for one in parts if one.inside).union(*(_grouped(one.inside) for one in parts))


GROUPED: frozenset[int] = frozenset().union(*(_grouped(form.parts) for form in forms()))
STRANGERS = (
    Part("an unknown IE", NOT_AN_IE, value=b"\0\0"),
    Part("an unknown vendor's IE", ENTERPRISE, value=b"\0\x0a\0"),
    Part("an unknown IE without contents", NOT_AN_IE - 1),
)
GRAMMAR = Grammar("PFCP", forms, part, header, STRANGERS, 30_000)
