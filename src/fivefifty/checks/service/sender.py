"""The sending service: who sends for this domain, and do SPF and DKIM authorise it?"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...answers import DnsAnswer
from ...mailauth.dnsbl import ip_of, registrable
from ...model import Finding, Subject
from .. import Inquiry, fail, passed, skipped, unknown, warn
from ._services import Policy, Service, Signature, by_name, by_ptr, policy, raw_message, services, shown_by, signatures

REFERENCE = "RFC 7208 5.2"
WEIGHT = 70
MAX_IPS = 4
MAX_SELECTORS = 4
_STRENGTH = {"PTR": 4, "header": 2, "signature": 2, "Received": 1}  # a Received field or a header may be the receiver's own


@dataclass(frozen=True, slots=True)
class _Sender:
    """The service that sent this very mail."""

    service: Service
    marks: tuple[str, ...]
    answers: tuple[DnsAnswer, ...] = ()


async def check(inquiry: Inquiry) -> list[Finding]:
    """Name the services that SPF and DKIM authorise, and whether the one that sent this mail is among them."""
    subject = inquiry.subject
    if not subject.domain:
        return [skipped("The sender's domain is not known.")]
    own = await policy(inquiry, subject.domain)
    found = [_named(own, id, term) for id, term in own.services.items()]
    found += await _delegated(inquiry, own)
    sender = await _sender_of(inquiry)
    if sender is None:
        return found or [skipped(f"Nothing shows a known sending service for {subject.domain}.")]
    found.append(_sent(sender))
    return found + await _spf(inquiry, sender) + await _dkim(inquiry, sender)


def _named(own: Policy, id: str, term: str) -> Finding:
    name = services()[id].name
    return passed(f"The SPF record of {own.domain} lets {name} send ({term}).", own.answer, about=name, found=own.record, service=id, via="spf")


async def _delegated(inquiry: Inquiry, own: Policy) -> list[Finding]:
    """Selectors that are CNAMEs into a service: only those of services that SPF shows, and those that are given."""
    known = [selector for id in own.services for selector in services()[id].selectors if services()[id].dkim]
    selectors = list(dict.fromkeys((*inquiry.subject.selectors, *known)))[:MAX_SELECTORS]
    answers = await inquiry.together(*(inquiry.world.dns(f"{one}._domainkey.{own.domain}", "TXT") for one in selectors))
    found, told = [], set()
    for selector, answer in zip(selectors, answers, strict=True):
        service = next((one for alias in answer.aliases if (one := by_name("dkim", alias)) is not None), None)
        if service is None or service.id in told:
            continue
        told.add(service.id)
        found.append(_key_of(service, selector, own.domain, answer))
    return found


def _key_of(service: Service, selector: str, domain: str, answer: DnsAnswer) -> Finding:
    where = f"{selector}._domainkey.{domain}"
    facts = {"about": service.name, "service": service.id, "via": "dkim", "selector": selector}
    if answer.found:
        return passed(f"{service.name} signs for {domain}: {where} points to {answer.aliases[-1]}.", answer, **facts)
    if answer.absent:
        return warn(f"{where} points to {service.name} ({answer.aliases[-1]}), but there is no key: its signatures of {domain} fail.", answer,
                    advice=f"Finish the domain authentication at {service.name}, or remove the CNAME.", **facts)
    return unknown(f"{where} points to {service.name}, but whether the key is there could not be learned.", answer, **facts)


async def _sender_of(inquiry: Inquiry) -> _Sender | None:
    marks: dict[str, list[str]] = {}
    answers: list[DnsAnswer] = []
    for address in [found for ip in inquiry.subject.sending_ips[:MAX_IPS] if (found := ip_of(ip)) is not None]:
        service, answer = await by_ptr(inquiry, str(address))
        if service is not None:
            marks.setdefault(service.id, []).append(f"PTR {answer.records[0]}")
            answers.append(answer)
    if inquiry.subject.message:
        for id, shown in shown_by(await raw_message(inquiry)).items():
            marks.setdefault(id, []).extend(shown)
    strength = {id: sum(_STRENGTH[mark.split(" ", 1)[0]] for mark in shown) for id, shown in marks.items()}
    best = max(strength, key=lambda id: strength[id], default="")
    if not best or strength[best] < 2:
        return None
    return _Sender(services()[best], tuple(marks[best]), tuple(answers))


def _sent(sender: _Sender) -> Finding:
    return passed(f"This mail was sent through {sender.service.name} ({', '.join(sender.marks[:4])}).", *sender.answers, about=sender.service.name,
                  service=sender.service.id, sent=True, marks=list(sender.marks))


def _envelope_domain(subject: Subject) -> str:
    return subject.envelope_sender.strip("<>").rpartition("@")[2].lower().rstrip(".")


async def _spf(inquiry: Inquiry, sender: _Sender) -> list[Finding]:
    """Whether the MAIL FROM domain authorises the service; with the sending IP by evaluation, else by its record."""
    subject, service = inquiry.subject, sender.service
    domain = _envelope_domain(subject) or subject.domain
    if _is_own(service, domain):
        return [warn(f"MAIL FROM is {domain}, which belongs to {service.name}: SPF passes for {service.name} and never aligns with {subject.domain}.",
                     about=f"SPF for {service.name}", weight=20, service=service.id, spf_aligned=False,
                     advice=f"Let DKIM carry DMARC, or set up a return path of your own at {service.name} where it offers one.")]
    theirs = await policy(inquiry, domain)
    if theirs.answer.unlearned:
        return [unknown(f"Whether SPF of {domain} authorises {service.name} could not be learned: {theirs.answer.state}.", theirs.answer, about=f"SPF for {service.name}")]
    result = await _evaluated(inquiry, domain)
    if result == "pass" or (not result and service.id in theirs.services):
        return [passed(f"SPF of {domain} authorises {service.name}.", theirs.answer, about=f"SPF for {service.name}", found=theirs.record, service=service.id, spf=True)]
    if not service.spf or result in ("temperror", "permerror"):
        return []  # the SPF checks say what is wrong with the record
    carried = result != "fail" and await _aligned(inquiry) is not None  # then DMARC passes by DKIM
    return [_not_authorised(theirs, service, result, warn if carried else fail)]


def _not_authorised(theirs: Policy, service: Service, result: str, make: Callable[..., Finding]) -> Finding:
    told = f" ({result})" if result else ""
    if service.id in theirs.services:
        return warn(f"SPF of {theirs.domain} names {service.name}, yet this IP does not pass{told}: it is not one of those that {service.name} sends from.",
                    theirs.answer, about=f"SPF for {service.name}", found=theirs.record, service=service.id, spf=False)
    sentence = f"SPF of {theirs.domain} does not authorise {service.name}, which sent this mail{told}."
    if service.spf and not service.aligned_spf:
        return warn(f"{sentence} {service.name} uses a MAIL FROM of its own, so DKIM must do it.", theirs.answer, about=f"SPF for {service.name}", found=theirs.record,
                    service=service.id, spf=False, weight=20)
    return make(sentence, theirs.answer, about=f"SPF for {service.name}", found=theirs.record, record=_with(theirs, service),
                advice=f"Add include:{service.pool or service.spf[0]} to the one SPF record of {theirs.domain}.", service=service.id, spf=False)


def _with(theirs: Policy, service: Service) -> str:
    """The record with one more include, before its end; "" where the domain has several and none can be told."""
    if not theirs.record:
        return "" if theirs.several else f"v=spf1 include:{service.pool or service.spf[0]} ~all"
    words = theirs.record.split()
    at = next((at for at, word in enumerate(words) if word.lower().lstrip("+-~?") == "all" or word.lower().startswith("redirect=")), len(words))
    return " ".join([*words[:at], f"include:{service.pool or service.spf[0]}", *words[at:]])


def _is_own(service: Service, domain: str) -> bool:
    return any(domain == one or domain.endswith("." + one) for one in (*service.signs, *service.ptr))


async def _evaluated(inquiry: Inquiry, domain: str) -> str:
    """The SPF result of the first sending IP, or "" where none is known."""
    from ...mailauth.spf import check_host

    subject = inquiry.subject
    address = next((one for ip in subject.sending_ips if (one := ip_of(ip)) is not None), None)
    if address is None:
        return ""
    mail_from = subject.envelope_sender.strip("<>") or f"postmaster@{domain}"
    return str(await check_host(str(address), domain, mail_from, subject.helo_name or domain, inquiry.world))


async def _aligned(inquiry: Inquiry) -> Signature | None:
    """The signature whose domain aligns with the author's (relaxed); whether it verifies is for the DKIM checks."""
    if not inquiry.subject.message:
        return None
    author = registrable(inquiry.subject.author_domain or inquiry.subject.domain)
    return next((one for one in signatures(await raw_message(inquiry)) if registrable(one.domain) == author), None)


async def _dkim(inquiry: Inquiry, sender: _Sender) -> list[Finding]:
    """Whether the service signs with the author's domain or only with its own."""
    subject = inquiry.subject
    if not subject.message:
        return []
    aligned, name = await _aligned(inquiry), sender.service.name
    author = registrable(subject.author_domain or subject.domain)
    if aligned is not None:
        return [passed(f"{name} signed as {aligned.domain} (selector {aligned.selector}), which aligns with {author}.", about=f"DKIM for {name}",
                       service=sender.service.id, dkim=True)]
    return [_not_signed(sender.service, signatures(await raw_message(inquiry)), author)]


def _not_signed(service: Service, signed: list[Signature], author: str) -> Finding:
    names = ", ".join(dict.fromkeys(one.domain for one in signed[:4]))
    how = f"signed only as {names}, not as {author}" if signed else "did not sign"
    return warn(f"{service.name} {how}: DKIM does not align, so DMARC rests on SPF alone.", about=f"DKIM for {service.name}", reference="RFC 9989 4.4",
                advice=f"Turn on domain authentication for {author} at {service.name} and publish the DKIM records it shows.", service=service.id, dkim=False)
