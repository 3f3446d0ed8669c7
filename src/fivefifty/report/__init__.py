"""Shows verdicts: text for people, JSON for programs, counts for many.  Nothing is decided here."""
from __future__ import annotations

import re

# C0 but for line feed and tab, DEL, C1, direction overrides, and halves of surrogate pairs: a bounce is written by strangers,
# and a terminal obeys such characters (escape sequences) or shows other words than are there (bidirectional overrides).
_HOSTILE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def clean(text: str) -> str:
    """The text with everything that could steer a terminal replaced by U+FFFD."""
    return _HOSTILE.sub("\ufffd", text.replace("\r\n", "\n")) if not text.isprintable() else text
