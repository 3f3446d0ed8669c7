"""Sendmail: "to=<…>, …, dsn=5.1.1, stat=User unknown", "ruleset=check_rcpt, …, reject=550 …", "Milter: …, reject=…", and from= lines."""
from __future__ import annotations

import re

from ...model import Failure
from ..address import clean
from . import Entry

HINTS = ("stat=", "reject=", ", size=", "... ")

_HEAD = re.compile(r"(?:(\w{3} {1,2}\d{1,2} \d\d:\d\d:\d\d|\d{4}-\d\d-\d\d[T ]\S{5,30}) (\S{1,255}) )?[\w\-]{2,30}\[\d{1,10}\]: ")
_QUEUE = re.compile(r"(?:^|\]: |: )([0-9A-Za-z]{10,16}): ")
_TO = re.compile(r"\bto=(.{1,2000}?)(?:, (?:ctladdr|delay|xdelay|mailer|pri|relay|dsn|stat|class|ntries|daemon|tls_verify)=|$)")
_ARG = re.compile(r"\barg[12]=<?([^\s<>,]{1,320})>?")
_RELAY = re.compile(r"\brelay=\[?([A-Za-z0-9_.\-]{1,255}?)\.?\]?(?: \[(?:IPv6:)?([0-9A-Fa-f:.]{3,45})\])?(?: \(may be forged\))?(?:,|$)")
_LITERAL = re.compile(r"\brelay=\[(?:IPv6:)?([0-9A-Fa-f:.]{3,45})\]")
_DSN = re.compile(r"\bdsn=([245]\.\d{1,3}\.\d{1,4})")
_FROM = re.compile(r"\bfrom=<?([^\s<>,]{0,320})>?, size=")
_MSGID = re.compile(r"\bmsgid=<?([^\s<>,]{1,998})>?")
_RULESET = re.compile(r"\bruleset=(check_\w{2,12}|tls_\w{2,12}|srv_\w{2,12})")
_PHASES = {"check_rcpt": "rcpt", "check_mail": "mail", "check_relay": "connect", "check_data": "data", "check_eom": "end-of-data", "check_eoh": "end-of-data", "check_vrfy": ""}
_MILTER = re.compile(r"\bMilter: (connect|helo|from|to|data|header|eoh|body|eom)\b")
_MILTERS = {"connect": "connect", "helo": "ehlo", "from": "mail", "to": "rcpt", "data": "end-of-data", "header": "end-of-data", "eoh": "end-of-data", "body": "end-of-data", "eom": "end-of-data"}


def read(line: str) -> Entry | None:
    """A line of sendmail's log."""
    head = _HEAD.match(line)
    queue = _QUEUE.search(line)
    key = queue[1] if queue else ""
    base = Failure(reporting_mta=(head[2] or "") if head else "", last_attempt_date=(head[1] or "") if head else "")
    at = line.find("reject=")
    if at >= 0 and ("ruleset=" in line or "Milter" in line):
        return _rejected(line, at, key, base)
    at = line.find("stat=")
    if at >= 0 and ("to=" in line[:at] or _DSN.search(line)):
        return _delivery(line, at, key, base)
    sender = _FROM.search(line)
    if sender and key:
        msgid = _MSGID.search(line)
        return Entry("context", key, Failure(envelope_sender=clean(sender[1]), message_id=msgid[1] if msgid else ""))
    return None


def _ends(line: str) -> tuple[str, str]:
    """Name and address of relay=."""
    literal = _LITERAL.search(line)
    if literal:
        return "", literal[1]
    found = _RELAY.search(line)
    return (found[1].lower(), found[2] or "") if found and found[1] != "local" else ("", "")


def _rejected(line: str, at: int, key: str, base: Failure) -> Entry:
    """A refusal this host spoke itself: relay= is the sending host."""
    ruleset, milter = _RULESET.search(line), _MILTER.search(line)
    phase = _PHASES.get(ruleset[1], "") if ruleset else (_MILTERS[milter[1]] if milter else "")
    argument = _ARG.search(line)
    to = _TO.search(line[:at].rstrip(", "))
    named = clean(argument[1]) if argument else ""
    known = Failure(
        final_recipient=named if phase == "rcpt" and named else (clean(to[1]) if to else ""), envelope_sender=named if phase == "mail" else "", sending_ip=_ends(line)[1], phase=phase,
        reporting_mta=base.reporting_mta, last_attempt_date=base.last_attempt_date,
    )
    return Entry("rejected", key, known, line[at + 7 :].strip(), phase)


def _delivery(line: str, at: int, key: str, base: Failure) -> Entry:
    words = line[at + 5 :].strip()
    to = _TO.search(line)
    dsn = _DSN.search(line)
    name, ip = _ends(line[:at])
    low = words.lower()
    outcome = "delivered" if low.startswith("sent") else ("delayed" if low.startswith("deferred") or (dsn and dsn[1][0] == "4") else "failed")
    if low == "user unknown":  # sendmail's own word for every 550 to RCPT; only the status is the receiver's
        words = f"dsn={dsn[1]}, stat={words}" if dsn else f"stat={words}"
    known = Failure(final_recipient=clean(to[1].split(",")[0]) if to else "", status=dsn[1] if dsn else "", remote_mta=name, remote_ip=ip, reporting_mta=base.reporting_mta, last_attempt_date=base.last_attempt_date)
    return Entry(outcome, key, known, words)
