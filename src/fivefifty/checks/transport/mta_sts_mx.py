"""The MTA-STS policy allows every mail exchanger of the domain."""
from __future__ import annotations

from ...mailauth.mta_sts import matches
from ...model import Finding
from .. import Answer, Inquiry, fail, passed, unknown, warn
from ._shared import MailHosts, Sts, names, receiving_domains, some, sts_policy, why

REFERENCE = "RFC 8461 4.1"
WEIGHT = 90


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each domain whose policy is in force."""
    found = []
    for hosts in await receiving_domains(inquiry):
        one = await sts_policy(inquiry, hosts.domain)
        if one.in_force and one.policy and one.policy.mode != "none":
            found.append(_of(hosts, one))
    return found


def _of(hosts: MailHosts, one: Sts) -> Finding:
    policy, domain = one.policy, one.domain
    assert policy is not None
    if hosts.state == "unlearned":
        return unknown(f"Whether the exchangers of {domain} match its MTA-STS policy could not be learned, because {why(hosts.answer)}.", hosts.answer, about=domain)
    left = [name for name in names(hosts) if not any(matches(pattern, name) for pattern in policy.mx)]
    facts = {"about": domain, "found": "\n".join(f"mx: {pattern}" for pattern in policy.mx[:20]), "mode": policy.mode, "unmatched": left[:20]}
    asked: list[Answer] = [one.answer, hosts.answer, *([one.page] if one.page else [])]
    if not left:
        return passed(f"The MTA-STS policy of {domain} allows all of its exchangers.", *asked, **facts)
    advice = "Add the lines to the policy file and change id= in the record; \"*.\" stands for exactly one label."
    record = "\n".join(f"mx: {name}" for name in left[:20])
    if policy.mode == "testing":
        return warn(f"The MTA-STS policy of {domain} does not list {some(left)}: once it is enforced, senders refuse to deliver there.", *asked, **facts,
                    advice=advice, record=record, weight=30)
    whole = len(left) == len(names(hosts))
    return fail(f"The enforced MTA-STS policy of {domain} does not list {some(left)}: senders that obey it deliver {'nothing' if whole else 'nothing to that server'}.",
                *asked, **facts, advice=advice, record=record, weight=95 if whole else 70)
