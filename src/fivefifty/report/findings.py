"""Findings for a person: what hurts first, each with the record as found and what to publish instead."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ..model import Finding, Subject
from .text import Block, Look, drawn, gap, said

_HEADS = {
    "fail": "What makes mail fail", "warn": "What costs something, or will break", "unknown": "What could not be learned",
    "crashed": "Checks that failed themselves (our bugs)", "pass": "What is as it should be", "skipped": "What was not checked",
}
_MARKS = {"fail": "FAIL", "warn": "warn", "unknown": "?", "crashed": "bug", "pass": "ok", "skipped": "-"}
LABEL = 8
TABLE = "dmarc.bulk_requirements"
MAX_FOUND = 700  # characters of a record that are shown; -v shows all


class Row(NamedTuple):
    """One cell of the table of requirements; `state` is met, not met or cannot know."""

    provider: str
    requirement: str
    state: str
    why: str


def render(subject: Subject, findings: Sequence[Finding], look: Look) -> str:
    """The whole text of one audit, with a line end."""
    return drawn(_blocks(subject, findings, look), look)


def _blocks(subject: Subject, findings: Sequence[Finding], look: Look) -> Iterator[Block]:
    yield Block(((opening(subject.domain or ", ".join(subject.sending_ips), findings), "bold"),), indent=0)
    told = [one for one in findings if one.check != TABLE or one.outcome == "crashed"]  # the table says it better
    for outcome in ("fail", "warn", "unknown", "crashed"):
        yield from _group(outcome, told, look)
    if look.verbose:
        yield from _group("pass", told, look)
        yield from _group("skipped", told, look)
    else:
        yield from _rest(told)
    yield from _requirements(requirements(findings))


def requirements(findings: Iterable[Finding]) -> list[Row]:
    """The table of the bulk-sender requirements, from the findings that hold its rows."""
    return [
        Row(str(one.facts.get("provider", "")), row["requirement"], row["state"], row["why"])
        for one in findings if one.check == TABLE for row in _listed(one.facts.get("requirements"))
    ]


def _listed(value: object) -> list[dict[str, str]]:
    return value if isinstance(value, list) else []


def opening(name: str, findings: Iterable[Finding]) -> str:
    """The first sentence: how bad it is."""
    outcomes = [one.outcome for one in findings if one.check != TABLE]
    failed, warned, unlearned = outcomes.count("fail"), outcomes.count("warn"), outcomes.count("unknown") + outcomes.count("crashed")
    if failed:
        told = f"{_things(failed)} make{'s' if failed == 1 else ''} mail fail" + (f", and {_things(warned)} could be better" if warned else "")
    elif warned:
        told = f"nothing here makes mail fail; {_things(warned)} could be better"
    else:
        told = "nothing wrong was found" if "pass" in outcomes else "nothing could be said"
    return f"{name}: {told}" + (f" ({unlearned} could not be learned)." if unlearned else ".")


def _things(number: int) -> str:
    return "one thing" if number == 1 else f"{number} things"


def _group(outcome: str, findings: Sequence[Finding], look: Look) -> Iterator[Block]:
    shown = [one for one in findings if one.outcome == outcome]
    if shown:
        yield from (gap(), Block(((_HEADS[outcome], "bold"),), indent=0))
    for one, others in _alike(shown) if not look.verbose else ((one, ()) for one in shown):
        yield from _one(one, look)
        if others:
            yield said(f"The same of: {', '.join(others)}.", indent=LABEL)


def _alike(findings: Sequence[Finding]) -> Iterator[tuple[Finding, Sequence[str]]]:
    """What could not be learned for the same reason is told once: (the first finding, what the others are about)."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for one in findings:
        reason = str(one.facts.get("reason", "")) or one.advice
        key = (one.check, reason if one.outcome == "unknown" else f"{one.sentence} {one.about}")
        groups.setdefault(key, []).append(one)
    for alike in groups.values():
        yield alike[0], [_name(one) for one in alike[1:]]


def _name(finding: Finding) -> str:
    return str(finding.facts.get("list_name", "") or finding.about or finding.check)


def _one(finding: Finding, look: Look) -> Iterator[Block]:
    reference = f"  [{finding.check}{', ' + finding.reference if finding.reference else ''}]"
    yield Block(((finding.sentence, "bold" if finding.outcome == "fail" else ""), (reference, "dim")), _MARKS[finding.outcome], indent=LABEL)
    if finding.found and (look.verbose or finding.outcome in ("fail", "warn")):
        found = finding.found if look.verbose else finding.found[:MAX_FOUND] + (" […]" if len(finding.found) > MAX_FOUND else "")
        yield Block((("found    ", "dim"), (found, "")), indent=LABEL)
    if finding.advice:
        yield Block((("do       ", "dim"), (finding.advice, "")), indent=LABEL)
    if finding.record:
        yield Block((("publish  ", "dim"), (finding.record, "words_quiet")), indent=LABEL)
    if look.verbose:
        for one in finding.evidence:
            answer = " | ".join(one.answer.split("\n")) or one.error
            yield Block(((f"{one.question} -> {answer[:MAX_FOUND]}" + (f"  (asked {one.answered_by})" if one.answered_by else ""), "dim"),), indent=LABEL)


def _rest(findings: Sequence[Finding]) -> Iterator[Block]:
    """What went well, in a line: names without sentences."""
    good = list(dict.fromkeys(one.check for one in findings if one.outcome == "pass"))
    skipped = list(dict.fromkeys(one.check for one in findings if one.outcome == "skipped"))
    if good:
        yield from (gap(), said(f"As it should be ({len(good)}): {', '.join(good)}.", indent=0))
    if skipped:
        yield said(f"Not checked ({len(skipped)}; -v says why): {', '.join(skipped)}.", indent=0)


def _requirements(rows: Sequence[Row]) -> Iterator[Block]:
    """The bulk-sender requirements as one table: a line for each requirement, a column for each provider."""
    if not rows:
        return
    yield from (gap(), Block((("What the big receivers ask of senders", "bold"),), indent=0))
    yield Block((("\n".join(_table(rows)), ""),), indent=2, verbatim=True)
    for why in dict.fromkeys(f"{row.requirement}: {row.why}" for row in rows if row.state == "not met" and row.why):
        yield said(why, "Not met", indent=LABEL + 4)


def _table(rows: Sequence[Row]) -> Iterator[str]:
    providers = list(dict.fromkeys(row.provider for row in rows))
    width, column = max(len(row.requirement) for row in rows) + 2, max(12, *(len(one) for one in providers)) + 2
    yield (" " * width + "".join(f"{one:<{column}}" for one in providers)).rstrip()
    for requirement in dict.fromkeys(row.requirement for row in rows):
        cells = {row.provider: row.state for row in rows if row.requirement == requirement}
        yield (f"{requirement:<{width}}" + "".join(f"{cells.get(one, '-'):<{column}}" for one in providers)).rstrip()
