"""BIMI (draft-brand-indicators-for-message-identification): the assertion record that names a logo."""
from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_VERSION = re.compile(r"v[ \t]*=[ \t]*BIMI1[ \t]*(?:;|\Z)")
_HTTPS = re.compile(r"https://[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?/[\x21-\x3a\x3c-\x7e]{1,2000}\Z", re.IGNORECASE)
LARGEST_LOGO = 32_768  # bytes, what the mailbox providers ask for
_SVG = re.compile(r"<(?:svg:)?svg\b([^>]{0,4000})>", re.IGNORECASE)
_ACTIVE = re.compile(r"<(?:script|image|foreignObject|animate|a\s)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class BimiRecord:
    """An assertion record.  `declined`: it says on purpose that there is no logo (an empty l= and no a=)."""

    texts: tuple[str, ...] = ()
    logo: str = ""  # l=
    evidence: str = ""  # a=: the mark certificate
    declined: bool = False
    problems: tuple[str, ...] = ()


def read_records(texts: Iterable[str]) -> BimiRecord:
    """The record among the TXT records of the name."""
    ours = tuple(text for text in texts if _VERSION.match(text))
    if len(ours) != 1:
        return BimiRecord(ours, problems=(f"there are {len(ours)} BIMI records, so none of them counts",) if ours else ())
    tags: dict[str, str] = {}
    for piece in ours[0][:8192].split(";")[1:]:
        name, equals, value = piece.partition("=")
        if equals:
            tags.setdefault(name.strip().lower(), value.strip())
    logo, evidence = tags.get("l", ""), tags.get("a", "")
    problems = [] if "l" in tags else ["l= is missing"]
    if logo and not _HTTPS.match(logo):
        problems.append("l= is no https: address")
    if evidence and not _HTTPS.match(evidence):
        problems.append("a= is no https: address")
    return BimiRecord(ours, logo, evidence, "l" in tags and not logo and not evidence, tuple(problems))


def logo_problems(body: bytes, content_type: str) -> list[str]:
    """What is wrong with a logo as SVG Tiny PS, as far as a look at the text tells."""
    text = body[:200_000].decode("utf-8", "replace")
    root = _SVG.search(text)
    if root is None:
        return ["it is no SVG"]
    found = []
    if not content_type.lower().startswith("image/svg+xml"):
        found.append(f"it is served as {content_type[:60] or 'no type at all'}, not image/svg+xml")
    if "tiny-ps" not in root[1]:
        found.append("its root lacks baseProfile=\"tiny-ps\"")
    if "<title" not in text:
        found.append("it has no <title>")
    if _ACTIVE.search(text):
        found.append("it holds scripts, links or images, which SVG Tiny PS forbids")
    if len(body) > LARGEST_LOGO:
        found.append(f"it has {len(body)} bytes, and providers ask for at most {LARGEST_LOGO}")
    return found
