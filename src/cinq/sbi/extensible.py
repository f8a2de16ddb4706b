"""Extensible enumerations, TS 29.501 §5.3: the API gives names and any other string, for later releases.

A value that nobody here knows is read, kept and passed on; who acts on such a value has a row for the rest. Type
checkers see the names alone.
"""

from __future__ import annotations

from typing import Annotated, get_args


class Known(tuple[str, ...]):
    """The names of an extensible enumeration that are known here."""


def extensible(*literals: object) -> tuple[object, ...]:
    """Each Literal as a string whose known names it keeps: `if not TYPE_CHECKING: (A,) = extensible(A)`."""
    return tuple(Annotated[str, Known(get_args(each))] for each in literals)
