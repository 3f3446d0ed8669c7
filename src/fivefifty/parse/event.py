"""One event of a sending service, pasted as JSON: SES and SNS, SendGrid, Mailgun, Postmark, SparkPost, Brevo, Mailjet, Mandrill, Resend …

The services agree on little but on words: the recipient stands under some name with "email", "recipient" or "rcpt", the
server's words under "reason", "response" or "diagnostic".  So names are looked for, not one service's layout.
"""
from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ..model import Failure
from .address import ADDRESS, clean, domain_of
from .reply import codes_of
from .statement import stated

MAX_EVENTS = 10_000
MAX_DEPTH = 8

_KINDS = (
    ("notice.complaint", ("complaint", "spamreport", "spam_complaint", "spamcomplaint", "spam", "feedback")), ("delay", ("deferred", "deferral", "delay", "soft_bounce", "softbounce", "soft-bounce", "temporary", "transient")),
    ("fail", ("bounce", "bounced", "dropped", "failed", "reject", "rejected", "blocked", "hard_bounce", "undelivered", "error", "out_of_band", "policy_rejection", "generation_rejection", "invalid", "permanent")),
    ("notice.success", ("delivered", "delivery", "sent", "send", "processed")),
)
_EVENT_NAMES = ("event", "notificationtype", "eventtype", "recordtype", "type", "state", "status")
_RECIPIENT_NAMES = ("emailaddress", "final_recipient", "finalrecipient", "raw_rcpt_to", "rcpt_to", "rcptto", "recipient", "email", "rcpt", "to", "destination", "recipients", "rejected")
_WORDS_NAMES = ("diagnosticcode", "diagnostic_code", "diagnostic-code", "smtpresponse", "smtp-response", "smtp_response", "raw_reason", "diag", "response", "reason", "details", "bounce_description", "description", "message", "errormessage", "error_message", "error", "comment")
_LISTS = ("bouncedrecipients", "delayedrecipients", "complainedrecipients")
_STATUS_NAMES = ("enhanced-code", "enhanced_code", "enhancedcode", "enhancedstatuscode", "status", "statuscode", "dsn")
_CODE_NAMES = ("code", "error_code", "smtp_code", "smtpcode", "responsecode", "smtpreplycode", "bounce_code", "bouncecode")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,4}")
_CODE = re.compile(r"[45]\d\d")

Table = dict[str, Any]


def read_events(text: str, where: str = "pasted text") -> list[Failure]:
    """The Failures of the events in a text; [] where it holds no event of a delivery."""
    value = _value(text)
    found: list[Failure] = []
    for table in _tables(value):
        found += _of_event(table, where)
        if len(found) >= MAX_EVENTS:
            break
    return found


def _value(text: str) -> Any:
    """The JSON of a text: a whole one, one a line, or the inside of one that was cut out of its braces."""
    starts = [at for at in (text.find("{"), text.find("[")) if at >= 0]
    for one in (text[min(starts) :] if starts else "", "{" + text.strip().strip(",") + "}" if text.lstrip()[:1] == '"' else ""):
        try:
            value, end = json.JSONDecoder(strict=False).raw_decode(one)
        except (ValueError, RecursionError):
            continue
        more = one[end:].strip()
        return [value, _value(more)] if more[:1] in ("{", "[") and len(more) < len(one) and text.count("\n{") < 500 else value
    return None


def _tables(value: Any, depth: int = 0) -> Iterator[Table]:
    """The tables of events: the elements of lists, the inside of envelopes."""
    if depth > MAX_DEPTH:
        return
    if isinstance(value, list):
        for one in value[:MAX_EVENTS]:
            yield from _tables(one, depth + 1)
    elif isinstance(value, dict):
        inner = value.get("Message")
        if isinstance(inner, str) and inner.lstrip()[:1] == "{":  # Amazon SNS puts the event into a string
            yield from _tables(_value(inner), depth + 1)
            return
        for name in ("event-data", "msys", "message_event", "track_event"):
            if isinstance(value.get(name), dict):
                yield from _tables({"type": name, **value[name]} if name == "event-data" else value[name], depth + 1)
                return
        yield value


def _walk(table: Table, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Names in lower case and values, outer tables first."""
    for name, value in table.items():
        yield name.lower(), value
    if depth < MAX_DEPTH:
        for name, value in table.items():
            if isinstance(value, dict) and name.lower() not in ("tags", "user-variables", "metadata", "meta"):
                yield from _walk(value, depth + 1)


def _first(pairs: list[tuple[str, Any]], names: tuple[str, ...], wanted: re.Pattern[str]) -> str:
    for name in names:
        for key, value in pairs:
            if key == name and not isinstance(value, dict):
                one = value[0] if isinstance(value, list) and value else value
                if isinstance(one, (str, int)) and wanted.search(str(one)):
                    return str(one)
    return ""


def _kind(pairs: list[tuple[str, Any]]) -> str:
    said = [str(value).lower() for name in _EVENT_NAMES for key, value in pairs if key == name and isinstance(value, str)]
    for words in said:
        parts = set(re.split(r"[.\s]", words)) | {words.replace(" ", "")}
        for kind, names in _KINDS:
            if parts & set(names) or any(name in words for name in names if len(name) > 6):
                return kind
    return ""


_ANY = re.compile(r"\S{2}.*\s?")
_WORDS = re.compile(r"[A-Za-z]\S*[ _:.;]|[245]\d\d")


def _of_event(table: Table, where: str) -> list[Failure]:
    pairs = list(_walk(table))
    kind = _kind(pairs)
    listed = next((value for key, value in pairs if key in _LISTS and isinstance(value, list)), None)
    words = _first(pairs, _WORDS_NAMES, _WORDS)
    if listed:
        people = [one for one in listed[:MAX_EVENTS] if isinstance(one, dict)]
        return [failure for one in people for failure in _failures([*_walk(one), *pairs], kind or "fail", where)]
    if not kind and not (words and _first(pairs, _CODE_NAMES, _CODE)):
        return []
    return _failures(pairs, kind or "fail", where)


def _failures(pairs: list[tuple[str, Any]], kind: str, where: str) -> list[Failure]:
    words = _first(pairs, _WORDS_NAMES, _WORDS)
    code = _first(pairs, _CODE_NAMES, re.compile(r"^[45]\d\d$"))
    recipient = _first(pairs, _RECIPIENT_NAMES, ADDRESS)
    if not recipient and codes_of(words[:40])[0] < 400:
        return []
    author = _first(pairs, ("from", "friendly_from", "fromaddress"), ADDRESS)
    status = _STATUS.fullmatch(_first(pairs, _STATUS_NAMES, _STATUS))
    notice = kind if kind.startswith("notice.") else ""
    known = Failure(
        final_recipient=clean(recipient), status=status[0] if status else "", reply_code=int(code) if code else 0, action="delayed" if kind == "delay" else ("" if notice else "failed"),
        stage="delayed" if kind == "delay" else "", remote_mta=_first(pairs, ("mx-host", "mx", "host", "remotemta"), re.compile(r"^[\w\-]+(?:\.[\w\-]+)+$")),
        remote_ip=_first(pairs, ("remotemtaip", "ip_address"), re.compile(r"^[0-9a-fA-F:.]{7,45}$")), sending_ip=_first(pairs, ("sending-ip", "sending_ip", "sendingip"), re.compile(r"^[0-9a-fA-F:.]{7,45}$")),
        envelope_sender=clean(_first(pairs, ("source", "msg_from", "envelope_sender", "sender"), ADDRESS)), author_domain=domain_of(clean(author)), message_id=_first(pairs, ("message-id", "message_id", "messageid", "smtp-id"), _ANY).strip("<>"),
        subject=_first(pairs, ("subject",), _ANY)[:1000], last_attempt_date=_first(pairs, ("timestamp", "bouncedat", "date", "created_at"), _ANY), kind="notice" if notice else "failure", notice=notice,
    )
    if kind == "notice.complaint":
        words = "Feedback-Type: " + (_first(pairs, ("complaintfeedbacktype", "fbtype", "feedback_type"), _ANY) or "abuse")
    said = words if not code or code in words[:12] else f"{code} {words}"
    extra = " ".join(str(value) for key, value in pairs if key in ("bouncetype", "bouncesubtype", "error_related_to", "description") and isinstance(value, str))
    failure = stated(known, said or extra, where)
    return [failure]
