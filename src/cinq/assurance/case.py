"""A test case as it is declared: identity, requirement and threat in our words, and its sub-cases as coroutines.

    CASE = Case("SCAS-33512-4.2.2.3.1", requirement="...", threat="...")

    @CASE.sub("A", "the message is sent once more")
    async def again(trial: Trial) -> None: ...

A file of `cases` declares one case.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field

from cinq.assurance import catalogue
from cinq.assurance.target import NEEDS, Feature
from cinq.assurance.trial import Trial

Play = Callable[[Trial], Coroutine[object, None, None]]


@dataclass(frozen=True, slots=True)
class SubCase:
    """One thing that is asked, with a verdict of its own.

    name: as the specification letters or numbers it. needs: words of target.NEEDS. feature: what the product must
    have. beyond: asked beyond the specification, and counted apart. limit: what the verdict does not cover.
    within: seconds after which it is INCONCLUSIVE. play: None for one that no target can be asked yet.
    """

    name: str
    title: str
    play: Play | None
    needs: tuple[str, ...] = ()
    feature: Feature | None = None
    beyond: bool = False
    limit: str = ""
    within: float = 60.0


@dataclass(eq=False, slots=True)
class Case:
    """A test case of the catalogue. TypeError, ValueError: as declared it is none."""

    id: str
    requirement: str
    threat: str
    subs: dict[str, SubCase] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.id not in catalogue.rows():
            raise ValueError(f"{self.id}: no row of the catalogue")
        if self.id in CASES:
            raise ValueError(f"{self.id}: there is a case of this identity already")
        CASES[self.id] = self

    @property
    def row(self) -> catalogue.Row:
        return catalogue.rows()[self.id]

    def sub(
        self,
        name: str,
        title: str,
        *,
        needs: tuple[str, ...] = (),
        feature: Feature | None = None,
        beyond: bool = False,
        limit: str = "",
        within: float = 60.0,
    ) -> Callable[[Play], Play]:
        """Declare a sub-case. Its coroutine reads like the test plan."""

        def declare(play: Play) -> Play:
            self._add(SubCase(name, title, play, needs, feature, beyond, limit, within))
            return play

        return declare

    def not_yet(self, name: str, title: str, *needs: str, feature: Feature | None = None) -> None:
        """A sub-case that no target can be asked yet, for want of these: NOT-TESTED in every report."""
        if not needs:
            raise ValueError(f"{self.id} {name}: wanted what it waits for")
        self._add(SubCase(name, title, None, needs, feature))

    def _add(self, sub: SubCase) -> None:
        if sub.name in self.subs:
            raise ValueError(f"{self.id} {sub.name}: there is a sub-case of this name already")
        unknown = set(sub.needs) - NEEDS
        if unknown:
            raise ValueError(f"{self.id} {sub.name}: unknown needs {sorted(unknown)}")
        self.subs[sub.name] = sub


CASES: dict[str, Case] = {}
"""Every case that is written, by the identity of its row."""


def in_order() -> list[Case]:
    """By specification and clause."""
    return sorted(
        CASES.values(), key=lambda case: (case.row.spec, [int(n) for n in case.row.clause.split(".")])
    )
