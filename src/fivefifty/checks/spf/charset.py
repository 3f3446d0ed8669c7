"""Characters of the SPF record"""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, fail
from ._shared import audited, short, zone_line

REFERENCE = "RFC 7208 12"
WEIGHT = 90
_PLAIN = {"\u201c": "", "\u201d": "", "\u2018": "", "\u2019": "", "\u00a0": " ", "\u2013": "-", "\u2014": "-", "\u200b": "", "\ufeff": "", "\t": " ", "\r": "", "\n": " "}


def plain(text: str) -> str:
    """The record with what word processors put in made ASCII again; "" where that is not enough."""
    try:
        read = text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        read = text
    for wrong, right in _PLAIN.items():
        read = read.replace(wrong, right)
    return read if read.isascii() and read.isprintable() else ""


async def check(inquiry: Inquiry) -> list[Finding]:
    """Only visible ASCII and spaces may stand in a record."""
    said = []
    for analysis in await audited(inquiry):
        wrong = [one for one in analysis.problems if one.kind == "syntax" and not (one.term.isascii() and one.term.isprintable())]
        for one in wrong[:3]:
            part = analysis.parts[one.domain]
            own = plain(part.texts[0]) if one.domain == analysis.domain else ""
            said.append(fail(f'The SPF record of {one.domain} holds a character that is not visible ASCII, in "{short(one.term, 120)}". Receivers say permerror.',
                             *([part.answer] if part.answer else []), about=one.domain, found=short(part.texts[0], 1000), term=short(one.term, 120),
                             advice="Write the record anew by hand; quotes, dashes and spaces from a word processor or a web page are the usual cause.",
                             record=zone_line(one.domain, own) if own else ""))
    return said
