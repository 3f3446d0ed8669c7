"""The TLS-RPT record says where reports about TLS failures go."""
from __future__ import annotations

from ...answers import DnsAnswer
from ...mailauth.tls_rpt import TlsRptRecord, read_records
from ...model import Finding
from .. import Inquiry, fail, passed, unknown, warn
from ._shared import is_own, quoted, receiving_domains, some, why

REFERENCE = "RFC 8460 3"
WEIGHT = 15


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for the audited domain; that of others is their own affair."""
    found = []
    for hosts in await receiving_domains(inquiry):
        if is_own(inquiry.subject, hosts.domain):
            answer = await inquiry.world.dns(f"_smtp._tls.{hosts.domain}", "TXT")
            if answer.records or answer.unlearned or hosts.state == "mx":  # else it may take no mail at all
                found.append(_of(hosts.domain, answer, read_records(answer.records)))
    return found


def _of(domain: str, answer: DnsAnswer, one: TlsRptRecord) -> Finding:
    name = f"_smtp._tls.{domain}"
    record = quoted(name, f"v=TLSRPTv1; rua=mailto:tls-reports@{domain}")
    if answer.unlearned:
        return unknown(f"Whether {domain} asks for TLS reports could not be learned, because {why(answer)}.", answer, about=domain)
    if not one.texts:
        nearly = any("tlsrpt" in text[:60].lower() for text in answer.records)
        words = f"{name} has a TXT record, but it does not begin with v=TLSRPTv1; so senders ignore it." if nearly else f"{domain} does not ask for reports about TLS failures."
        made = fail if nearly else warn
        return made(words, answer, about=domain, found="\n".join(answer.records[:5])[:500] if nearly else "", weight=15 if nearly else 10, record=record,
                    advice="Publish a TLS-RPT record; without reports you do not see which senders fail to reach you over TLS.")
    facts = {"about": domain, "found": "\n".join(one.texts[:5]), "rua": [each.uri for each in one.rua], "problems": list(one.problems)}
    if not one.usable:
        return fail(f"The TLS-RPT record of {domain} brings no reports: {one.problems[0] if one.problems else 'it names no address'}.", answer, **facts,
                    advice="Publish exactly one record with a mailto: or https: address.", record=record)
    if one.problems:
        return warn(f"The TLS-RPT record of {domain} has a fault: {one.problems[0]}.", answer, **facts, record=record, advice="Correct the record.", weight=10)
    return passed(f"{domain} asks for TLS reports at {some(each.uri for each in one.usable)}.", answer, **facts)
