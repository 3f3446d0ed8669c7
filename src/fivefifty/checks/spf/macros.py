"""Macros in the SPF record"""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, passed, warn
from ._shared import audited, short

REFERENCE = "RFC 7208 7.2"
WEIGHT = 15


async def check(inquiry: Inquiry) -> list[Finding]:
    """%{p} is discouraged; the other macros are fine, but what they lead to can only be told for one mail."""
    said = []
    for analysis in await audited(inquiry):
        found = [(domain, term) for domain, term in analysis.terms() if term.macros]
        slow = [(domain, term) for domain, term in found if "p" in term.macros]
        for domain, term in slow[:5]:
            said.append(warn(f'"{short(term.text, 100)}" in the SPF record of {domain} uses %{{p}}, the name of the client by its reverse DNS, which should not be used.', about=domain,
                             term=term.text[:200], advice="Use %{i} instead, or name the hosts."))
        if found and not slow:
            terms = ", ".join(short(term.text, 80) for _, term in found[:4])
            said.append(passed(f"The SPF record of {analysis.domain} uses macros ({terms}): what they lead to depends on the mail.", about=analysis.domain))
    return said
