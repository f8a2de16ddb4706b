"""The store on SQLite: one file, one writer thread, group commit.

Reads run on the caller's thread against the last commit plus what is queued. Writes queue up and go to disk
in one transaction per round of the writer thread, synchronous=FULL: `durable()` returns after that commit.
Rounds begin PACE_S apart at the least, and what nobody waits for is on its way to disk after LINGER_S: a round
costs about the same whether it carries one change or fifty. A second process (the `subscriber` commands) may
write the same file; its changes are seen by the next get.
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
from pathlib import Path

log = logging.getLogger(__name__)

SCHEMA = 1
ROOM = 1 << 20  # octets: with less, a failure of SQLite is put down to the disk
CREATE = (
    "CREATE TABLE IF NOT EXISTS item"
    " (collection TEXT, key TEXT, value BLOB, PRIMARY KEY (collection, key)) WITHOUT ROWID"
)
GET = "SELECT value FROM item WHERE collection = ? AND key = ?"
ITEMS = "SELECT key, value FROM item WHERE collection = ? ORDER BY key"
PUT = "INSERT OR REPLACE INTO item VALUES "
ROWS = (
    64,
    16,
    4,
    1,
)  # of one statement: each is one turn of the interpreter's lock, which the loop wants too
PACE_S = 0.005
LINGER_S = 0.02
RETRY_S = 1.0  # until a write that failed is tried again: room may have been made
DELETE = "DELETE FROM item WHERE collection = ? AND key = ?"

Change = tuple[str, str]


class StoreError(OSError):
    """The store cannot be opened, read or written: the file, and what the system said."""


class SqliteStore:
    """Store of procedure.store on one SQLite file, made with its folder when missing.

    exclusive: hold the file against a second core; StoreError when another instance holds it.
    max_pages: pages of 4096 octets beyond which the file does not grow; 0 for no bound but the disk's.
    """

    def __init__(self, path: Path, *, exclusive: bool = False, max_pages: int = 0) -> None:
        self._path = path
        self._max_pages = max_pages
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = _hold(path) if exclusive else None
            self._reader = _open(path)
            self._reader.execute(CREATE)
            self._reader.commit()
            self._check_schema()
            os.chmod(path, 0o600)
        except (OSError, sqlite3.Error) as error:
            raise _failure(path, error) from error
        self._changed = threading.Condition()
        self._queue: dict[Change, bytes | None] = {}
        self._writing: dict[Change, bytes | None] = {}
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self._failure: StoreError | None = None
        self._closing = self._hurry = False
        self._next = 0.0
        self._thread = threading.Thread(target=self._write, name="cinq-store", daemon=True)
        self._thread.start()

    def _check_schema(self) -> None:
        found: int = self._reader.execute("PRAGMA user_version").fetchone()[0]
        if found not in (0, SCHEMA):
            raise OSError(f"its schema is version {found}, this program knows {SCHEMA}")
        self._reader.execute(f"PRAGMA user_version = {SCHEMA}")
        self._reader.commit()

    def get(self, collection: str, key: str) -> bytes | None:
        change = (collection, key)
        for pending in (self._queue, self._writing):
            if change in pending:
                return pending[change]
        try:
            row = self._reader.execute(GET, change).fetchone()
        except sqlite3.Error as error:
            raise _failure(self._path, error) from error
        return None if row is None else bytes(row[0])

    def put(self, collection: str, key: str, value: bytes) -> None:
        self._change((collection, key), value)

    def delete(self, collection: str, key: str) -> None:
        self._change((collection, key), None)

    def _change(self, change: Change, value: bytes | None) -> None:
        """The writer is woken by the first change only; it gathers the others."""
        with self._changed:
            first = not self._queue
            self._queue[change] = value
            if first:
                self._changed.notify_all()

    def items(self, collection: str) -> Iterator[tuple[str, bytes]]:
        try:
            found: dict[str, bytes | None] = dict(self._reader.execute(ITEMS, (collection,)).fetchall())
        except sqlite3.Error as error:
            raise _failure(self._path, error) from error
        with self._changed:
            pending = {**self._writing, **self._queue}
        found.update({key: value for (owner, key), value in pending.items() if owner == collection})
        return iter([(key, value) for key, value in sorted(found.items()) if value is not None])

    async def durable(self) -> None:
        loop = asyncio.get_running_loop()
        with self._changed:
            if self._failure is not None:
                raise self._failure
            if not self._queue and not self._writing:
                return
            done: asyncio.Future[None] = loop.create_future()
            self._waiting.append((loop, done))
            if len(self._waiting) == 1:
                self._changed.notify_all()
        await done

    def flush(self) -> None:
        """Waits, on the caller's thread, until all is on disk: for commands without a loop."""
        with self._changed:
            self._hurry = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._failure or not (self._queue or self._writing))
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
        if self._lock is not None:
            os.close(self._lock)

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
        with self._changed:
            if self._failure is not None:
                self._changed.wait_for(lambda: self._closing, RETRY_S)
            self._changed.wait_for(lambda: self._queue or self._waiting or self._closing)
            if not self._queue and not self._waiting:
                return False
            self._gather()
            self._writing, self._queue = self._queue, {}
            waiting, self._waiting = self._waiting, []
        failure = _commit(connection, self._writing, self._path)
        with self._changed:
            if failure is not None:
                self._queue = {**self._writing, **self._queue}
            self._writing = {}
            before, self._failure = self._failure, failure
            self._changed.notify_all()
        _tell(waiting, failure)
        if failure is not None and before is None:
            log.error("%s; tried again every %g s, and nothing is lost meanwhile", failure, RETRY_S)
        elif failure is None and before is not None:
            log.warning("store %s: written again", self._path)
        return failure is None or not self._closing

    def _gather(self) -> None:
        """Waits for more to write, as long as nobody is in a hurry."""
        self._changed.wait_for(lambda: self._waiting or self._hurry, LINGER_S)
        pause = self._next - time.monotonic()
        if pause > 0:
            self._changed.wait_for(lambda: self._hurry, pause)
        self._next = time.monotonic() + PACE_S


def _tell(
    waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]], failure: StoreError | None
) -> None:
    """One wake-up of each loop for all that wait in it."""
    for loop in {loop for loop, _ in waiting}:
        futures = [future for owner, future in waiting if owner is loop]
        try:
            loop.call_soon_threadsafe(_settle, futures, failure)
        except RuntimeError:
            pass  # the loop has closed: nobody waits any more


def _settle(futures: list[asyncio.Future[None]], failure: StoreError | None) -> None:
    for future in futures:
        if future.done():
            continue
        if failure is None:
            future.set_result(None)
        else:
            future.set_exception(failure)


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=5.0, check_same_thread=False, cached_statements=16)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _put(connection: sqlite3.Connection, puts: list[tuple[str, str, bytes]]) -> None:
    at = 0
    for rows in ROWS:
        while len(puts) - at >= rows:
            cells = [cell for put in puts[at : at + rows] for cell in put]
            connection.execute(PUT + ", ".join(["(?, ?, ?)"] * rows), cells)
            at += rows


def _commit(
    connection: sqlite3.Connection, changes: dict[Change, bytes | None], path: Path
) -> StoreError | None:
    puts = [(*change, value) for change, value in changes.items() if value is not None]
    deletes = [change for change, value in changes.items() if value is None]
    try:
        with connection:
            _put(connection, puts)
            if deletes:
                connection.executemany(DELETE, deletes)
    except sqlite3.Error as error:
        return _failure(path, error)
    return None


def _hold(path: Path) -> int:
    lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
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
    return StoreError(f"store {path}: {said}")
