"""SPF lookups that find nothing"""
from __future__ import annotations

from ...mailauth.spf import VOID_LIMIT
from ...mailauth.spf_audit import SpfAnalysis
from ...model import Finding
from .. import Inquiry, fail, passed, warn
from ._shared import recorded, short, without, zone_line

REFERENCE = "RFC 7208 4.6.4"
WEIGHT = 60


async def check(inquiry: Inquiry) -> list[Finding]:
    """More than two void lookups are a permerror; the count depends on whether the client has an IPv4 or an IPv6 address."""
    ipv6 = any(":" in ip for ip in inquiry.subject.sending_ips)
    return [_said(analysis, ipv6) for analysis, record in await recorded(inquiry) if not record.problems]


def _said(analysis: SpfAnalysis, ipv6: bool) -> Finding:
    four, six = analysis.tree.voids
    domain, answers = analysis.domain, [answer for _, _, _, answer in analysis.dead[:10]]
    names = ", ".join(dict.fromkeys(f"{target} ({short(term.text, 60)})" for _, term, target, _ in analysis.dead[:10]))
    facts = {"voids_ipv4": four, "voids_ipv6": six, "limit": VOID_LIMIT}
    if four > VOID_LIMIT:
        record = analysis.record
        gone = [term.text for owner, term, _, _ in analysis.dead if owner == domain and term.name != "mx"]
        return fail(f"{four} lookups of the SPF record of {domain} find nothing; receivers may say permerror after {VOID_LIMIT}. Nothing is at: {names}.", *answers, about=domain,
                    found=short(record.text, 1000) if record else "", advice="Take the terms out whose names no longer exist.",
                    record=zone_line(domain, without(record, gone)) if record and gone else "", **facts)
    if six > VOID_LIMIT and ipv6:
        return warn(f"For a client with an IPv6 address, {six} lookups of the SPF record of {domain} find nothing, also where a name only lacks an AAAA record; "
                    f"receivers may say permerror after {VOID_LIMIT}.", *answers, about=domain, weight=30, advice="Name the hosts with ip4: and ip6: instead of a and mx.", **facts)
    told = {0: "No lookup", 1: "One lookup"}.get(four, f"{four} lookups")
    return passed(f"{told} of the SPF record of {domain} can find nothing; {VOID_LIMIT} are allowed.", *answers, about=domain, **facts)
