"""Two reports of one failure (a log line, and the mail that came back) are one event with two witnesses."""
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ..model import TRUSTS, Event
from .engine import Engine
from .identity import join_keys
from .schema import events, joins

Row = dict[str, Any]
APART = 14 * 86_400  # seconds; a Message-ID that comes again later is another mail (RFC 5321 4.5.4.1: queues give up after 4 or 5 days)
_FILLED = ("envelope_sender", "author_domain", "message_id", "queue_id", "reporting_mta", "remote_mta", "remote_ip", "sending_ip", "campaign", "sent_at", "stage")
_DIMENSIONS = ("author_domain", "recipient_domain", "provider", "sending_ip", "campaign")
_VERDICT = ("kind", "cause", "owner", "standing", "rule", "suppress", "template", "text", "status", "reply_code", "phase")


class Joining:
    """The joins of one `add`."""

    def __init__(self, engine: Engine, connection: Connection) -> None:
        self.engine, self.connection = engine, connection
        self.joined = 0
        self.moved: list[tuple[Row, Row]] = []  # rows of the store as counted, and as they are counted now
        self._new: dict[int, int] = {}
        self._changed: dict[int, Row] = {}

    def find(self, rows: Mapping[int, Row]) -> None:
        """Set `joined` in the rows that tell of a failure that is there, or that stands before them."""
        keys = {id: join_keys(_keyed(row)) for id, row in rows.items() if row["kind"] in ("bounce", "block")}
        known = self._known({key for told in keys.values() for key in told})
        stored = self._stored(set(known.values()))
        before = {id: dict(row) for id, row in stored.items()}
        targets = {**stored, **rows}
        for id, told in keys.items():
            target = next((known[key] for key in told if key in known), 0)
            if target and target in targets and _same(targets[target], rows[id]):
                rows[id]["joined"] = target
                self.joined += 1
                _fill(targets[target], rows[id])
            else:
                target = id
            for key in told:
                if key not in known:
                    known[key] = self._new[key] = target
        self._compare(before, stored)

    def _known(self, keys: set[int]) -> dict[int, int]:
        return self.engine.joins(self.connection, sorted(keys)) if keys else {}

    def _stored(self, ids: set[int]) -> dict[int, Row]:
        return {int(row["id"]): dict(row) for row in self.engine.by_id(self.connection, events, sorted(ids))} if ids else {}

    def _compare(self, before: Mapping[int, Row], after: Mapping[int, Row]) -> None:
        for id, row in after.items():
            old = before[id]
            if row != old:
                self._changed[id] = row
                if any(row[name] != old[name] for name in ("kind", "cause", "template")):
                    # the counters stay in the stream they were counted in: only what failed is told better now
                    self.moved.append((old, {**row, **{name: old[name] for name in (*_DIMENSIONS, "time", "late", "count")}}))

    def write(self) -> None:
        """The new keys, and what was filled."""
        if self._new:
            self.engine.ensure(self.connection, joins, [{"key": key, "event": id} for key, id in sorted(self._new.items())])
        for id, row in sorted(self._changed.items()):
            # the dimensions of counters stay as they were counted
            plain = {name: row[name] for name in (*_FILLED, *_VERDICT, "trust") if name not in _DIMENSIONS}
            self.connection.execute(sa.update(events).where(events.c.id == id).values(**plain))


def _keyed(row: Row) -> Event:
    return Event(row["kind"], row["source"], recipient=row["recipient"], message_id=row["message_id"], queue_id=row["queue_id"], reporting_mta=row["reporting_mta"], late=bool(row["late"]))


def _same(first: Row, second: Row) -> bool:
    """Whether two rows with a key in common can be the same failure."""
    if first["kind"] not in ("bounce", "block") or first["joined"] or abs(first["time"] - second["time"]) > APART:
        return False
    if first["message_id"] and second["message_id"] and first["message_id"] != second["message_id"]:
        return False  # a queue id that was used again (Postfix's short ones are, within hours)
    if first["source"] == second["source"] and not (first["message_id"] and second["message_id"]):
        return False  # a source does not tell the same failure twice in other words
    # one server handled two mails: the same Message-ID was sent twice
    return not (first["reporting_mta"] == second["reporting_mta"] and first["queue_id"] and second["queue_id"] and first["queue_id"] != second["queue_id"])


def _fill(first: Row, more: Row) -> None:
    """Put what the second witness adds into the row.

    What failed is told by the one that is believed more, all of it; a report that nobody vouches for adds nothing to one that somebody does.
    """
    better = TRUSTS.index(more["trust"]) < TRUSTS.index(first["trust"])
    if TRUSTS.index(more["trust"]) > TRUSTS.index(first["trust"]) and more["trust"] == "unverified":
        return
    knows_more = first["cause"] in ("", "unknown") and more["cause"] not in ("", "unknown")
    if (better and more["cause"] not in ("", "unknown")) or knows_more:
        for name in _VERDICT:
            first[name] = more[name]
    elif better:
        first["suppress"] = more["suppress"]
    if better:
        first["trust"] = more["trust"]
    for name in _FILLED:
        if not first[name] and more[name]:
            first[name] = more[name]
