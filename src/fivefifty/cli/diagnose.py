"""Say why a mail bounced, whose problem it is, and what to do now."""
from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import click

from ..errors import InputError
from ..report import clean
from ..report.progress import Progress
from ..report.summary import Tally
from ..report.text import Look
from ..sources import Piece
from ..sources.files import pieces
from ..work import Done, Order, run

MOST_ALIKE = 20
_OPENINGS = {"json": '{"schema": "fivefifty/verdict/1", "verdicts": [\n'}
_BETWEEN = {"json": ",\n", "jsonl": "\n", "text": "\n"}


@click.command()
@click.argument("path", nargs=-1)
@click.option("--text", metavar="TEXT", help="The bounce itself: an SMTP reply, a log line, the text of a report.")
@click.option("--json", "form", flag_value="json", help="One JSON object with all verdicts.")
@click.option("--jsonl", "form", flag_value="jsonl", help="One JSON object a line, one line a recipient.")
@click.option("--summary", is_flag=True, help="Only the counts: by cause, owner, provider and recipient domain.")
@click.option("--letter", is_flag=True, help="Also write the letter to the recipient's administrator.")
@click.option("--jobs", type=click.IntRange(1, 256), default=1, show_default=True, metavar="N", help="Processes to work with.")
@click.option("--own-domain", multiple=True, metavar="DOMAIN", help="A domain you send from (may be repeated): bounces of mail that others sent in your name are told apart.")
@click.option("--offline", is_flag=True, help="Ask nobody; use only what the bounce says (this version always works so).")
@click.option("-v", "--verbose", is_flag=True, help="Also every field that was read, and where it stood.")
def command(path: tuple[str, ...], text: str | None, **options: Any) -> None:
    """Say why a mail bounced, whose problem it is, and what to do now.

    PATH is a mail (.eml, .msg), a text, an mbox, any of these packed with gzip, a directory or a maildir; "-" or nothing is
    standard input, where a bounce can be pasted.

    Exit codes: 0 diagnosed, 1 nothing here is a bounce, 2 wrong use, 3 some inputs could not be read (they are named, the rest was
    done).
    """
    order = _order(options)
    progress = Progress(_total(path) if sys.stderr.isatty() else 0)
    tally = _show(run(_input(path, text), order, options["jobs"]), order, progress)
    if not tally.mails and not tally.unread:
        click.echo("There is no mail in it: no file was found that could be read as a mail or a text.", err=True)
    raise SystemExit(3 if tally.unread else 0 if tally.diagnosed else 1)


def _order(options: dict[str, Any]) -> Order:
    shows = sys.stdout.isatty()
    color = shows and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    width = min(max(shutil.get_terminal_size((88, 24)).columns, 40), 100)
    look = Look(width, color, options["verbose"], options["letter"])
    return Order(options["form"] or "text", options["summary"], look, options["own_domain"])


def _input(path: tuple[str, ...], text: str | None) -> Iterator[Piece | InputError]:
    given: list[Iterable[Piece | InputError]] = []
    if text is not None:
        given.append([Piece("", "the given text", content=text.encode("utf-8", "surrogateescape"))])
    if path or text is None:
        _explain_paste(path)
        given.append(pieces(path or ("-",)))
    return chain.from_iterable(given)


def _explain_paste(path: tuple[str, ...]) -> None:
    if (not path or "-" in path) and sys.stdin.isatty():
        end = "Ctrl-Z and Enter" if os.name == "nt" else "Ctrl-D"
        click.echo(f"Paste the bounce here, then press Enter and {end}.", err=True)


def _total(path: tuple[str, ...]) -> int:
    """Bytes of all the input, or 0 where that can't be known beforehand."""
    total = 0
    for one in path:
        if os.path.isdir(one):
            total += sum(_size(os.path.join(root, name)) for root, _, names in os.walk(one) for name in names)
        elif one == "-" or one.endswith(".gz"):
            return 0
        else:
            total += _size(one)
    return total


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def _show(all_done: Iterable[Done], order: Order, progress: Progress) -> Tally:
    """Write what was done as it comes in, and return the counts."""
    tally = Tally()
    complaints: Counter[str] = Counter()
    between = ""
    write = sys.stdout.write
    write("" if order.summary else _OPENINGS.get(order.form, ""))
    for done in all_done:
        progress.add(done.tally.mails, done.size)
        tally.merge(done.tally)
        if done.shown or done.unread:
            progress.clear()
        for error in done.unread:
            _complain(error, complaints)
        for shown in done.shown:
            write(between + shown)
            between = _BETWEEN[order.form]
    progress.clear()
    for what, number in complaints.items():
        if number > MOST_ALIKE:
            click.echo(clean(f"Not read: {number - MOST_ALIKE:,} more inputs. {what}"), err=True)
    _finish(tally, order, bool(between))
    return tally


def _complain(error: InputError, complaints: Counter[str]) -> None:
    """Name what was not read; of many that failed alike only the first ones, the others are counted."""
    complaints[error.what] += 1
    if complaints[error.what] <= MOST_ALIKE:
        sys.stdout.flush()
        click.echo(clean(f"Not read: {error.context}: {error.what}\n  {error.hint}"), err=True)


def _finish(tally: Tally, order: Order, some: bool) -> None:
    from ..report import summary

    if order.summary:
        import json

        sys.stdout.write(summary.as_text(tally) if order.form == "text" else json.dumps(summary.as_dict(tally), indent=None if order.form == "jsonl" else 2) + "\n")
    elif order.form == "json":
        sys.stdout.write("\n]}\n")
    elif order.form == "jsonl" and some:
        sys.stdout.write("\n")
    sys.stdout.flush()
