"""Records that SPF includes lead to"""
from __future__ import annotations

from ...mailauth.spf_audit import Problem, SpfAnalysis
from ...model import Finding
from .. import Inquiry, fail, passed
from ._shared import audited, short, without, zone_line

REFERENCE = "RFC 7208 5.2"
WEIGHT = 90


async def check(inquiry: Inquiry) -> list[Finding]:
    """An include or redirect must lead to exactly one record."""
    said: list[Finding] = []
    for analysis in await audited(inquiry):
        broken = [one for one in analysis.problems if one.kind == "no_record" or (one.kind == "multiple" and one.domain != analysis.domain)]
        said += [_said(analysis, one) for one in broken[:10]]
        if not broken and any(branch.part for branch in analysis.tree.branches):
            said.append(passed(f"Every include and redirect of the SPF record of {analysis.domain} leads to a record.", about=analysis.domain))
    return said


def _said(analysis: SpfAnalysis, problem: Problem) -> Finding:
    if problem.kind == "multiple":
        answer = analysis.parts[problem.domain].answer
        return fail(f"{problem.why}, and the SPF record of {analysis.domain} leads there: receivers say permerror.", *([answer] if answer else []), about=problem.domain,
                    advice=f"Tell whoever runs {problem.domain}, or take what leads there out of your record.")
    part = analysis.parts[problem.domain]
    gone = next((branch.part.answer for branch in part.branches if branch.term.text == problem.term and branch.part), None)
    own = part.record if problem.domain == analysis.domain else None
    include = not problem.term.lower().startswith("redirect")
    return fail(f'"{short(problem.term, 120)}" in the SPF record of {problem.domain} leads to nothing: {problem.why}. Mail that gets as far as this term is a permerror.',
                *([gone] if gone else []), about=problem.domain, found=short(part.texts[0], 1000), term=problem.term[:200],
                advice="Take the term out, or correct the name it leads to." if own else f"Tell whoever runs {problem.domain}.",
                record=zone_line(problem.domain, without(own, [problem.term])) if own and include else "")
