"""The report of a period as one page: no scripts, nothing loaded from anywhere, readable by day, by night and on paper."""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from html import escape

from . import clean
from .period import Counts, PeriodReport, Rate, Slice, label, percent, rates, share_of, span, spoken, title_of
from .period_text import TITLES

SHOWN = 25  # rows of one table
_STYLE = """
:root { color-scheme: light dark; --ink: #1a1a1a; --dim: #595959; --line: #d0d0d0; --paper: #fff; --note: #fff6dd; }
@media (prefers-color-scheme: dark) { :root { --ink: #ececec; --dim: #b0b0b0; --line: #4a4a4a; --paper: #16181b; --note: #3a3013; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 56rem; font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .5rem 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; border-bottom: 1px solid var(--line); }
p { margin: .5rem 0; } .dim { color: var(--dim); } .note { background: var(--note); padding: .5rem .75rem; border-radius: .3rem; }
.totals { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .75rem; padding: 0; margin: 1rem 0; list-style: none; }
.totals li { border: 1px solid var(--line); border-radius: .3rem; padding: .5rem .75rem; } .totals b { font-size: 1.5rem; display: block; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: right; padding: .25rem .5rem; border-bottom: 1px solid var(--line); vertical-align: top; font-variant-numeric: tabular-nums; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } td:first-child { white-space: normal; overflow-wrap: anywhere; min-width: 10.5rem; } th.words { text-align: left; } td.words { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 14rem; }
code { font: .88em/1.45 ui-monospace, monospace; overflow-wrap: anywhere; } figure { margin: 1rem 0; } svg { width: 100%; max-width: 36rem; height: auto; display: block; }
@media print { body { max-width: none; padding: 0; font-size: 10pt; } h2, figure, tr { break-inside: avoid; } h2 { break-after: avoid; } .wide { overflow: visible; } }
"""


def as_html(made: PeriodReport, pictures: Mapping[str, str]) -> str:
    """The whole page."""
    body = "\n".join(_body(made, pictures))
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n<title>Mail, {_e(span(made))}</title>\n<style>{_STYLE}</style>\n'
        f"</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _e(text: str) -> str:
    return escape(clean(text), quote=True)


def _body(made: PeriodReport, pictures: Mapping[str, str]) -> Iterator[str]:
    yield f'<h1>Mail from {_e(span(made))}</h1>\n<p class="dim">{_e(made.source)}</p>'
    if not made.totals.any:
        yield "<p>Nothing was counted in this period.</p>"
        return
    yield from _totals(made)
    yield from (f'<p class="note">{_e(note)}</p>' for note in made.notes)
    if len(made.trend) > 1:
        yield f"<h2>By {'hour' if made.step == 3600 else 'day'}</h2>"
        yield _figure(pictures, "trend")
        yield _trend(made)
    for name, slices in made.slices.items():
        if slices:
            yield f"<h2>{_e(TITLES.get(name, f'By {name}'))}</h2>"
            yield _figure(pictures, name)
            yield _causes(name, slices, made) if name in ("cause", "owner") else _slices(name, slices, made)
    if made.templates:
        yield "<h2>What was said most</h2>"
        yield _templates(made)


def _totals(made: PeriodReport) -> Iterator[str]:
    told = rates(made)
    yield '<ul class="totals">'
    for name in ("delivered", "bounced", "blocked", "deferred", "complaints", "unsubscribed", "suppressed"):
        number, before = getattr(made.totals, name), getattr(made.before, name) if made.before else 0
        if name == "delivered" and not made.deliveries_known:
            yield "" if made.only_failures else "<li>delivered<b>?</b>no source tells</li>"
        elif number or before or name in ("bounced", "blocked"):
            yield f"<li>{name}<b>{number:,}</b>{_under(told.get(name), before if made.before else None)}</li>"
    yield "</ul>"
    if "failed" in told:
        yield f"<p>In all {_e(spoken(told['failed']))} of {made.totals.outcomes:,} mails with an outcome failed. In brackets: where the true rate lies, with 95 % certainty.</p>"


def _under(rate: Rate | None, before: int | None) -> str:
    words = [_e(spoken(rate))] if rate else []
    words += [f'<span class="dim">before: {before:,}</span>'] if before is not None else []
    return "<br>".join(words)


def _figure(pictures: Mapping[str, str], name: str) -> str:
    return f"<figure>{pictures[name]}</figure>" if name in pictures else ""


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]], name: str) -> str:
    """Cells come escaped; the box can be scrolled with the keyboard."""
    head = "".join(f'<th scope="col" class="words">{one}</th>' if one in ("words", "for example") else f'<th scope="col">{one}</th>' for one in heads)
    lines = "".join(f"<tr>{''.join(row)}</tr>\n" for row in rows)
    return f'<div class="wide" tabindex="0" role="region" aria-label="{_e(name)}"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{lines}</tbody></table></div>'


def _cells(*values: str) -> Iterator[str]:
    yield from (f"<td>{value}</td>" for value in values)


def _causes(name: str, slices: list[Slice], made: PeriodReport) -> str:
    def cells(one: Slice) -> Iterator[str]:
        words = f"{_e(title_of(name, one.value))}<br><code>{_e(one.value)}</code>" if name == "cause" and one.value else _e(title_of(name, one.value))
        return _cells(words, f"{one.counts.failed:,}", percent(one.counts.failed / made.totals.failed) if made.totals.failed else "", f"{one.counts.bounced:,}", f"{one.counts.blocked:,}")

    return _table((name, "failed", "share", "bounced", "blocked"), map(cells, slices[:SHOWN]), TITLES.get(name, name)) + _rest(slices)


def _slices(name: str, slices: list[Slice], made: PeriodReport) -> str:
    title = TITLES.get(name, name).removeprefix("By ")

    def cells(one: Slice) -> Iterator[str]:
        counts = one.counts
        delivered = f"{counts.delivered:,}" if made.deliveries_known else "?"
        return _cells(_e(one.value) or "not known", _e(spoken(rate)) if (rate := one.rate) else "?", delivered, f"{counts.bounced:,}", f"{counts.blocked:,}", f"{counts.deferred:,}", f"{counts.complaints:,}")

    return _table((_e(title), "failure rate", "delivered", "bounced", "blocked", "deferred", "complaints"), map(cells, slices[:SHOWN]), title) + _rest(slices)


def _rest(slices: list[Slice]) -> str:
    rest = slices[SHOWN:]
    return f'<p class="dim">{sum(one.counts.failed for one in rest):,} failed in {len(rest):,} others.</p>' if rest else ""


def _trend(made: PeriodReport) -> str:
    def cells(row: tuple[float, Counts]) -> Iterator[str]:
        counts = row[1]
        share = share_of(counts.failed, counts.outcomes) if made.deliveries_known and counts.outcomes else "?" if counts.failed else ""
        return _cells(label(row[0], made.step), share, f"{counts.delivered:,}" if made.deliveries_known else "?", f"{counts.bounced:,}", f"{counts.blocked:,}", f"{counts.deferred:,}", f"{counts.complaints:,}")

    return _table(("from (UTC)", "failure rate", "delivered", "bounced", "blocked", "deferred", "complaints"), map(cells, made.trend), "trend")


def _templates(made: PeriodReport) -> str:
    rows = []
    for one in made.templates:
        example = f'<br><span class="dim">{_e(one.where)}</span>' if one.where else ""
        shown = _e(one.example[:600]) if one.example and one.example != one.template else ""
        rows.append((f"<td>{_e(title_of('cause', one.cause))}<br><code>{_e(one.cause)}</code></td>", f"<td>{one.count:,}</td>", f'<td class="words"><code>{_e(one.template)}</code></td>',
                     f'<td class="words">{f"<code>{shown}</code>" if shown else ""}{example}</td>'))
    more = f'<p class="dim">And {made.more_templates:,} other texts.</p>' if made.more_templates else ""
    return _table(("cause", "mails", "words", "for example"), rows, "texts") + more
