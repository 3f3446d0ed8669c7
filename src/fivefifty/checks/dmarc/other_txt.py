"""Other TXT records stand at the name of the DMARC record."""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, passed, warn
from ._shared import author_policy

REFERENCE = "RFC 9989 4.10"
WEIGHT = 5


async def check(inquiry: Inquiry) -> list[Finding]:
    """At most one finding for each of the author domain and its organizational domain."""
    policy = await author_policy(inquiry)
    found = []
    for step in policy.steps:
        others = [text for text in step.others if text not in step.nearly]
        if not others or step.domain not in (policy.domain, policy.organizational_domain):
            continue
        shown = "\n".join(text[:200] for text in others[:5])
        if step.texts:
            found.append(passed(f"_dmarc.{step.domain} has other TXT records beside the DMARC record; receivers ignore them.", step.answer, about=step.domain, found=shown,
                                advice="Remove them if you can: some tools stumble over them."))
        else:
            found.append(warn(f"_dmarc.{step.domain} has TXT records, but none of them is a DMARC record; a wildcard in the DNS often does that.", step.answer,
                              about=step.domain, found=shown, advice="Publish a DMARC record there: it goes before the wildcard."))
    return found
