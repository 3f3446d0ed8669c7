"""Follow logs, maildirs and mailboxes as they grow, and keep what they tell."""
from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

import click

from ..report import clean
from ._store import settings_of, store_of, store_options

if TYPE_CHECKING:
    from ..follow import Follower
    from ..settings import Settings


@click.command()
@click.argument("kind", required=False)
@click.argument("path", required=False)
@click.option("--once", is_flag=True, help="Read what is there, and end (for cron).")
@click.option("--every", type=click.FloatRange(0.05, 86_400), default=None, metavar="SECONDS", help="How long to wait between two looks (default: 1, IMAP 60).")
@click.option("--own-domain", multiple=True, metavar="DOMAIN", help="A domain you send from (may be repeated), beside those in the settings.")
@click.option("--zone", default="", metavar="ZONE", help="The time zone of log lines that tell none, as Europe/Berlin (default: UTC, or the settings').")
@click.option("--trust", is_flag=True, help="You vouch for what comes from there: bounces and unsigned payloads may suppress addresses.")
@click.option("--rejects", default="", metavar="DIR", help="Put aside here, whole, what can't be read.")
@store_options
def command(kind: str | None, path: str | None, **options: Any) -> None:
    """Follow logs, maildirs and mailboxes as they grow, and keep what they tell.

    Without KIND and PATH everything that the settings name under [[follow]].  How far each was read is kept with the events, so it goes on where
    it stopped, however it was stopped.  SIGINT and SIGTERM end it after the batch at hand.

    Exit codes: 0 ended as asked, 2 wrong use, 3 with --once: something could not be read.
    """
    if bool(kind) != bool(path):
        raise click.UsageError("Name both, for example: fivefifty follow postfix /var/log/mail.log")
    settings = settings_of(options["settings_path"])
    entries = [{"kind": kind, "path": path}] if kind else [dict(one) for one in settings.follow]
    if not entries:
        raise click.UsageError("There is nothing to follow: name KIND and PATH, or write [[follow]] tables into the settings (docs/settings.md).")
    for one in entries:
        one.update({"every": options["every"]} if options["every"] else {})
    store = store_of(options["store"], settings)
    try:
        follower = _follower(store, entries, settings, options)
        if options["once"]:
            faults = follower.once()
            _show(follower, store.where)
            raise SystemExit(3 if faults or any(intake.outcome.rejected for _, intake in follower.outcome()) else 0)
        _run(follower, store.where)
    finally:
        store.close()


def _follower(store: Any, entries: list[dict[str, Any]], settings: Settings, options: dict[str, Any]) -> Follower:
    from ..follow import Follower, Told
    from .ingest import after_of, setting_of

    return Follower(Told(store, setting_of(settings, options), options["rejects"], after_of(store, settings), _tell), entries)


def _run(follower: Follower, where: str) -> None:
    import signal

    stop = threading.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda *_: stop.set())
    _tell(f"following {len(follower.sources)} source{'s' if len(follower.sources) != 1 else ''}; events are kept in {where}")
    follower.run(stop)
    _show(follower, where)


def _show(follower: Follower, where: str) -> None:
    for key, intake in follower.outcome():
        outcome = intake.outcome
        rejected = f", {outcome.rejected:,} could not be read" if outcome.rejected else ""
        click.echo(clean(f"{key.removeprefix('follow ')}: {outcome.read:,} events, {outcome.new:,} new, {outcome.duplicates:,} were there already{rejected}"))
    click.echo(clean(f"kept in {where}"))


def _tell(sentence: str) -> None:
    sys.stderr.write(clean(sentence) + "\n")
    sys.stderr.flush()
