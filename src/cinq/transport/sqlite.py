"""The store on SQLite: one file, one writer thread, group commit.

Reads run on the caller's thread against the last commit plus what is queued. Writes queue up and go to disk
in one transaction per round of the writer thread, synchronous=FULL: `replace()` returns after that commit.
What nobody waits for is on its way to disk after LINGER_S, and rounds begin a pace apart at the least: one costs
about the same whether it carries one change or fifty. A second process (the `subscriber` commands) may
write the same file; its changes are seen by the next get.

The writer wants the interpreter's lock as seldom as can be, for each time it may wait until the loop gives it
up: a round is one sleep, one statement and one word to the loop.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

log = logging.getLogger(__name__)

SCHEMA = 2
ROOM = 1 << 20  # octets: with less, a failure of SQLite is put down to the disk
CREATE = (
    "CREATE TABLE IF NOT EXISTS item"
    " (collection TEXT, key TEXT, value BLOB, PRIMARY KEY (collection, key)) WITHOUT ROWID"
)
GET = "SELECT value FROM item WHERE collection = ? AND key = ?"
ITEMS = "SELECT key, value FROM item WHERE collection = ? ORDER BY key"
PUT = (  # rows of collection, key, value, and what is to stand there: NULL for no matter what
    "INSERT INTO item SELECT column1, column2, column3 FROM (VALUES {}) WHERE column4 IS NULL"
    " OR column4 = (SELECT value FROM item WHERE collection = column1 AND key = column2)"
    " ON CONFLICT (collection, key) DO UPDATE SET value = excluded.value"
)
ROWS = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
PUTS = {rows: PUT.format(", ".join(["(?, ?, ?, ?)"] * rows)) for rows in ROWS}
DELETE = "DELETE FROM item WHERE collection = ? AND key = ?"
PACE_S, PACE_ALONE_S = 0.02, 0.005  # between rounds: where several wait, and where one or nobody does
LINGER_S = 0.02
RETRY_S = 1.0  # until a write that failed is tried again: room may have been made

Change = tuple[str, str]  # collection, key
Row = tuple[str, str, bytes, bytes | None]
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


class SqliteStore:
    """Store of procedure.store on one SQLite file, made with its folder when missing.

    exclusive: hold the file against a second core; StoreError when another instance holds it. parts: of a core, that
    share the file with its other parts in other processes.
    max_pages: pages of 4096 octets beyond which the file does not grow; 0 for no bound but the disk's.
    """

    def __init__(
        self, path: Path, *, exclusive: bool = False, max_pages: int = 0, parts: tuple[str, ...] = ()
    ) -> None:
        self._path = path
        self._max_pages = max_pages
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._holds = _holds(path, parts) if exclusive else []
            _shut(path)
            self._reader = _open(path)
            self._check_schema()
        except (OSError, sqlite3.Error) as error:
            raise _failure(path, error) from error
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._queue = Round()
        self._writing = Round()
        self._failure: StoreError | None = None
        self._closing = self._hurry = False
        self._next = 0.0
        self._thread = threading.Thread(target=self._write, name="cinq-store", daemon=True)
        self._thread.start()

    def _check_schema(self) -> None:
        found: int = self._reader.execute("PRAGMA user_version").fetchone()[0]
        if found not in (0, SCHEMA):
            raise OSError(f"its schema is version {found}, this program knows {SCHEMA}")
        if not found:
            self._reader.execute(CREATE)
            self._reader.execute(f"PRAGMA user_version = {SCHEMA}")

    def get(self, collection: str, key: str) -> bytes | None:
        change = (collection, key)
        for pending in (self._queue.values, self._writing.values):
            if change in pending:
                return pending[change]
        try:
            row = self._reader.execute(GET, change).fetchone()
        except sqlite3.Error as error:
            raise _failure(self._path, error) from error
        return None if row is None else bytes(row[0])

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
        try:
            found: dict[str, bytes | None] = dict(self._reader.execute(ITEMS, (collection,)).fetchall())
        except sqlite3.Error as error:
            raise _failure(self._path, error) from error
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
        """Commits what is queued and lets go of the file."""
        with self._changed:
            self._closing = self._hurry = True
            self._changed.notify_all()
        self._thread.join()
        self._reader.close()
        for held in self._holds:
            os.close(held)
        self._holds = []

    def _write(self) -> None:
        connection = _open(self._path)
        if self._max_pages:
            connection.execute(f"PRAGMA max_page_count = {self._max_pages}")
        try:
            while self._round(connection):
                pass
        finally:
            connection.close()

    def _round(self, connection: sqlite3.Connection) -> bool:
        """One transaction. False when the store is to close and nothing is left, or cannot be written."""
        if not self._gathered():
            return False
        lost: set[Change] = set()
        failure = None
        try:
            lost = _commit(connection, self._writing)
        except sqlite3.Error as error:
            failure = _failure(self._path, error)
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
            log.warning("store %s: written again", self._path)
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


def _shut(path: Path) -> None:
    """Nobody else reads it, from before its first octet on: SQLite gives the files beside it the same rights."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        if each.exists():
            os.chmod(each, 0o600)


def _open(path: Path) -> sqlite3.Connection:
    """Each statement is a transaction, but for those between BEGIN and COMMIT."""
    connection = sqlite3.connect(
        path, timeout=5.0, isolation_level=None, check_same_thread=False, cached_statements=32
    )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(
        "PRAGMA temp_store = MEMORY"
    )  # what a statement may undo holds keys: no file in /var/tmp
    return connection


def _commit(connection: sqlite3.Connection, changes: Round) -> set[Change]:
    """Writes all of it or raises sqlite3.Error. What was not replaced, as something else stood there."""
    puts: list[Row] = []
    deletes: list[Change] = []
    for change in sorted(changes.values):
        value = changes.values[change]
        if value is None:
            deletes.append(change)
        else:
            puts.append((*change, value, changes.before.get(change)))
    if not deletes and len(puts) <= ROWS[-1]:
        return _put(connection, puts)
    lost: set[Change] = set()
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for at in range(0, len(puts), ROWS[-1]):
            lost |= _put(connection, puts[at : at + ROWS[-1]])
        connection.executemany(DELETE, deletes)
    return lost


def _put(connection: sqlite3.Connection, puts: list[Row]) -> set[Change]:
    """One statement. Its last row is repeated until the number is one of ROWS: putting it twice changes nothing."""
    rows = next(rows for rows in ROWS if rows >= len(puts))
    cells = list(chain.from_iterable(puts + puts[-1:] * (rows - len(puts))))
    if connection.execute(PUTS[rows], cells).rowcount == rows:
        return set()
    lost = set()
    for collection, key, value, before in puts:
        if before is not None:
            found = connection.execute(GET, (collection, key)).fetchone()
            if found is None or found[0] != value:
                lost.add((collection, key))
    return lost


def _holds(path: Path, parts: tuple[str, ...]) -> list[int]:
    """All of the file for a whole core; with others for parts, each of which is there once."""
    if not parts:
        return [_hold(path.with_suffix(".lock"), fcntl.LOCK_EX)]
    held = [_hold(path.with_suffix(".lock"), fcntl.LOCK_SH)]
    try:
        for part in parts:
            held.append(_hold(path.with_suffix(f".{part}.lock"), fcntl.LOCK_EX))
    except OSError:
        for each in held:
            os.close(each)
        raise
    return held


def _hold(path: Path, how: int) -> int:
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise OSError(
            "another instance of cinq holds it; stop that one or give this one its own state folder"
        ) from None
    return lock


def _room(folder: Path) -> int:
    """Octets that may still be written there."""
    try:
        there = os.statvfs(folder)
    except OSError:
        return ROOM
    return there.f_bavail * there.f_frsize


def _failure(path: Path, error: Exception) -> StoreError:
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    if isinstance(error, sqlite3.Error) and _room(path.parent) < ROOM:
        said = f"the disk is full ({said}); make room, or set [state] folder to a place that has some"
    elif type(error) is sqlite3.DatabaseError:  # no database, or a damaged one
        said += "; put a copy of it back, or move it away and import the subscribers anew"
    return StoreError(f"store {path}: {said}")
