"""Google Postmaster Tools: domainStats of the v2 API, trafficStats of v1, compliance status, and a dashboard's CSV.

Every value becomes a fact of a `listing` event, one for each domain, day and statistic.  Rates stay rates: nothing says of how many mails.
A day without data is missing; it is not zero.
"""
from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ...model import Event
from .. import Reject, Setting
from ..logs._csv import decoded, normal
from ..logs._json import Unreadable, parsed
from ..logs._times import Times
from ..webhooks._payload import Table, facts, identity, items, name, table

TITLE = "Google Postmaster Tools: statistics (JSON of the API, CSV of a dashboard)"
UNIT = "document"

MAX_STATISTICS = 100_000
MAX_ROWS = 20_000

_DOMAIN = re.compile(r"domains/([\w.-]{1,255})(?:/|$)")
_DAY = re.compile(r"/trafficStats/(\d{4})(\d\d)(\d\d)$")
_RATE = re.compile(r"(\d{1,3}(?:[.,]\d{1,9})?)\s*(%?)")
_SNAKE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|[\s-]+")
_MARKS = (b'"domainStats"', b'"trafficStats"', b"/domainStats/", b"/trafficStats/", b'"complianceData"', b"userReportedSpamRatio")
_HEADS = (b"spam rate", b"spam ratio", b"user reported", b"user-reported", b"delivery error", b"spf success", b"authentication", b"encryption", b"tls")


def looks(head: bytes) -> int:
    """Whether it is one of these."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start[:1] in (b"{", b"["):
        return 93 if any(mark in head for mark in _MARKS) else 0
    line = start.split(b"\n", 1)[0].lower()
    return 60 if line.startswith((b"date,", b'"date",', b"day,")) and any(mark in line for mark in _HEADS) else 0


def reader(setting: Setting) -> PostmasterReader:
    """Reads such documents."""
    return PostmasterReader(setting)


@dataclass(frozen=True, slots=True)
class PostmasterReader:
    """One answer of the API, or one download."""

    setting: Setting

    def read(self, content: bytes, where: str, headers: Mapping[str, str]) -> Iterator[Event | Reject]:
        """The events of one document."""
        start = content.removeprefix(b"\xef\xbb\xbf").lstrip()
        try:
            yield from self._json(parsed(start.decode("utf-8", "replace")), where, content) if start[:1] in (b"{", b"[") else self._csv(start, where)
        except Unreadable as reason:
            yield Reject(where, str(reason), content)

    def _json(self, value: Any, where: str, content: bytes) -> Iterator[Event | Reject]:
        some = False
        for one in _statistics(value):
            some = True
            try:
                yield from self._statistic(one, where)
            except Unreadable as reason:
                yield Reject(where, str(reason), str(one)[:10_000].encode("utf-8", "replace"))
        if not some and not _is_empty_answer(value):
            yield Reject(where, "It holds no statistics of Postmaster Tools.", content)

    def _statistic(self, one: Table, where: str) -> Iterable[Event]:
        found = _DOMAIN.match(name(one.get("name")))
        if found is None:
            raise Unreadable("Its name tells no domain (domains/…).")
        domain = found[1].lower()
        if "complianceData" in one or "complianceStatus" in name(one.get("name")):
            return (self._event(domain, self.setting.now - self.setting.now % 86_400, "compliance", facts(_compliance(one)), where),)
        if "metric" in one or "value" in one:
            day = _date(table(one.get("date")))
            if not day:
                raise Unreadable("It is of no single day; ask with DAILY granularity.")
            metric = _snake(name(one.get("metric")) or name(one.get("name")).rpartition("/")[2])
            return (self._event(domain, day, metric, facts({metric: _value(table(one.get("value")))}), where),)
        told = _DAY.search(name(one.get("name")))
        day = _utc(*map(int, told.groups())) if told else 0.0
        if not day:
            raise Unreadable("Its name tells no day (trafficStats/20261102).")
        return (self._event(domain, day, "traffic", facts(_traffic(one)), where),)

    def _event(self, domain: str, day: float, statistic: str, told: dict[str, object], where: str) -> Event:
        if day > self.setting.now + 2 * 86_400:
            raise Unreadable("Its day lies in the future.")
        own = identity(domain, statistic, day, sorted(told.items()) if statistic == "compliance" else "")
        return Event("listing", "postmaster", day, author_domain=domain, provider="google", native_id=own, facts={"statistic": statistic, **told}, where=where)

    def _csv(self, content: bytes, where: str) -> Iterator[Event | Reject]:
        """A dashboard: a column of days, and one for each statistic; whose they are stands nowhere in it."""
        domain = next(iter(self.setting.own_domains)) if len(self.setting.own_domains) == 1 else _named(where)
        if not domain:
            raise Unreadable("A dashboard's CSV does not name its domain: give --own-domain, or put it into the file's name (example.org.csv).")
        lines = [decoded(line) for line in content.splitlines()[:MAX_ROWS]]
        rows = list(csv.reader((line[:20_000] for line in lines), strict=False))
        names = [_snake(one) for one in rows[0][:100]] if rows else []
        if not names or normal(names[0]) not in ("date", "day", "time"):
            raise Unreadable("Its first column is no date.")
        times = Times(self.setting.now, UTC, day_first=False)
        for number, row in enumerate(rows[1:], 2):
            day = times.of(row[0]) if row else 0.0
            told = {key: _rate(cell) for key, cell in zip(names[1:], row[1:], strict=False) if key and cell.strip()}
            if not day and any(row):
                yield Reject(f"{where}:{number}", "Its day can't be read.", ",".join(row)[:1_000].encode("utf-8", "replace"))
            elif day and told:
                for key, value in told.items():
                    yield self._event(domain, day, key, facts({key: value}), f"{where}:{number}")


def _statistics(value: Any) -> Iterator[Table]:
    """Every statistic in an answer, in answers of a batch, or in an array of answers."""
    waiting, seen = [value], 0
    while waiting and seen < MAX_STATISTICS:
        one = waiting.pop()
        if isinstance(one, list):
            waiting.extend(reversed(one))
        elif isinstance(one, dict):
            inner = [one[key] for key in ("results", "response", "domainStats", "trafficStats") if isinstance(one.get(key), (list, dict))]
            if inner:
                waiting.extend(reversed(inner))
            elif "name" in one:
                seen += 1
                yield one


def _is_empty_answer(value: Any) -> bool:
    """No data for the days that were asked for: missing, not wrong."""
    return value == {} or (isinstance(value, dict) and any(value.get(key) == [] for key in ("domainStats", "trafficStats", "results")))


def _value(value: Table) -> Any:
    """StatisticValue: one of several members; int64 comes as a string."""
    for key in ("doubleValue", "floatValue", "intValue", "stringValue", "stringList"):
        if key in value:
            told = value[key]
            if key == "intValue" and isinstance(told, str) and told.isascii() and told.isdigit() and len(told) < 19:
                return int(told)
            return table(told).get("values") if key == "stringList" else told
    return ""


def _traffic(one: Table) -> dict[str, Any]:
    """v1: ratios with their bounds, reputations, and lists of which the worst entries are kept in words."""
    told: dict[str, Any] = {}
    for key, value in list(one.items())[:100]:
        if isinstance(value, (str, int, float)) and key != "name":
            told[_snake(key)] = value
    for entry in map(table, items(one.get("ipReputations"))[:20]):
        told[f"ips_{name(entry.get('reputation')).lower() or 'unknown'}"] = entry.get("ipCount")
    told["delivery_errors"] = [f"{name(one.get('errorClass'))} {name(one.get('errorType'))} {_short(one.get('errorRatio'))}" for one in map(table, items(one.get("deliveryErrors"))[:20])]
    told["spammy_feedback_loops"] = [f"{name(one.get('id'))} {_short(one.get('spamRatio'))}" for one in map(table, items(one.get("spammyFeedbackLoops"))[:20])]
    return told


def _compliance(one: Table) -> dict[str, Any]:
    told: dict[str, Any] = {}
    inner = table(one.get("complianceData")) or one
    for key in list(inner)[:50]:
        entry = table(inner[key])
        for row in map(table, items(inner[key])[:50] if isinstance(inner[key], list) else []):
            told[_snake(name(row.get("requirement")))] = name(table(row.get("status")).get("status")) or name(row.get("status"))
        state = name(table(entry.get("status")).get("status")) or name(entry.get("status"))
        if state:
            told[_snake(key)] = state
    return told


def _short(value: Any) -> str:
    return f"{value:g}" if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) else ""


def _snake(written: str) -> str:
    return re.sub(r"[^a-z0-9_]+", "", _SNAKE.sub("_", written.strip()[:100]).lower()).strip("_")


def _date(date: Table) -> float:
    parts = [date.get(key) for key in ("year", "month", "day")]
    return _utc(*parts) if all(isinstance(one, int) and not isinstance(one, bool) for one in parts) else 0.0


def _utc(year: Any, month: Any, day: Any) -> float:
    try:
        return max(datetime(year, month, day, tzinfo=UTC).timestamp(), 0.0)
    except (ValueError, OverflowError):
        return 0.0


def _rate(cell: str) -> float | str:
    """"0.12%" as a share of one; anything else as written."""
    found = _RATE.fullmatch(cell.strip())
    if found is None:
        return cell.strip()[:200]
    number = float(found[1].replace(",", "."))
    return round(number / 100, 12) if found[2] else number


def _named(where: str) -> str:
    """A domain in a file's name."""
    found = re.search(r"(?:^|[/\\_ -])((?:[a-z0-9-]{1,63}\.){1,5}[a-z]{2,20})(?:[_ -][^/\\]{0,80})?\.csv", where.lower())
    return found[1] if found else ""
