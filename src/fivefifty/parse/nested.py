"""A bounce inside another mail: forwarded as attachment, or quoted in the text."""
from __future__ import annotations

import re
from collections.abc import Callable

from ..model import Failure
from .dsn import read_report
from .mime import Headers, Mail, Part, decoded
from .report import failure_of, human_part
from .returned import Returned

MAX_NESTING = 3
Reader = Callable[[bytes, int], list[Failure]]

_INLINE = re.compile(r"^content-type:[ \t]*multipart/report|^(?:final-recipient|diagnostic-code):|mail delivery (?:sub)?system|mailer-daemon", re.IGNORECASE | re.MULTILINE)
_QUOTED = re.compile(r"^(?:[>|][>| ]*)(?=\S|$)", re.MULTILINE)
_BLOCK = re.compile(r"^(?:From |(?:Return-Path|Received|From|Date|Delivered-To|Subject|X-[\w-]+):)[^\n]*\n(?=(?:[ \t][^\n]*\n)*[A-Za-z-]{2,40}:)", re.IGNORECASE | re.MULTILINE)


def read_nested(mail: Mail, depth: int, read: Reader) -> list[Failure]:
    """A bounce that someone forwarded: as attachment (RFC 2046 5.2.1), else quoted in the text."""
    if depth >= MAX_NESTING:
        return []
    return _attached(mail, depth, read) or _inline(mail, depth, read)


def _inline(mail: Mail, depth: int, read: Reader) -> list[Failure]:
    """A bounce quoted inside a text: taken out of its quotation marks and read as the mail it was."""
    words = human_part(mail)[0]
    if not _INLINE.search(words):
        return []
    plain = _QUOTED.sub("", words)
    block = _BLOCK.search(plain)
    if block is None:
        return []
    quoted = plain[block.start() :]
    found = read(quoted.encode("utf-8", "replace"), depth + 1)
    if found or "final-recipient:" not in quoted.lower():
        return found
    report = read_report(quoted)
    return [failure_of(group, report.message, Part(Headers(), b"", "text/plain", {}, "quoted text"), Returned(), quoted[:6000], ()) for group in report.recipients]


def _attached(mail: Mail, depth: int, read: Reader) -> list[Failure]:
    for part in mail.parts:
        if part.type in ("message/rfc822", "message/global", "application/octet-stream") and len(part.body) > 60:
            body = decoded(part, 8 * 1024 * 1024)
            if part.type == "application/octet-stream" and b"\nReceived:" not in body[:4000] and not body.startswith((b"Received:", b"Return-Path:")):
                continue
            found = read(body, depth + 1)
            if found:
                return found
    return []
