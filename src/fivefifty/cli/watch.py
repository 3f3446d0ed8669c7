"""Watch without end: read what is new, look at rates and own domains, tell about trouble once."""
from __future__ import annotations

import signal
import threading
import time
from typing import Any

import click

from ..report import clean
from ._store import settings_of, store_of, store_options


@click.command()
@click.option("--once", is_flag=True, help="One round: read what is there, look, send, end.")
@click.option("--dry-run", is_flag=True, help="Say what would be told; send, open and change nothing.")
@click.option("--interval", type=click.FloatRange(1, 86_400), default=300.0, show_default=True, metavar="SECONDS", help="Between two looks at the rates.")
@click.option("--no-live", is_flag=True, help="Ask nothing of the outside about own domains and servers.")
@click.option("--show-queries", is_flag=True, help="Say what is asked of whom.")
@store_options
def command(once: bool, dry_run: bool, interval: float, **options: Any) -> None:
    """Watch without end: read what is new, look at rates and own domains, tell about trouble once.

    What is followed, own domains, limits and channels stand in the settings.  SIGTERM and Ctrl-C end it cleanly.

    Exit codes: 0 ended as asked, 2 wrong use, 3 (with --once) something could not be read, asked or sent.
    """
    from contextlib import nullcontext
    from dataclasses import replace

    from ..watch.lock import only_one
    from ..watch.loop import Surroundings, Watch

    settings = settings_of(options["settings_path"])
    if options["no_live"]:
        settings = replace(settings, own_hosts=(), own_domains=())
    store = store_of(options["store"], settings)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with nullcontext() if dry_run and once else only_one(store.where):
        watch = Watch(store, settings, Surroundings(_tell, dry_run=dry_run, show_queries=options["show_queries"]))
        follower, second = _follower(settings, options, dry_run)
        try:
            if once:
                raise SystemExit(3 if (len(follower.once()) if follower else 0) + watch.round() else 0)
            reading = threading.Thread(target=follower.run, args=(stop,), name="follow") if follower else None
            if reading:
                reading.start()
            watch.run(stop, interval)
            if reading:
                reading.join()
        finally:
            stop.set()
            store.close()
            if second is not None:
                second.close()


def _follower(settings: Any, options: dict[str, Any], dry_run: bool) -> tuple[Any, Any]:
    """What reads the sources of the settings, with a store of its own, because it runs beside the looks."""
    if not settings.follow or dry_run:
        return None, None
    from ..feeds import Setting
    from ..follow import Follower
    from ..followed import Told
    from .ingest import after_of

    store = store_of(options["store"], settings)
    setting = Setting(time.time(), settings.tzinfo, frozenset(settings.own_domains), frozenset(settings.own_hosts), settings.keys)
    return Follower(Told(store, setting, after=after_of(store, settings), tell=_tell), settings.follow), store


def _tell(sentence: str) -> None:
    click.echo(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {clean(sentence)}", err=True)
