"""The mail exchangers of a domain, worked out once for all checks."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ...answers import DnsAnswer, Mx
from ...mailauth.host_names import ip_in_name, is_host_name
from ...mailauth.ip_kinds import DOCUMENTATION, PUBLIC, ip_kind
from ...model import Subject
from .. import Inquiry

MOST_HOSTS = 20  # MX hosts whose addresses are asked for; a sender tries a handful (RFC 5321 5.1)
# Names that only prove to a provider who owns the domain; nobody ever delivers to them.
VERIFICATION = (".msv1.invalid", ".mx-verification.google.com")


@dataclass(frozen=True, slots=True)
class Exchanger:
    """One mail exchanger.  `form`: name, ip, url, invalid, localhost, verification or root (the "." of a null MX)."""

    preference: int
    host: str
    form: str
    v4: DnsAnswer | None = None  # None: not asked, the form forbids an address
    v6: DnsAnswer | None = None

    @property
    def answers(self) -> tuple[DnsAnswer, ...]:
        """What the DNS said of its addresses."""
        return tuple(answer for answer in (self.v4, self.v6) if answer is not None)

    @property
    def addresses(self) -> tuple[str, ...]:
        """All its addresses, IPv4 first."""
        return tuple(dict.fromkeys(record for answer in self.answers for record in answer.records))

    @property
    def aliases(self) -> tuple[str, ...]:
        """The CNAMEs between the name and the addresses."""
        return next((answer.aliases for answer in self.answers if answer.aliases), ())

    @property
    def unlearned(self) -> bool:
        """Whether it has no address that is known, but may have one."""
        return not self.addresses and any(answer.unlearned for answer in self.answers)


@dataclass(frozen=True, slots=True)
class MailHosts:
    """Who takes mail for a domain.

    `state`: mx, implicit (no MX, but an address: RFC 5321 5.1), null (RFC 7505), nxdomain, none (neither MX nor address) or unlearned.
    """

    domain: str
    state: str
    answer: DnsAnswer
    exchangers: tuple[Exchanger, ...] = ()  # by preference; the domain itself where the MX is implicit
    unasked: int = 0  # exchangers left out because there are too many

    @property
    def answers(self) -> tuple[DnsAnswer, ...]:
        """The MX answer and those about the hosts."""
        return (self.answer, *(answer for one in self.exchangers for answer in one.answers))

    @property
    def found(self) -> str:
        """The MX records as found."""
        return "\n".join(f"{one.preference} {one.exchange}" for one in self.answer.records[:MOST_HOSTS])


def audited(subject: Subject) -> tuple[str, ...]:
    """The domain whose mail exchangers are looked at, where one is given."""
    return (subject.domain,) if subject.domain else ()


def is_own(subject: Subject, domain: str) -> bool:
    """Whether it is the sender's domain; a bounce has the recipient's domain looked at too."""
    return domain != subject.recipient_domain or domain == subject.author_domain


def address_kind(subject: Subject, address: str) -> str:
    """The kind of an IP.  With the setting documentation_addresses = "public" a lab may use the addresses of RFC 5737 and 3849."""
    as_public = subject.settings.get("documentation_addresses") == PUBLIC
    return ip_kind(address, PUBLIC if as_public else DOCUMENTATION)


def is_reachable(subject: Subject, address: str) -> bool:
    """Whether a mail server can have that address: public, or one that only examples and labs use ("mx_public" warns of those)."""
    return address_kind(subject, address) in (PUBLIC, DOCUMENTATION)


async def mail_exchangers(inquiry: Inquiry, domain: str) -> MailHosts:
    """The mail exchangers of `domain` with their addresses."""
    return await inquiry.once(f"receiving.exchangers {domain}", lambda: _located(inquiry, domain))


async def all_exchangers(inquiry: Inquiry) -> list[MailHosts]:
    """Those of every audited domain."""
    return await inquiry.together(*(mail_exchangers(inquiry, domain) for domain in audited(inquiry.subject)))


async def _located(inquiry: Inquiry, domain: str) -> MailHosts:
    answer = await inquiry.world.dns(domain, "MX")
    if answer.unlearned:  # RFC 5321 5.1: a temporary fault is no leave to use the address record
        return MailHosts(domain, "unlearned", answer)
    if answer.state == "nxdomain":
        return MailHosts(domain, "nxdomain", answer)
    if answer.absent:
        return await _implicit(inquiry, domain, answer)
    records = sorted(dict.fromkeys(answer.records), key=lambda one: one.preference)
    if all(one.exchange in (".", "") for one in records):
        return MailHosts(domain, "null", answer, tuple(Exchanger(one.preference, ".", "root") for one in records))
    found = await inquiry.together(*(_exchanger(inquiry, one) for one in records[:MOST_HOSTS]))
    return MailHosts(domain, "mx", answer, tuple(found), max(0, len(records) - MOST_HOSTS))


async def _implicit(inquiry: Inquiry, domain: str, answer: DnsAnswer) -> MailHosts:
    own = await _exchanger(inquiry, Mx(0, domain))
    if own.addresses:
        return MailHosts(domain, "implicit", answer, (own,))
    return MailHosts(domain, "unlearned" if own.unlearned else "none", answer, (own,))


async def _exchanger(inquiry: Inquiry, record: Mx) -> Exchanger:
    form = form_of(record.exchange)
    if form not in ("name", "invalid"):  # an address literal, say, is no name in the DNS
        return Exchanger(record.preference, record.exchange, form)
    v4, v6 = await inquiry.together(inquiry.world.dns(record.exchange, "A"), inquiry.world.dns(record.exchange, "AAAA"))
    return Exchanger(record.preference, record.exchange, form, v4, v6)


def form_of(exchange: str) -> str:
    """What stands where RFC 5321 5.1 wants the name of a host."""
    if exchange in (".", ""):
        return "root"
    if ip_in_name(exchange):
        return "ip"
    if "/" in exchange or exchange.startswith(("http:", "https:", "smtp:", "mailto:")):
        return "url"
    if exchange.endswith(VERIFICATION):
        return "verification"
    if exchange == "localhost" or exchange.endswith(".localhost"):  # RFC 6761 6.3
        return "localhost"
    return "name" if is_host_name(exchange) else "invalid"


def some(names: Iterable[str], most: int = 5) -> str:
    """A few names as words: "a, b and 3 more"."""
    listed = list(names)
    if len(listed) > most:
        return f"{', '.join(listed[:most])} and {len(listed) - most} more"
    return " and ".join(", ".join(listed).rsplit(", ", 1)) if listed else "none"


def why(answer: DnsAnswer) -> str:
    """Why nothing was learned, as words that fit after "because"."""
    return {
        "servfail": "the DNS servers failed to answer (SERVFAIL)", "refused": "the DNS server refused to answer", "timeout": "no DNS answer came in time",
        "bogus": "its DNSSEC signatures do not hold", "malformed": "the DNS answer was broken", "lame": "its name servers are not in charge of it",
        "loop": "its CNAMEs go in a circle", "unreachable": "no DNS server could be reached", "unrecorded": "no answer is on record",
    }.get(answer.state, answer.state)
