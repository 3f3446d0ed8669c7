"""Say which slice of the mail fails, whose problem it is, and since when."""
from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from ..story import LIKELY
from ._store import moment, settings_of, store_of, store_options

if TYPE_CHECKING:
    from ..model import Event
    from ..report.story_text import Proof
    from ..store import Store
    from ..story import Slice, Story


@click.command()
@click.option("--since", default="24h", show_default=True, metavar="TIME", help="From then on: 24h, 7d, 2026-11-02.")
@click.option("--until", default="", metavar="TIME", help="Until then (default: now).")
@click.option("--domain", default="", metavar="DOMAIN", help="Only mail from this domain of yours.")
@click.option("--json", "as_json", is_flag=True, help="The story as JSON.")
@click.option("-v", "--verbose", is_flag=True, help="Also the odds, more examples, and what was not compared.")
@store_options
def command(**options: Any) -> None:
    """Say which slice of the mail fails, whose problem it is, and since when.

    One recipient domain, one provider, one of your IPs or domains, one campaign, or everyone: what explains the failures best, with the counts, the words, the
    first steps of the fix, and, while the counts cannot tell, the send that would.

    Exit codes: 0 nothing out of the ordinary, 1 something fails more than it should, 2 wrong use, 3 it cannot be told.
    """
    from ..report.story_text import as_dict, render
    from ..story import tell

    settings = settings_of(options["settings_path"])
    now = time.time()
    until = moment(options["until"], settings.tzinfo, now) or now
    since = moment(options["since"], settings.tzinfo, now)
    if since >= until:
        raise click.BadParameter("the period ends before it begins", param_hint="--until")
    where = {"author_domain": options["domain"].lower().rstrip(".")} if options["domain"] else {}
    store = store_of(options["store"], settings, read_only=True)
    try:
        ask = _Asker(store, since, until)
        story = tell(ask, where)
        proofs = [_proof(store, ask, one, where) for one in story.slices]
        shown = store.where
    finally:
        store.close()
    if options["as_json"]:
        click.echo(json.dumps(as_dict(story, proofs, since, until), indent=2))
    else:
        click.echo(render(story, proofs, _period(since, until, shown), min(max(shutil.get_terminal_size((88, 24)).columns, 40), 100), options["verbose"]), nl=False)
    raise SystemExit(_exit_code(story))


def _exit_code(story: Story) -> int:
    if story.scope == "unknown" or not (story.certain or story.posteriors.get(story.scope, 0.0) >= LIKELY):
        return 3
    return 0 if story.scope == "none" else 1


class _Asker:
    """The store's counters of one period."""

    def __init__(self, store: Store, since: float, until: float) -> None:
        self.store, self.since, self.until = store, since, until

    def period(self, where: Mapping[str, str]) -> Any:
        from ..store import Period

        return Period(self.since, self.until, where)

    def __call__(self, by: Sequence[str], where: Mapping[str, str]) -> Iterable[tuple[tuple[Any, ...], int]]:
        return ((row.values, row.count) for row in self.store.grouped(by, self.period(where)))


def _proof(store: Store, ask: _Asker, one: Slice, where: Mapping[str, str]) -> Proof:
    """Examples of the slice, and the first steps against its cause."""
    from ..report.story_text import Proof

    inside = {**where, **({one.dimension: one.value} if one.dimension else {}), **({"cause": one.cause} if one.cause else {})}
    found = [event for event in store.failures(ask.period(inside), limit=20) if event.kind in ("bounce", "block")][:3]
    return Proof(tuple(found), _steps(one, found[0]) if found else ())


def _steps(one: Slice, event: Event) -> tuple[str, ...]:
    """The first steps; a list full of dead addresses is another matter than one of them."""
    from dataclasses import replace

    from ..judge import read_event

    verdict = read_event(event)
    if one.owner == "list":
        verdict = replace(verdict, cause="reputation.list_quality", owner="list", standing="likely", rule="", suppress=False)
    return tuple(verdict.fix.steps[:3])


def _period(since: float, until: float, where: str) -> str:
    from ..report.period import moment as utc

    return f"{utc(since):%-d %B %Y %H:%M} to {utc(until):%-d %B %Y %H:%M} UTC, {where}"
