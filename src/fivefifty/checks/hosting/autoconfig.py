"""Mail programs find the domain's servers by themselves."""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, passed, skipped

REFERENCE = "RFC 6186, RFC 8314 5.1"
WEIGHT = 1
_SERVICES = ("_submissions._tcp", "_imaps._tcp", "_submission._tcp", "_autodiscover._tcp")


async def check(inquiry: Inquiry) -> list[Finding]:
    """For the set-up of mail programs only; it has no bearing on delivery, so it is asked only with the setting client_setup = "yes"."""
    domain = inquiry.subject.domain
    if not domain or inquiry.subject.settings.get("client_setup") != "yes":
        return [skipped("How mail programs find the servers has no bearing on delivery; it is looked at with the setting client_setup = yes.")] if domain else []
    asked = [(f"{service}.{domain}", "SRV") for service in _SERVICES] + [(f"autoconfig.{domain}", "A"), (f"autodiscover.{domain}", "A")]
    answers = await inquiry.together(*(inquiry.world.dns(name, rrtype) for name, rrtype in asked))
    there = [answer.name for answer in answers if answer.found]
    found = "\n".join(f"{answer.name} {answer.rrtype} {answer.records[0]}" for answer in answers if answer.found)
    if there:
        return [passed(f"Mail programs can find the servers of {domain}: {len(there)} of the known names exist.", *answers, about=domain, found=found, names=there)]
    return [passed(f"None of the names by which mail programs find servers exists for {domain}; users type the servers in themselves.", *answers, about=domain, names=[])]
