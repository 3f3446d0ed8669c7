"""The report of a period for a terminal."""
from __future__ import annotations

import textwrap
from collections.abc import Iterator

from . import clean
from .period import Counts, PeriodReport, Slice, Words, label, percent, rates, share_of, span, spoken, title_of

SHOWN = 12  # rows of one table; the JSON has all
BAR = 30
TITLES = {
    "cause": "By cause", "owner": "By whose problem it is", "provider": "By provider", "author_domain": "By author domain", "recipient_domain": "By recipient domain",
    "sending_ip": "By sending IP", "campaign": "By campaign",
}
_LINES = (
    ("delivered", "delivered"), ("bounced", "bounced: because of the address or the recipient's side"), ("blocked", "blocked: because of sender, content, list or a policy"),
    ("deferred", "deferred: attempts put off, not an outcome"), ("complaints", "complaints"), ("unsubscribed", "unsubscribed"), ("suppressed", "not even tried by the sending service"),
)


def as_text(made: PeriodReport, width: int = 88) -> str:
    """The whole report, with a line end."""
    lines = [f"Mail from {span(made)}, {clean(made.source)}", ""]
    if not made.totals.any:
        return "\n".join([*lines, "Nothing was counted in this period."]) + "\n"
    lines += _totals(made)
    lines += ["", *(line for note in made.notes for line in textwrap.wrap(note, width))] if made.notes else []
    for name, slices in made.slices.items():
        if slices:
            lines += ["", TITLES.get(name, f"By {name}"), *_slices(name, slices, made)]
    lines += ["", "What was said most", *_templates(made, width)] if made.templates else []
    lines += ["", f"By {'hour' if made.step == 3600 else 'day'} (failed, of mails with an outcome)", *_trend(made)] if len(made.trend) > 1 else []
    return "\n".join(lines) + "\n"


def _totals(made: PeriodReport) -> Iterator[str]:
    told = rates(made)
    for name, words in _LINES:
        number = getattr(made.totals, name)
        before = getattr(made.before, name) if made.before else 0
        if name == "delivered" and not made.deliveries_known:
            yield from () if made.only_failures else ("          ?  delivered: no source tells",)
        elif number or before:
            rate = f"  {spoken(told[name])}" if name in told and name != "delivered" else ""
            yield f"  {number:>9,}  {words}{rate}{f'  (before: {before:,})' if made.before else ''}"
    if "failed" in told:
        yield f"             in all {spoken(told['failed'])} of {made.totals.outcomes:,} mails with an outcome failed{_before(made)}"


def _before(made: PeriodReport) -> str:
    if made.before is None or not made.before.delivered or not made.before.outcomes:
        return ""
    return f"; {share_of(made.before.failed, made.before.outcomes)} in the period before"


def _slices(name: str, slices: list[Slice], made: PeriodReport) -> Iterator[str]:
    shown = slices[:SHOWN]
    if name in ("cause", "owner"):
        for one in shown:
            share = f"{percent(one.counts.failed / made.totals.failed):>8}" if made.totals.failed else ""
            yield f"  {one.counts.failed:>9,}{share}  {_named(name, one.value)}"
    else:
        yield f"  {'delivered':>9} {'bounced':>8} {'blocked':>8} {'deferred':>9}  failed"
        for one in shown:
            yield f"  {_delivered(one, made):>9} {one.counts.bounced:>8,} {one.counts.blocked:>8,} {one.counts.deferred:>9,}  {_rate(one):<26} {clean(one.value) or 'not known'}"
    if len(slices) > SHOWN:
        rest = slices[SHOWN:]
        yield f"  {sum(one.counts.failed for one in rest):>9,} failed in {len(rest):,} others (--json lists them)"


def _delivered(one: Slice, made: PeriodReport) -> str:
    return f"{one.counts.delivered:,}" if made.deliveries_known else "?"


def _rate(one: Slice) -> str:
    return spoken(rate) if (rate := one.rate) else "?" if one.counts.failed else ""


def _named(name: str, value: str) -> str:
    return f"{value:<28} {title_of(name, value)}" if name == "cause" and value else clean(title_of(name, value))


def _templates(made: PeriodReport, width: int) -> Iterator[str]:
    for one in made.templates:
        yield from _template(one, width)
    if made.more_templates:
        yield f"             and {made.more_templates:,} other texts (--json --templates N lists more)"


def _template(one: Words, width: int) -> Iterator[str]:
    words = textwrap.wrap(" ".join(clean(one.template).split()), max(width - 13, 30), max_lines=3, placeholder=" …") or [""]
    yield f"  {one.count:>9,}  {words[0]}"
    yield from (f"             {line}" for line in words[1:])
    yield f"             {one.cause or 'not explained'}{f', for example {clean(one.where)}' if one.where else ''}"


def _trend(made: PeriodReport) -> Iterator[str]:
    most = max((counts.failed for _, counts in made.trend), default=0) or 1
    told = [number for number, (_, counts) in enumerate(made.trend) if counts.any]
    for at, counts in made.trend[told[0] : told[-1] + 1] if told else made.trend:  # gaps inside are worth seeing; night before and after are not
        bar = "█" * round(BAR * counts.failed / most) or ("▏" if counts.failed else "")
        yield f"  {label(at, made.step)}  {counts.failed:>8,}  {_share(counts, made):>8}  {bar}".rstrip()


def _share(counts: Counts, made: PeriodReport) -> str:
    if not counts.any:
        return "-"  # nothing at all was counted
    return share_of(counts.failed, counts.outcomes) if made.deliveries_known and counts.outcomes else ""
