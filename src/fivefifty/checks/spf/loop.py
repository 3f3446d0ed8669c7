"""SPF includes that go in a circle"""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, fail
from ._shared import audited, short, without, zone_line

REFERENCE = "RFC 7208 4.6.4"
WEIGHT = 90


async def check(inquiry: Inquiry) -> list[Finding]:
    """A record that leads back to itself ends at the lookup limit."""
    said = []
    for analysis in await audited(inquiry):
        for one in [one for one in analysis.problems if one.kind == "loop"][:5]:
            own = analysis.record if one.domain == analysis.domain else None
            said.append(fail(f'"{short(one.term, 120)}" in the SPF record of {one.domain} goes in a circle: {short(one.why)}. Mail that gets as far is a permerror.', about=one.domain,
                             found=short(analysis.parts[one.domain].texts[0], 1000), term=one.term[:200], advice="Take the term out.",
                             record=zone_line(one.domain, without(own, [one.term])) if own else ""))
    return said
