"""Exim: the main log (Exim specification, "Log files"), also through syslog or a container's log.

What counts.  "=>", "->", ">>" and "**" are final, "==" is an attempt that was put off; sender and Message-ID come from the mail's "<=" line.
"retry timeout exceeded" makes a final failure with the words of the last deferral.  Not counted: "retry time not reached" (nobody was
asked), mails from the null sender (the bounces this host sends itself), ":blackhole:", "*>" (deliveries that -N suppressed), and what this
host rejected.  Deliveries without a host carry the fact `local`.
"""
from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ...model import Event
from ...parse.reply import codes_of
from ...parse.wrapper import phase_of
from .. import Reject, Setting
from ._lines import Fronts, address, decoded, is_ip, is_loopback, text_of, unwrapped
from ._mails import Mail, Mails, give_up

TITLE = "Exim: the main log"
UNIT = "lines"

_ID = rb"\w{6}-\w{6}-\w{2}|\w{6}-\w{11}-\w{4}"  # until 4.96; since 4.97
_FRONT = (
    rb"(?P<front>(?:[\w.-]{1,60} +\| )?(?:\d{4}-\S{10,30} (?:stdout|stderr) [FP] )?"
    rb"(?:(?:[A-Z][a-z]{2} [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d{1,9})?|\d{4}-\d\d-\d\dT[\d:.,]{8,18}(?:Z|[+-]\d\d:?\d\d)?|1\d{9}(?:\.\d{1,6})?) \S{1,255} [\w./-]{1,60}(?:\[\d{1,10}\])?: (?:\[\d{1,5}[/\\]\d{1,5}\] )?)?)"
    rb"(?P<stamp>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?(?: [+-]\d{4})? )?(?:\[\d{1,10}\] )?"
)
_LINE = re.compile(_FRONT + rb"(?P<id>" + _ID + rb") (?P<flag><=|=>|->|>>|\*\*|==|Completed)(?: (?P<rest>.*))?", re.DOTALL)
_LOOKS = re.compile(rb"(?m)^" + _FRONT + rb"(?:" + _ID + rb") (?:<=|=>|->|>>|\*\*|==|\*>|Completed)")
_HINT = re.compile(rb" (?:=>|<=|\*\*|==|->|>>|Completed)").search
_KINDS = {b"=>": "delivery", b"->": "delivery", b">>": "delivery", b"**": "bounce", b"==": "deferral"}

_TO = re.compile(
    r"(?P<to>\|.{1,500}?|(?:\"(?:[^\"\\]|\\.){0,300}\")?[^\s\"]{0,400}?)(?: \((?P<between>[^()\s]{1,320})\))?(?: <(?P<original>(?:\"(?:[^\"\\]|\\.){0,300}\")?[^<>\s\"]{0,320})>)?(?=: | [A-Za-z]{1,5}=| (?:routing |[a-z]{2,12} )?defer \(|:?$| \w+$)"
)
_SENDER = re.compile(r"(<>|(?:\"(?:[^\"\\]|\\.){0,300}\")?[^\s\"]{1,400})")
_FIELDS = re.compile(r"(?:\"(?:[^\"\\]|\\.)*+\"|[^\":]|:(?! ))*+")  # up to the first ": " outside quotation marks
_MESSAGE_ID = re.compile(r" id=(\S{1,998})")
_HOST = re.compile(r" H=(?:\(([^()\s]{1,255})\)|([^\s\[(]{1,255}))?(?: \(([^()]{1,255})\))? ?\[([0-9A-Fa-f:.]{3,45})\]")
_OWN = re.compile(r" (?:I|LI)=\[([0-9A-Fa-f:.]{3,45})\]")
_FROM = re.compile(r" (?:F|P)=<([^<>\s]{0,320})>")
_SAID = re.compile(r" C=\"((?:[^\"\\]|\\.)*+)\"")
_PHASES = (
    ("after RCPT TO:", "rcpt"), ("after pipelined RCPT TO:", "rcpt"), ("after MAIL FROM:", "mail"), ("after pipelined MAIL FROM:", "mail"), ("after end of data", "end-of-data"),
    ("after pipelined end of data", "end-of-data"), ("after initial connection", "connect"), ("after EHLO", "ehlo"), ("after HELO", "ehlo"), ("after DATA", "data"), ("after STARTTLS", "starttls"), ("after AUTH", "auth"),
)
_GAVE_UP = ("retry timeout exceeded", "have been failing for a long time")


def looks(head: bytes) -> int:
    """Whether these are lines of Exim's main log."""
    return 95 if _LOOKS.search(head) else 0


def reader(setting: Setting) -> EximReader:
    """Reads such a log."""
    return EximReader(setting)


class EximReader:
    """Joins the lines of each mail by its message id."""

    def __init__(self, setting: Setting) -> None:
        self._fronts = Fronts(setting)
        self._mails = Mails()

    def read(self, lines: Sequence[bytes], where: str, first: int) -> list[Event | Reject]:
        """The events of these lines."""
        found: list[Event | Reject] = []
        for number, line in enumerate(lines, first):
            if line[:1] in (b"{", b"<", b"\0", b"\xef"):
                line = unwrapped(line)
            if not _HINT(line):
                continue
            told = _LINE.match(line)
            if told is not None:
                one = self._told(told, line, f"{where}:{number}")
                if one is not None:
                    found.append(one)
        return found

    def end(self) -> list[Event | Reject]:
        """Nothing: each line is complete."""
        return []

    def state(self) -> dict[str, Any]:
        """The mails still in the queue."""
        return self._mails.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._mails.restore(state)

    def _told(self, told: re.Match[bytes], line: bytes, where: str) -> Event | Reject | None:
        key, flag, rest = told["id"].decode(), told["flag"], decoded(told["rest"] or b"")
        if flag == b"Completed":
            self._mails.ended(key)
            return None
        if flag == b"<=":
            self._arrived(key, rest)
            return None
        event = self._attempt(key, _KINDS[flag], rest, where)
        if isinstance(event, str):
            return Reject(where, event, line) if event else None
        event.time, event.reporting_mta = self._when(told)
        if event.time < 0:
            return Reject(where, "a delivery without a time that can be read", line)
        self._mails.follow(key, event)
        return event

    def _when(self, told: re.Match[bytes]) -> tuple[float, str]:
        front, stamp = told["front"], told["stamp"]
        time, origin = self._fronts.of(front.strip()[:-1]) if front else (-1.0, None)
        if stamp:
            time = self._fronts.clock.iso(stamp.decode().strip())
        return time, origin.host if origin else ""

    def _arrived(self, key: str, rest: str) -> None:
        """ "<=": sender and Message-ID; the subject, which anybody may have written, stands behind them."""
        sender = _SENDER.match(rest)
        fields = rest.partition(' T="')[0]
        message_id = _MESSAGE_ID.search(fields)
        self._mails.put(key, Mail(address(sender[1]) if sender else None, message_id[1].strip("<>") if message_id else ""))

    def _attempt(self, key: str, kind: str, rest: str, where: str) -> Event | str:
        """The event of one attempt, without its time; a reason to reject the line, or "" to pass over it."""
        told = _TO.match(rest)
        if told is None or not (told["to"] or told["original"]):
            return "a delivery whose recipient can't be read"
        recipient, original = _recipient(told)
        if (told["to"] or "").startswith(":blackhole"):
            return ""
        fields_end = _FIELDS.match(rest, told.end())
        fields = fields_end[0] if fields_end else ""
        sender = self._sender(key, fields)
        if sender == "":
            return ""
        words = rest[told.end() + len(fields) :].removeprefix(": ")
        event = Event(kind, "exim", 0.0, recipient, sender or "", message_id=self._mails.of(key).message_id, queue_id=key, where=where)
        if original and original != recipient:
            event.facts = {"original_recipient": original}
        _host(event, fields)
        if kind == "delivery":
            said = _SAID.search(rest[told.end() :])
            event.text = text_of(said[1].replace('\\"', '"').replace("\\n", " ")) if said else ""
        elif not words and kind == "deferral":
            return "a deferral whose reason can't be read (cut short?)"
        elif words.startswith("retry time not reached"):
            return ""
        else:
            event.text = text_of(words.replace("\\n", " ").strip())
        _explained(event)
        if kind == "bounce" and any(one in event.text for one in _GAVE_UP):
            give_up(event, self._mails.waiting(key, recipient) if codes_of(event.text)[0] == 0 else None)
        return event

    def _sender(self, key: str, fields: str) -> str | None:
        known = self._mails.of(key).sender
        if known is not None:
            return known
        told = _FROM.search(fields)
        return address(told[1]) if told else None


def _recipient(told: re.Match[str]) -> tuple[str, str]:
    """The recipient and the address it was made from: of files and pipes only the latter is one."""
    to, original = told["to"] or "", told["original"] or ""
    if "@" not in to or to[0] in "|/":
        to = told["between"] if "@" in (told["between"] or "") else (original or to)
    return address(to or ""), address(original)


def _host(event: Event, fields: str) -> None:
    host = _HOST.search(fields)
    own = _OWN.search(fields)
    if own is not None:
        event.sending_ip = own[1]
    if host is not None:
        name = (host[2] or "").rstrip(".").lower()
        event.remote_mta, event.remote_ip = "" if is_ip(name) else name, host[4]
    if event.kind == "delivery" and (host is None or is_loopback(host[4])):
        event.facts = {**event.facts, "local": True}


def _explained(event: Event) -> None:
    """Codes and phase from the words."""
    if not event.text:
        return
    event.reply_code, event.status = codes_of(event.text)
    if event.kind != "delivery":
        event.phase = next((phase for words, phase in _PHASES if words in event.text), "") or phase_of(event.text)
