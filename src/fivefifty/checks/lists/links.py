"""The domains of the message's links on public blocklists."""
from __future__ import annotations

from ...mailauth.dnsbl import Listing, default_lists, domain_of, ip_of
from ...model import Finding, Subject
from .. import Inquiry, passed, skipped
from ._asked import ask, listed, of_domain, sender_domains, silent

REFERENCE = "RFC 5782 4"
WEIGHT = 80
MAX_DOMAINS = 25  # a newsletter links to a handful; a hostile message must not make us ask thousands


async def check(inquiry: Inquiry) -> list[Finding]:
    """Ask the domain lists about every domain that the message links to."""
    subject = inquiry.subject
    if not subject.message:
        return [skipped("The message is not known, so its links were not looked up: give it with --message.")]
    linked = linked_domains(subject)
    own = sender_domains(subject)
    names = [name for name in dict.fromkeys(linked) if name not in own]
    if not names:
        return [passed("The message links to no domain but the sender's own.") if linked else skipped("The message holds no link.")]
    lists = default_lists("domain", subject.settings)
    pairs = [pair for name in names[:MAX_DOMAINS] for pair in of_domain(name, lists)]
    return _told(await ask(inquiry, pairs), names)


def linked_domains(subject: Subject) -> list[str]:
    """The domain names in the message's links."""
    from ...mailauth.message import link_domains

    return [name for one in link_domains(subject.message) if ip_of(one) is None and (name := domain_of(one)) and "." in name]


def _told(listings: list[Listing], names: list[str]) -> list[Finding]:
    bad = [one for one in listings if one.state == "listed"]
    found = [
        listed(one, f"The message links to {one.about}, which is on {one.list.name}: {one.meaning}. Many receivers refuse any mail that links there.")
        for one in sorted(bad, key=lambda one: -one.weight)
    ]
    asked = dict.fromkeys(one.list.name for one in listings if one.state != "unknown")
    if asked and not bad:
        many = f"None of the {len(names)} domains that the message links to" if len(names) > 1 else f"The linked domain {names[0]}"
        found.append(passed(f"{many} is {'' if len(names) > 1 else 'not '}on {', '.join(asked)}.", domains=names[:MAX_DOMAINS]))
    return found + silent(listings)
