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
_RECEIVED_FOR = re.compile(r"\bfor[ \t]+<?([^\s<>;,]{1,200}@[^\s<>;,]{1,255})>?", re.IGNORECASE)
_IP = re.compile(r"(?<![\w.])((?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{1,4}:[0-9A-Fa-f:.]{6,40})(?![\w.]*\d)")


def read_feedback(mail: Mail, returned: Returned) -> list[Failure]:
    """One notice a recipient (each Original-Rcpt-To), [] where there is no report."""
    part = next((part for part in mail.parts if part.type in ("message/feedback-report", "message/feedback")), None)
    if part is None:
        return _marked(mail, returned)
    fields = Headers(text_of(decoded(part)).strip("\n"))
    human = next((text(other) for other in mail.parts if other.type == "text/plain"), "")
    return [_report(recipient, fields, part, returned, human) for recipient in _recipients(fields, returned)[:1000]]


def _recipients(fields: Headers, returned: Returned) -> list[str]:
    """The recipients a report names; else those of the mail it encloses, as far as its headers tell."""
    for name in _RECIPIENTS:
        named = [one for one in (clean(value) for value in fields.get(name, ())) if one]
        if named:
            return list(dict.fromkeys(named))
    return _recipients_of(returned)


def _recipients_of(returned: Returned) -> list[str]:
    headers = returned.headers or Headers()
    marked = next((clean(headers.first(name)) for name in _MARKS if headers.first(name)), "")
    if marked or addresses(returned.to):
        return [marked or addresses(returned.to)[0]]
    for name in ("x-original-to", "delivered-to", "envelope-to", "x-envelope-to", "x-rcpt-to"):
        if headers.first(name):
            return [clean(headers.first(name))]
    for received in headers.get("received", ())[:5]:
        found = _RECEIVED_FOR.search(received[:2000])
        if found:
            return [found[1]]
    return [""]


def _report(recipient: str, fields: Headers, part: Part, returned: Returned, human: str) -> Failure:
    kind = fields.first("feedback-type").lower()
    return Failure(
        final_recipient=recipient, original_recipient=recipient, reporting_mta=typed_name(fields.first("reporting-mta")), sending_ip=fields.first("source-ip").strip("[] "),
        envelope_sender=clean(fields.first("original-mail-from")) or returned.envelope_sender, author_domain=returned.author_domain, message_id=returned.message_id,
        subject=returned.subject, arrival_date=fields.first("arrival-date") or fields.first("received-date"), diagnostic_code=f"Feedback-Type: {kind}",
        kind="notice", notice="notice.auth_report" if kind in _AUTH else "notice.complaint", text=human[:2000],
        seen={"final_recipient": f"{part.where}: Original-Rcpt-To" if fields.first("original-rcpt-to") else "enclosed mail", "sending_ip": f"{part.where}: Source-IP"},
    )


def _marked(mail: Mail, returned: Returned) -> list[Failure]:
    """A complaint without a report part, marked in the headers of the enclosed mail."""
    headers = returned.headers
    if not headers or not any(headers.first(name) for name in _MARKS):
        return []
    subject = decode_words(mail.first("subject"))
    told = _IP.search(subject)
    return [
        Failure(
            final_recipient=recipient, original_recipient=recipient, sending_ip=told[1] if told else "", envelope_sender=returned.envelope_sender, author_domain=returned.author_domain,
            message_id=returned.message_id, subject=returned.subject, arrival_date=returned.date, diagnostic_code="Feedback-Type: abuse", kind="notice", notice="notice.complaint", text=subject,
            seen={"final_recipient": "enclosed mail: X-HmXmrOriginalRecipient", "sending_ip": "Subject"}, notes=tuple(mail.notes),
        )
        for recipient in _recipients_of(returned)
    ]
