"""SPF terms without effect"""
from __future__ import annotations

from ...mailauth.spf_audit import SpfAnalysis
from ...mailauth.spf_record import SpfRecord
from ...model import Finding
from .. import Inquiry, passed, warn
from ._shared import recorded, repeated, short, without, zone_line

REFERENCE = "RFC 7208 5.1"
WEIGHT = 15
_MECHANISMS = ("a", "mx", "ip4", "ip6", "include", "exists", "ptr", "all")


async def check(inquiry: Inquiry) -> list[Finding]:
    """Terms after "all", terms that stand there twice, modifiers nobody knows, and names where nothing is."""
    said: list[Finding] = []
    for analysis, record in await recorded(inquiry):
        if not record.problems:
            said += _said(analysis, record)
    return said


def idle(analysis: SpfAnalysis, record: SpfRecord) -> dict[str, str]:
    """The terms of a record that do nothing, and why."""
    found: dict[str, str] = {}
    after = False
    for term in record.directives:
        if after:
            found[term.text] = 'it stands after "all", where nothing is looked at'
        after = after or term.name == "all"
    if record.all and record.redirect:
        found[record.redirect.text] = 'a redirect is ignored beside "all"'
    for term in record.modifiers:
        meant = f'; "{term.name}:" was probably meant' if term.name in _MECHANISMS else ""
        found[term.text] = f"no receiver knows the modifier{meant}"
    nothing = {term.text: target for domain, term, target, _ in analysis.dead if domain == analysis.domain and term.name != "mx"}
    for text, target in nothing.items():
        found[text] = f"nothing is at {target}"
    return found


def _said(analysis: SpfAnalysis, record: SpfRecord) -> list[Finding]:
    answers = [analysis.tree.answer] if analysis.tree.answer else []
    useless, twice = idle(analysis, record), [term.text for term in repeated(record)]
    if not useless and not twice:
        return [passed(f"Every term of the SPF record of {analysis.domain} has an effect.", *answers, about=analysis.domain)]
    told = [f'"{short(text, 80)}": {why}' for text, why in useless.items()] + [f'"{short(text, 80)}": it stands there twice' for text in twice if text not in useless]
    return [warn(f"The SPF record of {analysis.domain} holds terms that do nothing. {'; '.join(told[:8])}.", *answers, about=analysis.domain, found=short(record.text, 1000),
                 advice="Take them out, or correct them." if useless else "Take the repeated ones out.", record=zone_line(analysis.domain, _cleaned(record, set(useless))), terms=[*useless, *twice][:50])]


def _cleaned(record: SpfRecord, useless: set[str]) -> str:
    kept: dict[str, str] = {}
    for word in without(record, useless - {record.all.text if record.all else ""}).split(" ")[1:]:
        kept.setdefault(word.lower().lstrip("+-~?"), word)
    return " ".join(("v=spf1", *kept.values()))
