"""Erase an address from everything that is kept."""
from __future__ import annotations

from typing import Any

import click

from ..report import clean
from ._store import existing_store, settings_of, store_options


@click.command()
@click.argument("address", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@store_options
def command(address: tuple[str, ...], **options: Any) -> None:
    """Erase an address from everything that is kept.

    Events, texts, cases and reports lose it; counters never held it.  A suppression of the address goes on, under a keyed hash that tells nobody
    the address, so that no mail flows to it again.

    Exit codes: 0 erased or nothing was there, 1 not confirmed, 2 wrong use.
    """
    settings = settings_of(options["settings_path"])
    bad = next((one for one in address if "@" not in one), "")
    if bad:
        raise click.UsageError(f"{bad!r} is no address.")
    store = existing_store(options["store"], settings)
    try:
        for one in address:
            _forget(store, one, options["yes"])
    finally:
        store.close()


def _forget(store: Any, address: str, sure: bool) -> None:
    from ..suppress import key_of

    known = store.history(address)
    suppressed = bool(store.among("suppression", [key_of(address) or address.lower()]))
    click.echo(clean(f"{address}: {len(known):,} events" + (", suppressed" if suppressed else "") + f" in {store.where}"))
    if not sure and not click.confirm("Erase it? This can't be undone"):
        raise SystemExit(1)
    gone = store.forget(address)
    told = f"Erased from {gone:,} {'place' if gone == 1 else 'places'}." if gone else "Nothing held it."
    click.echo(told + (" It stays suppressed, by a hash." if suppressed else ""))
