"""The tag=value lists of DKIM and ARC (RFC 6376 3.2): signatures and key records."""
from __future__ import annotations

import re

_TAG_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
# VALCHAR of RFC 6376 3.2, and what RFC 8616 adds to it; no control characters but folding whitespace
_VALUE = re.compile(r"[ \t\r\n!-:<-~\u0080-\U0010ffff]*")
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_SPACE = re.compile(r"[ \t\r\n]+")
MAX_TAGS = 100


class TagError(ValueError):
    """A tag list that is none; the text says where."""


def read_tags(text: str) -> dict[str, str]:
    """The tags in their order, values without the whitespace around them; `TagError` says what is wrong.

    Names are case-sensitive, none may come twice, and one semicolon may end the list (RFC 6376 3.2).
    """
    found: dict[str, str] = {}
    pieces = text.split(";", MAX_TAGS + 1)
    if not pieces[-1].strip(" \t\r\n"):
        pieces.pop()
    if len(pieces) > MAX_TAGS:
        raise TagError(f"it has more than {MAX_TAGS} tags")
    for piece in pieces:
        name, equals, value = piece.partition("=")
        name = name.strip(" \t\r\n")
        if not equals:
            raise TagError(f'"{shown(piece.strip())}" has no "="' if piece.strip() else "there is an empty tag between two semicolons")
        if not _TAG_NAME.fullmatch(name):
            raise TagError(f'"{shown(name)}" is no tag name')
        if name in found:
            raise TagError(f"the tag {name}= is there twice")
        if not _VALUE.fullmatch(value):
            raise TagError(f"the value of {name}= has a control character")
        found[name] = value.strip(" \t\r\n")
    return found


def without_space(value: str) -> str:
    """A value that may be folded anywhere (base64), in one piece."""
    return _SPACE.sub("", value)


def read_base64(value: str) -> bytes | None:
    """The octets of a folded base64 value; None where it is not base64 (RFC 4648 4)."""
    import binascii

    plain = without_space(value)
    if not plain or len(plain) % 4 or not _BASE64.fullmatch(plain):
        return None
    try:
        return binascii.a2b_base64(plain)
    except binascii.Error:
        return None


def listed(value: str) -> tuple[str, ...]:
    """The members of a colon-separated value, empty ones left out."""
    return tuple(one for one in (part.strip(" \t\r\n") for part in value.split(":")) if one)


def shown(text: str, most: int = 60) -> str:
    """A piece of foreign text to quote: short, and without what a terminal would obey."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in text[:most])
    return plain + ("…" if len(text) > most else "")
