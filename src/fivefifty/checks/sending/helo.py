"""The HELO name is a full name that exists and belongs to the sending IP."""
from __future__ import annotations

from ...answers import DnsAnswer
from ...mailauth.host_names import helo_form, ip_in_name
from ...mailauth.ip_kinds import is_ipv6, parsed_ip
from ...model import Finding, Subject
from .. import Inquiry, fail, passed, skipped, unknown, warn
from ..receiving._shared import some, why
from ._shared import public_ips

REFERENCE = "RFC 5321 2.3.5, 4.1.1.1"
WEIGHT = 75
# What the forms that are no public name say of themselves.
_FAULTS = {
    "bare_ip": "is an IP address without the brackets of an address literal", "localhost": "is the name every machine has for itself",
    "single": "is a single word, not a full name", "private": "exists only inside a private network", "invalid": "is no valid host name",
}


async def check(inquiry: Inquiry) -> list[Finding]:
    """What receivers see in HELO or EHLO."""
    subject = inquiry.subject
    name = subject.helo_name.strip()
    if not name:
        return [skipped("No HELO name was given (--helo), so it was not looked at.")]
    form = helo_form(name)
    facts: dict[str, object] = {"about": name[:255], "found": name[:255], "form": form}
    if form in _FAULTS:
        return [fail(f"The HELO name {name[:255]} {_FAULTS[form]}; many receivers refuse it.", **facts, advice=_advice(subject))]
    if form == "literal":
        return [_literal(subject, name, facts)]
    plain = name.lower().rstrip(".")
    if plain in (subject.recipient_domain, subject.remote_mta.lower().rstrip(".")) and plain not in (subject.domain, subject.author_domain):
        return [fail(f"The HELO name {name} is the receiver's own name; receivers take that for a forgery.", **facts, advice=_advice(subject), weight=85)]
    return [await _named(inquiry, plain, facts)]


def _advice(subject: Subject) -> str:
    wanted = f"mail.{subject.domain}" if subject.domain else "mail.example.org"
    return f"Let the mail server greet with its full public name, such as {wanted} (Postfix: smtp_helo_name, Exim: primary_hostname)."


def _literal(subject: Subject, name: str, facts: dict[str, object]) -> Finding:
    """RFC 5321 4.1.4: allowed for a host without a name, and distrusted."""
    own = parsed_ip(ip_in_name(name))
    ipv6_tagged = name.lower().startswith("[ipv6:")
    if subject.sending_ips and own not in {parsed_ip(ip) for ip in subject.sending_ips}:
        return fail(f"The HELO name {name} is another address than the sending IP {some(subject.sending_ips, 3)}.", **facts, advice=_advice(subject))
    if own is not None and (own.version == 6) != ipv6_tagged:
        return fail(f"The HELO name {name} is no valid address literal: an IPv6 address is written [IPv6:2001:db8::1].", **facts, advice=_advice(subject))
    return warn(f"The HELO name {name} is an address literal. The standard allows it, but many receivers refuse it from a server.", **facts, advice=_advice(subject), weight=50)


async def _named(inquiry: Inquiry, name: str, facts: dict[str, object]) -> Finding:
    ips = public_ips(inquiry)
    answers = await addresses(inquiry, name)
    known = [record for answer in answers for record in answer.records]
    facts["addresses"] = known[:20]
    if not known:
        return _without_address(inquiry.subject, name, answers, facts)
    facts["found"] = f"{name} {some(known, 3)}"
    if not ips:
        return passed(f"The HELO name {name} exists. Whether it belongs to the sending IP can't be told, because none was given.", *answers, **facts)
    of_others = [ip for ip in ips if parsed_ip(ip) not in {parsed_ip(one) for one in known}]
    if not of_others:
        return passed(f"The HELO name {name} leads to the sending IP.", *answers, **facts, matches=True)
    if any(answer.unlearned for answer in answers):
        return unknown(f"Whether the HELO name {name} leads to {some(of_others, 3)} could not be learned.", *answers, **facts)
    return warn(f"The HELO name {name} leads to {some(known, 3)}, not to the sending IP {some(of_others, 3)}. That alone must not be a reason to refuse mail, but it counts against it.",
                *answers, **facts, matches=False, weight=25, advice="Use a name whose address record holds the sending IP.",
                record="\n".join(f"{name}. {'AAAA' if is_ipv6(ip) else 'A'} {ip}" for ip in of_others[:5]))


async def addresses(inquiry: Inquiry, name: str) -> list[DnsAnswer]:
    """The A and AAAA answers of a name."""
    return await inquiry.together(inquiry.world.dns(name, "A"), inquiry.world.dns(name, "AAAA"))


def _without_address(subject: Subject, name: str, answers: list[DnsAnswer], facts: dict[str, object]) -> Finding:
    doubt = next((answer for answer in answers if answer.unlearned), None)
    if doubt is not None:
        return unknown(f"Whether the HELO name {name} has an address could not be learned, because {why(doubt)}.", *answers, **facts)
    what = "does not exist in the DNS" if answers[0].state == "nxdomain" else "has no address record"
    record = "\n".join(f"{name}. {'AAAA' if is_ipv6(ip) else 'A'} {ip}" for ip in subject.sending_ips[:5])
    return warn(f"The HELO name {name} {what}; receivers that look it up refuse the mail.", *answers, **facts, weight=65,
                advice="Publish its address, or greet with a name that has one.", record=record)
