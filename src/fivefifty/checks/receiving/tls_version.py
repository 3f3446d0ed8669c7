"""The mail exchangers speak a TLS version of today."""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, passed, warn
from ._sessions import Session, each

REFERENCE = "RFC 8996, RFC 9325 3.1"
WEIGHT = 25


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each server with which TLS came about; what is seen is the best that both sides know."""
    return await each(inquiry, _of)


def _of(one: Session) -> list[Finding]:
    tls = one.answer.tls
    if tls is None or not tls.version:
        return []  # "starttls" speaks of it
    facts = {"about": one.name, "found": f"{tls.version} {tls.cipher}".strip(), "domain": one.domain, "version": tls.version}
    if tls.version in ("TLSv1.2", "TLSv1.3"):
        return [passed(f"{one.name} speaks {tls.version}.", one.answer, **facts)]
    return [warn(f"{one.name} agrees on nothing better than {tls.version}, which is deprecated; some senders refuse it.", one.answer, **facts,
                 advice="Update the TLS library of the mail server, and allow TLS 1.2 and 1.3.")]
