"""A mail as DKIM and ARC see it: header fields byte for byte, and the body; and what its addresses and links name.

Signatures are made over the octets that travelled, with CRLF line ends (RFC 6376 5.3); files and bounces hold LF, so line
ends are made CRLF here and nothing else is touched.
"""
from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from ..parse.mime import MAX_BYTES, decoded, read_mail, to_text, unix

MAX_FIELDS = 5000  # header fields looked at
MAX_LINK_TEXT = 2 * 1024 * 1024  # of all text parts together
MAX_LINKS = 500

_NAME = re.compile(rb"([!-9;-~]{1,200})[ \t]*:")  # RFC 5322 2.2; space before the colon is 4.5.8
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_URL = re.compile(r"https?:[/\\]{2}([^\s/?#\"'<>\\(){}|^`]{1,400})", re.IGNORECASE)
_HOST = re.compile(r"[\w.%。．｡-]+")
_NUMERIC = re.compile(r"[0-9.]+|0x[0-9a-f]+")
_HEX = re.compile(r"%([0-9a-fA-F]{2})")


class RawField(NamedTuple):
    """One header field: its lower-case name, and all its octets without the final CRLF."""

    name: str
    octets: bytes

    @property
    def value(self) -> bytes:
        """What stands behind the colon, folded as it is."""
        return self.octets.partition(b":")[2]

    @property
    def text(self) -> str:
        """The value on one line, as UTF-8 (RFC 6532) or else Latin-1."""
        unfolded = self.value.replace(b"\r\n", b"").strip(b" \t\r\n")
        try:
            return unfolded.decode("utf-8")
        except UnicodeDecodeError:
            return unfolded.decode("latin-1")


@dataclass(frozen=True, slots=True)
class RawMessage:
    """`fields` from the top; `strays` are lines of the header that are no field (name "").  `has_body` is false where the header never ended."""

    fields: tuple[RawField, ...] = ()
    body: bytes = b""
    has_body: bool = False
    strays: tuple[bytes, ...] = ()
    too_large: bool = False

    def named(self, name: str) -> list[RawField]:
        """All fields of a (lower-case) name, from the top."""
        return [field for field in self.fields if field.name == name]

    def first(self, name: str) -> str:
        """The text of the topmost field of that name, or ""."""
        return next((field.text for field in self.fields if field.name == name), "")


def split(message: bytes) -> RawMessage:
    """Take a mail apart without changing it; the mbox line of a file and empty lines in front do not belong to it."""
    too_large = len(message) > MAX_BYTES
    octets = message[:MAX_BYTES].replace(b"\r\n", b"\n")
    while octets.startswith((b"From ", b">From ")):
        octets = octets.partition(b"\n")[2]
    octets = octets.lstrip(b"\n")
    head, gap, body = octets.partition(b"\n\n")
    fields, strays = _fields(head.rstrip(b"\n"))
    return RawMessage(tuple(fields), body.replace(b"\n", b"\r\n"), bool(gap), tuple(strays), too_large)


def _fields(head: bytes) -> tuple[list[RawField], list[bytes]]:
    """The fields of a header block with LF line ends."""
    groups: list[list[bytes]] = []
    for line in head.split(b"\n"):
        if groups and line[:1] in (b" ", b"\t"):
            groups[-1].append(line)
        else:
            groups.append([line])
            if len(groups) > MAX_FIELDS:
                break
    fields: list[RawField] = []
    strays: list[bytes] = []
    for lines in groups:
        named = _NAME.match(lines[0])
        if named:
            fields.append(RawField(named[1].decode("ascii").lower(), b"\r\n".join(lines)))
        elif lines[0]:
            strays.append(lines[0])
    return fields, strays


@lru_cache(maxsize=4096)
def a_label_name(name: str) -> str:
    """A domain name in lower-case A-labels without final dot, or "" where it is none (RFC 5890; underscores are let pass)."""
    name = name.strip().rstrip(".").lower()
    if not name or len(name) > 1000:
        return ""
    if not name.isascii():
        name = _encoded(name)
    return name if 0 < len(name) <= 253 and all(_LABEL.fullmatch(label) for label in name.split(".")) else ""


def _encoded(name: str) -> str:
    try:
        import idna
    except ImportError:
        return ""
    try:  # IDNA's own errors are UnicodeErrors; very odd input raises others
        return ".".join(idna.encode(label, uts46=True).decode("ascii") if not label.isascii() else label for label in re.split("[.。．｡]", name))
    except (UnicodeError, ValueError, IndexError):
        return ""


def link_domains(message: bytes) -> tuple[str, ...]:
    """The host names in the http and https URLs of the text and HTML parts, as A-labels, each once, in order, at most 500."""
    seen: dict[str, None] = {}
    for text in _texts(message):
        for host in _URL.findall(text):
            name = _host_name(host)
            if name:
                seen.setdefault(name)
                if len(seen) >= MAX_LINKS:
                    return tuple(seen)
    return tuple(seen)


def _texts(message: bytes) -> Iterator[str]:
    """The text parts, decoded; HTML with its character references read."""
    import html

    left = MAX_LINK_TEXT
    for part in read_mail(unix(message)).parts:
        if not part.type.startswith("text/") or left <= 0:
            continue
        text = to_text(decoded(part, left), part.params.get("charset", ""))
        left -= len(text)
        yield html.unescape(text) if part.type == "text/html" or "&#" in text else text


def _host_name(host: str) -> str:
    """The name of an URL's authority (RFC 3986 3.2): without user, port and percent signs; "" for an IP address."""
    host = host.rpartition("@")[2]
    if host.startswith("["):
        return ""
    found = _HOST.match(_HEX.sub(lambda one: chr(int(one[1], 16)), host))  # what follows is a port, or the text around the link
    name = a_label_name(found[0].strip("._-")) if found else ""
    return name if "." in name and not _NUMERIC.fullmatch(name) and not name.rpartition(".")[2].isdigit() else ""
