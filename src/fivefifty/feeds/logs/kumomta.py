"""KumoMTA: its log records, one JSON object a line, as files or as a log hook posts them.

Counted: Delivery, Bounce, TransientFailure (a deferral), Expiration (final; the words are those of the last TransientFailure of that id and
recipient), AdminBounce (final, by the operator's own order), OOB (a bounce that came back as a mail) and Feedback.  Not counted: Reception,
Rejection (the client was told at once), Delay, the records of moving and re-queueing, mail from the null sender, and the records about
log records themselves (reception_protocol LogRecord).
"""
from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...causes import cause
from ...model import Event
from ...parse.wrapper import phase_named
from .. import Reject, Setting
from ..webhooks._payload import Table, address, addresses_in, code, domain, facts, first, host, items, message_id, moment, name, table, text, words
from ._json import Unreadable, Values

TITLE = "KumoMTA: log records (JSON lines)"
UNIT = "lines"

MAX_WAITING = 10_000  # recipients whose last TransientFailure is remembered
MAX_WORDS = 600

_KINDS = {"Delivery": "delivery", "Bounce": "bounce", "TransientFailure": "deferral", "Expiration": "bounce", "AdminBounce": "bounce", "OOB": "bounce", "Feedback": "complaint"}
_NOT_COUNTED = frozenset("Reception Rejection Delay AdminRebind AdminSuspend AdminSuspendReadyQ DeferredInjectionRebind XferOut XferIn Any".split())
_QUEUE = re.compile(r"(?:([^:@!]{1,200}):)?(?:([^:@!]{1,200})@)?([^@:!]{1,255})(?:!.{1,255})?")
_HEADER = re.compile(r"^(message-id|from):[ \t]*(.{1,900}(?:\n[ \t].{1,900}){0,3})", re.IGNORECASE | re.MULTILINE)
_PORT = re.compile(r"\[?([0-9A-Fa-f:.]{2,45}?)\]?(?::\d{1,5})?")
_Deferral = tuple[str, str, int, str, str, str]


def looks(head: bytes) -> int:
    """Whether the first line is such a record."""
    line = head.lstrip(b"\xef\xbb\xbf \r\n")[:4_000]
    if line[:1] != b"{" or b'"type"' not in line:
        return 0
    marks = sum(mark in line for mark in (b'"nodeid"', b'"site"', b'"peer_address"', b'"egress_source"', b'"bounce_classification"', b'"num_attempts"', b'"reception_protocol"', b'"response"'))
    return 95 if marks >= 4 else 60 if marks >= 2 else 0


def reader(setting: Setting) -> KumomtaReader:
    """Reads such records."""
    return KumomtaReader(setting)


class KumomtaReader:
    """One record, one event for each of its recipients."""

    def __init__(self, setting: Setting) -> None:
        self._latest = setting.now + 366 * 86_400
        self._values = Values()
        self._waiting: dict[str, _Deferral] = {}  # "id recipient": its last failure
        self._where = ""

    def read(self, lines: Sequence[bytes], where: str, first: int) -> list[Event | Reject]:
        """The events of these lines."""
        found: list[Event | Reject] = []
        self._where = where
        for number, line in enumerate(lines, first):
            at = f"{where}:{number}"
            try:
                for record in self._values.add(line.removeprefix(b"\xef\xbb\xbf")):
                    found.extend(self._events(record, at))
            except Unreadable as reason:
                found.append(Reject(at, str(reason), self._values.drop() or self._values.whole or line))
        return found

    def end(self) -> list[Event | Reject]:
        """A record that is cut off."""
        left = self._values.drop()
        return [Reject(self._where, "A record is cut off at the end.", left)] if left else []

    def _events(self, record: Any, where: str) -> Iterable[Event]:
        record = table(record)
        written = name(record.get("type"))
        if written in _NOT_COUNTED or record.get("reception_protocol") == "LogRecord":
            return ()
        kind = _KINDS.get(written)
        if kind is None:
            raise Unreadable(f"The type {written[:40]!r} is none that KumoMTA writes." if written else "It has no type, so it is no record of KumoMTA.")
        time = moment(record.get("event_time"), record.get("timestamp"))
        if not time or time > self._latest:
            raise Unreadable("Its time (event_time, timestamp) can't be read.")
        if kind == "complaint":
            return (_complaint(record, time, where),)
        if record.get("sender") in ("", "<>") and written != "OOB":
            return ()
        return self._outcomes(record, Event(kind, "kumomta", time, where=where), written)

    def _outcomes(self, record: Table, event: Event, written: str) -> list[Event]:
        """The same outcome for every recipient (several share a record since 2025.12)."""
        recipients = [one for one in map(address, items(record.get("recipient"))) if one]
        if not recipients:
            raise Unreadable("It names no recipient.")
        _fill(event, record)
        _replied(event, record, written)
        events = [event, *(_copy(event) for _ in recipients[1:])]
        for one, recipient in zip(events, recipients, strict=True):
            one.recipient = recipient
            one.native_id = _identity(record, written, recipient)
            self._follow(one, written)
        return events

    def _follow(self, event: Event, written: str) -> None:
        """Remembers the last failure of each recipient until its fate is told."""
        key = f"{event.queue_id} {event.recipient}"
        last = self._waiting.pop(key, None) if self._waiting else None
        if written == "TransientFailure" and event.queue_id:
            self._waiting[key] = (event.text[:MAX_WORDS], event.status, event.reply_code, event.phase, event.remote_mta, event.remote_ip)
            if len(self._waiting) > MAX_WAITING:
                del self._waiting[next(iter(self._waiting))]
        elif written == "Expiration" and last is not None:
            event.text, event.status, event.reply_code, event.phase, event.remote_mta, event.remote_ip = last

    def state(self) -> dict[str, Any]:
        """What recipients wait for, and a record printed over several lines."""
        return {"waiting": [[key, *told] for key, told in self._waiting.items()], "value": [line.decode("latin-1") for line in self._values.lines]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._waiting = {one[0]: tuple(one[1:]) for one in state.get("waiting", ())}
        for line in state.get("value", ()):
            try:
                self._values.add(str(line).encode("latin-1"))
            except Unreadable:
                self._values.drop()


def _copy(event: Event) -> Event:
    return Event(**{field: getattr(event, field) for field in Event.__slots__})


def _identity(record: Table, written: str, recipient: str) -> str:
    told = [first(record.get(one)) for one in ("nodeid", "id", "num_attempts", "event_time", "timestamp")]
    return " ".join((written, *told[:3], told[3] or told[4], recipient)) if told[1] else ""


def _fill(event: Event, record: Table) -> None:
    """Who sent it, through what, to whom."""
    headers = {str(key).lower(): value for key, value in table(record.get("headers")).items()}
    meta = table(record.get("meta"))
    queue = _QUEUE.fullmatch(name(record.get("queue")))
    event.queue_id, event.reporting_mta = name(record.get("id")), name(record.get("nodeid"))
    event.envelope_sender = address(record.get("sender"))
    event.message_id = message_id(_header(headers.get("message-id")))
    event.author_domain = domain(_header(headers.get("from")))
    event.sent_at = moment(record.get("created_time"), record.get("created"))
    event.campaign = first(meta.get("campaign"), queue[1] if queue else "")
    peer = table(record.get("peer_address"))
    event.remote_mta, event.remote_ip = host(peer.get("name")), _ip(peer.get("addr"))
    event.sending_ip = _ip(table(record.get("source_address")).get("address"))
    event.facts = facts({
        "tenant": first(meta.get("tenant"), queue[2] if queue else ""), "egress_source": name(record.get("egress_source")), "egress_pool": name(record.get("egress_pool")),
        "site": name(record.get("site")), "bounce_classification": name(record.get("bounce_classification")).replace("Uncategorized", ""), "tls": name(record.get("tls_protocol_version")),
        "provider_name": name(record.get("provider_name")),
    })
    if record.get("delivery_protocol") == "Maildir":
        event.facts = {**event.facts, "local": True}


def _header(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _ip(value: Any) -> str:
    """An IP without the port that stands behind it in source_address."""
    found = _PORT.fullmatch(value) if isinstance(value, str) and len(value) < 60 else None
    return found[1] if found and ("." in found[1] or ":" in found[1]) else ""


def _replied(event: Event, record: Table, written: str) -> None:
    """The reply; of Expiration and AdminBounce it is KumoMTA's own, whose code 551 says nothing about the address."""
    response = table(record.get("response"))
    parts = table(response.get("enhanced_code"))
    numbers = [parts.get(one) for one in ("class", "subject", "detail")]
    if all(isinstance(one, int) and not isinstance(one, bool) and 0 <= one < 1000 for one in numbers) and numbers[0] in (2, 4, 5):
        event.status = ".".join(map(str, numbers))
    said, number = words(response.get("content")), code(response.get("code"))
    if written == "OOB" and not (said or event.status or number):
        raise Unreadable("It is an OOB record without the report it speaks of.")
    if written in ("Expiration", "AdminBounce"):
        event.text = said
        event.stage = "expired" if written == "Expiration" else ""
        if written == "AdminBounce":  # the operator's own order: nothing about the address, whatever its words look like
            event.cause, event.owner, event.standing, event.status = "policy.own", cause("policy.own").owner, "stated", ""
        return
    event.reply_code = number
    event.text = " ".join(filter(None, (str(number or ""), event.status if event.status not in said[:12] else "", said)))
    event.phase = _phase(name(response.get("command")))
    if written == "OOB":
        event.late, event.trust = True, "unverified"  # a mail that anybody can write


def _phase(command: str) -> str:
    """The verb; "." is the end of the data."""
    return "end-of-data" if command.strip() == "." else phase_named(command[:40]) if command else ""


def _complaint(record: Table, time: float, where: str) -> Event:
    """A feedback report (RFC 5965) that KumoMTA took apart."""
    report = table(record.get("feedback_report"))
    if not report:
        raise Unreadable("It is a Feedback record without feedback_report.")
    trace = table(report.get("supplemental_trace"))
    original = report.get("original_message")
    headers = {found[1].lower(): " ".join(found[2].split()) for found in _HEADER.finditer(original[:20_000])} if isinstance(original, str) else {}
    recipients = addresses_in(trace.get("recipient")) or addresses_in(report.get("original_rcpto_to")) or addresses_in(table(report.get("extensions")).get("removal-recipient"))
    kind = name(report.get("feedback_type")).lower()
    # RFC 6430: taken out of the spam folder; RFC 6591: a DMARC failure report
    event = Event({"not-spam": "notice", "auth-failure": "authentication"}.get(kind, "complaint"), "kumomta", time, recipients[0] if recipients else "", where=where)
    event.envelope_sender = address(report.get("original_mail_from"))
    event.message_id = message_id(headers.get("message-id"))
    event.author_domain = domain(headers.get("from")) or host(_header(report.get("reported_domain")))
    event.reporting_mta = host(table(report.get("reporting_mta")).get("name"))
    event.sending_ip = _ip(report.get("source_ip"))
    event.sent_at = moment(report.get("arrival_date"))
    event.native_id = _identity(record, "Feedback", event.recipient)
    event.trust = "matched" if trace else "unverified"  # the trace is what our own servers put into the mail
    event.facts = facts({"feedback_type": kind, "user_agent": text(report.get("user_agent"), 200), "reporter": domain(record.get("sender"))})
    return event
