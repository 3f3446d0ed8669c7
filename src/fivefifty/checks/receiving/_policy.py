"""Whether senders are told to insist on TLS for a mail exchanger; asked only where TLS has a fault."""
from __future__ import annotations

import re

from .. import Inquiry
from ._sessions import Session

_ENFORCE = re.compile(rb"(?:^|\n)mode[ \t]*:[ \t]*enforce[ \t]*(?:\r|\n|$)")  # RFC 8461 3.2


async def insists(inquiry: Inquiry, one: Session) -> str:
    """ "dane", "mta_sts", or "" where senders may go on without trusted TLS."""
    tlsa = await inquiry.world.dns(f"_25._tcp.{one.exchanger.host}", "TLSA")
    mx_secure = all(answer.secure for answer in one.exchanger.answers if answer.found)
    # RFC 7672 2.2: only with DNSSEC all the way, and only usages 2 and 3 (3.1.3)
    if tlsa.found and tlsa.secure and mx_secure and any(record.usage in (2, 3) for record in tlsa.records):
        return "dane"
    return "mta_sts" if await inquiry.once(f"receiving.enforced {one.domain}", lambda: _enforced(inquiry, one.domain)) else ""


async def _enforced(inquiry: Inquiry, domain: str) -> bool:
    records = await inquiry.world.dns(f"_mta-sts.{domain}", "TXT")
    if not any(record.startswith("v=STSv1") for record in records.records):
        return False
    policy = await inquiry.world.https(f"https://mta-sts.{domain}/.well-known/mta-sts.txt")
    return policy.state == "answered" and policy.status_code == 200 and _ENFORCE.search(policy.body[:65536]) is not None
