"""How long an old mail record is remembered after a change."""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, passed, warn
from .soa import DAY, spell

REFERENCE = "RFC 2181 8"
WEIGHT = 5


async def check(inquiry: Inquiry) -> list[Finding]:
    """The longest time any of MX, TXT and DMARC may be kept.  A resolver's cache shows what is left of it, which may be less than was published."""
    domain = inquiry.subject.domain
    if not domain:
        return []
    answers = await inquiry.together(*(inquiry.world.dns(name, rrtype) for name, rrtype in ((domain, "MX"), (domain, "TXT"), (f"_dmarc.{domain}", "TXT"))))
    kept = {f"{answer.name} {answer.rrtype}": answer.ttl for answer in answers if answer.found and answer.ttl > 0}
    if not kept:
        return []
    longest = max(kept, key=lambda name: kept[name])
    facts = {"about": domain, "found": "\n".join(f"{name}: {ttl} s" for name, ttl in kept.items()), "ttl": kept, "wait_seconds": kept[longest]}
    if kept[longest] > DAY:
        return [warn(f"The record {longest} may be remembered for {spell(kept[longest])}; a correction takes that long to reach everybody.", *answers, **facts,
                     advice="Lower the TTL to one hour some days before a change.")]
    return [passed(f"After a change of the mail records, wait at least {spell(kept[longest])}, the time the old ones may be remembered; then test again.", *answers, **facts)]
