"""Who receives: the mailbox provider or the gateway in front, by MX, banner and certificate."""
from __future__ import annotations

from ...answers import DnsAnswer, Mx, SmtpAnswer, SmtpQuestion
from ...model import Finding
from ...providers import provider, provider_of_domain, provider_of_host
from .. import Inquiry, passed, skipped, unknown
from ._services import policy

REFERENCE = "RFC 5321 5.1"
WEIGHT = 10
MAX_HOSTS = 10
# an SPF include names who keeps the mailboxes behind a gateway more often than not
_MAILBOXES = {"google": "google", "microsoft365": "microsoft365", "zoho": "zoho", "fastmail": "fastmail", "proton": "protonmail", "icloud": "apple", "yandex": "yandex"}


async def check(inquiry: Inquiry) -> list[Finding]:
    """Name who takes mail for the recipient's domain (without a recipient: for the domain itself)."""
    subject = inquiry.subject
    domain = subject.recipient_domain or subject.domain
    if not domain:
        return [skipped("The recipient's domain is not known.")]
    answer = await inquiry.world.dns(domain, "MX")
    if answer.unlearned:
        return [unknown(f"Who receives for {domain} could not be learned: {answer.state}.", answer, about=domain)]
    hosts = [one.exchange for one in sorted(answer.records[:50]) if isinstance(one, Mx) and one.exchange != "."][:MAX_HOSTS]
    for host in hosts or [domain]:
        found = provider_of_host(host)
        if found:
            return [await _known(inquiry, domain, found, f"MX {host}", answer)]
    session = await _session(inquiry, hosts) if subject.smtp else None
    told = _of_session(session) if session else ("", "")
    if told[0] and session:
        return [await _known(inquiry, domain, told[0], told[1], answer, session)]
    consumer = provider_of_domain(domain)
    if consumer:
        return [await _known(inquiry, domain, consumer, f"{domain} itself", answer)]
    if not hosts:
        return [skipped(f"{domain} has no MX host.", answer, about=domain)]
    return [passed(f"{domain} receives at {', '.join(hosts[:3])}: no provider or gateway that we know, probably a server of their own.", answer, about=domain,
                   provider="", hosts=hosts)]


async def _known(inquiry: Inquiry, domain: str, id: str, mark: str, *answers: DnsAnswer | SmtpAnswer) -> Finding:
    one = provider(id)
    facts = {"provider": id, "kind": one.kind, "mark": mark}
    if one.kind != "gateway":
        return passed(f"{one.name} receives for {domain} ({mark}).", *answers, about=domain, **facts)
    behind = await _behind(inquiry, domain)
    rest = f" Behind it the mailboxes are probably at {provider(behind).name}, by its SPF record." if behind else ""
    return passed(f"{one.name} stands as a gateway in front of {domain} ({mark}).{rest}", *answers, about=domain, behind=behind, **facts)


async def _behind(inquiry: Inquiry, domain: str) -> str:
    named = (await policy(inquiry, domain)).services
    return next((_MAILBOXES[id] for id in named if id in _MAILBOXES), "")


async def _session(inquiry: Inquiry, hosts: list[str]) -> SmtpAnswer | None:
    """A session with the first MX host, the same that the transport checks hold."""
    if not hosts:
        return None
    answer = await inquiry.world.dns(hosts[0], "A")
    if not answer.found:
        return None
    return await inquiry.world.smtp(SmtpQuestion(answer.records[0], server_name=hosts[0], helo_name=inquiry.subject.helo_name))


def _of_session(session: SmtpAnswer) -> tuple[str, str]:
    """(provider, what shows it) by the name in the greeting, else by those in the certificate."""
    greeting = session.reply("connect")
    name = greeting.text.split(None, 1)[0][:255] if greeting and greeting.text.strip() else ""
    found = provider_of_host(name) if "." in name else ""
    if found:
        return found, f"greeting of {name}"
    for name in session.tls.names[:50] if session.tls else ():
        found = provider_of_host(name.removeprefix("*."))
        if found:
            return found, f"certificate of {name}"
    return "", ""
