"""What SPF, DKIM and DMARC make of the mail at hand: the actual one where it is there, else the identities that are known."""
from __future__ import annotations

from dataclasses import dataclass

from ...mailauth.author import author, header_fields
from ...mailauth.dmarc import DmarcPolicy, DmarcResult, check, spf_identity
from ...model import Subject
from .. import Inquiry
from ..dkim._shared import results, why_incomplete
from ..sending._shared import public_ips
from ..spf._shared import evaluated
from ._shared import author_domain, policy_of

UNVERIFIED = "unverified"  # an identity that is known, but nobody could verify it here
MOST_IPS = 8


@dataclass(frozen=True, slots=True)
class Authentication:
    """`outcomes`: (sending IP or "", what DMARC says); an identity whose result is "unverified" would count if it passed."""

    author_domain: str
    policy: DmarcPolicy
    spf_domain: str = ""
    spf: tuple[tuple[str, str], ...] = ()  # (sending IP, SPF result)
    dkim: tuple[tuple[str, str], ...] = ()  # (d=, DKIM result)
    message: str = ""  # "", "header" or "whole": what is there of the mail
    outcomes: tuple[tuple[str, DmarcResult], ...] = ()


async def authentication(inquiry: Inquiry) -> Authentication:
    """It is worked out once."""
    return await inquiry.once("dmarc.authentication", lambda: _worked_out(inquiry))


async def _worked_out(inquiry: Inquiry) -> Authentication:
    subject = inquiry.subject
    wrote = author(subject.message).domain if subject.message else ""
    domain = wrote or author_domain(subject)
    policy = await policy_of(inquiry, domain)
    there = _there(subject.message)
    dkim = await _signatures(inquiry) if there else ()
    envelope = _envelope(subject)
    spf_domain = spf_identity(envelope, subject.helo_name) if envelope else ""
    spf = await _spf(inquiry, spf_domain, envelope) if spf_domain else ()
    outcomes = [(ip, await check(domain, result, spf_domain, dkim, inquiry.world)) for ip, result in spf or (("", UNVERIFIED),)] if spf_domain or dkim else []
    return Authentication(domain, policy, spf_domain, spf, dkim, there, tuple(outcomes))


def _there(message: bytes) -> str:
    if not message:
        return ""
    ends = [place for place in (message.find(b"\r\n\r\n"), message.find(b"\n\n")) if place >= 0]
    return "whole" if ends and message[min(ends):].strip() else "header"


def _envelope(subject: Subject) -> str:
    """MAIL FROM: as given, else as the last server noted it in the mail (RFC 5321 4.4)."""
    noted = header_fields(subject.message, "return-path") if subject.message and not subject.envelope_sender else ()
    return subject.envelope_sender or (noted[0] if noted and noted[0].startswith("<") else "")


async def _spf(inquiry: Inquiry, domain: str, envelope: str) -> tuple[tuple[str, str], ...]:
    """The SPF result of each sending IP."""
    sender = envelope.strip("<> ") or f"postmaster@{inquiry.subject.helo_name}"  # RFC 7208 2.4
    ips = public_ips(inquiry)[:MOST_IPS]
    results = await inquiry.together(*(evaluated(inquiry, ip, domain, sender) for ip in ips))
    return tuple((ip, str(result)) for ip, result in zip(ips, results, strict=True))


async def _signatures(inquiry: Inquiry) -> tuple[tuple[str, str], ...]:
    """(d=, result) of each signature.  A bounce often cuts or changes the mail: what differs there proves nothing."""
    cut = await why_incomplete(inquiry) or not inquiry.subject.message_whole
    return tuple((one.domain, UNVERIFIED if cut and one.result == "fail" else one.result) for one in await results(inquiry))
