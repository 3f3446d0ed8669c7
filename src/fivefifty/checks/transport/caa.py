"""CAA: who may issue certificates for the domain's own mail exchangers."""
from __future__ import annotations

from ...answers import Caa, DnsAnswer
from ...model import Finding
from .. import Inquiry, passed, skipped, unknown, warn
from ._shared import names, receiving_domains, some, why

REFERENCE = "RFC 8659 3, 4"
WEIGHT = 10
MOST_HOSTS = 5


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each exchanger below the audited domain; those of a provider are the provider's affair."""
    domain = inquiry.subject.domain
    own = [name for hosts in await receiving_domains(inquiry) if hosts.domain == domain for name in names(hosts) if name == domain or name.endswith(f".{domain}")]
    return [_of(name, await _relevant(inquiry, name)) for name in own[:MOST_HOSTS]]


async def _relevant(inquiry: Inquiry, name: str) -> DnsAnswer:
    """The first CAA records from the name upwards (RFC 8659 3); the top-level domain is not asked."""
    labels = name.split(".")
    for at in range(max(1, len(labels) - 1)):
        answer = await inquiry.world.dns(".".join(labels[at:]), "CAA")
        if not answer.absent:
            break
    return answer


def _of(name: str, answer: DnsAnswer) -> Finding:
    if answer.unlearned:
        return unknown(f"The CAA records for {name} could not be learned, because {why(answer)}; certificate authorities refuse to issue while that is so.", answer, about=name)
    if answer.absent:
        return skipped(f"No CAA record restricts who may issue certificates for {name}.", answer, about=name)
    found = "\n".join(f'{one.flags} {one.tag} "{one.value}"' for one in answer.records[:20])
    odd = [one.tag for one in answer.records if _is_unknown_critical(one)]
    if odd:
        return warn(f"A CAA record for {name} is critical and of a kind authorities do not know ({some(odd)}): they must refuse to issue.", answer, about=name, found=found,
                    advice="Remove it, or clear its critical flag.")
    issuers = [one.value.partition(";")[0].strip() for one in answer.records if one.tag == "issue"]
    if issuers and not any(issuers):
        return warn(f"CAA forbids every authority to issue certificates for {name}.", answer, about=name, found=found, issuers=[],
                    advice="Name the authority you use, or the certificate of the mail server can't be renewed.")
    who = f"allows {some(one for one in issuers if one)} to issue" if issuers else "restricts nobody from issuing ordinary certificates"
    return passed(f"CAA for {name} {who}.", answer, about=name, found=found, issuers=issuers)


def _is_unknown_critical(one: Caa) -> bool:
    return bool(one.flags & 128) and one.tag not in ("issue", "issuewild", "iodef", "issuemail", "issuevmc", "contactemail", "contactphone")
