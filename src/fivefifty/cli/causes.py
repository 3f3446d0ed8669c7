"""List the causes a bounce can have, or show one whole."""
from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Iterable, Iterator

import click

from ..causes import Cause, all_causes, cause, plain
from ..errors import KnowledgeError
from ..model import OWNERS

_PERMANENT = {"yes": "yes", "no": "no", "reply": "the reply decides: 5xx yes, 4xx no"}


@click.command("causes", short_help="List the causes a bounce can have, or show one whole.")
@click.argument("id", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(id: str | None, as_json: bool) -> None:
    """List the causes a bounce can have, grouped by whose problem they are; with ID show one whole."""
    try:
        found = (cause(id),) if id else all_causes()
    except KnowledgeError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        entries = [as_dict(one) for one in found]
        click.echo(json.dumps(entries[0] if id else entries, indent=2, ensure_ascii=False))
    else:
        for line in whole(found[0]) if id else overview(found):
            click.echo(line)


def as_dict(one: Cause) -> dict[str, object]:
    """The cause as plain JSON types; steps as they stand, with their {placeholders}."""
    from dataclasses import asdict

    return asdict(one)


def overview(causes: Iterable[Cause]) -> Iterator[str]:
    """One line a cause, under the name of its owner."""
    everything = tuple(causes)
    width = max(len(one.id) for one in everything)
    for owner in OWNERS:
        mine = [one for one in everything if one.owner == owner]
        if mine:
            yield f"{owner}:"
            yield from (f"  {one.id:<{width}}  {one.title}" for one in mine)
            yield ""
    yield "Show one whole: fivefifty causes ID"


def _wrapped(text: str, first: str = "", rest: str = "") -> Iterator[str]:
    width = max(40, min(100, shutil.get_terminal_size((100, 24)).columns))
    yield from textwrap.wrap(text, width, initial_indent=first, subsequent_indent=rest or " " * len(first), break_on_hyphens=False)


def _listed(head: str, items: Iterable[str], numbered: bool = False) -> Iterator[str]:
    items = tuple(items)
    if items:
        yield ""
        yield head
        for number, item in enumerate(items, 1):
            yield from _wrapped(plain(item), f"  {number}. " if numbered else "  - ")


def _facts(one: Cause) -> Iterator[str]:
    retry = ("yes, " if one.retry else "no, only ") + one.retry_when if one.retry_when else "no"
    suppress = ("yes" if one.suppress else "no") + (f". {one.suppress_note}" if one.suppress_note else "")
    contact = one.contact + (f" ({one.contact_how})" if one.contact_how else "")
    for name, value in (
        ("Whose problem", one.owner), ("Permanent", _PERMANENT[one.permanent]), ("Suppress", suppress),
        ("Try again", retry), ("Contact", contact), ("Give them", one.give), ("Time", one.expect),
    ):
        if value:
            yield from _wrapped(plain(value), f"{name + ':':<15}")


def whole(one: Cause) -> Iterator[str]:
    """Everything known about one cause, as lines."""
    yield f"{one.title} ({one.id})"
    yield from _wrapped(one.summary)
    yield ""
    yield from _facts(one)
    yield from _listed("What to do, in this order:", one.fix, numbered=True)
    yield from _listed("How it looks:", one.evidence)
    yield from _listed("What would prove it:", one.confirm)
    yield from _listed("What would refute it:", one.refute)
    yield from _listed("How to tell it apart:", (f"from {other.against}: {other.test}" for other in one.decide))
    yield ""
    yield from _wrapped("Sources: " + ", ".join(one.source))
