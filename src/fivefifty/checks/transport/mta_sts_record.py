"""The MTA-STS record tells senders that there is a policy."""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, fail, passed, unknown, warn
from ._shared import MailHosts, Sts, is_own, quoted, receiving_domains, sts, why

REFERENCE = "RFC 8461 3.1"
WEIGHT = 30


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each domain that takes mail."""
    found = []
    for hosts in await receiving_domains(inquiry):
        found += _of(hosts, await sts(inquiry, hosts.domain), is_own(inquiry.subject, hosts.domain))
    return found


def _of(hosts: MailHosts, one: Sts, own: bool) -> list[Finding]:
    domain, name = one.domain, f"_mta-sts.{one.domain}"
    facts = {"about": domain, "found": "\n".join(one.record.texts), "id": one.record.id}
    if one.answer.unlearned:
        return [unknown(f"Whether {domain} has an MTA-STS record could not be learned, because {why(one.answer)}.", one.answer, about=domain)]
    nearly = [text[:200] for text in one.answer.records if "stsv1" in text[:60].lower()]
    if not one.record.texts and nearly:
        return [fail(f"{name} has a TXT record that was meant for MTA-STS, but it does not begin with v=STSv1; so senders ignore it.", one.answer,
                     about=domain, found="\n".join(nearly), advice="Publish it as the standard writes it.", record=quoted(name, "v=STSv1; id=1"))]
    if not one.record.texts:
        return _absent(hosts, one) if own else []
    if one.record.problems:
        return [fail(f"The MTA-STS record of {domain} is not valid, so senders act as if there were none: {one.record.problems[0]}.", one.answer, **facts,
                     advice="Publish exactly one record, with an id of letters and digits.", record=quoted(name, f"v=STSv1; id={_usable(one.record.id)}"),
                     problems=list(one.record.problems))]
    return [passed(f"{domain} announces an MTA-STS policy.", one.answer, **facts, advice="Change id= whenever the policy file changes: senders fetch it anew only then.")]


def _usable(found: str) -> str:
    """An id made of what is allowed in one (RFC 8461 3.1)."""
    return "".join(char for char in found[:100] if char.isascii() and char.isalnum())[:32] or "1"


def _absent(hosts: MailHosts, one: Sts) -> list[Finding]:
    if hosts.state != "mx":
        return []  # it may take no mail at all: first things first ("receiving.mx")
    return [warn(f"{one.domain} has no MTA-STS policy, so an attacker on the way can make senders deliver without TLS.", one.answer, about=one.domain, weight=10,
                 advice=f"Optional: put a policy file at https://mta-sts.{one.domain}/.well-known/mta-sts.txt, begin with \"mode: testing\", then publish the record.",
                 record=quoted(f"_mta-sts.{one.domain}", "v=STSv1; id=1"), hosts=[each.host for each in hosts.exchangers[:20]])]
