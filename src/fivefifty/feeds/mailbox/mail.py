"""Mails to the address bounces come back to: bounces, complaints, automatic replies, and the reports that arrive among them.

Anybody can write a bounce.  What is told by mail is `matched` only where the returned mail carries a tag that we alone can make (BATV, with the
key `batv`), `own` where the user vouches for the mailbox, else `unverified`: kept, counted, but it never suppresses.  A bounce that the own log tells
too is joined to it in the store, and believed there for the log's sake.

Names of hosts differ between a log ("mx1") and a mail ("mx1.example.org"), so it is the Message-ID that joins the two; the queue id helps where both
spell the host alike.
"""
from __future__ import annotations

import hmac
import re
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from email.utils import parsedate_to_datetime
from hashlib import blake2b, sha1

from ...diagnosis import diagnose, verdict_of
from ...model import Event, Failure
from ...parse import Opened, parse_mails
from ...parse.arf import ENCLOSED, fields_of, report_part
from ...parse.mime import Headers, Mail, decode_words, decoded, text_of
from ...parse.returned import Returned
from ...verdict import Verdict
from .. import DocumentReader, Reject, Setting
from ..reports import dmarc, tlsrpt
from ..reports._packed import sparing
from ..reports.dmarc import ip_of

TITLE = "Mails: bounces, complaints, automatic replies, DMARC and TLS reports"
UNIT = "document"

MAX_MAIL = 32 * 1024 * 1024
MAX_FIELDS, MAX_VALUES = 40, 20  # of a feedback report
MAX_VALUE, MAX_SAMPLE = 1_000, 8_000  # characters of a field; of the mail's own bytes in an authentication report (RFC 6591 3.2.2)
LATEST = 86_400  # seconds a clock may be ahead
# Whose campaign it was, in the words of the mail that came back.
_CAMPAIGNS = ("feedback-id", "x-campaign-id", "x-campaign", "x-campaignid", "x-mailer-campaign", "x-mc-campaign", "list-id")
_QUEUE = re.compile(r"^X-[\w-]{1,40}-Queue-ID:[ \t]*(\S{1,64})", re.IGNORECASE | re.MULTILINE)
# The line by which a host took the mail over (RFC 5321 4.4): who, and its own id of it.
_TOOK = re.compile(r"\bby\s+([\w.-]{1,255})[^;]{0,400}?\sid\s+<?([\w.-]{5,64})>?(?=[\s;)]|\Z)", re.IGNORECASE)
_VERP = re.compile(r"[^+@\s]{1,64}\+(?:\d{1,12}-[0-9a-f]{2,12}-)?([^=@+\s]{1,64})=([A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,9}\.[A-Za-z]{2,24})@")
_REDACTED = re.compile(r".*(?:redacted|undisclosed|anonymi[sz]ed|\*\*|\[).*|x{3,}|hidden|masked|removed|private", re.IGNORECASE)
_DATE = re.compile(rb"^(?:Date|Arrival-Date|Sent)[ \t]*:([^\n]{8,80})$", re.IGNORECASE | re.MULTILINE)
_PRVS = re.compile(r"prvs=(\d)(\d{3})([0-9a-fA-F]{6})=(.{1,250})\Z", re.IGNORECASE)  # draft-levine-smtp-batv
_IS_MAIL = re.compile(rb"(?:>?From [^\n]{1,300}\n)?(?:[A-Za-z][A-Za-z0-9-]{1,60}[ \t]*:[^\n]{0,998}\n(?:[ \t][^\n]{0,998}\n){0,50}){2}")
_OF_MAILS = re.compile(rb"(?:\A|\n)(?:Received|Return-Path|Delivered-To|From|Subject|Message-ID|MIME-Version|Content-Type):", re.IGNORECASE)
_NOTICES = {"notice.complaint": "complaint", "notice.auth_report": "authentication", "notice.suppressed": "suppression"}


def looks(head: bytes) -> int:
    """A mail, whatever it quotes (a log, a webhook); one that carries a report is left to the feed of that."""
    start = head.lstrip(b"\r\n\xef\xbb\xbf ")[:16_000].replace(b"\r\n", b"\n")
    if not _IS_MAIL.match(start) and not start.startswith((b"Received: from ", b"Return-Path: <")):  # folded wrongly by who saved it
        return 0
    return 97 if _OF_MAILS.search(start) and not (dmarc.looks(head) or tlsrpt.looks(head)) else 50


def reader(setting: Setting) -> Reader:
    """The reader."""
    return Reader(setting)


class Reader:
    """Reads mails one by one."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting

    def read(self, content: bytes, where: str, headers: Mapping[str, str]) -> Iterator[Event | Reject]:
        """The events of one mail, or of each mail of an mbox."""
        return sparing(self._all(content, where), content)

    def _all(self, content: bytes, where: str) -> Iterator[Event | Reject]:
        found = list(parse_mails(content[:MAX_MAIL], self.setting.own_domains))
        if not found:
            yield from self._text(content, where)
        read = False
        for one in found:
            verdicts = [verdict for verdict in (verdict_of(failure, index, where) for index, failure in enumerate(one.failures)) if verdict.kind != "not_a_bounce"]
            why = ""
            if _is_report(one.mail) or not verdicts:
                if read and _is_report(one.mail):
                    continue  # all reports of an mbox came with the first
                why = yield from self._reports(content, where, one.mail)
                read = read or not why
            if why and not verdicts:
                yield Reject(where, why, content)
            elif verdicts and (why or not _is_report(one.mail)):
                yield from _Told(one, self.setting).events(verdicts, where)

    def _text(self, content: bytes, where: str) -> Iterator[Event | Reject]:
        """Words of a bounce that somebody saved without the mail around them."""
        verdicts = diagnose(content[:MAX_MAIL], where)
        if verdicts:
            yield from _Told(Opened(Mail(Headers()), Returned(), []), self.setting, content).events(verdicts, where)
        else:
            yield Reject(where, _NOTHING, content)

    def _reports(self, content: bytes, where: str, mail: Mail) -> Generator[Event | Reject, None, str]:
        """The rows of the report a mail carries; gives the reason where it carries none that can be read."""
        why = _NOTHING
        readers: tuple[DocumentReader, ...] = (dmarc.reader(self.setting), tlsrpt.reader(self.setting)) if _carries_files(mail) else ()
        for feed in reversed(readers) if _is_tls(mail) else readers:
            told = iter(feed.read(content, where, {}))
            before: list[Reject] = []
            for event in told:
                if isinstance(event, Event):
                    yield from before
                    yield event
                    yield from told
                    return ""
                before.append(event)
            if why == _NOTHING and _is_report(mail) and before and not before[0].reason.startswith("there is no"):
                why = before[0].reason
        return why


_NOTHING = "it is no bounce, complaint, automatic reply or report"
_BOUNCES = frozenset(("message/feedback-report", "message/delivery-status", "message/global-delivery-status"))
_NAMED = re.compile(r"![^!\s]{1,255}!\d{6,11}!\d{6,11}")  # receiver!domain!begin!end.xml.gz (RFC 7489 7.2.1.1, RFC 8460 5.1)
_PACKED = (b"H4sI", b"UEsD", b"PD94", b"PGZl", b"<?xml", b"<feed", b"\x1f\x8b", b"PK\x03\x04")  # gzip, zip and XML, in base64 and as they are


def _carries_files(mail: Mail) -> bool:
    """Whether some part can hold a report."""
    return any(part.body[:64].lstrip().startswith(_PACKED) or part.type.startswith(("application/", "message/")) or part.type == "text/xml" for part in mail.parts)


def _is_tls(mail: Mail) -> bool:
    """RFC 8460 5.3."""
    return bool(mail.first("tls-report-domain")) or any(part.type.startswith("application/tlsrpt") for part in mail.parts)


def _is_report(mail: Mail) -> bool:
    """Whether a mail says that it carries an aggregate report: by the types and names of its parts and its subject."""
    if any(part.type in _BOUNCES for part in mail.parts):
        return False
    if _is_tls(mail):
        return True
    if any(_NAMED.search(part.headers.block) for part in mail.parts if "!" in part.headers.block):
        return True
    subject = decode_words(mail.first("subject")).lower()
    return ("report domain:" in subject or ("dmarc" in subject and "report" in subject)) and any(part.body and part.type not in ("text/plain", "text/html") for part in mail.parts)


class _Told:
    """What one mail says about all of its recipients."""

    def __init__(self, one: Opened, setting: Setting, content: bytes = b"") -> None:
        self.setting, self.mail, self.returned = setting, one.mail, one.returned
        self.headers = self.returned.headers or Headers()
        part = report_part(one.mail)
        self.feedback = fields_of(part) if part else Headers()
        self.fields = {name: _values(name, self.feedback[name]) for name, _ in zip(self.feedback, range(MAX_FIELDS), strict=False)}
        self.campaign = next((told[:200] for name in _CAMPAIGNS if (told := self.headers.first(name))), "")
        self.id = _identity(one.mail, content)
        self._same: Counter[bytes] = Counter()

    def events(self, verdicts: list[Verdict], where: str) -> Iterator[Event]:
        """One event for each recipient."""
        for verdict in verdicts:
            yield self._event(verdict, where)

    def _event(self, verdict: Verdict, where: str) -> Event:
        failure = verdict.failure
        kind = self._kind(verdict)
        time = self._time(failure)
        event = Event(
            kind, "mail", time, recipient=self._recipient(failure, kind), envelope_sender=_address(failure.envelope_sender),
            author_domain=(failure.author_domain or self.returned.author_domain).lower(), message_id=(failure.message_id or self.returned.message_id).strip("<> "), queue_id=self._queue_id(failure),
            reporting_mta=failure.reporting_mta, sending_ip=ip_of(failure.sending_ip.partition(" ")[0]), remote_mta=failure.remote_mta, remote_ip=failure.remote_ip, status=failure.status,
            reply_code=failure.reply_code, phase=failure.phase, text=failure.diagnostic_code or failure.text[:2000], campaign=self.campaign, sent_at=self._sent_at(failure, time),
            trust=self._trust(failure), late=kind == "bounce" and self._late(failure), stage="expired" if failure.stage == "expired" else "",
            provider=verdict.provider if kind in ("bounce", "deferral") else "", where=where, facts=self._facts(verdict, kind),
        )
        event.native_id = self._native_id(event, failure)
        event.cause, event.owner, event.standing, event.rule = verdict.cause, verdict.owner, verdict.standing, verdict.rule
        event.suppress = verdict.suppress and kind == "bounce"  # the judge takes it away again where nobody vouches for it
        if kind in ("complaint", "authentication"):
            event.count = _incidents(self.feedback.first("incidents"))
        return event

    def _native_id(self, event: Event, failure: Failure) -> str:
        """The same for the same mail, however often and by which way it is stored."""
        about = blake2b("\0".join((failure.final_recipient.lower(), failure.status, event.message_id)).encode("utf-8", "replace"), digest_size=9)
        self._same[about.digest()] += 1
        return f"{self.id}|{about.hexdigest()}|{self._same[about.digest()]}"

    def _kind(self, verdict: Verdict) -> str:
        if verdict.cause == "notice.delayed" or "delayed" in (verdict.failure.stage, verdict.failure.action):
            return "deferral"
        if verdict.kind == "failure":
            return "bounce"
        if verdict.cause == "notice.complaint":
            asked = verdict.failure.diagnostic_code.rpartition(": ")[2]
            return {"not-spam": "notice", "opt-out": "unsubscribe", "opt-out-list": "unsubscribe"}.get(asked, "complaint")
        return _NOTICES.get(verdict.cause, "notice")

    def _recipient(self, failure: Failure, kind: str) -> str:
        """Whom it is about; of a complaint only where that is certain, for whoever stands there is taken off the list."""
        told = _address(failure.final_recipient or failure.original_recipient)
        if kind not in _FEEDBACK_KINDS:
            return told or next(filter(None, map(_by_verp, (failure.envelope_sender, *self._arrived_for()))), "")
        if failure.seen.get("final_recipient") == ENCLOSED:
            told = _by_verp(failure.envelope_sender) or (told if self._certain(told) else "")
        return "" if _REDACTED.fullmatch(told.rpartition("@")[0]) else told

    def _certain(self, address: str) -> bool:
        """Whether an address that only the enclosed mail's headers name is the recipient's, not a list's and not one of several."""
        first = self.headers.first
        low = address.lower()
        return bool(low) and (self.returned.to + first("cc")).count("@") <= 1 and low not in first("list-post").lower() and low != self.returned.author.lower()

    def _queue_id(self, failure: Failure) -> str:
        """The id the reporting host had given to the mail: as its report tells, else as it wrote it on top of the mail it returns."""
        for part in self.mail.parts:
            if part.type in ("message/delivery-status", "message/global-delivery-status"):
                told = _QUEUE.search(text_of(decoded(part, 4_000)))
                if told:
                    return told[1]
        took = _TOOK.search(self.headers.first("received")[:2_000])
        hosts = (failure.reporting_mta.lower(), self.mail.first("message-id").rpartition("@")[2].strip("<> ").lower())
        return took[2] if took and took[1].lower() in hosts and not took[2].replace(".", "").isdigit() else ""  # Exchange gives its version

    def _facts(self, verdict: Verdict, kind: str) -> dict[str, object]:
        facts: dict[str, object] = {"notice": verdict.cause} if verdict.cause.startswith("notice.") else {}
        if kind in (*_FEEDBACK_KINDS, "notice") and self.fields:
            facts["feedback"] = self._fields_about(verdict.failure.final_recipient)
        if verdict.alternatives:
            facts["alternatives"] = list(verdict.alternatives)
        return facts

    def _fields_about(self, recipient: str) -> dict[str, list[str]]:
        """The fields of the feedback report without the other recipients it names."""
        others = [name for name in _RECIPIENTS if len(self.fields.get(name, ())) > 1]
        return {**self.fields, **{name: [recipient] for name in others}} if others else self.fields

    def _arrived_for(self) -> Iterator[str]:
        """The addresses this mail itself was for."""
        yield from (self.mail.first(name) for name in ("delivered-to", "x-original-to", "to", "envelope-to"))

    def _trust(self, failure: Failure) -> str:
        if self.setting.trusted:
            return "own"
        return "matched" if self.setting.keys.get("batv") and any(_signed(one, self.setting) for one in (failure.envelope_sender, *self._arrived_for())) else "unverified"

    def _late(self, failure: Failure) -> bool:
        """Whether another host than ours reports: it had taken the mail.  Unknown without own_hosts, and then not said."""
        own, host = self.setting.own_hosts, failure.reporting_mta.lower().rstrip(".")
        return bool(own) and bool(host) and not any(host == one or host.endswith("." + one) for one in own)

    def _time(self, failure: Failure) -> float:
        """When it failed: as the report tells, else when it was written; never in the future."""
        latest = self.setting.now + LATEST
        for text in self._dates(failure):
            told = moment(text, self.setting.zone)
            if 0 < told <= latest:
                return told
        return 0.0

    def _dates(self, failure: Failure) -> Iterator[str]:
        yield from (failure.last_attempt_date, failure.report_date, self.mail.first("date"), failure.arrival_date)
        yield self.mail.first("received").rpartition(";")[2]
        yield self.returned.date
        for part in self.mail.parts[:20]:
            told = _DATE.search(decoded(part, 16_000))
            if told:
                yield text_of(told[1])

    def _sent_at(self, failure: Failure, time: float) -> float:
        """When the mail was sent: its own Date, else when the reporting host got it; 0 where that would be after the report."""
        for text in (self.returned.date, failure.arrival_date if self.feedback.block or failure.kind == "failure" else ""):
            told = moment(text, self.setting.zone)
            if 0 < told <= (time or self.setting.now) + LATEST:
                return told
        return 0.0


_RECIPIENTS = ("original-rcpt-to", "removal-recipient", "original-recipient")
_FEEDBACK_KINDS = frozenset(("complaint", "unsubscribe", "authentication"))


def _values(name: str, values: list[str]) -> list[str]:
    """The values of a field of a feedback report; base64 without the spaces of its folding."""
    if name.startswith("dkim-canonicalized"):
        return ["".join(one.split())[:MAX_SAMPLE] for one in values[:1]]
    return [one[:MAX_VALUE] for one in values[:MAX_VALUES]]


def _by_verp(address: str) -> str:
    """The recipient that VERP writes into an envelope sender: news+jane=example.net@example.com."""
    told = _VERP.match(address.strip().strip("<>"))
    return f"{told[1]}@{told[2].lower()}" if told else ""


def _identity(mail: Mail, content: bytes) -> str:
    """What stays of a mail that is stored twice: its Message-ID and Date, else what it says without the lines that relays add or change."""
    told = mail.first("message-id").strip(" <>")
    date = mail.first("date")
    digest = blake2b(digest_size=12)
    if not told:
        for name in ("from", "to", "subject"):
            digest.update(mail.first(name).encode("utf-8", "replace") + b"\0")
        for part in mail.parts:
            digest.update(decoded(part).rstrip().replace(b"\n>From ", b"\nFrom ") + b"\0")
        digest.update(b"".join(content.split()))
    digest.update(date.encode("utf-8", "replace"))
    return f"{told[:300]}|{digest.hexdigest()}"


def _address(text: str) -> str:
    local, at, domain = text.strip().strip("<>").rpartition("@")
    return f"{local}@{domain.lower()}" if at else text.strip().strip("<>")


def _incidents(text: str) -> int:
    """How many mails a report stands for (RFC 5965 3.2); 1 where it does not say."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 7 and int(text) else 1


def _signed(address: str, setting: Setting) -> bool:
    """Whether an address carries our own BATV tag (draft-levine-smtp-batv: K DDD SSSSSS, HMAC-SHA1 over K, DDD and the address), at most 8 days old."""
    key = setting.keys.get("batv", "")
    told = _PRVS.match(address.strip().strip("<>")) if key and "prvs=" in address.lower() else None
    if told is None:
        return False
    number, day, digest, plain = told.groups()
    wanted = hmac.new(key.encode(), f"{number}{day}{plain}".encode("utf-8", "replace"), sha1).hexdigest()[:6]
    until = (int(day) - int(setting.now // 86_400) % 1000) % 1000  # the tag names the day it ends on
    return hmac.compare_digest(wanted, digest.lower()) and until <= 8


def moment(text: str, zone: tzinfo = UTC) -> float:
    """Seconds since 1970 of a date as mails write it (RFC 5322 3.3) or ISO 8601, in `zone` where it names none; 0.0 where it is no date."""
    text = text.strip()[:100]
    if not text:
        return 0.0
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            told = read(text)
            unzoned = UTC if "-0000" in text else zone  # RFC 5322 3.3: "-0000" is UTC, of a host that does not say where it is
            return (told if told.tzinfo else told.replace(tzinfo=unzoned)).timestamp()
        except (ValueError, TypeError, IndexError, OverflowError, OSError):
            continue
    return 0.0
