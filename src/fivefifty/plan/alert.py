"""When a stream of mail deserves an alarm, and when it is well again.

A stream is what one author domain sends to one provider, or to all.  An alarm rests on a test that stays valid at every look
(plan/rates.py), made on whole blocks of time, so that looking every five minutes for years cries wolf no more often than looking once.
"Well again" needs mails sent since, enough of them, and the same test the other way round: that a window moves on is no recovery, and
neither is silence.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import log

from .rates import jeffreys, log_e, log_e_below, percent

HOUR, DAY = 3600, 86_400
BLOCKS = (1, 7, 28)  # days: big streams speak within one, small ones need more
CERTAINTY = 1000.0  # the e-value of an alarm: a block of a stream that is not above its limit reaches it once in a thousand
RECOVERED = 20.0  # the e-value of "below the limit"
METRICS = ("address", "block", "complaint", "bounce")
# Amazon SES reviews accounts at 5 % hard bounces and pauses them at 10 %; Gmail wants spam rates below 0.1 % and never 0.3 %.
LIMITS = {
    "address": 0.05, "address_critical": 0.10, "block": 0.05, "block_critical": 0.5, "complaint": 0.001, "complaint_critical": 0.003, "bounce": 0.05, "bounce_critical": 0.10,
}
_NAMES = {"address": "addresses that do not exist or take no mail", "block": "mail that is refused", "complaint": "complaints", "bounce": "mail that is not delivered"}
_WHOSE = {
    "address": "Your address list: where did these addresses come from?", "block": "Your side, most often: how the mail is sent, signed or what it contains; the reasons below tell.",
    "complaint": "Your side: people get mail they do not want.", "bounce": "Not clear yet: several reasons are mixed.",
}
_OF_ADDRESS = frozenset(("address", "recipient", "list"))


@dataclass(slots=True)
class Tally:
    """Mails of one stream in one hour: `sent` have a final outcome, the others are parts of them; complaints stand at the hour of sending."""

    sent: int = 0
    delivered: int = 0
    address: int = 0
    block: int = 0
    bounce: int = 0
    complaint: int = 0

    def add(self, other: Tally) -> None:
        """Add another one's counts."""
        self.sent += other.sent
        self.delivered += other.delivered
        self.address += other.address
        self.block += other.block
        self.bounce += other.bounce
        self.complaint += other.complaint

    def counted(self, kind: str, owner: str, late: bool, mails: int) -> None:
        """Count mails of a counter's row.  A failure after delivery was counted as delivered, so it adds nothing to what was sent."""
        if kind == "delivery":
            self.sent += mails
            self.delivered += mails
        elif kind in ("bounce", "block"):
            self.sent += 0 if late else mails
            self.bounce += mails
            if kind == "block":
                self.block += mails
            elif owner in _OF_ADDRESS:
                self.address += mails
        elif kind == "complaint":
            self.complaint += mails

    def of(self, metric: str) -> tuple[int, int]:
        """(failures, mails); of complaints the mails that arrived."""
        k = int(getattr(self, metric))
        return k, max(k, self.delivered if metric == "complaint" else self.sent)


Stream = tuple[str, str]  # author domain, provider ("" for all)
Tallies = Mapping[Stream, Mapping[int, Tally]]  # by the second an hour begins


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something is wrong: one condition about one thing."""

    condition: str  # "address", "block", …, "silent", "dns", "listing" …
    about: str  # "example.org to gmail"
    severity: str  # warning, critical
    title: str
    evidence: tuple[str, ...] = ()
    whose: str = ""
    steps: tuple[str, ...] = ()
    since: float = 0.0
    facts: Mapping[str, object] = field(default_factory=dict, hash=False)

    @property
    def key(self) -> str:
        """One case for each key."""
        return f"{self.condition}|{self.about}"


@dataclass(frozen=True, slots=True)
class Known:
    """What the cases tell about a key: whether one is open, and from when on mails count."""

    open: bool = False
    severity: str = ""
    since: float = 0.0  # of an open case: mails from here on decide about recovery; of an ended one: only later ones may alarm anew


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look at the rates brought: alarms (also of open cases that got worse), keys that are well again, and keys that are still bad."""

    alarms: list[Alarm]
    recovered: dict[str, str]  # key -> the sentence that proves it
    still_bad: set[str]


@dataclass(frozen=True, slots=True)
class _Look:
    """What is the same for all streams of one look."""

    known: Mapping[str, Known]
    bounds: Mapping[str, float]
    sums: _Sums
    starts: list[float]


def about(stream: Stream) -> str:
    """A stream in words."""
    return f"{stream[0] or 'unknown sender'} to {stream[1] or 'all'}"


def look(tallies: Tallies, known: Mapping[str, Known], limits: Mapping[str, float], now: float) -> Looked:
    """One look at all rates.  `tallies` reach back 28 days; totals are made here."""
    bounds = {**LIMITS, **{name: value for name, value in limits.items() if name in LIMITS}}
    alarms: list[Alarm] = []
    raised = {key for key, one in known.items() if one.open}
    sums = _Sums(tallies)
    looking = _Look(known, bounds, sums, _starts(now))
    for stream in sums.streams:
        for metric in METRICS:
            alarm = _alarm(stream, metric, looking)
            if alarm is None or _told_already(alarm, stream, raised, known):
                continue
            raised.add(alarm.key)
            alarms.append(alarm)
    recovered, still_bad = _recovery(sums, known, bounds)
    return Looked(alarms, recovered, still_bad)


class _Sums:
    """What was counted from a time on, for streams and for all of an author domain; each sum is made once."""

    def __init__(self, tallies: Tallies) -> None:
        self._parts: dict[Stream, list[Mapping[int, Tally]]] = {}
        for (author, provider), hours in tallies.items():
            for stream in {(author, provider), (author, "")}:
                self._parts.setdefault(stream, []).append(hours)
        self._made: dict[tuple[Stream, float], Tally] = {}
        self.streams = sorted(self._parts, key=lambda one: (one[0], one[1] != "", one[1]))

    def since(self, stream: Stream, start: float) -> Tally:
        """What lies in whole days counts where the whole day does."""
        known = self._made.get((stream, start))
        if known is None:
            known = self._made[stream, start] = Tally()
            if stream[1] or len(self._parts[stream]) == 1:
                for hour, tally in ((hour, tally) for part in self._parts[stream] for hour, tally in part.items()):
                    if hour >= start:
                        known.add(tally)
            else:
                for part in [one for one in self.streams if one[0] == stream[0] and one[1]]:
                    known.add(self.since(part, start))
                for hour, tally in self._unnamed(stream):
                    if hour >= start:
                        known.add(tally)
        return known

    def _unnamed(self, stream: Stream) -> list[tuple[int, Tally]]:
        """Mails of which nobody knows who received them."""
        named = [id(part) for one in self.streams if one[0] == stream[0] and one[1] for part in self._parts[one]]
        return [item for part in self._parts[stream] if id(part) not in named for item in part.items()]


def _told_already(alarm: Alarm, stream: Stream, raised: set[str], known: Mapping[str, Known]) -> bool:
    """Whether an open case speaks of the same trouble: one bad import is one case, however many providers and rates show it."""
    mine = known.get(alarm.key, Known())
    if mine.open:
        return not (alarm.severity == "critical" and mine.severity != "critical")
    return any(covers(key, alarm.condition, stream) for key in raised)


def covers(key: str, metric: str, stream: Stream) -> bool:
    """Whether a case speaks of mails that this rate counts, too, so that it explains them."""
    kind, _, name = key.partition("|")
    author = f"{stream[0] or 'unknown sender'} to "
    if not name.startswith(author):
        return False
    if metric == "bounce":
        return kind in ("bounce", "address", "block")
    if kind != metric:
        return kind == "bounce" and metric != "complaint" and name in (about(stream), author + "all")
    # a list goes to all providers, but each provider blocks for itself
    return metric != "block" or name in (about(stream), author + "all") or not stream[1]


def _starts(now: float) -> list[float]:
    return [now // (days * DAY) * days * DAY for days in BLOCKS]


def _alarm(stream: Stream, metric: str, look_at: _Look) -> Alarm | None:
    since = max((one.since for key, one in look_at.known.items() if not one.open and covers(key, metric, stream)), default=0.0)
    limit, critical = look_at.bounds[metric], max(look_at.bounds[f"{metric}_critical"], look_at.bounds[metric])
    for start in look_at.starts:
        k, n = look_at.sums.since(stream, max(start, since)).of(metric)
        if k and above(k, n, limit):
            return _worded(stream, metric, (k, n), limit, "critical" if above(k, n, critical) else "warning", max(start, since))
    return None


def above(k: int, n: int, limit: float, certainty: float = CERTAINTY) -> bool:
    """Whether the rate is above the limit, certain at every look."""
    return k > limit * n and _log_e(k, n, limit) >= log(certainty)


@lru_cache(maxsize=20_000)
def _log_e(k: int, n: int, limit: float) -> float:
    return log_e(k, n, limit)


def _worded(stream: Stream, metric: str, counts: tuple[int, int], limit: float, severity: str, start: float) -> Alarm:
    k, n = counts
    low, high = jeffreys(k, n)
    where = f"{stream[0] or 'an unknown sender'} to {stream[1] or 'all providers'}"
    title = f"{_NAMES[metric].capitalize()}: {percent(k / n)} of the mail of {where}, above {percent(limit)} (certain)"
    if metric == "block" and low > 0.8:
        title = f"Nearly everything is refused: {k:,} of {n:,} mails of {where}"
    told = f"{k:,} of {n:,} mails; the true rate lies between {percent(low)} and {percent(high)} (95 %), the limit is {percent(limit)}."
    return Alarm(metric, about(stream), severity, title, (told,), _WHOSE[metric], (), start, {"author_domain": stream[0], "provider": stream[1], "failures": k, "mails": n, "limit": limit})


def _recovery(sums: _Sums, known: Mapping[str, Known], bounds: Mapping[str, float]) -> tuple[dict[str, str], set[str]]:
    streams = {about(stream): stream for stream in sums.streams}
    recovered: dict[str, str] = {}
    still_bad: set[str] = set()
    for key, one in known.items():
        metric, _, name = key.partition("|")
        if not one.open or metric not in METRICS or name not in streams:
            continue
        limit = bounds[metric]
        k, n = sums.since(streams[name], one.since).of(metric)
        if n and above(k, n, limit, RECOVERED):
            still_bad.add(key)
        elif n and k < limit * n and log_e_below(k, n, limit) >= log(RECOVERED):
            recovered[key] = f"Since then {k:,} of {n:,} mails, below {percent(limit)} (certain)."
    return recovered, still_bad


# -- other conditions

def silent(source: str, last: float, gaps: Iterable[float], now: float) -> Alarm | None:
    """A source that has said nothing for much longer than it ever does; with fewer than ten gaps nobody knows what is usual."""
    known = sorted(gaps)
    quiet = now - last
    if len(known) < 10 or last <= 0 or quiet < max(6 * HOUR, 3 * known[-1]):
        return None
    told = f"The last event came {quiet / HOUR:,.0f} hours ago; the longest pause of late was {known[-1] / HOUR:.1f} hours. Silence is no good sign: failures would not be seen either."
    return Alarm("silent", source, "warning", f"Nothing from {source} for {quiet / HOUR:,.0f} hours", (told,), "Your side: the feed, not the mail.",
                 (f"See whether {source} still writes, and whether fivefifty may still read it.",), last)


def burst(stream: Stream, template: str, today: tuple[int, int], before: tuple[int, int]) -> Alarm | None:
    """Words of refusal that were hardly ever seen and now are in more than one mail of fifty."""
    (k, n), (k0, n0) = today, before
    if k < 20 or n0 < 500 or not above(k, n, 0.02) or jeffreys(k0, n0)[1] * 5 > k / n:
        return None
    told = f"{k:,} of {n:,} mails in a day; in the weeks before {k0:,} of {n0:,}."
    return Alarm("burst", f"{about(stream)}: {template[:80]}", "warning", f"A new answer to the mail of {stream[0] or 'an unknown sender'}: {template[:120]}", (told, template[:300]), "",
                 ('See what it means: fivefifty diagnose with the text, or "fivefifty story".',), 0.0, {"author_domain": stream[0], "template": template})
