"""The server that refused is a mail exchanger of the recipient's domain."""
from __future__ import annotations

from ...mailauth.ip_kinds import parsed_ip
from ...model import Finding
from .. import Inquiry, fail, passed, skipped, unknown
from ._shared import MailHosts, mail_exchangers, some, why

REFERENCE = "RFC 5321 5.1"
WEIGHT = 60


async def check(inquiry: Inquiry) -> list[Finding]:
    """Whether the mail went where the DNS sends it today: "relay access denied" means another thing elsewhere."""
    subject = inquiry.subject
    host, address = subject.remote_mta.lower().strip("[] .").removeprefix("dns;").strip(), subject.remote_ip
    if parsed_ip(host) is not None:
        host, address = "", address or host
    if not subject.recipient_domain or not (host or address):
        return [skipped("Which server refused, and for which recipient's domain, is needed to compare it with the mail exchangers.")]
    hosts = await mail_exchangers(inquiry, subject.recipient_domain)
    if hosts.state not in ("mx", "implicit"):
        return [_nobody(hosts, host or address)]
    return [await _compared(inquiry, hosts, host, address)]


def _nobody(hosts: MailHosts, who: str) -> Finding:
    if hosts.state == "unlearned":
        return unknown(f"Whether {who} is a mail exchanger of {hosts.domain} could not be learned, because {why(hosts.answer)}.", *hosts.answers, about=who)
    return skipped(f"{hosts.domain} has no mail exchanger to compare {who} with.", *hosts.answers, about=who, state=hosts.state)


async def _compared(inquiry: Inquiry, hosts: MailHosts, host: str, address: str) -> Finding:
    names = {one.host for one in hosts.exchangers} | {alias for one in hosts.exchangers for alias in one.aliases}
    known = {parsed_ip(one) for exchanger in hosts.exchangers for one in exchanger.addresses}
    who = f"{host} ({address})" if host and address else host or address
    facts = {"about": who, "found": hosts.found or hosts.domain, "domain": hosts.domain}
    if (host and host in names) or (address and parsed_ip(address) in known):
        return passed(f"{who} is a mail exchanger of {hosts.domain}: the mail went to the right place, and that server is responsible.", *hosts.answers, **facts, is_mx=True)
    if host and not address:  # a mail exchanger may call itself by another name
        own = await inquiry.together(inquiry.world.dns(host, "A"), inquiry.world.dns(host, "AAAA"))
        if known & {parsed_ip(record) for answer in own for record in answer.records}:
            return passed(f"{host} has an address of a mail exchanger of {hosts.domain}: the mail went to the right place.", *hosts.answers, *own, **facts, is_mx=True)
    if any(one.unlearned for one in hosts.exchangers) or hosts.unasked:
        return unknown(f"Not all addresses of the mail exchangers of {hosts.domain} are known, so {who} may be one of them.", *hosts.answers, **facts)
    if _same_operator(host, names):
        return unknown(f"{who} is not among the mail exchangers of {hosts.domain} today, but has a name under the same domain as {some(sorted(names), 2)}.", *hosts.answers, **facts)
    return fail(f"{who} is no mail exchanger of {hosts.domain} today ({some(sorted(names))}): the mail was sent elsewhere, or the records have changed since.", *hosts.answers,
                **facts, is_mx=False, advice="If it is your own relay (smart host), authenticate there; if not, look for a fixed route or an old DNS answer in the sending server.")


def _same_operator(host: str, names: set[str]) -> bool:
    """Large providers answer under another name of theirs; the last two labels are enough for a doubt."""
    return host.count(".") >= 2 and any(name.split(".")[-2:] == host.split(".")[-2:] for name in names)
