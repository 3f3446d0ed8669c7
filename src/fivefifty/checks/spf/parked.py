"""SPF of a domain without mail"""
from __future__ import annotations

from ...mailauth.spf import is_checkable
from ...model import Finding
from .. import Inquiry, passed, warn
from ._shared import analysed, short, zone_line

REFERENCE = "RFC 7208 10.1.2"
WEIGHT = 20


async def check(inquiry: Inquiry) -> list[Finding]:
    """A domain that takes no mail (null MX, or neither MX nor address) should say that it sends none."""
    domain = inquiry.subject.domain
    if not is_checkable(domain):
        return []
    exchanges = await inquiry.world.dns(domain, "MX")
    null = exchanges.found and all(one.exchange in (".", "") for one in exchanges.records)
    if not null and not (exchanges.absent and await _no_address(inquiry, domain)):
        return []
    analysis = await analysed(inquiry, domain)
    if analysis.tree.answer is None or analysis.tree.state in ("temperror", "multiple") or (analysis.tree.answer.state == "nxdomain"):
        return []
    why = "It has a null MX" if null else "It has neither MX nor address records"
    record = analysis.record
    if record and [term.text.lower() for term in record.directives] == ["-all"] and not record.problems:
        return [passed(f'{domain} takes no mail, and its SPF record "v=spf1 -all" says that it sends none.', exchanges, about=domain)]
    return [warn(f"{domain} takes no mail, but its SPF record does not say that it sends none. {why}, so nobody could answer its mail.", exchanges, about=domain,
                 found=short(record.text, 1000) if record else "", advice="If it sends no mail, publish this.", record=zone_line(domain, "v=spf1 -all"))]


async def _no_address(inquiry: Inquiry, domain: str) -> bool:
    four, six = await inquiry.together(inquiry.world.dns(domain, "A"), inquiry.world.dns(domain, "AAAA"))
    return four.absent and six.absent
