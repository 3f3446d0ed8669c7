"""Mailjet's event callback: one object, or an array where events are grouped (dev.mailjet.com: "Event API: real-time notifications").

"sent" means that the recipient's server has taken the mail.
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...model import Event
from .. import Setting
from . import _meaning as means
from ._payload import Table, address, facts, first, identity, marked, name, when, words
from ._reader import Reader, Service, Unreadable, verifier
from ._saved import Post
from ._signature import shared

TITLE = "Mailjet: event callbacks"
UNIT = "document"

_NOT_OURS = frozenset(("open", "click"))
_KINDS = {"sent": "delivery", "bounce": "bounce", "blocked": "bounce", "spam": "complaint", "unsub": "unsubscribe"}
_ON_A_LIST = frozenset(("preblocked", "spam reporter"))  # not tried at all
_TWICE = "duplicate in campaign"  # not sent again; the first one went out
_MEANS: Mapping[str, means.Meaning] = {
    "user unknown": means.NO_SUCH, "mailbox inactive": means.CLOSED, "quota exceeded": means.FULL, "invalid domain": means.NO_DOMAIN, "no mail host": means.NO_DOMAIN, "relay/access denied": means.NOT_HOSTED,
    "greylisted": means.GREYLISTED, "blacklisted": means.LISTED, "content blocked": means.SPAM, "bad or empty template": means.BAD_FORMAT, "error in template language": means.BAD_FORMAT,
    "connection issue": means.UNREACHABLE, "system issue": means.PASSING, "typofix": means.Meaning("address.syntax", standing="likely"),
}


def looks(head: bytes) -> int:
    """By Mailjet's ids."""
    return 96 if marked(head, (b'"event":', b'"Message_GUID":'), (b'"event":', b'"mj_campaign_id":'), (b'"event":', b'"error_related_to":'), (b'"event":', b'"MessageID":', b'"CustomID":')) else 0


def _verify(body: bytes, headers: Mapping[str, str], setting: Setting) -> str:
    """A user and password in the URL; Mailjet signs nothing."""
    return shared(headers, setting, "mailjet")


verify = verifier(_verify)


def _events(entry: Table, post: Post) -> Iterator[Event]:
    called = name(entry.get("event")).lower()
    if called in _NOT_OURS:
        return
    kind = _KINDS.get(called)
    if kind is None:
        raise Unreadable(f"Mailjet has no event called {called!r} that we know." if called else "It names no event.")
    recipient, time = address(entry.get("email")), when(entry.get("time"))
    event = Event(
        kind, "mailjet", time, recipient, text=words(entry.get("smtp_reply")) or words(entry.get("comment")), native_id=identity(called, entry.get("MessageID"), recipient, time),
        campaign=first(entry.get("customcampaign"), _number(entry.get("mj_campaign_id"))),
        facts=facts({
            "id": entry.get("MessageID"), "guid": entry.get("Message_GUID"), "custom_id": entry.get("CustomID"), "class": entry.get("error"), "related_to": entry.get("error_related_to"),
            "hard": entry.get("hard_bounce"), "blocked": entry.get("blocked"),
        }),
    )
    yield _judged(event, entry)


def _judged(event: Event, entry: Table) -> Event:
    error = name(entry.get("error")).lower()
    if event.kind == "complaint":
        return means.complained(event)
    if event.kind != "bounce":
        return event
    if error == _TWICE:
        event.kind = "notice"
        return event
    if error in _ON_A_LIST:
        return means.suppressed(event, error)
    meaning = _MEANS.get(error)
    if meaning and meaning.suppress and entry.get("hard_bounce") is not True:
        meaning = means.Meaning(meaning.cause, standing="likely")
    return means.explained(event, error or "bounce", meaning)


def _number(value: object) -> str:
    """A campaign's number; 0 is none."""
    return "" if value in (0, "0") else name(value)


_SERVICE = Service("mailjet", _events, verify, marks=frozenset(("MessageID", "Message_GUID", "mj_campaign_id")))


def reader(setting: Setting) -> Reader:
    """Reads single events and groups."""
    return Reader(_SERVICE, setting)
