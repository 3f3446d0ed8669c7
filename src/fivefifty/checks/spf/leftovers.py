"""Leftovers of Sender ID"""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, warn
from ._shared import audited, short

REFERENCE = "RFC 4406"
WEIGHT = 5


async def check(inquiry: Inquiry) -> list[Finding]:
    """Records that begin with "spf2.0/" belong to an experiment that ended (RFC 6686)."""
    said = []
    for analysis in await audited(inquiry):
        answer = analysis.tree.answer
        old = [text for text in answer.records if text[:7].lower() == "spf2.0/"] if answer else []
        if answer and old:
            said.append(warn(f"{analysis.domain} still has a Sender ID record; nobody uses it any more.", answer, about=analysis.domain, found=short(old[0], 500), advice="Delete it."))
    return said
