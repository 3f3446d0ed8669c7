"""The domain has a mail exchanger that can be used."""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, fail, passed, skipped, unknown, warn
from ._shared import MailHosts, all_exchangers, is_own, is_reachable, some, why

REFERENCE = "RFC 5321 5.1"
WEIGHT = 95


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each domain."""
    found = await all_exchangers(inquiry)
    return [_of(inquiry, hosts) for hosts in found] or [skipped("No domain was given, so there is no mail exchanger to look for.")]


def _of(inquiry: Inquiry, hosts: MailHosts) -> Finding:
    domain, own = hosts.domain, is_own(inquiry.subject, hosts.domain)
    facts = {"about": domain, "found": hosts.found, "state": hosts.state, "own": own}
    if hosts.state == "unlearned":
        doubt = next((answer for answer in hosts.answers if answer.unlearned), hosts.answer)
        return unknown(f"Whether {domain} takes mail could not be learned, because {why(doubt)}.", *hosts.answers, **facts,
                       advice="Ask again later; while it stays so, senders keep their mail and try again.", dns_state=doubt.state)
    if hosts.state == "nxdomain":
        return _missing(hosts, facts)
    if hosts.state == "none":
        return fail(f"{domain} has neither an MX record nor an address, so no mail can be delivered to it.", *hosts.answers, **facts,
                    advice=_publish(own), record=f"{domain}. MX 10 mx.{domain}." if own else "")
    if hosts.state == "null":
        return skipped(f"{domain} has a null MX: by its own word it takes no mail.", hosts.answer, **facts)
    if hosts.state == "implicit":
        return _implicit(inquiry, hosts, facts)
    return _listed(inquiry, hosts, facts)


def _missing(hosts: MailHosts, facts: dict[str, object]) -> Finding:
    domain, aliases = hosts.domain, hosts.answer.aliases
    if aliases:
        return fail(f"{domain} is an alias of {aliases[-1]}, and that name does not exist.", hosts.answer, **facts,
                    advice="Remove the CNAME, or let it point to a name that exists.", aliases=list(aliases))
    return fail(f"The domain {domain} does not exist.", hosts.answer, **facts,
                advice="Look for a typing error in the name; if it is right, the registration may have run out.")


def _publish(own: bool) -> str:
    return "Publish an MX record with the name of your mail server." if own else "Look for a typing error in the domain; otherwise only its owner can help."


def _implicit(inquiry: Inquiry, hosts: MailHosts, facts: dict[str, object]) -> Finding:
    domain, addresses = hosts.domain, hosts.exchangers[0].addresses
    if not any(is_reachable(inquiry.subject, address) for address in addresses):
        return fail(f"{domain} has no MX record, and its own address ({some(addresses)}) cannot be reached from the Internet.", *hosts.answers, **facts,
                    advice=_publish(facts["own"] is True))
    return warn(f"{domain} has no MX record, so mail goes to its own address {some(addresses)}: it is deliverable, but often not meant.", *hosts.answers, **facts,
                advice="Publish an MX record with the name of the mail server, or a null MX (0 .) if the domain takes no mail.", weight=20,
                record=f"{domain}. MX 10 {domain}." if facts["own"] else "", addresses=list(addresses))


def _listed(inquiry: Inquiry, hosts: MailHosts, facts: dict[str, object]) -> Finding:
    usable = [one.host for one in hosts.exchangers if any(is_reachable(inquiry.subject, address) for address in one.addresses)]
    facts["usable"] = usable
    if usable:
        return passed(f"{hosts.domain} has {_counted(len(usable))}: {some(usable)}.", hosts.answer, **facts)
    doubt = next((answer for one in hosts.exchangers if one.unlearned for answer in one.answers if answer.unlearned), None)
    if doubt is not None or hosts.unasked:
        reason = f"because {why(doubt)} ({doubt.name})" if doubt is not None else "because there are too many"
        return unknown(f"Whether a mail exchanger of {hosts.domain} can be used could not be learned, {reason}.", *hosts.answers, **facts)
    # RFC 5321 5.1: where MX records exist, the domain's own address must not be used instead
    return fail(f"{hosts.domain} has MX records, but none leads to a public address, and senders must not fall back to the domain's own address.", *hosts.answers, **facts,
                advice="Let the MX records point to host names that have public addresses." if facts["own"] else "Only the owner of the domain can mend its MX records.")


def _counted(number: int) -> str:
    return "one mail exchanger" if number == 1 else f"{number} mail exchangers"
