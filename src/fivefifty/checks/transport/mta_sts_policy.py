"""The MTA-STS policy file can be fetched and read."""
from __future__ import annotations

from ...answers import HttpsAnswer
from ...mailauth.mta_sts import StsPolicy
from ...model import Finding
from .. import Inquiry, fail, passed, unknown, warn
from ._shared import MailHosts, Sts, names, receiving_domains, sts_policy

REFERENCE = "RFC 8461 3.2, 3.3"
WEIGHT = 40
SHORTEST_MAX_AGE = 86_400  # below a day the policy protects little; RFC 8461 3.2 recommends weeks


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each domain with an MTA-STS record."""
    found = []
    for hosts in await receiving_domains(inquiry):
        one = await sts_policy(inquiry, hosts.domain)
        if one.page is not None:
            found.append(_of(hosts, one, one.page))
    return found


def _of(hosts: MailHosts, one: Sts, page: HttpsAnswer) -> Finding:
    domain = one.domain
    if one.doubt:
        return unknown(f"The MTA-STS policy of {domain} could not be fetched: {one.doubt}.", one.answer, page, about=domain,
                       advice="If it stays so, senders act on the policy they remember, or on none.")
    if one.problem:
        return fail(f"Senders can't fetch the MTA-STS policy of {domain}: {one.problem}.", one.answer, page, about=domain, record=_file(hosts, "testing"),
                    advice=f"Serve the file at {page.url} with HTTP 200, no redirect, and a certificate for mta-sts.{domain}.", http_status=page.status_code)
    policy = one.policy or StsPolicy()
    facts = {"about": domain, "found": page.body[:2000].decode("utf-8", "replace"), "mode": policy.mode, "mx": list(policy.mx[:50]), "max_age": policy.max_age}
    if policy.problems:
        return fail(f"The MTA-STS policy file of {domain} is not valid: {policy.problems[0]}.", one.answer, page, **facts, problems=list(policy.problems),
                    advice="Correct the file and change id= in the record.", record=_file(hosts, policy.mode or "testing"))
    oddities = [*_served(page), *policy.oddities]
    if 0 <= policy.max_age < SHORTEST_MAX_AGE:
        oddities.append(f"max_age is only {policy.max_age} seconds, so the policy is soon forgotten")
    if oddities:
        return warn(f"The MTA-STS policy of {domain} works, but {oddities[0]}.", one.answer, page, **facts, weight=15, oddities=oddities,
                    advice="Correct it and change id= in the record.", record=_file(hosts, policy.mode))
    return _by_mode(one, page, policy, facts)


def _by_mode(one: Sts, page: HttpsAnswer, policy: StsPolicy, facts: dict[str, object]) -> Finding:
    if policy.mode == "testing":
        return warn(f"The MTA-STS policy of {one.domain} is in testing mode: breaches are reported, nothing is refused.", one.answer, page, **facts, weight=10,
                    advice="When the TLS reports show no failures, set mode: enforce and change id= in the record.")
    if policy.mode == "none":
        return passed(f"{one.domain} has switched MTA-STS off (mode: none).", one.answer, page, **facts)
    return passed(f"{one.domain} has an MTA-STS policy in enforce mode.", one.answer, page, **facts)


def _served(page: HttpsAnswer) -> list[str]:
    """RFC 8461 3.2: the type is text/plain; senders may ignore a file of another one."""
    kind = page.header("content-type")
    return [] if kind.partition(";")[0].strip().lower() == "text/plain" else [f"it is served as {kind[:60] or 'no type at all'} instead of text/plain"]


def _file(hosts: MailHosts, mode: str) -> str:
    """A policy file for the exchangers as they are."""
    return "\n".join(["version: STSv1", f"mode: {mode if mode in ('enforce', 'testing') else 'testing'}", *(f"mx: {name}" for name in names(hosts)[:20]), "max_age: 604800"])
