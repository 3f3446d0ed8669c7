"""Postal's webhooks (docs.postalserver.io/developer/webhooks): what a self-hosted Postal tells of each attempt.

`output` is what the server said, `details` what Postal says about it.  Postal takes any final 5xx for a dead address and suppresses it; here
only the words count.
"""
from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from ...model import Event
from .. import Setting
from . import _meaning as means
from ._payload import Table, address, domain, facts, host, identity, ip, marked, message_id, moment, name, posted_with, table, text, worded, words
from ._reader import Reader, Service, Unreadable, verifier
from ._saved import Post
from ._signature import BROKEN, HOLDS, bad_key, decoded, no_key, no_signature, rsa_holds

TITLE = "Postal: webhooks"
UNIT = "document"

_NOT_OURS = frozenset(("MessageLoaded", "MessageLinkClicked", "DomainDNSError", "SendLimitApproaching", "SendLimitExceeded", "Test"))
_KINDS = {"MessageSent": "delivery", "MessageDelayed": "deferral", "MessageDeliveryFailed": "bounce", "MessageBounced": "bounce", "MessageHeld": "notice"}
_STATUSES = {"Sent": "MessageSent", "SoftFail": "MessageDelayed", "HardFail": "MessageDeliveryFailed", "Held": "MessageHeld", "Bounced": "MessageBounced"}
_TO = re.compile(r"\b(?:to|by|with) ([\w.-]{3,253}) \(([0-9A-Fa-f.:]{2,45})\)(?: \(from ([0-9A-Fa-f.:]{2,45})\))?")


def looks(head: bytes) -> int:
    """By its events' names, or by a message with Postal's fields."""
    if marked(head, (b'"event":"Message', b'"payload":'), (b'"original_message":', b'"bounce":'), (b'"spam_status":', b'"output":'), (b'"sent_with_ssl":', b'"message":')):
        return 96
    return 60 if posted_with(head, b"x-postal-signature") or marked(head, (b'"token":', b'"direction":"outgoing"')) else 0


def _verify(body: bytes, headers: Mapping[str, str], setting: Setting) -> str:
    """RSA over the body: with SHA-256 where Postal is new enough to send it, else SHA-1."""
    key = setting.keys.get("postal", "")
    if not key:
        return no_key("postal")
    newer = headers.get("x-postal-signature-256", "")
    given = newer or headers.get("x-postal-signature", "")
    if not given:
        return no_signature("X-Postal-Signature", headers)
    holds = rsa_holds(key, decoded(given) or b"", body, "sha256" if newer else "sha1")
    if holds is None:
        return bad_key("postal")
    return HOLDS if holds else BROKEN


verify = verifier(_verify)


def _events(entry: Table, post: Post) -> Iterator[Event]:
    given = table(entry.get("payload")) if "payload" in entry else entry
    called = name(entry.get("event")) or ("MessageBounced" if "original_message" in given else _STATUSES.get(name(given.get("status")), ""))
    if called in _NOT_OURS:
        return
    kind = _KINDS.get(called)
    if kind is None:
        raise Unreadable(f"Postal has no event called {called!r} that we know." if called else "It is no event of Postal: it names none.")
    mail = table(given.get("original_message")) or table(given.get("message"))
    if name(mail.get("direction")) == "incoming":  # mail that came to you
        return
    yield _judged(_event(kind, called, entry, given, mail), called)


def _event(kind: str, called: str, entry: Table, given: Table, mail: Table) -> Event:
    details, recipient = text(given.get("details")), address(mail.get("to"))
    to = _TO.search(details[:500])
    time = moment(entry.get("timestamp"), given.get("timestamp"), mail.get("timestamp"))
    said = words(given.get("output"))
    own = name(entry.get("uuid"))
    return Event(
        kind, "postal", time, recipient, author_domain=domain(mail.get("from")), message_id=message_id(mail.get("message_id")), remote_mta=host(to[1]) if to else "",
        remote_ip=ip(to[2]) if to else "", sending_ip=ip(to[3]) if to else "", text=said if worded(said) or (said and kind == "delivery") or not details else words(details),
        native_id=own or identity(called, mail.get("token") or mail.get("id"), recipient, time), campaign=name(mail.get("tag")), sent_at=moment(mail.get("timestamp")),
        late=called == "MessageBounced",
        facts=facts({"id": mail.get("id"), "token": mail.get("token"), "class": given.get("status"), "description": details[:300], "report": table(given.get("bounce")).get("subject")}),
    )


def _judged(event: Event, called: str) -> Event:
    if called == "MessageHeld" and "suppression list" in event.text.lower():
        return means.suppressed(event, "held")
    return means.explained(event, called) if event.kind in ("bounce", "deferral") else event


_SERVICE = Service("postal", _events, verify)


def reader(setting: Setting) -> Reader:
    """Reads events, with or without their envelope."""
    return Reader(_SERVICE, setting)
