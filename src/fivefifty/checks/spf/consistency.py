"""The same SPF record on every name server"""
from __future__ import annotations

from ...mailauth.spf import is_checkable
from ...model import Finding
from .. import Inquiry, skipped

REFERENCE = "RFC 1034 4.3.5"
WEIGHT = 30


async def check(inquiry: Inquiry) -> list[Finding]:
    """Answers that differ between name servers make SPF pass here and fail there."""
    if not is_checkable(inquiry.subject.domain):
        return []
    return [skipped("Whether all name servers give the same SPF record was not asked: the questions go to a resolver, which asks one of them.", about=inquiry.subject.domain)]
