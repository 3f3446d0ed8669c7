"""Lines of mail logs: one file a program, found here and nowhere else.

A module has `HINTS`, literals of which each of its lines holds one, and `read`, which takes a line apart.  Lines about the same
message share `key` (the queue id): what one tells about the sender completes what another tells about a recipient.
"""
from __future__ import annotations

import pkgutil
import re
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module
from typing import Protocol, cast

from ...model import Failure
from ..statement import stated

MAX_LINES = 50_000
MAX_LINE = 8_000

# outcomes: failed, rejected (by the host that wrote the log), delayed, delivered, expired (about a whole message), context
_FAILED = ("failed", "rejected", "delayed")
_START = re.compile(
    r"(?:<\d{1,3}>)?(?:\w{3} {1,2}\d{1,2} \d\d:\d\d:\d\d|\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d|@4000[0-9a-f]{16}|\d{10}[ .]|\[\w|NOQUEUE|(?:\S{1,80} )?(?:postfix|sm-mta|sendmail|smtpd|exim|qmail)\S{0,40}[\[:]|[0-9A-F]{8,12}: |\w{6}-\w{6,11}-\w{2,4} |to=|starting delivery|delivery \d|info msg|new msg|end msg|H=)")


@dataclass(slots=True)
class Entry:
    """What one line tells: the fields of `known`, and the words to be read as a reply."""

    outcome: str
    key: str = ""
    known: Failure = field(default_factory=Failure)
    words: str = ""
    phase: str = ""
    parent: str = ""  # key of the message, where the lines of a delivery carry another


class Log(Protocol):
    """What a module of this package offers."""

    HINTS: tuple[str, ...]

    def read(self, line: str) -> Entry | None:
        """What a line tells; None where it is not of this log."""


@cache
def logs() -> tuple[Log, ...]:
    """Every log module, by name."""
    names = sorted(found.name for found in pkgutil.iter_modules(__path__))
    return tuple(cast(Log, import_module(f"{__name__}.{name}")) for name in names)


def lines_of(text: str) -> list[str]:
    """The lines of a log, those that a mail program or terminal broke put together again."""
    found: list[str] = []
    for line in text.split("\n")[:MAX_LINES]:
        bare = line.strip(" \t>|")
        if found and bare and not _START.match(bare):
            if len(found[-1]) < MAX_LINE:
                found[-1] += " " + bare
        elif bare:
            found.append(bare)
    return [line[:MAX_LINE] for line in found]


def _entries(text: str) -> list[Entry]:
    readers = [log for log in logs() if any(hint in text for hint in log.HINTS)]
    if not readers:
        return []
    found = []
    for line in lines_of(text):
        for log in readers:
            if any(hint in line for hint in log.HINTS):
                entry = log.read(line)
                if entry is not None:
                    found.append(entry)
                    break
    return found


def _context(entries: list[Entry]) -> dict[str, Failure]:
    """What the lines of each message tell together about its sender and its way in."""
    told: dict[str, Failure] = {}
    for entry in entries:
        if entry.key:
            told[entry.key] = _filled(told.get(entry.key, Failure()), entry.known)
    for entry in entries:
        if entry.key and entry.parent:
            told[entry.key] = _filled(replace(told[entry.key], final_recipient=entry.known.final_recipient), told.get(entry.parent, Failure()))
    return told


def _filled(known: Failure, more: Failure) -> Failure:
    return replace(known, envelope_sender=known.envelope_sender or more.envelope_sender, helo_name=known.helo_name or more.helo_name, message_id=known.message_id or more.message_id, subject=known.subject or more.subject)


def _completed(entry: Entry, told: Failure, ended: bool, where: str) -> Failure:
    known = _filled(entry.known, told)
    known = known if known.final_recipient else replace(known, final_recipient=told.final_recipient)
    if entry.outcome == "delivered":
        return stated(replace(known, kind="notice", notice="notice.success", action="delivered"), entry.words, where)
    action = "delayed" if entry.outcome == "delayed" and not ended else "failed"
    stage = "expired" if ended else ("delayed" if entry.outcome == "delayed" else "")
    return stated(replace(known, action=action, stage=stage), entry.words, where, entry.phase)


def read_log(text: str, where: str = "log line") -> list[Failure]:
    """The Failures that lines of a log tell of: for each recipient of each message the last outcome; [] where there are none."""
    entries = _entries(text)
    told, last = _context(entries), {}
    ended = {entry.key for entry in entries if entry.outcome == "expired"}
    for entry in entries:
        if entry.outcome in (*_FAILED, "delivered"):
            last[entry.key, entry.known.final_recipient.lower() or entry.words[:80]] = entry
    failed = {key[1] for key, entry in last.items() if entry.outcome in _FAILED}
    chosen = [entry for key, entry in last.items() if entry.outcome in _FAILED or key[1] not in failed]
    return [_completed(entry, told.get(entry.key, Failure()), bool(entry.key) and entry.key in ended, where) for entry in chosen]
