"""SPF lookup limit"""
from __future__ import annotations

from ...mailauth.spf import LOOKUP_LIMIT
from ...mailauth.spf_audit import Part, SpfAnalysis, reachable
from ...mailauth.spf_record import ASKING, SpfRecord
from ...model import Finding
from .. import Inquiry, fail, passed, warn
from ._shared import outline, recorded, short

REFERENCE = "RFC 7208 4.6.4"
WEIGHT = 90


async def check(inquiry: Inquiry) -> list[Finding]:
    """At most ten terms may ask the DNS, those of included records too: the worst case, all branches."""
    return [_said(analysis, record) for analysis, record in await recorded(inquiry) if not record.problems]


def costs(part: Part) -> list[tuple[str, int]]:
    """What each term of a record costs, itself and what it leads to."""
    below = {id(branch.term): branch.part.lookups for branch in part.branches if branch.part}
    terms = reachable(part.record) if part.record else []
    return [(term.text, 1 + below.get(id(term), 0)) for term in terms if term.name in ASKING]


def _said(analysis: SpfAnalysis, record: SpfRecord) -> Finding:
    tree, count = analysis.tree, analysis.lookups
    assert tree.answer is not None
    dear = sorted(costs(tree), key=lambda one: -one[1])
    shares = ", ".join(f"{short(text, 60)} {cost}" for text, cost in dear[:8])
    facts = {"lookups": count, "limit": LOOKUP_LIMIT, "tree": outline(tree), "terms": [list(one) for one in dear[:50]]}
    more = "" if analysis.whole else "more than "
    if count > LOOKUP_LIMIT or not analysis.whole:
        return fail(f"The SPF record of {analysis.domain} needs {more}{count} DNS lookups when no term matches early; {LOOKUP_LIMIT} are allowed. "
                    "Mail from hosts that come late in it gets permerror.", tree.answer, about=analysis.domain, found=short(record.text, 1000),
                    advice=f"Take out services you no longer use, replace a, mx and ptr by ip4 and ip6, or move a service to a subdomain of its own. What each term costs: {shares}.", **facts)
    if count == LOOKUP_LIMIT:
        return warn(f"The SPF record of {analysis.domain} needs exactly {LOOKUP_LIMIT} DNS lookups, the most allowed. One more in any included record breaks it.", tree.answer,
                    about=analysis.domain, found=short(record.text, 1000), weight=40, advice=f"Make room before a provider adds one. What each term costs: {shares}.", **facts)
    most = f"at most {count}" if count else "none"
    return passed(f"The SPF record of {analysis.domain} needs {most} of the {LOOKUP_LIMIT} DNS lookups allowed.", tree.answer, about=analysis.domain, **facts)
