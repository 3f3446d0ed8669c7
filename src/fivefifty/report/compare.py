"""What changed between two audits of the same subject: a DNS change shows what it did."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..model import Finding
from .text import Block, Look, drawn, gap, said

_BAD = {"fail": 3, "warn": 2, "unknown": 1, "crashed": 1, "pass": 0, "skipped": 0}
_WORDS = {"worse": "Worse now", "better": "Better now", "changed": "Changed, with the same outcome", "new": "New", "gone": "No longer reported"}


@dataclass(frozen=True, slots=True)
class Change:
    """One finding then and now; None where it was not, or is no longer."""

    then: Finding | None
    now: Finding | None

    @property
    def kind(self) -> str:
        """worse, better, changed, new or gone."""
        if self.then is None or self.now is None:
            return "new" if self.then is None else "gone"
        step = _BAD[self.now.outcome] - _BAD[self.then.outcome]
        return "worse" if step > 0 else "better" if step < 0 else "changed"


def _keyed(findings: Iterable[Finding]) -> dict[tuple[str, str, int], Finding]:
    """Findings by check and what they are about; several of the same are told apart by their order."""
    keyed: dict[tuple[str, str, int], Finding] = {}
    for one in findings:
        number = 0
        while (one.check, one.about, number) in keyed:
            number += 1
        keyed[one.check, one.about, number] = one
    return keyed


def changes(then: Iterable[Finding], now: Iterable[Finding]) -> list[Change]:
    """The differences that matter: outcome, or the record that was found.  Times and wording do not count."""
    old, new = _keyed(then), _keyed(now)
    found = [Change(old.get(key), new.get(key)) for key in {**old, **new}]
    return [one for one in found if one.then is None or one.now is None or (one.then.outcome, one.then.found) != (one.now.outcome, one.now.found)]


def change_dict(change: Change) -> dict[str, object]:
    """One change as plain values."""
    sides = {"then": change.then, "now": change.now}
    told = {side: {"outcome": one.outcome, "found": one.found, "sentence": one.sentence} if one else None for side, one in sides.items()}
    known = change.now or change.then
    return {"check": known.check if known else "", "about": known.about if known else "", "kind": change.kind, **told}


def render(found: Sequence[Change], look: Look) -> str:
    """The changes as text, what got worse first."""
    return drawn(_blocks(found), look)


def _blocks(found: Sequence[Change]) -> Iterator[Block]:
    yield gap()
    if not found:
        yield Block((("Nothing changed since the old report.", "bold"),), indent=0)
    for kind, words in _WORDS.items():
        shown = [one for one in found if one.kind == kind and _worth_showing(one)]
        if shown:
            yield Block(((f"{words} ({len(shown)})", "bold"),), indent=0)
        for one in shown:
            yield from _one(one)


def _worth_showing(change: Change) -> bool:
    """A check that appears or goes with nothing to say is no news."""
    known = change.now or change.then
    return change.kind not in ("new", "gone") or (known is not None and known.outcome in ("fail", "warn"))


def _one(change: Change) -> Iterator[Block]:
    known = change.now or change.then
    if known is None:
        return
    yield Block(((known.sentence, ""), (f"  [{known.check}]", "dim")), known.outcome, indent=8)
    if change.then and change.now and change.then.found != change.now.found:
        yield said(f"was  {change.then.found or '(nothing)'}", indent=8)
        yield said(f"is   {change.now.found or '(nothing)'}", indent=8)
