"""One mail: which kind of report it is, and its Failures."""
from __future__ import annotations

from ..model import Failure
from .address import addresses
from .arf import read_feedback
from .mime import Mail, decode_words, decoded, read_mail, text_of, unix
from .nested import read_nested
from .notice import is_automatic_reply
from .recognize import looks_like_bounce
from .report import from_report, human_part
from .returned import Returned, returned_from_text
from .story import from_marked, from_story

_STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
_RETURNED_TYPES = ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers", "message/rfc822-headers", "text/rfc822")


def read(data: bytes, depth: int = 0) -> list[Failure]:
    """The Failures of one mail; [] when it is ordinary mail."""
    data = unix(data)
    mail = read_mail(data)
    status_parts = [part for part in mail.parts if part.type in _STATUS_TYPES]
    returned = _returned(mail)
    if status_parts:
        found = from_report(mail, status_parts, returned)
        if found:
            return found
    feedback = read_feedback(mail, returned) or from_marked(mail, returned)
    if feedback:
        return feedback
    subject = decode_words(mail.first("subject"))
    if looks_like_bounce(mail, subject):
        found = from_story(mail, returned)
        if found and not any(failure.reply_code or failure.status for failure in found):
            found = read_nested(mail, depth, read) or found
        if found:
            return found
    if is_automatic_reply(mail, subject):
        return [_automatic(mail, subject)]
    return read_nested(mail, depth, read)


def _returned(mail: Mail) -> Returned:
    for part in mail.parts:
        if part.type in _RETURNED_TYPES:
            body = decoded(part) if part.headers.first("content-transfer-encoding") else part.body
            return returned_from_text(text_of(body[:64_000]))
    return Returned()


def _automatic(mail: Mail, subject: str) -> Failure:
    human, where = human_part(mail)
    sender = addresses(mail.first("from"))[:1] or [""]
    return Failure(final_recipient=sender[0], subject=subject[:1000], arrival_date=mail.first("date"), text=human[:6000], kind="notice", notice="notice.autoreply",
                   seen={"final_recipient": "From", "text": where}, notes=tuple(mail.notes))
