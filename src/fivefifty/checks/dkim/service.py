"""The key record is for mail, not only for another service (s=)."""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, fail, passed, skipped
from ._shared import asked, facts, survey

REFERENCE = "RFC 6376 3.6.1"
WEIGHT = 70


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each key that has s=."""
    seen = await survey(inquiry)
    found = []
    for key in seen.found:
        services = key.best.services
        if "s" not in key.best.tags:
            continue
        if {"*", "email"} & set(services):
            found.append(passed(f"The DKIM key {key.name} is for mail (s={':'.join(services)[:60]}).", *asked(key), weight=5, **facts(key)))
        elif seen.uses(key) or services != ("tlsrpt",):
            found.append(fail(f"The DKIM key {key.name} is not for mail: s={':'.join(services)[:60]} lacks email and *.", *asked(key), **facts(key),
                              advice="Take s= out of the key record, or write s=email."))
        else:
            found.append(skipped(f"The DKIM key {key.name} is for TLS reports only (RFC 8460 3).", *asked(key), **facts(key)))
    return found
