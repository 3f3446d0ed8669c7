"""Counts events in passing, for a report of inputs that are not kept: as much of a store as a report asks for.

Only what the report's tables need is counted apart, so the counters stay small however large the inputs are.  The same event twice counts
once, and two reports of one failure are one, as in the store.
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from ..causes import cause
from ..model import TRUSTS, Event
from ..store import DIMENSIONS, HOUR, Added, Period, Row
from ..store.identity import event_id, join_keys

MAX_EXAMPLES = 20_000  # templates with an example
MAX_TEXT = 1_000
APART = 14 * 86_400  # seconds; a Message-ID that comes again later is another mail
_ALWAYS = ("hour", "kind", "late", "cause", "template")
_FINAL = ("bounce", "block")
_Key = tuple[Any, ...]


@dataclass(slots=True)
class _First:
    """How a failure was counted, and who told it."""

    key: _Key
    time: float
    reporting_mta: str
    queue_id: str
    message_id: str
    source: str
    trust: str

    def same(self, event: Event) -> bool:
        """As store/joining.py: not where one server handled two mails with one Message-ID, a queue id was used again, or weeks lie between."""
        if abs(self.time - event.time) > APART:
            return False
        both = bool(self.message_id and event.message_id)
        if (both and self.message_id != event.message_id) or (not both and self.source == event.source):
            return False
        return not (self.reporting_mta == event.reporting_mta and self.queue_id and event.queue_id and self.queue_id != event.queue_id)

    def tells_more(self, event: Event) -> bool:
        """Whether the second report explains what failed, or is believed more; nothing is taken from one that nobody vouches for."""
        if event.trust == "unverified" != self.trust:
            return False
        better = TRUSTS.index(event.trust) < TRUSTS.index(self.trust)
        self.trust = event.trust if better else self.trust
        for name in ("reporting_mta", "queue_id", "message_id"):
            setattr(self, name, getattr(self, name) or getattr(event, name))
        return event.cause not in ("", "unknown") and (better or self.key[3] in ("", "unknown"))


class Passing:
    """The counters; `needed` are the dimensions that are asked for later."""

    def __init__(self, needed: Iterable[str], where: str = "") -> None:
        self.where = where
        self._dimensions = tuple(name for name in DIMENSIONS if name in set(needed))
        self._names = (*_ALWAYS, *self._dimensions)
        self._counts: dict[_Key, int] = {}
        self._seen: set[int] = set()
        self._joins: dict[int, _First] = {}
        self._examples: dict[tuple[str, str], tuple[float, str, str]] = {}

    def add(self, events: Iterable[Event], cursor: tuple[str, str] | None = None) -> Added:
        """Count completed events."""
        new = duplicates = joined = 0
        for event in events:
            own = event_id(event)
            if own in self._seen:
                duplicates += 1
                continue
            self._seen.add(own)
            if event.kind in _FINAL and self._join(event):
                joined += 1
                continue
            new += 1
            key = self._key(event)
            self._counts[key] = self._counts.get(key, 0) + event.count
        return Added(new, duplicates, joined)

    def _key(self, event: Event) -> _Key:
        at = event.sent_at if event.kind == "complaint" and event.sent_at else event.time
        delivered = event.kind == "delivery"
        key = (int(at) // HOUR * HOUR, event.kind, event.late, "" if delivered else event.cause, "" if delivered else event.template)
        return (*key, *(getattr(event, name) for name in self._dimensions)) if self._dimensions else key

    def _join(self, event: Event) -> bool:
        """Whether this failure was told before; the words that explain it go before those that do not."""
        keys = join_keys(event)
        first = next((known for one in keys if (known := self._joins.get(one)) is not None), None)
        if first is None or not first.same(event):
            first = _First(self._key(event), event.time, event.reporting_mta, event.queue_id, event.message_id, event.source, event.trust)
            for one in keys:
                self._joins.setdefault(one, first)
            self._example(event)
            return False
        for one in keys:
            self._joins.setdefault(one, first)
        if first.tells_more(event):
            self._counts[first.key] -= 1
            first.key = (first.key[0], event.kind, first.key[2], event.cause, event.template, *first.key[5:])
            self._counts[first.key] = self._counts.get(first.key, 0) + 1
            self._example(event)
        return True

    def _example(self, event: Event) -> None:
        """The newest one of each template."""
        key = (event.template, event.cause)
        known = self._examples.get(key)
        if known is None and len(self._examples) >= MAX_EXAMPLES:
            return
        if known is None or event.time >= known[0]:
            self._examples[key] = (event.time, event.text[:MAX_TEXT], event.where)

    def grouped(self, by: Sequence[str], period: Period = Period()) -> list[Row]:  # noqa: B008 a frozen value
        """See `store.Store.grouped`; only dimensions that were needed."""
        since, until = int(period.since) // HOUR * HOUR, int(period.until) or float("inf")
        take = [self._reads(name) for name in by]
        keep = [(self._reads(name), value) for name, value in period.where.items()]
        summed: dict[tuple[Any, ...], int] = {}
        for key, number in self._counts.items():
            if number and since <= key[0] < until and all(read(key) == value for read, value in keep):
                values = tuple([read(key) for read in take])
                summed[values] = summed.get(values, 0) + number
        return [Row(values, number) for values, number in sorted(summed.items(), key=lambda one: (-one[1], str(one[0])))]

    def _reads(self, name: str) -> Callable[[_Key], Any]:
        """What reads a group out of a key."""
        if name == "owner":
            return lambda key: cause(key[3]).owner if key[3] else ""
        if name == "day":
            return lambda key: key[0] // (24 * HOUR) * 24 * HOUR
        return itemgetter(self._names.index(name))

    def failures(self, period: Period = Period(), limit: int = 0) -> Iterator[Event]:  # noqa: B008
        """The newest example of a template, which is all that is remembered of single events."""
        known = self._examples.get((period.where.get("template", ""), period.where.get("cause", "")))
        if known:
            yield Event("bounce", "", known[0], text=known[1], where=known[2])

    def history(self, address: str) -> list[Event]:
        """Nothing is known of single recipients."""
        return []

    def close(self) -> None:
        """Nothing is kept."""

