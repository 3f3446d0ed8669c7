"""Brevo's webhooks (Sendinblue until 2023), transactional and marketing: one object for one recipient.

developers.brevo.com/docs/transactional-webhooks and marketing-webhooks.  Names were spelled in several ways over the years (hard_bounce,
hardBounce, "hard bounce"); `ts_epoch` is the one time that is surely UTC, in milliseconds; `date` is in the account's zone and not read.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...model import Event
from .. import Setting
from . import _meaning as means
from ._payload import Table, address, domain, facts, first, identity, ip, items, marked, message_id, moment, name, words
from ._reader import Reader, Service, Unreadable, verifier
from ._saved import Post, parsed
from ._signature import shared

TITLE = "Brevo (Sendinblue): transactional and marketing webhooks"
UNIT = "document"

_NOT_OURS = frozenset((
    "request", "sent", "opened", "open", "uniqueopened", "uniqueopen", "firstopening", "proxyopen", "uniqueproxyopen", "loadedbyproxy", "click", "clicked", "clicks", "listaddition",
    "contactupdated", "contactdeleted", "inboundemailprocessed",
))
_KINDS = {
    "delivered": "delivery", "deferred": "deferral", "softbounce": "bounce", "softbounced": "bounce", "hardbounce": "bounce", "hardbounced": "bounce", "invalidemail": "bounce",
    "invalid": "bounce", "error": "bounce", "blocked": "suppression", "spam": "complaint", "complaint": "complaint", "unsubscribe": "unsubscribe", "unsubscribed": "unsubscribe",
}


def looks(head: bytes) -> int:
    """By Brevo's names of times and ids."""
    return 95 if marked(
        head, (b'"event":', b'"message-id":', b'"ts_epoch":'), (b'"event":', b'"message-id":', b'"ts_event":'), (b'"event":', b'"email":', b'"ts_event":'), (b'"event":', b'"X-Mailin-custom":'),
        (b'"event":', b'"camp_id":', b'"email":'), (b'"event":', b'"message-id":', b'"email":', b'"date":'),
    ) else 0


def _verify(body: bytes, headers: Mapping[str, str], setting: Setting) -> str:
    """A user and password in the URL, a bearer token or a header of one's own; Brevo signs nothing."""
    return shared(headers, setting, "brevo")


verify = verifier(_verify)


def _events(entry: Table, post: Post) -> Iterator[Event]:
    called = name(entry.get("event"))
    what = called.lower().replace("_", "").replace(" ", "").replace("-", "")
    if what in _NOT_OURS:
        return
    kind = _KINDS.get(what)
    if kind is None:
        raise Unreadable(f"Brevo has no event called {called!r} that we know." if called else "It names no event.")
    recipient, time = address(entry.get("email")), moment(entry.get("ts_epoch"), entry.get("ts_event"), entry.get("ts"))
    own = name(entry.get("message-id")) or name(entry.get("camp_id"))
    event = Event(
        kind, "brevo", time, recipient, author_domain=domain(entry.get("sender_email")), message_id=message_id(own), sending_ip=ip(entry.get("sending_ip")), text=words(entry.get("reason")),
        native_id=identity(what, own, recipient, time), campaign=_campaign(entry), sent_at=moment(entry.get("ts_sent")) if "camp_id" in entry else 0.0,
        facts=facts({"id": own, "class": called, "template": entry.get("template_id")}),
    )
    yield _judged(event, what)


def _judged(event: Event, what: str) -> Event:
    if event.kind == "complaint":
        return means.complained(event)
    if event.kind == "suppression":
        return means.suppressed(event, "blocked")
    return means.explained(event, what, means.MISWRITTEN if what in ("invalidemail", "invalid") else None) if event.kind in ("bounce", "deferral") else event


def _campaign(entry: Table) -> str:
    """The campaign of a marketing mail, else the first tag; `tag` may be an array written as a string."""
    tag = entry.get("tag")
    if isinstance(tag, str) and tag[:1] == "[":
        tag = parsed(tag[:2_000]) or tag
    return first(entry.get("campaign name"), entry.get("camp_id"), *items(entry.get("tags"))[:1], *items(tag)[:1])


_SERVICE = Service("brevo", _events, verify, marks=frozenset(("message-id", "ts_epoch", "ts_event", "camp_id", "ts")))


def reader(setting: Setting) -> Reader:
    """Reads single events, and arrays of saved ones."""
    return Reader(_SERVICE, setting)
