"""Function bodies under construction, and the program they end up in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_IDENTIFIER = re.compile(r"\b[A-Za-z_]\w*\b")


class Body:
    """Lines of one function. Subclasses know the bit position that the lines reach."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.depth = 1
        self._temporaries = 0

    def line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def fresh(self, stem: str = "x") -> str:
        """The name of a new local variable."""
        self._temporaries += 1
        return f"{stem}{self._temporaries}"

    @contextmanager
    def indented(self) -> Iterator[None]:
        self.depth += 1
        yield
        self.depth -= 1

    def captured(self, write: Callable[[], None]) -> list[str]:
        """The lines that `write` writes, one level deeper, kept apart."""
        outer, self.lines = self.lines, []
        with self.indented():
            write()
        inner, self.lines = self.lines, outer
        return inner


@dataclass
class Definition:
    """A function or table at module level."""

    name: str
    text: str

    def __post_init__(self) -> None:
        self.uses = set(_IDENTIFIER.findall(self.text))


@dataclass
class Program:
    """All definitions, each behind those it uses; what no root reaches is left out in the end.

    exits remembers for each function at which bit offset it leaves (None: not known before run time).
    """

    definitions: dict[str, Definition] = field(default_factory=dict)
    exits: dict[str, int | None] = field(default_factory=dict)

    def define(self, name: str, text: str) -> None:
        assert name not in self.definitions, name
        self.definitions[name] = Definition(name, text)

    def reachable(self, roots: set[str]) -> list[Definition]:
        found: set[str] = set()
        waiting = list(roots)
        while waiting:
            name = waiting.pop()
            if name in found or name not in self.definitions:
                continue
            found.add(name)
            waiting.extend(self.definitions[name].uses)
        return [definition for name, definition in self.definitions.items() if name in found]
