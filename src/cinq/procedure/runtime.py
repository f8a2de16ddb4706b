"""The owner of all tasks of a network function."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable, Coroutine
from typing import Protocol

from cinq.numbering import shortened
from cinq.procedure.clock import Clock, RealClock
from cinq.procedure.expiry import Expiry, Timed
from cinq.procedure.journal import Event, Journal, Labelled

log = logging.getLogger("cinq.procedure")


class Described(Labelled, Protocol):
    """A subject as the journal sees it."""

    def describe(self, message: object) -> tuple[str, str]: ...

    @property
    def whereabouts(self) -> str: ...


class Running(Protocol):
    """A procedure in progress (run.Run) as its owner sees it."""

    name: str

    def abort(self, reason: str) -> None: ...


def collect_seldom() -> None:
    """For a process that serves: contexts live long and are no cycles, so the collector looks seldom.

    It passes over what stands already. Looking through all that thousands of UEs have takes a tenth of a second, in
    which nobody is served: it happens when twenty million objects more have come to stay, and else what is new alone
    is looked at, two thousand at a time. Called when the start is over.
    """
    gc.freeze()
    gc.set_threshold(2_000, 10_000, 50)
    gc.enable()


class Runtime:
    """Tasks, journal and clock of one network function (`nf`: its abbreviation, for the journal)."""

    def __init__(self, nf: str, journal: Journal | None = None, clock: Clock | None = None) -> None:
        self.nf = nf
        self.journal = journal or Journal()
        self.clock: Clock = clock or RealClock()
        self.stopping = False
        self._runs: dict[asyncio.Task[None], Running] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._periodic: set[asyncio.TimerHandle] = set()
        self._expiries: dict[float, Expiry] = {}

    def start_timer(self, seconds: float, timed: Timed) -> None:
        """`timed.expired()` is called then, unless `timed.due` is None by that time."""
        expiry = self._expiries.get(seconds)
        if expiry is None:
            expiry = self._expiries[seconds] = Expiry(seconds)
        expiry.start(timed)

    def adopt(self, task: asyncio.Task[None], run: Running) -> None:
        self._runs[task] = run

    def release(self, task: asyncio.Task[None]) -> None:
        self._runs.pop(task, None)

    def current(self) -> Running | None:
        """The run whose task is executing now, if it is one of this runtime's."""
        task = asyncio.current_task()
        return None if task is None else self._runs.get(task)

    @property
    def busy(self) -> int:
        """How many procedures and coroutines are in progress."""
        return len(self._runs) + len(self._tasks)

    def spawn(self, body: Callable[[], Coroutine[object, None, object]], name: str) -> None:
        """A task that belongs to no subject. What it raises is a bug."""
        if self.stopping:
            return
        task = asyncio.get_running_loop().create_task(self._guard(body, name))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guard(self, body: Callable[[], Coroutine[object, None, object]], name: str) -> None:
        try:
            await body()
        except Exception as bug:
            self.report_bug(name, bug)

    def every(self, seconds: float, action: Callable[[], None], name: str) -> None:
        """Call `action` each `seconds` until the runtime stops."""
        loop = asyncio.get_running_loop()

        def tick() -> None:
            self._periodic.discard(handles.pop())
            try:
                action()
            except Exception as bug:
                self.report_bug(name, bug)
            arm()

        def arm() -> None:
            if not self.stopping:
                handles.append(loop.call_later(seconds, tick))
                self._periodic.add(handles[0])

        handles: list[asyncio.TimerHandle] = []
        arm()

    async def stop(self) -> None:
        """Abort every procedure, await what they undo, and take nothing new. Idempotent."""
        self.stopping = True
        for handle in self._periodic:
            handle.cancel()
        self._periodic.clear()
        me = asyncio.current_task()
        while True:
            for run in list(self._runs.values()):
                run.abort("stopping")
            for task in self._tasks:
                if task is not me:
                    task.cancel()
            left = {task for task in (*self._runs, *self._tasks) if task is not me}
            if not left:
                break
            await asyncio.wait(left)
        for expiry in self._expiries.values():
            expiry.stop()

    def report(
        self, subject: Described, procedure: str, message: object, cause: str, bug: Exception | None = None
    ) -> None:
        """What became of a message or a procedure. A bug is logged as well."""
        if bug is not None:
            log.error("%s %s %s: %s", self.nf, shortened(subject.label), procedure, cause, exc_info=bug)
        if self.journal.heeding:
            interface, name = ("", "") if message is None else subject.describe(message)
            now, whereabouts = self.clock.now(), subject.whereabouts
            self.journal.emit(
                Event(
                    now,
                    self.nf,
                    subject.label,
                    procedure,
                    "none",
                    interface,
                    name,
                    cause,
                    whereabouts=whereabouts,
                )
            )

    def report_bug(self, name: str, bug: Exception) -> None:
        """A bug outside any subject."""
        log.error("%s %s: %s", self.nf, name, bug, exc_info=bug)
        if self.journal.heeding:
            cause = f"ended by a bug: {type(bug).__name__}: {bug}"
            self.journal.emit(Event(self.clock.now(), self.nf, "", name, "none", "", "", cause))
