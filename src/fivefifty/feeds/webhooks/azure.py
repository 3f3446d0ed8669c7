"""Azure Communication Services: delivery reports through Event Grid, in its own schema or as CloudEvents.

learn.microsoft.com: "Azure Communication Services - Email events", "Endpoint validation with Event Grid event schema".
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...model import Event
from .. import Setting
from . import _meaning as means
from ._payload import Table, address, domain, facts, host, identity, marked, message_id, moment, name, status, table, words
from ._reader import Reader, Service, Unreadable, verifier
from ._saved import Post
from ._signature import shared

TITLE = "Azure Communication Services: email delivery reports"
UNIT = "document"

_REPORT = "microsoft.communication.emaildeliveryreportreceived"
_NOT_OURS = frozenset(("microsoft.communication.emailengagementtrackingreportreceived",))
_VALIDATION = "microsoft.eventgrid.subscriptionvalidationevent"
_KINDS = {
    "delivered": "delivery", "bounced": "bounce", "failed": "bounce", "quarantined": "bounce", "filteredspam": "bounce", "suppressed": "suppression", "expanded": "notice",
}
_MEANS: Mapping[str, means.Meaning] = {"quarantined": means.SPAM, "filteredspam": means.SPAM}


def looks(head: bytes) -> int:
    """By the names of its event types."""
    return 98 if marked(head, (b"Microsoft.Communication.Email",), (b"Microsoft.EventGrid.SubscriptionValidationEvent",)) else 0


def _verify(body: bytes, headers: Mapping[str, str], setting: Setting) -> str:
    """Event Grid signs nothing: a secret in the query or in a header of the subscription."""
    return shared(headers, setting, "azure")


verify = verifier(_verify)


def _events(entry: Table, post: Post) -> Iterator[Event]:
    called = name(entry.get("eventType")) or name(entry.get("type"))  # Event Grid's schema, CloudEvents 1.0
    given = table(entry.get("data"))
    if called.lower() in _NOT_OURS:
        return
    if called.lower() == _VALIDATION:
        raise Unreadable("Event Grid asks you to confirm a subscription: answer with its validationCode as validationResponse, or open its validationUrl; nothing was fetched.")
    outcome = name(given.get("status"))
    kind = _KINDS.get(outcome.lower())
    if called.lower() != _REPORT or kind is None:
        raise Unreadable(f"Azure has no delivery status called {outcome!r} that we know." if called.lower() == _REPORT else "It is no delivery report of Azure.")
    yield _judged(_event(kind, entry, given), outcome.lower())


def _event(kind: str, entry: Table, given: Table) -> Event:
    detail = table(given.get("deliveryStatusDetails"))
    recipient = address(given.get("recipient"))
    time = moment(given.get("deliveryAttemptTimeStamp"), given.get("deliveryAttemptTimestamp"), entry.get("eventTime"), entry.get("time"))
    return Event(
        kind, "azure", time, recipient, author_domain=domain(given.get("sender")), message_id=message_id(given.get("internetMessageId")), remote_mta=host(detail.get("recipientMailServerHostName")),
        status=status(detail.get("statusCode")), text=words(detail.get("statusMessage")),
        native_id=name(entry.get("id")) or identity(given.get("messageId"), given.get("status"), recipient, time), facts=facts({"id": given.get("messageId"), "class": given.get("status")}),
    )


def _judged(event: Event, outcome: str) -> Event:
    if event.kind == "suppression":
        return means.suppressed(event, outcome)
    return means.explained(event, outcome, _MEANS.get(outcome)) if event.kind == "bounce" else event


_SERVICE = Service("azure", _events, verify)


def reader(setting: Setting) -> Reader:
    """Reads arrays of events and single CloudEvents."""
    return Reader(_SERVICE, setting)
