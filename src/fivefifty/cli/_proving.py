"""Live proof for the diagnose command: one World and one event loop for all the bounces of a run."""
from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from ..diagnosis import verdict_of
from ..live import prove
from ..model import Subject
from ..report import clean
from ..report.audit_json import redacted, subject_dict, subject_from
from ..report.json_ import failure_dict, failure_from
from ..verdict import Verdict
from ..work import Proved
from ..world.journal import Journal
from ..world.replay import replayed, saved
from ._asking import make_world, show_queries

if TYPE_CHECKING:
    from ..answers import World

MOST = 50  # recipients of one bounce that are proved; the others keep their verdict from the text


class Prover:
    """Proves the verdicts of one bounce after the other; it is closed at the end."""

    def __init__(self, given: Subject, resolvers: Sequence[str], timeout: float, list_queries: bool) -> None:
        self.given, self.list_queries = given, list_queries
        self._runner = asyncio.Runner()
        self._world = make_world(resolvers, timeout)
        self._runner.run(self._world.__aenter__())
        self.asked = 0

    def __call__(self, verdicts: Sequence[Verdict], source: bytes) -> list[Proved]:
        """The verdicts, moved by what live checks found, each with what is needed to replay it."""
        return self._runner.run(self._all(verdicts, source))

    async def _all(self, verdicts: Sequence[Verdict], source: bytes) -> list[Proved]:
        proved = await asyncio.gather(*(self._one(one, source) for one in verdicts[:MOST]))
        return [*proved, *(Proved(one, {}) for one in verdicts[MOST:])]

    async def _one(self, verdict: Verdict, source: bytes) -> Proved:
        journal = Journal(self._world)
        done = await prove(verdict, journal, self.given, source)
        self.asked += len(journal.answers)
        if self.list_queries:
            show_queries(journal.answers, self.given.settings.values())
        if not journal.answers:
            return Proved(done, {})
        asked_at = self._world.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        live = {"asked_at": asked_at, "given": subject_dict(self.given), "failure": failure_dict(verdict.failure), "enclosed": _enclosed(source), "world": saved(journal.answers)}
        return Proved(done, redacted(live, self.given.settings))

    def close(self) -> None:
        """End the connections and the loop."""
        self._runner.run(self._world.__aexit__(None, None, None))
        self._runner.close()


def _enclosed(source: bytes) -> str:
    """The bounce as base64, where it is a mail that a signature could be checked in; a pasted text holds nothing more."""
    import base64

    return base64.b64encode(source).decode("ascii") if b"\n\n" in source[:256_000].replace(b"\r", b"") and len(source) < 8 * 1024 * 1024 else ""


def replay(report: Mapping[str, Any]) -> list[Verdict]:
    """The verdicts of a saved --json report, judged again from the answers in it; nobody is asked."""
    import base64

    found = []
    for line in report.get("verdicts", [report]):
        live = line.get("live")
        if not live:
            raise click.UsageError("This report holds no answers of live checks. Make one with: fivefifty diagnose BOUNCE --live --json")
        verdict = verdict_of(failure_from(live["failure"]), line.get("index", 0), line.get("source", ""))
        given = subject_from(live["given"])
        world: World = replayed(live["world"], datetime.fromisoformat(live["asked_at"]))
        found.append(asyncio.run(_replayed(verdict, world, given, base64.b64decode(live["enclosed"]))))
    return found


async def _replayed(verdict: Verdict, world: World, given: Subject, source: bytes) -> Verdict:
    return await prove(verdict, world, given, source)


def remark(asked: int) -> None:
    """Say that somebody was asked, and how to see whom or to prevent it."""
    if asked:
        click.echo(clean(f"{asked} questions were asked live (--show-queries lists them; --offline asks nobody)."), err=True)
