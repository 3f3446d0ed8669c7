"""Where the key forbids subdomains in i= (t=s), the signature has none."""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, fail, passed
from ._shared import asked, facts, results, survey

REFERENCE = "RFC 6376 3.6.1"
WEIGHT = 60


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each key with t=s that the mail is signed with."""
    seen = await survey(inquiry)
    if not any(key.best.strict and seen.uses(key) for key in seen.found):
        return []
    found = []
    for one in await results(inquiry):
        if one.key is None or not one.key.best.strict:
            continue
        if one.reason_id == "key_strict":
            found.append(fail(f"The signature of {one.domain} is refused: {one.reason}.", *asked(one.key), identity=one.identity, **facts(one.key),
                              advice=f"Sign with i=@{one.domain} (or without i=), or take s out of t= in the key record."))
        else:
            found.append(passed(f"The key {one.key.name} forbids subdomains in i= (t=s), and the signature has none.", *asked(one.key), identity=one.identity, **facts(one.key)))
    return found
