"""The store on SQLite: one file, synchronous=FULL.

A second process (the `subscriber` commands) may write the same file; its changes are seen by the next get.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from itertools import chain
from pathlib import Path

from cinq.transport.write_behind import Change, Round, StoreError, WriteBehind

__all__ = ["Round", "SqliteStore", "StoreError"]

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
Row = tuple[str, str, bytes, bytes | None]


class SqliteStore(WriteBehind):
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
        self._writer: sqlite3.Connection | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._holds = _holds(path, parts) if exclusive else []
            _shut(path)
            self._reader = _open(path)
            self._check_schema()
        except (OSError, sqlite3.Error) as error:
            raise _failure(path, error) from error
        super().__init__(str(path))

    def _check_schema(self) -> None:
        found: int = self._reader.execute("PRAGMA user_version").fetchone()[0]
        if found not in (0, SCHEMA):
            raise OSError(f"its schema is version {found}, this program knows {SCHEMA}")
        if not found:
            self._reader.execute(CREATE)
            self._reader.execute(f"PRAGMA user_version = {SCHEMA}")

    def _read(self, collection: str, key: str) -> bytes | None:
        try:
            row = self._reader.execute(GET, (collection, key)).fetchone()
        except sqlite3.Error as error:
            raise _failure(self._path, error) from error
        return None if row is None else bytes(row[0])

    def _read_all(self, collection: str) -> list[tuple[str, bytes]]:
        try:
            return self._reader.execute(ITEMS, (collection,)).fetchall()
        except sqlite3.Error as error:
            raise _failure(self._path, error) from error

    def _commit(self, changes: Round) -> set[Change]:
        try:
            if self._writer is None:
                self._writer = _open(self._path)
                if self._max_pages:
                    self._writer.execute(f"PRAGMA max_page_count = {self._max_pages}")
            return _commit(self._writer, changes)
        except sqlite3.Error as error:
            raise _failure(self._path, error) from error

    def _end_writing(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def _let_go(self) -> None:
        self._reader.close()
        for held in self._holds:
            os.close(held)
        self._holds = []


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
