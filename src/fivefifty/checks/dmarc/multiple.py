"""There is only one DMARC record at each name."""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, fail, passed
from ._shared import author_policy, publish

REFERENCE = "RFC 9989 4.10"
WEIGHT = 70


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each name of the walk with several records, else one for the record that applies."""
    policy = await author_policy(inquiry)
    found = [
        fail(f"_dmarc.{step.domain} has {len(step.texts)} DMARC records; receivers discard them all.", step.answer, about=step.domain,
             found="\n".join(text[:500] for text in step.texts[:10]), advice="Keep one and delete the others.",
             record=publish(step.domain, step.texts[0][:500]) if '"' not in step.texts[0] else "", records=len(step.texts))
        for step in policy.steps if len(step.texts) > 1
    ]
    if not found and policy.record:
        found = [passed(f"There is exactly one DMARC record at {policy.name}.", *policy.answers, about=policy.found_at)]
    return found
