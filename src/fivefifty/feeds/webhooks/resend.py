"""Resend's webhooks, signed as Svix does (resend.com/docs/webhooks, docs.svix.com: "Verifying webhooks manually").

An event is about a mail, not about a recipient: with several recipients it does not say which, so then none is named.  The sentence in
`bounce.message` is Resend's own about the class, not the server's words.
"""
from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping

from ...model import Event
from .. import Setting
from . import _meaning as means
from ._payload import (
    Table,
    address,
    addresses_in,
    domain,
    facts,
    first,
    identity,
    items,
    marked,
    message_id,
    name,
    posted_with,
    table,
    text,
    when,
    words,
)
from ._reader import Reader, Service, Unreadable, verifier
from ._saved import Post
from ._signature import BROKEN, HOLDS, any_same, decoded, keyed, no_key, no_signature, secrets, stale

TITLE = "Resend: webhooks"
UNIT = "document"

TOLERANCE = 300  # seconds; Svix's own libraries allow as much
MAX_SIGNATURES = 20
_OTHERS = ("email.", "suppression.", "contact.", "domain.")
_NOT_OURS = frozenset((
    "email.sent", "email.opened", "email.clicked", "email.scheduled", "email.received", "email.queued", "email.canceled", "contact.created", "contact.deleted",
    "domain.created", "domain.updated", "domain.deleted",
))
_KINDS = {
    "email.delivered": "delivery", "email.delivery_delayed": "deferral", "email.bounced": "bounce", "email.failed": "bounce", "email.complained": "complaint", "email.suppressed": "suppression",
}
_ON_A_LIST = frozenset(("Suppressed", "OnAccountSuppressionList"))
_MEANS: Mapping[str, means.Meaning] = {
    "MailboxFull": means.FULL, "MessageTooLarge": means.TOO_LARGE, "ContentRejected": means.SPAM, "AttachmentRejected": means.ATTACHMENT, "reached_daily_quota": means.OWN_QUOTA,
    "reached_monthly_quota": means.OWN_QUOTA, "domain_not_verified": means.NOT_ALLOWED, "invalid_attachment": means.BAD_FORMAT,
}


def looks(head: bytes) -> int:
    """By the names of types, beside Resend's ids."""
    if marked(head, (b'"type":"email.', b'"email_id":'), (b'"type":"suppression.', b'"created_at":'), (b"svix-signature", b'"type":"email.')):
        return 96
    return 70 if posted_with(head, b"svix-signature") or marked(head, (b'"type":"email.', b'"created_at":'), (b'"type":"contact.', b'"created_at":')) else 0


def _verify(body: bytes, headers: Mapping[str, str], setting: Setting) -> str:
    """HMAC-SHA256 over id, time and body with a Base64 secret; while secrets change there are several signatures."""
    told = secrets(setting, "resend")
    if not told:
        return no_key("resend")
    own, timestamp, given = (headers.get(f"svix-{one}") or headers.get(f"webhook-{one}", "") for one in ("id", "timestamp", "signature"))
    if not (own and timestamp and given):
        return no_signature("svix-signature", headers)
    keys = [decoded(one.decode("utf-8", "replace").removeprefix("whsec_")) for one in told]
    if not all(keys):
        return "The key FIVEFIFTY_KEY_RESEND is not whsec_ and Base64."
    signed = f"{own}.{timestamp}.".encode("utf-8", "replace")
    expected = ["v1," + base64.b64encode(keyed("sha256", key, signed, body)).decode("ascii") for key in keys if key]
    holds = sum(any_same(expected, one) for one in given.split()[:MAX_SIGNATURES])
    return (stale(timestamp, setting.now, TOLERANCE) or HOLDS) if holds else BROKEN


verify = verifier(_verify)


def _events(entry: Table, post: Post) -> Iterator[Event]:
    called, mail = name(entry.get("type")), table(entry.get("data"))
    if called in _NOT_OURS:
        return
    native = post.headers.get("svix-id") or post.headers.get("webhook-id", "")
    if called in ("suppression.added", "suppression.removed", "contact.updated"):
        yield from _list_change(called, entry, mail, native)
        return
    kind = _KINDS.get(called)
    if kind is None:
        raise Unreadable(f"Resend has no event called {called!r} that we know." if called.startswith(_OTHERS) else "It is no event of Resend: its type is not one of a mail.")
    yield _judged(_event(kind, called, entry, native), called, mail)


def _event(kind: str, called: str, entry: Table, native: str) -> Event:
    mail = table(entry.get("data"))
    everybody = [one for field in ("to", "cc", "bcc") for one in addresses_in(mail.get(field))]
    recipient, time = everybody[0] if len(everybody) == 1 else "", when(entry.get("created_at"))
    told = {"id": mail.get("email_id")}
    if len(everybody) > 1:
        told["among"] = len(everybody)
    return Event(
        kind, "resend", time, recipient, author_domain=domain(mail.get("from")), message_id=message_id(mail.get("message_id")),
        native_id=text(native, 200) or identity(called, mail.get("email_id"), entry.get("created_at")), campaign=_campaign(mail), sent_at=when(mail.get("created_at")), facts=facts(told),
    )


def _judged(event: Event, called: str, mail: Table) -> Event:
    told = table(mail.get(called.partition(".")[2].replace("bounced", "bounce")))
    major, minor = name(told.get("type")), name(told.get("subType")) or name(told.get("reason"))
    diagnostic = items(told.get("diagnosticCode") or told.get("diagnostic_code"))
    event.text = words(diagnostic[0]) if diagnostic else ""
    event.facts = {**event.facts, **facts({"type": major, "class": minor, "description": text(told.get("message"), 300)})}
    if event.kind == "complaint":
        return means.complained(event)
    if event.kind == "suppression" or minor in _ON_A_LIST or "suppressed sending" in text(told.get("message")).lower():
        return means.suppressed(event, minor or "suppressed")
    if event.kind not in ("bounce", "deferral"):
        return event
    meaning = means.NO_SUCH if (major, minor) == ("Permanent", "NoEmail") else _MEANS.get(minor)
    return means.explained(event, f"{major} {minor}" if minor else called, meaning)


def _list_change(called: str, entry: Table, about: Table, native: str) -> Iterator[Event]:
    if called == "contact.updated" and about.get("unsubscribed") is not True:
        return
    recipient, time = address(about.get("email")), when(entry.get("created_at"))
    yield Event(
        "unsubscribe" if called == "contact.updated" else "notice", "resend", time, recipient, native_id=text(native, 200) or identity(called, recipient, time),
        facts=facts({"change": called, "reason": about.get("origin") or about.get("reason")}),
    )


def _campaign(mail: Table) -> str:
    """The broadcast, else the first tag: an object of names and values, or an array of them."""
    tags = mail.get("tags")
    values = [table(one).get("value") for one in tags[:1]] if isinstance(tags, list) else list(table(tags).values())[:1]
    return first(mail.get("broadcast_id"), *values)


_SERVICE = Service("resend", _events, verify, anonymous=True)


def reader(setting: Setting) -> Reader:
    """Reads single events, and arrays of saved ones."""
    return Reader(_SERVICE, setting)
