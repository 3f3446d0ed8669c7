"""Find out with a few test sends whose problem it is: yours, theirs, or this one mailbox's."""
from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from typing import Any

import click

from .. import triage
from ..errors import InputError
from ..report.text import Look, render
from ..verdict import Verdict

_CHOICES = {"d": "delivered", "s": "same", "o": "other", "n": "silent", "k": "skip"}
_KEYS = "d delivered (inbox or junk) · s refused with the same words · o refused with other words · n nothing came, no bounce either · k skip"


@click.command()
@click.argument("bounce", type=click.Path(exists=True, dir_okay=False, allow_dash=True), required=False)
@click.option("--text", metavar="TEXT", help="The bounce itself: an SMTP reply, a log line, the text of a report.")
@click.option("--answer", multiple=True, metavar="TEST=OUTCOME", help="The outcome of a test, for scripts (may be repeated): elsewhere, same_domain, same_provider, stripped, "
              "other_sender = delivered, same, other, silent, skip.")
@click.option("--json", "as_json", is_flag=True, help="Say where it stands as JSON, and ask nothing.")
@click.option("-v", "--verbose", is_flag=True, help="Also every field that was read.")
def command(bounce: str | None, text: str | None, answer: tuple[str, ...], as_json: bool, verbose: bool) -> None:
    """Find out with a few test sends whose problem it is: yours, theirs, or this one mailbox's.

    Give the bounce if you have it: then only what it leaves open is asked.  Without a terminal, or with --json, the next test is named and
    nothing is asked.

    Exit codes: 0 settled (one side is left), 1 a test would still tell more, 2 wrong use.
    """
    answers = _given(answer)
    verdict = _verdict(bounce, text)
    if not as_json and sys.stdin.isatty() and bounce != "-":
        _ask(answers, verdict)
    standing = triage.stand(answers, verdict)
    done = triage.conclude(answers, verdict) if verdict else None
    if as_json:
        click.echo(json.dumps(_dict(answers, standing, done), indent=2))
    else:
        _show(answers, standing, done, verbose)
    raise SystemExit(1 if standing.next_test else 0)


def _given(answer: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in answer:
        test, _, outcome = one.partition("=")
        test, outcome = test.strip().replace("-", "_"), outcome.strip().lower()
        if test not in triage.BY_ID or outcome not in triage.OUTCOMES:
            raise click.BadParameter(f"{one!r}: write TEST=OUTCOME with a test of {', '.join(triage.BY_ID)} and an outcome of {', '.join(triage.OUTCOMES)}.", param_hint="--answer")
        found[test] = outcome
    return found


def _verdict(bounce: str | None, text: str | None) -> Verdict | None:
    from ..diagnosis import diagnose

    if text is None and bounce is None:
        return None
    if text is not None:
        found = diagnose(text, "the given text")
    else:
        with click.open_file(str(bounce), "rb") as file:
            found = diagnose(file.read(64 * 1024 * 1024), str(bounce))
    failures = [one for one in found if one.kind == "failure"]
    if not failures:
        raise InputError("no failed delivery was found in it", bounce or "--text", "fivefifty diagnose says what it is.")
    return failures[0]


def _ask(answers: dict[str, str], verdict: Verdict | None) -> None:
    """Ask for one test after the other, only those that would still tell something."""
    while True:
        standing = triage.stand(answers, verdict)
        test = standing.next_test
        if test is None:
            return
        click.echo(f"\nIt could be {_either(standing.words)}.\n\n{test.question}\n  How: {test.how}\n  Why: {test.why}\n  {_KEYS}")
        key = click.prompt("  What came of it?", type=click.Choice([*_CHOICES, *_CHOICES.values()]), show_choices=False, default="k")
        answers[test.id] = _CHOICES.get(key, key)


def _either(words: tuple[str, ...]) -> str:
    return words[0] if len(words) == 1 else "; ".join(words[:-1]) + "; or " + words[-1]


def _dict(answers: Mapping[str, str], standing: triage.Standing, done: Verdict | None) -> dict[str, Any]:
    from ..report.json_ import as_dict

    test = standing.next_test
    return {
        "schema": "fivefifty/triage/1", "answers": dict(answers), "left": list(standing.left), "left_in_words": list(standing.words),
        "next_test": {"id": test.id, "question": test.question, "how": test.how, "why": test.why} if test else None, "verdict": as_dict(done) if done else None,
    }


def _show(answers: Mapping[str, str], standing: triage.Standing, done: Verdict | None, verbose: bool) -> None:
    tried = [f"{test.replace('_', ' ')}: {outcome}" for test, outcome in answers.items() if outcome != "skip"]
    after = f" after {', '.join(tried)}" if tried else ""
    click.echo(f"\nWhat is left{after}: {_either(standing.words)}.")
    if standing.next_test:
        click.echo(f"The next test: {standing.next_test.question}\n  How: {standing.next_test.how}")
    if done is not None:
        color = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        click.echo("\n" + render(done, Look(min(max(shutil.get_terminal_size((88, 24)).columns, 40), 100), color, verbose)), nl=False)
