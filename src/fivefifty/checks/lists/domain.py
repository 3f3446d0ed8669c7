"""The sender's domains on public blocklists."""
from __future__ import annotations

from ...mailauth.dnsbl import default_lists
from ...model import Finding
from .. import Inquiry, skipped
from ._asked import ask, of_domain, report, sender_domains

REFERENCE = "RFC 5782 4"
WEIGHT = 80


async def check(inquiry: Inquiry) -> list[Finding]:
    """Ask the domain lists about the author's domain, that of MAIL FROM and the HELO name."""
    names = sender_domains(inquiry.subject)
    if not names:
        return [skipped("No domain of the sender is known.")]
    lists = default_lists("domain", inquiry.subject.settings)
    pairs = [pair for name in names for pair in of_domain(name, lists)]
    return report(await ask(inquiry, pairs), "The domain")
