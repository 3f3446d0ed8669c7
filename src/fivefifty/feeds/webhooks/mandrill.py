"""Mandrill (Mailchimp Transactional): a form whose field `mandrill_events` is a JSON array (mailchimp.com/developer/transactional: Webhooks)."""
from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from ...model import Event
from .. import Setting
from . import _meaning as means
from ._payload import Table, address, domain, elements, facts, first, identity, ip, items, marked, name, posted_with, table, text, when, words
from ._reader import Reader, Service, Unreadable, verifier
from ._saved import Post, form, parsed
from ._signature import BROKEN, HOLDS, MAX_KEY, any_same, keyed, no_key, no_signature, secrets

TITLE = "Mandrill (Mailchimp Transactional): webhooks"
UNIT = "document"

_NOT_OURS = frozenset(("open", "click", "inbound"))
_KINDS = {
    "send": "delivery", "delivered": "delivery", "deferral": "deferral", "hard_bounce": "bounce", "soft_bounce": "bounce", "spam": "complaint", "unsub": "unsubscribe", "reject": "suppression",
}
# bounce_description.
_MEANS: Mapping[str, means.Meaning] = {"mailbox_full": means.FULL, "invalid_domain": means.NO_DOMAIN, "dns_failure": means.BAD_DNS, "message_too_large": means.TOO_LARGE, "spam": means.SPAM}
# Why Mandrill itself refused: the reject list, or something about the sender.
_REFUSED: Mapping[str, means.Meaning] = {"invalid-sender": means.NOT_ALLOWED, "unsigned": means.NOT_ALLOWED, "test-mode-limit": means.OWN_QUOTA, "invalid": means.MISWRITTEN, "rule": means.Meaning("policy.own")}


def looks(head: bytes) -> int:
    """By the form's field, or by the shape of its array."""
    if b"mandrill_events=" in head or posted_with(head, b"x-mandrill-signature"):
        return 99
    return 94 if marked(head, (b'"event":', b'"msg":{', b'"_id":'), (b'"type":"blacklist"', b'"reject":{'), (b'"type":"whitelist"', b'"action":')) else 0


def _verify(body: bytes, headers: Mapping[str, str], setting: Setting) -> str:
    """HMAC-SHA1 over the URL as Mandrill knows it and the form's fields, sorted by name."""
    keys, urls = secrets(setting, "mandrill"), setting.keys.get("mandrill_url", "")[:MAX_KEY].split()
    if not keys or not urls:
        return no_key("mandrill") if not keys else no_key("mandrill_url")
    given = headers.get("x-mandrill-signature", "").strip()
    if not given:
        return no_signature("X-Mandrill-Signature", headers)
    fields = form(body)
    signed = "".join(f"{key}{fields[key]}" for key in sorted(fields)).encode("utf-8", "replace")
    expected = [base64.b64encode(keyed("sha1", key, url.encode("utf-8", "replace"), signed)).decode("ascii") for key in keys for url in urls]
    return HOLDS if any_same(expected, given) else BROKEN


verify = verifier(_verify)


def _entries(value: Any) -> Iterator[Any]:
    for one in elements(value):
        inside = one.get("mandrill_events") if isinstance(one, dict) else None
        listed = parsed(inside) if isinstance(inside, str) else inside
        yield from elements(listed) if isinstance(listed, list) else iter((one,))


def _events(entry: Table, post: Post) -> Iterator[Event]:
    called = name(entry.get("event"))
    if called in _NOT_OURS:
        return
    if not called and name(entry.get("type")) in ("blacklist", "whitelist", "denylist", "allowlist"):
        yield _list_change(entry)
        return
    kind, mail = _KINDS.get(called), table(entry.get("msg"))
    if kind is None:
        raise Unreadable(f"Mandrill has no event called {called!r} that we know." if called else "It names no event.")
    last = _last_attempt(mail)
    said = words(mail.get("diag")) or words(last.get("diag"))
    if called == "send" and not said.startswith("2"):
        return  # handed to Mandrill's own queue; whether it arrived is told later
    recipient, time, own = address(mail.get("email")), when(entry.get("ts")), name(mail.get("_id")) or name(entry.get("_id"))
    event = Event(
        kind, "mandrill", time, recipient, author_domain=domain(mail.get("sender")), sending_ip=ip(last.get("source_ip")), remote_ip=ip(last.get("destination_ip")), text=said,
        native_id=identity(kind if kind == "delivery" else called, own, recipient, time if kind == "deferral" else ""), campaign=first(*items(mail.get("tags"))[:1], mail.get("template")),
        sent_at=when(mail.get("ts")), facts=facts({"id": own, "class": mail.get("bounce_description"), "number": mail.get("bgtools_code"), "subaccount": mail.get("subaccount")}),
    )
    yield _judged(event, called, mail)


def _last_attempt(mail: Table) -> Table:
    attempts = items(mail.get("smtp_events"))
    return table(attempts[-1]) if attempts else {}


def _judged(event: Event, called: str, mail: Table) -> Event:
    if event.kind == "complaint":
        return means.complained(event)
    if event.kind == "suppression":
        return _refused(event, mail)
    if event.kind not in ("bounce", "deferral"):
        return event
    classed = name(mail.get("bounce_description")).lower()
    meaning = means.NO_SUCH if classed == "bad_mailbox" and called == "hard_bounce" else _MEANS.get(classed)
    return means.explained(event, classed or called, meaning)


def _refused(event: Event, mail: Table) -> Event:
    reject = mail.get("reject")
    reason = name(table(reject).get("reason")) or name(reject)
    event.facts = {**event.facts, "class": reason}
    if reason not in _REFUSED:
        return means.suppressed(event, reason or "reject")
    event.kind = "bounce"
    return means.told(event, reason, _REFUSED[reason])


def _list_change(entry: Table) -> Event:
    """An entry of the reject list or allow list was added, changed or removed."""
    what, about = name(entry.get("type")), table(entry.get("reject")) or table(entry.get("entry"))
    recipient, time = address(about.get("email")), when(entry.get("ts")) or when(about.get("created_at"))
    return Event(
        "notice", "mandrill", time, recipient, native_id=identity(what, entry.get("action"), recipient, time),
        facts=facts({"list": what, "change": entry.get("action"), "reason": about.get("reason"), "detail": text(about.get("detail"), 300)}),
    )


_SERVICE = Service("mandrill", _events, verify, _entries, marks=frozenset(("msg", "_id", "reject", "entry")))


def reader(setting: Setting) -> Reader:
    """Reads forms, and saved arrays."""
    return Reader(_SERVICE, setting)
