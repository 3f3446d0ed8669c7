"""Size of the SPF record"""
from __future__ import annotations

import re

from ...mailauth.spf_audit import Part
from ...model import Finding
from .. import Inquiry, passed, warn
from ._shared import audited, short

REFERENCE = "RFC 7208 3.4"
WEIGHT = 10
_LARGE = 450  # bytes of a record: with the rest of the answer about 512 (RFC 7208 3.4)
_LARGE_ANSWER = 1232  # bytes that commonly fit a UDP answer
_TERM = re.compile(r"[-+~?]?(?:all\b|include:|ip4:|ip6:|a:|mx:|exists:|redirect=|exp=)", re.IGNORECASE)


async def check(inquiry: Inquiry) -> list[Finding]:
    """Large answers need TCP, and strings that are joined without a space make one word of two."""
    said: list[Finding] = []
    for analysis in await audited(inquiry):
        tree = analysis.tree
        if tree.answer is None or not tree.texts:
            continue
        found = [*_glued(tree), *_large(tree)]
        said += found or [passed(f"The SPF record of {analysis.domain} has {len(tree.texts[0])} bytes.", tree.answer, about=analysis.domain, bytes=len(tree.texts[0]))]
    return said


def _large(part: Part) -> list[Finding]:
    assert part.answer is not None
    size, whole = len(part.texts[0]), sum(len(text) + 13 for text in part.answer.records)
    if size <= _LARGE and whole <= _LARGE_ANSWER:
        return []
    what = f"The SPF record of {part.domain} has {size} bytes" if size > _LARGE else f"The TXT records of {part.domain} have {whole} bytes together"
    return [warn(f"{what}: the answer does not fit a small DNS packet, and receivers behind a firewall that blocks DNS over TCP get a temperror.", part.answer, about=part.domain,
                 bytes=size, answer_bytes=whole, advice="Move part of the record behind an include, or delete TXT records that are no longer needed.")]


def _glued(part: Part) -> list[Finding]:
    """Whether two terms became one because the strings are joined without a space (RFC 7208 3.3)."""
    assert part.answer is not None
    if len(part.answer.lengths) != len(part.answer.records):
        return []
    text = part.texts[0]
    at = 0
    for length in part.answer.lengths[part.answer.records.index(text)][:-1]:
        at += length
        if 0 < at < len(text) and text[at - 1] != " " and _TERM.match(text, at) and not _TERM.fullmatch(text[:at].rpartition(" ")[2]):
            word = text[:at].rpartition(" ")[2] + text[at:].partition(" ")[0]
            return [warn(f'The strings of the SPF record of {part.domain} are joined without a space, which gives "{short(word, 120)}".', part.answer, about=part.domain, weight=60,
                         found=short(text, 1000), advice="Put a space at the end of each string but the last.")]
    return []
