"""The certificate of the mail exchangers is trusted and names the host."""
from __future__ import annotations

from datetime import UTC, datetime

from ...answers import TlsSession
from ...model import Finding
from .. import Inquiry, fail, passed, unknown, warn
from ._policy import insists
from ._sessions import Session, each, sessions
from ._shared import audited, some

REFERENCE = "RFC 8461 4.1, RFC 9525"
WEIGHT = 10
SOON = 7  # days; certificates of public authorities are renewed well before


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each server with which TLS came about."""
    now, wanted = inquiry.world.now(), {}
    for domain in audited(inquiry.subject):
        for one in await sessions(inquiry, domain):
            if one.introduced and one.answer.tls is not None and one.answer.tls.version and faults(one.answer.tls, now):
                wanted[one.address] = await insists(inquiry, one)
    return await each(inquiry, lambda one: _of(one, now, wanted.get(one.address, "")))


def days_left(tls: TlsSession, now: datetime) -> int | None:
    """Days until the certificate ends; None where its end is not known."""
    try:
        end = datetime.fromisoformat(tls.not_after)
    except ValueError:
        return None
    end = end if end.tzinfo is not None else end.replace(tzinfo=UTC)
    return (end - now).days


def faults(tls: TlsSession, now: datetime) -> list[str]:
    """What is wrong with the certificate, as words."""
    left = days_left(tls, now)
    told = []
    if left is not None and left < 0:
        told.append(f"it ended on {tls.not_after[:10]}")
    elif tls.trusted is False:
        told.append("no authority that is widely trusted vouches for it")
    if tls.matches is False:
        told.append(f"it is made out for {some(tls.names[:20], 3)}")
    return told


def _of(one: Session, now: datetime, wanted: str) -> list[Finding]:
    tls = one.answer.tls
    if tls is None or not tls.version:
        return []  # "starttls" speaks of it
    wrong, left = faults(tls, now), days_left(tls, now)
    facts: dict[str, object] = {"about": one.name, "found": f"{some(tls.names[:20], 3)}; issuer {tls.issuer or 'unknown'}; until {tls.not_after or 'unknown'}", "domain": one.domain,
             "trusted": tls.trusted, "matches": tls.matches, "days_left": left, "required_by": wanted}
    if wrong:
        return [_faulty(one, " and ".join(wrong), wanted, facts)]
    if tls.trusted is None or tls.matches is None:
        return [unknown(f"Whether the certificate of {one.name} is trusted was not learned.", one.answer, **facts)]
    if left is not None and left < SOON:
        return [warn(f"The certificate of {one.name} ends in {left} days.", one.answer, **facts, advice="Renew it, and see that the mail server loads the new one.")]
    return [passed(f"The certificate of {one.name} is trusted and names the host.", one.answer, **facts)]


def _faulty(one: Session, wrong: str, wanted: str, facts: dict[str, object]) -> Finding:
    sentence = f"The certificate of {one.name} is not what it should be: {wrong}."
    advice = f"Get a certificate for {one.exchanger.host} from a public authority, and have the server load it with its whole chain."
    if wanted == "mta_sts":
        return fail(f"{sentence} The domain's MTA-STS policy demands a valid one, so senders that heed it do not deliver.", one.answer, **facts, advice=advice, weight=80)
    if wanted == "dane":  # RFC 7672 3.1.1: with usage 3 neither the name, nor the dates, nor the issuer matter
        return warn(f"{sentence} Senders that use DANE go by the TLSA record instead.", one.answer, **facts, weight=3)
    return warn(f"{sentence} Most senders encrypt all the same and do not look at it.", one.answer, **facts, advice=advice)
