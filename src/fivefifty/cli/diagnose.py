"""Say why a mail bounced, whose problem it is, and what to do now."""
from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import click

from ..errors import InputError
from ..model import Subject
from ..report import clean
from ..report.progress import Progress
from ..report.summary import Tally
from ..report.text import Look
from ..sources import Piece
from ..sources.files import pieces
from ..work import Done, Order, run
from ._asking import asking_options

if TYPE_CHECKING:
    from ._proving import Prover

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
@click.option("--live/--offline", "live", default=None, help="Ask the DNS and prove the verdict, or ask nobody (default: live for one bounce in a terminal, else offline).")
@click.option("--sending-ip", multiple=True, metavar="IP", help="The IP that sent the mail, where the bounce does not say (may be repeated).")
@click.option("--helo", default="", metavar="NAME", help="The name the sending server says in EHLO, where the bounce does not say.")
@click.option("--domain", default="", metavar="DOMAIN", help="The domain the mail was from, where the bounce does not say.")
@click.option("--smtp", is_flag=True, help="Live: also connect to the recipient's mail server and ask about the recipient (no mail is sent).")
@click.option("--replay", type=click.Path(exists=True, dir_okay=False), metavar="REPORT.json", help="Judge the answers in a saved --live --json report again, asking nobody.")
@click.option("-v", "--verbose", is_flag=True, help="Also every field that was read, and where it stood.")
@asking_options
def command(path: tuple[str, ...], text: str | None, **options: Any) -> None:
    """Say why a mail bounced, whose problem it is, and what to do now.

    PATH is a mail (.eml, .msg), a text, an mbox, any of these packed with gzip, a directory or a maildir; "-" or nothing is
    standard input, where a bounce can be pasted.

    Exit codes: 0 diagnosed, 1 nothing here is a bounce, 2 wrong use, 3 some inputs could not be read (they are named, the rest was
    done).
    """
    order = _order(options)
    if options["replay"]:
        raise SystemExit(_replay(options["replay"], order))
    if _wants_live(path, text, options):
        order = replace(order, prove=_prover(options))
    progress = Progress(_total(path) if sys.stderr.isatty() else 0)
    try:
        tally = _show(run(_input(path, text), order, options["jobs"]), order, progress)
    finally:
        _end(order)
    if not tally.mails and not tally.unread:
        click.echo("There is no mail in it: no file was found that could be read as a mail or a text.", err=True)
    raise SystemExit(3 if tally.unread else 0 if tally.diagnosed else 1)


def _wants_live(path: tuple[str, ...], text: str | None, options: dict[str, Any]) -> bool:
    """Live where it is asked for; by itself only for one bounce that a person looks at."""
    if options["live"] and options["jobs"] > 1:
        raise click.UsageError("--live works with one job.")
    if options["live"] is not None:
        return bool(options["live"])
    one = len(path) + (text is not None) <= 1 and not any(os.path.isdir(name) for name in path)
    return one and options["jobs"] == 1 and not options["summary"] and sys.stdout.isatty()


def _prover(options: dict[str, Any]) -> Prover:
    from ..subject import domain_name, ip
    from ._asking import settings
    from ._proving import Prover

    given = Subject(
        domain_name(options["domain"]) if options["domain"] else "", tuple(ip(one) for one in options["sending_ip"]), options["helo"].rstrip(".").lower(),
        smtp=options["smtp"], probe_recipient=options["smtp"], settings=settings(),
    )
    return Prover(given, options["resolver"], options["timeout"], options["show_queries"])


def _end(order: Order) -> None:
    """Close the World, and say that somebody was asked."""
    if order.prove is None:
        return
    from ._proving import Prover, remark

    assert isinstance(order.prove, Prover)
    order.prove.close()
    sys.stdout.flush()
    if order.form == "text" and not order.prove.list_queries:
        remark(order.prove.asked)


def _replay(path: str, order: Order) -> int:
    """Show the verdicts of a saved report, judged again."""
    import json

    from ..report import json_
    from ..report.text import render
    from ._proving import replay

    with open(path, encoding="utf-8") as file:
        text = file.read()
    try:
        reports = [json.loads(line) for line in text.splitlines() if line.strip()] if text.startswith('{"schema":"fivefifty/verdict') else [json.loads(text)]
    except ValueError as error:
        raise InputError(f"this is not a report of `fivefifty diagnose --json`: {error}", path, "Make one with: fivefifty diagnose BOUNCE --live --json") from error
    found = [verdict for report in reports for verdict in replay(report)]
    shown = [render(one, order.look) if order.form == "text" else json_.line(one) for one in found]
    sys.stdout.write(_OPENINGS.get(order.form, "") + _BETWEEN[order.form].join(shown) + ("\n]}\n" if order.form == "json" else "\n" if order.form == "jsonl" else ""))
    return 0 if found else 1


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
