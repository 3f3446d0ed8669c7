"""Mailgun's webhooks: JSON with `signature` and `event-data`, and the older ones, which are forms (documentation.mailgun.com: Webhooks).

The signature covers a time and a token, not the event: it proves that Mailgun spoke, not what it said.  Whoever takes these over HTTP must
refuse a token that was seen before; it stands in the event's facts.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...model import Event
from .. import Setting
from . import _meaning as means
from ._payload import Table, address, code, elements, facts, first, host, identity, ip, items, marked, message_id, name, status, table, when, words
from ._reader import Reader, Service, Unreadable, verifier
from ._saved import Post, parsed, value_of
from ._signature import BROKEN, HOLDS, Unchecked, any_same, keyed, no_key, secrets, stale

TITLE = "Mailgun: webhooks, the present and the older ones"
UNIT = "document"

TOLERANCE = 12 * 3600  # seconds: Mailgun tries for eight hours
_NOT_OURS = frozenset(("accepted", "opened", "clicked", "stored", "delivered-inbound", "email_validation", "list_member_uploaded", "list_member_upload_error", "list_uploaded"))
_KINDS = {
    "delivered": "delivery", "failed": "bounce", "permanent_fail": "bounce", "temporary_fail": "deferral", "rejected": "bounce", "bounced": "bounce", "dropped": "bounce",
    "complained": "complaint", "unsubscribed": "unsubscribe",
}
_ON_A_LIST = frozenset((605, 606, 607))  # "Not delivering to previously bounced / unsubscribed / complained address"
_MEANS: Mapping[str, means.Meaning] = {"old": means.EXPIRED, "greylisted": means.GREYLISTED, "espblock": means.DISTRUST}


def looks(head: bytes) -> int:
    """By the name `event-data`, or by a form with Mailgun's token."""
    if marked(head, (b'"event-data":', b'"signature":'), (b'"event-data":', b'"event":'), (b'"delivery-status":', b'"recipient-domain":')):
        return 97
    return 85 if marked(head, (b"event=", b"token=", b"signature=", b"recipient=")) else 0


def _within(entry: Table, headers: Mapping[str, str], setting: Setting) -> str:
    keys = secrets(setting, "mailgun")
    if not keys:
        return no_key("mailgun")
    signatures = [one for one in _signatures(entry) if all(one)]
    if not signatures:
        sentence = "There is no signature (signature.token)."
        return sentence if headers else Unchecked(sentence)
    for timestamp, token, given in signatures:
        expected = [keyed("sha256", key, timestamp.encode("utf-8", "replace"), token.encode("utf-8", "replace")).hex() for key in keys]
        if any_same(expected, given.lower()):
            return stale(timestamp, setting.now, TOLERANCE) or HOLDS
    return BROKEN


def _signatures(entry: Table) -> Iterator[tuple[str, str, str]]:
    """(timestamp, token, signature): of the account, of the parent account, or in the fields of a form."""
    for holder in (entry.get("signature"), entry.get("parent-signature"), entry):
        if isinstance(holder, dict):
            yield name(holder.get("timestamp")), name(holder.get("token")), name(holder.get("signature"))


def _verify(body: bytes, headers: Mapping[str, str], setting: Setting) -> str:
    doubts = [_within(entry, headers or {"": ""}, setting) for entry in _entries(value_of(body, headers)) if isinstance(entry, dict)]
    return next(filter(None, doubts), "") if doubts else "There is no signature (signature.token)."


verify = verifier(_verify)


def _entries(value: Any) -> Iterator[Any]:
    """The payloads; the Events API answers with `items`."""
    for one in elements(value):
        listed = one.get("items") if isinstance(one, dict) and "event" not in one else None
        yield from elements(listed) if isinstance(listed, list) else iter((one,))


def _events(entry: Table, post: Post) -> Iterator[Event]:
    inside = entry.get("event-data")
    given = inside if isinstance(inside, dict) else entry
    if "delivery-status" not in given and ("message-headers" in given or "body-plain" in given or "token" in given):
        given = _modern(given)
    called = name(given.get("event")).lower()
    if called in _NOT_OURS:
        return
    kind = _KINDS.get(called)
    if kind is None:
        raise Unreadable(f"Mailgun has no event called {called!r} that we know." if called else "It names no event.")
    if called == "failed" and given.get("severity") == "temporary":
        kind = "deferral"
    event = _event(kind, called, given)
    token = name(table(entry.get("signature")).get("token")) or name(entry.get("token"))
    if token:
        event.facts = {**event.facts, "token": token}
    yield _judged(event, name(given.get("reason")).lower(), table(given.get("delivery-status")).get("code"))


def _event(kind: str, called: str, told: Table) -> Event:
    outcome, envelope, headers = table(told.get("delivery-status")), table(told.get("envelope")), table(table(told.get("message")).get("headers"))
    recipient, time, own = address(told.get("recipient")), when(told.get("timestamp")), name(told.get("id"))
    said = outcome.get("message") or outcome.get("description") or table(told.get("reject")).get("reason")
    return Event(
        kind, "mailgun", time, recipient, address(envelope.get("sender")), message_id=message_id(headers.get("message-id")), sending_ip=ip(envelope.get("sending-ip")),
        remote_mta=host(outcome.get("mx-host")), status=status(outcome.get("enhanced-code")), reply_code=code(outcome.get("code")), text=words(said),
        native_id=identity(own, int(time)) if own else identity(called, headers.get("message-id"), recipient, time),  # the id is unique within a day only
        campaign=_campaign(told), stage="expired" if told.get("reason") == "old" else "",
        facts=facts({"id": own, "type": told.get("severity"), "class": told.get("reason"), "code": outcome.get("code"), "attempt": outcome.get("attempt-no")}),
    )


def _judged(event: Event, reason: str, number: object) -> Event:
    if event.kind == "complaint":
        return means.complained(event)
    if event.kind not in ("bounce", "deferral"):
        return event
    if reason.startswith("suppress-") or (isinstance(number, int) and number in _ON_A_LIST) or event.text.lower().startswith("not delivering to"):
        return means.suppressed(event, reason or "suppressed")
    return means.explained(event, reason or event.kind, _MEANS.get(reason))


def _campaign(told: Table) -> str:
    campaigns, tags = items(told.get("campaigns")), items(told.get("tags"))
    named = table(campaigns[0]) if campaigns else {}
    return first(named.get("name"), named.get("id"), *campaigns[:1], *tags[:1])


def _modern(fields: Table) -> Table:
    """An older webhook's form in the shape of the present one."""
    number = name(fields.get("code"))
    reason = name(fields.get("reason")).lower()
    return {
        "event": fields.get("event"), "timestamp": fields.get("timestamp"), "recipient": fields.get("recipient"), "reason": reason, "severity": "permanent",
        "id": fields.get("event-id") or "", "tags": items(fields.get("tag") or fields.get("X-Mailgun-Tag")), "campaigns": items(fields.get("campaign-name") or fields.get("campaign-id")),
        "message": {"headers": {"message-id": fields.get("Message-Id") or fields.get("message-id") or _header(fields.get("message-headers"), "message-id")}},
        "delivery-status": {
            "code": int(number) if number.isascii() and number.isdigit() else 0, "message": fields.get("error") or fields.get("notification") or fields.get("description"),
        },
    }


def _header(headers: object, wanted: str) -> str:
    """One header out of the JSON array of [name, value] that the older webhooks send as a string."""
    for pair in items(parsed(headers) if isinstance(headers, str) else headers)[:200]:
        if isinstance(pair, list) and len(pair) == 2 and name(pair[0]).lower() == wanted:
            return name(pair[1])
    return ""


_SERVICE = Service("mailgun", _events, verify, _entries, within=_within)


def reader(setting: Setting) -> Reader:
    """Reads payloads, forms and the Events API's answers."""
    return Reader(_SERVICE, setting)
