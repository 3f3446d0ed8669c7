"""One mail: which kind of report it is, and its Failures."""
from __future__ import annotations

from dataclasses import dataclass, replace

from ..model import Failure
from .address import addresses
from .arf import read_feedback
from .mime import Mail, Part, decode_words, decoded, read_mail, unix
from .nested import read_nested
from .notice import is_automatic_reply
from .recognize import looks_like_bounce
from .report import from_report, human_part
from .returned import Returned, is_foreign, returned_from_bytes
from .story import from_marked, from_story

_STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
_RETURNED_TYPES = ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers", "message/rfc822-headers", "text/rfc822")
# Types under which gateways and clients pass on a delivery-status part they don't know, and what such a part starts with.
_DISGUISES = ("text/plain", "application/octet-stream", "application/x-unknown", "text/delivery-status", "application/unknown", "unknown/unknown")
_OPENINGS = (b"reporting-mta", b"final-recipient", b"original-recipient", b"original-envelope-id", b"arrival-date", b"received-from-mta", b"reporting-ua")


@dataclass(frozen=True, slots=True)
class Opened:
    """A mail taken apart once, and what it reports; of a bounce that somebody forwarded these are the inner mail's."""

    mail: Mail
    returned: Returned
    failures: list[Failure]


def read(data: bytes, depth: int = 0, own_domains: frozenset[str] = frozenset()) -> list[Failure]:
    """The Failures of one mail; [] when it is ordinary mail.

    With `own_domains` a failure of a mail that none of them sent is backscatter, a notice.
    """
    return opened(data, depth, own_domains).failures


def opened(data: bytes, depth: int = 0, own_domains: frozenset[str] = frozenset()) -> Opened:
    """The same, with the mail it was read from."""
    mail = read_mail(unix(data))
    returned = returned_of(mail)
    found = _dated(_reported(mail, returned), mail)
    if not _tells(found):  # nothing, or a report of a bounce that is told inside
        return _inner(Opened(mail, returned, found), depth, own_domains)
    if own_domains:
        found = [_backscatter(failure) if is_foreign(failure, returned, own_domains) else failure for failure in found]
    return Opened(mail, returned, found)


def _inner(outer: Opened, depth: int, own_domains: frozenset[str]) -> Opened:
    """What a mail inside of this one reports; the mail itself where none does."""
    last = outer

    def again(data: bytes, level: int) -> list[Failure]:
        nonlocal last
        last = opened(data, level, own_domains)
        return last.failures

    found = read_nested(outer.mail, depth, again)
    return (last if found is last.failures else Opened(outer.mail, outer.returned, found)) if found else outer


def _dated(found: list[Failure], mail: Mail) -> list[Failure]:
    """A report that tells no time of its own was written soon after: its Date header is the nearest there is."""
    date = mail.first("date")
    return [replace(one, report_date=date, seen={**one.seen, "report_date": "Date"}) if date and not (one.arrival_date or one.last_attempt_date or one.report_date) else one for one in found]


def _tells(found: list[Failure]) -> bool:
    return any(failure.reply_code or failure.status or failure.action or failure.kind == "notice" for failure in found)


def _reported(mail: Mail, returned: Returned) -> list[Failure]:
    """What this mail itself reports, not what is nested in it."""
    status_parts = [part for part in mail.parts if part.type in _STATUS_TYPES] or _disguised(mail)
    found = from_report(mail, status_parts, returned) if status_parts else []
    found = found or read_feedback(mail, returned) or from_marked(mail, returned)
    if found:
        return found
    subject = decode_words(mail.first("subject"))
    if looks_like_bounce(mail, subject):
        found = from_story(mail, returned)
        if found:
            return found
    return [_automatic(mail, subject)] if is_automatic_reply(mail, subject) else []


def _disguised(mail: Mail) -> list[Part]:
    """Delivery-status parts under another type: "details.txt", "ATT00001.dat"."""
    found: list[Part] = []
    for part in mail.parts[1:]:
        if part.type in _DISGUISES and len(part.body) > 40:
            start = decoded(part, 200) if part.headers.first("content-transfer-encoding") else part.body[:200]
            if start.lstrip().lower().startswith(_OPENINGS):
                found.append(part)
    return found


def returned_of(mail: Mail) -> Returned:
    """What the enclosed mail tells; nothing where none is enclosed."""
    for part in mail.parts:
        if part.type in _RETURNED_TYPES:
            body = decoded(part, 64_000) if part.headers.first("content-transfer-encoding") else part.body
            return returned_from_bytes(body)
    return Returned()


def _backscatter(failure: Failure) -> Failure:
    if failure.kind != "failure":
        return failure
    return replace(failure, kind="notice", notice="notice.backscatter", notes=(*failure.notes, "the mail that came back is none of the given domains'"))


def _automatic(mail: Mail, subject: str) -> Failure:
    human, where = human_part(mail)
    sender = addresses(mail.first("from"))[:1] or [""]
    return Failure(final_recipient=sender[0], subject=subject[:1000], arrival_date=mail.first("date"), text=human[:6000], kind="notice", notice="notice.autoreply",
                   seen={"final_recipient": "From", "subject": "Subject", "arrival_date": "Date", "text": where}, notes=tuple(mail.notes))
