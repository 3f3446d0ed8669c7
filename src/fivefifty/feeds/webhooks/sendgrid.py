"""SendGrid's Event Webhook: an array of events, one recipient each (twilio.com/docs/sendgrid: Event Webhook Reference).

Custom arguments stand in the same object as the event's own fields, so only documented names are read.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...model import Event
from .. import Setting
from . import _meaning as means
from ._payload import Table, address, code, facts, first, identity, ip, items, marked, message_id, name, posted_with, status, when, words
from ._reader import Reader, Service, Unreadable, verifier
from ._saved import Post
from ._signature import BROKEN, HOLDS, bad_key, decoded, ecdsa_holds, no_key, no_signature, shared, stale

TITLE = "SendGrid: the Event Webhook"
UNIT = "document"

TOLERANCE = 600  # seconds a signed request may be old
_SIGNATURE = "x-twilio-email-event-webhook-signature"
_TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
_NOT_OURS = frozenset(("processed", "open", "click", "group_resubscribe", "account_status_change"))
_KINDS = {
    "delivered": "delivery", "deferred": "deferral", "bounce": "bounce", "blocked": "bounce", "dropped": "bounce", "spamreport": "complaint", "unsubscribe": "unsubscribe",
    "group_unsubscribe": "unsubscribe",
}
# Reasons of "dropped": SendGrid did not try, because of its suppression lists.
_SUPPRESSED = ("bounced address", "unsubscribed address", "spam reporting address", "invalid address", "group unsubscribe", "unsubscribed from")
# bounce_classification, of bounces that come without words.
_MEANS = {
    "invalid address": means.NO_SUCH, "reputation": means.DISTRUST, "content": means.SPAM, "frequency or volume too high": means.TOO_FAST, "frequency/volume": means.TOO_FAST, "frequency/volume too high": means.TOO_FAST,
    "recipient list over package quota": means.OWN_QUOTA, "invalid smtpapi header": means.BAD_FORMAT,
}


def looks(head: bytes) -> int:
    """By SendGrid's own ids."""
    return 97 if marked(head, (b'"sg_event_id"', b'"event"'), (b'"sg_message_id"', b'"event"')) or posted_with(head, _SIGNATURE.encode()) else 0


def _verify(body: bytes, headers: Mapping[str, str], setting: Setting) -> str:
    """ECDSA over the timestamp header and the raw body; SendGrid itself does not look at the age, so a replay is refused here."""
    if "sendgrid" not in setting.keys:
        return shared(headers, setting, "sendgrid_secret") if "sendgrid_secret" in setting.keys else no_key("sendgrid")
    given, timestamp = headers.get(_SIGNATURE, ""), headers.get(_TIMESTAMP, "")
    if not given or not timestamp:
        return no_signature(_SIGNATURE, headers)
    signature = decoded(given)
    holds = ecdsa_holds(setting.keys["sendgrid"], signature or b"", timestamp.encode("utf-8", "replace") + body)
    if holds is None:
        return bad_key("sendgrid")
    return (stale(timestamp, setting.now, TOLERANCE) or HOLDS) if holds else BROKEN


verify = verifier(_verify)


def _events(entry: Table, post: Post) -> Iterator[Event]:
    told = name(entry.get("event")).lower()
    if told in _NOT_OURS:
        return
    kind = _KINDS.get(told)
    if kind is None:
        raise Unreadable(f"SendGrid has no event called {told!r} that we know." if told else "It names no event.")
    recipient, time, native = address(entry.get("email")), when(entry.get("timestamp")), name(entry.get("sg_event_id"))
    event = Event(
        kind, "sendgrid", time, recipient, message_id=message_id(entry.get("smtp-id")), status=status(entry.get("status")), text=words(entry.get("reason") or entry.get("response")),
        native_id=native or identity(told, entry.get("sg_message_id"), recipient, time), campaign=_campaign(entry),
        facts=facts({"id": entry.get("sg_message_id"), "type": entry.get("type"), "class": entry.get("bounce_classification"), "attempt": entry.get("attempt"), "group": entry.get("asm_group_id")}),
    )
    if kind in ("delivery", "deferral", "bounce"):
        event.sending_ip = ip(entry.get("ip"))  # of other events it is the reader's
    yield _judged(event, told, entry)


def _judged(event: Event, told: str, entry: Table) -> Event:
    if event.kind == "complaint":
        return means.complained(event)
    if told == "dropped" and event.text.lower().startswith(_SUPPRESSED):
        return means.suppressed(event)
    if event.kind not in ("bounce", "deferral"):
        return event
    event.reply_code = code(event.text[:3]) if told != "dropped" else 0
    classed = name(entry.get("bounce_classification")).lower()
    return means.explained(event, classed or told, _meaning(classed, blocked=told == "blocked" or entry.get("type") == "blocked"))


def _meaning(classed: str, *, blocked: bool) -> means.Meaning | None:
    """A block is never about the address, whatever its class says (SendGrid sends to it again)."""
    found = _MEANS.get(classed)
    return None if found is means.NO_SUCH and blocked else found


def _campaign(entry: Table) -> str:
    category = items(entry.get("category"))
    return first(entry.get("marketing_campaign_name"), entry.get("singlesend_name"), entry.get("marketing_campaign_id"), entry.get("singlesend_id"), *category[:1])


_SERVICE = Service("sendgrid", _events, verify, marks=frozenset(("sg_event_id", "sg_message_id", "smtp-id", "timestamp")))


def reader(setting: Setting) -> Reader:
    """Reads arrays of events."""
    return Reader(_SERVICE, setting)
