"""A DKIM key that is delegated with a CNAME is there at its end."""
from __future__ import annotations

from ...mailauth.dkim_key import DkimKey
from ...model import Finding
from .. import Inquiry, fail, passed, unknown
from ._shared import asked, facts, survey

REFERENCE = "RFC 6376 3.6.2, RFC 1034 3.6.2"
WEIGHT = 70


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each selector that is a CNAME."""
    return [_told(key) for key in (await survey(inquiry)).keys if key.aliases]


def _told(key: DkimKey) -> Finding:
    known = {**facts(key), "target": key.aliases[-1], "aliases": list(key.aliases)}
    if key.state == "found":
        return passed(f"{key.name} is a CNAME to {key.aliases[-1]}, where the key is.", *asked(key), weight=5, **known)
    if key.answer and key.answer.state == "loop":
        return fail(f"{key.name} is a CNAME that goes in a circle, so there is no key.", *asked(key), advice="Point the CNAME to the name the sending service shows.", **known)
    if key.state == "unknown":
        return unknown(f"{key.name} is a CNAME to {key.aliases[-1]}, which could not be asked for: {key.why}.", *asked(key), **known)
    return fail(f"{key.name} is a CNAME to {key.aliases[-1]}, but there is no key there: the service has not made it, or no longer has it.", *asked(key), **known,
                advice="Finish (or repeat) the set-up of the domain at the sending service; take the CNAME away if the service is no longer used.")
