"""Postmark's webhooks: one object for one recipient (postmarkapp.com/developer/webhooks, "Bounce types").

`Description` is Postmark's own sentence about the type ("unknown user, mailbox not found" and the like stand in it as examples), so only
`Details`, the server's words, are read as words.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...model import Event
from .. import Setting
from . import _meaning as means
from ._payload import Table, address, domain, facts, first, identity, marked, moment, name, text, words
from ._reader import Reader, Service, Unreadable, verifier
from ._saved import Post
from ._signature import shared

TITLE = "Postmark: webhooks"
UNIT = "document"

_NOT_OURS = frozenset(("Open", "Click", "Inbound"))
_DELAYS = frozenset(("Transient", "DnsError"))  # Postmark goes on trying
_NOTICES = frozenset(("AutoResponder", "AddressChange", "ChallengeVerification", "OpenRelayTest", "Subscribe", "Unconfirmed", "InboundError"))  # the mail itself may have arrived
_MEANS: Mapping[str, means.Meaning] = {
    "BadEmailAddress": means.MISWRITTEN, "DnsError": means.BAD_DNS, "Blocked": means.DISTRUST, "SpamNotification": means.SPAM, "DMARCPolicy": means.DMARC, "VirusNotification": means.ATTACHMENT,
    "TemplateRenderingFailed": means.BAD_FORMAT, "SMTPApiError": means.UNCLEAR,
}


def looks(head: bytes) -> int:
    """By RecordType beside Postmark's names."""
    return 97 if marked(head, (b'"RecordType":', b'"MessageID":'), (b'"RecordType":', b'"MessageStream":'), (b'"TypeCode":', b'"BouncedAt":')) else 0


def _verify(body: bytes, headers: Mapping[str, str], setting: Setting) -> str:
    """Postmark signs nothing: a secret in the URL or a header is all there is."""
    return shared(headers, setting, "postmark")


verify = verifier(_verify)


def _events(entry: Table, post: Post) -> Iterator[Event]:
    record = name(entry.get("RecordType")) or ("Bounce" if "BouncedAt" in entry and "Type" in entry else "")  # the bounce API's answers and old payloads have none
    if record in _NOT_OURS:
        return
    make = {"Delivery": _delivery, "Bounce": _bounce, "SpamComplaint": _bounce, "SubscriptionChange": _change}.get(record)
    if make is None:
        raise Unreadable(f"Postmark has no record called {record!r} that we know." if record else "It names no RecordType.")
    event = make(entry)
    event.author_domain, event.campaign = domain(entry.get("From")), first(entry.get("Tag"), entry.get("MessageStream"))
    event.facts = facts({"id": entry.get("MessageID"), "class": entry.get("Type"), "inactive": entry.get("Inactive"), "stream": entry.get("MessageStream"), **event.facts})
    if not event.native_id:
        event.native_id = identity(record, entry.get("MessageID"), event.recipient, event.time)
    yield event


def _delivery(entry: Table) -> Event:
    return Event("delivery", "postmark", moment(entry.get("DeliveredAt")), address(entry.get("Recipient") or entry.get("Email")), text=words(entry.get("Details")))


def _bounce(entry: Table) -> Event:
    kind, number = name(entry.get("Type")), name(entry.get("ID"))
    event = Event(
        "bounce", "postmark", moment(entry.get("BouncedAt")), address(entry.get("Email") or entry.get("Recipient")), text=words(entry.get("Details")),
        native_id=f"{kind}:{number}" if number and number != "0" else "", facts={"description": text(entry.get("Description"), 300)},
    )
    if kind == "SpamComplaint" or entry.get("RecordType") == "SpamComplaint":
        return means.complained(event)
    if kind == "Unsubscribe":
        event.kind = "unsubscribe"
        return event
    if kind == "ManuallyDeactivated":
        return means.suppressed(event, kind)
    if kind in _NOTICES:
        event.kind = "notice"
        return means.told(event, kind, means.AUTOREPLY) if kind == "AutoResponder" else event
    event.kind = "deferral" if kind in _DELAYS else "bounce"
    return means.explained(event, kind, _MEANS.get(kind))


def _change(entry: Table) -> Event:
    """An address went on the suppression list or came off it.  Bounces and complaints come with their own record besides, so here they only are notes."""
    event = Event("notice", "postmark", moment(entry.get("ChangedAt")), address(entry.get("Recipient") or entry.get("Email")))
    reason, origin = name(entry.get("SuppressionReason")), name(entry.get("Origin"))
    if entry.get("SuppressSending") is True and reason == "ManualSuppression" and origin == "Recipient":
        event.kind = "unsubscribe"
    event.facts = {"change": "suppressed" if entry.get("SuppressSending") is True else "active", "reason": reason, "origin": origin}
    return event


_SERVICE = Service("postmark", _events, verify)


def reader(setting: Setting) -> Reader:
    """Reads single records, and arrays of saved ones."""
    return Reader(_SERVICE, setting)
