"""What a reader sees of an HTML part: tags gone, blocks on their own lines.  Linear, whatever the input."""
from __future__ import annotations

import html
import re

_BREAK = re.compile(r"<(?:br|/?p|/?div|/?tr|/?li|/?ul|/?table|/?h[1-6]|/?pre|/?blockquote|hr|/td)\b[^<>]*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_SPACE = re.compile(r"[ \t\xa0]+")


def _without(element: str, text: str) -> str:
    """The text without all of one element; one that is never closed takes the rest."""
    low, kept, at = text.lower(), [], 0
    if len(low) != len(text):  # some letters grow when lowered; then positions would not fit
        low = text
    opening, closing = "<" + element, "</" + element
    while (start := low.find(opening, at)) >= 0:
        kept.append(text[at:start])
        end = low.find(closing, start)
        at = low.find(">", end) + 1 if end >= 0 else 0
        if at <= 0:
            return "".join(kept)
    kept.append(text[at:])
    return "".join(kept)


def html_text(source: str) -> str:
    """HTML as plain text."""
    for element in ("style", "script", "head"):
        if "<" + element in source.lower():
            source = _without(element, source)
    source = _BREAK.sub("\n", source.replace("\n", " "))
    plain = html.unescape(_TAG.sub("", source))
    return "\n".join(line for line in (_SPACE.sub(" ", line).strip() for line in plain.split("\n")) if line)
