"""SMTP2GO's webhooks: one event as JSON or as a form (support.smtp2go.com: Webhooks)."""
from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ...model import Event
from .. import Setting
from . import _meaning as means
from ._payload import Table, address, domain, facts, first, host, identity, ip, marked, message_id, moment, name, when, words
from ._reader import Reader, Service, Unreadable, verifier
from ._saved import Post
from ._signature import shared

TITLE = "SMTP2GO: webhooks"
UNIT = "document"

_NOT_OURS = frozenset(("processed", "open", "click", "resubscribe"))
_LISTED = re.compile(r"suppress|block ?list|black ?list|unsubscri|previous", re.IGNORECASE)
_KINDS = {"delivered": "delivery", "bounce": "bounce", "reject": "bounce", "spam": "complaint", "unsubscribe": "unsubscribe"}


def looks(head: bytes) -> int:
    """By its names of recipient and mail."""
    if marked(head, (b'"email_id":', b'"event":', b'"rcpt":'), (b'"srchost":', b'"event":', b'"rcpt":')):
        return 95
    return 80 if marked(head, (b"event=", b"email_id=", b"rcpt=")) else 0


def _verify(body: bytes, headers: Mapping[str, str], setting: Setting) -> str:
    """A user and password in the URL, or a header; nothing is signed."""
    return shared(headers, setting, "smtp2go")


verify = verifier(_verify)


def _events(entry: Table, post: Post) -> Iterator[Event]:
    called = name(entry.get("event")).lower()
    if called in _NOT_OURS:
        return
    kind = _KINDS.get(called)
    if kind is None:
        raise Unreadable(f"SMTP2GO has no event called {called!r} that we know." if called else "It names no event.")
    recipient, time, own = address(entry.get("rcpt")), moment(entry.get("time"), entry.get("timestamp")), name(entry.get("email_id"))
    server, _, rest = name(entry.get("host")).partition(" ")
    event = Event(
        kind, "smtp2go", time, recipient, address(entry.get("sender")), domain(entry.get("from_address") or entry.get("from")),
        message_id=message_id(entry.get("message-id") or entry.get("Message-Id") or entry.get("Message-ID")), sending_ip=ip(entry.get("outbound_ip")), remote_mta=host(server),
        remote_ip=ip(rest.strip("[]() ")), text=words(entry.get("message")) or words(entry.get("context")),
        native_id=identity(called, own, recipient, first(entry.get("id"), entry.get("event_id")) or time), sent_at=when(entry.get("sendtime")),
        facts=facts({"id": own, "class": entry.get("bounce"), "context": entry.get("context"), "login": entry.get("auth") or entry.get("username")}),
    )
    yield _judged(event, called, name(entry.get("bounce")))


def _judged(event: Event, called: str, classed: str) -> Event:
    if event.kind == "complaint":
        return means.complained(event)
    if called == "reject" and _LISTED.search(event.text):
        return means.suppressed(event, called)
    return means.explained(event, classed or called) if event.kind == "bounce" else event


_SERVICE = Service("smtp2go", _events, verify, marks=frozenset(("rcpt", "email_id", "srchost")))


def reader(setting: Setting) -> Reader:
    """Reads single events, and arrays of saved ones."""
    return Reader(_SERVICE, setting)
