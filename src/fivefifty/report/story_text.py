"""A story for people: the answer first, then whose problem it is, the proof, what to do, and the send that would decide."""
from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..causes import cause
from ..model import Event
from ..plan.rates import jeffreys
from ..story import CERTAIN, LIKELY, SCOPES, Slice, Story, Tally, name_of
from . import clean
from .period import moment, percent

SCHEMA = "fivefifty/story/1"
USUAL = 0.03  # a failure rate above that is worth a word
FEW = 20  # mails of which no percentage is shown
_LABEL = 12
_OWNERS = {
    "address": "The addresses' own: nobody lives there.", "recipient": "The receiving side's.", "sender": "Yours.", "list": "Your list's: it holds addresses that are dead.",
    "content": "Yours: what the mails contain.", "policy": "A rule of the receiving side.", "transient": "Nobody's for good: it passes, or it does not.", "unknown": "Not settled by the words.",
}
_PARTS = {"provider": "", "recipient_domain": "the domain ", "sending_ip": "mail from your IP ", "author_domain": "mail from your domain ", "campaign": "the campaign "}
_SCOPE_WORDS = {"none": "nothing out of the ordinary", "one": "one of them", "all": "everyone alike", "mixed": "several, not all"}


@dataclass(frozen=True, slots=True)
class Proof:
    """What a slice is shown with: events as examples, and the first steps of the fix."""

    examples: tuple[Event, ...] = ()
    steps: tuple[str, ...] = ()


def render(story: Story, proofs: Sequence[Proof], period: str, width: int = 88, verbose: bool = False) -> str:
    """The whole text."""
    lines = [*_wrapped(headline(story), width), ""]
    lines += [*_wrapped(period, width, "  ", "  "), ""]
    for number, one in enumerate(story.slices):
        proof = proofs[number] if number < len(proofs) else Proof()
        lines += [*_of_slice(one, proof, story, number, width, verbose), ""]
    lines += _raised(story)
    lines += _undecided(story, width, verbose)
    if story.skipped and verbose:
        lines += [*_wrapped(f"Not compared, because the deliveries do not tell them: {', '.join(_named(name) for name in story.skipped)}.", width), ""]
    if story.deferrals is not None:
        lines += [*_wrapped("Put off, not refused: " + headline(story.deferrals, deferred=True), width), ""]
    return clean("\n".join(lines).rstrip() + "\n")


def headline(story: Story, *, deferred: bool = False) -> str:
    """The answer, in a sentence or two."""
    total, fails = story.total, "were put off" if deferred else "failed"
    if not total.mails:
        return "Nothing was counted in this period."
    if not story.deliveries_known:
        return (f"{total.failed:,} mails failed, but no source tells how many were delivered, so no rate can be told. "
                "Feed the mail log, the webhooks of deliveries, or a table of volumes (fivefifty ingest table).")
    if story.scope == "none":
        return _ordinary(story)
    if not story.certain and story.posteriors[story.scope] < LIKELY:
        if _alike(story):
            return _ordinary(story)
        return f"Too little to tell: {_counted(total)} {fails}."
    if story.scope == "all":
        return _sure(story, f"Everyone: {_counted(total)} {fails}, at every receiver alike{_when(story.slices[0]) if story.slices else ''}.")
    if story.scope == "mixed" and story.slices:
        return _sure(story, f"Several things at once: {_counted(total)} {fails}, everywhere more than usual, but not alike.")
    if story.scope == "mixed" or not story.slices:
        return _sure(story, f"Several receivers, but not all: {_counted(total)} {fails}.")
    first = story.slices[0]
    return _sure(story, f"One {_kind(first)}: {_title(first)}. {_where_and_when(first, fails)}; of all other mail {_counted(first.rest)}.")


def _where_and_when(one: Slice, fails: str) -> str:
    if not one.since and not one.until:
        return f"There {_counted(one.tally)} {fails}"
    before = Tally(one.tally.failed - one.within.failed, one.tally.mails - one.within.mails)
    return f"There {_counted(one.within)} {fails}{_when(one)}, at other times {_counted(before)}"


def _ordinary(story: Story) -> str:
    total, odds = story.total, story.posteriors
    if total.mails >= FEW and odds.get("none", 1.0) >= CERTAIN:
        return f"Nothing out of the ordinary: {_counted(total)} failed, spread as chance spreads it."
    if _alike(story):
        return f"No receiver, IP, domain or campaign stands out: {_counted(total)} failed, everywhere alike{', which is more than usual' if total.interval[0] > USUAL else ''}."
    return f"Too little to tell: {_counted(total)} failed."


def _alike(story: Story) -> bool:
    """Whether only the height of the common rate is open, not where it is raised."""
    return story.total.mails >= FEW and story.posteriors.get("none", 0.0) + story.posteriors.get("all", 0.0) >= CERTAIN


def _sure(story: Story, told: str) -> str:
    return told if story.certain else f"Not certain yet ({percent(story.posteriors[story.scope])}), but likely: {told[0].lower()}{told[1:]}"


def _kind(one: Slice) -> str:
    return {"provider": "provider", "recipient_domain": "domain", "sending_ip": "IP of yours", "author_domain": "sending domain", "campaign": "campaign"}[one.dimension]


def _named(dimension: str) -> str:
    return {"provider": "provider", "recipient_domain": "recipient domain", "sending_ip": "sending IP", "author_domain": "sending domain", "campaign": "campaign"}[dimension]


def _title(one: Slice) -> str:
    return _shown(one.dimension, one.value)


def _shown(dimension: str, value: str) -> str:
    return name_of(value) if dimension == "provider" else value


def _counted(one: Tally) -> str:
    """"58 of 64 mails (91 %, 82 to 96 %)"; of few no percentage."""
    if not one.mails:
        return "no mail"
    told = f"{one.failed:,} of {one.mails:,} mail{'s' if one.mails > 1 else ''}"
    if one.mails < FEW:
        return told
    low, high = jeffreys(one.failed, one.mails)
    return f"{told} ({percent(one.share)}; {percent(low)} to {percent(high)})"


def _when(one: Slice) -> str:
    since = f" since {_clock(one.since)}" if one.since else ""
    return f"{since}{f' until {_clock(one.until)}' if one.until else ''}"


def _clock(at: float) -> str:
    return f"{moment(at):%-d %B %H:%M} UTC"


def _of_slice(one: Slice, proof: Proof, story: Story, number: int, width: int, verbose: bool) -> Iterator[str]:
    if number or story.scope == "mixed":
        yield from _wrapped(f"{'Apart from that, one' if number else 'One'} {_kind(one)}: {_title(one)}. {_where_and_when(one, 'failed')}; of all other mail {_counted(one.rest)}.", width)
    yield from _field("Whose", _OWNERS.get(one.owner, "Not settled."), width)
    if one.cause:
        yield from _field("Why", f"{cause(one.cause).title} ({one.cause}), in {_share(one)} of the failures.", width)
    for template, count in one.templates[: 3 if verbose else 1]:
        yield from _field("Said", f"{count:,} x  {template[:300]}" if template else f"{count:,} without words", width)
    if one.since and one.since_between[0] != one.since_between[1]:
        yield from _field("Since", f"between {_clock(one.since_between[0])} and {_clock(one.since_between[1])}, with 90 % certainty", width)
    for dimension, value in one.same:
        yield from _field("Or", f"{_PARTS[dimension]}{_shown(dimension, value)}: these are the same mails, and counts can't tell the two apart. {_apart(one, dimension)}", width)
    for event in proof.examples[: 3 if verbose else 2]:
        yield from _field("Example", f"{event.recipient or event.recipient_domain}, {_clock(event.time)}{f', {event.where}' if event.where else ''}", width)
    if proof.steps:
        yield "What to do"
        for at, step in enumerate(proof.steps, 1):
            yield from _wrapped(f"{at}. {step}", width, "  ", "     ")


def _share(one: Slice) -> str:
    total = sum(count for _, count in one.causes)
    count = one.causes[0][1]
    return f"{count:,} of {one.tally.failed:,}" if total else "none"


def _apart(one: Slice, other: str) -> str:
    """Which send would tell two slices of the same mails apart."""
    ways = {"sending_ip": "from another IP", "author_domain": "from another of your domains", "campaign": "with other content", "provider": "to another provider",
            "recipient_domain": "to another domain there"}
    return f"A mail {ways[other]} to {_title(one)} decides." if one.dimension in ("provider", "recipient_domain") and other not in ("provider", "recipient_domain") else f"A mail {ways[other]} decides."


def _raised(story: Story) -> list[str]:
    if not story.raised:
        return []
    lines = [f"Raised, by {_named(story.raised[0][0])}"]
    lines += [f"  {_shown(dimension, value) or 'not known':<30}  {_counted(tally)}" for dimension, value, tally in story.raised]
    return [*lines, ""]


def _undecided(story: Story, width: int, verbose: bool) -> list[str]:
    lines: list[str] = []
    if story.posteriors and (verbose or not story.certain) and story.total.failed:
        told = ", ".join(f"{_SCOPE_WORDS[scope]} {percent(story.posteriors[scope])}" for scope in sorted(SCOPES, key=lambda scope: -story.posteriors.get(scope, 0)) if story.posteriors.get(scope, 0) >= 0.005)
        lines += [*_field("Odds", f"{told}.", width)]
    if story.probe is not None:
        lines += [*_field("Next test", f"Send {story.probe.send}. Refused: {story.probe.refused}. Accepted: {story.probe.accepted}.", width)]
    return [*lines, ""] if lines else []


def _field(name: str, text: str, width: int) -> Iterator[str]:
    yield from _wrapped(text, width, f"{name:<{_LABEL}}", " " * _LABEL)


def _wrapped(text: str, width: int, first: str = "", rest: str = "") -> list[str]:
    return textwrap.wrap(" ".join(text.split()), max(width, 40), initial_indent=first, subsequent_indent=rest, break_on_hyphens=False) or [first]


def as_dict(story: Story, proofs: Sequence[Proof], since: float, until: float) -> dict[str, Any]:
    """For programs."""
    return {"schema": SCHEMA, "since": since, "until": until, "headline": clean(headline(story)), **_plain(story, proofs),
            "deferrals": {"headline": clean(headline(story.deferrals, deferred=True)), **_plain(story.deferrals, ())} if story.deferrals is not None else {}}


def _plain(story: Story, proofs: Sequence[Proof]) -> dict[str, Any]:
    tally: Callable[[Tally], Mapping[str, Any]] = lambda one: {"failed": one.failed, "mails": one.mails, "low": one.interval[0] if one.mails else 0.0, "high": one.interval[1] if one.mails else 1.0}  # noqa: E731
    return {
        "scope": story.scope, "certain": story.certain, "posteriors": {scope: story.posteriors.get(scope, 0.0) for scope in SCOPES}, "total": tally(story.total),
        "deliveries_known": story.deliveries_known, "not_compared": list(story.skipped),
        "slices": [
            {"dimension": one.dimension, "value": one.value, "posterior": one.posterior, "counts": tally(one.tally), "rest": tally(one.rest), "cause": one.cause, "owner": one.owner,
             "causes": [{"cause": name, "count": count} for name, count in one.causes], "templates": [{"template": text, "count": count} for text, count in one.templates],
             "within": tally(one.within), "since": one.since, "since_between": list(one.since_between), "until": one.until, "same_mails": [{"dimension": name, "value": value} for name, value in one.same],
             "examples": [{"recipient": event.recipient, "time": event.time, "text": event.text, "where": event.where} for event in (proofs[at].examples if at < len(proofs) else ())],
             "steps": list(proofs[at].steps) if at < len(proofs) else []}
            for at, one in enumerate(story.slices)
        ],
        "raised": [{"dimension": dimension, "value": value, "counts": tally(one)} for dimension, value, one in story.raised],
        "next_test": {"send": story.probe.send, "refused": story.probe.refused, "accepted": story.probe.accepted, "bits": story.probe.bits} if story.probe is not None else {},
    }
