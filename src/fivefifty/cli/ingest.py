"""Take in logs, bounces, webhooks and reports, and keep them as events."""
from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from ..report import clean
from ._store import settings_of, store_of, store_options

if TYPE_CHECKING:
    from ..feeds import Setting
    from ..ingest import Outcome
    from ..settings import Settings


@click.command()
@click.argument("kind", required=False)
@click.argument("path", nargs=-1)
@click.option("--kinds", is_flag=True, help="List the kinds, and end.")
@click.option("--own-domain", multiple=True, metavar="DOMAIN", help="A domain you send from (may be repeated): bounces of mail that others sent in your name do not count.")
@click.option("--zone", default="", metavar="ZONE", help="The time zone of log lines that tell none, as Europe/Berlin (default: UTC, or the settings').")
@click.option("--trust", is_flag=True, help="You vouch for this input: bounces and unsigned payloads in it may suppress addresses.")
@click.option("--rejects", default="", metavar="DIR", help="Put aside here, whole, what can't be read.")
@click.option("--dry-run", is_flag=True, help="Read and count, keep nothing.")
@click.option("--json", "as_json", is_flag=True, help="The outcome as JSON.")
@store_options
def command(kind: str | None, path: tuple[str, ...], **options: Any) -> None:
    """Take in logs, bounces, webhooks and reports, and keep them as events.

    KIND says what PATH holds (`fivefifty ingest --kinds` lists them); "auto" recognizes each file by its content.  PATH is a file, packed or not,
    a directory, a maildir, an mbox, or "-" for standard input.  The same input again changes nothing.

    Exit codes: 0 all was read, 2 wrong use, 3 something could not be read (it is named, the rest was done).
    """
    if options["kinds"]:
        _list_kinds()
        return
    if not kind:
        raise click.UsageError("Name the kind of the input, for example: fivefifty ingest postfix /var/log/mail.log")
    if os.path.exists(kind):  # somebody left the kind out
        kind, path = "auto", (kind, *path)
    if not path and kind != "auto":
        from ..feeds import feeds

        if kind not in feeds():
            raise click.UsageError(f"There is no file and no kind called {kind!r}. `fivefifty ingest --kinds` lists the kinds.")
    if not path:
        raise click.UsageError(f"Name what to read, for example: fivefifty ingest {kind} PATH")
    outcome, where = _take(kind, path, options)
    if options["as_json"]:
        import json

        click.echo(json.dumps(outcome.as_dict(), indent=2))
    else:
        click.echo(_told(outcome, where, options["rejects"]), nl=False)
    raise SystemExit(3 if outcome.rejected or outcome.unread else 0)


def _take(kind: str, path: tuple[str, ...], options: dict[str, Any]) -> tuple[Outcome, str]:
    from ..ingest import Intake, Plan
    from ..report.progress import Progress

    settings = settings_of(options["settings_path"])
    plan = Plan(kind, path, setting_of(settings, options), options["rejects"], options["dry_run"])
    progress = Progress(noun="lines or documents")
    store = None if options["dry_run"] else store_of(options["store"], settings)
    try:
        outcome = Intake(store, progress.add, after_of(store, settings)).take(plan)
    finally:
        progress.clear()
        if store is not None:
            store.close()
    return outcome, store.where if store is not None else ""


def after_of(store: Any, settings: Settings) -> Any:
    """What looks at each batch once it is kept."""
    if store is None:
        return None
    from ..plan.suppression import rules_of
    from ..suppress import apply

    rules = rules_of(settings.suppress)
    return lambda events: apply(store, events, rules)


def setting_of(settings: Settings, options: dict[str, Any]) -> Setting:
    """What feeds are told, from the settings and the command line."""
    from ..feeds import Setting
    from ..settings import zone_of

    return Setting(
        time.time(), zone_of(options["zone"]) if options["zone"] else settings.tzinfo,
        frozenset((*settings.own_domains, *(one.lower().rstrip(".") for one in options["own_domain"]))), frozenset(settings.own_hosts), settings.keys, options["trust"],
    )


def _list_kinds() -> None:
    from ..feeds import feed, feeds

    for kind in feeds():
        click.echo(f"{kind:<16}{feed(kind).TITLE}")


def _told(outcome: Outcome, where: str, rejects: str) -> str:
    lines = [f"{outcome.read:,} events read" + ("" if not outcome.kinds else ": " + ", ".join(f"{count:,} {kind}" for kind, count in outcome.kinds.most_common()))]
    if where:
        parts = [f"{outcome.new:,} new"]
        parts += [f"{outcome.duplicates:,} were there already"] if outcome.duplicates else []
        parts += [f"{outcome.joined:,} told of a failure that was there"] if outcome.joined else []
        parts += [f"{outcome.too_old:,} older than what is kept"] if outcome.too_old else []
        lines += [", ".join(parts), f"kept in {where}"]
    else:
        lines.append("nothing was kept (--dry-run)")
    if outcome.unverified:
        lines.append(f"{outcome.unverified:,} of them nobody vouches for (unsigned, or of no mail that is known): they are counted, and suppress nothing. If you know better: --trust")
    if outcome.rejected:
        lines.append(f"{outcome.rejected:,} could not be read" + (f"; they lie in {rejects}" if rejects else "; keep them with --rejects DIR") + ". The first ones:")
        lines += [f"  {one.where}: {one.reason}" for one in outcome.first_rejects[:5]]
    lines += [f"Not read: {error.context}: {error.what}\n  {error.hint}" for error in outcome.unread[:20]]
    lines += [f"Not read: {len(outcome.unread) - 20:,} more inputs."] if len(outcome.unread) > 20 else []
    sys.stdout.flush()
    return clean("\n".join(lines)) + "\n"
