"""The mail is written as RFC 5322 wants it."""
from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from ...mailauth.message import RawMessage
from ...model import Finding
from .. import Inquiry, fail, passed, warn
from ._date import read_date
from ._shared import mail, without_comments, without_quotes

REFERENCE = "RFC 5322 3.6"
WEIGHT = 60
# RFC 5322 3.6: how often at most; the first two must be there
_ONCE = ("from", "date", "sender", "reply-to", "to", "cc", "bcc", "message-id", "in-reply-to", "references", "subject", "mime-version", "content-type", "content-transfer-encoding")
_MESSAGE_ID = re.compile(r"<[^\s<>@]{1,500}@(?:\[[^\s<>\[\]]{1,300}\]|[^\s<>@\[\]]{1,500})>")
_ADDRESS = re.compile(r"[^\s<>@,;:]{1,320}@[^\s<>@,;:]{1,320}")
_TITLES = {"message-id": "Message-ID", "mime-version": "MIME-Version", "in-reply-to": "In-Reply-To"}


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each fault; one pass where there is none."""
    message = await mail(inquiry)
    if message is None:
        return []
    found = [*_fields(message), *_author(message), *_date(message, inquiry.world.now()), *_message_id(message), *_octets(message, inquiry.subject.message)]
    return found or [passed("The mail is well formed: its fields are there once, and its lines are short and clean.", weight=5)]


def _title(name: str) -> str:
    return _TITLES.get(name, name.title())


def _fields(message: RawMessage) -> Iterator[Finding]:
    """Fields that are missing, or there too often (RFC 5322 3.6)."""
    counted: dict[str, int] = {}
    for field in message.fields:
        counted[field.name] = counted.get(field.name, 0) + 1
    for name in _ONCE:
        if counted.get(name, 0) > 1:
            yield fail(f"The mail has {counted[name]} {_title(name)} fields and may have one: Gmail and others refuse it (5.7.1, not RFC 5322 compliant).", about=name,
                       advice=f"Send {_title(name)} once.", weight=80 if name in ("from", "to", "cc", "subject", "date", "message-id") else 50, count=counted[name])
    for name in ("from", "date"):
        if name not in counted:
            yield fail(f"The mail has no {_title(name)} field, which every mail must have.", about=name, advice=f"Send a {_title(name)} field.", weight=80 if name == "from" else 60)
    if not any(name in counted for name in ("to", "cc", "bcc")):
        yield warn("The mail has no To, Cc or Bcc field, which some filters hold against it.", about="to", weight=15, advice="Name the recipient in To.")
    if message.strays:
        line = message.strays[0][:60].decode("latin-1").encode("ascii", "replace").decode()
        yield fail(f'There is a line in the header that is no field: "{line}".', about="header", advice="Let every line of the header be a field or the continuation of one.", count=len(message.strays))


def _author(message: RawMessage) -> Iterator[Finding]:
    """From: one address that can be read; DMARC has nothing to go by otherwise (RFC 9989 4.7)."""
    value = message.first("from")
    if not message.named("from"):
        return
    plain = without_quotes(without_comments(value))
    known = {"about": "from", "found": value[:1000], "weight": 80}
    inside = re.findall(r"<([^<>]{0,1000})>", plain)
    addresses = inside or _ADDRESS.findall(plain)
    if re.search(r"[^:<>@,]:[^;<]*;", plain) or (not addresses and ":" in plain and ";" in plain):
        yield fail("From names a group, not an address: the author's domain can't be told, and DMARC receivers refuse such mail.", advice="Write one address in From.", **known)
    elif len(addresses) > 1:
        yield fail(f"From names {len(addresses)} authors: receivers can't evaluate DMARC, and many refuse such mail.", advice="Write one address in From; others belong in Reply-To.", **known)
    elif not addresses or not _ADDRESS.fullmatch(addresses[0].strip()):
        yield fail("From holds no address that can be read.", advice="Write one address in From, in angle brackets behind the name.", **known)


def _date(message: RawMessage, now: datetime) -> Iterator[Finding]:
    """Date: there is a form to it (RFC 5322 3.3), and filters hold a wrong clock against a mail."""
    value = message.first("date")
    if not message.named("date"):
        return
    at = read_date(without_comments(value))
    known = {"about": "date", "found": value[:200]}
    if at is None:
        yield fail(f'The Date can\'t be read: "{value[:60]}".', advice='Write it like "Fri, 21 Nov 1997 09:55:06 -0600".', **known)
    elif at > now + timedelta(days=1):
        yield warn("The Date lies in the future, which filters hold against a mail.", weight=30, advice="Set the clock of the sending machine, by NTP.", **known)
    elif at.year < 1990:
        yield warn("The Date lies before there was such mail, which filters hold against it.", weight=30, advice="Set the clock of the sending machine, by NTP.", **known)


def _message_id(message: RawMessage) -> Iterator[Finding]:
    """Message-ID: should be there (RFC 5322 3.6.4), and Gmail refuses mail without a valid one."""
    if not message.named("message-id"):
        yield warn("The mail has no Message-ID; Gmail and others refuse or junk mail without one.", about="message-id", weight=40, advice="Let the mailer write a Message-ID.")
        return
    value = without_comments(message.first("message-id")).strip()
    if not _MESSAGE_ID.fullmatch(value):
        yield warn(f'The Message-ID is not of the form <unique@domain>: "{value[:60]}".', about="message-id", found=value[:500], weight=30, advice="Let the mailer write <something-unique@your-domain>.")


def _octets(message: RawMessage, whole: bytes) -> Iterator[Finding]:
    """Line length (RFC 5322 2.1.1), bare CR, NUL, and 8-bit characters in the header (RFC 5322 2.2, RFC 6532)."""
    longest = max(map(len, message.body.split(b"\r\n")), default=0)
    longest = max(longest, *(len(line) for field in message.fields for line in field.octets.split(b"\r\n")))
    if longest > 998:
        yield fail(f"A line has {longest} octets, and 998 is the limit: relays break it up (which breaks DKIM) or refuse the mail.", about="lines", longest=longest, weight=50,
                   advice="Send the text as quoted-printable or base64.")
    if b"\r" in whole.replace(b"\r\n", b""):
        yield fail("There are CR characters without LF: servers refuse such mail as a smuggling attempt, or change it.", about="line ends", weight=60, advice="End every line with CRLF and nothing else.")
    elif b"\r\n" in whole and b"\n" in whole.replace(b"\r\n", b""):
        yield warn("Some lines end with LF alone and others with CRLF; on the wire a bare LF is refused by many servers.", about="line ends", weight=40, advice="End every line with CRLF and nothing else.")
    if b"\0" in whole:
        yield warn("There are NUL characters in the mail, which servers refuse or remove.", about="NUL", weight=40, advice="Send the text as quoted-printable or base64.")
    raw = [field for field in message.fields if not field.octets.isascii()]
    if raw:
        try:
            for field in raw:
                field.octets.decode("utf-8")
            what = "Only servers with SMTPUTF8 take such mail."
        except UnicodeDecodeError:
            what = "Nobody can tell in which character set."
        yield warn(f"{_title(raw[0].name)} has 8-bit characters that are not encoded. {what}", about=raw[0].name, weight=40, reference="RFC 2047, RFC 6532", advice="Encode them (=?utf-8?Q?…?=).")
