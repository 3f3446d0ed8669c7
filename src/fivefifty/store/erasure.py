"""Erasing an address from everything that is kept (GDPR article 17), without letting mail flow to it again."""
from __future__ import annotations

import hmac
import json
import secrets
from contextlib import AbstractContextManager
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from .engine import HIDDEN, Engine
from .rows import hidden
from .schema import cursors, documents, events, joins, streams, templates
from .spelling import json_without, spellings, without, written

SUPPRESSION = "suppression"


class Erasure:
    """The part of the store that forgets."""

    engine: Engine
    hash_key: bytes

    def _writing(self) -> AbstractContextManager[Connection]:
        raise NotImplementedError

    def _reading(self) -> AbstractContextManager[Connection]:
        raise NotImplementedError

    def forget(self, address: str) -> int:
        """See `store.Store.forget`.  A suppression of the address stays, under a keyed hash in the address's place."""
        address = address.strip()
        keys = self._keys_of(address)
        with self._writing() as connection:
            ids = sa.select(events.c.id).where(events.c.recipient_key.in_(keys))
            connection.execute(sa.delete(joins).where(joins.c.event.in_(ids)))
            gone = connection.execute(sa.delete(events).where(events.c.recipient_key.in_(keys))).rowcount
            gone += sum(_rewrite(connection, table, column, address) for table, column in _PLACES)
            gone += self._forget_documents(connection, address)
        self.engine.erased()
        return gone

    def _keys_of(self, address: str) -> list[str]:
        return sorted({key for plain in spellings(address) for key in (plain, hidden(plain, self.hash_key).lower())})

    def _forget_documents(self, connection: Connection, address: str) -> int:
        wanted = sorted({address, *spellings(address)})
        found = list(connection.execute(sa.select(documents.c.kind, documents.c.key, documents.c.value).where(documents.c.key.in_(wanted))))
        connection.execute(sa.delete(documents).where(documents.c.key.in_(wanted)))
        rows = [{"kind": kind, "key": self._forgotten(key.lower(), connection), "value": json_without(value, address, own=True)} for kind, key, value in found if kind == SUPPRESSION]
        if rows:
            self.engine.upsert(connection, documents, rows[:1] if len({row["key"] for row in rows}) == 1 else rows)
        return len(found)

    def _forgotten(self, key: str, connection: Connection | None = None) -> str:
        """The key of a document whose address was erased."""
        return HIDDEN + hmac.new(self._salt(connection), key.lower().encode("utf-8", "replace"), sha256).hexdigest()

    def _salt(self, connection: Connection | None) -> bytes:
        """A secret of this store, made when it is first needed."""
        known: bytes = getattr(self, "_known_salt", b"")
        if known:
            return known
        query = sa.select(cursors.c.value).where(cursors.c.key == "salt")
        if connection is None:
            with self._reading() as reader:
                told = reader.execute(query).scalar()
            if told is None:
                return b"nothing was erased here yet"
        else:
            self.engine.ensure(connection, cursors, [{"key": "salt", "value": secrets.token_hex(32)}])
            told = connection.execute(query).scalar()
        self._known_salt = bytes.fromhex(str(told))
        return self._known_salt


# Where an address can stand besides the recipient's own column.
_PLACES = (
    *((events, events.c[name]) for name in ("text", "envelope_sender", "native_id", "campaign", "where", "facts")),
    (templates, templates.c.text), (streams, streams.c.campaign), (documents, documents.c.value), (cursors, cursors.c.value),
)
_NAMES = ("native_id", "campaign", "where")  # they speak of nobody else: the address goes from inside of longer words, too
_JSON = (events.c.facts, documents.c.value, cursors.c.value)


def _rewrite(connection: Connection, table: sa.Table, column: Any, address: str) -> int:
    """Take the address out of texts; case does not matter."""
    changed = 0
    as_json = any(column is one for one in _JSON)
    looked_for = {*written(address), *(json.dumps(one)[1:-1] for one in written(address) if as_json)}
    condition = sa.or_(*(sa.func.lower(column).contains(one, autoescape=True) for one in sorted(looked_for)))
    keys = list(table.primary_key)
    for row in list(connection.execute(sa.select(*keys, column).where(condition))):
        found = sa.and_(*(key == value for key, value in zip(keys, row[:-1], strict=True)))
        text = (json_without if as_json else without)(row[-1], address, own=column.name in _NAMES)
        if text != row[-1]:
            connection.execute(sa.update(table).where(found).values({column.name: _alone(connection, column, text, row[0])}))
            changed += 1
    return changed


def _alone(connection: Connection, column: Any, text: str, number: Any) -> str:
    """The text, told apart from others where those of its table are unique."""
    unique = column is templates.c.text or column is streams.c.campaign
    return f"{text} #{number}" if unique and connection.execute(sa.select(column).where(column == text)).first() else text
