"""Octets to groups and back. Two ways that give the same.

The straight way: on first use the rows of a class become the source of two functions that do what is usual, IEs in
the order of the rows and nothing that surprises, without asking the rows again. `source(cls)` shows them.
The careful way starts afresh whenever the straight one stops: it takes IEs in any order, keeps what is unknown, and
is the only one to say what is wrong.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from itertools import takewhile
from typing import cast

from cinq.wire.pfcp.error import Cause, PfcpError, Truncated
from cinq.wire.pfcp.row import Group, Layout, Member, layouts

Decoder = Callable[[bytes, int, int], Group]
Encoder = Callable[[Group], bytes]
_HEAD = struct.Struct(">HH")
_unhead, _head = _HEAD.unpack_from, _HEAD.pack
_CODE = "_BH_I___Q"
"""How struct calls a number of so many octets."""
PEEK = bytes(8)
"""What a decoder may read behind the last IE."""
_KEPT, _SHORT = 512, 64
"""Of a row with values that are common: how many are kept, of how many octets at most."""


# -- the straight way ----------------------------------------------------------------------------------------


class _Decoders(dict[type[Group], Decoder]):
    """The group that octets[at:end] hold, with PEEK or more behind. Raises PfcpError only."""

    def __missing__(self, cls: type[Group]) -> Decoder:
        decoder = self[cls] = cast(Decoder, _generated(cls, _decode_source)["decode"])
        return decoder


class _Encoders(dict[type[Group], Encoder]):
    """The IEs of a group, in the order of the rows or in `order`. PfcpError for a value without encoding."""

    def __missing__(self, cls: type[Group]) -> Encoder:
        encoder = self[cls] = cast(Encoder, _generated(cls, _encode_source)["encode"])
        return encoder


decoders, encoders = _Decoders(), _Encoders()


def source(cls: type[Group]) -> str:
    """The straight functions of a class, as Python."""
    layout = layouts[cls]
    return "\n".join((*_decode_source(layout), "", "", *_encode_source(layout), ""))


def _generated(cls: type[Group], lines: Callable[[Layout], Iterator[str]]) -> dict[str, object]:
    """One of the straight functions, and the names that it uses."""
    layout = layouts[cls]
    names: dict[str, object] = {
        "new": cls,
        "peek": struct.Struct(">HHI").unpack_from,
        "head_of": _head,
        "number1": struct.Struct(">IB").pack,
        "number2": struct.Struct(">IH").pack,
        "number4": struct.Struct(">II").pack,
        "number8": struct.Struct(">IQ").pack,
        "decoders": decoders,
        "encoders": encoders,
        "careful_decode": careful_decode,
        "careful_encode": careful_encode,
        "PfcpError": PfcpError,
        "Unusual": (ValueError, IndexError, struct.error),
    }
    lead = "".join(f"I{_CODE[member.form.width]}" for member in _lead(layout))
    names["read_lead"] = struct.Struct(f">{lead}HHI").unpack_from
    names["write_lead"] = struct.Struct(f">{lead}").pack
    for member in layout.members:
        names[f"read_{member.name}"] = member.form.decode
        names[f"write_{member.name}"] = member.form.encode
        if member.form.common:
            names[f"recall_{member.name}"] = lru_cache(_KEPT)(member.form.decode)
            names[f"whole_{member.name}"] = lru_cache(_KEPT)(partial(_ie, member))
        names[f"Group_{member.name}"] = member.group
    text = "\n".join(lines(layout))
    exec(compile(text, f"<rows of {cls.__name__}>", "exec"), names)  # noqa: S102 (made from rows alone)
    return names


def _lead(layout: Layout) -> tuple[Member, ...]:
    """The mandatory numbers that a group begins with: taken in one step, as they are always there."""
    return tuple(takewhile(lambda m: m.presence == "M" and m.form.width and not m.repeated, layout.members))


def _head_of(member: Member) -> str:
    """Type and length of a number, as one number."""
    return f"{member.number << 16 | member.form.width:#010x}"


def _decode_source(layout: Layout) -> Iterator[str]:
    """`octets` has PEEK behind it: what is read there never ends a group at `end`."""
    yield "def decode(octets, at, end):"
    yield "    start = at"
    yield "    try:"
    lead = _lead(layout)
    if lead:
        heads = "".join(f"head_{m.name}, {m.name}, " for m in lead)
        yield f"        {heads}kind, size, word = read_lead(octets, at)"
        for member in lead:
            yield f"        if head_{member.name} != {_head_of(member)}: raise ValueError({member.name!r})"
        yield f"        at += {sum(4 + m.form.width for m in lead)}"
    first = [f"{m.name}={m.name}{_masked(m)}" for m in lead]
    first += [f"{m.name}=None" for m in layout.mandatory if m not in lead]
    yield f"        group = new({', '.join(first)})"
    last = max((m.position for m in layout.mandatory), default=-1)
    if last < len(lead):
        yield "        if at == end: return group"
    if not lead and layout.members:
        yield "        kind, size, word = peek(octets, at)"
    for member in layout.members[len(lead) :]:
        yield from _take_source(member, last)
    yield "    except PfcpError:"
    yield "        raise"
    yield "    except Unusual:"
    yield "        pass"
    yield "    return careful_decode(new, octets, start, end)"


def _masked(member: Member) -> str:
    return "" if member.form.mask is None else f" & {member.form.mask}"


def _take_source(member: Member, last: int) -> Iterator[str]:
    """Takes the IE at `at` if it is one of this row. `word` are the four octets after its type and length.

    last: the position of the last mandatory row; from there on a group may end.
    """
    name, form, number = member.name, member.form, member.number
    is_number = form.width in (1, 2, 4)
    if is_number:
        here = f"kind == {number} and size == {form.width}"
        value = f"word >> {32 - 8 * form.width}" if form.width < 4 else "word"
        value += _masked(member)
    else:
        here = f"kind == {number}"
        contents = "octets, at + 4, stop" if member.group else "octets[at + 4 : stop]"
        read = f"(recall_{name} if size <= {_SHORT} else read_{name})" if form.common else f"read_{name}"
        value = f"decoders[Group_{name}]({contents})" if member.group else f"{read}({contents})"
    indent = " " * 12 if member.presence != "M" else " " * 8
    if member.presence == "M":
        yield f"        if not ({here}): raise ValueError({name!r})"
    else:
        yield f"        if {here}:"
    if member.repeated:
        yield f"{indent}values = group.{name}{' = []' if member.presence == 'M' else ''}"
        yield f"{indent}while {here}:"
        indent += "    "
    if is_number:
        stop = f"at + {4 + form.width}"
    else:
        stop = "stop"
        yield f"{indent}stop = at + 4 + size"
    if member.group:
        yield f"{indent}if stop > end: raise ValueError({name!r})"
    yield f"{indent}values.append({value})" if member.repeated else f"{indent}group.{name} = {value}"
    yield f"{indent}at = {stop}"
    if member.position >= last:
        yield f"{indent}if at == end: return group"
    elif member.repeated:
        yield f"{indent}if at == end: break"
    yield f"{indent}kind, size, word = peek(octets, at)"


def _encode_source(layout: Layout) -> Iterator[str]:
    yield "def encode(group):"
    yield "    try:"
    yield "        if group.unknown or group.order: return careful_encode(group)"
    lead = _lead(layout)
    numbers = ", ".join(f"{_head_of(m)}, group.{m.name}" for m in lead)
    yield f"        parts = [{f'write_lead({numbers})' if lead else ''}]"
    for member in layout.members[len(lead) :]:
        yield f"        value = group.{member.name}"
        indent = " " * 12
        if member.presence == "M" and not member.repeated:
            indent = " " * 8
        elif not member.repeated:
            yield "        if value is not None:"
        else:
            yield "        if value:" if member.presence != "M" else "        if value or value is None:"
            yield f"            if type(value) is not list: raise TypeError({member.name!r})"
            yield "            for value in value:"
            indent += "    "
        for line in _put_source(member):
            yield indent + line
    yield "        return b''.join(parts)"
    yield "    except Exception:"
    yield "        return careful_encode(group)"


def _put_source(member: Member) -> Iterator[str]:
    """Adds the IE of `value` to `parts`."""
    name, number, width = member.name, member.number, member.form.width
    if width:
        yield f"parts.append(number{width}({_head_of(member)}, value))"
        return
    if member.form.common:
        yield f"parts.append(whole_{name}(value))"
        return
    if member.group:
        yield f"if type(value) is not Group_{name}: raise TypeError({name!r})"
        yield f"body = encoders[Group_{name}](value)"
    else:
        yield "body = value.octets()" if member.element else f"body = write_{name}(value)"
    yield f"parts += head_of({number}, len(body)), body"


# -- the careful way -----------------------------------------------------------------------------------------


def careful_decode(cls: type[Group], octets: bytes, at: int, end: int) -> Group:
    """The group that octets[at:end] hold; behind `end` there are octets to be peeked at. Raises PfcpError only."""
    layout = layouts[cls]
    by_number = layout.by_number
    found: dict[str, object] = {}
    unknown: list[tuple[int, bytes]] = []
    numbers: list[int] = []
    last, ordered = -1, True
    while at < end:
        if end - at < 4:
            raise PfcpError(at, "an IE header cut short", cause=Cause.INVALID_LENGTH)
        number, length = _unhead(octets, at)
        at += 4
        stop = at + length
        if stop > end:
            what = f"IE {number}: {length} octets announced, {end - at} left"
            raise PfcpError(at, what, cause=Cause.INVALID_LENGTH, offending_ie=number)
        numbers.append(number)
        member = by_number.get(number)
        if member is None or not _take(member, octets, at, stop, found):
            unknown.append((number, octets[at:stop]))
            last = len(layout.members)
        elif member.position < last:
            ordered = False
        else:
            last = member.position
        at = stop
    for member in layout.mandatory:
        if member.name not in found:
            what = f"{cls.__name__}: {member.name} (IE {member.number}) is missing"
            raise PfcpError(at, what, cause=Cause.MANDATORY_IE_MISSING, offending_ie=member.number)
    if unknown:
        found["unknown"] = unknown
    if not ordered:
        found["order"] = tuple(numbers)
    return layout.build(**found)


def _take(member: Member, octets: bytes, at: int, stop: int, found: dict[str, object]) -> bool:
    """Reads one IE into `found`. False: it is to be kept with the unknown ones."""
    name = member.name
    earlier = found.get(name)
    if earlier is not None and not member.repeated:
        return False
    try:
        if member.group is None:
            value = member.form.decode(octets[at:stop])
        else:
            value = decoders[member.group](octets, at, stop)
    except PfcpError:
        raise
    except (ValueError, IndexError) as error:
        if member.presence == "O":
            return False
        short = isinstance(error, (Truncated, IndexError))
        cause = Cause.INVALID_LENGTH if short else Cause.MANDATORY_IE_INCORRECT
        what = f"{name} (IE {member.number}): {error}"
        raise PfcpError(at, what, cause=cause, offending_ie=member.number) from None
    if not member.repeated:
        found[name] = value
    elif isinstance(earlier, list):
        earlier.append(value)
    else:
        found[name] = [value]
    return True


def careful_encode(group: Group) -> bytes:
    """The same as the straight way, and groups with unknown IEs or an order of their own."""
    parts: list[bytes] = []
    try:
        for member in layouts[type(group)].members:
            value = getattr(group, member.name)
            if value is None or (member.repeated and not value):
                if value is None and member.presence == "M":
                    raise ValueError("a mandatory member is missing")
            else:
                for each in value if isinstance(value, list) else [value]:
                    parts.append(_ie(member, each))
    except PfcpError:
        raise
    except Exception as error:  # whatever a wrong value makes fail: it has no encoding
        raise PfcpError(None, f"{group!r}: {error}") from error
    for number, octets in group.unknown:
        parts.append(_head(number, len(octets)) + octets)
    return b"".join(_reordered(parts, group.order) if group.order else parts)


def _ie(member: Member, value: object) -> bytes:
    """The whole IE, header and contents, of one value."""
    if member.form.width:
        return struct.pack(f">HH{_CODE[member.form.width]}", member.number, member.form.width, value)
    if member.group is None:
        body = member.form.encode(value)
    elif isinstance(value, Group):
        body = encoders[type(value)](value)
    else:
        raise ValueError(f"found {value!r}, wanted a grouped IE")
    return _head(member.number, len(body)) + body


def _reordered(parts: list[bytes], order: tuple[int, ...]) -> list[bytes]:
    """The parts by IE type in this order; what the order does not name comes last."""
    left = list(parts)
    result: list[bytes] = []
    for number in order:
        for part in left:
            if _unhead(part)[0] == number:
                result.append(part)
                left.remove(part)
                break
    return result + left
