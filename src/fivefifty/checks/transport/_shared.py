"""What several transport checks need: the MTA-STS policy of a domain, the exchangers it is about, and the words for what failed."""
from __future__ import annotations

from dataclasses import dataclass

from ...answers import DnsAnswer, HttpsAnswer
from ...mailauth.mta_sts import StsPolicy, StsRecord, read_policy, read_records
from .. import Inquiry
from ..receiving._shared import MailHosts, audited, is_own, mail_exchangers, some, why

__all__ = ["MailHosts", "Sts", "is_own", "mail_exchangers", "names", "quoted", "receiving_domains", "some", "sts", "sts_policy", "why"]


@dataclass(frozen=True, slots=True)
class Sts:
    """MTA-STS of a domain.  `problem`: why there is no usable policy although there should be one; `doubt`: why that is not known."""

    domain: str
    answer: DnsAnswer
    record: StsRecord
    page: HttpsAnswer | None = None
    policy: StsPolicy | None = None
    problem: str = ""
    doubt: str = ""

    @property
    def in_force(self) -> bool:
        """Whether senders have a policy to go by."""
        return self.policy is not None and not self.policy.problems and not self.problem


async def receiving_domains(inquiry: Inquiry) -> list[MailHosts]:
    """The exchangers of the audited domains that take mail, or may."""
    hosts = await inquiry.together(*(mail_exchangers(inquiry, domain) for domain in audited(inquiry.subject)))
    return [one for one in hosts if one.state in ("mx", "implicit", "unlearned")]


def names(hosts: MailHosts) -> list[str]:
    """The host names of the exchangers, each once."""
    return list(dict.fromkeys(one.host for one in hosts.exchangers if one.form == "name"))


async def sts(inquiry: Inquiry, domain: str) -> Sts:
    """The TXT record of MTA-STS."""
    answer = await inquiry.world.dns(f"_mta-sts.{domain}", "TXT")
    return Sts(domain, answer, read_records(answer.records))


async def sts_policy(inquiry: Inquiry, domain: str) -> Sts:
    """Record and policy file; the file is fetched only where a record tells senders to."""
    return await inquiry.once(f"transport.mta_sts {domain}", lambda: _fetched(inquiry, domain))


async def _fetched(inquiry: Inquiry, domain: str) -> Sts:
    found = await sts(inquiry, domain)
    if not found.record.texts or found.record.problems:
        return found
    page = await inquiry.world.https(f"https://mta-sts.{domain}/.well-known/mta-sts.txt")
    problem, doubt = _page_problem(page)
    policy = read_policy(page.body) if page.state == "answered" and page.status_code == 200 else None
    return Sts(domain, found.answer, found.record, page, policy, problem, doubt)


def _page_problem(page: HttpsAnswer) -> tuple[str, str]:
    """(what is wrong, what is not known) about fetching the file (RFC 8461 3.3)."""
    if page.state == "tls":
        return f"its certificate or TLS handshake is not accepted ({page.error or 'no details'})", ""
    if page.state in ("refused", "malformed", "too_large"):
        return {"refused": "the web server refuses the connection", "malformed": "the web server does not speak HTTP",
                "too_large": "the file is too large"}[page.state], ""
    if page.state != "answered":
        return "", {"timeout": "the web server did not answer in time", "unreachable": "the web server could not be reached",
                    "unrecorded": "the page is not on record"}.get(page.state, "it was not asked for")
    if 300 <= page.status_code < 400:
        return f"it redirects (HTTP {page.status_code}), and senders must not follow", ""
    return ("", "") if page.status_code == 200 else (f"the web server answers with HTTP {page.status_code}", "")


def quoted(name: str, text: str) -> str:
    """A TXT record to paste."""
    return f'{name}. TXT "{text}"'
