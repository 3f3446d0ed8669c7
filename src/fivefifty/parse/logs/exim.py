"""Exim's main log and reject log: "**", "==", "=>", "<=", and "H=… rejected RCPT …" (Exim specification, chapter "Log files")."""
from __future__ import annotations

import re

from ...model import Failure
from ..address import clean
from . import Entry

HINTS = (" ** ", " == ", " => ", " -> ", " <= ", "rejected ", "rejected:")

_HEAD = re.compile(r"(?:\S{1,60} )?(?:(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?(?: [+-]\d{4})?) )?(?:\[\d{1,10}\] )?(?:(\w{6}-\w{6,11}-\w{2,4}) )?")
_LINE = re.compile(r"(?:^|(?<=\s))(\w{6}-\w{6,11}-\w{2,4}) (\*\*|==|=>|->|<=|\*>) (\S{1,500})")
_FLAGGED = re.compile(r"(\*\*|==) (\S{1,320}@\S{1,255})")
_FIELD = re.compile(r" ([A-Za-z]{1,4})=((?:<[^<>]{0,500}>|\"[^\"]{0,998}\"|[^\s:\"<]\S{0,500}?)(?= |: |:$|$))")
_HOST = re.compile(r"\bH=(?:\(([^()\s]{1,255})\)|([A-Za-z0-9_.\-]{1,255}))?(?: \(([^()\s]{1,255})\))? ?\[([0-9A-Fa-f:.]{3,45})\]")
_REJECTED = re.compile(r"\b(temporarily )?rejected (RCPT|MAIL|EHLO or HELO|EHLO|HELO|STARTTLS|AUTH|connection|after DATA|DATA|before DATA|sender|by [a-z_]{2,30}(?:\(\))?|during MIME ACL checks)[^:<]{0,60}(?:<([^<>]{0,320})>)?[^:]{0,60}: ?")
_WORDS = re.compile(r"(?: defer \(-?\d{1,5}\)[^:]{0,300})?: ")
_PHASES = {"RCPT": "rcpt", "MAIL": "mail", "EHLO": "ehlo", "HELO": "ehlo", "EHLO or HELO": "ehlo", "connection": "connect", "after DATA": "end-of-data", "DATA": "data", "before DATA": "data", "STARTTLS": "starttls", "AUTH": "auth"}
_OUTCOMES = {"**": "failed", "==": "delayed", "=>": "delivered", "->": "delivered", "*>": "delivered"}


def read(line: str) -> Entry | None:
    """A line of Exim's log; lines without a flag count only where they say "rejected"."""
    found = _LINE.search(line) or _FLAGGED.search(line)
    when = _HEAD.match(line)
    date = (when[1] or "") if when else ""
    if found and found.re is _FLAGGED:
        return _delivery(line, ("", found[1], found[2]), found.end(), date)
    if found:
        return _sender(line, found) if found[2] == "<=" else _delivery(line, (found[1], found[2], found[3]), found.end(), date)
    refused = _REJECTED.search(line)
    return _rejected(line, refused, date) if refused and ("H=" in line or "F=<" in line) else None


def _sender(line: str, found: re.Match[str]) -> Entry:
    told = dict(_FIELD.findall(line[found.end() - 1 :]))
    host = _HOST.search(line)
    return Entry("context", found[1], Failure(
        envelope_sender=clean(found[3]), message_id=told.get("id", ""), subject=told.get("T", "").strip('"') if told.get("T", "").startswith('"') else "", helo_name=(host[1] or host[3] or "") if host else ""))


def _delivery(line: str, found: tuple[str, str, str], end: int, date: str) -> Entry | None:
    key, flag, address = found
    rest = line[end:] if not address.endswith(":") else ":" + line[end:]
    host = _HOST.search(rest)
    told = dict(_FIELD.findall(rest))
    words = _WORDS.search(rest)
    outcome = _OUTCOMES[flag]
    said = rest[words.end() :] if words else told.get("C", "").strip('"')
    if outcome != "delivered" and not said:
        return None
    parent = re.match(r"\s(?:\([^()]{1,320}\) )?<([^<>]{1,320})>", rest)
    known = Failure(
        final_recipient=clean(address.rstrip(":")), original_recipient=clean(parent[1]) if parent else "", envelope_sender=clean(told.get("F", "")), last_attempt_date=date,
        remote_mta=(host[2] or "").lower() if host else "", remote_ip=host[4] if host else "",
    )
    return Entry(outcome, key, known, said)


def _rejected(line: str, refused: re.Match[str], date: str) -> Entry:
    """A refusal this host spoke itself: H= is the sending host."""
    host = _HOST.search(line)
    told = dict(_FIELD.findall(line[: refused.start()]))
    known = Failure(
        final_recipient=clean(refused[3] or "") if refused[2] == "RCPT" else "", envelope_sender=clean(told.get("F", "")) or (clean(refused[3] or "") if refused[2] == "MAIL" else ""),
        helo_name=(host[1] or host[3] or "") if host else "", sending_ip=host[4] if host else "", phase=_PHASES.get(refused[2], ""), last_attempt_date=date,
    )
    return Entry("rejected", "", known, line[refused.end() :].strip() or line, known.phase)
