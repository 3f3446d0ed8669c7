"""The reverse names of the sending addresses, asked for once for all checks."""
from __future__ import annotations

from ...mailauth.ip_kinds import DOCUMENTATION, PUBLIC, ip_kind
from ...mailauth.iprev import Iprev, iprev
from ...model import Finding
from .. import Inquiry, skipped

MOST = 20  # sending addresses looked at


def public_ips(inquiry: Inquiry) -> list[str]:
    """The sending addresses a receiver can see ("private_ip" speaks of the others); those for examples and labs count."""
    return [ip for ip in dict.fromkeys(inquiry.subject.sending_ips[:MOST]) if ip_kind(ip) in (PUBLIC, DOCUMENTATION)]


async def reverse_names(inquiry: Inquiry, ip: str) -> Iprev:
    """The iprev of one address."""
    return await inquiry.once(f"sending.iprev {ip}", lambda: iprev(ip, inquiry.world))


async def all_reverse_names(inquiry: Inquiry) -> list[Iprev]:
    """The iprev of every sending address, side by side."""
    return await inquiry.together(*(reverse_names(inquiry, ip) for ip in public_ips(inquiry)))


def no_ip(inquiry: Inquiry) -> list[Finding]:
    """What is said where there is no public sending address."""
    return [] if inquiry.subject.sending_ips else [skipped("No sending IP was given (--sending-ip), so its names were not looked at.")]
