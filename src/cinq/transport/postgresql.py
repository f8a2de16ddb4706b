"""The store on PostgreSQL, by psycopg 3: for a network whose functions are on several hosts.

One connection reads, on the caller's thread; one writes, a transaction a round. Another process may write the same
database; its changes are seen by the next get. Needs the extra `cinq[postgresql]`.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence

import psycopg
from psycopg.conninfo import conninfo_to_dict

from cinq.transport.write_behind import Change, Round, StoreError, WriteBehind

SCHEMA = 1
WITHIN_S = 5  # for a connection, for a statement, for an answer of the host
REST_S = 1.0  # after a failure, in which nothing is read: each try may hold the caller up
# Octets: a text of PostgreSQL takes no NUL, and sorts as its locale does.
CREATE = (
    "CREATE TABLE IF NOT EXISTS cinq_item"
    " (collection bytea, key bytea, value bytea NOT NULL, PRIMARY KEY (collection, key))",
    "CREATE TABLE IF NOT EXISTS cinq_schema (version integer PRIMARY KEY)",
    f"INSERT INTO cinq_schema SELECT {SCHEMA} WHERE NOT EXISTS (SELECT 1 FROM cinq_schema)",
)
THERE = "SELECT to_regclass('cinq_item') IS NOT NULL AND to_regclass('cinq_schema') IS NOT NULL"
VERSION = "SELECT max(version) FROM cinq_schema"
SET_UP = f"SET statement_timeout = '{WITHIN_S}s'; SET synchronous_commit = on"
GET = "SELECT value FROM cinq_item WHERE collection = %s AND key = %s"
ITEMS = "SELECT key, value FROM cinq_item WHERE collection = %s"
PUT = "INSERT INTO cinq_item VALUES (%s, %s, %s) ON CONFLICT (collection, key) DO UPDATE SET value = excluded.value"
REPLACE = "UPDATE cinq_item SET value = %s WHERE collection = %s AND key = %s AND value = ANY(%s)"
DELETE = "DELETE FROM cinq_item WHERE collection = %s AND key = %s"
WHOLE = "whole"

Connection = psycopg.Connection[tuple[bytes, ...]]


class _BrokenError(StoreError):
    """The connection that was asked is none any more."""


class PostgresqlStore(WriteBehind):
    """Store of procedure.store in a database. uri: as libpq takes it, postgresql://user@host:port/name; the password
    may stand in it, or in ~/.pgpass. The table is made when it is missing.

    exclusive, parts: as of SqliteStore, by advisory locks of the database. StoreError, which never tells the password.
    """

    def __init__(self, uri: str, *, exclusive: bool = False, parts: tuple[str, ...] = ()) -> None:
        self._uri = uri
        self._where = where(uri)
        self._locks = _locks(parts) if exclusive else ()
        self._writer: Connection | None = None
        self._tried: dict[Change, list[bytes]] = {}  # in rounds that failed: it may stand there all the same
        self._rests_until = 0.0
        self._reader: Connection | None = self._held()
        super().__init__(self._where)

    def _connect(self) -> Connection:
        connection: Connection | None = None
        try:
            connection = psycopg.connect(
                self._uri,
                autocommit=True,
                connect_timeout=WITHIN_S,
                tcp_user_timeout=WITHIN_S * 1000,
                application_name="cinq",
            )
            connection.execute(SET_UP)
        except psycopg.Error as error:
            if connection is not None:
                connection.close()
            raise self._fault(error) from error
        return connection

    def _held(self) -> Connection:
        """To read by, with the tables there and what is to be held."""
        made = self._connect()
        try:
            _prepare(made)
            _hold(made, self._locks)
        except (psycopg.Error, OSError) as error:
            made.close()
            raise self._fault(error) from error
        return made

    def _fault(self, error: Exception) -> StoreError:
        """In the server's words, on one line."""
        said = "; ".join(line.strip() for line in str(error).splitlines() if line.strip())
        return StoreError(f"store {self._where}: {said or type(error).__name__}")

    def _read(self, collection: str, key: str) -> bytes | None:
        rows = self._ask(GET, (_octets(collection), _octets(key)))
        return bytes(rows[0][0]) if rows else None

    def _read_all(self, collection: str) -> list[tuple[str, bytes]]:
        rows = self._ask(ITEMS, (_octets(collection),))
        return [(bytes(key).decode("utf-8", "surrogatepass"), bytes(value)) for key, value in rows]

    def _ask(self, statement: str, values: Sequence[bytes]) -> list[tuple[bytes, ...]]:
        try:
            return self._asked(statement, values)
        except _BrokenError:
            return self._asked(statement, values)  # once more, by another connection

    def _asked(self, statement: str, values: Sequence[bytes]) -> list[tuple[bytes, ...]]:
        self._reader = reader = self._reader or self._again()
        try:
            return reader.execute(statement.encode(), values).fetchall()
        except psycopg.Error as error:
            fault = self._fault(error)
            if not reader.broken:
                raise fault from error
            reader.close()
            self._reader = None
            raise _BrokenError(*fault.args) from error

    def _again(self) -> Connection:
        """Connected anew; what was held must be held again."""
        if time.monotonic() < self._rests_until:
            raise StoreError(f"store {self._where}: it does not answer")
        try:
            return self._held()
        except StoreError:
            self._rests_until = time.monotonic() + REST_S
            raise

    def _commit(self, changes: Round) -> set[Change]:
        if self._writer is None:
            self._writer = self._connect()
        try:
            lost = _commit(self._writer, changes, self._tried)
        except psycopg.Error as error:
            for change, value in changes.values.items():
                if value is not None:
                    self._tried.setdefault(change, []).append(value)
            self._end_writing()
            raise self._fault(error) from error
        self._tried.clear()
        return lost

    def _end_writing(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _let_go(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None


def where(uri: str) -> str:
    """The database as it is told to people: without user and password. StoreError: it is no such URI."""
    try:
        parts = conninfo_to_dict(uri)
    except psycopg.Error:
        raise StoreError(
            "state.database: no URI that libpq reads, as postgresql://user@host:port/name"
        ) from None
    host, port = parts.get("host") or "localhost", parts.get("port") or "5432"
    return f"postgresql://{host}:{port}/{parts.get('dbname') or ''}"


def _octets(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")


def _prepare(connection: Connection) -> None:
    """The tables; made once, whoever comes first. OSError: they are of another version."""
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_number("schema"),))
        (there,) = _row(connection, THERE)
        if not there:
            for statement in CREATE:
                connection.execute(statement.encode())
        (found,) = _row(connection, VERSION)
    if found != SCHEMA:
        raise OSError(f"its schema is version {found}, this program knows {SCHEMA}")


def _row(connection: Connection, statement: str) -> tuple[object, ...]:
    row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row


def _number(name: str) -> int:
    """An advisory lock is a number of 64 bits."""
    return int.from_bytes(hashlib.sha256(f"cinq {name}".encode()).digest()[:8], "big", signed=True)


def _locks(parts: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    """All of it for a whole core; with others for parts, each of which is there once."""
    if not parts:
        return (("pg_try_advisory_lock", _number(WHOLE)),)
    shared = ("pg_try_advisory_lock_shared", _number(WHOLE))
    return (shared, *(("pg_try_advisory_lock", _number(f"part {part}")) for part in parts))


def _hold(connection: Connection, locks: tuple[tuple[str, int], ...]) -> None:
    """For as long as the connection. OSError: another has one of them."""
    for function, number in locks:
        (got,) = _row(connection, f"SELECT {function}({number})")
        if not got:
            raise OSError(
                "another instance of cinq holds it; stop that one or give this one its own database"
            )


def _commit(connection: Connection, changes: Round, tried: dict[Change, list[bytes]]) -> set[Change]:
    """One transaction, in the order of the keys: two that write at once wait for each other, and not in a circle.

    tried: what may stand there by a round whose outcome is not known; it is replaced as if it had been read.
    """
    replaced: list[tuple[Change, psycopg.Cursor[tuple[bytes, ...]]]] = []
    with connection.pipeline(), connection.transaction():
        for change in sorted(changes.values):
            value, before = changes.values[change], changes.before.get(change)
            name = (_octets(change[0]), _octets(change[1]))
            if value is None:
                connection.execute(DELETE, name)
            elif before is None:
                connection.execute(PUT, (*name, value))
            else:
                replaced.append(
                    (change, connection.execute(REPLACE, (value, *name, [before, *tried.get(change, ())])))
                )
    return {change for change, cursor in replaced if not cursor.rowcount}
