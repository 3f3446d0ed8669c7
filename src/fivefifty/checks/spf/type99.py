"""The obsolete record type SPF"""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, warn
from ._shared import audited, short

REFERENCE = "RFC 7208 3.1"
WEIGHT = 5


async def check(inquiry: Inquiry) -> list[Finding]:
    """Records of type 99 are ignored; they only mislead whoever maintains the zone."""
    said = []
    for analysis in await audited(inquiry):
        if analysis.tree.answer is None or analysis.tree.answer.unlearned or analysis.tree.answer.state == "nxdomain":
            continue
        answer = await inquiry.world.dns(analysis.domain, "SPF")
        if answer.found:
            differs = "" if set(answer.records) & set(analysis.tree.texts) else " It differs from the TXT record."
            said.append(warn(f"{analysis.domain} has a record of the type SPF (99), which is obsolete; nobody reads it.{differs}", answer, about=analysis.domain,
                             found=short(str(answer.records[0]), 1000), advice="Delete it; only the TXT record counts."))
    return said
