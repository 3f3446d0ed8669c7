"""What the returned mail tells: who sent it, what it was, and which way it came."""
from __future__ import annotations

import re
from dataclasses import dataclass

from ..model import Failure
from .address import clean, domain_of
from .mime import Headers, decode_words, text_of, unix

MAX_HEAD = 64_000  # characters of the returned mail that can be its header

_SIGNER = re.compile(r"(?:^|;)\s*d\s*=\s*([\w.-]{1,255})")  # RFC 6376 3.5
_RELAY = re.compile(r"\bby\s+([\w.-]{1,255})", re.IGNORECASE)  # RFC 5321 4.4
_ENVELOPE = re.compile(r"envelope-(?:from|sender)[ :=]*<?([^\s<>()\";]{3,320}@[^\s<>()\";]{1,255})", re.IGNORECASE)


@dataclass(slots=True)
class Returned:
    """Facts of the mail that came back; "" where its headers do not say."""

    message_id: str = ""
    subject: str = ""
    author: str = ""
    author_domain: str = ""
    envelope_sender: str = ""
    to: str = ""
    date: str = ""
    sending_ip: str = ""
    helo_name: str = ""
    headers: Headers | None = None


def returned_from(headers: Headers) -> Returned:
    """Read the headers of the returned mail.

    The topmost Received was written by the last host that took the mail over: what it names as its client is the
    host that handed the mail in, not the one that was refused, so it is not taken as the sending IP.
    """
    first = headers.first
    author = clean(first("from"))
    path = clean(first("return-path")) or clean(first("x-envelope-from")) or clean(first("x-original-sender"))
    if not path and "envelope-" in headers.block:
        told = _ENVELOPE.search(headers.block)
        path = told[1] if told else ""
    return Returned(
        message_id=first("message-id").strip().strip("<>"), subject=decode_words(first("subject"))[:1000], author=author,
        author_domain=domain_of(author), envelope_sender=path if "@" in path else "", to=first("to")[:4000], date=first("date"), headers=headers,
    )


def returned_from_text(text: str) -> Returned:
    """The same from a block of text that starts with header fields."""
    block = text.lstrip("\n")
    end = block.find("\n\n")
    return returned_from(Headers(block[: end if 0 <= end < MAX_HEAD else MAX_HEAD]))


def returned_from_bytes(body: bytes) -> Returned:
    """The same from bytes; only the header block is decoded."""
    body = unix(body[:MAX_HEAD]).lstrip(b"\n")
    end = body.find(b"\n\n")
    return returned_from(Headers(text_of(body[:end] if end >= 0 else body)))


def is_foreign(failure: Failure, returned: Returned, own_domains: frozenset[str]) -> bool:
    """Whether a returned mail is surely not from one of these domains: envelope sender, Message-ID, DKIM d= and relays are known, and none is theirs.

    The author (From) proves nothing: it is what a forger writes.  Where the report shows nothing of the mail, nothing is known.
    """
    headers = returned.headers or Headers()
    known = [domain_of(failure.envelope_sender), domain_of(failure.message_id)]
    known += [found[1] for value in headers.get("dkim-signature") for found in [_SIGNER.search(value[:4000])] if found]
    known = [name.lower() for name in known if name]
    relays = [found[1].lower() for value in headers.get("received")[:50] for found in [_RELAY.search(value[:2000])] if found]
    return bool(known) and not any(name == own or name.endswith("." + own) for name in (*known, *relays) for own in own_domains)
