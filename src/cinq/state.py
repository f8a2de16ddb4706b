"""The store of the settings: SQLite in the state folder, or a PostgreSQL database."""

from __future__ import annotations

from pathlib import Path

from cinq.settings.network import State
from cinq.transport.sqlite import SqliteStore
from cinq.transport.write_behind import StoreError, WriteBehind


def file_of(state: State) -> Path | None:
    """The file of the store, None where it is none."""
    return None if state.database else state.folder / "cinq.sqlite"


def opened(state: State, *, exclusive: bool = False, parts: tuple[str, ...] = ()) -> WriteBehind:
    """exclusive, parts: as of SqliteStore. StoreError: it cannot be had, and why."""
    file = file_of(state)
    if file is not None:
        return SqliteStore(file, exclusive=exclusive, parts=parts)
    try:
        from cinq.transport.postgresql import PostgresqlStore
    except ImportError as error:
        raise StoreError(
            f"state.database: PostgreSQL needs psycopg, which is not installed ({error}): "
            "pip install 'cinq[postgresql]'"
        ) from None
    return PostgresqlStore(state.database, exclusive=exclusive, parts=parts)
