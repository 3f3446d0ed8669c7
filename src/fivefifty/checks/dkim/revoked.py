"""The DKIM key has not been withdrawn."""
from __future__ import annotations

from ...mailauth.dkim_key import DkimKey
from ...model import Finding
from .. import Inquiry, fail, passed, warn
from ._shared import Survey, asked, facts, survey

REFERENCE = "RFC 6376 3.6.1"
WEIGHT = 70


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each withdrawn key; one pass where there is none."""
    seen = await survey(inquiry)
    withdrawn = [key for key in seen.found if key.revoked]
    if not withdrawn:
        names = ", ".join(key.name for key in seen.found)
        return [passed(f"No DKIM key is withdrawn ({names}).", weight=5)] if names else []
    return [_told(seen, key) for key in withdrawn]


def _told(seen: Survey, key: DkimKey) -> Finding:
    told = f"The DKIM key {key.name} is withdrawn (p= is empty)"
    if seen.uses(key):
        return fail(f"{told}, but the mail is signed with it: the signature fails everywhere.", *asked(key), **facts(key),
                    advice="Let the sending system sign with a selector whose key is published.")
    if key in seen.named:
        return warn(f"{told}: anything still signed with it fails.", *asked(key), weight=30, **facts(key),
                    advice="Make sure that nothing signs with this selector any more.")
    return passed(f"{told}, as one does with a key that is no longer used.", *asked(key), weight=5, **facts(key))
