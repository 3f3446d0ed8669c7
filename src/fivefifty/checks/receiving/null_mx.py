"""A null MX is used as RFC 7505 means it."""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, fail, passed
from ._shared import MailHosts, all_exchangers, is_own

REFERENCE = "RFC 7505 3"
WEIGHT = 90


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each domain that has a null MX."""
    found = await all_exchangers(inquiry)
    return [finding for hosts in found for finding in _of(inquiry, hosts)]


def _of(inquiry: Inquiry, hosts: MailHosts) -> list[Finding]:
    facts = {"about": hosts.domain, "found": hosts.found, "own": is_own(inquiry.subject, hosts.domain)}
    roots = [one for one in hosts.exchangers if one.form == "root"]
    if hosts.state != "null":
        return [_beside_others(hosts, facts)] if roots else []
    told = [_alone(inquiry, hosts, facts)]
    if roots[0].preference != 0 or len(roots) > 1:
        told.append(fail(f"The null MX of {hosts.domain} is not one record with preference 0; some senders may not recognize it.", hosts.answer, **facts,
                         weight=10, advice="Publish exactly one null MX.", record=f"{hosts.domain}. MX 0 ."))
    return told


def _beside_others(hosts: MailHosts, facts: dict[str, object]) -> Finding:
    return fail(f"{hosts.domain} has a null MX beside other MX records, which RFC 7505 forbids; senders disagree on what it means.", hosts.answer, **facts,
                weight=50, advice="Remove the record \u201cMX 0 .\u201d if the domain takes mail; remove the others if it does not.")


def _alone(inquiry: Inquiry, hosts: MailHosts, facts: dict[str, object]) -> Finding:
    subject, domain = inquiry.subject, hosts.domain
    if not facts["own"]:
        return fail(f"{domain} declares by a null MX that it takes no mail at all; every address there fails for good.", hosts.answer, **facts,
                    advice="Look for a typing error in the domain; if it is right, ask the person for another address.")
    if domain == sender_domain(subject.envelope_sender):
        # RFC 7505 4.2: mail that nobody can answer or return may be refused (550 5.7.27)
        return fail(f"{domain} declares by a null MX that it takes no mail, yet it sends mail; receivers may refuse that with 5.7.27.", hosts.answer, **facts,
                    advice="Give the domain a real MX record, or send from a domain that has one.")
    return passed(f"{domain} declares by a null MX that it takes no mail; it should not be used as a sender's domain either.", hosts.answer, **facts)


def sender_domain(envelope_sender: str) -> str:
    """The domain of a MAIL FROM address; "" for the null sender."""
    return envelope_sender.strip("<> ").rpartition("@")[2].lower().rstrip(".") if "@" in envelope_sender else ""
