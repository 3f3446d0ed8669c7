"""A bounce inside another mail: forwarded as attachment, or quoted in the text."""
from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ..model import Failure
from .cue import holds
from .dsn import read_report
from .mime import Mail, Part, decode_words, decoded, unix
from .report import Shared, failure_of, human_part
from .returned import Returned

MAX_NESTING = 3
MAX_INLINE = 2  # each level may quote several
MAX_LINES = 5_000
MAX_QUOTED = 4  # mails quoted in one text that are looked at
Reader = Callable[[bytes, int], list[Failure]]

# One of these stands in every text that quotes a report (lower case); without them nothing is looked at.
_HINTS = (
    "mailer-daemon", "mail delivery", "postmaster", "microsoftexchange", "microsoft outlook", "deliver", "final-recipient", "diagnostic-code", "returned mail", "failure notice", "rejected", "bounce", "unzustell", "zugestellt", "remis",
    "entreg", "consegn", "bezorg", "\u914d\u4fe1", "\u9001\u4fe1\u3067\u304d", "\u9000\u4fe1", "\u6295\u9012", "\u6295\u905e", "\u0434\u043e\u0441\u0442\u0430\u0432",
)
# What mail programs write above a mail they quote, and the header field it stands for.
_LABELS = {
    "From": "from von de da van från fra od от od кого отправитель 差出人 发件人 寄件者 寄件人 보낸사람 kimden lähettäjä feladó de:",
    "Subject": "subject betreff objet asunto oggetto assunto onderwerp ämne emne temat тема 件名 主题 主旨 제목 konu předmět aihe tárgy subiect",
    "To": "to an à para a aan till til do кому 宛先 收件人 收件者 받는사람 kime vastaanottaja címzett komu către",
    "Date": "date sent datum gesendet envoyé enviado inviato data verzonden skickat sendt wysłano дата отправлено fecha 日付 送信日時 发送时间 發送時間 日期 보낸날짜 tarih gönderilme päivämäärä dátum",
    "Cc": "cc kopie kopia kopi копия ccn bcc reply-to",
}
_FIELDS = {label: name for name, labels in _LABELS.items() for label in labels.split()}
_LABEL = re.compile(r"[ \t*_]*([^\W\d_][^:\uff1a\n]{0,24})[:\uff1a][ \t*_]*([^\n]*)")
_DAEMON = re.compile(r"mailer-?daemon|mail[ -]delivery|postmaster|microsoftexchange|mail system", re.IGNORECASE)
_QUOTED = re.compile(r"^(?:[>|][>| ]*)(?=\S|$)", re.MULTILINE)
_RAW = re.compile(r"^(?:From |(?:Return-Path|Received|From|Date|Delivered-To|Subject|X-[\w-]+):)[^\n]*\n(?=(?:[ \t][^\n]*\n)*[A-Za-z-]{2,40}:)", re.IGNORECASE | re.MULTILINE)
_ANSWER = re.compile(r"(?:\s*(?:re|aw|sv|antw|fwd?|wg|rv|tr|enc|i|r)\s*(?:\[\d+\])?[:\uff1a])+\s*", re.IGNORECASE)
_MAIL_STARTS = re.compile(rb"\s*(?:>?From [^\n]+\n)?(?:Return-Path|Received|From|Date|Delivered-To|Subject|X-[\w-]+|MIME-Version|Message-ID|Content-Type|To|Auto-Submitted|Authentication-Results|DKIM-Signature|ARC-[\w-]+):", re.IGNORECASE)


def read_nested(mail: Mail, depth: int, read: Reader) -> list[Failure]:
    """A bounce that someone forwarded: as attachment (RFC 2046 5.2.1), else quoted in the text."""
    if depth >= MAX_NESTING:
        return []
    return _attached(mail, depth, read) or (_inline(mail, depth, read) if depth < MAX_INLINE else [])


def _attached(mail: Mail, depth: int, read: Reader) -> list[Failure]:
    for part in mail.parts:
        if not _may_enclose(part):
            continue
        body = unix(decoded(part, 8 * 1024 * 1024))
        if part.type.startswith("message/") or (_MAIL_STARTS.match(body, 0, 2000) and b"\nFrom:" in b"\n" + body[:16_000]):
            found = read(body, depth + 1)
            if found:
                return found
    return []


def _may_enclose(part: Part) -> bool:
    """Whether a part can be a whole mail: by its type, or a file that a client attached under another type."""
    if len(part.body) <= 60:
        return False
    if part.type in ("message/rfc822", "message/global", "application/octet-stream"):
        return True
    return part.where != "body" and part.type.startswith(("text/", "application/x-", "application/eml")) and part.headers.first("content-disposition")[:10].lower() == "attachment"


def _inline(mail: Mail, depth: int, read: Reader) -> list[Failure]:
    """A bounce quoted inside a text: taken out of its quotation marks and read as the mail it was."""
    words = human_part(mail)[0]
    low = words.lower()
    if not holds(low, _HINTS):
        return []
    plain = _QUOTED.sub("", words)
    found: list[Failure] = []
    for quoted in (*_raw(plain), *_labelled(plain), *_answered(words, decode_words(mail.first("subject")))):
        found = read(quoted.encode("utf-8", "replace"), depth + 1) if _worth(quoted) else []
        if found:
            return found
    if "final-recipient:" not in low and "diagnostic-code:" not in low:
        return []
    report = read_report(plain)
    shared = Shared(report.message, "quoted text", Returned())
    return [failure_of(group, shared, plain[:6000]) for group in report.recipients if group.get("final-recipient") or group.get("original-recipient")]


def _worth(quoted: str) -> bool:
    """Whether the header of a quoted mail has words of a report: most quoted mails are the ones that came back."""
    head = quoted[:4000].partition("\n\n")[0].lower()
    return holds(head, _HINTS)


def _raw(plain: str) -> Iterator[str]:
    """The source of a mail, header fields and all."""
    if "\n\n" in plain:
        block = _RAW.search(plain)
        if block:
            yield plain[block.start() :]


def _labelled(plain: str) -> Iterator[str]:
    """Mails under the few labelled lines that mail programs keep of a header ("Von: … Gesendet: … An: … Betreff: …")."""
    lines = plain.split("\n", MAX_LINES)[:MAX_LINES]
    at = given = 0
    while at < len(lines) and given < MAX_QUOTED:
        if ":" not in lines[at] and "\uff1a" not in lines[at]:  # most lines
            at += 1
            continue
        fields, below = _fields_at(lines, at)
        if "From" in fields and len(fields) > 1:
            given += 1
            head = "\n".join(f"{name}: {value}" for name, value in fields.items())
            yield f"{head}\n\n" + "\n".join(lines[below:])
        at = max(below, at + 1)


def _fields_at(lines: list[str], at: int) -> tuple[dict[str, str], int]:
    """The labelled lines from here on, and where the text below them starts; a blank line may part them."""
    fields: dict[str, str] = {}
    below = at
    while below < len(lines):
        blank = bool(fields) and not lines[below].strip() and below + 1 < len(lines)
        found = _LABEL.fullmatch(lines[below + blank])
        name = _FIELDS.get(found[1].strip(" \t*_").replace(" ", "").lower(), "") if found else ""
        if not found or not name or (name in fields and name != "Cc"):
            break
        fields[name] = found[2].strip(" \t*_")
        below += 1 + blank
    return fields, below


def _answered(words: str, subject: str) -> Iterator[str]:
    """What an answer quotes: "On Monday Mail Delivery System <…> wrote:" and lines with a mark in front."""
    start = words.find("\n>")
    if start < 0:
        return
    told = " ".join(words[max(0, start - 300) : start].rsplit("\n\n", 1)[-1].split())
    if _DAEMON.search(told):
        quoted = [line for line in words[start + 1 :].split("\n", MAX_LINES)[:MAX_LINES] if line.startswith(">")]
        yield f"From: {told}\nSubject: {_ANSWER.sub('', subject, count=1)}\n\n" + _QUOTED.sub("", "\n".join(quoted))
