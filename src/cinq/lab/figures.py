"""Figures of a bench: minimum, median and maximum over its rounds."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured quantity over the rounds of a bench."""

    min: float
    median: float
    max: float

    @staticmethod
    def of(values: Iterable[float], digits: int = 3) -> Figure:
        """ValueError when there is not one value."""
        found = sorted(values)
        if not found:
            raise ValueError("no round was measured")
        low, middle, high = (round(v, digits) for v in (found[0], statistics.median(found), found[-1]))
        return Figure(low, middle, high)

    def __str__(self) -> str:
        return f"{self.median:g} [{self.min:g} {self.max:g}]"


def plain(result: object) -> object:
    """What json.dumps takes, of a result made of dataclasses, tuples and dictionaries."""
    if is_dataclass(result):
        return {each.name: plain(getattr(result, each.name)) for each in fields(result)}
    if isinstance(result, tuple | list):
        return [plain(each) for each in result]
    if isinstance(result, dict):
        return {name: plain(each) for name, each in result.items()}
    return result


def write(path: Path, result: object) -> None:
    """The result of a bench as JSON in a file."""
    path.write_text(json.dumps(plain(result), ensure_ascii=False, indent=2) + "\n")
