"""The pictures of a report, as SVG that stands inside a page: no scripts, no links, text as text.

Colours are Okabe and Ito's, which people with any colour blindness tell apart; text takes the colour of the page, light or dark.
"""
from __future__ import annotations

import io
import re
from typing import Any

from ..errors import InputError
from ..store import HOUR
from .period import PeriodReport, moment, title_of

COLORS = {"delivered": "#56B4E9", "bounced": "#E69F00", "blocked": "#D55E00", "deferred": "#999999"}
_INK = "#010203"  # stands for the colour of the page's text until the picture is in the page
_BARS = 10
_UNSAFE = re.compile(r"[^\w.@:+' -]+")  # names are strangers' words, and matplotlib has a language of its own in "$…$"
_SETTINGS: Any = {
    "svg.fonttype": "none", "svg.hashsalt": "fivefifty", "font.family": ["system-ui", "sans-serif"], "font.size": 10, "text.color": _INK, "axes.labelcolor": _INK, "axes.edgecolor": _INK,
    "xtick.color": _INK, "ytick.color": _INK, "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True, "axes.formatter.use_mathtext": False, "text.parse_math": False,
}


def pictures(made: PeriodReport) -> dict[str, str]:
    """Pictures by name: trend, cause, provider; those for which there is nothing to show are left out."""
    try:
        import logging

        logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # the page's fonts are looked up by the reader's browser
        from matplotlib import rc_context
    except ImportError as error:
        raise InputError("The pictures are drawn by matplotlib, which is not installed.", "", "Install it: pip install 'fivefifty[charts]'. Or leave the pictures out: --no-pictures") from error
    with rc_context(_SETTINGS):
        found = {"trend": _trend(made), "cause": _causes(made), "provider": _providers(made)}
    return {name: picture for name, picture in found.items() if picture}


def _axes(height: float) -> tuple[Any, Any]:
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.6, height), layout="constrained")
    FigureCanvasSVG(figure)
    figure.patch.set_alpha(0)
    axes = figure.add_subplot()
    axes.patch.set_alpha(0)
    return figure, axes


def _trend(made: PeriodReport) -> str:
    """Failures stacked over time; deliveries are a hundred times as many and stand in the table."""
    if len(made.trend) < 2 or not any(counts.failed or counts.deferred for _, counts in made.trend):
        return ""
    figure, axes = _axes(2.9)
    places = range(len(made.trend))
    floor = [0] * len(made.trend)
    for name in ("bounced", "blocked"):
        heights = [getattr(counts, name) for _, counts in made.trend]
        axes.bar(places, heights, 0.85, bottom=floor, color=COLORS[name], label=name, hatch="//" if name == "blocked" else None, edgecolor="white", linewidth=0)
        floor = [low + height for low, height in zip(floor, heights, strict=True)]
    every = max(1, len(made.trend) // 6)
    axes.set_xticks(list(places)[::every], [_tick(at, made.step) for at, _ in made.trend[::every]])
    axes.set_ylabel("failed mails")
    axes.yaxis.get_major_locator().set_params(integer=True)
    _legend(axes)
    return _svg(figure, "Failed mails over time", "Bars stacked by bounced and blocked; the numbers are in the table below.")


def _legend(axes: Any) -> None:
    """Above the bars, where it hides none."""
    axes.legend(frameon=False, loc="lower left", ncols=2, bbox_to_anchor=(0, 1), borderaxespad=0.2)


def _tick(at: float, step: int) -> str:
    return f"{moment(at):%d %b\n%H:%M}" if step == HOUR else f"{moment(at).day} {moment(at):%b}"


def _causes(made: PeriodReport) -> str:
    slices = made.slices.get("cause", [])[:_BARS]
    if not slices:
        return ""
    figure, axes = _axes(0.9 + 0.34 * len(slices))
    _bars(axes, [(_short(title_of("cause", one.value)), (("bounced", one.counts.bounced), ("blocked", one.counts.blocked))) for one in slices])
    return _svg(figure, "Failed mails by cause", "The longest bar is the most frequent cause; the numbers are in the table below.")


def _providers(made: PeriodReport) -> str:
    slices = [one for one in made.slices.get("provider", []) if one.counts.failed][:_BARS]
    if not slices:
        return ""
    figure, axes = _axes(0.9 + 0.34 * len(slices))
    _bars(axes, [(_short(one.value or "not known"), (("bounced", one.counts.bounced), ("blocked", one.counts.blocked))) for one in slices])
    return _svg(figure, "Failed mails by provider", "Bars stacked by bounced and blocked; the numbers are in the table below.")


def _bars(axes: Any, rows: list[tuple[str, tuple[tuple[str, int], ...]]]) -> None:
    """Lying bars, the first row on top."""
    places = range(len(rows))
    left = [0] * len(rows)
    for at, name in enumerate(("bounced", "blocked")):
        widths = [counts[at][1] for _, counts in rows]
        axes.barh(places, widths, 0.7, left=left, color=COLORS[name], label=name, hatch="//" if name == "blocked" else None, edgecolor="white", linewidth=0)
        left = [before + width for before, width in zip(left, widths, strict=True)]
    for place, total in zip(places, left, strict=True):
        axes.annotate(f"{total:,}", (total, place), xytext=(4, 0), textcoords="offset points", va="center")
    axes.set_yticks(list(places), [name for name, _ in rows])
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.xaxis.get_major_locator().set_params(integer=True, nbins=5)
    _legend(axes)


def _short(name: str) -> str:
    plain = _UNSAFE.sub(" ", name).strip()
    return plain if len(plain) <= 34 else plain[:33] + "…"


def _svg(figure: Any, title: str, description: str) -> str:
    """The picture without anything that points outside, named for screen readers."""
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", transparent=True, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    inside = drawn.getvalue()
    inside = inside[inside.index("<svg") :]
    inside = re.sub(r"<metadata>.*?</metadata>", "", inside, flags=re.DOTALL).replace(_INK, "currentColor")
    own = re.sub(r"\W+", "-", title.lower())
    for tag in ("id=\"", "url(#", "href=\"#"):  # several pictures stand in one page
        inside = inside.replace(tag, tag + own + "-")
    head, _, rest = inside.partition(">")
    head = re.sub(r'\s(?:width|height)="[^"]*"', "", head)
    return f'{head} role="img" aria-labelledby="{own}-title {own}-desc"><title id="{own}-title">{title}</title><desc id="{own}-desc">{description}</desc>{rest}'
