"""An SMTP reply in text (RFC 5321 4.2, RFC 2034): reply code, enhanced status, text."""
from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..rules import Context

# A reply starts a line or follows what introduces one ("said: ", "; ", "'", "(").  RFC 5321 4.2: three digits, then space or hyphen.
_REPLY = re.compile(r"(?<![\w.\-/@\[])([245][0-7]\d)(?=[ \-\t\n:,;]|$)[ \-\t\n:]*(?:\(?#?\(?([245]\.\d{1,3}\.\d{1,4})\b\)?)?")
_STATUS = re.compile(r"(?<![\w.\-/\[])#?([245]\.\d{1,3}\.\d{1,4})(?![\w\-]|\.\d)")


def codes_of(text: str) -> tuple[int, str]:
    """The first reply code and enhanced status of a text: (550, "5.1.1"), 0 or "" where there is none."""
    found = _REPLY.search(text)
    reply_code, status = (int(found[1]), found[2] or "") if found else (0, "")
    if not status:
        alone = _STATUS.search(text)
        if alone and (not reply_code or alone[1][0] == str(reply_code)[0]):
            status = alone[1]
    return reply_code, status


def context_of(example: str | Mapping[str, Any]) -> Context:
    """The context of a rule's example: what its text tells, and what the table adds."""
    given: Mapping[str, Any] = {"text": example} if isinstance(example, str) else example
    reply_code, status = codes_of(given["text"])
    return Context(
        status=given.get("status", status), reply_code=given.get("reply_code", reply_code),
        phase=given.get("phase", ""), provider=given.get("provider", ""), remote_mta=given.get("remote_mta", ""),
    )
