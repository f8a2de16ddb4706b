"""Octets to PFCP messages and back. The header: TS 29.244 §7.2.2."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address
from struct import Struct as Packing

from msgspec.structs import replace

from cinq.numbering import SNssai
from cinq.wire.pfcp.engine import PEEK, decoders, encoders
from cinq.wire.pfcp.error import PfcpError
from cinq.wire.pfcp.flags import Flags
from cinq.wire.pfcp.messages import BY_TYPE
from cinq.wire.pfcp.row import Element, Group, Message, layouts

PORT = 8805
_NODE, _SESSION = Packing(">BBHI"), Packing(">BBHQI")
_VERSION, _S, _MP, _FO = 0x20, 1, 2, 4
_NODE_MESSAGES = {cls.TYPE: cls for cls in BY_TYPE.values() if not cls.SESSION}
_SESSION_MESSAGES = {cls.TYPE: cls for cls in BY_TYPE.values() if cls.SESSION}
Plain = dict[str, "Plain"] | list["Plain"] | str | int | bool | None


def decode(octets: bytes) -> Message:
    """The message that fills these octets. Raises PfcpError only, with what the header gave."""
    size = len(octets)
    if size < 8:
        raise PfcpError(0, f"{size} octets, wanted at least 8", "TS 29.244 §7.6.3", silent=True)
    at, seid = 8, None
    if size >= 16 and octets[0] & _S:
        flags, kind, length, seid, word = _SESSION.unpack_from(octets)
        at, cls = 16, _SESSION_MESSAGES.get(kind) if flags == _VERSION | _S else None
    else:
        flags, kind, length, word = _NODE.unpack_from(octets)
        cls = _NODE_MESSAGES.get(kind) if flags == _VERSION else None
    try:
        if cls is None or length + 4 != size:
            cls = _checked(octets, flags, kind, length)
        message = decoders[cls](octets + PEEK, at, size)
    except PfcpError as error:
        error.message_type, error.sequence, error.seid = kind, word >> 8, seid
        raise
    if not isinstance(message, Message):
        raise TypeError(f"{cls.__name__} is not a message")
    message.sequence = word >> 8
    message.seid = seid
    if flags & _MP:
        message.priority = word >> 4 & 15
    return message


def prepare() -> Iterator[None]:
    """Makes the code of all messages and groups, one class a step: then no first message has to wait for it."""
    kinds: list[type[Group]] = [Group]
    while kinds:
        cls = kinds.pop()
        kinds += cls.__subclasses__()
        if layouts[cls].members:
            _ = decoders[cls], encoders[cls]
            yield


def _checked(octets: bytes, flags: int, kind: int, length: int) -> type[Message]:
    """The class, where the header is right."""
    if flags >> 5 != 1:
        error = PfcpError(0, f"PFCP version {flags >> 5}, wanted 1", "TS 29.244 §7.6.2")
        error.version = flags >> 5
        raise error
    if length + 4 != len(octets):
        what = f"message length {length}, datagram has {len(octets) - 4} octets after the first four"
        raise PfcpError(2, what, "TS 29.244 §7.6.3", silent=True)
    if flags & _FO:
        raise PfcpError(0, "a bundled message, and bundling was not negotiated", "TS 29.244 §6.5")
    cls = BY_TYPE.get(kind)
    if cls is None:
        raise PfcpError(1, f"message type {kind} is unknown", "TS 29.244 §7.6.4")
    if bool(flags & _S) != cls.SESSION or (flags & _S and len(octets) < 16):
        what = f"{cls.__name__} {'without' if cls.SESSION else 'with'} a SEID"
        raise PfcpError(0, what, "TS 29.244 §7.2.2")
    return cls


def encode(message: Message, *, sequence: int, seid: int | None = None) -> bytes:
    """The octets of a message. seid: the receiver's SEID, for session messages (0 while it is not known).

    Raises PfcpError for values that have no encoding.
    """
    body = encoders[type(message)](message)
    flags, word = _VERSION, sequence << 8
    if message.priority is not None:
        flags, word = _VERSION | _MP, word | message.priority << 4
    if not 0 <= sequence < 1 << 24:
        raise PfcpError(None, f"sequence number {sequence}, wanted 24 bits")
    if not message.SESSION:
        head = _NODE.pack(flags, message.TYPE, len(body) + 4, word)
    else:
        own = (message.seid or 0) if seid is None else seid
        head = _SESSION.pack(flags | _S, message.TYPE, len(body) + 12, own, word)
    return head + body


def headed(message: Message, sequence: int, seid: int | None) -> Message:
    """The message as its receiver decodes it: with what the header says. seid: as for `encode`."""
    if not message.SESSION:
        return replace(message, sequence=sequence, seid=None)
    return replace(message, sequence=sequence, seid=(message.seid or 0) if seid is None else seid)


def plain(value: object) -> Plain:
    """A message, IE or value as dict, list, str and numbers, for traces and JSON. Octets as hexadecimal."""
    if isinstance(value, Group | Element):
        return _plain_struct(value)
    if isinstance(value, list):
        return [plain(each) for each in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, IPv4Address | IPv6Address | SNssai):
        return str(value)
    if isinstance(value, IntEnum):
        return value.name
    return value if isinstance(value, str | int) else None


def _plain_struct(value: Group | Element) -> Plain:
    if isinstance(value, Flags):
        return list[Plain](value.names())
    result: dict[str, Plain] = {}
    if isinstance(value, Message):
        result["message"] = type(value).__name__
    for name in value.__struct_fields__:
        member = getattr(value, name)
        if name == "unknown":
            if member:
                result[name] = {str(number): octets.hex() for number, octets in member}
        elif name != "order" and member is not None and member != []:
            result[name] = plain(member)
    return result
