"""SPF syntax"""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, fail, passed
from ._shared import audited, short, without, zone_line

REFERENCE = "RFC 7208 4.6"
WEIGHT = 90
_SHOWN = 10


async def check(inquiry: Inquiry) -> list[Finding]:
    """Every term of every record that is reached must be right, also those after "all" (RFC 7208 4.6)."""
    said = []
    for analysis in await audited(inquiry):
        wrong = [one for one in analysis.problems if one.kind == "syntax" and one.term.isascii() and (one.term.isprintable())]
        for one in wrong[:_SHOWN]:
            part = analysis.parts[one.domain]
            own = one.domain == analysis.domain
            subject = f'"{short(one.term, 120)}" in' if one.term else "About"
            cleaned = without(part.record, [bad for bad, _ in part.record.problems]) if own and part.record else ""
            said.append(fail(
                f"{subject} the SPF record of {one.domain} is wrong: {one.why}. One wrong term makes the whole record a permerror, wherever it stands.",
                *([part.answer] if part.answer else []), about=one.domain, found=short(part.texts[0], 1000), term=one.term[:200],
                advice="Correct the term, or take it out." if own else f"Tell whoever runs {one.domain}, or take what leads there out of your record.",
                record=zone_line(one.domain, cleaned) if cleaned and len(cleaned) < 4000 else ""))
        if not wrong and analysis.record and not analysis.record.problems:
            said.append(passed(f"Every term of the SPF record of {analysis.domain} is written as it should be.", about=analysis.domain))
    return said
