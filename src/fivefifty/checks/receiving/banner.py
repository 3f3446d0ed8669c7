"""The greeting names the host, and the reverse name of its address fits."""
from __future__ import annotations

from ...mailauth.host_names import is_qualified
from ...mailauth.iprev import reverse_name
from ...model import Finding
from .. import Inquiry, passed, warn
from ._sessions import Session, each, quoted, sessions
from ._shared import audited, is_own

REFERENCE = "RFC 5321 4.1.1.1, 4.2"
WEIGHT = 5
# What these servers always say of themselves; anything else comes from a box in between.
_SIGNS = {".google.com": ("google.com", "gsmtp"), ".googlemail.com": ("google.com", "gsmtp"), ".mail.protection.outlook.com": ("outlook.com", "microsoft")}


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each server that talked."""
    names: dict[str, tuple[str, ...]] = {}
    for domain in audited(inquiry.subject):
        held = [one for one in await sessions(inquiry, domain) if one.introduced]
        answers = await inquiry.together(*(inquiry.world.dns(reverse_name(one.address), "PTR") for one in held))
        names |= {one.address: answer.records for one, answer in zip(held, answers, strict=True)}
    # the sender's own mail exchanger may well be the machine that sends
    other = "" if is_own(inquiry.subject, inquiry.subject.domain) else inquiry.subject.helo_name
    return await each(inquiry, lambda one: [_of(one, names.get(one.address, ()), other)])


def _of(one: Session, ptr: tuple[str, ...], sender_helo: str) -> Finding:
    greeting = one.answer.reply("connect")
    assert greeting is not None
    named = greeting.text.split(None, 1)[0].lower().rstrip(".") if greeting.text.strip() else ""
    facts = {"about": one.name, "found": quoted(greeting), "domain": one.domain, "named": named, "ptr": list(ptr[:10])}
    if "***" in greeting.text[:80]:
        return warn(f"The greeting of {one.name} is masked with asterisks: a firewall rewrites the SMTP dialogue, and often hides STARTTLS.", one.answer, **facts,
                    weight=30, advice="Turn off the SMTP inspection (\u201cfixup\u201d, \u201cinspect esmtp\u201d) of the firewall.")
    strange = _stranger(one)
    if strange:
        return warn(strange, one.answer, **facts, weight=40, advice="Look for a firewall, a virus scanner or a provider's proxy that takes over port 25.")
    if sender_helo and named == sender_helo.lower().rstrip("."):
        return warn(f"{one.name} greets with {named}, the name that the sender uses too; senders take that for a mail loop.", one.answer, **facts, weight=50,
                    advice="Give each of the two hosts a name of its own, unless they are the same machine.", reference="RFC 5321 6.3")
    if not is_qualified(named):
        return warn(f"The greeting of {one.name} does not begin with a full host name.", one.answer, **facts, advice="Set the server's name (Postfix: myhostname).")
    if ptr and named not in ptr:
        return warn(f"{one.name} greets as {named}, while its address has the name {ptr[0]}. Mail is not refused for it.", one.answer, **facts, weight=3)
    return passed(f"{one.name} greets as {named}.", one.answer, **facts)


def _stranger(one: Session) -> str:
    """Whether somebody else answers in a big provider's place."""
    signs = next((signs for suffix, signs in _SIGNS.items() if one.exchanger.host.endswith(suffix)), ())
    said = " ".join(reply.text for reply in one.answer.replies if reply.phase in ("connect", "ehlo")).lower()
    if not signs or any(sign in said for sign in signs):
        return ""
    return f"What answers at {one.name} does not look like that provider's server: something on the way takes over the connection."
