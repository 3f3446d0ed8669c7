"""Any table: CSV, TSV or JSON lines whose columns are named as our own fields, or as people usually call them (docs/table.md).

A column `count` makes a row stand for many mails: that is how deliveries come in where no log tells them.
"""
from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from ...model import TRUSTS, Event
from ...parse.reply import codes_of
from ...parse.wrapper import phase_of
from .. import Setting
from ..webhooks._payload import address, code, domain, facts, host, identity, ip, message_id, status, text, words
from ._csv import Columns, Row, TableReader, first_of, looks_like, normal
from ._json import Unreadable
from ._times import Times

TITLE = "A table of your own (CSV, TSV, JSON lines)"
UNIT = "lines"

MAX_COUNT = 10**12

# our field: what columns with that meaning are called, the first that holds something counts; names that have two meanings
# ("domain", "ip", "id", "number") are not taken for either
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "kind": ("kind", "event", "eventtype", "action", "outcome", "result", "disposition", "type", "state", "status"),
    "time": ("time", "timestamp", "datetime", "date", "day", "hour", "eventtime", "eventdate", "occurredat", "createdat", "loggedat", "bouncedat", "deliveredat", "when"),
    "recipient": ("recipient", "email", "emailaddress", "address", "to", "rcpt", "rcptto", "recipientaddress", "toaddress", "subscriber"),
    "recipient_domain": ("recipientdomain", "todomain", "destinationdomain"),
    "envelope_sender": ("envelopesender", "mailfrom", "returnpath", "sender", "envelopefrom", "bounceaddress"),
    "author_domain": ("authordomain", "fromdomain", "senderdomain", "sendingdomain", "headerfrom", "from", "fromaddress"),
    "message_id": ("messageid", "msgid", "rfc822messageid"),
    "queue_id": ("queueid", "qid"),
    "reporting_mta": ("reportingmta", "host", "hostname", "server", "mta"),
    "sending_ip": ("sendingip", "sourceip", "outboundip", "localip"),
    "remote_mta": ("remotemta", "mx", "mxhost", "remotehost", "relay", "destinationhost"),
    "remote_ip": ("remoteip", "mxip", "destinationip"),
    "status": ("status", "enhancedstatus", "enhancedcode", "enhancedstatuscode", "dsn", "dsncode", "dsnstatus", "statuscode"),
    "reply_code": ("replycode", "smtpcode", "smtpreplycode", "code", "errorcode", "responsecode", "statuscode"),
    "phase": ("phase", "smtpphase", "stage"),
    "text": ("text", "reason", "response", "diagnostic", "diagnosticcode", "error", "errormessage", "message", "description", "details", "detail", "smtpresponse", "bouncereason", "comment"),
    "native_id": ("nativeid", "eventid"),
    "campaign": ("campaign", "campaignid", "campaignname", "tag", "job", "jobid", "list", "mailing", "stream"),
    "provider": ("provider", "isp", "mailboxprovider"),
    "sent_at": ("sentat", "senttime", "sentdate", "queuedat", "injectedat"),
    "count": ("count", "volume", "mails", "messages"),
    "trust": ("trust",),
    "late": ("late",),
}
_NAMES = frozenset(name for names in SYNONYMS.values() for name in names)
_WHOM = ("recipient", "recipient_domain", "author_domain", "provider", "campaign", "sending_ip")
_WHAT = ("kind", "status", "reply_code", "text")
COLUMNS = Columns(
    _NAMES,
    tuple(frozenset((time, other)) for time in SYNONYMS["time"] for field in (*_WHOM, *_WHAT, "count") for other in SYNONYMS[field] if other != time),
    "The first line has to name the columns, among them a time and a recipient or a count: time,kind,recipient,text",
)
KINDS: Mapping[str, str] = {
    word: kind
    for kind, written in {
        "delivery": "delivery delivered deliver success successful ok",
        "bounce": "bounce bounced hard hardbounce bouncehard permanent permanentfailure permfail failed failure fail undeliverable undelivered rejected reject expired invalid hardfail bounces perm",
        "deferral": "deferral deferred defer delayed delay tempfail temporary temporaryfailure transient transientfailure soft softbounce bouncesoft tempfailed retry",
        "block": "block blocked spamblock policyblock",
        "complaint": "complaint complained complaints spam spamreport spamcomplaint abuse fbl feedback junk markedasspam",
        "unsubscribe": "unsubscribe unsubscribed unsub optout",
        "suppression": "suppression suppressed dropped drop skipped",
        "notice": "notice autoreply autoresponse outofoffice ooo challenge",
    }.items()
    for word in written.split()
}
_NO_OUTCOME = frozenset("open opened opens click clicked clicks processed queued queue scheduled injected injection request requested view viewed read subscribe subscribed".split())
_SENT = frozenset("sent send sending accepted submitted".split())
_FIELD = re.compile(rb"(?:From [^\n,;\t]+\n)?(?:[A-Z][A-Za-z-]{1,40}: ?[^\n]{0,998}\n(?:[ \t][^\n]{0,998}\n){0,50}){2}")
_REASONS = re.compile(r"\s+")


def looks(head: bytes) -> int:
    """Whether the first line names columns we know; any feed that knows the format better goes before."""
    start = head[:20_000].lstrip(b"\xef\xbb\xbf \r\n[")
    if _FIELD.match(start):  # a mail; a table's first line has more cells before its first colon
        return 0
    if start[:1] == b"{":
        names = {normal(one.decode("utf-8", "replace")) for one in re.findall(rb'"([\w .-]{1,40})"\s*:', start.split(b"\n", 1)[0][:4_000])}
        return 20 if any(need <= names for need in COLUMNS.needed) else 0
    return looks_like(COLUMNS, head, 25)


def reader(setting: Setting) -> OwnTableReader:
    """Reads such tables."""
    return OwnTableReader(setting)


class OwnTableReader(TableReader):
    """One row, one event."""

    columns = COLUMNS
    takes_json = True

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._times = Times(setting.now, setting.zone)

    def row(self, row: Row, where: str) -> Iterable[Event]:
        """The event of one row."""
        kind = _kind(row)
        count = _count(row)
        if not kind or count == 0:
            return ()
        event = Event(kind, "table", self._time(row), address(_cell(row, "recipient")), count=count, where=where)
        written = _cell(row, "recipient")
        if written and not event.recipient:
            raise Unreadable(f"The recipient {written[:60]!r} is no mail address.")
        _fill(event, row)
        event.sent_at = self._times.of(_cell(row, "sent_at"))
        if not event.recipient and not _stands_for_many(row, event):
            raise Unreadable("It names no recipient; a row that stands for many mails has a count and one of recipient_domain, provider, author_domain, campaign or sending_ip.")
        event.native_id = _identity(event, row)
        return (event,)

    def _time(self, row: Row) -> float:
        written = _cell(row, "time")
        if not written:
            raise Unreadable("It has no time. Write it as 2026-11-02T10:00:00Z (a day alone will do).")
        time = self._times.of(written)
        if not time:
            raise Unreadable(f"The time {written[:40]!r} can't be read, or has two readings, or can't be. Write it as 2026-11-02T10:00:00Z.")
        return time


def _cell(row: Row, field: str) -> str:
    return first_of(row, *SYNONYMS[field])


def _kind(row: Row) -> str:
    """The kind that a cell names, else what the codes say; "" for steps that are no outcome (opens, clicks); raises Unreadable."""
    told = [(value.strip(), normal(value)) for name in SYNONYMS["kind"] if (value := row.get(name)) and value.strip()]
    for _, plain in told:
        if plain in KINDS:
            return _soft(row) if plain in ("soft", "softbounce", "bouncesoft") else KINDS[plain]
    if any(plain in _NO_OUTCOME for _, plain in told):
        return ""
    number, named = code(_cell(row, "reply_code")), status(_cell(row, "status"))
    if not number and not named:
        number, named = codes_of(_cell(row, "text")[:300])
    digit = str(number)[0] if number else named[:1]
    if digit in ("2", "4", "5"):
        return {"2": "delivery", "4": "deferral", "5": "bounce"}[digit]
    if any(plain in _SENT for _, plain in told):
        raise Unreadable("“sent” says only that it left, not what became of it. Write delivery where the receiving host took the mail.")
    raise Unreadable((f"The kind {told[0][0][:40]!r} is not known. " if told else "It has no kind. ") + "Write delivery, bounce, deferral, block, complaint, unsubscribe, suppression or notice.")


def _soft(row: Row) -> str:
    """Services call "soft" what failed for another reason than the address, and what they try again: only a 5xx is final."""
    named = status(_cell(row, "status")) or codes_of(_cell(row, "text")[:300])[1] or str(code(_cell(row, "reply_code")))
    return "bounce" if named.startswith("5") else "deferral"


def _count(row: Row) -> int:
    written = _REASONS.sub("", _cell(row, "count")).replace(",", "").replace("_", "")
    if not written:
        return 1
    if written.endswith(".0"):  # spreadsheets
        written = written[:-2]
    if not (written.isascii() and written.isdigit()) or len(written) > 13 or int(written) > MAX_COUNT:
        raise Unreadable(f"The count {written[:40]!r} is no whole number.")
    return int(written)


def _stands_for_many(row: Row, event: Event) -> bool:
    return bool(_cell(row, "count")) and bool(event.recipient_domain or event.provider or event.author_domain or event.campaign or event.sending_ip)


def _fill(event: Event, row: Row) -> None:
    """Everything else; the verdict's own columns (cause, owner, suppress …) are not taken from tables: the words decide."""
    if not event.recipient:
        event.recipient_domain = _domain(_cell(row, "recipient_domain"))
    event.envelope_sender = address(_cell(row, "envelope_sender"))
    author = _cell(row, "author_domain")
    event.author_domain = domain(author) if "@" in author else _domain(author)
    event.message_id = message_id(_cell(row, "message_id"))
    event.queue_id = text(_cell(row, "queue_id"), 200)
    event.reporting_mta, event.remote_mta = text(_cell(row, "reporting_mta"), 255).lower(), host(_cell(row, "remote_mta"))
    event.sending_ip, event.remote_ip = ip(_cell(row, "sending_ip")), ip(_cell(row, "remote_ip"))
    event.campaign, event.provider = text(_cell(row, "campaign"), 200), text(_cell(row, "provider"), 100).lower()
    event.text = words(_cell(row, "text")) if event.kind != "delivery" else ""
    number, named = codes_of(event.text[:300])
    event.status = next(filter(None, (status(row.get(name, "").strip()) for name in SYNONYMS["status"])), "") or named
    event.reply_code = next(filter(None, (code(row.get(name, "").strip()) for name in SYNONYMS["reply_code"])), 0) or number
    event.phase = phase_of(event.text) if event.text else ""
    trust = first_of(row, "trust").lower()
    event.trust = trust if trust in TRUSTS else "own"
    event.late = first_of(row, "late").lower() in ("1", "true", "yes")
    event.stage = "expired" if "expired" in (first_of(row, "stage").lower(), normal(first_of(row, "kind", "event"))) else ""
    rest = {name: text(value, 200) for name, value in list(row.items())[:60] if name and name not in _NAMES and value}
    event.facts = facts(dict(list(rest.items())[:20]))


def _domain(written: str) -> str:
    return written.lower().rstrip(".") if "." in written and " " not in written and len(written) <= 255 else ""


def _identity(event: Event, row: Row) -> str:
    """Its own id; else, where a recipient or Message-ID doesn't tell it apart, all its cells but the count: a corrected count is not a second volume."""
    own = _cell(row, "native_id")
    if own:
        return f"{own[:200]} {event.kind} {event.recipient}"
    if event.recipient and (event.message_id or event.count == 1):
        return ""
    counts = set(SYNONYMS["count"])
    return identity(*(f"{name}={value}" for name, value in sorted(row.items()) if name not in counts))
