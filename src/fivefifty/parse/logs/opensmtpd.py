"""OpenSMTPD: result="PermFail" stat="550 …" of deliveries, and failed commands of its own clients."""
from __future__ import annotations

import re

from ...model import Failure
from ..address import clean
from . import Entry

HINTS = ("result=", "PermFail", "TempFail", "failed-command", "bad-input")

_FIELD = re.compile(r"\b([a-z_\-]{2,12})=(?:\"([^\"]{0,2000})\"|<([^<>]{0,400})>|([^\s,]{1,400}))")
_RELAY = re.compile(r"(?:([A-Za-z0-9_.\-]{1,255}) )?\(?\[?(?:IPv6:)?([0-9A-Fa-f:.]{3,45})\]?\)?")
_OLD_RELAY = re.compile(r"relay=([0-9A-Fa-f:.]{3,45}) \(([A-Za-z0-9_.\-]{1,255})\)")
_NEW_RELAY = re.compile(r"relay=\"?([0-9A-Fa-f:.]{3,45}) \(([A-Za-z0-9_.\-]{1,255})\)")
_OLD = re.compile(r"\b(PermFail|TempFail|Ok|Delivered) for ([0-9a-f]{8,16})")
_HEAD = re.compile(r"(?:(\w{3} {1,2}\d{1,2} \d\d:\d\d:\d\d|\d{4}-\d\d-\d\d[T ]\S{5,30}) (\S{1,255}) )?smtpd\[")
_OUTCOMES = {"permfail": "failed", "tempfail": "delayed", "loop": "failed", "ok": "delivered", "delivered": "delivered"}
_PHASES = {"rcpt": "rcpt", "mail": "mail", "ehlo": "ehlo", "helo": "ehlo", "data": "data", "auth": "auth", "star": "starttls"}


def read(line: str) -> Entry | None:
    """A line of smtpd's log."""
    told = {name: text or angle or bare for name, text, angle, bare in _FIELD.findall(line)}
    head = _HEAD.search(line)
    base = Failure(reporting_mta=(head[2] or "") if head else "", last_attempt_date=(head[1] or "") if head else "")
    old = _OLD.search(line)
    result = old[1] if old else told.get("result", "")
    if ("stat" in told or "stat=" in line) and result.lower() in _OUTCOMES:
        return _delivery(line, told, _OUTCOMES[result.lower()], old[2] if old else told.get("evpid", ""), base)
    if result[:1] in ("4", "5") and ("failed-command" in line or "bad-input" in line):
        return _refused(told, result, base)
    return None


def _delivery(line: str, told: dict[str, str], outcome: str, key: str, base: Failure) -> Entry:
    relay = _NEW_RELAY.search(line)
    at = line.find("stat=")
    words = told.get("stat", "") if line[at + 5 : at + 6] == '"' else line[at + 5 :]
    recipient = told.get("to", "") if told.get("rcpt", "-") in ("-", "") else told["rcpt"]
    known = Failure(final_recipient=clean(told.get("to", "") or recipient), original_recipient=clean(recipient) if recipient != told.get("to", "") else "", envelope_sender=clean(told.get("from", "")),
                    remote_mta=relay[2].lower() if relay else "", remote_ip=relay[1] if relay else "", reporting_mta=base.reporting_mta, last_attempt_date=base.last_attempt_date)
    return Entry(outcome, key, known, words.strip('" '))


def _refused(told: dict[str, str], result: str, base: Failure) -> Entry:
    """A refusal this host spoke itself: address= is the sending host."""
    command = told.get("command", "")
    phase = _PHASES.get(command[:4].lower(), "")
    address = clean(command.partition(":")[2].split(" ")[0]) if ":" in command else ""
    known = Failure(final_recipient=address if phase == "rcpt" else "", envelope_sender=clean(told.get("from", "")) or (address if phase == "mail" else ""), sending_ip=told.get("address", "").strip("[]"),
                    phase=phase, reporting_mta=base.reporting_mta, last_attempt_date=base.last_attempt_date)
    return Entry("rejected", "", known, result, phase)
