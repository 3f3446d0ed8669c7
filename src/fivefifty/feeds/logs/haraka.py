"""Haraka: the log of its outbound deliveries, in the default form, as logfmt or as JSON.

What counts.  "delivered" is told once for all recipients of a domain; "recipient <…> rejected" and "… deferred" name one; "bouncing mail" and
"Temp failing" speak of all that are open.  Who the recipients are stands in the lines of the session that took the mail ([core] sender, recipient,
message); where those were not seen, a delivery is counted for the domain without recipient.  "Too many failures" is a final failure with the
words of the last deferral.  Mails from the null sender don't count.

Haraka writes no times of its own unless told to (log.ini: timestamps); syslog's, a container's or a JSON record's are taken.
"""
from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ...model import Event
from ...parse.reply import codes_of
from ...parse.wrapper import phase_of
from .. import Reject, Setting
from ._lines import Fronts, address, decoded, is_ip, is_loopback, text_of, unwrapped
from ._mails import Mail, Mails, give_up

TITLE = "Haraka: the log of outbound deliveries"
UNIT = "lines"

MAX_RECIPIENTS = 1_000  # of one mail
_UUID = r"[0-9A-F]{8}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12}(?:\.\d{1,6}){0,3}"
_PLAIN = re.compile(rf"(?P<front>.{{0,300}}?)\[(?:[A-Z]{{4,9}})\] +\[(?P<uuid>{_UUID})\] +\[(?P<source>[\w./-]{{1,60}})\] (?P<said>.*)", re.DOTALL)
_PAIR = re.compile(r"([A-Za-z_@][\w.-]{0,30})=(?:\"((?:[^\"\\]|\\.)*+)\"|(\S*))")
_OUTCOME = re.compile(r"recipient (<.{0,600}?>) (rejected|deferred): (.*)", re.DOTALL)
_NAMED = re.compile(r"<([^<>\s]{1,400})>")
_BOUNCING = "bouncing mail: "
_PUT_OFF = re.compile(r"Temp failing \S{1,300} for [\d.]{1,12} seconds: (.*)", re.DOTALL)
_TOO_MANY = re.compile(r"Too many failures \((.*)\)", re.DOTALL)
_TIMES = ("timestamp", "time", "@timestamp", "date", "ts")
_LOOKS = re.compile(rf"\[[A-Z]{{4,9}}\] +\[{_UUID}\] +\[(?:outbound|core)\] |level=\"?[A-Z]{{4,9}}\"? uuid=\"?{_UUID}|\"level\" ?: ?\"[A-Z]{{4,9}}\".{{0,200}}\"uuid\" ?: ?\"{_UUID}".encode())


class _Said(NamedTuple):
    """One line of the log."""

    front: str
    uuid: str
    source: str
    words: str
    fields: Mapping[str, str]


def looks(head: bytes) -> int:
    """Whether these are lines of Haraka."""
    return 95 if _LOOKS.search(head) else 0


def reader(setting: Setting) -> HarakaReader:
    """Reads such a log."""
    return HarakaReader(setting)


class HarakaReader:
    """Joins what was said in a session and about its deliveries by the transaction's uuid."""

    def __init__(self, setting: Setting) -> None:
        self._fronts = Fronts(setting)
        self._mails = Mails()
        self._open: dict[str, list[str]] = {}  # transaction: recipients without an outcome

    def read(self, lines: Sequence[bytes], where: str, first: int) -> list[Event | Reject]:
        """The events of these lines."""
        found: list[Event | Reject] = []
        for number, line in enumerate(lines, first):
            if b"outbound" not in line and b"core" not in line:
                continue
            said = _said(line)
            if said is None or not said.uuid:
                continue
            if said.source == "outbound":
                found += self._outbound(said, f"{where}:{number}", line)
            elif said.source == "core":
                self._session(said)
        return found

    def end(self) -> list[Event | Reject]:
        """Nothing: each line is complete."""
        return []

    def state(self) -> dict[str, Any]:
        """The mails still in the queue."""
        return {**self._mails.state(), "open": [[key, list(recipients)] for key, recipients in self._open.items()]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._mails.restore(state)
        self._open = {key: list(recipients) for key, recipients in state.get("open", ())}

    def _session(self, said: _Said) -> None:
        """Sender, recipients and Message-ID, as the client gave them."""
        words, key = said.words, said.uuid
        named = _NAMED.search(said.fields.get("address", "") or words)
        if words.startswith("sender"):
            self._mails.put(key, Mail(address(named[1]) if named else ("" if "<>" in words or "<>" in said.fields.get("address", "") else None)))
            self._open[key] = []
            if len(self._open) > 30_000:
                del self._open[next(iter(self._open))]
        elif words.startswith("recipient") and named and key in self._open and said.fields.get("code", "OK") in ("OK", "CONT", "NEXT"):
            if len(self._open[key]) < MAX_RECIPIENTS:
                self._open[key].append(address(named[1]))
        elif words.startswith("message") and said.fields.get("mid"):
            self._mails.put(key, self._mails.of(key)._replace(message_id=said.fields["mid"].strip("<>")))

    def _outbound(self, said: _Said, where: str, line: bytes) -> Iterator[Event | Reject]:
        """What became of an attempt."""
        told = _told(said)
        key = said.uuid.rpartition(".")[0] if said.uuid.count(".") > 1 else said.uuid
        mail = self._mails.of(key)
        if told is None or mail.sender == "":
            return
        kind, text, named = told
        time, host = self._when(said)
        if time < 0:
            yield Reject(where, "a delivery without a time: Haraka writes none unless log.ini says timestamps=true", line)
            return
        recipients = [named] if named else self._meant(key, said)
        if not recipients and kind != "delivery":
            yield Reject(where, "an outcome whose recipients don't stand in what was read", line)
            return
        for recipient in recipients or [""]:
            event = Event(kind, "haraka", time, recipient, mail.sender or "", message_id=mail.message_id, queue_id=key, reporting_mta=host, text=text, where=where)
            _filled(event, said)
            if kind == "expired":
                give_up(event, self._mails.waiting(key, recipient))
            self._mails.follow(key, event)
            if event.kind != "deferral" and recipient in self._open.get(key, ()):
                self._open[key].remove(recipient)
            yield event

    def _meant(self, key: str, said: _Said) -> list[str]:
        """The open recipients an outcome is about: those of its domain, or all where they share one; of a partly successful one only those not waiting."""
        recipients = self._open.get(key, [])
        domain = said.fields.get("domain", "").lower()
        if domain:
            partly = said.fields.get("rcpts", "").split("/")[1:2] not in ([], ["0"])
            return [one for one in recipients if one.rpartition("@")[2] == domain and not (partly and self._mails.waiting(key, one))]
        return list(recipients) if len({one.rpartition("@")[2] for one in recipients}) == 1 else []

    def _when(self, said: _Said) -> tuple[float, str]:
        for name in _TIMES:
            if said.fields.get(name):
                written = said.fields[name]
                if written.isdigit() and len(written) in (10, 13):
                    return float(written) / (1000 if len(written) == 13 else 1), said.fields.get("hostname", "").lower()
                return self._fronts.clock.iso(written), said.fields.get("hostname", "").lower()
        time, origin = self._fronts.of(said.front.strip().removesuffix(":").encode())
        return time, origin.host


def _said(line: bytes) -> _Said | None:
    """A line taken apart, in whichever form it was written."""
    at = line.find(b'{"')
    if at >= 0 and line.rstrip()[-1:] == b"}":
        record = _record(line[at:])
        if record is not None and "uuid" in record:
            return _Said(decoded(line[:at]), record["uuid"], record.get("source", record.get("plugin", "")), record.get("message", ""), record)
        line = unwrapped(line)
    text = decoded(unwrapped(line))
    plain = _PLAIN.match(text)
    if plain is not None:
        return _Said(plain["front"], plain["uuid"], plain["source"], plain["said"], _pairs(plain["said"]))
    at = text.find("level=")
    if at < 0:
        return None
    fields = _pairs(text[at:])
    return _Said(text[:at], fields.get("uuid", ""), fields.get("source", ""), fields.get("message", ""), fields)


def _record(content: bytes) -> dict[str, str] | None:
    try:
        told = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return {str(name): value if isinstance(value, str) else json.dumps(value) for name, value in told.items()} if isinstance(told, dict) else None


def _pairs(text: str) -> dict[str, str]:
    return {name: quoted.replace('\\"', '"') or bare for name, quoted, bare in _PAIR.findall(text)}


def _told(said: _Said) -> tuple[str, str, str] | None:
    """Kind, words, and the recipient where one is named; None for lines that tell no outcome."""
    words = said.words
    if words.startswith("delivered") or "delivered file" in said.fields:
        return "delivery", said.fields.get("response", ""), ""
    one = _OUTCOME.match(words)
    if one is not None:
        return ("bounce" if one[2] == "rejected" else "deferral"), one[3], address(one[1])
    put_off = _PUT_OFF.match(words)
    if put_off is not None:
        return None if put_off[1].startswith("Some recipients ") else ("deferral", put_off[1], "")
    if not words.startswith(_BOUNCING) or words.startswith(_BOUNCING + "Some recipients "):
        return None
    many = _TOO_MANY.match(words, len(_BOUNCING))
    return ("expired", many[1], "") if many else ("bounce", words[len(_BOUNCING) :], "")


def _filled(event: Event, said: _Said) -> None:
    """Hosts, codes and phase."""
    fields = said.fields
    event.text = text_of(event.text)
    if event.kind == "delivery":
        name, ip = fields.get("host", "").lower().rstrip("."), fields.get("ip", "")
        event.remote_mta, event.remote_ip = "" if is_ip(name) or "/" in name else name, ip if is_ip(ip) else ""
        event.recipient_domain = "" if event.recipient else fields.get("domain", "").lower()
        if not event.recipient:
            accepted = fields.get("rcpts", "").partition("/")[0]
            event.count = int(accepted) if accepted.isdecimal() and 0 < len(accepted) < 6 and int(accepted) else 1
        if is_loopback(ip) or "/" in name:
            event.facts = {"local": True}
        return
    event.reply_code, event.status = codes_of(event.text)
    event.phase = "rcpt" if said.words.startswith("recipient ") else phase_of(event.text)
