"""Bounces that follow no standard, read by their structure.

Since the first mailer-daemons a bounce is: an introduction, for each failed recipient a line with the address and the words of the
server that refused, and the returned mail below a line that announces it.  The programs differ in the words, hardly in the
structure, so the structure is read: cut off the returned mail, find the recipients, give each the text that belongs to it.
"""
from __future__ import annotations

import re
from dataclasses import dataclass, field

from .address import ADDRESS, addresses, clean

MAX_LINES = 60_000
MAX_FOUND = 12_000
MAX_LINE = 1_000
MAX_WEIGHED = 40  # addresses of one line that are looked at closely

# What a line that announces the returned mail holds; found by plain search, then the line is read with _CUT.
_ANNOUNCED = (
    "original m", "copy of", "unsent message", "returned me", "headers follow", "header follows", "text follows", "message follows", "message reads", "message was as", "is attached", "is appended",
    "is included", "header of the original", "headers of the original", "body of the original", "message headers", "undelivered message", "undeliverable message", "following is the header", "following are the header",
    "lines of", "bytes of", "rejected message", "message body follows", "\u539f\u6587", "\u539f\u90ae\u4ef6", "\u539f\u59cb\u90ae\u4ef6", "\u5143\u306e\u30e1\u30fc\u30eb", "\u304a\u9001\u308a\u3044\u305f\u3060\u3044\u305f",
    "urspr\u00fcngliche nachricht", "message d'origine", "mensaje original", "mensagem original", "messaggio originale", "oorspronkelijk bericht", "\u0438\u0441\u0445\u043e\u0434\u043d\u043e\u0435 \u0441\u043e\u043e\u0431\u0449\u0435\u043d\u0438\u0435",
)
_CUT = re.compile(
    r"[ \t>*|#=~_+.:\u2015\u2500-]*(?:"
    r"below (?:this line )?is a copy|this is a copy of|enclosed is a copy|included is a copy|here is (?:a copy|your message)|a copy of (?:your|the)|"
    r"(?:the )?(?:original|unsent|returned|rejected|undelivered|undeliverable) (?:mail|message)(?: (?:headers?|info(?:rmation)?|body|text|below))*(?: (?:are|is|as|follows?|below|:)*)*\W*$|"
    r"(?:message|mail) (?:headers?|text|body) (?:follows?|:)|(?:your|the) (?:original )?(?:message|mail) (?:follows|reads|was as follows|is (?:included|attached|appended))|"
    r"(?:the )?(?:headers?|body|text) of (?:your|the) (?:original )?(?:message|mail)|(?:start|begin(?:ning)?) of (?:the )?(?:returned|original) message|the following (?:is|are) the headers?|"
    r"first \d+ (?:lines|bytes|kilobytes) of|"
    r"\u539f\u6587|\u539f\u90ae\u4ef6|\u539f\u59cb\u90ae\u4ef6|\u5143\u306e\u30e1\u30fc\u30eb|\u304a\u9001\u308a\u3044\u305f\u3060\u3044\u305f|urspr\u00fcngliche nachricht|message d'origine|mensaje original|mensagem original|messaggio originale|oorspronkelijk bericht|\u0438\u0441\u0445\u043e\u0434\u043d\u043e\u0435 \u0441\u043e\u043e\u0431\u0449\u0435\u043d\u0438\u0435"
    r")")
_HEADERS = re.compile(r"(?:^|\n)(?:(?:Return-Path|Received|Message-ID|X-[A-Za-z-]{1,40}|DKIM-Signature|MIME-Version|From|Date|Delivered-To|Subject|To|Content-Type|User-Agent):[^\n]*+\n(?:[ \t][^\n]*+\n)*+){3}", re.IGNORECASE)

# What may stand before an address on its own line, behind it, and the words that lead up to one.
_MARKS = " \t<>*\u2022\u00b7-\"'[(|=:\u3000\u300c\u300e\uff1c"
_LABEL = re.compile(
    r"[ \t<>*|\u2022\u00b7\"'\[(-]*+(?:(?:to|for|an|\u00e0|rcpt to|recipients?|(?:final|original|failed|intended|delivery) recipients?|recipient address|e-?mail address|(?:failed |bad |mail )?address|user|e-?mail|mailbox|(?:mail|delivery|undeliverable|delivered) to|destinataires?|"
    r"empf\u00e4nger|destinatari[oa]s?|destinat\u00e1rios?|ontvangers?|mottagare|modtager|odbiorca|alici|al\u0131c\u0131|\u043f\u043e\u043b\u0443\u0447\u0430\u0442\u0435\u043b[\u044c\u0438]|\u043a\u043e\u043c\u0443|\u6536\u4ef6\u4eba|\u6536\u4fe1\u4eba|\u5b9b\u5148|\u9001\u4fe1\u5148|\u3042\u3066\u5148|\u53d7\u4fe1\u8005)[ \t]*+[:=\uff1a][ \t]*+)?(?:[45]\d\d[ -](?:[45]\.\d\.\d{1,3} )?)?[ \t<\"'\[]*+(?:(?:smtp|mailto):|rfc822;[ \t]*+)?[<\"'\[]*+",
    re.IGNORECASE)
_DESCRIBES = re.compile(r"[ \t>*|]*(?:subject|sent|date|from|cc|message-id|sent date|sender)[ \t]*:", re.IGNORECASE)
_TO_LINE = re.compile(r"[ \t>*|]*(?:to|cc)[ \t]*:", re.IGNORECASE)
_BEHIND = re.compile(
    r"(?:<mailto:[^<>\n]{0,400}>|[>)\]\"'|\u300d\u300f\uff1e])*+[ \t]*+(?:<[^\s<>]{3,320}>|\([^()\n]{0,300}\))?(?:<mailto:[^<>\n]{0,400}>)?[ \t]*+(?:$|[:;,.\-|*]++[ \t]*+$|[:\[(]|,[ \t]|\.\.\.|[-\u2013] |[45]\d\d\b|on [A-Z0-9]|am \d)")
_CUE = re.compile(
    r"(?:undeliverable|deliver(?:ed|y|ing)?|deliver(?:ed|y|ing)? (?:of )?(?:your|the|this) (?:e-?mail|mail|message)|sent|e-?mail|message|mail|recipients?|rcpt|failed|reach(?:ed)?|address(?:es)?|user|affected|following|account|generated (?:from|by)|mailbox|refus\u00e9|nachricht|zustellung|"
    r"destinataire|empf\u00e4nger|destinatario|\u6536\u4ef6\u4eba|\u5b9b\u5148)(?:[ \t]+(?:to|for|at|an|\u00e0|a|para))?[ \t]*[:=(]?[ \t]*[<\[\"'(]{0,2}$|(?:^|\b)(?:to|for|rcpt to)[ \t]*[:=]?[ \t]*[<\[\"']{0,2}$|\u6536\u4ef6\u4eba[^\n]{0,12}$", re.IGNORECASE)
_NAMED = re.compile(r"[ \t>*\-]*+[^\n@<>:]{1,80}[ \t]*[<(][^\s<>@]{1,200}@[^\s<>]{1,255}[>)][ \t]*[:;,.]*[ \t]*$")

# Words before an address of somebody to turn to, of the sender, or of an identifier; fields that hold no recipient.
_HELP = re.compile(
    r"contact|assistance|questions?\b|\bhelp\b|support\b|report (?:this|it)|forward this|send (?:mail|e-?mail|an? (?:e-?mail|message)|it) to|write to|complain|unsubscribe|"
    r"\b(?:from|sent by|sender(?: is)?|on behalf of|(?:message|queue)[ -]?id(?: is)?|\bid)[: ]+[<\"'(\[]*$|mail from:|\bfrom[: ]+<?[^\s<>]{1,200} ?[\[(]$|\u304a\u554f", re.IGNORECASE)
_NO_RECIPIENT = re.compile(
    r"[ \t>*|]*+(?:message-?id|references|in-reply-to|(?:mail )?from|(?:original )?sender|return-path|reply-to|envelope-(?:from|sender)|x-[\w-]{1,40}|received|for|helo|ehlo|von|de|absender|exp\u00e9diteur|remitente|mittente|\u53d1\u4ef6\u4eba|\u5dee\u51fa\u4eba|\u043e\u0442(?: \u043a\u043e\u0433\u043e)?)[ \t]*+[:\uff1a]", re.IGNORECASE)
_HELP_ENDS = re.compile(r"(?:contact(?: the)?|write to|mail to|sent by|message from|sent from|on behalf of|sender(?: is)?|support(?: at)?|postmaster)[ \t:,]*$", re.IGNORECASE)


@dataclass(slots=True)
class Segment:
    """One recipient and the text that speaks of it."""

    address: str
    text: str
    at: int
    strength: int = 0  # 4: a line of its own, 3: opens or ends a line, 2: behind words that announce a recipient, 1: somewhere in a sentence


@dataclass(slots=True)
class Story:
    """A narrative report: what stands above the returned mail, its recipients, and the returned mail's own text."""

    human: str
    returned: str = ""
    segments: list[Segment] = field(default_factory=list)


def lower(text: str) -> str:
    """Lower case at the same offsets: U+0130 is the one letter that grows."""
    return text.replace("\u0130", "I").lower()


def _announcement(text: str) -> tuple[int, int]:
    """Start of the first line that announces the returned mail, and of the line behind it; (-1, -1) where there is none."""
    low = lower(text)
    best, below = -1, -1
    for words in _ANNOUNCED:
        at = low.find(words, 0, best if best >= 0 else len(low))
        while at >= 0:
            start, end = low.rfind("\n", 0, at) + 1, low.find("\n", at)
            end = end if end >= 0 else len(low)
            if at - start < 100 and _CUT.match(low[start : min(end, start + 300)]):
                best, below = start, end + 1
                break
            at = low.find(words, end, best if best >= 0 else len(low))
    return best, below


def cut(text: str) -> tuple[str, str]:
    """The human part of a report and the returned mail below it."""
    at, below = _announcement(text)
    if at == 0 or (0 < at < 400 and "@" not in text[:at] and len(text[:at].strip()) < 40):
        at, below = -1, -1  # nothing told yet: the line heads a description of the mail
    headers = _HEADERS.search(text, 40, at if at >= 0 else len(text))
    if headers:
        return text[: headers.start()], text[headers.start() :]
    return (text[:at], text[below:]) if at > 0 else (text, "")


def _strength(line: str, start: int, end: int) -> int:
    head, tail = line[:start], line[end:]
    if head and _HELP.search(head[-240:]):
        return 0
    behind = _BEHIND.match(tail)
    if _LABEL.fullmatch(head):
        return 4 if behind else 3
    if _NAMED.match(line):
        return 4
    if head.rstrip("<[( \t\"'").endswith((":", "\uff1a")) and not tail.strip(" \t>])\"'.,;:"):
        return 3
    return 2 if _CUE.search(head[-80:]) else 1


def _describes_the_mail(lines: list[str], at: int) -> bool:
    """Whether a To line stands among Subject, Sent, From: a description of the returned mail, not a list of failures."""
    if not _TO_LINE.match(lines[at][:MAX_LINE]):
        return False
    return any(_DESCRIBES.match(line[:MAX_LINE]) for line in (*lines[max(at - 2, 0) : at], *lines[at + 1 : at + 3]))


def recipients_in(human: str, not_these: set[str]) -> list[Segment]:
    """The recipients a human text names, each with the place of its line."""
    seen: dict[str, Segment] = {}
    lines = human.split("\n")[:MAX_LINES]
    at, before = 0, ""
    for number, whole in enumerate(lines):
        line = whole[:MAX_LINE]
        if "@" in line:
            helps = (bool(before) and bool(_HELP_ENDS.search(before[-60:]))) or bool(_NO_RECIPIENT.match(line))
            for rank, match in enumerate(ADDRESS.finditer(line)):
                address = clean(match[0].removeprefix("mailto:").lstrip("*#=-"))
                key = address.lower()
                if key in not_these or "@" not in address or len(seen) >= MAX_FOUND:
                    continue
                known = seen.get(key)
                if known is not None and known.strength == 4:
                    continue
                strength = 0 if helps else _strength(line, match.start(), match.end()) if rank < MAX_WEIGHED else 1
                if strength > 1 and _describes_the_mail(lines, number):
                    strength = 1
                if known is None:
                    seen[key] = Segment(address, "", at, strength)
                elif strength > known.strength:
                    known.strength, known.at = strength, at
        if line.strip():
            before = line
        at += len(whole) + 1
    return list(seen.values())


def read_story(text: str, not_these: set[str]) -> Story:
    """Take a narrative report apart.  `not_these`: addresses that can't be the recipient (the sender, the daemon)."""
    human, returned = cut(text)
    story = Story(human, returned)
    found = recipients_in(human, not_these)
    strongest = max((segment.strength for segment in found), default=0)
    if not strongest:
        return story
    chosen = sorted((segment for segment in found if segment.strength == strongest), key=lambda segment: segment.at)
    if strongest == 1:
        chosen = chosen[:1]
    end, last = len(human), len(human)
    for segment in reversed(chosen):  # those of one line share its text
        end, last = (last, segment.at) if segment.at < last else (end, last)
        segment.text = human[segment.at : end]
    story.segments = chosen
    return story


__all__ = ["Segment", "Story", "addresses", "cut", "lower", "read_story", "recipients_in"]
