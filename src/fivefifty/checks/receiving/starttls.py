"""The mail exchangers offer TLS."""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, fail, passed, warn
from ._policy import insists
from ._sessions import Session, each, quoted, sessions
from ._shared import audited

REFERENCE = "RFC 3207"
WEIGHT = 30
_TOLD = {"dane": "its TLSA record (DANE)", "mta_sts": "the MTA-STS policy"}


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each server that talked."""
    wanted: dict[str, str] = {}
    for domain in audited(inquiry.subject):
        for one in await sessions(inquiry, domain):
            if one.introduced and fault(one):
                wanted[one.address] = await insists(inquiry, one)
    return await each(inquiry, lambda one: [_of(one, wanted.get(one.address, ""))])


def offers(one: Session) -> bool:
    """Whether the EHLO reply lists STARTTLS."""
    listed = one.answer.extensions_before_tls or one.answer.extensions
    return one.answer.tls is not None or any(extension.split(None, 1)[:1] == ["STARTTLS"] for extension in map(str.upper, listed))


def fault(one: Session) -> str:
    """What keeps a session from being encrypted: missing, refused, handshake, or ""."""
    if not offers(one):
        return "missing"
    tls, reply = one.answer.tls, one.answer.reply("starttls")
    if reply is not None and reply.reply_code >= 400:
        return "refused"
    return "handshake" if tls is not None and tls.error and not tls.version else ""


def _of(one: Session, wanted: str) -> Finding:
    wrong = fault(one)
    facts = {"about": one.name, "domain": one.domain, "fault": wrong, "required_by": wanted}
    if not wrong:
        return passed(f"{one.name} offers TLS.", one.answer, **facts)
    sentence = f"{_sentence(one, wrong)}."
    advice = "Give the server a certificate and turn on STARTTLS (Postfix: smtpd_tls_security_level = may)."
    if wanted:
        return fail(f"{sentence} {_TOLD[wanted][0].upper()}{_TOLD[wanted][1:]} demands TLS, so senders that heed it do not deliver.", one.answer, **facts, advice=advice, weight=80)
    if wrong == "missing" and any(extension.startswith("XXXX") for extension in one.answer.extensions):
        advice = "A firewall overwrites words of the dialogue with X: turn off its SMTP inspection."
    return warn(f"{sentence} Mail comes in unencrypted.", one.answer, **facts, advice=advice)


def _sentence(one: Session, wrong: str) -> str:
    if wrong == "missing":
        return f"{one.name} does not offer STARTTLS"
    reply, tls = one.answer.reply("starttls"), one.answer.tls
    if wrong == "refused" and reply is not None:
        return f"{one.name} offers STARTTLS, but refuses it: {quoted(reply).rstrip('.')}"
    return f"{one.name} offers STARTTLS, but the handshake fails ({(tls.error if tls else '')[:200].rstrip('.')})"
