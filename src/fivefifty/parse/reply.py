"""An SMTP reply in text (RFC 5321 4.2, RFC 2034): reply code, enhanced status, text."""
from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..rules import Context

# A reply starts a line or follows what introduces one ("said: ", "; ", "'", "(").  RFC 5321 4.2: three digits, then space or hyphen.
# The class stands in front of the look-behind: the engine then skips to the digits instead of trying every character.
_REPLY = re.compile(
    r"[245](?<![\w.\-/@\[=].)[0-7]\d(?<!40[1-9])(?:(?=[ \-\t\n:,;#]|$)|(?=[.)\]'\"](?:[\s,;]|$)))(?! (?:bytes?|[kmg]i?b|seconds?|minutes?|hours?|days?|messages|recipients|times|k?g|m?l|[kcm]?m|eur|usd|px)\b)[ \-\t\n:']*(?:\(?#?\(?([245]\.\d{1,3}\.\d{1,4})\b\)?)?"
)
_STATUS = re.compile(r"[245](?<![\w.\-/\[].)\.\d{1,3}\.\d{1,4}(?![\w\-]|\.\d)")
_NAMED = re.compile(r"code\W{0,4}([45]\d\d(?<!40[1-9]))\b")


def codes_of(text: str) -> tuple[int, str]:
    """The first reply code and enhanced status of a text: (550, "5.1.1"), 0 or "" where there is none.

    A refusal goes before an acceptance that stands before it: the "220" of a banner, the "250" of a greeting.
    """
    found = _REPLY.search(text)
    if found is None:
        named = _NAMED.search(text) if "code" in text else None
        return (int(named[1]) if named else 0), _status_in(text, named[1][0] if named else "")
    if text[found.start()] == "2" and found.start() > 0:
        found = next((one for one in _REPLY.finditer(text, found.end()) if one[0][0] != "2"), found)
    code = text[found.start() : found.start() + 3]
    return int(code), found[1] or _status_in(text, code[0])


def _status_in(text: str, digit: str) -> str:
    """A status that stands by itself, if it is of the reply's class (RFC 2034 4)."""
    if "." not in text:
        return ""
    alone = _STATUS.search(text)
    return alone[0] if alone and (not digit or alone[0][0] == digit) else ""


def context_of(example: str | Mapping[str, Any]) -> Context:
    """The context of a rule's example: what its text tells, and what the table adds."""
    given: Mapping[str, Any] = {"text": example} if isinstance(example, str) else example
    reply_code, status = codes_of(given["text"])
    return Context(
        status=given.get("status", status), reply_code=given.get("reply_code", reply_code),
        phase=given.get("phase", ""), provider=given.get("provider", ""), remote_mta=given.get("remote_mta", ""),
    )
