"""A domain without mail says so everywhere, so that nobody can send in its name."""
from __future__ import annotations

from ...answers import DnsAnswer
from ...mailauth.dmarc import discover
from ...model import Finding
from .. import Inquiry, passed, unknown, warn
from ..receiving._shared import MailHosts, mail_exchangers
from ..receiving.null_mx import sender_domain

REFERENCE = "RFC 7505 4.2, RFC 7208 10.1.2; M3AAWG: Protecting parked domains"
WEIGHT = 15
_NULL_MX = "a null MX"


async def check(inquiry: Inquiry) -> list[Finding]:
    """Only for a domain that neither takes nor sends mail; [] for all others."""
    subject, domain = inquiry.subject, inquiry.subject.domain
    if not domain or subject.sending_ips or subject.message or domain == sender_domain(subject.envelope_sender) or domain == subject.recipient_domain:
        return []
    hosts = await mail_exchangers(inquiry, domain)
    if hosts.state not in ("null", "none", "implicit"):
        return []
    spf = await inquiry.world.dns(domain, "TXT")
    records = [" ".join(record.lower().split()) for record in spf.records if record.lower().split(" ")[0] == "v=spf1"]
    sends = any(record != "v=spf1 -all" for record in records)
    # without an MX, an address may be a web site's or a mail server's: only "-all" tells that no mail is meant
    if sends or (hosts.state == "implicit" and not records):
        return []
    dmarc = await discover(domain, inquiry.world)
    if spf.unlearned or dmarc.state == "temperror":
        return [unknown(f"Whether {domain} is closed against mail in its name could not be learned.", spf, *dmarc.answers, about=domain)]
    missing = _missing(hosts, bool(records), dmarc.policy == "reject")
    return [_of(domain, missing, *hosts.answers, spf, *dmarc.answers)]


def _missing(hosts: MailHosts, spf: bool, dmarc: bool) -> dict[str, str]:
    """What is not there yet: its name and its record."""
    domain = hosts.domain
    wanted = {
        _NULL_MX: ("" if hosts.state == "null" else f"{domain}. MX 0 ."),
        "an SPF record that allows nobody": ("" if spf else f'{domain}. TXT "v=spf1 -all"'),
        "a DMARC policy of reject": ("" if dmarc else f'_dmarc.{domain}. TXT "v=DMARC1; p=reject"'),
    }
    return {name: record for name, record in wanted.items() if record}


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _of(domain: str, missing: dict[str, str], *answers: DnsAnswer) -> Finding:
    facts = {"about": domain, "missing": list(missing)}
    if not missing:
        return passed(f"{domain} has no mail and says so in MX, SPF and DMARC.", *answers, **facts)
    harm = "others can send in its name" if set(missing) != {_NULL_MX} else "senders try its address for days before they give up"
    return warn(f"{domain} seems to have no mail, but lacks {_listed(list(missing))}, so {harm}.", *answers, **facts,
                advice="If the domain is not meant to send or take mail, publish these records.", record="\n".join(missing.values()))
