"""Show cases, and say what became of them."""
from __future__ import annotations

import time
from typing import Any

import click

from ._store import existing_store, settings_of, store_options

_ACTIONS = ("list", "show", "ack", "fix", "close", "reopen")
_STATE = {"ack": "acknowledged", "fix": "fixed", "close": "closed", "reopen": "open"}


@click.command()
@click.argument("action", type=click.Choice(_ACTIONS), default="list")
@click.argument("id", type=int, required=False)
@click.option("--note", default="", metavar="TEXT", help="What was found or done; kept in the case.")
@click.option("--by", default="", metavar="NAME", help="Who says so (default: the name of the user).")
@click.option("--all", "everything", is_flag=True, help="List ended cases, too.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@store_options
def command(action: str, id: int | None, note: str, by: str, everything: bool, as_json: bool, **options: Any) -> None:
    """Show cases, and say what became of them.

    ack ID: somebody looks; fix ID: mended, and mail sent from now on will prove or contradict it; close ID: it was meant, or does not
    matter; reopen ID.

    Exit codes: 0 done (list: no case is open), 1 (list) cases are open, 2 wrong use or no such case.
    """
    import json

    from ..plan import cases
    from ..report.cases_text import line, whole
    from ..watch.desk import all_cases, keep, one_case

    if action != "list" and id is None:
        raise click.UsageError(f"Name the case, for example: fivefifty cases {action} 1")
    store = existing_store(options["store"], settings_of(options["settings_path"]), read_only=action in ("list", "show"))
    try:
        if action == "list":
            found = [case for _, case in sorted(all_cases(store).items()) if everything or case["state"] in cases.OPEN]
            click.echo(json.dumps(found, indent=2) if as_json else "\n".join(map(line, found)) or "No case is open.")
            raise SystemExit(1 if any(case["state"] in cases.OPEN for case in found) else 0)
        case = one_case(store, int(id or 0))
        if action != "show":
            case = cases.moved(case, _STATE[action], time.time(), f"person {_name(by)}", note)
            keep(store, case)
        click.echo(json.dumps(case, indent=2) if as_json else whole(case) if action == "show" else line(case), nl=as_json or action != "show")
    finally:
        store.close()


def _name(by: str) -> str:
    import getpass

    try:
        return by or getpass.getuser()
    except (KeyError, OSError):
        return "somebody"
