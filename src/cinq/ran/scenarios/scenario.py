"""A scenario as it is declared: a coroutine that plays gNBs and UEs, and reads like a test plan."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Literal, get_args

from cinq.ran.scenarios.bench import Bench

Area = Literal[
    "interface",
    "registration",
    "security",
    "mobility",
    "session",
    "idle",
    "services",
    "negative",
    "load",
]
"""Chapters of the library, in the order of the generated page."""
AREAS: tuple[Area, ...] = get_args(Area)
Play = Callable[[Bench], Coroutine[object, None, None]]

_CLAUSE = re.compile(r"(?:TS \d\d\.\d{3}|RFC \d{4})(?: §[A-Z]?\d*(?:\.\d+)*(?: [a-z0-9]{1,2}\))?)?")


@dataclass(frozen=True, slots=True)
class Scenario:
    """name: what `cinq scenario run` calls it. title: what it shows, in a sentence. clauses: what asks for it.

    needs: what a target must have beyond one subscriber and one slice, as words of `Target.has` (else it is skipped).
    within: seconds after which it has failed, whatever it waits for.
    """

    name: str
    area: Area
    title: str
    clauses: tuple[str, ...]
    needs: tuple[str, ...]
    within: float
    play: Play


LIBRARY: dict[str, Scenario] = {}
"""Every scenario, by name, in the order of declaration."""


def scenario(area: Area, *, needs: tuple[str, ...] = (), within: float = 30.0) -> Callable[[Play], Play]:
    """Declare a scenario. Its docstring is its title and names its clauses; its function's name is its name.

    TypeError: no docstring, no clause in it, or a name that is taken.
    """

    def declare(play: Play) -> Play:
        text = " ".join((play.__doc__ or "").split())
        clauses = tuple(dict.fromkeys(_CLAUSE.findall(text)))
        name = getattr(play, "__name__", "").replace("_", "-")
        if not clauses:
            raise TypeError(f"{name}: the docstring of a scenario names its clauses")
        if name in LIBRARY:
            raise TypeError(f"{name}: there is a scenario of this name already")
        LIBRARY[name] = Scenario(name, area, text, clauses, needs, within, play)
        return play

    return declare
