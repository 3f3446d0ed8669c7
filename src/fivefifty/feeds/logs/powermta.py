"""PowerMTA: the accounting file (CSV, or JSON lines), any set of columns, several files behind one another.

Records by type: d delivered, b bounced, t a transient failure of one recipient, rb a bounce that came back as a mail, f a feedback report.
Not counted: r (received), tq (a whole queue failed, no recipient), what a domain is told to discard, rs (a status report that came back: delivered, relayed, delayed).
rb and f arrive as mails that anybody can write: they are `unverified`.  Times are seconds since 1970 or dates with a zone.
"""
from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from ...model import Event
from ...parse.reply import codes_of
from ...parse.wrapper import phase_of
from .. import Setting
from ..webhooks._payload import address, domain, host, identity, message_id, status, text, words
from ._csv import Columns, Row, TableReader, first_of, looks_like
from ._json import Unreadable
from ._times import Times

TITLE = "PowerMTA: the accounting file"
UNIT = "lines"

_KNOWN = frozenset((
    "type timelogged timequeued timeimprinted timefirstattempt orig rcpt orcpt dsnaction dsnstatus dsndiag dsnmta bouncecat srctype srcmta dlvtype dlvsourceip dlvdestinationip "
    "dlvesmtpavailable dlvsize vmta jobid envid queue vmtapool format useragent reporteddomain originalrcptto originalmailfrom arrivaldate sourceip reportingmta feedbacktype"
).split())
COLUMNS = Columns(_KNOWN, (frozenset(("type", "timelogged")), frozenset(("type", "rcpt", "dsnstatus"))), "The header is missing: the first line has to name the columns (type,timeLogged,rcpt …).")
_TYPES = {
    "d": "delivery", "delivery": "delivery", "delivered": "delivery", "b": "bounce", "bounce": "bounce", "bounced": "bounce", "t": "deferral", "transient": "deferral",
    "rb": "late", "remotebounce": "late", "f": "complaint", "feedback": "complaint", "feedbackloop": "complaint", "fbl": "complaint",
}
_NOT_COUNTED = frozenset(("r", "receipt", "received", "rs", "remotestatus", "tq", "transientqueue"))
_COMMENTED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})?\s*\(?(.{0,400}?)\)?")
_HOST_IP = re.compile(r"(?:dns;\s*)?([^\s()\[\]]{0,255})\s*(?:[(\[]([0-9A-Fa-f:.]{3,45})[)\]])?")


def looks(head: bytes) -> int:
    """Whether it begins with such a header."""
    if head.lstrip()[:1] == b"{":
        return 90 if b'"timeLogged"' in head and b'"rcpt"' in head and b'"type"' in head else 0
    return looks_like(COLUMNS, head, 95)


def reader(setting: Setting) -> PowermtaReader:
    """Reads such a file."""
    return PowermtaReader(setting)


class PowermtaReader(TableReader):
    """One row, one recipient."""

    columns = COLUMNS
    takes_json = True

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._times = Times(setting.now, setting.zone, day_first=False)

    def row(self, row: Row, where: str) -> Iterable[Event]:
        """The event of one record."""
        kind = _kind(row)
        if not kind or (kind == "delivery" and row.get("dlvtype", "").strip().lower() == "discard"):
            return ()
        time = self._times.of(row.get("timelogged", ""))
        if not time:
            raise Unreadable("Its time (timeLogged) can't be read.")
        event = Event(kind if kind != "late" else "bounce", "powermta", time, where=where)
        if kind == "complaint":
            self._complaint(event, row)
        else:
            self._delivered(event, row)
            if event.envelope_sender == "<>":
                return ()  # the bounces this host sends itself
            event.late, event.trust = kind == "late", "unverified" if kind == "late" else "own"
        if not event.recipient and kind != "complaint":
            raise Unreadable("It names no recipient.")
        event.native_id = identity(*(row.get(name, "") for name in row))
        return (event,)

    def _delivered(self, event: Event, row: Row) -> None:
        event.recipient = address(row.get("rcpt", ""))
        sender = row.get("orig", "").strip()
        event.envelope_sender = "<>" if sender == "<>" or (not sender and "orig" in row) else address(sender)
        event.sent_at = self._times.of(first_of(row, "timequeued", "timeimprinted"))
        event.sending_ip = row.get("dlvsourceip", "").strip()
        _mta(event, row)
        _common(event, row)
        if event.kind != "delivery":
            _failed(event, row)

    def _complaint(self, event: Event, row: Row) -> None:
        event.trust = "unverified"
        event.recipient = address(first_of(row, "originalrcptto", "rcpt", "orcpt"))
        event.envelope_sender = address(first_of(row, "originalmailfrom", "orig"))
        event.author_domain = domain(first_of(row, "headerfrom")) or host(first_of(row, "reporteddomain", "reporteddomains").partition(",")[0])
        event.reporting_mta = host(row.get("reportingmta", ""))
        event.sending_ip = row.get("sourceip", "").strip()
        event.sent_at = self._times.of(row.get("arrivaldate", ""))
        _common(event, row)
        kind = first_of(row, "feedbacktype").lower()
        event.facts = {**event.facts, **({"feedback_type": kind} if kind else {}), **({"user_agent": text(row["useragent"], 200)} if row.get("useragent") else {})}
        if kind == "not-spam":  # RFC 6430: somebody took the mail out of the spam folder
            event.kind = "notice"
        elif kind == "auth-failure":  # RFC 6591
            event.kind = "authentication"


def _kind(row: Row) -> str:
    written = row.get("type", "").strip().lower()
    plain = written.replace("-", "").replace("_", "")
    if plain in _NOT_COUNTED:
        return "late" if plain in ("rs", "remotestatus") and row.get("dsnaction", "").strip().lower() == "failed" else ""
    if plain not in _TYPES:
        raise Unreadable(f"The type {written[:30]!r} is none that PowerMTA writes.")
    return _TYPES[plain]


def _mta(event: Event, row: Row) -> None:
    """dsnMta: "mx.example.net (192.0.2.25)"."""
    found = _HOST_IP.fullmatch(row.get("dsnmta", "").strip())
    if found:
        event.remote_mta, event.remote_ip = host(found[1]), found[2] or ""
    event.remote_ip = event.remote_ip or row.get("dlvdestinationip", "").strip()


def _common(event: Event, row: Row) -> None:
    event.campaign = text(first_of(row, "jobid"), 200)
    event.message_id = message_id(first_of(row, "headermessageid", "msgid", "messageid"))
    event.author_domain = event.author_domain or domain(first_of(row, "headerfrom"))
    facts: dict[str, Any] = {}
    for name, told in (("vmta", "vmta"), ("vmtapool", "vmta_pool"), ("queue", "queue"), ("envid", "envelope_id"), ("bouncecat", "bounce_category")):
        if row.get(name):
            facts[told] = text(row[name], 200)
    if row.get("orcpt"):
        facts["original_recipient"] = address(words(row["orcpt"]))
    event.facts = facts


def _failed(event: Event, row: Row) -> None:
    """dsnStatus is a status with a comment, dsnDiag the reply with its type."""
    told = row.get("dsnstatus", "").strip()
    found = _COMMENTED.fullmatch(told)
    event.status = status(told)
    event.text = words(row.get("dsndiag", "")) or (found[2].strip() if found else "")
    code, inner = codes_of(event.text[:300])
    event.reply_code, event.status = code, event.status or inner
    event.phase = phase_of(event.text)
    category = row.get("bouncecat", "").strip().lower()
    if event.kind == "bounce" and (category == "message-expired" or event.status == "4.4.7"):  # RFC 3463 3.5: X.4.7 delivery time expired
        event.stage = "expired"
