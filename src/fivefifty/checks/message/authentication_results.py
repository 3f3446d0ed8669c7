"""What earlier servers wrote about SPF, DKIM and DMARC: told, not trusted."""
from __future__ import annotations

import re

from ...model import Finding
from .. import Inquiry, passed
from ._shared import mail, without_comments

REFERENCE = "RFC 8601 5"
WEIGHT = 5
MAX_FIELDS = 20
_RESULT = re.compile(r";\s*([a-z][a-z0-9-]{0,40})\s*(?:/\s*\d+\s*)?=\s*([a-z]{1,40})", re.IGNORECASE)
_SERVER = re.compile(r"\s*([^\s;]{1,253})")


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each Authentication-Results field, from the top."""
    message = await mail(inquiry)
    if message is None:
        return []
    found = []
    for field in message.named("authentication-results")[:MAX_FIELDS]:
        value = without_comments(field.text)
        server = _SERVER.match(value)
        results = [f"{method.lower()}={word.lower()}" for method, word in _RESULT.findall(value)]
        name = server[1] if server and "=" not in server[1] else "a server that does not name itself"
        found.append(passed(f"{name} noted: {', '.join(results[:20]) or 'no results'}. Anybody can write such a field: rely on it only if {name} is your own or the receiver's server.",
                            about=name, found=field.text[:2000], authserv_id=name, results=results[:50]))
    return found
