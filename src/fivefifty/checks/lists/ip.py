"""The sending IP on public blocklists."""
from __future__ import annotations

from ...mailauth.dnsbl import default_lists, ip_of
from ...model import Finding
from .. import Inquiry, skipped
from ._asked import MAX_IPS, ask, is_public, public_ips, report

REFERENCE = "RFC 5782 2.1"
WEIGHT = 90


async def check(inquiry: Inquiry) -> list[Finding]:
    """Ask the lists that receivers use about every sending IP."""
    subject = inquiry.subject
    if not subject.sending_ips:
        return [skipped("The sending IP is not known, so no blocklist was asked about it: give it with --sending-ip.")]
    lists = default_lists("ip", subject.settings)
    pairs = [(ip, one) for ip in public_ips(subject.sending_ips) for one in lists if one.ipv6 or ":" not in ip]
    found = report(await ask(inquiry, pairs), "The IP")
    inside = [str(address) for ip in subject.sending_ips if (address := ip_of(ip)) is not None and not is_public(str(address))]
    return found + [_inside(ip) for ip in dict.fromkeys(inside[:MAX_IPS])]


def _inside(ip: str) -> Finding:
    return skipped(f"{ip} is not a public IP, so no blocklist can hold it: give the one that receivers see.", about=ip)
