"""Decides which addresses get no more mail, on evidence about the address itself and nothing else.

The worst error is to declare a living address dead, so hard words count only from a trusted source, soft ones only when they come back on
different days, and words about sender, content or policy never.  When one provider suddenly answers nearly everybody with "user unknown",
the provider is broken and not the addresses: such suppressions are held until somebody, or later mail, settles them.
"""
from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from ..causes import all_causes
from ..model import Event
from .rates import e_value, jeffreys

DAY = 86_400.0
TRUSTED = frozenset(("own", "signed", "matched"))
ALL, MARKETING = "all", "marketing"
MOST = 320  # characters of an address: 64 and 255 (RFC 5321 4.5.3.1) and the sign between


@dataclass(frozen=True, slots=True)
class Rule:
    """What has to come together: final failures of these causes on `days` different days within `within` days, the first and the last `apart` days apart."""

    id: str
    causes: tuple[str, ...]
    days: int
    within: float
    lasts: float  # days
    apart: float = 0.0
    why: str = ""


# One mail that waits in a queue fails many times a day, and a log line and a bounce tell of one failure: so days are counted, not reports.
SOFT = (
    Rule("full", ("address.full",), 3, 14, 30, why="its mailbox was full on {days} days within {span}"),
    # DNS trouble heals within hours or days, a domain that is given up does not (causes: address.domain)
    Rule("domain", ("address.domain",), 3, 21, 90, 3.0, "its domain took no mail on {days} days within {span}"),
)


@dataclass(frozen=True, slots=True)
class Rules:
    """What is decided by; `outbreak` bounds say when a provider rather than an address is to be doubted."""

    soft: tuple[Rule, ...] = SOFT
    outbreak_least: int = 5  # "user unknown" answers in a window
    outbreak_share: float = 0.5  # of all final answers there
    outbreak_certainty: float = 100.0  # the e-value that is asked for
    outbreak_normal: float = 0.2  # a share of unknown users up to this is normal where nothing is known of earlier
    outbreak_rise: float = 3.0  # times the usual share


def rules_of(told: Mapping[str, float]) -> Rules:
    """The rules with what the settings say of them: `full_days`, `full_within`, `full_lasts`, and the same of `domain`; hard words and blocks are no matter of settings."""
    return Rules(tuple(replace(one, days=math.ceil(told.get(f"{one.id}_days", one.days)), within=told.get(f"{one.id}_within", one.within), lasts=told.get(f"{one.id}_lasts", one.lasts)) for one in SOFT))


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of one address: its failures, when it last showed itself alive, when a person took it off the list, and why it stands there."""

    failures: Sequence[Event] = ()
    alive: float = 0.0
    cleared: float = 0.0
    reasons: Mapping[str, float] = field(default_factory=dict, hash=False)  # ids of the reasons that stand, and since when
    held: Mapping[str, float] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Outbreak:
    """A provider that answers nearly everybody with "user unknown"."""

    provider: str
    since: float
    until: float
    unknown: int
    sent: int
    usual: float = -1.0  # the usual share, below 0 where nothing is known

    @property
    def sentence(self) -> str:
        """What happened, with the counts."""
        usual = f"; normally it is {self.usual:.1%}" if self.usual >= 0 else ""
        return f"{self.unknown:,} of {self.sent:,} mails to {self.provider} got \u201cuser unknown\u201d or the like within {span_words(self.until - self.since)}{usual}"


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to become of one address.  `action`: suppress, hold, lift (soft reasons end), contradict (a hard one is to be looked at)."""

    address: str
    action: str
    reason: str = ""  # id of the reason: a cause, a rule, "complaint", "unsubscribe", "their list: ses"
    why: str = ""
    since: float = 0.0
    until: float = 0.0  # 0 for good
    scope: str = ALL
    evidence: tuple[Event, ...] = field(default=(), hash=False)


History = Callable[[str], Past]


def key_of(address: str) -> str:
    """How an address is compared: all lower case, "" where it is none.

    Local parts are case-sensitive by RFC 5321 2.4, but hardly a server keeps to it, and one more mail to a dead address harms; what follows
    a "+" is not taken off: who unsubscribes name+list@ has not spoken of name@.
    """
    text = address.strip().strip("<>").strip()
    local, at, domain = text.rpartition("@")
    domain = domain.rstrip(".").lower()
    if not at or not local or not domain or len(text) > MOST or "<" in text or ">" in text or any(char.isspace() or not char.isprintable() for char in text):
        return ""
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError:
            return ""
    return f"{local.lower()}@{domain}"


@lru_cache(maxsize=1)
def hard_causes() -> frozenset[str]:
    """The causes by which one trusted failure is enough."""
    return frozenset(one.id for one in all_causes() if one.suppress and one.owner == "address")


def consider(events: Iterable[Event], history: History, rules: Rules, now: float, outbreaks: Sequence[Outbreak] = ()) -> list[Decision]:
    """What new events mean for the list; the same events again bring the same decisions."""
    soft = {cause: rule for rule in rules.soft for cause in rule.causes}
    found: dict[tuple[str, str], Decision] = {}
    weighed: set[tuple[str, str]] = set()
    pasts: dict[str, Past] = {}

    def past(key: str) -> Past:
        if key not in pasts:
            pasts[key] = history(key)
        return pasts[key]

    for event in events:
        key = key_of(event.recipient)
        if not key or event.trust not in TRUSTED:
            continue
        rule = soft.get(event.cause) if event.kind == "bounce" else None
        if rule is not None:
            if (key, rule.id) not in weighed:
                weighed.add((key, rule.id))
                _put(found, _soft(key, rule, past(key), now))
        elif event.kind in ("delivery", "notice"):
            for life in _alive(key, event, past(key)):
                _put(found, life)
        else:
            decision = _once(key, event, outbreaks)
            if decision is not None and event.time > past(key).cleared:
                _put(found, decision)
    return list(found.values())


def _put(found: dict[tuple[str, str], Decision], decision: Decision | None) -> None:
    if decision is None:
        return
    known = found.get((decision.address, decision.reason))
    if known is None or ((known.action, decision.action) == ("suppress", "suppress") and decision.since < known.since) or known.action != decision.action:
        found[decision.address, decision.reason] = decision


def alive(event: Event) -> bool:
    """Whether an event shows that somebody takes mail there."""
    return event.kind == "delivery" or (event.kind == "notice" and event.cause in ("notice.autoreply", "notice.success"))


def _once(key: str, event: Event, outbreaks: Sequence[Outbreak]) -> Decision | None:
    """What one event alone is enough for."""
    if event.suppress and event.kind == "bounce":
        doubted = next((one for one in outbreaks if one.provider == event.provider and one.since <= event.time < one.until), None)
        if doubted is not None:
            return Decision(key, "hold", event.cause, f"Held: {doubted.sentence}. That speaks of the provider, not of this address.", event.time, evidence=(event,))
        return Decision(key, "suppress", event.cause, "The receiving server said so about this address itself.", event.time, evidence=(event,))
    if event.kind == "complaint":
        return Decision(key, "suppress", "complaint", "The recipient marked a mail as spam: that counts as unsubscribing.", event.time, scope=MARKETING, evidence=(event,))
    if event.kind == "unsubscribe":
        return Decision(key, "suppress", "unsubscribe", "The recipient unsubscribed.", event.time, scope=MARKETING, evidence=(event,))
    if event.kind == "suppression":
        why = f"{event.source} did not send: the address stands on a list of its own. Taking it off has to be done there."
        return Decision(key, "suppress", f"their list: {event.source}", why, event.time, scope=f"via {event.source}", evidence=(event,))
    return None


def _soft(key: str, rule: Rule, past: Past, now: float) -> Decision | None:
    """Whether failures that may pass have come back often enough, with no sign of life between."""
    after = max(past.alive, past.cleared)
    told = sorted((one for one in past.failures if one.kind == "bounce" and one.cause in rule.causes and one.trust in TRUSTED and one.time > after), key=lambda one: one.time)
    for last in range(len(told) - 1, -1, -1):
        some = [one for one in told[: last + 1] if told[last].time - one.time <= rule.within * DAY]
        days = {int(one.time // DAY): one for one in some}
        if len(days) < rule.days or some[-1].time - some[0].time < rule.apart * DAY:
            continue
        until = some[-1].time + rule.lasts * DAY
        if until <= now:
            return None
        why = rule.why.format(days=len(days), span=span_words(some[-1].time - some[0].time))
        return Decision(key, "suppress", rule.id, f"{why[:1].upper()}{why[1:]}, and nothing that is kept shows a delivery between.", some[-1].time, until, evidence=tuple(days.values()))
    return None


def _alive(key: str, event: Event, past: Past) -> list[Decision]:
    """A sign of life ends soft reasons and held ones, and makes hard ones doubtful; wishes of the recipient stay."""
    told = "a delivery" if event.kind == "delivery" else "an automatic reply"
    made = []
    for reason, since in sorted(past.reasons.items()):
        if since >= event.time:
            continue
        if reason in hard_causes():
            made.append(Decision(key, "contradict", reason, f"Contradicted, look: {told} came after it.", event.time, evidence=(event,)))
        elif reason in {one.id for one in SOFT}:
            made.append(Decision(key, "lift", reason, f"Lifted: {told} came after it.", event.time, evidence=(event,)))
    made += [Decision(key, "lift", reason, f"Lifted: {told} came after it.", event.time, evidence=(event,)) for reason, since in sorted(past.held.items()) if since < event.time]
    return made


def suspects(events: Iterable[Event]) -> dict[str, tuple[float, float]]:
    """Providers that the events say hard words of, with the time of the first and the last."""
    found: dict[str, tuple[float, float]] = {}
    for event in events:
        if event.suppress and event.provider and event.kind == "bounce":
            first, last = found.get(event.provider, (event.time, event.time))
            found[event.provider] = (min(first, event.time), max(last, event.time))
    return found


WINDOWS = (2, 24)  # hours


def outbreaks(provider: str, hours: Mapping[int, tuple[int, int]], usual: tuple[int, int], rules: Rules) -> list[Outbreak]:
    """The times when a provider is to be doubted, by its (hard failures, all final answers) of each hour.

    `usual` are the same counts of earlier weeks.  The test stays valid however often it is made; windows of a day serve those who send little.
    """
    found: list[Outbreak] = []
    share = jeffreys(*usual)[1] if usual[1] >= 100 else -1.0
    limit = min(0.9, max(rules.outbreak_normal, rules.outbreak_rise * share))
    for width in WINDOWS:
        for end in sorted(hours):
            some = [hours[hour] for hour in hours if end - (width - 1) * 3600 <= hour <= end]
            unknown, sent = sum(one[0] for one in some), sum(one[1] for one in some)
            if unknown >= rules.outbreak_least and unknown >= rules.outbreak_share * sent and e_value(unknown, max(sent, unknown), limit) >= rules.outbreak_certainty:
                found.append(Outbreak(provider, end - (width - 1) * 3600.0, end + 3600.0, unknown, max(sent, unknown), usual[0] / usual[1] if usual[1] >= 100 else -1.0))
    return _merged(found)


def _merged(found: Iterable[Outbreak]) -> list[Outbreak]:
    """Overlapping times as one; the counts are those of the window that had most."""
    merged: list[Outbreak] = []
    for one in sorted(found, key=lambda one: one.since):
        if merged and one.since <= merged[-1].until:
            last = merged[-1]
            most = max(last, one, key=lambda two: two.unknown)
            merged[-1] = Outbreak(one.provider, last.since, max(last.until, one.until), most.unknown, most.sent, one.usual)
        else:
            merged.append(one)
    return merged


def span_words(seconds: float) -> str:
    """A length of time in words."""
    hours = max(1, round(seconds / 3600))
    if hours < 48:
        return "an hour" if hours == 1 else f"{hours} hours"
    return f"{round(seconds / DAY)} days"


def grouped_hours(rows: Iterable[tuple[int, str, str, int]]) -> dict[int, tuple[int, int]]:
    """(hour, kind, cause, mails) of one provider as hard failures and all final answers of each hour."""
    hard = hard_causes()
    unknown: defaultdict[int, int] = defaultdict(int)
    sent: defaultdict[int, int] = defaultdict(int)
    for hour, kind, cause, mails in rows:
        if kind in ("delivery", "bounce", "block"):
            sent[hour] += mails
            unknown[hour] += mails if kind == "bounce" and cause in hard else 0
    return {hour: (unknown[hour], count) for hour, count in sent.items()}
