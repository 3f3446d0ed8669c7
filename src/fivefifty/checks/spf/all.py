"""What the SPF record says of everybody else"""
from __future__ import annotations

from ...mailauth.spf_audit import SpfAnalysis, reachable
from ...mailauth.spf_record import SpfRecord
from ...model import Finding
from .. import Inquiry, fail, passed, warn
from ._shared import final, joined, recorded, short, zone_line

REFERENCE = "RFC 7208 5.1"
WEIGHT = 40


async def check(inquiry: Inquiry) -> list[Finding]:
    """Whether the record ends in "-all" or "~all", and no include lets everybody pass."""
    said: list[Finding] = []
    for analysis, record in await recorded(inquiry):
        if not record.problems:
            said += [_end(analysis, record), *_open_includes(analysis)]
    return said


def _with_end(record: SpfRecord) -> str:
    return joined((*(word for word in record.words if word.lower().lstrip("+-~?") != "all"), "~all"))


def _end(analysis: SpfAnalysis, record: SpfRecord) -> Finding:
    domain, last = analysis.domain, final(analysis.tree)
    answers = [analysis.tree.answer] if analysis.tree.answer else []
    if last is None or last.record is None:
        return passed(f"The SPF record of {domain} hands over to another record, whose end depends on the mail or can't be read.", *answers, about=domain)
    end, where = last.record.all, "" if last.domain == domain else f" (in the record of {last.domain}, where it hands over)"
    line = zone_line(domain, _with_end(record)) if last.domain == domain else ""
    if end is None:
        return warn(f'The SPF record of {domain} ends without "all"{where}: hosts it does not name are neutral, as if they might be yours.', *answers, about=domain, found=short(record.text, 1000),
                    advice='End it with "~all", and with "-all" when you know that nothing is missing.', record=line)
    if end.qualifier == "pass":
        return fail(f'The SPF record of {domain} ends in "+all"{where}: it lets every host in the world send as {domain}.', *answers, about=domain, found=short(record.text, 1000), weight=60,
                    advice="Name the hosts that send for you, and end with ~all.", record=line)
    if end.qualifier == "neutral":
        return warn(f'The SPF record of {domain} ends in "?all"{where}, which says nothing about hosts it does not name.', *answers, about=domain, found=short(record.text, 1000), weight=30,
                    advice='End it with "~all" or "-all".', record=line)
    return passed(f'The SPF record of {domain} ends in "{end.text}"{where}.', *answers, about=domain)


def _open_includes(analysis: SpfAnalysis) -> list[Finding]:
    said = []
    for part in analysis.parts.values():
        for branch in part.branches:
            inner = branch.part.record if branch.part else None
            end = next((term for term in reachable(inner) if term.name == "all"), None) if inner and not inner.problems else None
            if branch.term.name == "include" and branch.term.qualifier == "pass" and end and end.qualifier == "pass":
                said.append(fail(f'The record of {branch.target} lets every host pass, and "{short(branch.term.text, 100)}" of {part.domain} takes that over.', about=branch.target, weight=60,
                                 found=short(inner.text, 1000) if inner else "", advice="Take the include out."))
    return said[:5]
