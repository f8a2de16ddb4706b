"""A NAS message as dictionaries, lists, strings and numbers, for traces and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from enum import IntEnum

from msgspec import Struct

from cinq.wire.nas.engine import NasMessage
from cinq.wire.nas.envelope import Protected

Plain = None | bool | int | str | list["Plain"] | dict[str, "Plain"]


def plain(message: NasMessage | Protected) -> dict[str, Plain]:
    """The elements that are present, by attribute name; 'message' is the class name.

    Octets are hexadecimal, identities and addresses text, sets sorted lists, named values 'NAME (number)'.
    """
    found: dict[str, Plain] = {"message": type(message).__name__}
    if isinstance(message, Protected):
        found.update({name: _value(getattr(message, name)) for name in message.__struct_fields__})
        return found
    found.update({name: _value(value) for name, value in message.fields.items()})
    if message.unknown:
        found["unknown"] = [f"{tag:02x}: {octets.hex()}" for tag, octets in message.unknown]
    if message.faults:
        found["faults"] = [f"{name}: {what}" for name, what in message.faults]
    if message.misplaced:
        found["out_of_sequence"] = list(message.misplaced)
    return found


def _value(value: object) -> Plain:
    if isinstance(value, IntEnum):
        return f"{value.name} ({value.value})"
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, frozenset):
        return [_value(each) for each in sorted(value)]
    if isinstance(value, list | tuple):
        return [_value(each) for each in value]
    if isinstance(value, Mapping):
        return {str(key): _value(each) for key, each in value.items()}
    if isinstance(value, Struct):
        names = (*value.__struct_fields__, *getattr(type(value), "SHOWN", ()))
        return {name: _value(getattr(value, name)) for name in names}
    if isinstance(value, timedelta):
        return f"{value // timedelta(minutes=1):+d} min"
    return value.isoformat() if isinstance(value, date) else str(value)
