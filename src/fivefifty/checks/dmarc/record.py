"""A DMARC policy applies to the author domain."""
from __future__ import annotations

from ...mailauth.dmarc import DmarcPolicy
from ...mailauth.dmarc_record import is_record
from ...model import Finding
from .. import Inquiry, fail, passed, skipped, unknown
from ..receiving._shared import why
from ._shared import author_policy, next_step, unlearned

REFERENCE = "RFC 9989 4.10.1"
WEIGHT = 60
_MEANING = {"none": "mail that fails is treated like any other", "quarantine": "mail that fails goes to the junk folder", "reject": "mail that fails is refused"}


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding."""
    policy = await author_policy(inquiry)
    if not policy.domain:
        return [skipped("No author domain is known, so there is no DMARC policy to look for.")]
    if policy.state == "invalid":
        return [skipped(f"\"{policy.domain[:80]}\" is no domain name, so DMARC can't apply to it.", about=policy.domain[:80])]
    if policy.state == "temperror":
        doubt = unlearned(policy)
        words = f"because {why(doubt)}" if doubt else "because a query failed"
        return [unknown(f"The DMARC policy of {policy.domain} could not be learned, {words}.", *policy.answers, about=policy.domain,
                        advice="Ask again later; receivers put mail off or let it pass while that is so.")]
    if policy.state == "absent":
        return [await _absent(inquiry, policy)]
    return [_applies(policy)]


def _facts(policy: DmarcPolicy) -> dict[str, object]:
    return {"about": policy.domain, "found": policy.record.text[:4000] if policy.record else "", "found_at": policy.name, "source": policy.source,
            "policy": policy.policy, "requested": policy.requested, "tag": policy.tag, "organizational_domain": policy.organizational_domain}


def _applies(policy: DmarcPolicy) -> Finding:
    advice, record = next_step(policy)
    if policy.state == "void":
        return fail(f"The DMARC record at {policy.name} names no valid policy and no usable report address, so receivers act as if there were none.",
                    *policy.answers, **_facts(policy), advice=advice, record=record)
    whose = f"{policy.domain} has a DMARC record" if policy.source == "author" else f"The DMARC record of {policy.found_at} applies to {policy.domain}"
    return passed(f"{whose}: its policy is {policy.policy}, so {_MEANING[policy.policy]}.", *policy.answers, **_facts(policy), advice=advice, record=record)


async def _absent(inquiry: Inquiry, policy: DmarcPolicy) -> Finding:
    domain = policy.domain
    advice, record = next_step(policy)
    double = next((step for step in policy.steps if len(step.texts) > 1), None)
    if double:
        advice, record = "Keep one of the records and delete the others.", ""  # which one, is for "multiple" to say
        words = f"_dmarc.{double.domain} has {len(double.texts)} DMARC records, and that counts as none"
    else:
        words = await _elsewhere(inquiry, domain) or "none is published for it or its organization"
    return fail(f"No DMARC policy applies to {domain}: {words}. Gmail, Yahoo and Outlook.com refuse or junk bulk mail from such domains.", *policy.answers,
                **_facts(policy), advice=advice, record=record)


async def _elsewhere(inquiry: Inquiry, domain: str) -> str:
    """Whether somebody published it at a wrong name: the two usual mistakes."""
    at_top = await inquiry.world.dns(domain, "TXT")
    if any(is_record(text) for text in at_top.records):
        return f"the record stands at {domain} itself instead of _dmarc.{domain}"
    doubled = await inquiry.world.dns(f"_dmarc.{domain}.{domain}", "TXT") if len(domain) < 120 else None
    if doubled is not None and any(is_record(text) for text in doubled.records):
        return f"the record stands at _dmarc.{domain}.{domain}, because the DNS host added the domain to a name that was already whole"
    return ""
