"""What a scenario demands of a core. Each raises Failed, which says what was wanted and what was found."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import TypeVar

T = TypeVar("T")


class Failed(Exception):
    """The core did not do what the scenario demands: the verdict is FAIL."""


class Unreachable(Exception):
    """The core cannot be tested: it is not there, refuses the gNB, speaks no NGAP: INCONCLUSIVE."""


class NotApplicable(Exception):
    """The target lacks what the scenario needs: it is skipped, with this reason."""


def that(holds: bool, what: str) -> None:
    """what: the demand, as a sentence."""
    if not holds:
        raise Failed(what)


def equal(found: object, wanted: object, what: str) -> None:
    if found != wanted:
        raise Failed(f"{what}: wanted {show(wanted)}, found {show(found)}")


def one_of(found: T, wanted: Container[T], what: str) -> None:
    if found not in wanted:
        raise Failed(f"{what}: wanted one of {show(wanted)}, found {show(found)}")


def present(found: T | None, what: str) -> T:
    """The value, which is there."""
    if found is None:
        raise Failed(f"{what} is missing")
    return found


def first(found: list[T], what: str) -> T:
    """The first of those that there are."""
    if not found:
        raise Failed(f"{what} is missing")
    return found[0]


def absent(found: object, what: str) -> None:
    if found is not None:
        raise Failed(f"{what}: wanted none, found {show(found)}")


def each(items: list[T], holds: Callable[[T], bool], what: str) -> None:
    for item in items:
        if not holds(item):
            raise Failed(f"{what}: not so for {show(item)}")


def show(value: object) -> str:
    """A value as a person reads it, at most 160 characters."""
    if isinstance(value, bytes):
        text = value.hex()
    else:
        text = str(value) if type(value).__str__ is not object.__str__ else repr(value)
    return text if len(text) <= 160 else text[:157] + "..."
