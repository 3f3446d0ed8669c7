"""The DMARC record states its policy (p=)."""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, warn
from ._shared import author_policy, publish, rewritten

REFERENCE = "RFC 9989 4.7; RFC 7489 6.3"
WEIGHT = 40


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding where p= is missing."""
    policy = await author_policy(inquiry)
    record = policy.record
    if record is None or "p" in record.tags:
        return []
    return [warn(f"The DMARC record at {policy.name} has no p= tag: receivers take it as p=none, and those that still follow the older standard may ignore the record.",
                 *policy.answers, about=policy.found_at, found=record.text[:4000], advice="Add p=none.", record=publish(policy.found_at, rewritten(record)))]
