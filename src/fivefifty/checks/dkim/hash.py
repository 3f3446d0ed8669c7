"""The key record allows the hash that is in use: sha256."""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, fail, passed
from ._shared import asked, facts, survey

REFERENCE = "RFC 6376 3.6.1, RFC 8301 3.1"
WEIGHT = 70


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each key that has h=."""
    found = []
    for key in (await survey(inquiry)).found:
        hashes = key.best.hashes
        if hashes and "sha256" not in hashes:
            found.append(fail(f"The DKIM key {key.name} allows only h={':'.join(hashes)[:60]}: no signature that is accepted today can be made for it.", *asked(key), **facts(key),
                              advice="Take h= out of the key record, or write h=sha256."))
        elif hashes:
            found.append(passed(f"The DKIM key {key.name} allows sha256.", *asked(key), weight=5, **facts(key)))
    return found
