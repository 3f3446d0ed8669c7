"""Sendmail: the lines of sm-mta and sendmail in syslog.

What counts.  Each recipient of a "to=…, stat=…" line: "Sent" is a delivery, "Deferred" or a 4.x.x status an attempt that was put off, anything
else final; sender and Message-ID come from the mail's "from=" line.  "Cannot send message within 5 days" makes final failures of the
recipients still open, with the words of their last deferral.  Not counted: "queued", the hand-over from the submission queue to this host's own
daemon, mails from the null sender and the bounces that "DSN:" lines name, and what rulesets or filters rejected.
Deliveries by local, file and program mailers carry the fact `local`.
"""
from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...model import Event
from ...parse.reply import codes_of
from ...parse.wrapper import phase_of
from .. import Reject, Setting
from ._lines import Fronts, address, decoded, is_ip, is_loopback, text_of, unwrapped
from ._mails import Mail, Mails

TITLE = "Sendmail: the mail log"
UNIT = "lines"

_QUEUE_ID = re.compile(r"[0-9A-Za-z]{8,20}")
_TO = re.compile(r"to=(.{1,8000}?)(?: \[more\])?, (?=(?:ctladdr|delay|xdelay|mailer|pri|relay|dsn|stat|class|ntries|daemon|tls_verify)=)", re.DOTALL)
_ONE = re.compile(r"<((?:\"(?:[^\"\\]|\\.){0,300}\")?[^<>]{0,400})>|(\"\|[^\"]{0,500}\"|\|\"[^\"]{0,500}\"|(?:\"(?:[^\"\\]|\\.){0,300}\")?[^,]{1,400})")
_FIELD = re.compile(r"(?:^|, )(ctladdr|delay|mailer|relay|dsn)=((?:<[^<>]{0,400}>|[^,])[^,]{0,400})")
_SENDER = re.compile(r"from=(<(?:\"(?:[^\"\\]|\\.){0,300}\")?[^<>]{0,400}>|[^,<>]{1,400}), (?:size|class)=")
_MSGID = re.compile(r", msgid=<?([^\s<>,]{1,998})>?")
_RELAY = re.compile(r"\[?([A-Za-z0-9_\-]{1,63}(?:\.[A-Za-z0-9_\-]{1,63}){0,30})\.?\]?(?: \[(?:IPv6:)?([0-9A-Fa-f:.]{3,45})\])?(?: \(may be forged\))?")
_LITERAL = re.compile(r"\[(?:IPv6:)?([0-9A-Fa-f:.]{3,45})\]")
_DELAY = re.compile(r"(?:(\d{1,4})\+)?(\d\d):(\d\d):(\d\d)")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,4}")
_NOTICE = re.compile(r"([0-9A-Za-z]{8,20}): (DSN|return to sender|sender notify|postmaster notify): (.*)", re.DOTALL)
_GAVE_UP = re.compile(r"cannot send (?:message )?(?:within|for) |message could not be delivered for|message timed out", re.IGNORECASE)
_LOOKS = re.compile(rb"(?:sm-mta|sendmail|sm-msp-queue|sm-que)\w{0,10}\[\d{1,10}\]: [0-9A-Za-z]{8,20}: (?:from=.{1,500}, size=|to=.{1,2000}, (?:stat|dsn)=|[0-9A-Za-z]{8,20}: DSN: )")
_HANDED_ON = re.compile(r"accepted for delivery|queued as", re.IGNORECASE)  # by a filter or a second daemon of this host
_LOCAL = frozenset(("local", "prog", "*file*", "*include*", "cyrus", "cyrusv2", "procmail", "lmtp"))


def looks(head: bytes) -> int:
    """Whether these are lines of sendmail."""
    return 95 if _LOOKS.search(head) else 0


def reader(setting: Setting) -> SendmailReader:
    """Reads such a log."""
    return SendmailReader(setting)


class SendmailReader:
    """Joins the lines of each mail by its queue id."""

    def __init__(self, setting: Setting) -> None:
        self._fronts = Fronts(setting)
        self._mails = Mails()

    def read(self, lines: Sequence[bytes], where: str, first: int) -> list[Event | Reject]:
        """The events of these lines."""
        found: list[Event | Reject] = []
        for number, line in enumerate(lines, first):
            if line[:1] in (b"{", b"<", b"\0", b"\xef") or b"]: [ID " in line:
                line = unwrapped(line)
            parts = line.split(b": ", 2)
            if len(parts) < 3:
                continue
            queue_id, rest = decoded(parts[1]), parts[2]
            if not _QUEUE_ID.fullmatch(queue_id):
                continue
            if rest[:3] == b"to=":
                found += self._attempts(parts[0], queue_id, decoded(rest), (f"{where}:{number}", line))
            elif rest[:5] == b"from=":
                self._arrived(queue_id, decoded(rest))
            elif b": " in rest[:48]:
                found += self._noticed(parts[0], queue_id, decoded(rest), (f"{where}:{number}", line))
        return found

    def end(self) -> list[Event | Reject]:
        """Nothing: each line is complete."""
        return []

    def state(self) -> dict[str, Any]:
        """The mails seen last."""
        return self._mails.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._mails.restore(state)

    def _arrived(self, queue_id: str, rest: str) -> None:
        sender, message_id = _SENDER.match(rest), _MSGID.search(rest)
        if sender is not None:
            self._mails.ended(queue_id)
            self._mails.put(queue_id, Mail(address(sender[1]), message_id[1] if message_id else ""))

    def _attempts(self, head: bytes, queue_id: str, rest: str, place: tuple[str, bytes]) -> Iterator[Event | Reject]:
        """The events of a line, one for each recipient."""
        where, line = place
        mail = self._mails.of(queue_id)
        to, stat_at = _TO.match(rest), rest.find(", stat=")
        if mail.sender == "":
            return
        if to is None or stat_at < 0:
            yield Reject(where, "a delivery whose recipients and outcome can't both be read (cut short?)", line)
            return
        time, origin = self._fronts.of(head)
        if time < 0:
            yield Reject(where, "a delivery without a time that can be read", line)
            return
        told = dict(_FIELD.findall(rest[to.end() - 2 : stat_at]))
        words = text_of(rest[stat_at + 7 :].strip())
        kind = _kind(words, told.get("dsn", ""))
        name, ip = _relay(told.get("relay", ""))
        if not kind or (kind == "delivery" and is_loopback(ip) and (told.get("mailer") == "relay" or _HANDED_ON.search(words))):
            return
        for recipient in _recipients(to[1]):
            event = Event(kind, "sendmail", time, recipient, mail.sender or "", message_id=mail.message_id, queue_id=queue_id, reporting_mta=origin.host, remote_mta=name, remote_ip=ip, where=where)
            event.sent_at = time - _seconds(told.get("delay", "")) if "delay" in told else 0.0
            _explained(event, words, told)
            self._mails.follow(queue_id, event)
            yield event

    def _noticed(self, head: bytes, queue_id: str, rest: str, place: tuple[str, bytes]) -> Iterator[Event | Reject]:
        """A line about a bounce this host writes: that mail is not ours to count, and its reason may be that the time is up."""
        told = _NOTICE.match(rest)
        if told is None:
            return
        self._mails.put(told[1], Mail(""))
        mail = self._mails.of(queue_id)
        if mail.sender == "" or not _GAVE_UP.search(told[3]) or told[2] == "postmaster notify":
            return
        time, origin = self._fronts.of(head)
        open_ones = list(self._mails.expired(queue_id))
        if time < 0 or not open_ones:
            yield Reject(place[0], "a mail that expired, whose recipients or time can't be read", place[1])
            return
        for recipient, last in open_ones:
            yield Event(
                "bounce", "sendmail", time, recipient, mail.sender or "", message_id=mail.message_id, queue_id=queue_id, reporting_mta=origin.host, remote_mta=last.remote_mta, remote_ip=last.remote_ip,
                status=last.status, reply_code=last.reply_code, phase=last.phase, text=last.text, stage="expired", where=place[0],
            )


def _kind(words: str, dsn: str) -> str:
    """The kind of event that a "stat=" tells, "" for none."""
    low = words[:10].lower()
    if low.startswith("sent"):
        return "delivery"
    if low.startswith("queued") or not words:
        return ""
    return "deferral" if low.startswith("deferred") or dsn[:1] == "4" else "bounce"


def _recipients(written: str) -> list[str]:
    """The addresses of "to=", commas inside quotation marks left alone."""
    found = [address(one[1] or one[2].strip()) for one in _ONE.finditer(written)]
    return [one for one in dict.fromkeys(found) if one]


def _relay(written: str) -> tuple[str, str]:
    literal = _LITERAL.match(written)
    if literal is not None:
        return "", literal[1]
    found = _RELAY.match(written)
    if found is None or found[1] in ("local", ""):
        return "", ""
    name = found[1].lower()
    return "" if is_ip(name) else name, found[2] or ""


def _seconds(written: str) -> float:
    """The seconds of "1+02:03:04"."""
    found = _DELAY.match(written)
    return ((int(found[1] or 0) * 24 + int(found[2])) * 60 + int(found[3])) * 60.0 + int(found[4]) if found else 0.0


def _explained(event: Event, words: str, told: dict[str, str]) -> None:
    """The words, and codes and phase in them; what is local."""
    dsn = _STATUS.match(told.get("dsn", ""))
    event.status = dsn[0] if dsn else ""
    if event.kind == "delivery":
        event.text = words[4:].strip().removeprefix("(").removesuffix(")")
        if told.get("mailer", "") in _LOCAL or told.get("relay") == "local" or is_loopback(event.remote_ip):
            event.facts = {"local": True}
    else:
        event.text = words.removeprefix("Deferred: ")
        if words.lower() == "user unknown":  # sendmail's own words for every 550 to RCPT; only the status is the receiver's
            event.text = f"dsn={event.status}, stat={words}" if event.status else f"stat={words}"
        event.phase = phase_of(event.text)
    event.reply_code = codes_of(event.text)[0]
