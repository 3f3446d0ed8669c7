"""The store over SQLAlchemy Core, the same for both engines; what differs lies in `sqlite.py` and `postgresql.py`."""
from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ..causes import all_causes, cause
from ..errors import InputError, KnowledgeError, StoreError
from ..model import Event
from . import DIMENSIONS, GROUPS, HOUR, Added, Period, Row
from .engine import Engine, engine_of
from .erasure import Erasure
from .fitting import LONGEST, fitted, fitted_row, unique
from .identity import event_id, hour_bits
from .joining import Joining
from .rows import event_of, row_of, storable
from .schema import counts, cursors, documents, events, streams, templates

DAY = 24 * HOUR
CACHED = 200_000  # streams and templates whose numbers are remembered
_LAST = "last event of "  # cursors with that in front
EXAMPLES = 20  # events of one template that keep their own words

Row_ = dict[str, Any]
Stream = tuple[str, str, str, str, str]
CounterKey = tuple[int, int, str, str, int, bool]


class SqlStore(Erasure):
    """See `store.Store`.  `hash_key` hides the local part of every recipient behind a keyed hash."""

    def __init__(self, where: str = "", *, read_only: bool = False, hash_key: bytes = b"") -> None:
        self.engine: Engine = engine_of(where, read_only)
        self.where = self.engine.shown
        self.hash_key = hash_key
        self._streams: dict[Stream, int] = {}
        self._templates: dict[str, list[int]] = {}  # text -> [number, events that keep their words]
        with self._guarded():
            self.engine.prepare()
        self._generation = ""

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """The database's faults as ours; its own messages may hold a password or somebody's address, so only the first line of the driver's goes on."""
        try:
            yield
        except sa.exc.SQLAlchemyError as error:
            raise StoreError(*self.engine.explained(error)) from None

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with self._guarded(), self.engine.writing() as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._guarded(), self.engine.reading() as connection:
            yield connection

    # -- writing events

    def add(self, events: Iterable[Event], cursor: tuple[str, str] | None = None) -> Added:
        """See `store.Store.add`."""
        given = events if isinstance(events, list) else list(events)
        try:
            with self._writing() as connection:
                added = self._add(connection, given)
                if cursor is not None:
                    self.engine.upsert(connection, cursors, [{"key": cursor[0], "value": cursor[1]}])
                return added
        except BaseException:
            # numbers given inside a transaction that failed are nobody's
            self._streams.clear()
            self._templates.clear()
            raise

    def _add(self, connection: Connection, given: list[Event]) -> Added:
        fresh: dict[int, Event] = {}
        too_old, horizon = 0, self._remembered(connection)
        for event in given:
            event = fitted(event)
            if 0 < event.time < horizon:
                too_old += 1
                continue
            fresh.setdefault(event_id(event), event)
        duplicates = len(given) - too_old - len(fresh)
        for known in self.engine.known(connection, list(fresh)):
            del fresh[known]
            duplicates += 1
        if not fresh:
            return Added(0, duplicates, 0, too_old)
        self.engine.remember(connection, sorted(fresh))
        joined = self._keep(connection, fresh)
        self._note_last(connection, fresh.values())
        return Added(len(fresh) - joined, duplicates, joined, too_old)

    def _remembered(self, connection: Connection) -> float:
        """The horizon; numbers of streams and templates are forgotten where somebody has pruned since, for they may mean others now."""
        told = dict(connection.execute(sa.select(cursors.c.key, cursors.c.value).where(cursors.c.key.in_(("horizon", "generation")))).tuples().all())
        if told.get("generation", "") != self._generation:
            self._generation = told.get("generation", "")
            self._streams.clear()
            self._templates.clear()
        return float(told.get("horizon") or 0)

    def _note_last(self, connection: Connection, fresh: Iterable[Event]) -> None:
        """When the newest event of each source was: deliveries leave no row to look it up in."""
        newest: dict[str, float] = {}
        for event in fresh:
            if event.time > newest.get(event.source, 0.0):
                newest[event.source] = event.time
        keys = {_LAST + storable(source)[:32]: time for source, time in newest.items()}
        known = {key: float(value) for key, value in connection.execute(sa.select(cursors.c.key, cursors.c.value).where(cursors.c.key.in_(list(keys))))}
        rows = [{"key": key, "value": repr(time)} for key, time in sorted(keys.items()) if time > known.get(key, 0.0)]
        if rows:
            self.engine.upsert(connection, cursors, rows)

    def _keep(self, connection: Connection, fresh: dict[int, Event]) -> int:
        """Rows and counters of new events; how many were only joined to others."""
        delivered, others = _parted(fresh)
        stream_of = self._stream_numbers(connection, {key[1:6] for key in delivered} | {_stream(event) for event in others.values()})
        template_of = self._template_numbers(connection, {event.template for event in others.values() if event.template})
        rows = {id: self._row(id, event, template_of) for id, event in others.items()}
        joining = Joining(self.engine, connection)
        joining.find(rows)
        tally: Counter[CounterKey] = Counter()
        for (hour, *stream, late), count in delivered.items():
            tally[hour, stream_of[tuple(stream)], "delivery", "", 0, late] += count  # type: ignore[index]
        for id, event in others.items():
            row = rows[id]
            if not row["joined"]:
                time = event.sent_at if event.kind == "complaint" and event.sent_at else event.time
                tally[int(time) // HOUR * HOUR, stream_of[_stream(event)], row["kind"], row["cause"], row["template"], row["late"]] += row["count"]
        self._move(connection, joining.moved, tally)
        if rows:
            connection.execute(sa.insert(events), list(rows.values()))
        joining.write()
        self._count(connection, tally)
        return joining.joined

    def _row(self, id: int, event: Event, numbers: Mapping[str, list[int]]) -> Row_:
        row = fitted_row(row_of(id, event, self.hash_key))
        number = numbers.get(event.template)
        row["template"] = number[0] if number else 0
        if number and row["text"]:
            if row["text"] == event.template.replace("<recipient>", event.recipient) or number[1] >= EXAMPLES:
                row["text"] = ""  # the template tells it
            else:
                number[1] += 1
        return row

    def _move(self, connection: Connection, moved: Iterable[tuple[Row_, Row_]], tally: Counter[CounterKey]) -> None:
        """Counters follow an event whose cause became known by a second report."""
        pairs = list(moved)
        wanted = {tuple(old[name] for name in DIMENSIONS) for old, _ in pairs}
        numbers = self._stream_numbers(connection, wanted) if wanted else {}
        for old, new in pairs:
            stream = numbers[tuple(old[name] for name in DIMENSIONS)]
            for row, sign in ((old, -1), (new, 1)):
                tally[int(row["time"]) // HOUR * HOUR, stream, row["kind"], row["cause"], row["template"], row["late"]] += sign * row["count"]

    def _count(self, connection: Connection, tally: Counter[CounterKey]) -> None:
        rows = [(*key, tally[key]) for key in sorted(tally) if tally[key]]
        if rows:
            self.engine.add_up(connection, rows)
        if any(n < 0 for n in tally.values()):
            connection.execute(sa.delete(counts).where(counts.c.n == 0))

    # -- dictionaries

    def _stream_numbers(self, connection: Connection, wanted: set[Any]) -> Mapping[Stream, int]:
        if len(self._streams) + len(wanted) > CACHED:
            self._streams.clear()
        missing = sorted(one for one in wanted if one not in self._streams)
        if missing:
            plain = {one: tuple(storable(part)[:LONGEST] for part in one) for one in missing}
            self.engine.ensure(connection, streams, [dict(zip(DIMENSIONS, one, strict=True)) for one in sorted(set(plain.values()))])
            found = self.engine.numbers(connection, streams, DIMENSIONS, sorted(set(plain.values())))
            for one in missing:
                self._streams[one] = found[plain[one]]
        return self._streams

    def _template_numbers(self, connection: Connection, wanted: set[str]) -> Mapping[str, list[int]]:
        if len(self._templates) + len(wanted) > CACHED:
            self._templates.clear()
        missing = sorted(text for text in wanted if text not in self._templates)
        if missing:
            plain = {text: unique(storable(text)) for text in missing}
            self.engine.ensure(connection, templates, [{"text": text, "kept": 0} for text in sorted(set(plain.values()))])
            found = self.engine.numbers(connection, templates, ("text",), [(text,) for text in sorted(set(plain.values()))])
            for text in missing:
                self._templates[text] = [found[plain[text]], 0]
        return self._templates

    # -- reading

    def cursor(self, key: str) -> str:
        """See `store.Store.cursor`."""
        with self._reading() as connection:
            return str(connection.execute(sa.select(cursors.c.value).where(cursors.c.key == key)).scalar() or "")

    def grouped(self, by: Sequence[str], period: Period = Period()) -> list[Row]:  # noqa: B008 a frozen value
        """See `store.Store.grouped`."""
        unknown = [name for name in (*by, *period.where) if name not in GROUPS]
        if unknown:
            raise InputError(f"the store can't group by {unknown[0]!r}", "", "It can by: " + ", ".join(GROUPS))
        if not by:
            return self._all(period)
        columns = [_column(name).label(f"by{number}") for number, name in enumerate(by)]
        # by position: two engines, and bound parameters inside an expression, would make two different expressions of one
        query = _from(sa.select(*columns, sa.func.sum(counts.c.n).label("mails")), period).group_by(*(sa.text(str(at + 1)) for at in range(len(by))))
        with self._reading() as connection:
            told = [(tuple(row[:-1]), int(row[-1])) for row in connection.execute(query)]
        return _folded(told, by)

    def _all(self, period: Period) -> list[Row]:
        with self._reading() as connection:
            told = int(connection.execute(_from(sa.select(sa.func.coalesce(sa.func.sum(counts.c.n), 0)), period)).scalar() or 0)
        return [Row((), told)] if told else []

    def failures(self, period: Period = Period(), limit: int = 0) -> Iterator[Event]:  # noqa: B008
        """See `store.Store.failures`."""
        query = sa.select(events, templates.c.text.label("template_text")).outerjoin(templates, templates.c.id == events.c.template).where(events.c.joined == 0)
        query = query.where(events.c.time >= period.since) if period.since else query
        query = query.where(events.c.time < period.until) if period.until else query
        for name, value in period.where.items():
            query = query.where(_of_event(name, value))
        query = query.order_by(events.c.time.desc(), events.c.id.desc())
        with self._reading() as connection:
            for row in connection.execution_options(yield_per=1000).execute(query.limit(limit) if limit else query):
                yield event_of(dict(row._mapping))

    def history(self, address: str) -> list[Event]:
        """See `store.Store.history`."""
        query = (sa.select(events, templates.c.text.label("template_text")).outerjoin(templates, templates.c.id == events.c.template)
                 .where(events.c.recipient_key.in_(self._keys_of(address))).order_by(events.c.time, events.c.id))
        with self._reading() as connection:
            return [event_of(dict(row._mapping)) for row in connection.execute(query)]

    def last_event(self, source: str = "") -> float:
        """See `store.Store.last_event`."""
        query = sa.select(cursors.c.value).where(cursors.c.key == _LAST + source if source else cursors.c.key.startswith(_LAST, autoescape=True))
        with self._reading() as connection:
            return max((float(row[0]) for row in connection.execute(query)), default=0.0)

    # -- keeping house

    def prune(self, before: float) -> int:
        """See `store.Store.prune`."""
        hour = int(before) // HOUR * HOUR
        with self._writing() as connection:
            horizon = self._remembered(connection)
            gone = self.engine.prune(connection, hour, hour_bits(hour))
            generation = str(int(self._generation or 0) + 1)
            self.engine.upsert(connection, cursors, [{"key": "generation", "value": generation}, {"key": "horizon", "value": str(max(float(hour), horizon))}])
        return gone

    # -- documents

    def get(self, table: str, key: str) -> dict[str, Any] | None:
        """See `store.Store.get`."""
        with self._reading() as connection:
            query = sa.select(documents.c.key, documents.c.value).where(documents.c.kind == table, documents.c.key.in_((key, self._forgotten(key))))
            found = {row[0]: row[1] for row in connection.execute(query)}
        told = found.get(key) or next(iter(found.values()), None)
        return dict(json.loads(told)) if told else None

    def get_many(self, table: str, wanted: Sequence[str]) -> dict[str, dict[str, Any]]:
        """See `store.Store.get_many`."""
        found: dict[str, dict[str, Any]] = {}
        with self._reading() as connection:
            spelled = {key: key for key in wanted}
            if self.engine.any_forgotten(connection, table):
                spelled = {self._forgotten(key): key for key in wanted} | spelled
            keys = list(spelled)
            for at in range(0, len(keys), 500):
                query = sa.select(documents.c.key, documents.c.value).where(documents.c.kind == table, documents.c.key.in_(keys[at : at + 500]))
                for key, value in connection.execute(query):
                    found[spelled[key]] = json.loads(value)
        return found

    def put(self, table: str, key: str, value: Mapping[str, Any] | None) -> None:
        """See `store.Store.put`."""
        if value is not None:
            self.put_many(table, {key: value})
            return
        keys = (key, self._forgotten(key))  # reads the store, which inside a transaction would wait for itself
        with self._writing() as connection:
            connection.execute(sa.delete(documents).where(documents.c.kind == table, documents.c.key.in_(keys)))

    def put_many(self, table: str, values: Mapping[str, Mapping[str, Any]]) -> None:
        """See `store.Store.put_many`."""
        if values:
            with self._writing() as connection:
                rows = [{"kind": table, "key": storable(key), "value": json.dumps(value, ensure_ascii=True)} for key, value in sorted(values.items())]
                self.engine.upsert(connection, documents, rows)

    def documents(self, table: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """See `store.Store.documents`."""
        query = sa.select(documents.c.key, documents.c.value).where(documents.c.kind == table).order_by(documents.c.key)
        with self._reading() as connection:
            for key, value in connection.execution_options(yield_per=1000).execute(query):
                yield key, json.loads(value)

    def among(self, table: str, wanted: Sequence[str]) -> set[str]:
        """See `store.Store.among`."""
        with self._reading() as connection:
            found = self.engine.among(connection, table, wanted)
            if self.engine.any_forgotten(connection, table):
                hidden = {self._forgotten(key): key for key in wanted}
                found |= {hidden[key] for key in self.engine.among(connection, table, list(hidden))}
        return found

    def close(self) -> None:
        """See `store.Store.close`."""
        self.engine.close()


Delivered = tuple[int, str, str, str, str, str, bool]


def _parted(fresh: Mapping[int, Event]) -> tuple[dict[Delivered, int], dict[int, Event]]:
    """Deliveries counted by hour and stream (nineteen of twenty events; nothing else is kept of them), and all others as they are."""
    delivered: dict[Delivered, int] = {}
    others: dict[int, Event] = {}
    for id, event in fresh.items():
        if event.kind == "delivery":
            key = (int(event.time) // HOUR * HOUR, event.author_domain, event.recipient_domain, event.provider, event.sending_ip, event.campaign, event.late)
            delivered[key] = delivered.get(key, 0) + event.count
        else:
            others[id] = event
    return delivered, others


def _stream(event: Event) -> Stream:
    return event.author_domain, event.recipient_domain, event.provider, event.sending_ip, event.campaign


def _of_event(name: str, value: Any) -> Any:
    """A condition on events, by the same names as on counters."""
    if name in ("hour", "day"):
        return sa.and_(events.c.time >= float(value), events.c.time < float(value) + (HOUR if name == "hour" else DAY))
    return (sa.func.coalesce(templates.c.text, "") if name == "template" else events.c[name]) == value


def _column(name: str) -> Any:
    if name == "hour":
        return counts.c.hour
    if name == "day":
        return counts.c.hour - counts.c.hour % DAY
    if name == "template":
        return sa.func.coalesce(templates.c.text, "")
    if name == "owner":
        return counts.c.cause
    return counts.c[name] if name in ("kind", "cause", "late") else streams.c[name]


def _from(query: Any, period: Period) -> Any:
    """The period's counters, with what their numbers stand for."""
    query = query.select_from(counts.join(streams, streams.c.id == counts.c.stream).outerjoin(templates, templates.c.id == counts.c.template))
    query = query.where(counts.c.hour >= int(period.since) // HOUR * HOUR) if period.since else query
    query = query.where(counts.c.hour < int(period.until)) if period.until else query
    for name, value in period.where.items():
        if name != "owner":
            query = query.where(_column(name) == value)
    return query.where(counts.c.cause.in_(_causes_of(period.where["owner"]))) if "owner" in period.where else query


def _causes_of(owner: str) -> list[str]:
    return [one.id for one in all_causes() if one.owner == owner] + ([""] if not owner else [])


def _folded(told: list[tuple[tuple[Any, ...], int]], by: Sequence[str]) -> list[Row]:
    """Rows, most first; owners in the place of causes, for the counters know only these."""
    owners = [at for at, name in enumerate(by) if name == "owner"]
    if owners:
        summed: Counter[tuple[Any, ...]] = Counter()
        for values, n in told:
            summed[tuple(_owner(value) if at in owners else value for at, value in enumerate(values))] += n
        told = list(summed.items())
    told.sort(key=lambda one: (-one[1], one[0]))
    return [Row(values, n) for values, n in told]


def _owner(name: str) -> str:
    try:
        return cause(name).owner if name else ""
    except KnowledgeError:  # counted by a version that knew more
        return "unknown"
