"""DNSSEC of the domain holds."""
from __future__ import annotations

from ...answers import DnsAnswer
from ...model import Finding
from .. import Inquiry, fail, passed, skipped, unknown
from ._shared import why

REFERENCE = "RFC 4035 5"
WEIGHT = 95


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for the audited domain."""
    domain = inquiry.subject.domain
    if not domain:
        return []
    answer = await inquiry.world.dns(domain, "MX")
    if answer.state == "bogus":
        return [fail(f"The DNSSEC signatures of {domain} do not hold: every resolver that validates, Google's among them, answers SERVFAIL, and mail to and from "
                     f"{domain} stops.", answer, about=domain, dnssec="bogus",
                     advice="Have your DNS host sign the zone anew, or have the DS record at the registrar removed; compare the DS with the zone's DNSKEY.")]
    if answer.secure:
        return [passed(f"The DNS of {domain} is signed, and the signatures hold.", answer, about=domain, dnssec="secure")]
    for name in _zones(domain):
        delegation = await inquiry.world.dns(name, "DS")
        if delegation.found:
            return [await _signed(inquiry, domain, name, answer, delegation)]
        if delegation.unlearned:
            return [unknown(f"Whether {domain} is signed could not be learned, because {why(delegation)}.", answer, delegation, about=domain)]
    return [skipped(f"{domain} is not signed with DNSSEC, which is no fault; DANE needs it.", answer, delegation, about=domain, dnssec="insecure",
                    advice="Optional: have your DNS host sign the zone and your registrar publish the DS record.")]


def _zones(domain: str) -> list[str]:
    """The names that could be the top of its zone: itself and its parents, but not the top-level domain."""
    labels = domain.split(".")
    return [".".join(labels[at:]) for at in range(max(1, len(labels) - 1))][-3:]


async def _signed(inquiry: Inquiry, domain: str, zone: str, answer: DnsAnswer, delegation: DnsAnswer) -> Finding:
    """A DS is there, but nobody vouched for the answer: this resolver does not validate, or the keys are gone."""
    keys = await inquiry.world.dns(zone, "DNSKEY")
    found = "\n".join(str(record) for record in delegation.records[:5])
    if keys.absent:
        return fail(f"{zone} has a DS record at its parent, but no DNSKEY: resolvers that validate refuse all of its answers.", answer, delegation, keys,
                    about=domain, found=found, dnssec="bogus", advice="Have the zone signed with the key of the DS record, or the DS record removed at the registrar.")
    if answer.unlearned:
        return unknown(f"{zone} is signed, but {domain} could not be asked for, because {why(answer)}; broken signatures look like that.", answer, delegation, keys,
                       about=domain, found=found, advice="Ask through a resolver that tells DNSSEC faults from others.")
    return unknown(f"{zone} is signed (it has a DS record), but the resolver in use does not say whether the signatures hold.", answer, delegation, keys,
                   about=domain, found=found, dnssec="signed", advice="Ask through a resolver that validates.")
