"""A store that writes behind its callers' backs: what is put queues up, one thread writes it, a round at a time.

Reads run on the caller's thread against the last commit plus what is queued. Writes go out in one transaction per round
of the writer thread: `replace()` returns after that commit. What nobody waits for is on its way after LINGER_S, and
rounds begin a pace apart at the least: one costs about the same whether it carries one change or fifty.

The writer wants the interpreter's lock as seldom as can be, for each time it may wait until the loop gives it
up: a round is one sleep, one statement and one word to the loop.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

PACE_S, PACE_ALONE_S = 0.02, 0.005  # between rounds: where several wait, and where one or nobody does
LINGER_S = 0.02
RETRY_S = 1.0  # until a write that failed is tried again: room may have been made

Change = tuple[str, str]  # collection, key
Waiting = tuple[asyncio.AbstractEventLoop, asyncio.Future[bool], Change | None]  # None: for all of a round


class StoreError(OSError):
    """The store cannot be opened, read or written: the file, and what the system said."""


@dataclass(slots=True)
class Round:
    """What goes to disk together. values: None to delete. before: what must stand there, or no change is made."""

    values: dict[Change, bytes | None] = field(default_factory=dict)
    before: dict[Change, bytes] = field(default_factory=dict)
    waiting: list[Waiting] = field(default_factory=list)

    def followed_by(self, later: Round) -> Round:
        """Both as one, this one having failed. What replaces a replacement stands on what the first did."""
        before = {}
        for change in self.before.keys() | later.before.keys():
            on_top = change not in later.values or change in later.before
            first = self if on_top and change in self.values else later
            if change in first.before:
                before[change] = first.before[change]
        return Round({**self.values, **later.values}, before, later.waiting)


class WriteBehind(ABC):
    """What stores of procedure.store have in common. name: of the store, for people. What they leave to do may raise
    StoreError: `_read` and `_read_all` on the caller's thread, `_commit` and `_end_writing` on the writer's.
    """

    def __init__(self, name: str) -> None:
        """To be called when all is ready to be written to."""
        self._name = name
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._queue = Round()
        self._writing = Round()
        self._failure: StoreError | None = None
        self._closing = self._hurry = False
        self._next = 0.0
        self._thread = threading.Thread(target=self._write, name="cinq-store", daemon=True)
        self._thread.start()

    @abstractmethod
    def _read(self, collection: str, key: str) -> bytes | None: ...

    @abstractmethod
    def _read_all(self, collection: str) -> list[tuple[str, bytes]]: ...

    @abstractmethod
    def _commit(self, changes: Round) -> set[Change]:
        """Writes all of it, for good, or nothing. What was not replaced, as something else stood there."""

    @abstractmethod
    def _end_writing(self) -> None: ...

    @abstractmethod
    def _let_go(self) -> None:
        """Of what is read by, and what is held against others."""

    def get(self, collection: str, key: str) -> bytes | None:
        change = (collection, key)
        for pending in (self._queue.values, self._writing.values):
            if change in pending:
                return pending[change]
        return self._read(collection, key)

    def put(self, collection: str, key: str, value: bytes | None) -> None:
        """The writer is woken by the first change only; it gathers the others. None: the key goes."""
        change = collection, key
        with self._lock:
            queue = self._queue
            if not queue.values:
                self._changed.notify_all()
            queue.values[change] = value
            queue.before.pop(change, None)

    def delete(self, collection: str, key: str) -> None:
        self.put(collection, key, None)

    def items(self, collection: str) -> Iterator[tuple[str, bytes]]:
        with self._lock:  # first: what is written meanwhile is in the file
            pending = {**self._writing.values, **self._queue.values}
        found: dict[str, bytes | None] = dict(self._read_all(collection))
        found.update({key: value for (owner, key), value in pending.items() if owner == collection})
        return iter([(key, value) for key, value in sorted(found.items()) if value is not None])

    async def replace(self, collection: str, key: str, before: bytes, after: bytes) -> bool:
        change = (collection, key)
        loop = asyncio.get_running_loop()
        with self._lock:
            if self._failure is not None:
                raise self._failure
            queue = self._queue
            queued = change in queue.values
            if (queue if queued else self._writing).values.get(change, before) != before:
                return False
            if not queued:
                queue.before[change] = before
            if not queue.waiting:
                self._changed.notify_all()
            queue.values[change] = after
            done: asyncio.Future[bool] = loop.create_future()
            queue.waiting.append((loop, done, change))
        return await done

    async def durable(self) -> None:
        loop = asyncio.get_running_loop()
        with self._lock:
            if self._failure is not None:
                raise self._failure
            last = self._queue if self._queue.values else self._writing
            if not last.values:
                return
            if not last.waiting:
                self._changed.notify_all()
            done: asyncio.Future[bool] = loop.create_future()
            last.waiting.append((loop, done, None))
        await done

    def flush(self) -> None:
        """Waits, on the caller's thread, until all is on disk: for commands without a loop."""
        with self._changed:
            self._hurry = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._failure or not (self._queue.values or self._writing.values))
            self._hurry = False
            if self._failure is not None:
                raise self._failure

    def close(self) -> None:
        """Commits what is queued and lets go of it all."""
        with self._changed:
            self._closing = self._hurry = True
            self._changed.notify_all()
        self._thread.join()
        self._let_go()

    def _write(self) -> None:
        try:
            while self._round():
                pass
        finally:
            self._end_writing()

    def _round(self) -> bool:
        """One transaction. False when the store is to close and nothing is left, or cannot be written."""
        if not self._gathered():
            return False
        lost: set[Change] = set()
        failure = None
        try:
            lost = self._commit(self._writing)
        except StoreError as error:
            failure = error
        with self._changed:
            waiting = self._writing.waiting
            if failure is not None:
                self._queue = self._writing.followed_by(self._queue)
            self._writing = Round()
            before, self._failure = self._failure, failure
            self._changed.notify_all()
        _tell(waiting, lost, failure)
        if failure is not None and before is None:
            log.error("%s; tried again every %g s, and nothing is lost meanwhile", failure, RETRY_S)
        elif failure is None and before is not None:
            log.warning("store %s: written again", self._name)
        return failure is None or not self._closing

    def _gathered(self) -> bool:
        """Waits for something to write, and for more as long as nobody is in a hurry. False when there is none."""
        with self._changed:
            if self._failure is not None:
                self._changed.wait_for(lambda: self._closing, RETRY_S)
            self._changed.wait_for(lambda: self._queue.values or self._closing)
            if not self._queue.values:
                return False
            self._changed.wait_for(lambda: self._queue.waiting or self._hurry, LINGER_S)
        pause = self._next - time.monotonic()
        if pause > 0 and not self._hurry:
            time.sleep(pause)
        with self._lock:
            self._writing, self._queue = self._queue, Round()
        self._next = time.monotonic() + (PACE_S if len(self._writing.waiting) > 1 else PACE_ALONE_S)
        return True


def _tell(waiting: list[Waiting], lost: set[Change], failure: StoreError | None) -> None:
    """One wake-up of each loop for all that wait in it."""
    for loop in {loop for loop, _, _ in waiting}:
        answers = [(future, change not in lost) for owner, future, change in waiting if owner is loop]
        try:
            loop.call_soon_threadsafe(_settle, answers, failure)
        except RuntimeError:
            pass  # the loop has closed: nobody waits any more


def _settle(answers: list[tuple[asyncio.Future[bool], bool]], failure: StoreError | None) -> None:
    for future, replaced in answers:
        if future.done():
            continue
        if failure is None:
            future.set_result(replaced)
        else:
            future.set_exception(failure)
