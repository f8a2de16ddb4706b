"""PFCP for a reader: every IE that can be read, whatever stands around it."""

from __future__ import annotations

from cinq.wire.examined import Examined
from cinq.wire.pfcp.codec import decode
from cinq.wire.pfcp.error import PfcpError
from cinq.wire.pfcp.messages import BY_TYPE
from cinq.wire.pfcp.row import Group, Member, Message, layouts

_S, _FO = 1, 4


def bundled(octets: bytes) -> list[bytes]:
    """The messages of a datagram: one, or several where the FO flags say that another follows (TS 29.244 §6.5)."""
    found = []
    while len(octets) >= 8 and octets[0] & _FO:
        end = int.from_bytes(octets[2:4], "big") + 4
        if not 8 <= end < len(octets):
            break
        found.append(bytes((octets[0] & ~_FO,)) + octets[1:end])
        octets = octets[end:]
    return [*found, octets]


def examine(octets: bytes) -> Examined[Message]:
    """The message that the octets begin with."""
    try:
        return Examined(decode(octets))
    except PfcpError as error:
        cls = BY_TYPE.get(octets[1]) if len(octets) >= 8 and octets[0] >> 5 == 1 else None
        if cls is None:
            return Examined(None, (error.what,), whole=False)
    faults: list[str] = []
    end = int.from_bytes(octets[2:4], "big") + 4
    if end > len(octets):
        faults.append(f"cut off: {end} octets are announced, {len(octets)} are there")
    elif end < len(octets):
        padding = "" if any(octets[end:]) else ", all zero"
        faults.append(f"{len(octets) - end} octets behind the end of the message{padding}")
    with_seid = bool(octets[0] & _S)
    if with_seid != cls.SESSION:
        faults.append(f"{cls.__name__} {'with' if with_seid else 'without'} a SEID")
    at = 16 if with_seid else 8
    message = _group(cls, octets[:end], at, faults)
    if not isinstance(message, Message):
        raise TypeError(f"{cls.__name__} is not a message")
    message.sequence = int.from_bytes(octets[at - 4 : at - 1], "big")
    message.seid = int.from_bytes(octets[4:12], "big") if with_seid else None
    whole = all(getattr(message, member.name) is not None for member in layouts[cls].mandatory)
    return Examined(message, tuple(faults), whole=whole)


def _group(cls: type[Group], octets: bytes, at: int, faults: list[str]) -> Group:
    """The IEs from `at` on; those that cannot be read are with the unknown ones."""
    layout = layouts[cls]
    found: dict[str, object] = {member.name: None for member in layout.mandatory}
    unknown: list[tuple[int, bytes]] = []
    while at < len(octets):
        if len(octets) - at < 4:
            faults.append(f"{cls.__name__}: an IE header is cut off")
            break
        number, length = (
            int.from_bytes(octets[at : at + 2], "big"),
            int.from_bytes(octets[at + 2 : at + 4], "big"),
        )
        contents = octets[at + 4 : at + 4 + length]
        at += 4 + length
        member = layout.by_number.get(number)
        if at > len(octets):
            faults.append(
                f"{cls.__name__}: {_named(member, number)} is cut off: {length} octets are announced"
            )
        if member is None or not _take(member, contents, found, faults):
            unknown.append((number, contents))
    absent = [member for member in layout.mandatory if found[member.name] is None]
    there = {number for number, _ in unknown}
    faults += [f"{cls.__name__}: {_named(m, m.number)} is missing" for m in absent if m.number not in there]
    if unknown:
        found["unknown"] = unknown
    return layout.build(**found)


def _named(member: Member | None, number: int) -> str:
    return f"{member.name} (IE {number})" if member is not None else f"IE {number}"


def _take(member: Member, contents: bytes, found: dict[str, object], faults: list[str]) -> bool:
    earlier = found.get(member.name)
    if earlier is not None and not member.repeated:
        return False
    try:
        value = _group(member.group, contents, 0, faults) if member.group else member.form.decode(contents)
    except (ValueError, IndexError) as error:
        faults.append(f"{_named(member, member.number)}: {error}")
        return False
    if not member.repeated:
        found[member.name] = value
    elif isinstance(earlier, list):
        earlier.append(value)
    else:
        found[member.name] = [value]
    return True
