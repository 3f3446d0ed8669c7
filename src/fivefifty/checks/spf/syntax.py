"""SPF syntax"""
from __future__ import annotations

import re
from ipaddress import ip_network

from ...mailauth.spf_record import SpfRecord, read_record
from ...model import Finding
from .. import Inquiry, fail, passed
from ._shared import audited, short, zone_line

REFERENCE = "RFC 7208 4.6"
WEIGHT = 90
_SHOWN = 10
_SLIP = re.compile(r"([-+~?]?)(?:(?:ipv?[46]?|a|mx)[:=])?([0-9a-f:.]{2,45}(?:/[0-9]{1,3})?)[,;]?", re.IGNORECASE)


async def check(inquiry: Inquiry) -> list[Finding]:
    """Every term of every record that is reached must be right, also those after "all" (RFC 7208 4.6)."""
    said = []
    for analysis in await audited(inquiry):
        wrong = [one for one in analysis.problems if one.kind == "syntax" and one.term.isascii() and (one.term.isprintable())]
        for one in wrong[:_SHOWN]:
            part = analysis.parts[one.domain]
            own = one.domain == analysis.domain
            subject = f'"{short(one.term, 120)}" in' if one.term else "About"
            cleaned = _mended(part.record) if own and part.record else ""
            said.append(fail(
                f"{subject} the SPF record of {one.domain} is wrong: {one.why}. One wrong term makes the whole record a permerror, wherever it stands.",
                *([part.answer] if part.answer else []), about=one.domain, found=short(part.texts[0], 1000), term=one.term[:200],
                advice="Correct the term, or take it out." if own else f"Tell whoever runs {one.domain}, or take what leads there out of your record.",
                record=zone_line(one.domain, cleaned) if cleaned and len(cleaned) < 4000 else ""))
        if not wrong and analysis.record and not analysis.record.problems:
            said.append(passed(f"Every term of the SPF record of {analysis.domain} is written as it should be.", about=analysis.domain))
    return said


def _mended(record: SpfRecord) -> str:
    """The record with the usual slips put right and without the other wrong terms; "" where that would shut out whoever sends."""
    wrong = {bad for bad, _ in record.problems}
    kept = [word for one in record.words if (word := _put_right(one) if one in wrong else one)]
    mended = read_record(" ".join(("v=spf1", *kept)))
    names_hosts = mended.redirect is not None or any(term.name != "all" and term.qualifier == "pass" for term in mended.directives)
    return mended.text if names_hosts and not mended.problems else ""


def _put_right(word: str) -> str:
    """A wrong term as it was meant, where that is plain: an address with another word before it, or none; "" where it is not."""
    slip = _SLIP.fullmatch(word)
    if slip is None:
        return ""
    try:
        return f"{slip[1]}ip{ip_network(slip[2], strict=False).version}:{slip[2]}"
    except ValueError:
        return ""
