"""Aggregate reports are asked for and can arrive (rua=)."""
from __future__ import annotations

from ...mailauth.dmarc import DmarcPolicy
from ...mailauth.dmarc_record import DmarcRecord, ReportAddress
from ...model import Finding
from .. import Inquiry, fail, passed, skipped, unknown, warn
from ..receiving._shared import some
from ._shared import author_policy, publish, rewritten

REFERENCE = "RFC 9989 4.7; RFC 9990 3"
WEIGHT = 25
MOST_SERVED = 2  # RFC 7489 6.2: report senders need not serve more than two addresses
MOST_ASKED = 10


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for the record that applies, and one for each address that can't take mail."""
    policy = await author_policy(inquiry)
    record = policy.record
    if record is None or policy.state not in ("found", "void"):
        return []
    mailable = [one for one in record.rua if one.valid and one.scheme == "mailto"]
    if not mailable:
        if not record.rua and policy.policy == "reject" and await _no_mail(inquiry, policy.found_at):
            return [skipped(f"{policy.found_at} has no mail and refuses all that claims to be from it, so it needs no reports.", *policy.answers, about=policy.found_at)]
        return [_missing(policy, record)]
    domains = list(dict.fromkeys(one.domain for one in (*mailable, *(one for one in record.ruf if one.valid and one.scheme == "mailto"))))[:MOST_ASKED]
    found = [one for part in await inquiry.together(*(_takes_mail(inquiry, policy, domain) for domain in domains)) for one in part]
    return found or [_present(policy, record, mailable)]


async def _no_mail(inquiry: Inquiry, domain: str) -> bool:
    """Whether the domain says by a null MX that it takes no mail (RFC 7505)."""
    answer = await inquiry.world.dns(domain, "MX")
    return answer.found and all(one.exchange in (".", "") for one in answer.records)


def _facts(policy: DmarcPolicy, record: DmarcRecord) -> dict[str, object]:
    return {"about": policy.found_at, "found": record.text[:4000], "rua": [one.uri for one in record.rua[:20]], "ruf": [one.uri for one in record.ruf[:20]]}


def _missing(policy: DmarcPolicy, record: DmarcRecord) -> Finding:
    domain = policy.found_at
    advice = "Publish an address for aggregate reports: they show who sends in your name and what fails."
    corrected = publish(domain, rewritten(record, rua=f"mailto:{_bare(record.rua) or f'dmarc-reports@{domain}'}"))
    if record.rua:
        problem = next((one.problem for one in record.rua if one.problem), "mailto: is the only kind that report senders must support")
        return fail(f"No report can be sent by the DMARC record at {policy.name}: {problem}.", *policy.answers, **_facts(policy, record), advice=advice, record=corrected)
    return warn(f"The DMARC record at {policy.name} asks for no reports (no rua=), so nobody sees what fails.", *policy.answers, **_facts(policy, record), advice=advice,
                record=corrected)


def _bare(rua: tuple[ReportAddress, ...]) -> str:
    """An address that only lacks its mailto:."""
    return next((one.uri for one in rua if "@" in one.uri and not one.scheme and one.uri.isascii() and " " not in one.uri), "")


def _present(policy: DmarcPolicy, record: DmarcRecord, mailable: list[ReportAddress]) -> Finding:
    if len(mailable) > MOST_SERVED:
        return warn(f"The DMARC record at {policy.name} names {len(mailable)} report addresses; many report senders serve only the first {MOST_SERVED}.", *policy.answers,
                    **_facts(policy, record), weight=10, advice="Name the most important first, or let one mailbox pass the reports on.")
    return passed(f"Reports go to {some(one.address for one in mailable)}.", *policy.answers, **_facts(policy, record))


async def _takes_mail(inquiry: Inquiry, policy: DmarcPolicy, domain: str) -> list[Finding]:
    """RFC 5321 5.1: an MX, or an address."""
    answer = await inquiry.world.dns(domain, "MX")
    if answer.unlearned:
        return [unknown(f"Whether {domain}, where DMARC reports go, takes mail could not be learned ({answer.state}).", answer, about=domain)]
    if answer.found and any(one.exchange not in (".", "") for one in answer.records):
        return []
    if answer.state == "nodata":
        addresses = await inquiry.together(inquiry.world.dns(domain, "A"), inquiry.world.dns(domain, "AAAA"))
        if not all(one.absent for one in addresses):
            return []
    return [warn(f"DMARC reports go to {domain}, which takes no mail.", *policy.answers, answer, about=domain, found=policy.record.text[:4000] if policy.record else "",
                 advice="Name an address that exists.")]
