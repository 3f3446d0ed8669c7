"""Reports of Exchange and Microsoft 365 without a usable delivery-status part: forwarded, pasted, shown as a web page.

Two layouts, in some forty languages, so read by structure.  "Diagnostic information for administrators" (Exchange 2007 and later):
under that heading "label: host" for the generating and, later on, the receiving server, then an address and what was said about it.
"More Info for Email Admins" (Microsoft 365): pairs of a label and a value; the label of who wrote the report has "DSN" in it everywhere.
"""
from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from ...model import Failure
from .. import cue
from ..address import ADDRESS, addresses
from ..telling import Telling, failure_from

HINT = ""  # no literal is common to the languages: see _HINTS
HEADERS = ()

_LATIN = ("diagnos", "dsn")
_HINTS = ("diagnos", "tan\u0131lama", "\u8a3a\u65ad\u60c5\u5831", "\u8bca\u65ad\u4fe1\u606f", "\u8a3a\u65b7\u8cc7\u8a0a", "\u0434\u0438\u0430\u0433\u043d\u043e\u0441\u0442", "\u0434\u0456\u0430\u0433\u043d\u043e\u0441\u0442", "\uc9c4\ub2e8 \uc815\ubcf4", "\u03b4\u03b9\u03b1\u03b3\u03bd\u03c9", "dsn")
_HEADING = re.compile(r"^[^\n:]{0,60}(?:" + "|".join(_HINTS[:-1]) + r")[^\n:]{0,60}[:\uff1a][ \t]*$", re.MULTILINE)
_HOST = r"([a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63}){1,10})"
_LABELLED = re.compile(r"[^\n:\uff1a@]{2,60}[:\uff1a][ \t]*" + _HOST + r"(?:[ \t]*[(\[]([0-9a-f:.]{3,45})[)\]])?[ \t]*", re.IGNORECASE)
_NAMED = re.compile(_HOST + r"(?:[ \t]*[(\[]([0-9a-f:.]{3,45})[)\]])?[ \t]*(?:$|(?=[#<]))", re.IGNORECASE)
_BARE = re.compile(_HOST, re.IGNORECASE)
_ONLY = re.compile(r"[ \t<]*(?:" + ADDRESS.pattern + r")(?:<mailto:[^<>\n]{0,400}>|[> \t])*")
_REPLY = re.compile(r"#?[45]\d\d[ -]")
_CODE = re.compile(r"^[^\n:]{2,60}[:\uff1a][ \t]*[45]\d\d[ ]#?[45]\.\d{1,3}\.\d{1,3}[ \t]*$", re.MULTILINE)
_PAIR = re.compile(r"([^:\uff1a\n]{2,60}?)[ \t]?[:\uff1a][ \t]*([^\n]*)")
_BACK = re.compile(r"(?:received|from|to|subject|x-[\w-]{1,40}|dkim-signature|arc-seal|authentication-results)[ \t]*:", re.IGNORECASE)

MAX_LINES = 5_000


@dataclass(slots=True)
class _Told:
    """What the block says about one recipient."""

    address: str
    host: str = ""
    ip: str = ""
    words: list[str] = field(default_factory=list)


def read(telling: Telling) -> list[Failure]:
    """The Failures of such a report, [] where it is none."""
    low = telling.story.low[:60_000]
    if not cue.holds(low, _LATIN if low.isascii() else _HINTS):
        return []
    heading = _HEADING.search(low)
    found = _diagnostic(telling, telling.human[heading.end() :]) if heading else []
    return found or (_admins(telling) if "dsn" in low and _CODE.search(low) else [])


def _diagnostic(telling: Telling, block: str) -> list[Failure]:
    servers, groups = _groups(block)
    if not servers or not groups:
        return []
    found = []
    for group in groups:
        failure = failure_from(telling, group.address, "\n".join(group.words).rstrip("# \n") or telling.human)
        host, ip = (group.host, group.ip) if group.host else servers[1] if len(servers) > 1 else ("", "")
        found.append(_completed(failure, servers[0][0], failure.remote_mta or host, failure.remote_ip or (ip if failure.remote_mta in ("", host) else ""), telling.where))
    return found


def _groups(block: str) -> tuple[list[tuple[str, str]], list[_Told]]:
    """The servers of the labelled lines, and the recipients with what was said about each."""
    servers: list[tuple[str, str]] = []
    groups: list[_Told] = []
    for line in block.split("\n", MAX_LINES)[:MAX_LINES]:
        line = line.strip()
        labelled = _LABELLED.fullmatch(line) if not groups else None
        if labelled:
            servers.append((labelled[1].lower(), labelled[2] or ""))
        elif _ONLY.fullmatch(line):
            groups.append(_Told(addresses(line)[0]))
        elif groups and line:
            if _BACK.match(line) or (groups[-1].words and line[-1] in ":\uff1a" and len(line) < 80):
                break
            _tell(groups[-1], line)
    return servers, groups


def _tell(group: _Told, line: str) -> None:
    """One more line about a recipient; the first may be, or begin with, the host that spoke."""
    named = _NAMED.match(line) if not group.words and not group.host else None
    if named:
        group.host, group.ip = named[1].lower(), named[2] or ""
        line = line[named.end() :].lstrip("# ")
    if line:
        group.words.append(line)


def _pairs(human: str) -> list[tuple[str, str]]:
    """Labels and their values, on the same line or the next."""
    lines = [line.strip() for line in human.split("\n", MAX_LINES)[:MAX_LINES] if line.strip()]
    found: list[tuple[str, str]] = []
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        pair = _PAIR.fullmatch(line)
        if pair:
            found.append((pair[1].lower(), pair[2] or after))
    return found


def _admins(telling: Telling) -> list[Failure]:
    reporting = remote = words = subject = ""
    people: list[str] = []
    for label, value in _pairs(telling.human):
        if "dsn" in label and _BARE.fullmatch(value):
            reporting = value.lower()
        elif _REPLY.match(value) and len(value) > len(words):
            words = value
        elif words and not remote and _BARE.fullmatch(value):
            remote = value.lower()
        elif _ONLY.fullmatch(value):
            people.append(addresses(value)[0])
        elif len(people) > 1 and not subject:
            subject = value
    if not reporting or not words:
        return []
    sender, recipients = (people[0], people[1:]) if len(people) > 1 else ("", [segment.address for segment in telling.story.segments[:1]] or [""])
    return [_described(_completed(failure_from(telling, one, words), reporting, remote, "", telling.where), sender, subject, telling.where) for one in recipients]


def _described(failure: Failure, sender: str, subject: str, where: str) -> Failure:
    """With what the report tells of the mail itself, where its headers did not come along."""
    seen = {**failure.seen, **{name: where for name, told in (("envelope_sender", sender), ("subject", subject)) if told and not getattr(failure, name)}}
    return replace(failure, envelope_sender=failure.envelope_sender or sender, subject=failure.subject or subject, seen=seen)


def _completed(failure: Failure, reporting: str, remote: str, ip: str, where: str) -> Failure:
    names = {"reporting_mta": reporting, "remote_mta": remote, "remote_ip": ip}
    seen = {**failure.seen, **{name: where for name, told in names.items() if told}}
    return replace(failure, reporting_mta=reporting, remote_mta=remote, remote_ip=ip, seen=seen)
