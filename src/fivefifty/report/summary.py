"""Many verdicts in one screen: counts by cause, owner, provider and recipient domain."""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from ..verdict import Verdict
from . import clean

SCHEMA = "fivefifty/summary/1"
SHOWN = 15  # rows of one table on a screen; the JSON has all
_TABLES = {"cause": "By cause", "owner": "By whose problem it is", "standing": "How sure", "provider": "By provider", "domain": "By recipient domain"}


@dataclass(slots=True)
class Tally:
    """What was counted; two tallies add up."""

    mails: int = 0
    ordinary: int = 0  # mails that are no bounce
    unread: int = 0
    failures: int = 0
    notices: int = 0
    suppress: int = 0
    by: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in _TABLES})

    @property
    def diagnosed(self) -> int:
        """Verdicts, of failures and of notices."""
        return self.failures + self.notices

    def add(self, verdict: Verdict) -> None:
        """Count one recipient's verdict."""
        self.failures += verdict.kind == "failure"
        self.notices += verdict.kind == "notice"
        self.suppress += verdict.suppress
        recipient = verdict.failure.final_recipient or verdict.failure.original_recipient
        for name, value in {
            "cause": verdict.cause, "owner": verdict.owner, "standing": verdict.standing, "provider": verdict.provider,
            "domain": recipient.rpartition("@")[2].lower() if "@" in recipient else "",
        }.items():
            self.by[name][value] += 1

    def merge(self, other: Tally) -> None:
        """Add what another worker counted."""
        for name in ("mails", "ordinary", "unread", "failures", "notices", "suppress"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name, counts in other.by.items():
            self.by[name].update(counts)


def _rows(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda row: (-row[1], row[0]))


def as_dict(tally: Tally) -> dict[str, Any]:
    """The counts as plain values, each table with its largest first; "" is: not known."""
    names = ("mails", "ordinary", "unread", "failures", "notices", "suppress")
    return {"schema": SCHEMA} | {name: getattr(tally, name) for name in names} | {"by_" + name: dict(_rows(tally.by[name])) for name in _TABLES}


def as_text(tally: Tally) -> str:
    """The counts for a person."""
    lines = [
        f"{_count(tally.mails, 'mail')} read: {_count(tally.failures, 'failed delivery', 'failed deliveries')}, {_count(tally.notices, 'notice')} "
        f"(delays, automatic replies, complaints …), {tally.ordinary:,} not a bounce.",
    ]
    if tally.unread:
        lines.append(f"{_count(tally.unread, 'input')} could not be read; named above.")
    if tally.failures:
        lines.append(f"{_count(tally.suppress, 'address', 'addresses')} should get no more mail; nothing here speaks against the others.")
    for name, title in _TABLES.items():
        if tally.by[name]:
            lines += ["", title, *_table(name, tally.by[name])]
    return "\n".join(lines) + "\n"


def _table(name: str, counts: Counter[str]) -> list[str]:
    rows = _rows(counts)
    lines = [f"  {number:>7,}  {_label(name, value)}" for value, number in rows[:SHOWN]]
    rest = rows[SHOWN:]
    return lines + ([f"  {sum(number for _, number in rest):>7,}  {len(rest)} others (--json lists them)"] if rest else [])


def _label(name: str, value: str) -> str:
    if not value:
        return "not known"
    if name == "cause":
        from ..causes import cause

        return f"{value:<28} {cause(value).title}"
    return clean(value)


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
