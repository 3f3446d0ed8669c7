"""Feedback reports: complaints (RFC 5965), authentication failure reports (RFC 6591, 9991), and the complaints of before."""
from __future__ import annotations

import re

from ..model import Failure
from .address import addresses, clean
from .dsn import typed_name
from .mime import Headers, Mail, Part, decode_words, decoded, text, text_of
from .returned import Returned

_AUTH = {"auth-failure", "dmarc"}
_RECIPIENTS = ("original-rcpt-to", "removal-recipient", "original-recipient")
# A mailbox provider's own mark in the mail it encloses: Microsoft's Junk Mail Reporting Program sends no feedback-report part.
_MARKS = ("x-hmxmroriginalrecipient",)
_SUBJECT = "complaint about message from "  # the same program, where it leaves the mark out
_TRACES = ("x-original-to", "delivered-to", "envelope-to", "x-envelope-to", "x-rcpt-to")  # of receiving hosts
ENCLOSED = "enclosed mail"  # where a recipient was seen that the report itself does not name
_DISGUISES = ("text/plain", "application/octet-stream", "text/rfc822-headers", "message/delivery-status")
_OPENING = re.compile(rb"\s*(?:(?:User-Agent|Version)[ \t]*:[^\n]{0,300}\n){0,2}Feedback-Type[ \t]*:", re.IGNORECASE)
_RECEIVED_FOR = re.compile(r"\bfor[ \t]+<?([^\s<>;,]{1,200}@[^\s<>;,]{1,255})>?", re.IGNORECASE)
_IP = re.compile(r"(?<![\w.])((?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{1,4}:[0-9A-Fa-f:.]{6,40})(?![\w.]*\d)")


def report_part(mail: Mail) -> Part | None:
    """The machine-readable part (RFC 5965 3), under another type too: some relays don't know its own."""
    told = next((part for part in mail.parts if part.type in ("message/feedback-report", "message/feedback")), None)
    return told or next((part for part in mail.parts[1:] if part.type in _DISGUISES and _OPENING.match(decoded(part, 2_000))), None)


def fields_of(part: Part) -> Headers:
    """Its fields."""
    return Headers(text_of(decoded(part)).strip("\n"))


def read_feedback(mail: Mail, returned: Returned) -> list[Failure]:
    """One notice a recipient (each Original-Rcpt-To), [] where there is no report."""
    part = report_part(mail)
    if part is None:
        return _marked(mail, returned)
    fields = fields_of(part)
    human = next((text(other) for other in mail.parts if other.type == "text/plain" and other is not part), "")
    recipients, seen = _recipients(fields, returned, part)
    return [_report(recipient, fields, {"final_recipient": seen, "sending_ip": f"{part.where}: Source-IP"}, returned, human) for recipient in recipients[:1000]]


def _recipients(fields: Headers, returned: Returned, part: Part) -> tuple[list[str], str]:
    """The recipients a report names and where it does; else those of the mail it encloses, as far as its headers tell."""
    for name in _RECIPIENTS:
        named = [one for one in (clean(value) for value in fields.get(name, ())) if one]
        if named:
            return list(dict.fromkeys(named)), f"{part.where}: {name.title()}"
    return _recipients_of(returned)


def _recipients_of(returned: Returned) -> tuple[list[str], str]:
    """Whom the enclosed mail was for, and where that stands: a receiving host's own mark is surer than To, which may name a list or many."""
    headers = returned.headers or Headers()
    to = addresses(returned.to)
    for name in (*_MARKS, *(() if to else _TRACES)):
        if headers.first(name):
            return [clean(headers.first(name))], f"{ENCLOSED}: {name}"
    for received in headers.get("received", ())[:5] if not to else ():
        found = _RECEIVED_FOR.search(received[:2000])
        if found:
            return [found[1]], f"{ENCLOSED}: received"
    return to[:1] or [""], ENCLOSED


def _report(recipient: str, fields: Headers, seen: dict[str, str], returned: Returned, human: str) -> Failure:
    kind = fields.first("feedback-type").lower().partition("(")[0].strip(" ;\"")
    return Failure(
        final_recipient=recipient, original_recipient=recipient, reporting_mta=typed_name(fields.first("reporting-mta")), sending_ip=fields.first("source-ip").strip("[] "),
        envelope_sender=clean(fields.first("original-mail-from")) or returned.envelope_sender, author_domain=returned.author_domain, message_id=returned.message_id,
        subject=returned.subject, arrival_date=fields.first("arrival-date") or fields.first("received-date"), diagnostic_code=f"Feedback-Type: {kind}",
        kind="notice", notice="notice.auth_report" if kind in _AUTH else "notice.complaint", text=human[:2000],
        seen=seen,
    )


def _marked(mail: Mail, returned: Returned) -> list[Failure]:
    """A complaint without a report part, marked in the headers of the enclosed mail."""
    headers = returned.headers
    subject = decode_words(mail.first("subject"))
    if not headers or not (any(headers.first(name) for name in _MARKS) or subject.lower().startswith(_SUBJECT)):
        return []
    told = _IP.search(subject)
    recipients, seen = _recipients_of(returned)
    return [
        Failure(
            final_recipient=recipient, original_recipient=recipient, sending_ip=told[1] if told else "", envelope_sender=returned.envelope_sender, author_domain=returned.author_domain,
            message_id=returned.message_id, subject=returned.subject, arrival_date=returned.date, diagnostic_code="Feedback-Type: abuse", kind="notice", notice="notice.complaint", text=subject,
            seen={"final_recipient": seen, "sending_ip": "Subject"}, notes=tuple(mail.notes),
        )
        for recipient in recipients
    ]
