"""The store in one file: SQLite in WAL mode.

`synchronous` is FULL: in WAL mode NORMAL may lose the last commits when the power fails, and what `add` returned for is promised to be there.
A batch of many thousand events pays one sync.
"""
from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import Connection

from ..errors import StoreError
from .engine import Engine
from .schema import counts

WAIT = 30.0  # seconds another process may hold the file


class SQLite(Engine):
    """One file, and its -wal and -shm beside it."""

    insert = staticmethod(insert)

    def __init__(self, where: str, read_only: bool) -> None:
        path = where.partition("://")[2].removeprefix("/") if where.startswith("sqlite") else where
        self.path = Path(path).expanduser()
        self.shown = str(self.path)
        self.read_only = read_only
        self._check()
        address = f"file:{_quoted(self.path)}{self._how() if read_only else ''}"
        database = sa.create_engine("sqlite://", creator=lambda: sqlite3.connect(address, uri=True, timeout=WAIT, isolation_level=None, check_same_thread=False), poolclass=sa.pool.QueuePool)
        sa.event.listen(database, "connect", self._opened)
        super().__init__(database)

    def _how(self) -> str:
        """SQLite reads a WAL file only with a -shm beside it; where none can be made and nobody writes (no -wal), the file is what it is: a backup, a read-only disk."""
        unwritten = not os.path.exists(f"{self.path}-wal") and not os.access(self.path.parent, os.W_OK)
        return "?mode=ro&immutable=1" if unwritten else "?mode=ro"

    def _check(self) -> None:
        if self.path.is_dir():
            raise StoreError("a directory can't be the store", self.shown, f"Give a file in it: {self.path / 'store.db'}")
        if self.read_only:
            if not self.path.exists():
                raise StoreError("there is no store yet", self.shown, "Make one with: fivefifty ingest KIND PATH")
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not self.path.exists():
                os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600))  # addresses are personal data: nobody else's to read
        except OSError as error:
            raise StoreError(f"the store can't be made: {error.strerror}", self.shown, "Choose another place with --store or FIVEFIFTY_STORE.") from error

    def _opened(self, connection: sqlite3.Connection, _: Any) -> None:
        pragmas = ("cache_size=-32000",) if self.read_only else ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "cache_size=-32000", "temp_store=MEMORY", "foreign_keys=OFF")
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, a writer's from its first statement: one that turns into a writer later may find that it is too late."""
        with self.database.begin() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Without a transaction of SQLAlchemy's, which would begin as a writer."""
        with self.database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            yield connection

    # SQLAlchemy's way of binding costs more than SQLite's work where tens of thousands of rows are written; these three are asked in every batch

    def ensure(self, connection: Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
        """See Engine."""
        names = list(rows[0])
        _many(connection, f"INSERT OR IGNORE INTO {table.name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})", [tuple(row.values()) for row in rows])

    def add_up(self, connection: Connection, rows: list[tuple[Any, ...]]) -> None:
        """See Engine."""
        names = [column.name for column in counts.columns]
        keys = ", ".join(names[:-1])
        _many(connection, f"INSERT INTO counts ({keys}, n) VALUES ({', '.join('?' * len(names))}) ON CONFLICT ({keys}) DO UPDATE SET n = n + excluded.n", rows)

    def numbers(self, connection: Connection, table: sa.Table, names: Sequence[str], wanted: Sequence[tuple[Any, ...]]) -> dict[Any, int]:
        """See Engine."""
        same = " AND ".join(f"t.{name} = json_extract(j.value, '$[{at}]')" for at, name in enumerate(names))
        found = connection.exec_driver_sql(f"SELECT j.key, t.id FROM json_each(?) j CROSS JOIN {table.name} t ON {same}", (json.dumps(wanted),))
        return {wanted[at] if len(names) > 1 else wanted[at][0]: number for at, number in found}

    def known(self, connection: Connection, ids: Sequence[int]) -> list[int]:
        """See Engine."""
        if not ids:
            return []
        return [row[0] for row in connection.exec_driver_sql("SELECT id FROM seen WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(ids),))]

    def remember(self, connection: Connection, ids: Sequence[int]) -> None:
        """See Engine."""
        connection.exec_driver_sql("INSERT INTO seen (id) SELECT value FROM json_each(?)", (json.dumps(ids),))

    def joins(self, connection: Connection, keys: Sequence[int]) -> dict[int, int]:
        """See Engine."""
        return {row[0]: row[1] for row in connection.exec_driver_sql("SELECT key, event FROM joins WHERE key IN (SELECT value FROM json_each(?))", (json.dumps(keys),))}

    def among(self, connection: Connection, kind: str, wanted: Sequence[str]) -> set[str]:
        """See Engine."""
        found: set[str] = set()
        for at in range(0, len(wanted), 50_000):
            some = json.dumps(list(wanted[at : at + 50_000]))
            found.update(row[0] for row in connection.exec_driver_sql("SELECT key FROM documents WHERE kind = ? AND key IN (SELECT value FROM json_each(?))", (kind, some)))
        return found

    def erased(self) -> None:
        """The WAL still holds the old pages: move it into the file and cut it."""
        with suppress(sa.exc.OperationalError), self.reading() as connection:  # somebody reads: the next checkpoint overwrites it
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def explained(self, error: sa.exc.SQLAlchemyError) -> tuple[str, str, str]:
        """The usual faults by name."""
        code = getattr(getattr(error, "orig", None), "sqlite_errorcode", 0) & 0xFF
        told = {
            sqlite3.SQLITE_FULL: ("the disk is full", "Make room, then run it again: what was kept before is intact."),
            sqlite3.SQLITE_BUSY: (f"another process has held the store for {WAIT:.0f} seconds", "Wait for it to end, or choose another store with --store."),
            sqlite3.SQLITE_CORRUPT: ("the file is damaged", "Put it aside, restore a backup, or make a new store and feed the sources again."),
            sqlite3.SQLITE_NOTADB: ("the file is no store: it is not an SQLite database", "Choose another place with --store."),
            sqlite3.SQLITE_READONLY: ("the file can't be written", "Look at its owner and permissions, or choose another place with --store."),
            sqlite3.SQLITE_CANTOPEN: ("the file can't be opened", "Look at its owner and permissions, or choose another place with --store."),
            sqlite3.SQLITE_IOERR: ("the disk does not take or give the data", "Make room or look at the disk, then run it again."),
        }.get(code)
        return (told[0], self.shown, told[1]) if told else super().explained(error)


def _many(connection: Connection, statement: str, rows: list[tuple[Any, ...]]) -> None:
    connection.exec_driver_sql(statement, rows)


def _quoted(path: Path) -> str:
    from urllib.parse import quote

    return quote(str(path.absolute()))
