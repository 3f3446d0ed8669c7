"""Subdomains are protected as well as the domain."""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, passed, warn
from ._shared import ORDER, author_policy, publish, rewritten

REFERENCE = "RFC 9989 4.7"
WEIGHT = 30


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding where sp= or np= stands."""
    policy = await author_policy(inquiry)
    record = policy.record
    if record is None or record.wrong or not (record.sp or record.np):
        return []
    facts = {"about": policy.found_at, "found": record.text[:4000], "p": record.policy, "sp": record.sp, "np": record.np}
    if policy.found_at != policy.organizational_domain and policy.source == "author":
        return [warn(f"sp= and np= at {policy.name} have no effect: only the record of the organizational domain, {policy.organizational_domain}, counts for subdomains.",
                     *policy.answers, **facts, advice=f"Remove them, or add psd=n if {policy.found_at} is run on its own.", weight=10)]
    weaker = [(tag, value) for tag, value, words in (("sp", record.sp, ""), ("np", record.np, "")) if value and ORDER[value] < ORDER[record.policy]]
    if not weaker:
        return [passed(f"The DMARC policies for subdomains at {policy.name} are not weaker than that of the domain.", *policy.answers, **facts)]
    whom = " and ".join("subdomains that exist" if tag == "sp" else "names that do not exist" for tag, _ in weaker)
    return [warn(f"{' and '.join(f'{tag}={value}' for tag, value in weaker)} at {policy.name} is weaker than p={record.policy}: forged mail from {whom} gets through.",
                 *policy.answers, **facts, advice=f"When the reports show no mail of your own from there, ask for {record.policy} as well; for names that do not exist nothing is lost.",
                 record=publish(policy.found_at, rewritten(record, np=record.policy)))]
