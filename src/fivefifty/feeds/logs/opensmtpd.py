"""OpenSMTPD: "mta delivery … result="Ok|TempFail|PermFail"", "mda delivery …" and the lines of versions 5 and 6.

What counts.  Ok and Delivered are deliveries, TempFail was put off, PermFail and LoopFail are final, Expired is final with the words of the last
deferral.  Mails from the null sender (the bounces this host sends itself) don't count.  The log holds no Message-ID header; `queue_id`
is OpenSMTPD's message id, the first eight digits of the envelope's.  Local deliveries (mda) carry the fact `local`.
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
from ._mails import Mails, give_up

TITLE = "OpenSMTPD: the mail log"
UNIT = "lines"

_NEW = re.compile(r"(?P<session>[0-9a-f]{8,16}) (?P<agent>mta|mda) (?:event=)?delivery evpid=(?P<evpid>[0-9a-f]{8,16}) (?P<rest>.*)", re.DOTALL)
_OLD = re.compile(r"(?:(?P<agent>relay|delivery|mta|mda): )?(?P<result>Ok|TempFail|PermFail|LoopFail|Loop|Expired|Delivered) for (?P<evpid>[0-9a-f]{8,16}): (?P<rest>.*)", re.DOTALL)
_ADDRESS = r"<((?:\"(?:[^\"\\]|\\.){0,300}\")?[^<>]{0,400})>"
_ENDS = re.compile(rf"\bfrom={_ADDRESS},? to={_ADDRESS}(?:,? rcpt={_ADDRESS})?")
_FIELD = re.compile(r"\b(source|relay|user|method|delay|result)=(?:\"([^\"]{0,500})\"|([^,\s]{1,300}(?: \([^()\s]{1,255}\))?))")
_RELAY = re.compile(r"\[?(?:IPv6:)?([0-9A-Fa-f:.]{3,45})\]?(?: \(([^()\s]{1,255})\))?")
_STAT = re.compile(r"\bstat=(.*)", re.DOTALL)
_DELAY = re.compile(r"(\d{1,9})([dhms]?)")
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1, "": 1}
_KINDS = {"ok": "delivery", "delivered": "delivery", "tempfail": "deferral", "permfail": "bounce", "loopfail": "bounce", "loop": "bounce", "expired": "bounce"}
_LOOKS = re.compile(rb"smtpd\[\d{1,10}\]: (?:[0-9a-f]{16} (?:smtp|mta|mda) |(?:delivery|relay): \w{2,10} for [0-9a-f]{16}: )")


def looks(head: bytes) -> int:
    """Whether these are lines of OpenSMTPD."""
    return 96 if _LOOKS.search(head) else 0


def reader(setting: Setting) -> OpenSmtpdReader:
    """Reads such a log."""
    return OpenSmtpdReader(setting)


class OpenSmtpdReader:
    """Reads deliveries; each line tells sender, recipient and outcome."""

    def __init__(self, setting: Setting) -> None:
        self._fronts = Fronts(setting)
        self._mails = Mails()

    def read(self, lines: Sequence[bytes], where: str, first: int) -> list[Event | Reject]:
        """The events of these lines."""
        found: list[Event | Reject] = []
        for number, line in enumerate(lines, first):
            if line[:1] in (b"{", b"<", b"\0", b"\xef"):
                line = unwrapped(line)
            if b"smtpd" not in line or not (b"delivery" in line or b"relay: " in line):
                continue
            head, _, rest = line.partition(b": ")
            words = decoded(rest)
            told = _NEW.match(words) or _OLD.match(words)
            if told is not None:
                one = self._attempt(head, told, f"{where}:{number}")
                if one is not None:
                    found.append(Reject(f"{where}:{number}", one, line) if isinstance(one, str) else one)
        return found

    def end(self) -> list[Event | Reject]:
        """Nothing: each line is complete."""
        return []

    def state(self) -> dict[str, Any]:
        """Why recipients wait."""
        return self._mails.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._mails.restore(state)

    def _attempt(self, head: bytes, told: re.Match[str], where: str) -> Event | str | None:
        """The event of a line, None for what does not count, or why it can't be read."""
        rest = told["rest"]
        stat, ends = _STAT.search(rest), _ENDS.search(rest)
        fields = {name: quoted or bare for name, quoted, bare in _FIELD.findall(rest[: stat.start()] if stat else rest)}
        result = (told["result"] if told.re is _OLD else fields.get("result", "")).lower()
        if ends is None or stat is None or result not in _KINDS:
            return "a delivery whose recipient and outcome can't both be read (cut short?)"
        if not ends[1]:
            return None
        time, origin = self._fronts.of(head)
        if time < 0:
            return "a delivery without a time that can be read"
        key = told["evpid"][:8]
        event = Event(_KINDS[result], "opensmtpd", time, address(ends[2]), address(ends[1]), queue_id=key, reporting_mta=origin.host, where=where)
        event.text = text_of(stat[1].strip().removeprefix('"').removesuffix('"'))
        event.reply_code, event.status = codes_of(event.text)
        event.sent_at = time - _seconds(fields.get("delay", ""))
        _hosts(event, fields, local=told["agent"] == "mda" or "user" in fields or "method" in fields)
        if ends[3] and ends[3] not in ("-", ends[2]):
            event.facts = {**event.facts, "original_recipient": address(ends[3])}
        if event.kind != "delivery":
            event.phase = phase_of(event.text)
        if result == "expired":
            give_up(event, self._mails.waiting(key, event.recipient))
        self._mails.follow(key, event)
        return event


def _seconds(written: str) -> float:
    """The seconds of "1d2h3m4s"."""
    return float(sum(int(number) * _SECONDS[unit] for number, unit in _DELAY.findall(written[:40])))


def _hosts(event: Event, fields: dict[str, str], local: bool) -> None:
    relay = _RELAY.match(fields.get("relay", ""))
    source = fields.get("source", "-").strip("[]").removeprefix("IPv6:")
    event.sending_ip = source if is_ip(source) else ""
    if relay is not None:
        name = (relay[2] or "").lower().rstrip(".")
        event.remote_ip, event.remote_mta = relay[1], "" if is_ip(name) or name in ("localhost", "") else name
    if local or is_loopback(event.remote_ip):
        event.facts = {"local": True}
