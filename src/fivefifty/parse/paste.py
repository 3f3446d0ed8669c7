"""Text a person pastes: a reply, a dialogue, lines of a log, an event, an error dialog, the text of a report, fields of a DSN."""
from __future__ import annotations

import re

from ..model import Failure, Reply
from .client import looks_like_client, read_client
from .dsn import read_report
from .event import read_events
from .formats import exchange
from .logs import read_log
from .mentioned import mentioned
from .mime import Headers, Mail
from .narrative import Story, cut, read_story
from .report import Shared, failure_of, sending_ip_of, stage_of
from .returned import Returned, returned_from_text
from .telling import Telling
from .transcript import read_transcript
from .wrapper import peel

WHERE = "pasted text"

_FIELD = re.compile(r"^[ \t>|]*(?:final-recipient|diagnostic-code|original-recipient)[ \t]*:", re.IGNORECASE | re.MULTILINE)
_QUOTED = re.compile(r"^[ \t]*[>|][>| \t]*", re.MULTILINE)
_HELO = re.compile(r"\bhelo=<?([^\s<>,;\"]{1,255})>?", re.IGNORECASE)
_REPLY = re.compile(r"[\"'<(\[#\s]{0,4}[245]\d\d[ \-\t]")
# A number is a reply code only where something speaks of mail: lists and source code hold numbers too.
_MAILISH = (
    "mail", "recipient", "smtp", "deliver", "sender", "rcpt", "bounce", "relay", "spam", "dsn", "postmaster", "user unknown", "unknown user", "dns", "spf", "dkim", "dmarc", "block", "blacklist", "helo", "tls", "reject", "quota", "greylist", "denied",
    "message", "courrier", "nachricht", "empf\u00e4nger", "correo", "destinat", "\u30e1\u30fc\u30eb", "\u90ae\u4ef6", "\u90f5\u4ef6", "\u043f\u0438\u0441\u044c\u043c", "\u043f\u043e\u0447\u0442", "\u0441\u043e\u043e\u0431\u0449",
)
_LOG_HINTS = ("status=", "stat=", "reject", " ** ", " == ", " => ", " <= ", "result=", "delivery ", ",FAIL,", ",DEFER,", "RecipientStatus", "[outbound]", "[core]", "Fail for ", "ailed-command", "bad-input")
_DIALOGUE_HINTS = re.compile(r"<-|<~|<<|<\*\*|S:|s:|Out:|(?:^|\n)[ \t]*\d?< ?[2345]\d\d|,<,|CLIENT:|SMTP Response|RECEIVED:|reply:|(?:^|\n)[ \t]*(?:[Ee][Hh][Ll][Oo]|[Hh][Ee][Ll][Oo]|[Ll][Hh][Ll][Oo]|[Mm][Aa][Ii][Ll] [Ff]|[Rr][Cc][Pp][Tt] [Tt])")


def read_paste(text: str) -> list[Failure]:
    """The Failures of a pasted text; [] where it holds nothing at all."""
    text = text.strip()
    if not text:
        return []
    if "\n" not in text and len(text) < 1_000 and _REPLY.match(text):
        return [_pasted(text, "", text, Returned())]
    fields = _from_fields(text)
    if fields:
        return fields
    for read in (_from_events, _from_logs, _from_dialogue, _from_exchange, _from_client):
        found = read(text)
        if found:
            return found
    return _from_prose(text)


def _from_fields(text: str) -> list[Failure]:
    """Fields of a report (RFC 3464), quoted or not."""
    fields = _FIELD.search(text)
    if fields is None:
        return []
    if text[fields.start() : fields.end()].lstrip(" \t")[:1] in (">", "|"):
        text = _QUOTED.sub("", text)
        fields = _FIELD.search(text) or fields
    before = text[: fields.start()].rfind("\n\n")
    report = read_report(text[before + 2 if before >= 0 else 0 :])
    shared = Shared(report.message, WHERE, Returned())
    return [failure_of(group, shared, text[:6000]) for group in report.recipients]


def _from_events(text: str) -> list[Failure]:
    return read_events(text, WHERE) if '"' in text and text[0] in "{[\"" else []


def _from_logs(text: str) -> list[Failure]:
    return read_log(text) if any(hint in text for hint in _LOG_HINTS) else []


def _from_dialogue(text: str) -> list[Failure]:
    return read_transcript(text, WHERE) if "\n" in text and _DIALOGUE_HINTS.search(text) else []


def _from_exchange(text: str) -> list[Failure]:
    """The text of an Exchange report: two layouts that the narrative reader can't see."""
    if "\n" not in text:
        return []
    human, below = cut(text)
    return exchange.read(Telling(Mail(Headers()), Story(human, below), WHERE, returned_from_text(below) if below else Returned()))


def _from_client(text: str) -> list[Failure]:
    return read_client(text, WHERE) if len(text) < 50_000 and looks_like_client(text.lower()) else []


def _from_prose(text: str) -> list[Failure]:
    """A reply of several lines, or the text of a report."""
    if _REPLY.match(text):
        return [_pasted(text, "", text, Returned())]
    human, below = cut(text)
    returned = returned_from_text(below) if below else Returned()
    story = read_story(text, set())
    segments = [segment for segment in story.segments if segment.strength >= 3] or story.segments[:1]
    if len(segments) > 1:
        return [_pasted(segment.text, segment.address, text, returned) for segment in segments]
    return [_pasted(human or text, segments[0].address if segments else "", text, returned)]


def _pasted(words: str, address: str, whole: str, returned: Returned) -> Failure:
    layers = peel(words.strip("\"'") if words[0] in "\"'" else words)
    last = layers[-1] if layers else Reply()
    coded = bool(_REPLY.match(words) or last.remote_ip) or any(hint in whole[:20_000].lower() for hint in _MAILISH)
    to, mail_from = mentioned(words)
    helo = _HELO.search(words) if "helo=" in words else None
    seen = {"diagnostic_code": WHERE, "reply_code": WHERE, "status": WHERE}
    if to or address:
        seen["final_recipient"] = WHERE
    return Failure(
        final_recipient=to or (address if address.lower() != mail_from.lower() else ""), stage=stage_of("", words, ""), status=next((layer.status for layer in reversed(layers) if layer.status and coded), ""),
        reply_code=next((layer.reply_code for layer in reversed(layers) if layer.reply_code and coded), 0), diagnostic_code=" ".join(words.split())[:4000],
        phase=next((layer.phase for layer in reversed(layers) if layer.phase), ""), remote_mta=last.remote_mta, remote_ip=last.remote_ip, sending_ip=sending_ip_of(layers), helo_name=helo[1] if helo else "",
        envelope_sender=returned.envelope_sender or mail_from, author_domain=returned.author_domain, message_id=returned.message_id, subject=returned.subject,
        layers=layers, seen=seen, text=whole[:6000] if whole is not words or len(layers) > 1 or not last.reply_code else "",
    )
