"""What reputation feeds tell: SNDS of Outlook.com, Postmaster Tools of Gmail.

They give rates without counts, so one bad day of a rate is no alarm, two of the last three are.  Days without data are simply missing:
that is no recovery.
"""
from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from ..model import Event
from .alert import LIMITS, Alarm

# Spam rates as shares; Gmail wants them below 0.1 % and never at 0.3 % (support.google.com/a/answer/81126).
_RATES = ("spam_rate", "user_reported_spam_ratio", "user_reported_spam_rate", "complaint_rate")
_BAD = {"filter_result": {"RED": "critical"}, "blocked": {"True": "critical"}, "domain_reputation": {"BAD": "critical", "LOW": "warning"}}
_GOOD = {"filter_result": ("GREEN",), "blocked": ("False",), "domain_reputation": ("HIGH", "MEDIUM")}
Told = tuple[float, object]


def reputation(events: Iterable[Event]) -> tuple[list[Alarm], dict[str, str]]:
    """(alarms, keys of cases that are over with the proof) by the newest days that were told."""
    values: dict[tuple[str, str, str], list[Told]] = {}
    for event in events:
        about = event.sending_ip or event.author_domain or str(event.facts.get("first_ip", ""))
        for name, value in event.facts.items():
            if about and (name in _BAD or name in _RATES or value == "NEEDS_WORK" or value == "COMPLIANT"):
                values.setdefault((event.source, about, name), []).append((event.time, value))
    alarms: list[Alarm] = []
    over: dict[str, str] = {}
    for (source, about, name), told in sorted(values.items()):
        newest = sorted(told, key=lambda one: one[0])[-3:]
        alarm = _alarm(source, about, name, newest)
        if alarm is not None:
            alarms.append(alarm)
        elif _well(name, newest):
            over[f"reputation|{source} {about} {name}"] = f"{source} tells {name} {newest[-1][1]} for {_day(newest[-1][0])}."
    return alarms, over


def _alarm(source: str, about: str, name: str, newest: list[Told]) -> Alarm | None:
    value = newest[-1][1]
    if name in _RATES:
        high = [one for one in newest if _above(one[1], LIMITS["complaint"])]
        if len(high) < 2 or not _above(value, LIMITS["complaint"]):
            return None
        severity = "critical" if _above(value, LIMITS["complaint_critical"]) else "warning"
    else:
        severity = "warning" if value == "NEEDS_WORK" else _BAD.get(name, {}).get(str(value), "")
        if not severity:
            return None
    evidence = tuple(f"{_day(time)}: {name} {one}" for time, one in newest)
    steps = ("Look at what was sent on these days, and to whom: complaints come from mail that people did not ask for.",) if name in _RATES else ("Read what the feed says of it, and fix that first.",)
    return Alarm("reputation", f"{source} {about} {name}", severity, f"{source} tells {name.replace('_', ' ')} {value} for {about}", evidence, "Your side.", steps, newest[0][0])


def _well(name: str, newest: list[Told]) -> bool:
    if name in _RATES:
        return len(newest) >= 2 and all(isinstance(one, (int, float)) and one < LIMITS["complaint"] for _, one in newest[-2:])
    return str(newest[-1][1]) in _GOOD.get(name, ("COMPLIANT",))


def _above(value: object, limit: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= limit


def _day(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d")
