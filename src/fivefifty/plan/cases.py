"""The life of a case: open, acknowledged, fixed (a person says so), verified (mail proves it) or open again (mail contradicts)."""
from __future__ import annotations

from typing import Any

from ..errors import InputError
from .alert import Alarm

STATES = ("open", "acknowledged", "fixed", "verified", "closed")
OPEN = frozenset(("open", "acknowledged", "fixed"))
HOUR, DAY = 3600.0, 86_400.0
AGAIN = 7 * DAY  # trouble that comes back within this is the same case
TOLD = 2  # times a case may come back before its notes are spaced out
Case = dict[str, Any]

_MAY = {"acknowledged": ("open",), "fixed": ("open", "acknowledged"), "closed": ("open", "acknowledged", "fixed"), "open": ("fixed", "verified", "closed", "acknowledged")}


def opened(alarm: Alarm, number: int, now: float) -> Case:
    """A new case of an alarm."""
    case: Case = {
        "id": number, "key": alarm.key, "condition": alarm.condition, "about": alarm.about, "severity": alarm.severity, "state": "open", "title": alarm.title,
        "evidence": list(alarm.evidence), "whose": alarm.whose, "steps": list(alarm.steps), "since": alarm.since, "opened": now, "counted_from": next_hour(now), "facts": dict(alarm.facts),
        "returns": 0, "told": now, "history": [],
    }
    return _noted(case, "open", now, "watch", alarm.title)


def next_hour(now: float) -> float:
    """Counters have hours: what is counted from now on begins with the next one."""
    return (now // HOUR + 1) * HOUR


def moved(case: Case, state: str, now: float, by: str, note: str = "") -> Case:
    """The case after what a person decides; `InputError` where it can't be."""
    if case["state"] not in _MAY[state]:
        raise InputError(f"Case {case['id']} is {case['state']}, so it can't become {state}.", "", "fivefifty cases shows them.")
    changed = {**case, "state": state}
    if state in ("fixed", "closed"):
        changed["counted_from"] = next_hour(now)  # mail sent after it tells
    return _noted(changed, state, now, by, note)


def verified(case: Case, now: float, proof: str) -> Case:
    """The data say that it is over."""
    return _noted({**case, "state": "verified", "counted_from": next_hour(now)}, "verified", now, "data", proof)


def contradicted(case: Case, now: float, proof: str) -> Case:
    """A person said it was fixed, the data say no."""
    return _noted({**case, "state": "open", "counted_from": next_hour(now), "told": now}, "open", now, "data", proof)


def worse(case: Case, alarm: Alarm, now: float) -> Case:
    """The same trouble, now critical."""
    return _noted({**case, "severity": alarm.severity, "title": alarm.title, "evidence": list(alarm.evidence), "told": now}, case["state"], now, "data", f"worse: {alarm.title}")


def returned(case: Case, alarm: Alarm, now: float) -> tuple[Case, bool]:
    """An ended case whose trouble is back, and whether that is worth a note: what comes and goes all the time is told ever more rarely."""
    returns = int(case["returns"]) + 1
    tell = returns <= TOLD or now - float(case["told"]) >= DAY * 2 ** min(returns - TOLD, 5)
    changed = {
        **case, "state": "open", "severity": alarm.severity, "title": alarm.title, "evidence": list(alarm.evidence), "steps": list(alarm.steps), "since": alarm.since, "facts": dict(alarm.facts),
        "counted_from": next_hour(now), "returns": returns, "told": now if tell else case["told"],
    }
    return _noted(changed, "open", now, "data", f"again: {alarm.title}"), tell


def ended_lately(case: Case, now: float) -> bool:
    """Whether the case ended so short a time ago that the same trouble is the same case."""
    return case["state"] not in OPEN and now - float(case["history"][-1]["time"]) < AGAIN


def _noted(case: Case, state: str, now: float, by: str, note: str) -> Case:
    return {**case, "changes": int(case.get("changes", 0)) + 1, "history": [*case["history"][-99:], {"time": now, "state": state, "by": by, "note": note[:500]}]}
