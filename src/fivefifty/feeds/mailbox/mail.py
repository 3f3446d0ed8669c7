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
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import blake2b, sha1
from types import ModuleType

from ...diagnosis import diagnose
from ...model import Event, Failure
from ...parse.mail import returned_of
from ...parse.mime import Headers, Mail, decoded, read_mail, text_of, unix
from ...parse.returned import Returned
from ...verdict import Verdict
from .. import Reject, Setting
from ..reports import dmarc, tlsrpt

TITLE = "Mails: bounces, complaints, automatic replies, DMARC and TLS reports"
UNIT = "document"

MAX_MAIL = 32 * 1024 * 1024
_PACKED = ("application/zip", "application/gzip", "application/x-gzip", "application/x-zip-compressed", "application/xml", "text/xml")
# Whose campaign it was, in the words of the mail that came back.
_CAMPAIGNS = ("feedback-id", "x-campaign-id", "x-campaign", "x-campaignid", "x-mailer-campaign", "x-mc-campaign", "list-id")
_QUEUE = re.compile(r"^X-(?:Postfix|Sendmail|Exim)-Queue-ID:[ \t]*(\S{1,64})", re.IGNORECASE | re.MULTILINE)
_PRVS = re.compile(r"prvs=(\d)(\d{3})([0-9a-fA-F]{6})=(.{1,250})\Z", re.IGNORECASE)  # draft-levine-smtp-batv
_IS_MAIL = re.compile(rb"(?:>?From [^\n]{1,300}\n)?(?:[A-Za-z][A-Za-z0-9-]{1,60}[ \t]*:[^\n]{0,998}\n(?:[ \t][^\n]{0,998}\n){0,50}){2}")
_MARKS = (b"multipart/report", b"delivery-status", b"mailer-daemon", b"x-failed-recipients", b"feedback-report", b"auto-submitted")
_NOTICES = {"notice.complaint": "complaint", "notice.auth_report": "authentication", "notice.suppressed": "suppression"}


def looks(head: bytes) -> int:
    """A mail, the more so with the marks of a report."""
    start = head.lstrip(b"\r\n\xef\xbb\xbf").replace(b"\r\n", b"\n")
    if not _IS_MAIL.match(start):
        return 0
    return 80 if any(mark in start.lower() for mark in _MARKS) else 50


def reader(setting: Setting) -> Reader:
    """The reader."""
    return Reader(setting)


class Reader:
    """Reads mails one by one."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting

    def read(self, content: bytes, where: str, headers: Mapping[str, str]) -> Iterator[Event | Reject]:
        """The events of one mail."""
        mail = read_mail(unix(content[:MAX_MAIL]))
        report = _report_in(mail)
        if report is not None:
            yield from report.reader(self.setting).read(content, where, headers)
            return
        verdicts = diagnose(content[:MAX_MAIL], where, self.setting.own_domains)
        if not verdicts:
            yield from self._report_or_nothing(mail, content, where)
            return
        told = _Told(mail, self.setting)
        for verdict in verdicts:
            yield told.event(verdict, content, where)

    def _report_or_nothing(self, mail: Mail, content: bytes, where: str) -> Iterator[Event | Reject]:
        """A report under a subject and type that don't tell; else an ordinary mail, which has no place here but is kept."""
        if _carries_a_report(mail):
            told = list(dmarc.reader(self.setting).read(content, where, {}))
            if any(isinstance(one, Event) for one in told):
                yield from told
                return
        yield Reject(where, "it is no bounce, complaint, automatic reply or report", content)


def _carries_a_report(mail: Mail) -> bool:
    """Whether some part is packed or XML."""
    return any(part.type in _PACKED or part.body.lstrip()[:5] in (b"H4sIA", b"UEsDB", b"<?xml") for part in mail.parts)


def _report_in(mail: Mail) -> ModuleType | None:
    """The feed of the report a mail carries, by the types of its parts and its subject (RFC 7489 7.2.1.1, RFC 8460 5.3)."""
    types = {part.type for part in mail.parts}
    if any(one.startswith("application/tlsrpt") for one in types) or mail.first("tls-report-domain"):
        return tlsrpt
    if types & {"message/feedback-report", "message/delivery-status"}:
        return None
    subject = mail.first("subject").lower()
    if "report domain:" in subject or ("dmarc" in subject and "report" in subject):
        for part in mail.parts:
            if part.type not in ("text/plain", "text/html") and part.body:
                return dmarc
    return None


class _Told:
    """What one mail says about all of its recipients."""

    def __init__(self, mail: Mail, setting: Setting) -> None:
        self.setting = setting
        self.mail = mail
        self.returned: Returned = returned_of(mail)
        self.headers = self.returned.headers or Headers()
        self.feedback = next((Headers(text_of(decoded(part)).strip("\n")) for part in mail.parts if part.type in ("message/feedback-report", "message/feedback")), Headers())
        status = next((part for part in mail.parts if part.type in ("message/delivery-status", "message/global-delivery-status")), None)
        queue = _QUEUE.search(text_of(decoded(status))) if status else None
        self.queue_id = queue[1] if queue else ""
        self.sent_at = moment(self.returned.date)
        self.campaign = next((self.headers.first(name)[:200] for name in _CAMPAIGNS if self.headers.first(name)), "")
        self.id = mail.first("message-id").strip(" <>")

    def event(self, verdict: Verdict, content: bytes, where: str) -> Event:
        """One recipient's event."""
        failure = verdict.failure
        kind = self._kind(verdict)
        trust = self._trust(failure)
        event = Event(
            kind, "mail", self._time(failure), recipient=_address(failure.final_recipient or failure.original_recipient), envelope_sender=_address(failure.envelope_sender),
            author_domain=(failure.author_domain or self.returned.author_domain).lower(), message_id=(failure.message_id or self.returned.message_id).strip("<> "), queue_id=self.queue_id,
            reporting_mta=failure.reporting_mta, sending_ip=failure.sending_ip.partition(" ")[0], remote_mta=failure.remote_mta, remote_ip=failure.remote_ip, status=failure.status,
            reply_code=failure.reply_code, phase=failure.phase, text=failure.diagnostic_code or failure.text[:2000], native_id=f"{self.id or blake2b(content, digest_size=12).hexdigest()}|{verdict.index}",
            campaign=self.campaign, sent_at=self.sent_at, trust=trust, late=kind == "bounce" and self._late(failure), stage="expired" if failure.stage == "expired" else "",
            provider=verdict.provider if kind in ("bounce", "deferral") else "", where=where, facts=self._facts(verdict, kind),
        )
        event.cause, event.owner, event.standing, event.rule = verdict.cause, verdict.owner, verdict.standing, verdict.rule
        event.suppress = verdict.suppress and kind == "bounce"  # the judge takes it away again where nobody vouches for it
        if kind in ("complaint", "authentication"):
            event.count = _incidents(self.feedback.first("incidents"))
        return event

    def _kind(self, verdict: Verdict) -> str:
        if verdict.cause == "notice.delayed" or "delayed" in (verdict.failure.stage, verdict.failure.action):
            return "deferral"
        if verdict.kind == "failure":
            return "bounce"
        if verdict.cause == "notice.complaint":
            asked = self.feedback.first("feedback-type").lower().strip()
            return {"not-spam": "notice", "opt-out": "unsubscribe", "opt-out-list": "unsubscribe"}.get(asked, "complaint")
        return _NOTICES.get(verdict.cause, "notice")

    def _facts(self, verdict: Verdict, kind: str) -> dict[str, object]:
        facts: dict[str, object] = {"notice": verdict.cause} if verdict.cause.startswith("notice.") else {}
        if kind in ("complaint", "unsubscribe", "authentication") and self.feedback.block:
            facts["feedback"] = {name: list(values)[:20] for name, values in self.feedback.all.items() if name in _FEEDBACK}
        if verdict.alternatives:
            facts["alternatives"] = list(verdict.alternatives)
        return facts

    def _trust(self, failure: Failure) -> str:
        if self.setting.trusted:
            return "own"
        senders = (failure.envelope_sender, *(self.mail.headers.get(name, ("",))[0] for name in ("delivered-to", "x-original-to", "to", "envelope-to")))
        return "matched" if any(_signed(one, self.setting) for one in senders) else "unverified"

    def _late(self, failure: Failure) -> bool:
        """Whether another host than ours reports: it had taken the mail.  Unknown without own_hosts, and then not said."""
        own, host = self.setting.own_hosts, failure.reporting_mta.lower().rstrip(".")
        return bool(own) and bool(host) and not any(host == one or host.endswith("." + one) for one in own)

    def _time(self, failure: Failure) -> float:
        for text in (failure.last_attempt_date, failure.report_date, self.mail.first("date") if not failure.last_attempt_date else "", failure.arrival_date):
            told = moment(text)
            if told:
                return told
        return moment(self.mail.first("date"))


# RFC 5965 3.1 and 3.2, RFC 6591 3.1, RFC 9991 section 4.
_FEEDBACK = frozenset((
    "feedback-type", "user-agent", "version", "original-envelope-id", "original-mail-from", "arrival-date", "received-date", "reporting-mta", "source-ip", "source-port", "incidents",
    "authentication-results", "original-rcpt-to", "reported-domain", "reported-uri", "auth-failure", "delivery-result", "identity-alignment", "dkim-adsp-dns", "dkim-canonicalized-body",
    "dkim-canonicalized-header", "dkim-domain", "dkim-identity", "dkim-selector", "dkim-selector-dns", "spf-dns",
))


def _address(text: str) -> str:
    local, at, domain = text.strip().strip("<>").rpartition("@")
    return f"{local}@{domain.lower()}" if at else text.strip().strip("<>")


def _incidents(text: str) -> int:
    """How many mails a report stands for (RFC 5965 3.2); 1 where it does not say."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) < 10 and int(text) else 1


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


def moment(text: str) -> float:
    """Seconds since 1970 of a date as mails write it (RFC 5322 3.3) or ISO 8601; 0.0 where it is none."""
    text = text.strip()[:100]
    if not text:
        return 0.0
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            told = read(text)
            return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return 0.0
