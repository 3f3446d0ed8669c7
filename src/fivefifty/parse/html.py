"""What a reader sees of an HTML part: tags gone, blocks on their own lines.  Linear, whatever the input."""
from __future__ import annotations

import html
import re

_BREAK = re.compile(r"<(?:br|/?p|/?div|/?tr|/?li|/?ul|/?table|/?h[1-6]|/?pre|/?blockquote|hr|/td|/th|/?dd|/?dt)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"<(?![^<>@\s]{1,200}@[^<>@\s]{1,255}>)[^<>]*>")  # an address that nobody escaped is no tag
_SPACE = re.compile(r"[ \t\xa0\u200b\ufeff]+")
_INDENT = "\n\0 "  # a NUL, which no text here has, keeps the indent of a line in <pre>: it continues a header field


def _low(text: str) -> str:
    """Lower case at the same offsets: U+0130 is the one letter that grows."""
    low = text.lower()
    return low if len(low) == len(text) else text.replace("\u0130", "I").lower()


def _without(text: str, opening: str, closing: str) -> str:
    """The text without all of one element; one that is never closed takes the rest."""
    low = _low(text)
    if opening not in low:
        return text
    kept: list[str] = []
    at = 0
    while (start := low.find(opening, at)) >= 0:
        kept.append(text[at:start])
        end = low.find(closing, start)
        at = low.find(">", end) + 1 if end >= 0 else 0
        if at <= 0:
            return "".join(kept)
    kept.append(text[at:])
    return "".join(kept)


def _on_one_line(text: str) -> str:
    """Line ends as spaces, except in <pre>, where they are seen."""
    low = _low(text)
    if "<pre" not in low:
        return text.replace("\n", " ")
    kept: list[str] = []
    at = 0
    while (start := low.find("<pre", at)) >= 0:
        end = low.find("</pre", start)
        end = end if end >= 0 else len(text)
        kept += text[at:start].replace("\n", " "), text[start:end].replace("\n ", _INDENT).replace("\n\t", _INDENT)
        at = end
    return "".join([*kept, text[at:].replace("\n", " ")])


def html_text(source: str) -> str:
    """HTML as plain text."""
    for opening, closing in (("<style", "</style"), ("<script", "</script"), ("<head>", "</head"), ("<head ", "</head"), ("<!--", "-->")):
        source = _without(source, opening, closing)
    source = _BREAK.sub("\n", _on_one_line(source))
    plain = html.unescape(_TAG.sub("", source))
    lines = [_SPACE.sub(" ", line).strip() for line in plain.split("\n")]
    return "\n".join([line.replace("\0", "") for line in lines if line])
