"""The MX record of the sender's domain holds a name."""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, passed
from ._shared import mail_exchangers
from .mx_is_name import wrong
from .null_mx import sender_domain

REFERENCE = "RFC 5321 5.1"
WEIGHT = 70


async def check(inquiry: Inquiry) -> list[Finding]:
    """Receivers that call back to verify the sender ("Sender verify failed") stumble over an IP address there."""
    subject = inquiry.subject
    domain = sender_domain(subject.envelope_sender)
    if not domain or (domain == subject.domain and not subject.reply):  # without a refusal to explain, "mx_is_name" says it all
        return []
    hosts = await mail_exchangers(inquiry, domain)
    if hosts.state != "mx":
        return []
    told = [finding for one in hosts.exchangers if (finding := wrong(hosts, one)) is not None]
    return told or [passed(f"Every MX record of the sender's domain {domain} holds the name of a host.", hosts.answer, about=domain, found=hosts.found)]
