"""MTA-STS (RFC 8461): the TXT record, the policy file, and which MX it allows."""
from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

LONGEST_MAX_AGE = 31_557_600  # RFC 8461 3.2: one year
LONGEST_POLICY = 65_536  # RFC 8461 3.3 suggests it as a limit
MOST_MX = 1000
MODES = ("enforce", "testing", "none")
_VERSION = re.compile(r"v=STSv1[ \t]*;")  # RFC 8461 3.1: case-sensitive, and the semicolon belongs to it
_ID = re.compile(r"[A-Za-z0-9]{1,32}\Z")
_EXTENSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}=[\x21-\x3a\x3c\x3e-\x7e]+\Z")
_PATTERN = re.compile(r"(?=.{1,255}\Z)(?:\*\.)?(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z")


@dataclass(frozen=True, slots=True)
class StsRecord:
    """The TXT record at `_mta-sts.` of the domain.  With any of the `problems` senders act as if there were none."""

    texts: tuple[str, ...] = ()  # those that begin with v=STSv1;
    id: str = ""
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StsPolicy:
    """The policy file.  `problems` make it void, `oddities` do not."""

    mode: str = ""
    mx: tuple[str, ...] = ()  # patterns, lower case, as written otherwise
    max_age: int = -1
    fields: dict[str, str] = field(default_factory=dict, hash=False)
    problems: tuple[str, ...] = ()
    oddities: tuple[str, ...] = ()


def read_records(texts: Iterable[str]) -> StsRecord:
    """The record among the TXT records of the name (RFC 8461 3.1): all that do not begin with v=STSv1; are ignored."""
    ours = tuple(text for text in texts if _VERSION.match(text))
    if len(ours) != 1:
        return StsRecord(ours, problems=(f"{len(ours)} records begin with v=STSv1;, so senders use none of them",) if ours else ())
    found, problems = "", []
    for piece in ours[0][:8192].split(";")[1:]:
        piece = piece.strip(" \t")
        name, _, value = piece.partition("=")
        if name == "id":
            if found:
                problems.append("id= stands there twice")
            found = found or value
            if not _ID.match(value):
                problems.append(f"id={value[:40]} is not valid: it takes 1 to 32 letters and digits")
        elif piece and not _EXTENSION.match(piece):
            problems.append(f"\"{piece[:40]}\" is no valid field")
    if not found and not problems:
        problems.append("id= is missing")
    return StsRecord(ours, found, tuple(problems))


def read_policy(body: bytes) -> StsPolicy:
    """The policy in a file (RFC 8461 3.2).  Lines end in CRLF or LF; of a field that may stand once, the first counts."""
    text = body[:LONGEST_POLICY].decode("utf-8", "replace")
    fields: dict[str, str] = {}
    patterns: list[str] = []
    problems: list[str] = []
    oddities: list[str] = []
    for line in text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")[:MOST_MX + 100]:
        name, colon, value = line.partition(":")
        name, value = name.strip(), value.strip(" \t")
        if not line.strip():
            continue
        if not colon:
            problems.append(f"the line \"{line[:60]}\" is no \"key: value\" pair")
        elif name == "mx":
            patterns.append(value.lower())
        elif name in fields:
            oddities.append(f"{name[:40]} stands there twice; the first counts")
        else:
            fields[name] = value
    problems += _field_problems(fields, patterns)
    oddities += _oddities(text, body, fields)
    age = fields.get("max_age", "")
    return StsPolicy(fields.get("mode", ""), tuple(patterns), int(age) if age.isdecimal() and age.isascii() and len(age) <= 10 else -1, fields, tuple(problems[:20]), tuple(oddities[:20]))


def _field_problems(fields: dict[str, str], patterns: list[str]) -> list[str]:
    found = []
    if fields.get("version") != "STSv1":
        found.append("version: STSv1 is missing" if "version" not in fields else f"version: {fields['version'][:40]} is unknown")
    if fields.get("mode") not in MODES:
        found.append("mode: is missing" if "mode" not in fields else f"mode: {fields['mode'][:40]} is none of enforce, testing, none")
    if not patterns and fields.get("mode") != "none":
        found.append("there is no mx: line")
    found += [f"mx: {one[:80]} is no host name or *.name" for one in patterns if not _PATTERN.match(one)][:5]
    age = fields.get("max_age", "")
    if not (age.isascii() and age.isdecimal() and len(age) <= 10):
        found.append("max_age: is missing" if not age else f"max_age: {age[:40]} is no number of seconds")
    elif int(age) > LONGEST_MAX_AGE:
        found.append(f"max_age: {age} is more than a year ({LONGEST_MAX_AGE} seconds)")
    return found


def _oddities(text: str, body: bytes, fields: dict[str, str]) -> list[str]:
    found = []
    if "\r" in text.replace("\r\n", ""):
        found.append("a line ends in a bare CR")
    if body.startswith(b"\xef\xbb\xbf"):
        found.append("the file begins with a byte order mark, which some senders can't read")
    if len(body) > LONGEST_POLICY:
        found.append("the file is larger than 64 KB")
    if next(iter(fields), "version") != "version":
        found.append("version: does not stand first")
    return found


def matches(pattern: str, host: str) -> bool:
    """Whether an MX host name is allowed by one pattern: "*." stands for exactly one label on the left (RFC 8461 4.1)."""
    pattern, host = pattern.lower().removesuffix("."), host.lower().removesuffix(".")
    if pattern.startswith("*."):
        label, _, rest = host.partition(".")
        return bool(label) and rest == pattern[2:]
    return host == pattern
