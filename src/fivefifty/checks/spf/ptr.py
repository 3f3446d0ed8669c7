"""The SPF mechanism ptr"""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, warn
from ._shared import audited, short, without, zone_line

REFERENCE = "RFC 7208 5.5"
WEIGHT = 20


async def check(inquiry: Inquiry) -> list[Finding]:
    """It is slow, it depends on the client's reverse DNS, and it SHOULD NOT be published."""
    said = []
    for analysis in await audited(inquiry):
        for domain, term in [(domain, term) for domain, term in analysis.terms() if term.name == "ptr"][:5]:
            own = analysis.record if domain == analysis.domain else None
            said.append(warn(f'"{short(term.text, 100)}" in the SPF record of {domain} should not be used: it is slow and unreliable, and some receivers skip it.', about=domain,
                             found=short(own.text, 1000) if own else "", term=term.text[:200], advice="Name the hosts with ip4: and ip6: instead.",
                             record=zone_line(domain, without(own, [term.text])) if own and not own.problems and len(own.directives) > 2 else ""))
    return said
