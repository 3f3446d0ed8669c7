"""The DKIM key is not in testing mode."""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, passed, warn
from ..spf._shared import zone_line
from ._shared import asked, facts, survey

REFERENCE = "RFC 6376 3.6.1"
WEIGHT = 30


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each key with t=y; one pass where there is none."""
    keys = [key for key in (await survey(inquiry)).found if not key.revoked]
    testing = [key for key in keys if key.testing]
    if keys and not testing:
        return [passed("No DKIM key says that it is only a test (t=y).", weight=5)]
    return [
        warn(f"The DKIM key {key.name} says t=y, testing: receivers may treat mail signed with it as if it were not signed.", *asked(key), **facts(key),
             advice="Take y out of t= when signing works.", record=zone_line(key.name, _without_test(key.record)))
        for key in testing
    ]


def _without_test(text: str) -> str:
    """The record without the flag, all else as it was."""
    pieces = []
    for piece in text.split(";"):
        name, _, value = piece.partition("=")
        if name.strip() != "t":
            pieces.append(piece)
            continue
        left = [flag.strip() for flag in value.split(":") if flag.strip() not in ("", "y")]
        if left:
            pieces.append(f" t={':'.join(left)}")
    return ";".join(pieces).strip()
