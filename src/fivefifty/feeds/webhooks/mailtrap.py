"""Mailtrap's sending webhooks: `{"events": […]}` or JSON lines, one recipient each (docs.mailtrap.io: Webhooks)."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...model import Event
from .. import Setting
from . import _meaning as means
from ._payload import Table, address, code, elements, facts, first, host, identity, ip, marked, message_id, name, posted_with, when, words
from ._reader import Reader, Service, Unreadable, verifier
from ._saved import Post
from ._signature import hex_signature

TITLE = "Mailtrap: sending webhooks"
UNIT = "document"

_NOT_OURS = frozenset(("open", "click", "send", "inbound.message_received"))
_KINDS = {
    "delivery": "delivery", "soft bounce": "deferral", "bounce": "bounce", "hard bounce": "bounce", "suspension": "deferral", "reject": "bounce", "spam": "complaint",
    "spam complaint": "complaint", "unsubscribe": "unsubscribe",
}


def looks(head: bytes) -> int:
    """By the stream that each event names."""
    return 97 if marked(head, (b'"sending_stream":', b'"event":'), (b'"event_id":', b'"message_id":', b'"event":"', b'"email":')) or posted_with(head, b"mailtrap-signature") else 0


def _verify(body: bytes, headers: Mapping[str, str], setting: Setting) -> str:
    return hex_signature(body, headers, setting, "mailtrap", "Mailtrap-Signature")


verify = verifier(_verify)


def _entries(value: Any) -> Iterator[Any]:
    for one in elements(value):
        listed = one.get("events") if isinstance(one, dict) else None
        yield from elements(listed) if isinstance(listed, list) else iter((one,))


def _events(entry: Table, post: Post) -> Iterator[Event]:
    called = name(entry.get("event")).lower().replace("_", " ")
    if called in _NOT_OURS:
        return
    kind = _KINDS.get(called)
    if kind is None:
        raise Unreadable(f"Mailtrap has no event called {called!r} that we know." if called else "It names no event.")
    recipient, time, own = address(entry.get("email")), when(entry.get("timestamp")), name(entry.get("event_id"))
    event = Event(
        kind, "mailtrap", time, recipient, author_domain=host(entry.get("sending_domain_name")), message_id=message_id(entry.get("message_id")), sending_ip=ip(entry.get("sending_ip")),
        reply_code=code(entry.get("response_code")), text=words(entry.get("response")) or words(entry.get("reason")),
        native_id=own or identity(called, entry.get("message_id"), recipient, time), campaign=first(entry.get("category"), entry.get("sending_stream")),
        facts=facts({"id": entry.get("message_id"), "class": entry.get("bounce_category"), "reason": entry.get("reason"), "stream": entry.get("sending_stream")}),
    )
    yield _judged(event, called, words(entry.get("reason")).lower())


def _judged(event: Event, called: str, reason: str) -> Event:
    if event.kind == "complaint":
        return means.complained(event)
    if called == "reject" and ("suppress" in reason or "unsubscri" in reason):
        return means.suppressed(event, called)
    if called == "suspension":
        return means.explained(event, called, means.OWN_ACCOUNT)
    return means.explained(event, called) if event.kind in ("bounce", "deferral") else event


_SERVICE = Service("mailtrap", _events, verify, _entries, marks=frozenset(("event_id", "sending_stream")))


def reader(setting: Setting) -> Reader:
    """Reads batches and JSON lines."""
    return Reader(_SERVICE, setting)
