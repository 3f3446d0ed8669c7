"""abuse takes mail."""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry
from ._roles import role

REFERENCE = "RFC 2142 4"
WEIGHT = 15


async def check(inquiry: Inquiry) -> list[Finding]:
    """RFC 2142 4: where complaints go to."""
    return await role(inquiry, "abuse", "Complaints about mail from the domain go there; blocklist operators and providers write to it.")
