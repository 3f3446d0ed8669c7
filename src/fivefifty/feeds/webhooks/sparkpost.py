"""SparkPost (Bird) event webhooks: an array of `{"msys": {class: event}}`, one recipient each; the EU service sends the same.

developers.sparkpost.com/api/webhooks; the bounce classes: support.sparkpost.com, "Bounce classification codes".
"""
from __future__ import annotations

from collections.abc import Iterator, Mapping

from ...model import Event
from .. import Setting
from . import _meaning as means
from ._payload import Table, address, code, domain, facts, first, host, identity, ip, items, marked, name, status, table, when, words
from ._reader import Reader, Service, Unreadable, verifier
from ._saved import Post
from ._signature import shared

TITLE = "SparkPost (Bird): event webhooks"
UNIT = "document"

_CLASSES = ("message_event", "unsubscribe_event", "gen_event", "track_event", "relay_event", "relay_message", "ab_test_event", "ingest_event", "mta_event")
_NOT_OURS = frozenset((
    "injection", "open", "initial_open", "click", "amp_open", "amp_initial_open", "amp_click", "sms_status", "relay_injection", "relay_delivery", "relay_tempfail", "relay_permfail",
    "relay_rejection", "ab_test_completed", "ab_test_cancelled", "success", "error",
))
_KINDS = {
    "delivery": "delivery", "delay": "deferral", "bounce": "bounce", "out_of_band": "bounce", "policy_rejection": "bounce", "generation_failure": "bounce",
    "generation_rejection": "bounce", "spam_complaint": "complaint", "list_unsubscribe": "unsubscribe", "link_unsubscribe": "unsubscribe",
}
_MEANS: Mapping[str, means.Meaning] = {
    "10": means.NO_SUCH, "21": means.BAD_DNS, "22": means.FULL, "23": means.TOO_LARGE, "24": means.UNREACHABLE, "50": means.DISTRUST, "51": means.DISTRUST, "52": means.SPAM, "53": means.ATTACHMENT, "54": means.NOT_HOSTED, "70": means.PASSING,
}
_NOTICES = frozenset(("60", "80", "100"))  # an automatic reply, "subscribe me", a challenge: the mail had arrived
_ADMIN = "25"  # SparkPost's own rules: most often its suppression list


def looks(head: bytes) -> int:
    """By `msys`."""
    return 98 if marked(head, (b'"msys":',)) else 0


def _verify(body: bytes, headers: Mapping[str, str], setting: Setting) -> str:
    """Basic authentication or an OAuth 2 bearer token; SparkPost signs nothing."""
    return shared(headers, setting, "sparkpost")


verify = verifier(_verify)


def _events(entry: Table, post: Post) -> Iterator[Event]:
    wrapped = entry.get("msys")
    if "msys" in entry and not wrapped:
        return  # the ping of a new webhook
    inside = table(wrapped)
    given = next((inside[one] for one in _CLASSES if isinstance(inside.get(one), dict)), entry if "event_id" in entry and "msys" not in entry else {})
    called = name(given.get("type"))
    if called in _NOT_OURS:
        return
    kind = _KINDS.get(called)
    if kind is None:
        raise Unreadable(f"SparkPost has no event called {called!r} that we know." if called else "It is no event of SparkPost: there is no type in it.")
    yield _judged(_event(kind, called, given), called, name(given.get("bounce_class")))


def _event(kind: str, called: str, given: Table) -> Event:
    recipient, time, own = address(given.get("raw_rcpt_to")) or address(given.get("rcpt_to")), when(given.get("timestamp")), name(given.get("event_id"))
    said = words(given.get("raw_reason")) or words(given.get("reason"))
    return Event(
        kind, "sparkpost", time, recipient, address(given.get("msg_from")), domain(given.get("friendly_from")), sending_ip=ip(given.get("sending_ip")), remote_ip=ip(given.get("ip_address")),
        remote_mta=host(given.get("remote_mta")), status=status(given.get("enhanced_status_code")), reply_code=code(given.get("error_code")), text=said,
        native_id=own or identity(called, given.get("message_id"), recipient, time), campaign=first(given.get("campaign_id"), given.get("template_id")), sent_at=when(given.get("injection_time")),
        late=called == "out_of_band",
        facts=facts({
            "id": given.get("message_id"), "transmission": given.get("transmission_id"), "class": given.get("bounce_class"), "type": given.get("fbtype"), "pool": given.get("ip_pool"),
            "subaccount": given.get("subaccount_id"), "mailbox_provider": given.get("mailbox_provider"), "retries": given.get("num_retries"), "tags": items(given.get("rcpt_tags")),
        }),
    )


def _judged(event: Event, called: str, classed: str) -> Event:
    if event.kind == "complaint":
        return means.complained(event, name(event.facts.get("type")))
    if event.kind not in ("bounce", "deferral"):
        return event
    if classed in _NOTICES:
        event.kind = "notice"
        return means.told(event, f"class-{classed}", means.AUTOREPLY) if classed == "60" else event
    if classed == "90":
        event.kind = "unsubscribe"
        return event
    if classed == _ADMIN and called != "delay" and "suppress" in event.text.lower():
        return means.suppressed(event, "class-25")
    return means.explained(event, f"class-{classed}" if classed else called, _MEANS.get(classed))


_SERVICE = Service("sparkpost", _events, verify)


def reader(setting: Setting) -> Reader:
    """Reads batches."""
    return Reader(_SERVICE, setting)
