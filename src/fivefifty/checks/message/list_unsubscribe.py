"""A bulk mail can be unsubscribed from with one click."""
from __future__ import annotations

import re

from ...mailauth.dkim import DkimResult
from ...mailauth.message import RawMessage
from ...model import Finding
from .. import Inquiry, fail, passed, skipped, warn
from ..dkim._shared import results
from ._shared import looks_bulk, mail, without_comments

REFERENCE = "RFC 8058, RFC 2369 3.2"
WEIGHT = 50
_ANGLE = re.compile(r"<([^<>]{1,2000})>")
_ADVICE = "Send both fields, and sign both with DKIM."
_RECORD = "List-Unsubscribe: <https://example.org/unsubscribe/opaque-token>\nList-Unsubscribe-Post: List-Unsubscribe=One-Click"


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for the mail."""
    message = await mail(inquiry)
    if message is None:
        return []
    sign = looks_bulk(message)
    if not message.named("list-unsubscribe"):
        if not sign:
            return [skipped("The mail does not look like a mailing, so it needs no List-Unsubscribe.")]
        return [fail(f"The mail looks like a mailing ({sign}), but has no List-Unsubscribe: Gmail and Yahoo demand one-click unsubscribing of bulk senders.", advice=_ADVICE, record=_RECORD)]
    return [_told(message, await results(inquiry), sign)]


def _told(message: RawMessage, signatures: list[DkimResult], sign: str) -> Finding:
    """Everything that keeps it from being one-click (RFC 8058 3 and 4)."""
    value = message.first("list-unsubscribe")
    targets = ["".join(one.split()) for one in _ANGLE.findall(value[:20_000])]
    faults = list(_faults(message, targets, signatures))
    known = {"found": value[:2000], "targets": targets[:20], "bulk_sign": sign, "one_click": not faults}
    if not faults:
        return passed("The mail can be unsubscribed from with one click, and the fields for it are signed.", **known)
    told = f"Unsubscribing with one click will not work: {'; '.join(faults)}."
    if sign in ("list-id", "Precedence") and any(one.lower().startswith("mailto:") for one in targets):  # a discussion list: RFC 8058 is about mailings
        return warn(told, advice=_ADVICE, record=_RECORD, weight=25, **known)
    return fail(told, advice=_ADVICE, record=_RECORD, **known)


def _faults(message: RawMessage, targets: list[str], signatures: list[DkimResult]) -> list[str]:
    found = []
    fields, posts = message.named("list-unsubscribe"), message.named("list-unsubscribe-post")
    if len(fields) > 1 or len(posts) > 1:
        found.append(f"{'List-Unsubscribe' if len(fields) > 1 else 'List-Unsubscribe-Post'} is there more than once")
    https = [one for one in targets if one.lower().startswith("https://")]
    if not targets:
        found.append("List-Unsubscribe has no address in angle brackets")
    elif not https:
        found.append("List-Unsubscribe has no https address")
    if not posts:
        found.append("List-Unsubscribe-Post is missing")
    elif without_comments(posts[0].text).strip().lower() != "list-unsubscribe=one-click":
        found.append('List-Unsubscribe-Post must be "List-Unsubscribe=One-Click" and nothing else')
    named = [set(one.signed_headers) for one in signatures if one.signed_headers]
    if not any({"list-unsubscribe", "list-unsubscribe-post"} <= one for one in named):
        found.append("no DKIM signature covers both fields" if named else "the mail has no DKIM signature, which must cover both fields")
    return found
