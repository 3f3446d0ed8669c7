"""MX records behind an SPF term"""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, fail
from ._shared import audited, short

REFERENCE = "RFC 7208 4.6.4"
WEIGHT = 70


async def check(inquiry: Inquiry) -> list[Finding]:
    """An "mx" may lead to ten names, no more."""
    return [
        fail(f'"{short(one.term, 100)}" in the SPF record of {one.domain} leads too far: {one.why}, and receivers say permerror.', about=one.domain, term=one.term[:200],
             advice="Name the hosts that send with ip4: and ip6: instead.")
        for analysis in await audited(inquiry) for one in analysis.problems if one.kind == "mx_limit"
    ][:10]
