"""Values as plain dicts, lists, strings and numbers, for the trace and for JSON."""

from __future__ import annotations

from cinq.wire.per.base import Pdu, Sequence

Plain = dict[str, "Plain"] | list["Plain"] | str | int | bool | None


def plain(value: object) -> Plain:
    """A dict of the attributes present; bytes as hex; a CHOICE as {alternative: value}.

    A BIT STRING of variable size is a string of 0 and 1. A message has its name first, under `message`.
    """
    match value:
        case Sequence():
            members: dict[str, Plain] = {"message": type(value).__name__} if isinstance(value, Pdu) else {}
            return members | {name: plain(member) for name, member in value.items()}
        case bytes():
            return value.hex()
        case str() | int() | None:
            return value
        case list():
            return [plain(item) for item in value]
        case (int() as bits, int() as size):
            return f"{bits:0{size}b}" if size else ""
        case (str() as alternative, chosen):
            return {alternative: plain(chosen)}
    raise TypeError(f"{type(value).__name__} is no value of a message")
