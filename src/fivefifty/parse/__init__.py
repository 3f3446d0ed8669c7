"""Bytes to Failures: one for each recipient a report speaks of.

`parse` never raises on what a stranger sent; what could not be read is told in `Failure.notes`.
"""
from __future__ import annotations

import re
from collections.abc import Iterator

from ..model import Failure
from .mail import Opened, opened, read
from .mime import text_of, unix
from .paste import read_paste

__all__ = ["Opened", "parse", "parse_mails"]

MAX_INPUT = 64 * 1024 * 1024

_FIRST_FIELD = re.compile(r"(?:>?From [^\n]*\n)*(?:[ \t]*\n)*([!-9;-~]{1,80})[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*([!-9;-~]{1,80})[ \t]*:")
# Two of these at the head make a mail; fields of a pasted report (Final-Recipient …) do not.
_MAIL_FIELDS = frozenset(
    "return-path received from subject content-type mime-version message-id date delivered-to auto-submitted x-failed-recipients dkim-signature to arc-seal authentication-results".split()
)
_FOLDED = (" ", "\t", "")
_SEPARATOR = re.compile(rb"(?:^|\n\n)From [^\n]{3,200}\d{4}[^\n]{0,12}\n(?=[!-9;-~]++:)")


def _looks_like_mail(head: str) -> bool:
    """Whether a text starts with header fields of a mail, not with fields of a report or words of a log."""
    fields = _FIRST_FIELD.match(head)
    if not fields:
        return False
    end = head.find("\n\n")
    two = {fields[1].lower(), fields[2].lower()}
    if len(two) == 2 and two <= _MAIL_FIELDS and fields.end() < (end if end >= 0 else 2000):
        return True  # nearly every mail
    block = head[:2000] if end < 0 else head[: min(end, 2000)]
    names = {line[: line.find(":")].strip().lower() for line in block.split("\n") if line[:1] not in _FOLDED}
    if len(names & _MAIL_FIELDS) < 2 and end > 2000:
        names = {line[: line.find(":")].strip().lower() for line in head[:end].split("\n")}
    return len(names & _MAIL_FIELDS) >= 2


def _mails(data: bytes) -> list[bytes]:
    """The mails of an mbox in memory; one where it is a single mail."""
    if not data.startswith(b"From ") or b"\n\nFrom " not in data:
        return [data]
    starts = [found.start() for found in _SEPARATOR.finditer(data)]
    if len(starts) < 2:
        return [data]
    return [data[a:b] for a, b in zip(starts, [*starts[1:], len(data)], strict=True)]


def parse(source: bytes | str, own_domains: frozenset[str] = frozenset()) -> list[Failure]:
    """Every Failure of a mail, an mbox or a pasted text; [] when it is ordinary mail or nothing at all."""
    data, is_mail = _prepared(source)
    if not is_mail:
        return read_paste(text_of(data[: 4 * 1024 * 1024]))
    return [failure for mail in _mails(data) for failure in read(mail, 0, own_domains)]


def parse_mails(source: bytes, own_domains: frozenset[str] = frozenset()) -> Iterator[Opened]:
    """The mails of an input, each with what it reports; none where it is no mail but text."""
    data, is_mail = _prepared(source)
    if is_mail:
        yield from (opened(mail, 0, own_domains) for mail in _mails(data))


def _prepared(source: bytes | str) -> tuple[bytes, bool]:
    """The bytes with plain line ends, and whether they are a mail."""
    data = source.encode("utf-8", "surrogateescape") if isinstance(source, str) else source
    data = unix(data[:MAX_INPUT])
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    return data, _looks_like_mail(text_of(data[:16_000].lstrip(b"\n")))
