"""What the store counted, as plan.alert wants it: hours for the last two days, whole days before."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..causes import cause, plain
from ..errors import FivefiftyError
from ..plan.alert import DAY, HOUR, Alarm, Stream, Tally, burst
from ..store import Period, Row, Store

KEPT = 6 * HOUR  # seconds for which the counts of older days are not read again
Tallies = dict[Stream, dict[int, Tally]]


class Counts:
    """Reads counters; whole days change seldom, so they are remembered for some hours."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._older: Tallies = {}
        self._read_at = self._border = 0.0

    def tallies(self, now: float) -> Tallies:
        """The last 28 days of every stream."""
        border = now // DAY * DAY - DAY
        if border != self._border or not 0 <= now - self._read_at < KEPT:
            self._older = _tallies(self._grouped("day", Period(border - 28 * DAY, border)))
            self._read_at, self._border = now, border
        made: Tallies = {stream: dict(days) for stream, days in self._older.items()}
        for stream, hours in _tallies(self._grouped("hour", Period(border, 0.0))).items():
            made.setdefault(stream, {}).update(hours)
        return made

    def _grouped(self, width: str, period: Period) -> list[Row]:
        return self.store.grouped(("author_domain", "provider", width, "kind", "owner", "late"), period)


def _tallies(rows: Iterable[Row]) -> Tallies:
    made: Tallies = {}
    for row in rows:
        author, provider, time, kind, owner, late = row.values
        made.setdefault((author, provider), {}).setdefault(int(time), Tally()).counted(kind, owner, bool(late), row.count)
    return made


def bursts(store: Store, now: float) -> list[Alarm]:
    """New answers to the mail of each author domain within a day."""
    today, before = Period(now - DAY), Period(now - 28 * DAY, now - DAY)
    sent, sent_before = _final(store, today), _final(store, before)
    found = []
    for row in store.grouped(("author_domain", "template"), Period(now - DAY, 0.0, {"kind": "block"})) + store.grouped(("author_domain", "template"), Period(now - DAY, 0.0, {"kind": "bounce"})):
        author, template = row.values
        if template and row.count >= 20 and row.count <= sent.get(author, 0):
            k0 = sum(one.count for one in store.grouped(("author_domain",), Period(before.since, before.until, {"template": template, "author_domain": author})))
            alarm = burst((author, ""), template, (row.count, sent[author]), (min(k0, sent_before.get(author, 0)), sent_before.get(author, 0)))
            found += [alarm] if alarm else []
    return found


def _final(store: Store, period: Period) -> dict[str, int]:
    made: dict[str, int] = {}
    for row in store.grouped(("author_domain", "kind"), period):
        if row.values[1] in ("delivery", "bounce", "block"):
            made[row.values[0]] = made.get(row.values[0], 0) + row.count
    return made


def enriched(store: Store, alarm: Alarm) -> Alarm:
    """The alarm with the reasons behind it, example words, and what to do."""
    from dataclasses import replace

    facts = alarm.facts
    if "failures" not in facts:
        return alarm
    where: dict[str, str] = {"author_domain": str(facts["author_domain"])}
    where |= {"provider": str(facts["provider"])} if facts["provider"] else {}
    kinds = {"address": ("bounce",), "block": ("block",), "complaint": ("complaint",)}.get(alarm.condition, ("bounce", "block"))
    rows = [row for kind in kinds for row in store.grouped(("cause", "template"), Period(alarm.since, 0.0, {**where, "kind": kind}))]
    evidence, causes = list(alarm.evidence), _summed(rows, 0)
    evidence += [f"{mails:,} times {name or 'no cause known'}" for name, mails in causes[:3]]
    evidence += [f"\u201c{text[:200]}\u201d ({mails:,} times)" for text, mails in _summed(rows, 1)[:3] if text]
    if not facts["provider"]:
        by_provider = _summed([row for kind in kinds for row in store.grouped(("provider",), Period(alarm.since, 0.0, {**where, "kind": kind}))], 0)
        evidence.append("By provider: " + ", ".join(f"{name or 'unknown'} {mails:,}" for name, mails in by_provider[:5]) + ".")
    if alarm.condition == "address" and int(str(facts["failures"])) * 2 > int(str(facts["mails"])):
        # so many at once: a bad import, or a provider that answers everybody so
        return replace(alarm, evidence=tuple(evidence), whose="Your address list, or a receiving server that is broken and refuses everybody.", steps=_DOUBT)
    return replace(alarm, evidence=tuple(evidence), steps=(*alarm.steps, *_steps(causes)))


_DOUBT = (
    "Stop this mailing.", "Ask one recipient of whom you know that the address lives, or look at addresses that took mail last week: are they refused as well?",
    "If so, the receiving server is broken: wait. Such addresses are not suppressed but held: fivefifty suppress list --held.",
    "If not, find the import that these addresses have in common, and take it out.",
)


def _summed(rows: Iterable[Row], at: int) -> list[tuple[Any, int]]:
    made: dict[Any, int] = {}
    for row in rows:
        made[row.values[at]] = made.get(row.values[at], 0) + row.count
    return sorted(made.items(), key=lambda one: (-one[1], str(one[0])))


def _steps(causes: list[tuple[Any, int]]) -> tuple[str, ...]:
    for name, _ in causes:
        try:
            return tuple(plain(step) for step in cause(name).fix[:3])
        except FivefiftyError:
            continue
    return ()
