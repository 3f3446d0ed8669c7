"""Report a period: what was delivered, what failed, why, whose problem it is, and the trend."""
from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import click

from ..errors import InputError
from ..report import clean
from ._store import moment, settings_of, store_of, store_options

if TYPE_CHECKING:
    from ..report.period import PeriodReport
    from ..settings import Settings
    from ..store import Period, Store

_BY = ("cause", "owner", "provider", "author_domain", "recipient_domain", "sending_ip", "campaign")


@click.command()
@click.argument("path", nargs=-1)
@click.option("--since", default="", metavar="TIME", help="From when on: 24h, 7d, 2026-11-02 (default: 7d; with PATH everything in it).")
@click.option("--until", default="", metavar="TIME", help="Until when (default: now).")
@click.option("--by", multiple=True, type=click.Choice(_BY), help="Only these tables (may be repeated).")
@click.option("--where", multiple=True, metavar="NAME=VALUE", help="Only mail of this provider, author_domain, recipient_domain, sending_ip, campaign, cause or owner (may be repeated).")
@click.option("--templates", type=click.IntRange(0, 10_000), default=10, show_default=True, metavar="N", help="How many reply texts to show.")
@click.option("--kind", default="auto", metavar="KIND", help="What PATH holds (`fivefifty ingest --kinds` lists the kinds; default: recognized by its content).")
@click.option("--own-domain", multiple=True, metavar="DOMAIN", help="With PATH: a domain you send from (may be repeated).")
@click.option("--zone", default="", metavar="ZONE", help="With PATH: the time zone of log lines that tell none, as Europe/Berlin.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object (fivefifty/report/1).")
@click.option("--html", "html", default="", metavar="FILE", help='One page with pictures, for a browser or for paper ("-": standard output).')
@click.option("--pictures/--no-pictures", default=True, help="With --html: draw the pictures (by matplotlib), or leave them out.")
@store_options
def command(path: tuple[str, ...], **options: Any) -> None:
    """Report a period: what was delivered, what failed, why, whose problem it is, and the trend.

    Without PATH it is about the store.  With PATH these inputs are read and nothing is kept: a log, a directory of bounces, saved webhooks …

    Exit codes: 0 something was counted, 1 nothing was counted in the period, 2 wrong use, 3 with PATH: something could not be read (it is
    named, the rest was done).
    """
    settings = settings_of(options["settings_path"])
    worst = 0
    if path:
        store, unread = _in_passing(path, settings, options)
        worst = 3 if unread else 0
    else:
        store = store_of(options["store"], settings, read_only=True)
    try:
        made = _made(store, settings, options, everything=bool(path))
    finally:
        store.close()
    made.source = ", ".join(path) or made.source
    _show(made, options)
    raise SystemExit(worst or (0 if made.totals.any else 1))


def _made(store: Store, settings: Settings, options: Mapping[str, Any], *, everything: bool) -> PeriodReport:
    from ..report import period as shown

    by = tuple(dict.fromkeys(options["by"])) or shown.BY
    return shown.report(store, _period(settings, options, everything=everything), by, options["templates"])


def _period(settings: Settings, options: Mapping[str, Any], *, everything: bool) -> Period:
    from ..store import Period

    now = time.time()
    until = moment(options["until"], settings.tzinfo, now)
    since = moment(options["since"], settings.tzinfo, now) or (0.0 if everything else (until or now) - 7 * 86_400)
    if until and since >= until:
        raise click.BadParameter("the period ends before it begins", param_hint="--until")
    return Period(since, until or (0.0 if everything else now), _where(options["where"]))


def _where(given: tuple[str, ...]) -> dict[str, str]:
    where = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or name not in _BY:
            raise click.BadParameter(f"{one!r}; write NAME=VALUE, with one of {', '.join(_BY)}", param_hint="--where")
        where[name] = value.strip() if name == "campaign" else value.strip().lower()
    return where


def _in_passing(path: tuple[str, ...], settings: Settings, options: Mapping[str, Any]) -> tuple[Store, bool]:
    """These inputs counted, and whether something in them could not be read."""
    import gc

    from ..ingest import Intake, Plan
    from ..report.passing import Passing
    from ..report.period import BY
    from ..report.progress import Progress
    from .ingest import setting_of

    gc.set_threshold(50_000, 20, 50)  # events come and go by the ten thousand, and none refers to another
    store = cast("Store", Passing((*(options["by"] or BY), *_where(options["where"]))))
    progress = Progress(noun="lines or documents")
    try:
        outcome = Intake(store, progress.add).take(Plan(options["kind"], path, setting_of(settings, {**options, "trust": False})))
    finally:
        progress.clear()
    for error in outcome.unread:
        click.echo(clean(f"Not read: {error}"), err=True)
    for one in outcome.first_rejects:
        click.echo(clean(f"Not read: {one.where}: {one.reason}"), err=True)
    if outcome.rejected > len(outcome.first_rejects):
        click.echo(f"Not read: {outcome.rejected - len(outcome.first_rejects):,} more.", err=True)
    return store, bool(outcome.rejected or outcome.unread)


def _show(made: PeriodReport, options: Mapping[str, Any]) -> None:
    if options["html"]:
        from ..report.period_html import as_html
        from ..report.period_pictures import pictures

        _write(options["html"], as_html(made, pictures(made) if options["pictures"] else {}))
    if options["as_json"]:
        import json

        from ..report.period import as_dict

        click.echo(json.dumps(as_dict(made), indent=2))
    elif not options["html"]:
        from ..report.period_text import as_text

        click.echo(as_text(made, min(max(shutil.get_terminal_size((88, 24)).columns, 60), 110)), nl=False)


def _write(path: str, page: str) -> None:
    if path == "-":
        sys.stdout.buffer.write(page.encode("utf-8", "replace"))
        return
    try:
        with open(path, "w", encoding="utf-8", errors="replace") as file:
            file.write(page)
    except OSError as error:
        raise InputError(f"The page can't be written: {(error.strerror or '').lower()}.", path, "Choose another place with --html FILE.") from error
