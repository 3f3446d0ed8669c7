"""The DMARC record uses tags that the standard has given up."""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, warn
from ._shared import author_policy, publish, rewritten

REFERENCE = "RFC 9989 A.6"
WEIGHT = 5


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding where pct=, rf= or ri= stands."""
    policy = await author_policy(inquiry)
    record = policy.record
    if record is None or not record.removed:
        return []
    share = record.tags.get("pct", "100").strip()
    listed = ", ".join(f"{tag}={record.tags[tag][:20]}" for tag in record.removed)
    facts = {"about": policy.found_at, "found": record.text[:4000], "removed": list(record.removed)}
    if share != "100" and record.policy != "none":
        testing = share == "0"
        return [warn(f"The DMARC record at {policy.name} has pct={share[:20]}, which is no longer part of DMARC: up-to-date receivers apply {policy.requested or record.policy} to all "
                     "mail, older ones to a part of it.", *policy.answers, **facts, weight=20,
                     advice="To try a policy out without its effect, use t=y instead." if testing else "Remove it; to try a policy out, use t=y.",
                     record=publish(policy.found_at, rewritten(record, t="y") if testing else rewritten(record)))]
    return [warn(f"The DMARC record at {policy.name} has {listed}: no longer part of DMARC, and ignored.", *policy.answers, **facts,
                 advice="Remove what is no longer used.", record=publish(policy.found_at, rewritten(record)))]
