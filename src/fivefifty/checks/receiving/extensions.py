"""The mail exchangers offer the usual SMTP extensions."""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, fail, passed, warn
from ._sessions import Session, each

REFERENCE = "RFC 1870, RFC 6152, RFC 6531"
WEIGHT = 3


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each server that talked, one more where it can't take an internationalized address."""
    addresses = [one for one in (inquiry.subject.recipient, inquiry.subject.envelope_sender) if not one.isascii()]
    return await each(inquiry, lambda one: [_of(one), *_international(one, addresses)])


def offered(one: Session) -> dict[str, str]:
    """The extensions with their parameters, in upper case."""
    listed = [extension.partition(" ") for extension in one.answer.extensions or one.answer.extensions_before_tls]
    return {keyword.upper(): rest.strip() for keyword, _, rest in listed}


def _of(one: Session) -> Finding:
    known = offered(one)
    size = known.get("SIZE", "")
    facts = {"about": one.name, "found": ", ".join(sorted(known)[:30]), "domain": one.domain, "extensions": sorted(known)[:30], "size": int(size[:15]) if size[:15].isdecimal() else 0}
    if "SIZE" not in known:
        return warn(f"{one.name} does not say how large a mail may be (no SIZE); senders find out only after sending it all.", one.answer, **facts, advice="Turn on SIZE.")
    limit = f"mails of up to {facts['size']:,} bytes" if facts["size"] else "mails without a stated limit"
    missing = [word for word in ("8BITMIME", "PIPELINING", "SMTPUTF8") if word not in known]
    return passed(f"{one.name} takes {limit}{f'; it does not offer {chr(32).join(missing)}' if missing else ''}.", one.answer, **facts)


def _international(one: Session, addresses: list[str]) -> list[Finding]:
    if not addresses or "SMTPUTF8" in offered(one):
        return []
    return [fail(f"{one.name} does not offer SMTPUTF8, so it can't take a mail from or to {addresses[0][:100]}.", one.answer, about=one.name, domain=one.domain, weight=90,
                 advice="Use an address in ASCII for that correspondent.", reference="RFC 6531 3.2", smtputf8=False)]
