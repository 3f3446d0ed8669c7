"""Names the SPF record needs that could not be asked"""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, passed, unknown
from ._shared import recorded

REFERENCE = "RFC 7208 2.6.6"
WEIGHT = 70


async def check(inquiry: Inquiry) -> list[Finding]:
    """Where an answer fails, receivers say temperror: they defer the mail, or go on without SPF."""
    said: list[Finding] = []
    for analysis, _ in await recorded(inquiry):
        answers = [part.answer for part in analysis.parts.values() if part.answer and part.answer.unlearned]
        answers += [answer for answer in analysis.hosts.values() if answer.unlearned]
        said += [unknown(f"The SPF record of {analysis.domain} needs {one.rrtype} of {one.name}, which could not be learned ({one.state}). Receivers that meet this say temperror.", one,
                         about=one.name, advice="Ask again later; if it stays, the name servers of that domain need attention.") for one in answers[:10]]
        if not answers:
            said.append(passed(f"Every name that the SPF record of {analysis.domain} needs could be asked.", about=analysis.domain))
    return said
