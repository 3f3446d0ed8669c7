"""One SPF record"""
from __future__ import annotations

import re

from ...mailauth.spf_audit import SpfAnalysis
from ...mailauth.spf_record import read_record
from ...model import Finding
from .. import Inquiry, fail, passed, skipped, unknown, warn
from ._shared import audited, merged, short, zone_line

REFERENCE = "RFC 7208 4.5"
WEIGHT = 90

_NEARLY = re.compile(r"""[\s"'\\(]{0,8}(?:v\s{0,3}[=:]\s{0,3}spf|spf1\b|spf\s{0,3}=)""", re.IGNORECASE)


async def check(inquiry: Inquiry) -> list[Finding]:
    """Whether the domain has exactly one record."""
    return [_said(one) for one in await audited(inquiry)]


def _said(analysis: SpfAnalysis) -> Finding:
    domain, tree = analysis.domain, analysis.tree
    if tree.answer is None:
        return skipped(f'"{short(domain, 80)}" is not a domain name that SPF can be asked for.', about=short(domain, 80))
    if tree.state == "temperror":
        return unknown(f"Whether {domain} has an SPF record could not be learned: its TXT records gave {tree.answer.state}. Receivers say temperror and may defer the mail.", tree.answer, about=domain)
    if tree.state == "multiple":
        return _several(analysis)
    if tree.state == "none":
        return _nothing(analysis)
    return passed(f"{domain} has one SPF record.", tree.answer, about=domain, found=tree.texts[0][:2000])


def _several(analysis: SpfAnalysis) -> Finding:
    tree, domain = analysis.tree, analysis.domain
    assert tree.answer is not None
    text = merged([read_record(one) for one in tree.texts[:10]])
    return fail(f"{domain} has {len(tree.texts)} SPF records. Only one is allowed: with more, every receiver says permerror and none of them counts.", tree.answer,
                about=domain, found="\n".join(short(one) for one in tree.texts[:10]), advice="Delete them and publish one record that holds the terms of all.",
                record=zone_line(domain, text) if text else "")


def _nothing(analysis: SpfAnalysis) -> Finding:
    answer, domain = analysis.tree.answer, analysis.domain
    assert answer is not None
    nearly = next((text for text in answer.records if _NEARLY.match(text)), "")
    if nearly:
        return fail(f'{domain} has a TXT record that looks like SPF but is none: a record begins with exactly "v=spf1" and a space.', answer, about=domain,
                    found=short(nearly), advice='Correct its beginning to "v=spf1 ".', weight=80)
    if answer.state == "nxdomain":
        return skipped(f"{domain} does not exist, so it has no SPF record.", answer, about=domain)
    return warn(f"{domain} has no SPF record, so receivers can't tell its mail from forged mail by SPF.", answer, about=domain, weight=70,
                advice=f'Publish one that names every service that sends for {domain}, for example "v=spf1 mx ~all"; where it sends no mail at all, "v=spf1 -all".')
