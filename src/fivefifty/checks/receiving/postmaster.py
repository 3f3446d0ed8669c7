"""postmaster takes mail."""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry
from ._roles import role

REFERENCE = "RFC 5321 4.5.1"
WEIGHT = 20


async def check(inquiry: Inquiry) -> list[Finding]:
    """RFC 5321 4.5.1: every domain with mail must take mail to postmaster."""
    return await role(inquiry, "postmaster", "Every domain that takes mail must have a postmaster, and some receivers test that.")
