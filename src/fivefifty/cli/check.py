"""Audit a domain's mail set-up: what makes its mail fail, and the record to publish instead."""
from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from ..errors import InputError
from ..model import Finding, Subject
from ..report import clean
from ..report.progress import Progress
from ..report.text import Look
from ._asking import asking_options, check_resolvers, settings, show_queries

if TYPE_CHECKING:
    from ..survey import Fault, Order, Shown

MANY = 200  # domains from which several processes are worth their start


@click.command()
@click.argument("domain", nargs=-1)
@click.option("-f", "--file", "files", multiple=True, type=click.Path(dir_okay=False), metavar="FILE", help='Domains from a file, one a line ("-": standard input).')
@click.option("--sending-ip", multiple=True, metavar="IP", help="An IP that sends this domain's mail (may be repeated).")
@click.option("--helo", default="", metavar="NAME", help="The name that server says in EHLO.")
@click.option("--mail-from", default="", metavar="ADDRESS", help="The envelope sender; else postmaster@DOMAIN is assumed.")
@click.option("--selector", multiple=True, metavar="S", help="A DKIM selector in use (may be repeated).")
@click.option("--message", type=click.Path(exists=True, dir_okay=False), metavar="FILE", help="A mail as it was sent: its signatures, headers and links are checked too.")
@click.option("--own-host", multiple=True, metavar="HOST", help="A mail server that is yours: only such ones are tested for relaying.")
@click.option("--smtp/--no-smtp", default=None, help="Connect to mail servers on port 25 (default: yes for one domain, no for many).")
@click.option("--jobs", type=click.IntRange(1, 64), metavar="N", help="Processes to work with (default: 1, and one for each core from 200 domains on).")
@click.option("--only", multiple=True, metavar="CHECK", help='Only these checks or groups ("spf", "dmarc.record").')
@click.option("--json", "form", flag_value="json", help="One JSON object.")
@click.option("--jsonl", "form", flag_value="jsonl", help="One JSON object a line, one line a domain.")
@click.option("--csv", "form", flag_value="csv", help="A table, one line a domain.")
@click.option("--compare", type=click.Path(exists=True, dir_okay=False), metavar="OLD.json", help="Show what changed since that --json report.")
@click.option("--replay", type=click.Path(exists=True, dir_okay=False), metavar="REPORT.json", help="Judge the answers saved in a --json report again, asking nobody.")
@click.option("--list", "list_checks", is_flag=True, help="List every check with what it rests on, and end.")
@click.option("-v", "--verbose", is_flag=True, help="Also what is well, what was not checked, and every answer.")
@asking_options
def command(domain: tuple[str, ...], **options: Any) -> None:
    """Audit a domain's mail set-up: what makes its mail fail, and the record to publish instead.

    DOMAIN may be a name, a mail address or a URL.  With --sending-ip alone only that server is checked.

    Exit codes: 0 all well, 1 warnings, 2 wrong use, 3 something could not be learned or read, 4 something makes mail fail.
    """
    if options["list_checks"]:
        click.echo(_list(), nl=False)
        return
    order = _order(options)
    reports = _saved(options["replay"]) if options["replay"] else []
    given = [] if reports else [*domain, *_listed(options["files"])]
    if not (given or reports or options["sending_ip"]):
        raise click.UsageError("Give a domain: fivefifty check example.org")
    number = max(len(reports), len(given), 1)
    shown = (_again(one, order) for one in reports) if reports else _survey(given, options, order)
    raise SystemExit(_write(shown, order, number))


def _survey(given: list[str], options: Mapping[str, Any], order: Order) -> Iterator[Shown]:
    from ..survey import Asking, spare_collections, survey

    wanted: list[str | None] = [*given] or [None]
    subjects = (_subject(one, options, len(given)) for one in wanted)
    jobs = options["jobs"] or (min(os.cpu_count() or 1, 8) if len(given) >= MANY else 1)
    if len(given) >= MANY:
        spare_collections()
    check_resolvers(options["resolver"])
    return survey(subjects, Asking(tuple(options["resolver"]), options["timeout"], max(200 // jobs, 50)), order, jobs)


def _write(all_shown: Iterable[Shown], order: Order, number: int) -> int:
    """Write what comes, as it comes; the exit code is the highest."""
    several, worst = number > 1, 0
    write = sys.stdout.write
    progress = Progress(number, "domains") if several else None
    between = {"json": ",\n", "jsonl": "\n", "text": "\n" + "-" * order.look.width + "\n\n", "csv": ""}[order.form]
    write(_head(order, several))
    first = True
    for shown in all_shown:
        worst = max(worst, shown.exit_code)
        if progress:
            progress.add(1, 1)
            progress.clear()
        if shown.text:
            write(shown.text if first else between + shown.text)
            first = False
        if shown.complaint:
            click.echo(clean(shown.complaint), err=True)
        if order.list_queries:
            sys.stdout.flush()
            show_queries(shown.answers, settings().values())
    write({"json": "\n]}\n" if several else "\n", "jsonl": "" if first else "\n"}.get(order.form, ""))
    sys.stdout.flush()
    return worst


def _head(order: Order, several: bool) -> str:
    from ..report.audit_csv import header

    if order.form == "csv":
        return header()
    return '{"schema": "fivefifty/checks/1", "audits": [\n' if order.form == "json" and several else ""


def _list() -> str:
    """Every check, as the table that docs/checks.md holds."""
    from ..checks import all_checks

    rows = [f"| `{one.id}` | {one.title} | {one.reference} | {one.weight} |" for one in all_checks().values()]
    return "\n".join(["| check | what it looks at | rests on | weight |", "|---|---|---|---|", *rows]) + "\n"


def _order(options: Mapping[str, Any]) -> Order:
    color = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    look = Look(min(max(shutil.get_terminal_size((88, 24)).columns, 40), 110), color, options["verbose"])
    from ..survey import Order

    only = tuple(options["only"])
    if only:
        _known_checks(only)
    return Order(options["form"] or "text", look, only, _old(options["compare"]), options["show_queries"])


def _known_checks(only: tuple[str, ...]) -> None:
    from ..causes import near
    from ..checks import all_checks

    names = {*all_checks(), *(one.group for one in all_checks().values())}
    for one in only:
        if one not in names:
            close = near(one, names)
            raise click.BadParameter(f"there is no check called {one!r}." + (f" Did you mean {' or '.join(close)}?" if close else ""), param_hint="--only")


def _saved(path: str) -> list[dict[str, Any]]:
    """The audits of a --json or --jsonl report."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    try:
        read = [json.loads(text)]
    except ValueError:
        try:
            read = [json.loads(line) for line in text.splitlines() if line.strip()]
        except ValueError as error:
            raise InputError(f"this is not a report of `fivefifty check --json`: {error}", path, "Make one with: fivefifty check DOMAIN --json") from error
    audits = [audit for one in read if isinstance(one, dict) for audit in one.get("audits", [one])]
    if not audits or not all(str(one.get("schema", "")).startswith("fivefifty/check/") for one in audits):
        raise InputError("this is not a report of `fivefifty check --json`", path, "Make one with: fivefifty check DOMAIN --json")
    return audits


def _old(path: str | None) -> dict[str, list[Finding]]:
    from ..report.audit_json import finding_from

    return {one["domain"]: [finding_from(finding) for finding in one["findings"]] for one in _saved(path)} if path else {}


def _listed(files: Iterable[str]) -> Iterator[str]:
    for path in files:
        try:
            with click.open_file(path, encoding="utf-8-sig", errors="replace") as file:
                for line in file:
                    name = line.partition("#")[0].replace(";", ",").partition(",")[0].strip().strip('"')
                    if name and name.lower() not in ("domain", "domains"):
                        yield name
        except OSError as error:
            raise click.BadParameter(f"{path}: {error.strerror}", param_hint="--file") from error


def _subject(given: str | None, options: Mapping[str, Any], number: int) -> Subject | Fault:
    """The subject of one given domain, or the fault of it in its place."""
    from ..subject import domain_name, ip, is_ip
    from ..survey import Fault

    try:
        ips = tuple(ip(one) for one in options["sending_ip"])
        if given is not None and is_ip(given):
            return Subject(sending_ips=(ip(given), *ips), helo_name=options["helo"], settings=settings())
        name = domain_name(given) if given is not None else ""
    except InputError as error:
        if number == 1:
            raise
        return Fault(given or "", error)
    message = b""
    if options["message"]:
        with open(options["message"], "rb") as file:
            message = file.read(32 * 1024 * 1024)
    smtp = options["smtp"] if options["smtp"] is not None else number == 1
    assumed = f"postmaster@{name}" if ips and name and not message else ""
    return Subject(
        name, ips, options["helo"].rstrip(".").lower(), options["mail_from"] or assumed, selectors=options["selector"], message=message, own_hosts=options["own_host"], smtp=smtp,
        settings=settings(),
    )


def _again(saved: Mapping[str, Any], order: Order) -> Shown:
    """A saved report, judged again."""
    from datetime import datetime

    from ..audit import audit
    from ..report.audit_json import subject_from
    from ..survey import shown
    from ..world.replay import replayed

    subject = subject_from(saved["subject"])  # with stand-ins for its keys, which stand in the saved names as well
    world = replayed(saved["world"], datetime.fromisoformat(saved["asked_at"]))
    return shown(subject, asyncio.run(audit(subject, world, order.only)), world.journal, saved["asked_at"], order)
