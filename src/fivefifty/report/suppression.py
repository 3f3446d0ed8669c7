"""The suppression list as files that services take in unedited, and as lines for people."""
from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

from . import clean

Document = Mapping[str, Any]
Entry = tuple[str, Document]


def rows(entries: Iterable[Entry]) -> Iterator[list[Any]]:
    """One row for each reason, with everything that is known of it."""
    for key, document in entries:
        for name, told in document["reasons"].items():
            first = (told.get("evidence") or [{}])[-1]
            yield [key, name, told["why"], when(told["since"]), when(told["until"]), told["scope"], told["by"], first.get("source", ""), first.get("trust", ""), first.get("status", ""),
                   first.get("text", ""), told.get("contradicted", {}).get("why", "")]


HEAD = ("address", "reason", "why", "since", "until", "scope", "by", "source", "trust", "status", "text", "contradicted")


def written(entries: Iterable[Entry], form: str) -> Iterator[str]:
    """The list in one of FORMS, line by line.  Services get only addresses: of hashes they could make nothing, and their own lists they know."""
    if form == "jsonl":
        for key, document in entries:
            yield json.dumps({**document, "address": key}, ensure_ascii=False) + "\n"
        return
    head, row = FORMS[form]
    if head:
        yield _line(head)
    if form == "csv":
        for cells in rows(entries):
            yield _line(cells)
        return
    for key, document in entries:
        reasons = {name: told for name, told in document["reasons"].items() if not told["scope"].startswith("via ")}
        if "@" in key and reasons:
            wish = all(told["scope"] == "marketing" for told in reasons.values())
            for cells in _both(key, next(iter(reasons.items())), wish) if form == "sparkpost" else (row(key, next(iter(reasons.items())), wish),):
                yield _line(cells)


Row = Callable[[str, tuple[str, Document], bool], list[Any]]


def _ses(key: str, reason: tuple[str, Document], wish: bool) -> list[Any]:
    """No head; the reasons are BOUNCE and COMPLAINT (CreateImportJob, DataFormat CSV)."""
    return [key, "COMPLAINT" if wish else "BOUNCE"]


def _mailgun(key: str, reason: tuple[str, Document], wish: bool) -> list[Any]:
    """Head and RFC 2822 time as the import of bounces wants them."""
    told = reason[1]
    status = (told.get("evidence") or [{}])[-1].get("text", "")[:3]
    return [key, status if status.isdigit() else "550", told["why"], formatdate(told["since"] or 0, usegmt=True)]


def _sparkpost(key: str, reason: tuple[str, Document], wish: bool) -> list[Any]:
    return [key, "non_transactional" if wish else "transactional", reason[1]["why"]]


def _both(key: str, reason: tuple[str, Document], wish: bool) -> Iterator[list[Any]]:
    """SparkPost keeps two lists, and an address on one still gets the other kind of mail."""
    for each in (True,) if wish else (True, False):
        yield _sparkpost(key, reason, each)


def _only(key: str, reason: tuple[str, Document], wish: bool) -> list[Any]:
    return [key]


FORMS: dict[str, tuple[tuple[str, ...], Row]] = {
    "csv": (HEAD, _only), "jsonl": ((), _only), "txt": ((), _only), "ses": ((), _ses), "sendgrid": (("email",), _only), "mailgun": (("address", "code", "error", "created_at"), _mailgun),
    "postmark": (("EmailAddress",), _only), "sparkpost": (("recipient", "type", "description"), _sparkpost), "brevo": (("EMAIL",), _only), "mailchimp": (("Email Address",), _only),
}


def _line(cells: Iterable[Any]) -> str:
    """One line of CSV (RFC 4180); a cell that a spreadsheet would run as a formula gets a quote in front, but for addresses, which services take as they are."""
    out = io.StringIO()
    told = [str(cell) for cell in cells]
    csv.writer(out, lineterminator="\n").writerow([told[0], *("'" + cell if cell[:1] in ("=", "+", "@", "-") else cell for cell in told[1:])])
    return out.getvalue()


def when(seconds: float) -> str:
    """A time as text, "" for none."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if 0 < seconds < 1e11 else ""


def shown(state: str, key: str, reasons: Mapping[str, Document]) -> str:
    """One address for people: its state, and why, since and until when, and on whose word."""
    lines = [f"{key}  {state}"]
    for name, told in reasons.items():
        until = f" until {when(told['until'])[:10]}" if told["until"] else ""
        scope = "" if told["scope"] == "all" else f", for {told['scope']} mail" if told["scope"] == "marketing" else f", {told['scope']}"
        lines.append(f"    {name}: {told['why']}  (since {when(told['since'])[:10] or 'unknown'}{until}{scope}; {told['by']})")
        for one in (told.get("evidence") or ())[-1:]:
            lines.append(f"        {one['source']}, {one['trust']}: {one['text'] or one['kind']}")
        if told.get("contradicted"):
            lines.append(f"        {told['contradicted']['why']}")
    return clean("\n".join(lines)) + "\n"
