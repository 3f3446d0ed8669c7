"""The mail taken apart once, and what several checks read from its header."""
from __future__ import annotations

import re

from ...mailauth.message import RawMessage
from .. import Inquiry
from ..dkim._shared import mail as parted

_COMMENT = re.compile(r"\([^()]*\)")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_BULK = ("list-id", "list-unsubscribe", "feedback-id", "x-campaign", "x-campaignid", "x-mailgun-tag", "x-csa-complaints", "x-sg-eid", "x-mc-user", "x-mailer-recptid")


async def mail(inquiry: Inquiry) -> RawMessage | None:
    """The mail, or None where none was given or it has no header."""
    if not inquiry.subject.message:
        return None
    message = await parted(inquiry)
    return message if message.fields else None


def without_comments(value: str) -> str:
    """A structured header value without its comments (RFC 5322 3.2.2), nested ones up to five deep."""
    value = value[:20_000]
    for _ in range(5):
        shorter = _COMMENT.sub("", value)
        if shorter == value:
            break
        value = shorter
    return value


def without_quotes(value: str) -> str:
    """The value with empty quoted strings, so that what stands in them confuses nobody."""
    return _QUOTED.sub('""', value[:4000])


def looks_bulk(message: RawMessage) -> str:
    """The header field that shows a mailing or a list, or "".  Automatic replies and reports write Precedence, too, and are none."""
    if message.first("auto-submitted").lower() not in ("", "no") or message.first("content-type").lower().startswith("multipart/report"):
        return ""
    if message.first("precedence").lower() in ("bulk", "list"):
        return "Precedence"
    present = {field.name for field in message.fields}
    return next((name for name in _BULK if name in present), "")
