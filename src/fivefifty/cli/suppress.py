"""Keep the list of addresses that get no more mail: why, since, until, on what evidence."""
from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from ._store import existing_store, moment, settings_of, store_of, store_options, written_to

if TYPE_CHECKING:
    from ..store import Store

CHUNK = 50_000
_FORMS = ("csv", "jsonl", "txt", "ses", "sendgrid", "mailgun", "postmark", "sparkpost", "brevo", "mailchimp")
_by = click.option("--by", default="", metavar="NAME", help="Who decided it (default: the name of the user).")


@click.group()
def command() -> None:
    """Keep the list of addresses that get no more mail.

    `fivefifty ingest` and `fivefifty watch` fill it by rules: hard words about the address itself from a trusted source at once, a full
    mailbox when it comes back, blocks never.
    """


def _opened(options: dict[str, Any], *, read_only: bool = False) -> Store:
    return existing_store(options["store"], settings_of(options["settings_path"]), read_only=read_only)


def _to_fill(options: dict[str, Any]) -> Store:
    return store_of(options["store"], settings_of(options["settings_path"]))


def _name(by: str) -> str:
    import getpass

    try:
        return by or getpass.getuser()
    except (KeyError, OSError):
        return by or "somebody"


@command.command("list")
@click.option("--held", is_flag=True, help="Those that are in doubt: a provider answered nearly everybody with \u201cuser unknown\u201d.")
@click.option("--contradicted", is_flag=True, help="Only those that took mail, or answered, after the evidence.")
@click.option("--reason", default="", metavar="REASON", help="Only those with this reason, as address.unknown, full, complaint.")
@store_options
def list_(held: bool, contradicted: bool, reason: str, **options: Any) -> None:
    """Show the list."""
    from ..report.suppression import shown
    from ..suppress import HELD, TABLE

    store, count = _opened(options, read_only=True), 0
    for key, document in store.documents(HELD if held else TABLE):
        reasons = {name: told for name, told in document["reasons"].items() if (not reason or name == reason) and (not contradicted or told.get("contradicted"))}
        if reasons:
            count += 1
            click.echo(shown("held" if held else "suppressed", key, reasons), nl=False)
    click.echo(f"{count:,} {'address' if count == 1 else 'addresses'}", err=True)
    store.close()


@command.command()
@click.argument("address", nargs=-1)
@click.option("--why", default="", metavar="TEXT", help="The reason, in your words.")
@click.option("--until", default="", metavar="DAY", help="When it ends, as 2027-01-31 (default: never).")
@click.option("--marketing", is_flag=True, help="Only for advertising; other mail goes on.")
@click.option("--held", default="", metavar="PROVIDER", help="Confirm all that are held because of this provider.")
@_by
@store_options
def add(address: tuple[str, ...], **options: Any) -> None:
    """Put addresses on the list, or confirm held ones."""
    from .. import suppress

    by, now = f"person {_name(options['by'])}", time.time()
    if options["held"]:
        store = _opened(options)
        count = suppress.confirm(store, _held(store, options["held"]), by)
        click.echo(f"{count:,} held {'address is' if count == 1 else 'addresses are'} now on the list.")
        store.close()
        return
    keys, until = _keys(address), moment(options["until"], settings_of(options["settings_path"]).tzinfo)
    if options["until"] and until <= now:
        raise click.BadParameter("that is over already; write a day to come, as 2027-01-31", param_hint="--until")
    store = _to_fill(options)
    told: dict[str, Any] = {"id": "person", "why": options["why"] or "Added by hand.", "since": now, "until": until,
            "scope": "marketing" if options["marketing"] else "all", "by": by, "added": now, "evidence": []}
    new = suppress.add(store, dict.fromkeys(keys, told))
    click.echo(f"{len(keys):,} on the list, {new:,} of them new.")
    store.close()


@command.command()
@click.argument("address", nargs=-1)
@click.option("--note", default="", metavar="TEXT", help="Why; kept beside the address.")
@click.option("--held", default="", metavar="PROVIDER", help="All that are held because of this provider.")
@_by
@store_options
def remove(address: tuple[str, ...], **options: Any) -> None:
    """Take addresses off the list; only newer evidence puts them there again."""
    from .. import suppress

    store = _opened(options)
    keys = _held(store, options["held"]) if options["held"] else _keys(address)
    stood = suppress.remove(store, keys, _name(options["by"]), options["note"])
    for key in sorted(set(keys) - set(stood)):
        click.echo(f"{key} was not on the list.")
    click.echo(f"{len(stood):,} taken off.")
    store.close()
    raise SystemExit(0 if stood else 1)


def _keys(address: Iterable[str]) -> list[str]:
    from ..suppress import key_of

    given = list(address)
    if not given:
        raise click.UsageError("Name an address, for example: fivefifty suppress add jane@example.org")
    bad = next((one for one in given if not key_of(one)), "")
    if bad:
        raise click.UsageError(f"{bad[:80]!r} is no mail address.")
    return [key_of(one) for one in given]


def _held(store: Store, provider: str) -> list[str]:
    from ..suppress import HELD

    return [key for key, document in store.documents(HELD) if any(one["provider"] == provider for told in document["reasons"].values() for one in told["evidence"])]


@command.command("import")
@click.argument("path")
@click.option("--reason", default="import", metavar="NAME", help="What the reason is called (default: import).")
@click.option("--marketing", is_flag=True, help="Only for advertising, whatever the file says.")
@_by
@store_options
def import_(path: str, reason: str, marketing: bool, **options: Any) -> None:
    """Take in a list: addresses or their hashes, one a line, CSV, JSON; exports of services too.

    Hashes are SHA-256 or MD5 of the address in lower case.  PATH may be "-".  Exit codes: 0 all read, 3 some lines held no address (they are named).
    """
    from .. import suppress
    from ..plan.suppression_lists import read

    following = read(_readable(path))
    store, now, by = _to_fill(options), time.time(), f"import {path} by {_name(options['by'])}"
    faults, new, all_ = 0, 0, 0
    while lines := list(islice(following, CHUNK)):
        given: list[tuple[str, dict[str, Any]]] = []
        for one in lines:
            if one.fault:
                faults += 1
                if faults <= 10:
                    click.echo(f"line {one.number}: {one.fault}", err=True)
                continue
            scope = "marketing" if marketing else one.scope
            given.append((one.key, {"id": one.reason if one.reason and reason == "import" else reason, "why": one.why or f"Imported from {path}.", "since": one.since or now, "until": one.until,
                                    "scope": scope, "by": by, "added": now, "evidence": []}))
        new += suppress.add(store, given)
        all_ += len({key for key, _ in given})
    store.close()
    click.echo(f"{all_:,} read, {new:,} of them new" + (f"; {faults:,} lines held no address" if faults else "") + ".")
    raise SystemExit(3 if faults else 0)


def _readable(path: str) -> Iterator[str]:
    """The lines; a file that can't be read is told before a store is made for it."""
    from itertools import chain

    following = _lines(path)
    return chain([one] if (one := next(following, "")) else [], following)


def _lines(path: str) -> Iterator[str]:
    from ..errors import InputError

    if path == "-":
        yield from sys.stdin
        return
    try:
        with open(path, encoding="utf-8", errors="replace", newline=None) as file:
            while line := file.readline(1 << 24):
                yield line
    except OSError as error:
        raise InputError(f"The list could not be read: {(error.strerror or '').lower()}.", path, "Check the path.") from error


@command.command()
@click.option("--format", "form", type=click.Choice(_FORMS), default="csv", show_default=True, help="For whom.")
@click.option("-o", "--output", default="-", metavar="FILE", help="Where to write (default: standard output).")
@store_options
def export(form: str, output: str, **options: Any) -> None:
    """Write the list, in a form that a service takes in unedited.

    Held addresses, reasons whose time is over and the lists of services themselves are left out.
    """
    from ..report.suppression import written
    from ..suppress import TABLE

    store, now = _opened(options, read_only=True), time.time()

    def standing() -> Iterator[tuple[str, dict[str, Any]]]:
        for key, document in store.documents(TABLE):
            reasons = {name: told for name, told in document["reasons"].items() if not 0 < told["until"] <= now}
            if reasons:
                yield key, {**document, "reasons": reasons}

    try:
        if output == "-":
            sys.stdout.writelines(written(standing(), form))
        else:
            written_to(output, lambda file: file.writelines(line.encode("utf-8", "surrogateescape") for line in written(standing(), form)))
    finally:
        store.close()


@command.command()
@click.argument("address", nargs=-1)
@click.option("-f", "--file", "file", default="", metavar="FILE", help="Read addresses from here, one a line (\u201c-\u201d: standard input).")
@click.option("--transactional", is_flag=True, help="Ask for mail that is no advertising: unsubscriptions and complaints do not count.")
@click.option("--via", default="", metavar="SERVICE", help="Ask for mail through this service: its own list counts, too.")
@click.option("--only", type=click.Choice(("free", "suppressed", "held")), default=None, help="Print only these addresses, bare.")
@store_options
def check(address: tuple[str, ...], file: str, **options: Any) -> None:
    """Say of each address whether it may get mail.

    Exit codes: 0 all may, 1 one or more are suppressed or held, 2 wrong use, 3 something is no address.
    """
    from ..report.suppression import shown
    from ..suppress import Asked, standings

    if not address and not file:
        raise click.UsageError("Name an address, or a file of them with -f FILE.")
    store = _opened(options, read_only=True)
    asked = Asked("transactional" if options["transactional"] else "marketing", options["via"])
    seen: set[str] = set()
    following = iter((*address,) if not file else (line for line in _lines(file) if line.strip()))
    while some := [one.strip() for one in islice(following, CHUNK)]:
        out = []
        for one in standings(store, some, asked):
            seen.add(one.state)
            if options["only"]:
                out += [one.given + "\n"] if one.state == options["only"] else []
            else:
                out.append(shown({"free": "not suppressed", "held": "held: send nothing until it is settled"}.get(one.state, one.state), one.given, one.reasons))
        sys.stdout.write("".join(out))
    store.close()
    raise SystemExit(3 if "no address" in seen else 1 if seen & {"suppressed", "held"} else 0)
