"""Suppression lists as files: what services and people export, read by the names of the columns."""
from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .suppression import ALL, MARKETING, key_of

MOST_CHARACTERS = 100_000  # of one line or value: an export has short ones
_HASH = re.compile(r"(?:(?:sha256|md5):)?([0-9a-f]{64}|[0-9a-f]{32})\Z")
_PLAIN = re.compile(r"[^a-z0-9]+")
# Names are compared without case, spaces and signs.  SES: EmailAddress, Reason, LastUpdateTime; SendGrid: email, reason, status, created;
# Mailgun: address, code, error, created_at; Postmark: EmailAddress, SuppressionReason, Origin, CreatedAt; SparkPost: recipient, type, description.
_ADDRESS = ("emailaddress", "email", "address", "recipient", "mail", "emailaddresses", "contact", "rcpt", "rcptto", "subscriber", "hash", "sha256", "md5", "emailhash")
_WHY = ("suppressionreason", "reason", "type", "event", "error", "description", "status", "code", "origin")
_WHEN = ("lastupdatetime", "createdat", "created", "date", "time", "timestamp", "since", "updated", "optouttime", "unsubtime")
_UNTIL = ("until", "expires")
_OWN_SCOPE = re.compile(rf"(?:{ALL}|{MARKETING}|via [\w .-]{{1,60}})\Z")  # as `fivefifty suppress export` writes them
_ZONE = re.compile(r" (?:UTC|GMT)\Z")
_WISH = re.compile(r"complain|spam|unsub|opt.?out|non.?transactional|abuse|marketing", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Line:
    """One address of a list, or (`fault`) why a line holds none."""

    key: str  # as `key_of` makes it, or "sha256:…", "md5:…"
    why: str = ""
    since: float = 0.0
    scope: str = ALL
    fault: str = ""
    number: int = 0
    until: float = 0.0
    reason: str = ""  # its id, where it is our own list


def read(lines: Iterable[str]) -> Iterator[Line]:
    """The addresses of a list: one a line, CSV with a head, JSON lines, or one JSON document of a service."""
    following = iter(lines)
    first = next((line for line in following if line.strip()), "").lstrip("\ufeff")
    if first.lstrip()[:1] in ("{", "["):
        yield from _json(first, following)
        return
    head = _cells(first)
    names = [_PLAIN.sub("", cell.lower()) for cell in head]
    if any(name in _ADDRESS for name in names) and not any("@" in cell for cell in head):
        for number, line in enumerate(following, 2):
            if line.strip():
                yield _line(dict(zip(names, _cells(line, head), strict=False)), number)
        return
    for number, line in enumerate((first, *following) if not isinstance(following, list) else following, 1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield _plain(line, number)


def _plain(line: str, number: int) -> Line:
    cells = _cells(line)
    return _line({"email": cells[0], "reason": " ".join(cells[1:])}, number)


def _cells(line: str, like: list[str] | None = None) -> list[str]:
    """The cells of one line; a quoted line feed inside a cell is not looked for, addresses have none."""
    text = line[:MOST_CHARACTERS].strip("\r\n")
    mark = next((one for one in "\t;" if one in text and "," not in text.split(one)[0]), ",")
    try:
        return [cell.strip() for cell in next(csv.reader([text], delimiter=mark), [""])] or [""]
    except csv.Error:
        return [text]


def _line(told: Mapping[str, str], number: int) -> Line:
    given = next((told[name] for name in _ADDRESS if told.get(name)), "").strip()
    why = next((f"{told[name]}" for name in _WHY if told.get(name)), "")[:300]
    wished = _WISH.search(" ".join(str(told.get(name, "")) for name in ("suppressionreason", "reason", "type", "event")))
    scope = told.get("scope", "") if _OWN_SCOPE.match(told.get("scope", "")) else MARKETING if wished else ALL
    since, until = (_time(next((told[name] for name in names if told.get(name)), "")) for names in (_WHEN, _UNTIL))
    own = told.get("reason", "") if "scope" in told and "by" in told else ""
    if own:
        why = told.get("why", "")[:300]
    found = _HASH.match(given.lower())
    if found:
        return Line(f"{'sha256' if len(found[1]) == 64 else 'md5'}:{found[1]}", why, since, scope, number=number, until=until, reason=own)
    key = key_of(given)
    return Line(key, why, since, scope, "" if key else f"no address: {given[:60]!r}" if given else "no address", number, until, own)


def _json(first: str, following: Iterator[str]) -> Iterator[Line]:
    """JSON lines, or one document whose list of objects has addresses; a broken line is told and the rest goes on."""
    try:
        entries = [json.loads(first)]
        single = not isinstance(entries[0], list) and not _lists(entries[0])
    except (ValueError, RecursionError):
        entries, single = [], False
    if single:
        yield from _object(entries[0], 1)
        for number, line in enumerate(following, 2):
            if line.strip():
                try:
                    yield from _object(json.loads(line[:MOST_CHARACTERS]), number)
                except (ValueError, RecursionError):
                    yield Line("", fault="not JSON", number=number)
        return
    try:
        document = entries[0] if entries else json.loads(first + "".join(following))
    except (ValueError, RecursionError):
        yield Line("", fault="not JSON", number=1)
        return
    found = document if isinstance(document, list) else _lists(document)
    for number, one in enumerate(found or [document], 1):
        yield from _object(one, number)


def _lists(document: Any) -> list[Any]:
    """The list inside a service's answer: SuppressedDestinationSummaries (SES), Suppressions (Postmark), items (Mailgun), results (SparkPost)."""
    return next((one for one in document.values() if isinstance(one, list) and one and isinstance(one[0], dict)), []) if isinstance(document, dict) else []


def _object(one: Any, number: int) -> Iterator[Line]:
    if isinstance(one, dict) and isinstance(one.get("reasons"), dict):  # a line of our own
        for name, told in one["reasons"].items():
            plain = {key: str(value) for key, value in told.items() if isinstance(value, (str, int, float))} if isinstance(told, dict) else {}
            yield _line({"by": "", **plain, "email": str(one.get("address", "")), "reason": str(name)}, number)
    elif isinstance(one, dict):
        yield _line({_PLAIN.sub("", str(name).lower()): str(value) for name, value in one.items() if isinstance(value, (str, int, float))}, number)
    else:
        yield _line({"email": str(one)}, number)


def _time(text: str) -> float:
    """Seconds since 1970 of a time as exports write it, 0 where it is none."""
    text = text.strip()
    try:
        number = float(text)
        number = number / 1000 if number > 1e11 else number
        return number if 0 < number < 1e11 else 0.0
    except ValueError:
        pass
    text = _ZONE.sub("+00:00", text)
    for written in (datetime.fromisoformat, lambda told: datetime.strptime(told, "%a, %d %b %Y %H:%M:%S%z")):  # the second as Mailgun writes it (RFC 5322 3.3)
        try:
            told = written(text)
            return max(0.0, (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp())
        except (ValueError, OverflowError):
            continue
    return 0.0
