"""The store in PostgreSQL, by psycopg."""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection

from ..errors import StoreError
from .engine import Engine
from .schema import counts

LOCK = 550_550_550  # one writer of events at a time: two that meet each other's new streams would wait crosswise
WAIT = 10  # seconds to connect


class PostgreSql(Engine):
    """A database whose URL is given; tables lie in the first schema of its search path."""

    insert = staticmethod(insert)

    def __init__(self, where: str, read_only: bool) -> None:
        try:
            import psycopg  # noqa: F401 only whether it is there
        except ImportError:
            raise StoreError("PostgreSQL needs the package psycopg", "", 'Install it with: pip install "fivefifty[postgres]"') from None
        try:
            url = sa.make_url(where).set(drivername="postgresql+psycopg")
        except (sa.exc.ArgumentError, ValueError):
            raise StoreError("this is not the URL of a database", "", "It looks like postgresql://user:password@host:5432/name.") from None
        self.shown = url.render_as_string(hide_password=True).replace("+psycopg", "", 1)
        self.read_only = read_only
        super().__init__(sa.create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": WAIT}, hide_parameters=True))

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, with the writers' lock."""
        with self.database.begin() as connection:
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction of its own, given up in the end: streamed rows need one."""
        with self.database.connect() as connection:
            yield connection

    # Arrays instead of a statement a row: a batch is a handful of statements, whatever its size

    def ensure(self, connection: Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
        """See Engine."""
        self._insert(connection, table, list(rows[0]), [tuple(row.values()) for row in rows], "ON CONFLICT DO NOTHING")

    def add_up(self, connection: Connection, rows: list[tuple[Any, ...]]) -> None:
        """See Engine."""
        keys = ", ".join(column.name for column in counts.primary_key)
        names = [column.name for column in counts.columns]
        self._insert(connection, counts, names, rows, f"ON CONFLICT ({keys}) DO UPDATE SET n = counts.n + excluded.n")

    def _insert(self, connection: Connection, table: sa.Table, names: Sequence[str], rows: list[tuple[Any, ...]], conflict: str) -> None:
        arrays = ", ".join(f"%s::{_type(table.c[name])}[]" for name in names)
        statement = f"INSERT INTO {table.name} ({', '.join(names)}) SELECT * FROM unnest({arrays}) {conflict}"
        connection.exec_driver_sql(statement, tuple(map(list, zip(*rows, strict=True))))

    def numbers(self, connection: Connection, table: sa.Table, names: Sequence[str], wanted: Sequence[tuple[Any, ...]]) -> dict[Any, int]:
        """See Engine."""
        arrays = ", ".join(f"%s::{_type(table.c[name])}[]" for name in names)
        same = " AND ".join(f"t.{name} = w.{name}" for name in names)
        statement = f"SELECT w.at, t.id FROM unnest({arrays}) WITH ORDINALITY AS w({', '.join(names)}, at) JOIN {table.name} t ON {same}"
        found = connection.exec_driver_sql(statement, tuple([one[at] for one in wanted] for at in range(len(names))))
        return {wanted[at - 1] if len(names) > 1 else wanted[at - 1][0]: number for at, number in found}

    def known(self, connection: Connection, ids: Sequence[int]) -> list[int]:
        """See Engine."""
        return [row[0] for row in connection.exec_driver_sql("SELECT id FROM seen WHERE id = ANY(%s::bigint[])", (list(ids),))]

    def remember(self, connection: Connection, ids: Sequence[int]) -> None:
        """See Engine."""
        connection.exec_driver_sql("INSERT INTO seen (id) SELECT unnest(%s::bigint[])", (list(ids),))

    def joins(self, connection: Connection, keys: Sequence[int]) -> dict[int, int]:
        """See Engine."""
        return {row[0]: row[1] for row in connection.exec_driver_sql("SELECT key, event FROM joins WHERE key = ANY(%s::bigint[])", (list(keys),))}

    def among(self, connection: Connection, kind: str, wanted: Sequence[str]) -> set[str]:
        """See Engine."""
        found: set[str] = set()
        for at in range(0, len(wanted), 50_000):
            some = [one.replace("\0", "\ufffd") for one in wanted[at : at + 50_000]]
            found.update(row[0] for row in connection.exec_driver_sql("SELECT key FROM documents WHERE kind = %s AND key = ANY(%s::text[])", (kind, some)))
        return found

    def explained(self, error: sa.exc.SQLAlchemyError) -> tuple[str, str, str]:
        """The usual faults by name; the server's own words can repeat a value, and only the first line is kept."""
        state = getattr(getattr(error, "orig", None), "sqlstate", None) or ""
        # no state: it never got there; classes 08, 28, 3D, 53 and 57 of the standard: connection, password, name, resources, somebody ended it
        if getattr(error, "connection_invalidated", False) or (isinstance(error, sa.exc.OperationalError) and state[:2] in ("", "08", "28", "3D", "53", "57")):
            told = (str(getattr(error, "orig", "") or "").strip().splitlines() or ["no connection"])[0]
            return f"the database does not answer: {told[:300]}", self.shown, "Nothing of this step was kept; try again when it is back."
        return super().explained(error)


def _type(column: sa.Column[Any]) -> str:
    """The name of a column's type in PostgreSQL."""
    if isinstance(column.type, sa.Boolean):
        return "boolean"
    return {sa.BigInteger: "bigint", sa.Integer: "integer", sa.Float: "double precision"}.get(type(column.type), "text")
