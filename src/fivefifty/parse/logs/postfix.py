"""Postfix: "status=bounced (host … said: …)", "NOQUEUE: reject: RCPT from …", "milter-reject", and the lines about the sender."""
from __future__ import annotations

import re

from ...model import Failure
from ..address import clean
from . import Entry

HINTS = ("status=", "reject: ", "milter-reject: ", ": from=<", ": message-id=", "helo=<")

_HEAD = re.compile(r"(?:(\w{3} {1,2}\d{1,2} \d\d:\d\d:\d\d|\d{4}-\d\d-\d\d[T ]\S{5,30}) )?(?:(\S{1,255}) )?\S{0,10}postfix[^\s\[]{0,60}(?:\[\d{1,10}\])?: ")
_QUEUE = re.compile(r"(?:^|: |\s)(NOQUEUE|[0-9A-F]{6,14}|[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,20}): ")
_FIELD = re.compile(r"\b(orig_to|to|from|relay|dsn|message-id|helo|client)=(<[^<>]{0,998}>|[^,;\s]{1,998})")
_STATUS = re.compile(r"\bstatus=(bounced|deferred|undeliverable|SOFTBOUNCE|softbounce|expired|sent)\b[^(]{0,40}(?:\((.*))?")
_REJECT = re.compile(r"\b(?:milter-)?reject: ([A-Za-z\-]{4,20})(?: (.{0,400}?))? from ([^\s\[]{1,255})\[([0-9A-Fa-f:.]{3,45}|unknown)\](?::\d+)?[:;] ?")
_RELAY = re.compile(r"([A-Za-z0-9_.\-]{1,255})\[([0-9A-Fa-f:.]{3,45})\]")
_WORDS_END = re.compile(r"; (?:from=|to=|proto=|helo=|client=|sasl_)")
_AFTER_FIELDS = re.compile(r"(?:proto=\S{1,20}|helo=<[^<>]{0,300}>): ")
_PHASES = {"connect": "connect", "ehlo": "ehlo", "helo": "ehlo", "mail": "mail", "rcpt": "rcpt", "data": "data", "end-of-message": "end-of-data", "eod": "end-of-data", "bdat": "end-of-data",
           "header": "end-of-data", "body": "end-of-data", "mime": "end-of-data", "starttls": "starttls", "auth": "auth"}


def read(line: str) -> Entry | None:
    """A line of Postfix's log, with or without what syslog puts in front."""
    head = _HEAD.match(line)
    queue = _QUEUE.search(line, max(0, head.end() - 2) if head else 0)
    key = queue[1] if queue and queue[1] != "NOQUEUE" else ""
    base = Failure(reporting_mta=(head[2] or "") if head else "", last_attempt_date=(head[1] or "") if head else "")
    refused = _REJECT.search(line)
    if refused:
        return _rejected(line, refused, key, base)
    status = _STATUS.search(line)
    if status:
        return _delivery(line, status, key, base)
    if key and head:
        return _sender(line, key)
    return None


def _fields(text: str) -> dict[str, str]:
    return {name: value.strip("<>") for name, value in _FIELD.findall(text)}


def _rejected(line: str, refused: re.Match[str], key: str, base: Failure) -> Entry:
    """A refusal this host spoke itself: its client is the sending host."""
    rest = line[refused.end() :]
    after = _AFTER_FIELDS.search(rest) if refused[2] else None
    end = _WORDS_END.search(rest)
    words = rest[after.end() :] if after else (rest[: end.start()] if end else rest)
    told = _fields(rest[after.start() if after and not end else (end.start() if end else 0) :] if not after else rest[: after.end()])
    known = Failure(
        final_recipient=clean(told.get("to", "")), envelope_sender=clean(told.get("from", "")), helo_name=told.get("helo", ""), reporting_mta=base.reporting_mta, last_attempt_date=base.last_attempt_date,
        sending_ip="" if refused[4] == "unknown" else refused[4], phase=_PHASES.get(refused[1].lower(), ""),
    )
    return Entry("rejected", key, known, words.strip(), known.phase)


def _delivery(line: str, status: re.Match[str], key: str, base: Failure) -> Entry | None:
    told = _fields(line[: status.start()])
    outcome = {"sent": "delivered", "deferred": "delayed", "expired": "expired"}.get(status[1], "failed")
    words = (status[2] or "").rstrip()
    words = words[:-1] if words.endswith(")") and words.count(")") > words.count("(") else words
    if not words and outcome != "expired":
        return None
    relay = _RELAY.match(told.get("relay", ""))
    dsn = told.get("dsn", "")
    known = Failure(
        final_recipient=clean(told.get("to", "")), original_recipient=clean(told.get("orig_to", "")), envelope_sender=clean(told.get("from", "")), status=dsn if dsn[:1] in ("2", "4", "5") else "",
        remote_mta=relay[1].lower() if relay else "", remote_ip=relay[2] if relay else "", reporting_mta=base.reporting_mta, last_attempt_date=base.last_attempt_date,
    )
    return Entry(outcome, key, known, words)


def _sender(line: str, key: str) -> Entry | None:
    told = _fields(line)
    if not told.keys() & {"from", "message-id", "helo"}:
        return None
    return Entry("context", key, Failure(envelope_sender=clean(told.get("from", "")), message_id=told.get("message-id", ""), helo_name=told.get("helo", "")))
