"""Release what was acquired when a procedure leaves without keeping it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TypeVar

from cinq.procedure.run import Run

H = TypeVar("H")


class Undo:
    """`async with subject.undo() as undo`: leaving without `keep()` releases in reverse order."""

    __slots__ = ("_owed", "_run")

    def __init__(self, run: Run) -> None:
        self._run = run
        self._owed: list[tuple[Callable[..., Awaitable[object]], object]] = []  # type: ignore[explicit-any]

    async def hold(self, acquire: Awaitable[H], release: Callable[[H], Awaitable[object]]) -> H:
        """Await `acquire` shielded from abortion (what the peer created is always known) and owe its release.

        The release gets what was acquired. Whatever `acquire` raises is raised, and nothing is owed.
        """
        run = self._run
        run.shield += 1
        try:
            handle = await acquire
            self._owed.append((release, handle))
        finally:
            run.unshield()
        return handle

    def owe(self, release: Callable[[H], Awaitable[object]], handle: H) -> None:
        """Owe the release of something already held."""
        self._owed.append((release, handle))

    def keep(self) -> None:
        """From here on nothing is released."""
        self._owed.clear()

    async def __aenter__(self) -> Undo:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._owed:
            return
        run = self._run
        run.shield += 1
        try:
            while self._owed:
                release, handle = self._owed.pop()
                try:
                    await release(handle)
                except Exception as bug:
                    # the others are still to be released
                    run.report("release failed", bug)
        finally:
            run.unshield()
