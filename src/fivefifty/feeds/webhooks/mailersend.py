"""MailerSend's webhooks, both versions (developers.mailersend.com: Webhooks): version 1 nests mail and recipient, version 2 is flat with `meta`."""
from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...model import Event
from .. import Setting
from . import _meaning as means
from ._payload import Table, address, code, domain, facts, first, identity, items, marked, message_id, moment, name, status, table, text, words
from ._reader import Reader, Service, Unreadable, verifier
from ._saved import Post
from ._signature import hex_signature

TITLE = "MailerSend: webhooks"
UNIT = "document"

_NOT_OURS = frozenset(("sent", "queued", "opened", "opened_unique", "clicked", "clicked_unique", "survey_opened", "survey_submitted", "resent"))
_KINDS = {
    "delivered": "delivery", "deferred": "deferral", "soft_bounced": "bounce", "hard_bounced": "bounce", "rejected": "bounce", "unsubscribed": "unsubscribe", "spam_complaint": "complaint",
    "spam_complaints": "complaint", "suppressed": "suppression",
}


def looks(head: bytes) -> int:
    """By `activity.` types."""
    return 97 if marked(head, (b'"type":"activity.', b'"data":'), (b'"webhook_id":', b'"domain_id":', b'"type":')) else 0


def _verify(body: bytes, headers: Mapping[str, str], setting: Setting) -> str:
    return hex_signature(body, headers, setting, "mailersend", "Signature")


verify = verifier(_verify)


def _events(entry: Table, post: Post) -> Iterator[Event]:
    outer, given = name(entry.get("type")), table(entry.get("data"))
    called = outer.removeprefix("activity.")
    if called in _NOT_OURS or (outer and not outer.startswith("activity.")):  # pings, maintenance, inbound mail, verified senders
        return
    kind = _KINDS.get(called)
    if kind is None:
        raise Unreadable(f"MailerSend has no event called {outer!r} that we know." if outer else "It names no type.")
    event = _nested(kind, given) if isinstance(given.get("email"), dict) else _flat(kind, given)
    event.time = moment(given.get("created_at") if isinstance(given.get("email"), dict) else "", entry.get("created_at"), given.get("created_at"))
    own = name(given.get("id"))
    event.native_id = own or identity(called, given.get("message_id"), event.recipient, event.time)
    yield _judged(event, called)


def _flat(kind: str, given: Table) -> Event:
    meta = table(given.get("meta"))
    said = next((words(meta[one]) for one in ("bounce_reason", "defer_reason", "reject_reason", "suppression_reason", "reason") if words(meta.get(one))), "")
    number = meta.get("bounce_code")
    return Event(
        kind, "mailersend", 0.0, address(given.get("recipient")), author_domain=domain(given.get("from")), message_id=message_id(given.get("message_id")), status=status(number), reply_code=code(number),
        text=said, campaign=first(*items(given.get("tags"))[:1]), facts=facts({"id": given.get("message_id"), "class": given.get("type"), "reason": meta.get("unsubscribe_reason")}),
    )


def _nested(kind: str, given: Table) -> Event:
    mail, morph = table(given.get("email")), table(given.get("morph"))
    own = table(mail.get("message")).get("id")
    return Event(
        kind, "mailersend", 0.0, address(table(mail.get("recipient")).get("email")), author_domain=domain(mail.get("from")), message_id=message_id(own), text=words(morph.get("reason")),
        campaign=first(*items(mail.get("tags"))[:1]), sent_at=moment(mail.get("created_at")),
        facts=facts({"id": own, "class": given.get("type"), "description": text(morph.get("readable_reason"), 300)}),
    )


def _judged(event: Event, called: str) -> Event:
    if event.kind == "complaint":
        return means.complained(event)
    if event.kind == "suppression":
        return means.suppressed(event, called)
    return means.explained(event, called) if event.kind in ("bounce", "deferral") else event


_SERVICE = Service("mailersend", _events, verify)


def reader(setting: Setting) -> Reader:
    """Reads single events, and arrays of saved ones."""
    return Reader(_SERVICE, setting)
