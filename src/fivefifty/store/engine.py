"""What the two databases do differently, as one interface."""
from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ..errors import StoreError
from .schema import counts, documents, events, joins, seen, streams, templates

HIDDEN = "hmac:"  # keys of documents whose address was erased
AT_ONCE = 5_000  # values in one statement where they are bound one by one


class Engine:
    """One database.  `insert` and `statement parameters` are the dialect's own."""

    shown = ""
    read_only = False
    insert: Any

    def __init__(self, database: sa.Engine) -> None:
        self.database = database

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction; several writers wait for each other."""
        with self.database.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that changes nothing."""
        with self.database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            yield connection

    def prepare(self) -> None:
        """Make or migrate the tables."""
        from .migrations import migrate

        migrate(self)

    def explained(self, error: sa.exc.SQLAlchemyError) -> tuple[str, str, str]:
        """What went wrong, where, and what to do; without secrets and values."""
        driver = getattr(error, "orig", None)
        told = (str(driver or error).strip().splitlines() or [type(error).__name__])[0]
        return f"the store can't do it: {told[:300]}", self.shown, "Nothing of this step was kept; it can be tried again."

    # -- statements

    def ensure(self, connection: Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
        """Insert what is not there."""
        connection.execute(self.insert(table).on_conflict_do_nothing(), rows)

    def upsert(self, connection: Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
        """Insert or replace by primary key."""
        statement = self.insert(table)
        keys = [column.name for column in table.primary_key]
        connection.execute(statement.on_conflict_do_update(index_elements=keys, set_={column.name: statement.excluded[column.name] for column in table.columns if column.name not in keys}), rows)

    def add_up(self, connection: Connection, rows: list[tuple[Any, ...]]) -> None:
        """Add to counters; rows have the order of the table's columns."""
        raise NotImplementedError

    def numbers(self, connection: Connection, table: sa.Table, names: Sequence[str], wanted: Sequence[tuple[Any, ...]]) -> dict[Any, int]:
        """The `id` of rows by their other columns; by the value itself where there is one column."""
        found: dict[Any, int] = {}
        columns = [table.c[name] for name in names]
        for at in range(0, len(wanted), 500):
            condition = sa.tuple_(*columns).in_(wanted[at : at + 500]) if len(columns) > 1 else columns[0].in_([one[0] for one in wanted[at : at + 500]])
            for row in connection.execute(sa.select(*columns, table.c.id).where(condition)):
                found[tuple(row[:-1]) if len(columns) > 1 else row[0]] = int(row[-1])
        return found

    def by_id(self, connection: Connection, table: sa.Table, ids: Sequence[int]) -> Iterator[Mapping[str, Any]]:
        """Rows by their id."""
        for at in range(0, len(ids), AT_ONCE):
            for row in connection.execute(sa.select(table).where(table.c.id.in_(ids[at : at + AT_ONCE]))):
                yield dict(row._mapping)

    def known(self, connection: Connection, ids: Sequence[int]) -> list[int]:
        """Those of the ids that were counted before."""
        raise NotImplementedError

    def remember(self, connection: Connection, ids: Sequence[int]) -> None:
        """Mark ids as counted."""
        raise NotImplementedError

    def joins(self, connection: Connection, keys: Sequence[int]) -> dict[int, int]:
        """Join key to event id, of those that are there."""
        raise NotImplementedError

    def among(self, connection: Connection, kind: str, wanted: Sequence[str]) -> set[str]:
        """Those of the keys that documents of that kind have."""
        raise NotImplementedError

    def any_forgotten(self, connection: Connection, kind: str) -> bool:
        """Whether some document's address was erased."""
        query = sa.select(sa.literal(1)).where(documents.c.kind == kind, documents.c.key >= HIDDEN, documents.c.key < "hmac;").limit(1)
        return connection.execute(query).first() is not None

    def prune(self, connection: Connection, hour: int, first_id: int) -> int:
        """Drop what lies before an hour; how many rows."""
        old = sa.select(events.c.id).where(events.c.time < hour)
        gone = connection.execute(sa.delete(joins).where(joins.c.event.in_(old))).rowcount
        for statement in (sa.delete(events).where(events.c.time < hour), sa.delete(counts).where(counts.c.hour < hour), sa.delete(seen).where(seen.c.id < first_id, seen.c.id >= 1 << 44)):
            gone += connection.execute(statement).rowcount
        connection.execute(sa.delete(streams).where(streams.c.id.not_in(sa.select(counts.c.stream).distinct())))
        used = sa.union(sa.select(counts.c.template), sa.select(events.c.template))
        connection.execute(sa.delete(templates).where(templates.c.id.not_in(used)))
        return gone

    def erased(self) -> None:
        """Called after an erasure, outside of transactions: nothing of it may stay in files."""

    def close(self) -> None:
        """Give the connections back."""
        self.database.dispose()


def default_place() -> str:
    """$FIVEFIFTY_STORE, else the user's own data directory (XDG Base Directory Specification)."""
    home = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return os.environ.get("FIVEFIFTY_STORE") or str(Path(home) / "fivefifty" / "store.db")


def engine_of(where: str, read_only: bool) -> Engine:
    """The engine for a path or URL."""
    where = where or default_place()
    scheme = where.partition("://")[0].partition("+")[0].lower() if "://" in where else "sqlite"
    if scheme in ("postgresql", "postgres"):
        from .postgresql import PostgreSql

        return PostgreSql(where, read_only)
    if scheme != "sqlite":
        raise StoreError(f"there is no store of the kind {scheme!r}", "", "Give a path (SQLite), or a URL like postgresql://user@host/name.")
    from .sqlite import SQLite

    return SQLite(where, read_only)


