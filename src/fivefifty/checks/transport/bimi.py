"""BIMI: the record that names a logo, and what it needs to be shown."""
from __future__ import annotations

from ...answers import DnsAnswer
from ...mailauth.bimi import BimiRecord, logo_problems, read_records
from ...mailauth.dmarc import DmarcPolicy
from ...model import Finding
from .. import Inquiry, fail, passed, skipped, unknown, warn
from ..dmarc._shared import author_domain, author_policy
from ._shared import why

REFERENCE = "draft-brand-indicators-for-message-identification"
WEIGHT = 10


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for the audited domain, or for its organizational domain, whose record stands in for a missing one."""
    domain = author_domain(inquiry.subject)  # the logo stands beside From:
    if not domain:
        return []
    policy = await author_policy(inquiry)
    for name in dict.fromkeys((domain, policy.organizational_domain or domain)):
        answer = await inquiry.world.dns(f"default._bimi.{name}", "TXT")
        one = read_records(answer.records)
        if answer.unlearned or one.texts:
            break
    if answer.unlearned:
        return [unknown(f"Whether {domain} has a BIMI record could not be learned, because {why(answer)}.", answer, about=domain)]
    if not one.texts:
        return [skipped(f"{domain} has no BIMI record, so no logo is shown beside its mail; delivery does not depend on it.", answer, about=domain)]
    return [await _judged(inquiry, domain, answer, one, policy)]


async def _judged(inquiry: Inquiry, domain: str, answer: DnsAnswer, one: BimiRecord, policy: DmarcPolicy) -> Finding:
    facts = {"about": domain, "found": "\n".join(one.texts[:5]), "logo": one.logo, "certificate": one.evidence}
    if one.declined:
        return passed(f"{domain} declares that it has no BIMI logo.", answer, **facts)
    if one.problems:
        return fail(f"The BIMI record of {domain} is not valid: {one.problems[0]}.", answer, **facts, problems=list(one.problems), advice="Correct the record.")
    if policy.state == "temperror":
        return unknown(f"Whether the BIMI logo of {domain} is shown could not be learned, because its DMARC policy is not known.", answer, *policy.answers, **facts)
    obstacle = _not_enforced(policy)
    if obstacle:
        return fail(f"The BIMI logo of {domain} is not shown: {obstacle}.", answer, *policy.answers, **facts,
                    advice="BIMI needs DMARC with quarantine or reject for the whole organizational domain; read the DMARC reports before you go there.")
    if not one.logo:
        return warn(f"The BIMI record of {domain} names a certificate but no logo.", answer, **facts, advice="Name the logo in l=.")
    page = await inquiry.world.https(one.logo)
    if page.state not in ("answered", "tls", "refused"):
        return unknown(f"The BIMI logo of {domain} could not be fetched ({page.error or page.state}).", answer, page, **facts)
    wrong = logo_problems(page.body, page.header("content-type")) if page.status_code == 200 else [f"it can't be fetched ({page.status_code or page.error or page.state})"]
    if wrong:
        return fail(f"The BIMI logo of {domain} is not usable: {wrong[0]}.", answer, page, **facts, problems=wrong, advice="Publish the logo as SVG Tiny PS, below 32 KB.")
    if not one.evidence:
        return warn(f"The BIMI record of {domain} names no certificate (a=): Gmail and Apple show no logo without one.", answer, page, **facts, weight=5,
                    advice="Get a Verified Mark Certificate or a Common Mark Certificate, if the logo is worth it.")
    return passed(f"{domain} has a BIMI logo with a certificate.", answer, page, **facts)


def _not_enforced(policy: DmarcPolicy) -> str:
    """Why DMARC is not strong enough, or ""."""
    record = policy.record
    if record is None or policy.state != "found":
        return "no DMARC policy applies"
    if policy.policy == "none":
        return "DMARC is in testing mode (t=y)" if policy.requested != "none" else "the DMARC policy is none"
    if record.testing:
        return "DMARC is in testing mode (t=y)"
    if record.subdomain_policy == "none":
        return "the DMARC policy for subdomains is none"
    return "the DMARC record applies to a part of the mail only (pct)" if record.tags.get("pct", "100") not in ("100", "") else ""
