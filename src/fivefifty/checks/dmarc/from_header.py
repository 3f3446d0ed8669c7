"""The mail has exactly one author domain."""
from __future__ import annotations

from ...mailauth.author import author
from ...model import Finding
from .. import Inquiry, fail, passed

REFERENCE = "RFC 9989 5.3.1; RFC 5322 3.6.2"
WEIGHT = 80


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding where the mail is there."""
    if not inquiry.subject.message:
        return []
    wrote = author(inquiry.subject.message)
    facts = {"found": "\n".join(f"From: {one}" for one in wrote.fields[:5])[:2000].encode("utf-8", "replace").decode(), "domains": list(wrote.domains[:20]), "problems": list(wrote.problems)}
    if wrote.domain and not wrote.problems:
        return [passed(f"The mail has one author domain, {wrote.domain}.", about=wrote.domain, **facts)]
    if wrote.domain:
        return [passed(f"The mail has one author domain, {wrote.domain}, but {wrote.problems[0]}.", about=wrote.domain, **facts)]
    return [fail(f"DMARC can't be evaluated: {wrote.problems[0] if wrote.problems else 'From: names no author domain'}. Gmail and others refuse such mail.", **facts,
                 advice="Send with exactly one From: field that holds one address.")]
