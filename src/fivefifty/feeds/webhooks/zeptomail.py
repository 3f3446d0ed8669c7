"""Zoho ZeptoMail's webhooks: names and messages in arrays, as JSON or as the one field of a form (zoho.com/zeptomail/help/webhooks.html).

The bounced address stands in the details; where it does not, and the mail had several recipients, none is named.
"""
from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from ...model import Event
from .. import Setting
from . import _meaning as means
from ._payload import (
    Table,
    address,
    addresses_in,
    domain,
    elements,
    facts,
    first,
    identity,
    items,
    marked,
    message_id,
    moment,
    name,
    posted_with,
    table,
    text,
    when,
    words,
)
from ._reader import Reader, Service, Unreadable, verifier
from ._saved import Post, form, parsed, unescaped
from ._signature import BROKEN, HOLDS, any_same, keyed, no_key, no_signature, secrets, shared, stale

TITLE = "Zoho ZeptoMail: webhooks"
UNIT = "document"

TOLERANCE = 300  # seconds
_NOT_OURS = frozenset(("email_open", "email_link_click", "open", "click", "sent", "email_sent", "queued"))
_KINDS = {
    "hardbounce": "bounce", "softbounce": "bounce", "email_hardbounce": "bounce", "email_softbounce": "bounce", "delivered": "delivery", "email_delivered": "delivery",
    "feedback_loop": "complaint", "fbl": "complaint", "spam": "complaint", "unsubscribe": "unsubscribe", "process_failed": "bounce", "failed": "bounce",
}
_WHOM = ("bounced_recipient", "recipient", "fbl_recipient", "email_address", "address", "to")


def looks(head: bytes) -> int:
    """By `event_message` beside `event_name`."""
    return 97 if marked(head, (b'"event_name":', b'"event_message":'), (b"event_name%22", b"event_message%22")) or posted_with(head, b"producer-signature") else 0


def _verify(body: bytes, headers: Mapping[str, str], setting: Setting) -> str:
    """HMAC-SHA256 over the JSON: what stands behind the first "=" of a form, or the body as it is; some senders put the time before it."""
    keys = secrets(setting, "zeptomail")
    if not keys:
        return shared(headers, setting, "zeptomail_secret") if "zeptomail_secret" in setting.keys else no_key("zeptomail")
    fields = _fields(headers.get("producer-signature", ""))
    timestamp, given = fields.get("ts", ""), fields.get("s", "")
    if not given or not timestamp:
        return no_signature("producer-signature", headers)
    if fields.get("s-algorithm", "HmacSHA256").lower() != "hmacsha256":
        return "The signature names another algorithm than HmacSHA256."
    signed = [body, *(one.encode("utf-8", "replace") for one in list(form(body).values())[:1])]
    signed += [timestamp.encode("utf-8", "replace") + one for one in signed]
    made = [keyed("sha256", key, one) for key in keys for one in signed]
    if not any_same([base64.b64encode(one).decode("ascii") for one in made] + [one.hex() for one in made], given):
        return BROKEN
    return stale(timestamp, setting.now, TOLERANCE, 1000.0) or HOLDS


def _fields(header: str) -> dict[str, str]:
    """ts=…;s=…;s-algorithm=…, where the signature, or all of it, is escaped as in a URL."""
    told = unescaped(header[:2_000].encode("utf-8", "replace")).decode("utf-8", "replace")
    pairs = [one.partition("=") for one in told.split(";")]
    return {key.strip().lower(): value.strip() for key, _, value in pairs}


verify = verifier(_verify)


def _entries(value: Any) -> Iterator[Any]:
    """Each message with its own name; a form holds the JSON in its only field."""
    for one in elements(value):
        if isinstance(one, dict) and "event_message" not in one and len(one) == 1:
            field = next(iter(one.values()))
            inside = parsed(field) if isinstance(field, str) else None
            one = inside if isinstance(inside, dict) else one
        messages = items(one.get("event_message")) if isinstance(one, dict) else []
        names = items(one.get("event_name")) if messages else []
        for number, message in enumerate(messages):
            yield {**one, "event_name": names[number] if number < len(names) else (names[-1] if names else ""), "event_message": message, "number": number}
        if not messages:
            yield one


def _events(entry: Table, post: Post) -> Iterator[Event]:
    message = table(entry.get("event_message"))
    blocks = [one for one in items(message.get("event_data")) if isinstance(one, dict)]
    called = (name(entry.get("event_name")) or next((name(one.get("object")) for one in blocks), "")).lower()
    if called in _NOT_OURS:
        return
    kind = _KINDS.get(called)
    if kind is None:
        raise Unreadable(f"ZeptoMail has no event called {called!r} that we know." if called else "It is no event of ZeptoMail: it names none.")
    everybody = _recipients(table(message.get("email_info")))
    details = [one for block in blocks for one in items(block.get("details")) if isinstance(one, dict)] or [{}]
    for number, one in enumerate(details):
        yield _event(kind, {**entry, "event_name": called}, one, everybody, number)


def _recipients(info: Table) -> list[str]:
    """All recipients, however the arrays are nested."""
    found: dict[str, None] = {}
    for field in ("to", "cc", "bcc"):
        for one in items(info.get(field)):
            inside = one.get("email_address", one) if isinstance(one, dict) else one
            for each in items(inside):
                found.setdefault(address(each))
    found.pop("", None)
    return list(found)


def _event(kind: str, entry: Table, detail: Table, everybody: list[str], number: int) -> Event:
    called, message = name(entry.get("event_name")).lower(), table(entry.get("event_message"))
    info = table(message.get("email_info"))
    named = next((one for field in _WHOM for one in addresses_in(detail.get(field))), "")
    recipient = named or (everybody[0] if len(everybody) == 1 else "")
    time = moment(detail.get("time"), info.get("processed_time"))
    own = first(entry.get("webhook_request_id"), message.get("request_id"), info.get("email_reference"))
    sender = info.get("from")
    event = Event(
        kind, "zeptomail", time, recipient, address(info.get("bounce_address")), domain(address(sender)), message_id=message_id(info.get("message_id")),
        text=words(detail.get("diagnostic_message")), native_id=identity(called, own, name(entry.get("number")), number, recipient), sent_at=when(info.get("processed_time")),
        campaign=first(*items(info.get("tag"))[:1]),
        facts=facts({
            "id": message.get("request_id"), "reference": info.get("client_reference"), "email_reference": info.get("email_reference"), "class": detail.get("reason"),
            "description": text(detail.get("description"), 300), "type": called,
        }),
    )
    if not recipient and len(everybody) > 1:
        event.facts = {**event.facts, "among": len(everybody)}
    return _judged(event, called)


def _judged(event: Event, called: str) -> Event:
    if event.kind == "complaint":
        return means.complained(event)
    return means.explained(event, called) if event.kind == "bounce" else event


_SERVICE = Service("zeptomail", _events, verify, _entries, anonymous=True)


def reader(setting: Setting) -> Reader:
    """Reads notifications as JSON or as forms."""
    return Reader(_SERVICE, setting)
