"""Reply texts with everything taken out that changes from mail to mail, so that a thousand refusals are one line.

`550 5.1.1 <jane@example.org>: unknown (id 4Kq0Yb1z2c)` and its nine hundred sisters become `550 5.1.1 <recipient>: unknown (id <id>)`.
Reply codes, enhanced status, list names and words stay: what two templates mean may differ, what one means does not.
"""
from __future__ import annotations

import re

MAX_TEXT = 1_000  # characters that are looked at

_CHANGING = re.compile(
    r"(?P<address>[\w.+=/!#$%&'*?^`{|}~-]{1,64}@[\w.-]{1,255})|(?P<ip>\b\d{1,3}(?:\.\d{1,3}){3}\b|\b[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){3,7}\b)"
    r"|(?P<id>\b(?=[\w.-]{0,60}\d)(?=[\w.-]{0,60}[A-Za-z])[A-Za-z0-9][\w.-]{9,120}\b)|(?P<number>\b\d{5,}\b)"
)


def template_of(text: str, recipient: str = "") -> str:
    """The template of a text; `recipient` is the address it was said about."""
    text = text[:MAX_TEXT]
    if recipient and recipient in text:
        text = text.replace(recipient, "<recipient>").replace("<<recipient>>", "<recipient>")
    return " ".join(_CHANGING.sub(lambda found: f"<{found.lastgroup}>", text).split())
