"""A message as a tree of elements. An input is one, whole or spoilt, and can be kept and sent once more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import msgspec
from msgspec import Struct

Symbols = Mapping[str, bytes]
"""What only the moment knows, such as identities that the target gave: contents by the name of a symbol."""
Path = tuple[int, ...]
"""The place of an element in its tree: of its parent among its siblings, ..., its own."""


class Part(Struct, frozen=True):
    """One information element.

    name: as the specification or its codec calls it. tag: its number. level: what its encoding needs besides (the
    criticality of an NGAP IE, the format of a NAS element). value: its contents, inside: those of a grouped one.
    symbol: whose contents stand here, where the sender knows them. told: the length that its header tells where that
    is not the true one.
    """

    name: str
    tag: int = 0
    level: int = 0
    value: bytes = b""
    inside: tuple[Part, ...] = ()
    symbol: str = ""
    told: int | None = None
    mandatory: bool = False


class Input(Struct, frozen=True):
    """What is sent. message: its name. head: what the header needs. kind, at: how and where it is spoilt.

    cut: octets that are missing at its end. tail: octets behind it.
    """

    message: str
    head: tuple[int, ...]
    parts: tuple[Part, ...]
    kind: str = "whole"
    at: str = ""
    cut: int = 0
    tail: bytes = b""

    @property
    def name(self) -> str:
        """'NGSetupRequest, duplicate at RANNodeName'."""
        return f"{self.message}, {self.kind}" + (f" at {self.at}" if self.at else "")


@dataclass(frozen=True, slots=True)
class Grammar:
    """One protocol. forms: each message whole, with each of its elements. part: one element as octets.

    header(head, body, symbols): the message around its elements. strangers: elements that no version has, one of each
    kind of criticality or comprehension. longest: octets that an element may have here.
    """

    name: str
    forms: Callable[[], tuple[Input, ...]]
    part: Callable[[Part, Symbols], bytes]
    header: Callable[[Input, bytes, Symbols], bytes]
    strangers: tuple[Part, ...]
    longest: int

    def octets(self, one: Input, symbols: Symbols) -> bytes:
        """As it leaves."""
        body = b"".join(self.part(part, symbols) for part in one.parts)
        whole = self.header(one, body, symbols)
        return whole[: max(0, len(whole) - one.cut)] + one.tail

    def behind(self, parts: tuple[Part, ...], path: Path, symbols: Symbols) -> int:
        """How many octets stand behind the element at a path, up to the end of the message."""
        siblings, octets = parts, 0
        for index in path:
            octets += sum(len(self.part(part, symbols)) for part in siblings[index + 1 :])
            siblings = siblings[index].inside
        return octets


def contents(part: Part, symbols: Symbols) -> bytes:
    """Of an element that is not grouped."""
    return symbols.get(part.symbol, part.value) if part.symbol else part.value


def paths(parts: tuple[Part, ...], above: Path = ()) -> Iterator[Path]:
    """Of all elements, each before those inside it."""
    for index, part in enumerate(parts):
        yield (*above, index)
        yield from paths(part.inside, (*above, index))


def at(parts: tuple[Part, ...], path: Path) -> Part:
    """The element at a path. IndexError: there is none."""
    found = parts[path[0]]
    for index in path[1:]:
        found = found.inside[index]
    return found


def names(parts: tuple[Part, ...], path: Path) -> str:
    """'Create PDR / PDI / F-TEID'."""
    return " / ".join(at(parts, path[: depth + 1]).name for depth in range(len(path)))


Siblings = tuple[Part, ...]


def changed(parts: Siblings, path: Path, change: Callable[[Siblings, int], Siblings]) -> Siblings:
    """The tree in which `change` was done to an element among its siblings."""
    index, *deeper = path
    if not deeper:
        return change(parts, index)
    inside = changed(parts[index].inside, tuple(deeper), change)
    return (*parts[:index], msgspec.structs.replace(parts[index], inside=inside), *parts[index + 1 :])
