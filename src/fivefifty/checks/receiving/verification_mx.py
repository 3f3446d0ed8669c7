"""No MX record is left over from proving who owns the domain."""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, passed, warn
from ._shared import all_exchangers, is_own

REFERENCE = "learn.microsoft.com: add DNS records to connect your domain"
WEIGHT = 10


async def check(inquiry: Inquiry) -> list[Finding]:
    """Only of the audited domain."""
    found = await all_exchangers(inquiry)
    told = []
    for hosts in found:
        if hosts.state != "mx" or not is_own(inquiry.subject, hosts.domain):
            continue
        left = [one for one in hosts.exchangers if one.form == "verification"]
        told += [warn(f"The MX record {one.host} only proved to the provider who owns {hosts.domain}; no mail can be delivered to it.", hosts.answer, about=one.host,
                      found=f"{one.preference} {one.host}", advice="Remove it once the provider has verified the domain.", domain=hosts.domain) for one in left]
        if not left:
            told.append(passed(f"No MX record of {hosts.domain} is left over from a provider's verification.", hosts.answer, about=hosts.domain))
    return told
