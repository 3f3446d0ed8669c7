"""The DMARC policy is only being tested (t=y)."""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, passed, warn
from ._shared import author_policy, publish, rewritten

REFERENCE = "RFC 9989 4.7"
WEIGHT = 20


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding where t=y stands."""
    policy = await author_policy(inquiry)
    record = policy.record
    if record is None or not record.testing or policy.state != "found":
        return []
    facts = {"about": policy.found_at, "found": record.text[:4000], "requested": policy.requested, "policy": policy.policy}
    if policy.requested == "none":
        return [passed(f"The DMARC record at {policy.name} has t=y, which changes nothing for the policy none.", *policy.answers, **facts)]
    return [warn(f"The DMARC record at {policy.name} is in testing mode (t=y): receivers treat {policy.requested} as {policy.policy}.", *policy.answers, **facts,
                 advice="When the reports show that all of your own mail passes, remove t=y.", record=publish(policy.found_at, rewritten(record, t="")))]
