"""Write what is kept as CSV, JSON lines or Parquet."""
from __future__ import annotations

import sys
from typing import Any

import click

from ._store import moment, settings_of, store_of, store_options, written_to


@click.command()
@click.argument("what", type=click.Choice(["events", "counts", "suppression", "cases"]), default="events")
@click.option("--format", "form", type=click.Choice(["csv", "jsonl", "parquet"]), default="csv", show_default=True, help="How to write it.")
@click.option("-o", "--output", default="-", metavar="FILE", help="Where to (default: standard output).")
@click.option("--since", default="", metavar="TIME", help="From then on: 24h, 7d, 2026-11-02.")
@click.option("--until", default="", metavar="TIME", help="Until then.")
@store_options
def command(what: str, **options: Any) -> None:
    """Write what is kept as CSV, JSON lines or Parquet.

    events are all that is not a delivery, one a row; counts are the hourly counters, deliveries included.  Cells that a spreadsheet would run as a formula
    get an apostrophe in front.

    Exit codes: 0 written, 2 wrong use or nothing to write to.
    """
    from ..store import Period
    from ..store.export import columns, rows, write

    settings = settings_of(options["settings_path"])
    store = store_of(options["store"], settings, read_only=True)
    period = Period(moment(options["since"], settings.tzinfo), moment(options["until"], settings.tzinfo))
    try:
        if options["output"] == "-":
            write(rows(store, what, period), columns(what), options["form"], sys.stdout.buffer)
            sys.stdout.flush()
        else:
            number = written_to(options["output"], lambda file: write(rows(store, what, period), columns(what), options["form"], file))
            click.echo(f"{number:,} rows in {options['output']}", err=True)
    finally:
        store.close()
