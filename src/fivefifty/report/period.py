"""A period of mail in numbers: totals, rates, causes, slices, the words heard most, the trend, and the period before.

Rates are of mails with an outcome (delivered, bounced or blocked).  Where no source tells deliveries there is no rate: 40 bounces of an
unknown number of mails are 40, and not 100 %.
"""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ..causes import cause
from ..plan.rates import jeffreys
from ..store import HOUR, Period, Store

SCHEMA = "fivefifty/report/1"
DAY = 24 * HOUR
BY = ("cause", "owner", "provider", "author_domain", "sending_ip")  # what is shown without being asked
SLICES = ("cause", "owner", "provider", "author_domain", "recipient_domain", "sending_ip", "campaign")
TEMPLATES = 10
HOURLY = 3 * DAY  # a period so short is shown by the hour
MAX_STEPS = 400
FEW = 20  # mails of which no percentage is shown
KNOWN_ENOUGH = 0.9  # share of deliveries that must tell a dimension before its slices have rates
_FIELDS = {"delivery": "delivered", "bounce": "bounced", "block": "blocked", "deferral": "deferred", "complaint": "complaints", "unsubscribe": "unsubscribed", "suppression": "suppressed"}
COUNTED = tuple(_FIELDS.values())


@dataclass(slots=True)
class Counts:
    """Mails by what became of them."""

    delivered: int = 0
    bounced: int = 0
    blocked: int = 0
    deferred: int = 0  # attempts, not mails: the same mail may be put off ten times
    complaints: int = 0
    unsubscribed: int = 0
    suppressed: int = 0
    late: int = 0  # of the bounced and blocked: the mail had been counted as delivered before

    def add(self, kind: str, number: int, late: bool = False) -> None:
        """Count so many mails of a kind."""
        name = _FIELDS.get(kind)
        if name:
            setattr(self, name, getattr(self, name) + number)
            if late and name in ("bounced", "blocked"):
                self.late += number

    @property
    def failed(self) -> int:
        """Failed for good."""
        return self.bounced + self.blocked

    @property
    def outcomes(self) -> int:
        """Mails with an outcome; one that bounced after it was delivered is one mail."""
        return max(self.delivered + self.failed - self.late, self.failed)

    @property
    def any(self) -> int:
        """Everything counted."""
        return sum(getattr(self, name) for name in COUNTED)


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` of `of`, as a share of one, with the interval (Jeffreys, 95 %) in which the true share lies; low = high = -1 where none is known."""

    count: int
    of: int
    low: float = -1.0
    high: float = -1.0

    @property
    def share(self) -> float:
        """The plain quotient."""
        return self.count / self.of if self.of else 0.0


@dataclass(frozen=True, slots=True)
class Slice:
    """One value of a dimension; "" is: not told."""

    value: str
    counts: Counts
    rated: bool = False

    @property
    def rate(self) -> Rate | None:
        """The rate of failures, None where deliveries are not known; worked out for what is shown, of ten thousand domains only a dozen."""
        return rate_of(self.counts.failed, self.counts.outcomes) if self.rated else None


@dataclass(frozen=True, slots=True)
class Words:
    """One template with an example."""

    template: str
    cause: str
    count: int
    example: str = ""
    where: str = ""
    time: float = 0.0


@dataclass(slots=True)
class PeriodReport:
    """Everything that is shown."""

    since: float
    until: float
    totals: Counts
    source: str = ""  # the store, or the inputs
    before: Counts | None = None  # the period before, of the same length; None where there is nothing
    slices: dict[str, list[Slice]] = field(default_factory=dict)
    templates: list[Words] = field(default_factory=list)
    more_templates: int = 0
    step: int = DAY
    trend: list[tuple[float, Counts]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    only_failures: bool = False  # asked for one cause or owner, which deliveries have none of

    @property
    def deliveries_known(self) -> bool:
        """Whether any source tells deliveries."""
        return self.totals.delivered > 0


def report(store: Store, period: Period, by: Sequence[str] = BY, templates: int = TEMPLATES) -> PeriodReport:
    """The report of a period; with `since` 0 it begins with the first thing that was counted."""
    hours = _trend(store, period)
    known = [at for at, _ in hours]
    since = period.since or (min(known) if known else 0.0)
    until = period.until or (max(known) + HOUR if known else since)
    made = PeriodReport(since, until, _totals(store, period), store.where)
    made.only_failures = not {"cause", "owner"}.isdisjoint(period.where)
    begun = 0.0
    if period.since:
        made.before, begun = _before(store, Period(2 * since - until, since, period.where))
    for name in by:
        made.slices[name] = _slices(store, period, name, made.deliveries_known)
    made.templates, made.more_templates = _templates(store, period, templates)
    made.step = HOUR if until - since <= HOURLY else DAY
    made.trend = _steps(hours, since, until, made.step)
    made.notes = _notes(made)
    if begun:
        made.notes.append(f"Of the period before only what came after {moment(begun):%Y-%m-%d %H:%M} UTC is known: nothing older was taken in.")
    return made


def _before(store: Store, period: Period) -> tuple[Counts | None, float]:
    """The counts of the period before, and when they begin where the store does not reach back to its beginning."""
    counts = _totals(store, period)
    if not counts.any:
        return None, 0.0
    first = min(float(row.values[0]) for row in store.grouped(("hour",), period))
    older = period.since > HOUR and store.grouped((), Period(0.0, period.since, period.where))
    return counts, 0.0 if older or first <= period.since + HOUR else first


def _totals(store: Store, period: Period) -> Counts:
    counts = Counts()
    for row in store.grouped(("kind", "late"), period):
        counts.add(row.values[0], row.count, bool(row.values[1]))
    return counts


def _slices(store: Store, period: Period, name: str, known: bool) -> list[Slice]:
    found: dict[str, Counts] = {}
    for row in store.grouped((name, "kind", "late"), period):
        found.setdefault(str(row.values[0] or ""), Counts()).add(row.values[1], row.count, bool(row.values[2]))
    if name in ("cause", "owner"):
        found = {value: counts for value, counts in found.items() if counts.failed}
    rated = known and name not in ("cause", "owner") and _told(found)
    slices = [Slice(value, counts, bool(rated and value and counts.outcomes)) for value, counts in found.items() if counts.any]
    return sorted(slices, key=lambda one: (-one.counts.failed, -one.counts.any, one.value))


def _told(found: dict[str, Counts]) -> bool:
    """Whether deliveries tell this dimension: where only failures name an IP, each IP would fail wholly."""
    delivered = sum(counts.delivered for counts in found.values())
    unnamed = found[""].delivered if "" in found else 0
    return delivered > 0 and delivered - unnamed >= KNOWN_ENOUGH * delivered


def _templates(store: Store, period: Period, limit: int) -> tuple[list[Words], int]:
    """The words of final failures, most heard first, with the newest example of each."""
    counted: dict[tuple[str, str], int] = {}
    for row in store.grouped(("template", "cause", "kind"), period):
        template, named, kind = row.values
        if kind in ("bounce", "block") and template:
            counted[template, named] = counted.get((template, named), 0) + row.count
    best = sorted(counted.items(), key=lambda one: (-one[1], one[0]))
    found = []
    for (template, named), count in best[:limit]:
        where = {**period.where, "template": template, "cause": named}
        example = next(iter(store.failures(Period(period.since, period.until, where), 1)), None)
        found.append(Words(template, named, count, example.text if example else "", example.where if example else "", example.time if example else 0.0))
    return found, len(best) - len(found)


def _trend(store: Store, period: Period) -> list[tuple[float, Counts]]:
    found: dict[float, Counts] = {}
    for row in store.grouped(("hour", "kind", "late"), period):
        found.setdefault(float(row.values[0]), Counts()).add(row.values[1], row.count, bool(row.values[2]))
    return sorted((at, counts) for at, counts in found.items() if counts.any)


def _steps(hours: Iterable[tuple[float, Counts]], since: float, until: float, step: int) -> list[tuple[float, Counts]]:
    """Hours summed up; steps in which nothing was counted are there as well, so that a gap is seen as a gap."""
    found: dict[float, Counts] = {}
    for at, counts in hours:
        into = found.setdefault(at // step * step, Counts())
        for name in (*COUNTED, "late"):
            setattr(into, name, getattr(into, name) + getattr(counts, name))
    at = since // step * step
    if until > since and (until - at) / step <= MAX_STEPS:
        while at < until:
            found.setdefault(at, Counts())
            at += step
    return sorted(found.items())


def rate_of(count: int, of: int) -> Rate:
    """A rate with its interval."""
    return Rate(count, of, *jeffreys(count, of)) if of else Rate(count, of)


def rates(made: PeriodReport) -> dict[str, Rate]:
    """The rates of the whole period, none where deliveries are not known."""
    counts = made.totals
    if not made.deliveries_known:
        return {}
    of = counts.outcomes
    return {"failed": rate_of(counts.failed, of), "bounced": rate_of(counts.bounced, of), "blocked": rate_of(counts.blocked, of), "complaints": rate_of(min(counts.complaints, counts.delivered), counts.delivered)}


def _notes(made: PeriodReport) -> list[str]:
    """What a reader has to know before believing the numbers."""
    notes = []
    if made.only_failures:
        notes.append("Only mails with this cause are counted here, and a delivered mail has none: there are counts but no rates.")
    elif not made.deliveries_known and made.totals.failed:
        notes.append("Deliveries are not known: no source tells them, so there are counts but no rates. Take in a log, or a table with counts (docs/table.md).")
    for name, slices in made.slices.items():
        if made.deliveries_known and name not in ("cause", "owner") and slices and not any(one.rated for one in slices) and any(one.value for one in slices):
            notes.append(f"Too few deliveries tell their {name}, so its table has no rates.")
    if made.totals.late:
        notes.append(f"{made.totals.late:,} of the failures came back after the mail had been accepted; each counts as one failed mail.")
    return notes


def title_of(name: str, value: str) -> str:
    """A value for people."""
    if not value:
        return "not known"
    return cause(value).title if name == "cause" else value


def span(made: PeriodReport) -> str:
    """The period in words."""
    if not made.until:
        return "all times"
    if made.since % DAY == 0 == made.until % DAY and made.until > made.since:  # whole days: the last one is in it
        first, last = _day(made.since, True), _day(made.until - DAY, True)
        return f"{first} UTC" if first == last else f"{first} to {last} UTC"
    return f"{_day(made.since, False)} to {_day(made.until, False)} UTC"


def _day(at: float, alone: bool) -> str:
    told = moment(at)
    return f"{told.day} {told:%B %Y}" if alone else f"{told.day} {told:%B %Y %H:%M}"


def moment(at: float) -> datetime:
    """A time to show; whatever a store holds, it is one."""
    return datetime.fromtimestamp(min(max(at, 0.0), 32_503_680_000.0), UTC)


def label(at: float, step: int) -> str:
    """A step of the trend."""
    return f"{moment(at):%Y-%m-%d %H:%M}" if step == HOUR else f"{moment(at):%Y-%m-%d}"


def percent(share: float) -> str:
    """A share with as many digits as small numbers need."""
    digits = 1 if share >= 0.0995 else 2 if share >= 0.000995 or not share else 3  # complaints are looked at in thousandths of a percent
    return f"{share * 100:.{digits}f} %"


def share_of(count: int, of: int) -> str:
    """A share; of few mails it is told as what it is, because "100 %" of one says nothing."""
    return f"{count} of {of}" if of < FEW else percent(count / of)


def spoken(rate: Rate) -> str:
    """A rate with its interval: 0.96 % (0.80 to 1.14 %)."""
    told = share_of(rate.count, rate.of)
    return told if rate.low < 0 else f"{told} ({percent(rate.low).removesuffix(' %')} to {percent(rate.high)})"


def as_dict(made: PeriodReport) -> dict[str, Any]:
    """Plain values, documented in docs/report.md."""
    return {
        "schema": SCHEMA, "since": moment(made.since).isoformat(), "until": moment(made.until).isoformat(), "source": made.source, "deliveries_known": made.deliveries_known,
        "totals": _counts(made.totals), "rates": {name: _rate(rate) for name, rate in rates(made).items()}, "before": _counts(made.before) if made.before else None,
        "by": {name: [{"value": one.value, **({"title": title_of(name, one.value)} if name == "cause" else {}), **_counts(one.counts), "rate": _rate(rate) if (rate := one.rate) else None} for one in slices]
               for name, slices in made.slices.items()},
        "templates": [{"template": one.template, "cause": one.cause, "count": one.count, "example": one.example, "where": one.where} for one in made.templates],
        "more_templates": made.more_templates, "step": "hour" if made.step == HOUR else "day",
        "trend": [{"at": moment(at).isoformat(), **_counts(counts)} for at, counts in made.trend], "notes": made.notes,
    }


def _counts(counts: Counts) -> dict[str, int]:
    return {name: getattr(counts, name) for name in (*COUNTED, "late")}


def _rate(rate: Rate) -> dict[str, float | int]:
    interval = {} if rate.low < 0 else {"low": round(rate.low, 6), "high": round(rate.high, 6)}
    return {"count": rate.count, "of": rate.of, "share": round(rate.share, 6), **interval}
