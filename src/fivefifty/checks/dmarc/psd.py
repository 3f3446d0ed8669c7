"""The organizational domain, and what psd= says about it."""
from __future__ import annotations

from ...mailauth.organization import registered_domain
from ...model import Finding
from .. import Inquiry, passed, warn
from ._shared import author_policy, publish, rewritten

REFERENCE = "RFC 9989 4.10.2"
WEIGHT = 50


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding where a record of the walk decides the organizational domain."""
    policy = await author_policy(inquiry)
    if not policy.walk.with_record or not policy.walk.certain:
        return []
    last, domain = policy.walk.with_record[-1], policy.organizational_domain
    record = last.record
    assert record is not None
    facts = {"about": policy.domain, "found": record.text[:4000], "organizational_domain": domain, "psd": record.psd}
    if record.psd == "u":
        return [passed(f"The organizational domain of {policy.domain} is {domain}.", *policy.answers, **facts)]
    listed = registered_domain(policy.domain)
    if record.psd == "y" and registered_domain(last.domain) != last.domain:
        return [passed(f"{last.domain} is a public suffix (psd=y), so the organizational domain of {policy.domain} is {domain}.", *policy.answers, **facts)]
    if record.psd == "y" and last.domain == listed:
        return [warn(f"_dmarc.{last.domain} has psd=y, which is for registries: each subdomain then counts as an organization of its own and no longer aligns with {last.domain}.",
                     *policy.answers, **facts, advice="Remove psd=y.", record=publish(last.domain, rewritten(record, psd="")))]
    if record.psd == "n" and domain != listed:
        return [passed(f"{domain} declares itself an organization of its own (psd=n); receivers that follow the older standard take {listed} instead.", *policy.answers, **facts,
                       registered_domain=listed)]
    return [passed(f"The organizational domain of {policy.domain} is {domain} (psd={record.psd}).", *policy.answers, **facts)]
