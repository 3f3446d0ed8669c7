"""What changed in the world of own domains and servers, told only when it was seen twice: one odd answer is no change.

What could not be learned changes nothing, in neither direction.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..model import Finding
from .alert import Alarm

State = dict[str, Any]
# Checks whose failing is news by itself; the others are told by `fivefifty check` and by changes of records.
WATCHED = ("lists.", "receiving.certificate", "transport.mta_sts", "transport.dnssec", "transport.dane", "sending.iprev")


@dataclass(slots=True)
class Seen:
    """What is remembered, and what a look brought."""

    state: State = field(default_factory=dict)
    alarms: list[Alarm] = field(default_factory=list)
    recovered: dict[str, str] = field(default_factory=dict)  # key of the case -> proof


def records(known: Mapping[str, State], now: Mapping[str, Sequence[str] | None]) -> Seen:
    """Records by "MX example.org"; None where nothing could be learned."""
    seen = Seen({name: dict(one) for name, one in known.items()})
    for name, found in now.items():
        if found is None:
            continue
        value = sorted(found)
        one = seen.state.get(name)
        if one is None:
            seen.state[name] = {"value": value, "was": None, "next": None}
        elif value == one["value"]:
            one["next"] = None
        elif value != one["next"]:
            one["next"] = value
        else:
            _changed(seen, name, one, value)
    return seen


def _changed(seen: Seen, name: str, one: State, value: list[str]) -> None:
    key = f"dns|{name}"
    if value == one["was"]:
        seen.recovered[key] = f"It is again as before: {_words(value)}"
        one.update(value=value, was=None, next=None)
        return
    was = one["value"] if one["was"] is None else one["was"]
    gone = not value
    seen.alarms.append(Alarm(
        "dns", name, "critical" if gone and was else "warning", f"{name} {'is gone' if gone else 'changed'}", (f"was: {_words(one['value'])}", f"is: {_words(value)}"),
        "Your side: whoever keeps this zone.", ("If this was meant: fivefifty cases close.", f"Else put it back to: {_words(was)}"),
    ))
    one.update(value=value, was=was, next=None)


def _words(value: Sequence[str]) -> str:
    return " | ".join(value)[:500] or "(nothing)"


def findings(known: Mapping[str, State], found: Iterable[Finding]) -> Seen:
    """Findings of watched checks: failing twice in a row is an alarm, passing twice in a row its end."""
    seen = Seen({name: dict(one) for name, one in known.items()})
    for one in _worst(found).values():
        name = f"{one.check} {one.about}".strip()
        bad = one.outcome == "fail" or (one.outcome == "warn" and one.check.startswith(("receiving.certificate", "transport.dnssec")))
        if one.outcome not in ("pass", "warn", "fail"):
            continue
        state = seen.state.setdefault(name, {"bad": False, "next": False})
        if bad != state["bad"] and bad == state["next"]:
            state["bad"] = bad
            if bad:
                seen.alarms.append(_alarm(one))
            else:
                seen.recovered[_alarm(one).key] = one.sentence
        state["next"] = bad
    return seen


def _worst(found: Iterable[Finding]) -> dict[tuple[str, str], Finding]:
    order = {"fail": 3, "warn": 2, "pass": 1}
    worst: dict[tuple[str, str], Finding] = {}
    for one in found:
        if one.check.startswith(WATCHED):
            known = worst.get((one.check, one.about))
            if known is None or order.get(one.outcome, 0) > order.get(known.outcome, 0):
                worst[one.check, one.about] = one
    return worst


def _alarm(one: Finding) -> Alarm:
    condition = "listing" if one.check.startswith("lists.") else "check"
    about = f"{one.check} {one.about}".strip()
    return Alarm(condition, about, "critical" if one.weight >= 80 and one.outcome == "fail" else "warning", one.sentence, tuple(filter(None, (one.found[:500], one.reference))),
                 "Your side.", (one.advice,) if one.advice else ())
