"""Bounces that follow no standard, read by their structure.

Since the first mailer-daemons a bounce is: an introduction, for each failed recipient a line with the address and the words of the
server that refused, and the returned mail below a line that announces it.  The programs differ in the words, hardly in the
structure, so the structure is read: cut off the returned mail, find the recipients, give each the text that belongs to it.
"""
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

from .address import ADDRESS, addresses, clean
from .cue import first

MAX_LINES = 60_000
MAX_FOUND = 12_000
MAX_LINE = 1_000
MAX_WEIGHED = 40  # addresses of one line that are looked at closely

# What a line that announces the returned mail holds, by a stem they share ("" for none); found by plain search, then the line is read with _CUT.
_ANNOUNCED = (
    ("original", ("original m", "header of the original", "headers of the original", "body of the original", "mensaje original", "mensagem original", "messaggio originale")),
    ("follow", ("headers follow", "header follows", "text follows", "message follows", "message body follows", "following is the header", "following are the header")),
    ("is a", ("is attached", "is appended")),
    ("undeliver", ("undelivered message", "undeliverable message")),
    ("", ("copy of", "lines of", "bytes of", "returned me", "unsent message", "rejected message", "message reads", "message was as", "message headers", "is included", "message d'origine", "oorspronkelijk bericht")),
)
_ANNOUNCED_ABROAD = ("\u539f\u6587", "\u539f\u90ae\u4ef6", "\u539f\u59cb\u90ae\u4ef6", "\u5143\u306e\u30e1\u30fc\u30eb", "\u304a\u9001\u308a\u3044\u305f\u3060\u3044\u305f", "urspr\u00fcngliche nachricht", "\u0438\u0441\u0445\u043e\u0434\u043d\u043e\u0435 \u0441\u043e\u043e\u0431\u0449\u0435\u043d\u0438\u0435")
_CUT = re.compile(
    r"[ \t>*|#=~_+.:\u2015\u2500-]*(?:"
    r"below (?:this line )?is a copy|this is a copy of|enclosed is a copy|included is a copy|here is (?:a copy|your message)|a copy of (?:your|the)|"
    r"(?:the )?(?:original|unsent|returned|rejected|undelivered|undeliverable) (?:mail|message)(?: (?:headers?|info(?:rmation)?|body|text|below))*(?: (?:are|is|as|follows?|below|:)*)*\W*$|"
    r"(?:message|mail) (?:headers?|text|body) (?:follows?|:)|(?:your|the) (?:original )?(?:message|mail) (?:follows|reads|was as follows|is (?:included|attached|appended))|"
    r"(?:the )?(?:headers?|body|text) of (?:your|the) (?:original )?(?:message|mail)|(?:start|begin(?:ning)?) of (?:the )?(?:returned|original) message|the following (?:is|are) the headers?|"
    r"first \d+ (?:lines|bytes|kilobytes) of|"
    r"\u539f\u6587|\u539f\u90ae\u4ef6|\u539f\u59cb\u90ae\u4ef6|\u5143\u306e\u30e1\u30fc\u30eb|\u304a\u9001\u308a\u3044\u305f\u3060\u3044\u305f|urspr\u00fcngliche nachricht|message d'origine|mensaje original|mensagem original|messaggio originale|oorspronkelijk bericht|\u0438\u0441\u0445\u043e\u0434\u043d\u043e\u0435 \u0441\u043e\u043e\u0431\u0449\u0435\u043d\u0438\u0435"
    r")")
_HEADERS = re.compile(r"\n(?:(?:return-path|received|message-id|x-[a-z-]{1,40}|dkim-signature|mime-version|from|date|delivered-to|subject|to|content-type|user-agent):[^\n]*+\n(?:[ \t][^\n]*+\n)*+){3}")

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
_CUE_CUES = (
    "undeliverable", "deliver", "sent", "message", "mail", "recipient", "rcpt", "failed", "reach", "address", "user", "affected", "following", "account", "generated ", "refus\u00e9", "nachricht", "zustellung",
    "destinata", "empf\u00e4nger", "\u6536\u4ef6\u4eba", "\u5b9b\u5148", "to", "for")
_NAMED = re.compile(r"[ \t>*\-]*+[^\n@<>:]{1,80}[ \t]*[<(][^\s<>@]{1,200}@[^\s<>]{1,255}[>)][ \t]*[:;,.]*[ \t]*$")

# Words before an address of somebody to turn to, of the sender, or of an identifier; fields that hold no recipient.
_HELP = re.compile(
    r"contact|assistance|questions?\b|\bhelp\b|support\b|report (?:this|it)|forward this|send (?:mail|e-?mail|an? (?:e-?mail|message)|it) to|write to|complain|unsubscribe|"
    r"\b(?:from|sent by|sender(?: is)?|on behalf of|(?:message|queue)[ -]?id(?: is)?|\bid)[: ]+[<\"'(\[]*$|mail from:|\bfrom[: ]+<?[^\s<>]{1,200} ?[\[(]$|\u304a\u554f", re.IGNORECASE)
_HELP_CUES = ("contact", "assistance", "question", "help", "support", "report ", "forward this", "send", "write to", "complain", "unsubscribe", "from", "mail from:", "sent by", "on behalf of", "message", "queue", "id", "\u304a\u554f")
_NO_RECIPIENT = re.compile(
    r"[ \t>*|]*+(?:message-?id|references|in-reply-to|(?:mail )?from|(?:original )?sender|return-path|reply-to|envelope-(?:from|sender)|x-[\w-]{1,40}|received|for|helo|ehlo|von|de|absender|exp\u00e9diteur|remitente|mittente|\u53d1\u4ef6\u4eba|\u5dee\u51fa\u4eba|\u043e\u0442(?: \u043a\u043e\u0433\u043e)?)[ \t]*+[:\uff1a]", re.IGNORECASE)
_HELP_ENDS = ("contact", "contact the", "write to", "mail to", "sent by", "message from", "sent from", "on behalf of", "sender", "sender is", "support", "support at", "postmaster")


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
    low: str = ""  # `human` in lower case, at the same offsets

    def __post_init__(self) -> None:
        self.low = self.low or lower(self.human)


def lower(text: str) -> str:
    """Lower case at the same offsets: U+0130 is the one letter that grows."""
    low = text.lower()
    return low if len(low) == len(text) else text.replace("\u0130", "I").lower()


def _announcement(low: str, limit: int) -> tuple[int, int]:
    """Start of the first line before `limit` that announces the returned mail, and of the line behind it; (-1, -1) where there is none."""
    best, below = limit, -1
    above = low[:limit]
    groups = [words for stem, words in _ANNOUNCED if stem in above]
    for one in (*chain.from_iterable(groups), *(() if low.isascii() else _ANNOUNCED_ABROAD)):
        at = low.find(one, 0, best) if one in above else -1
        while at >= 0:
            start, end = low.rfind("\n", 0, at) + 1, low.find("\n", at)
            end = end if end >= 0 else len(low)
            if at - start < 100 and _CUT.match(low[start : min(end, start + 300)]):
                best, below = start, end + 1
                break
            at = low.find(one, end, best)
    return (best, below) if below >= 0 else (-1, -1)


def _places(text: str, low: str) -> tuple[int, int]:
    """Where the human part of a report ends and where the returned mail below it starts."""
    headers = _HEADERS.search(low, 40)  # first: what announces the mail stands above its headers
    at, below = _announcement(low, headers.end() if headers else len(low))
    if at == 0 or (0 < at < 400 and "@" not in text[:at] and len(text[:at].strip()) < 40):
        at, below = -1, -1  # nothing told yet: the line heads a description of the mail
    if headers and at >= 0:
        headers = _HEADERS.search(low, 40, at)
    if headers:
        return headers.start(), headers.start()
    return (at, below) if at > 0 else (len(text), len(text))


def cut(text: str) -> tuple[str, str]:
    """The human part of a report and the returned mail below it."""
    end, below = _places(text, lower(text))
    return text[:end], text[below:]


def _strength(line: str, start: int, end: int) -> int:
    head, tail = line[:start], line[end:]
    if head.strip(_MARKS) and first(_HELP, head[-240:].lower(), _HELP_CUES):
        return 0
    behind = _BEHIND.match(tail)
    if _LABEL.fullmatch(head):
        return 4 if behind else 3
    if ("<" in line or "(" in line) and _NAMED.match(line):
        return 4
    if head.rstrip("<[( \t\"'").endswith((":", "\uff1a")) and not tail.strip(" \t>])\"'.,;:"):
        return 3
    return 2 if first(_CUE, head[-80:].lower(), _CUE_CUES) else 1


def addresses_in(text: str) -> set[str]:
    """The addresses in a text in lower case."""
    low = text.lower()
    return {found[0].removeprefix("mailto:").strip("'").rstrip(".").lstrip("*#=") for found in each_address(low)}


def _line_before(text: str, start: int) -> tuple[int, int]:
    """Start and end of the line before the one that starts at `start`; (-1, -1) before the first."""
    return (text.rfind("\n", 0, start - 1) + 1, start - 1) if start > 0 else (-1, -1)


def _spoken_before(text: str, start: int) -> str:
    """The last line above this one that is not blank."""
    at, end = _line_before(text, start)
    while at >= 0:
        line = text[at : min(end, at + MAX_LINE)]
        if line.strip():
            return line
        at, end = _line_before(text, at)
    return ""


def _describes_the_mail(text: str, start: int, end: int) -> bool:
    """Whether a To line stands among Subject, Sent, From: a description of the returned mail, not a list of failures."""
    if not _TO_LINE.match(text, start, min(end, start + MAX_LINE)):
        return False
    at, stop = start, end
    for _ in range(2):
        at, last = _line_before(text, at)
        if at >= 0 and _DESCRIBES.match(text, at, min(last, at + MAX_LINE)):
            return True
        if 0 <= stop < len(text):
            after = stop + 1
            stop = text.find("\n", after)
            stop = stop if stop >= 0 else len(text)
            if _DESCRIBES.match(text, after, min(stop, after + MAX_LINE)):
                return True
    return False


def each_address(line: str) -> Iterator[re.Match[str]]:
    """What ADDRESS.finditer yields; the search starts at the word that holds the "@", not at every letter before it."""
    end, at = 0, line.find("@")
    while at >= 0:
        space = line.rfind(" ", end, at) + 1
        found = ADDRESS.search(line, space if space > end else end)
        if not found:
            return
        yield found
        end = found.end()
        at = line.find("@", end)


def _lines_with_at(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each line that holds an "@" near enough to its start."""
    at = text.find("@")
    while at >= 0:
        start, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
        end = end if end >= 0 else len(text)
        if at - start < MAX_LINE:
            yield start, end
        at = text.find("@", end)


def _helps(human: str, start: int, line: str) -> bool:
    """Whether the addresses of a line are of somebody to turn to, or stand in a field that holds no recipient."""
    if (":" in line or "\uff1a" in line) and _NO_RECIPIENT.match(line):
        return True
    return _spoken_before(human, start)[-60:].rstrip(" \t:,").lower().endswith(_HELP_ENDS)


def _shortened(human: str) -> str:
    """The lines that are looked at."""
    return human if human.count("\n") < MAX_LINES else "\n".join(human.split("\n", MAX_LINES)[:MAX_LINES])


def recipients_in(human: str, not_these: set[str]) -> list[Segment]:
    """The recipients a human text names, each with the place of its line."""
    seen: dict[str, Segment] = {}
    human = _shortened(human)
    for start, end in _lines_with_at(human):
        line = human[start : min(end, start + MAX_LINE)]
        helps: bool | None = None
        for rank, match in enumerate(each_address(line)):
            address = clean(match[0].removeprefix("mailto:").lstrip("*#=-"))
            key = address.lower()
            if key in not_these or "@" not in address or len(seen) >= MAX_FOUND:
                continue
            known = seen.get(key)
            if known is not None and known.strength == 4:
                continue
            helps = _helps(human, start, line) if helps is None else helps
            strength = 0 if helps else _strength(line, match.start(), match.end()) if rank < MAX_WEIGHED else 1
            if strength > 1 and _describes_the_mail(human, start, end):
                strength = 1
            if known is None:
                seen[key] = Segment(address, "", start, strength)
            elif strength > known.strength:
                known.strength, known.at = strength, start
    return list(seen.values())


def read_story(text: str, not_these: set[str], or_not: set[str] | None = None) -> Story:
    """Take a narrative report apart.

    `not_these`: addresses that can't be the recipient (the sender, the daemon); `or_not`: those where no other is found.
    """
    low = lower(text)
    end, below = _places(text, low)
    story = Story(text[:end], text[below:], low=low[:end])
    story.segments = _chosen(story.human, not_these)
    if or_not is not None and not story.segments and any(one in story.low for one in not_these - or_not):
        story.segments = _chosen(story.human, or_not)
    return story


def _chosen(human: str, not_these: set[str]) -> list[Segment]:
    """The recipients that are named most clearly, each with its text."""
    found = recipients_in(human, not_these)
    strongest = max((segment.strength for segment in found), default=0)
    if not strongest:
        return []
    chosen = sorted((segment for segment in found if segment.strength == strongest), key=lambda segment: segment.at)
    if strongest == 1:
        chosen = chosen[:1]
    end, last = len(human), len(human)
    for segment in reversed(chosen):  # those of one line share its text
        end, last = (last, segment.at) if segment.at < last else (end, last)
        segment.text = human[segment.at : end]
    return chosen


__all__ = ["Segment", "Story", "addresses", "addresses_in", "cut", "each_address", "lower", "read_story", "recipients_in"]
