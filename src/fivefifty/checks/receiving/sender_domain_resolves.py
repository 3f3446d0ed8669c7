"""The sender's domain can receive: MAIL FROM leads to a mail exchanger or an address."""
from __future__ import annotations

from ...mailauth.host_names import helo_form
from ...model import Finding
from .. import Inquiry, fail, passed, skipped, unknown
from ._shared import MailHosts, is_reachable, mail_exchangers, some, why
from .null_mx import sender_domain

REFERENCE = "RFC 5321 2.3.5, 3.6.2"
WEIGHT = 90


async def check(inquiry: Inquiry) -> list[Finding]:
    """The domain of MAIL FROM, which receivers look up, not that of From; the audited domain where no MAIL FROM is known."""
    subject = inquiry.subject
    if subject.envelope_sender.strip() == "<>":
        return [skipped("The mail was sent with the null sender, which has no domain; receivers go by the HELO name.")]
    domain = sender_domain(subject.envelope_sender) or ("" if subject.envelope_sender else subject.domain)
    if not domain:
        return [fail(f"The sender address {subject.envelope_sender[:200]} has no domain.", about=subject.envelope_sender[:200],
                     advice="Send with a whole address (Postfix: myorigin and masquerading).")] if subject.envelope_sender else []
    form = helo_form(domain)
    if form in ("private", "localhost", "single"):
        return [fail(f"{domain}, the domain of the sender's address, exists only inside your own network.", about=domain, found=subject.envelope_sender, private=True,
                     advice="Set an envelope sender under your public domain (Postfix: myorigin; a web application: its Return-Path).")]
    if form in ("bare_ip", "literal"):
        return [fail(f"The sender's address ends in an IP address ({domain}); hardly any receiver takes that.", about=domain, advice="Use an address under a domain name.")]
    hosts = await mail_exchangers(inquiry, domain)
    if hosts.state == "null" and not subject.envelope_sender:
        return []  # a domain without mail that says so; nothing shows that it sends
    return [_of(inquiry, hosts)]


def _of(inquiry: Inquiry, hosts: MailHosts) -> Finding:
    domain = hosts.domain
    facts: dict[str, object] = {"about": domain, "found": hosts.found, "state": hosts.state}
    if hosts.state == "unlearned":
        doubt = next((answer for answer in hosts.answers if answer.unlearned), hosts.answer)
        return unknown(f"Whether the sender's domain {domain} exists could not be learned, because {why(doubt)}; a receiver that sees the same puts the mail off.", *hosts.answers,
                       **facts, advice="Have the name servers of the domain looked at.", dns_state=doubt.state)
    if hosts.state == "nxdomain":
        return fail(f"The sender's domain {domain} does not exist in the DNS; receivers refuse it (\u201cDomain not found\u201d).", hosts.answer, **facts,
                    advice="Send from a domain that exists, or publish an MX record for this one.")
    if hosts.state == "none":
        return fail(f"The sender's domain {domain} has neither an MX record nor an address; receivers refuse it, because no bounce could reach it.", *hosts.answers, **facts,
                    advice=f"Publish an MX record for {domain}; where a service sends for you, it says which one.", record=f"{domain}. MX 10 mx.{domain}.")
    if hosts.state == "null":  # RFC 7505 4.2
        return fail(f"The sender's domain {domain} says by a null MX that it takes no mail; receivers may refuse it with 5.7.27.", hosts.answer, **facts,
                    advice="Give the domain a real MX record, or send from a domain that has one.")
    return _reachable(inquiry, hosts, facts)


def _reachable(inquiry: Inquiry, hosts: MailHosts, facts: dict[str, object]) -> Finding:
    usable = [one.host for one in hosts.exchangers if any(is_reachable(inquiry.subject, address) for address in one.addresses)]
    if usable:
        return passed(f"The sender's domain {hosts.domain} leads to {some(usable)}.", *hosts.answers, **facts)
    if any(one.unlearned for one in hosts.exchangers) or hosts.unasked:
        return unknown(f"Whether the sender's domain {hosts.domain} leads to a mail server could not be learned.", *hosts.answers, **facts)
    return fail(f"No MX record of the sender's domain {hosts.domain} leads to a mail server; receivers that verify senders refuse it.", *hosts.answers, **facts, weight=75,
                advice="Let the MX record point to a host name with a public address.")
