"""MIME over bytes (RFC 2045, 2046): headers and leaf parts, tolerant and bounded.

`email.parser` would build objects for every header of every part; we need a dozen fields of a few parts, from mails that
are often broken.  All line ends are LF when they get here (`unix`).
"""
from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

MAX_BYTES = 32 * 1024 * 1024
MAX_DEPTH = 30
MAX_PARTS = 500
MAX_HEADER_BLOCK = 256 * 1024
MAX_USUAL = 160  # bytes of a header block that is worth remembering
MAX_TEXT = 256 * 1024  # of one text part, before decoding

Fields = dict[str, list[str]]

# The line break in front, which `_pairs` gives the first field too, lets the engine skip from line to line.
_FIELD = re.compile(r"\n([!-9;-~]{1,120}+)[ \t]*+:(.*+(?:\n[ \t].*+)*+)")
_PARAM = re.compile(r";\s*([\w*.-]+)\s*=\s*(?:\"([^\"\n]*)\"|([^\s;]+))")


class Headers:
    """The header fields of a mail or part.  They are found in one pass; a value is unfolded when somebody asks for it."""

    __slots__ = ("_all", "_first", "block")

    def __init__(self, block: str = "") -> None:
        self.block = block
        self._first: dict[str, str] | None = None
        self._all: Fields | None = None

    @property
    def all(self) -> Fields:
        """Every field: lower-case name -> unfolded values in order."""
        if self._all is None:
            self._all = fields_of(self.block)
        return self._all

    def first(self, name: str) -> str:
        """The first value of a field (lower-case name), unfolded, or "".  "Name : value" is read too (RFC 5322 4.5)."""
        first = self._first
        if first is None:
            first = self._first = {name.lower(): value for name, value in reversed(_pairs(self.block))}
        value = first.get(name)
        return _unfolded(value) if value else ""

    def get(self, name: str, default: list[str] | tuple[str, ...] = ()) -> list[str] | tuple[str, ...]:
        """All values of a field."""
        return self.all.get(name, default)

    def __contains__(self, name: str) -> bool:
        return name in self.all

    def __iter__(self) -> Iterator[str]:
        return iter(self.all)

    def __getitem__(self, name: str) -> list[str]:
        return self.all[name]


@dataclass(slots=True)
class Part:
    """One leaf of the MIME tree.  `where` is its place ("part 1.2"), `offset` where its body starts."""

    headers: Headers
    body: bytes
    type: str
    params: dict[str, str]
    where: str
    offset: int = 0


@dataclass(slots=True)
class Mail:
    """A mail taken apart: its own headers and its leaves, with what was odd in `notes`."""

    headers: Headers
    parts: list[Part] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    human: tuple[str, str] | None = None  # what `report.human_part` found, kept because several ask

    def first(self, name: str) -> str:
        """The first value of a header, unfolded, or ""."""
        return self.headers.first(name)


def unix(data: bytes) -> bytes:
    """Line ends as LF and no NULs, whatever mix a relay or an editor made of them."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        data = data.decode("utf-16", "replace").encode("utf-8", "replace")
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return data.replace(b"\0", b"") if b"\0" in data else data


def text_of(data: bytes) -> str:
    """Header bytes as text: UTF-8 (RFC 6532), else Latin-1, which never fails."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _pairs(block: str) -> list[tuple[str, str]]:
    """Names and raw values of the header fields of a block (RFC 5322 2.2)."""
    pairs: list[tuple[str, str]] = _FIELD.findall("\n" + block)
    return pairs


def _unfolded(value: str) -> str:
    """A field's value on one line (RFC 5322 2.2.3)."""
    return " ".join([line.strip() for line in value.split("\n")]).strip() if "\n" in value else value.strip()


def first_fields(block: str) -> dict[str, str]:
    """Header fields of a block: lower-case name -> first value, unfolded."""
    return {name.lower(): _unfolded(value) for name, value in reversed(_pairs(block))}


def fields_of(block: str) -> Fields:
    """Header fields of a block: lower-case name -> unfolded values in order."""
    found: Fields = {}
    for name, value in _pairs(block):
        found.setdefault(name.lower(), []).append(_unfolded(value))
    return found


def split_header(data: bytes, start: int, end: int) -> tuple[bytes, int]:
    """The header block from `start` on and the offset of the body.  A block without end is all header, up to the cap."""
    if data.startswith(b"\n", start):
        return b"", start + 1
    limit = min(end, start + MAX_HEADER_BLOCK)
    at = data.find(b"\n\n", start, limit)
    return (data[start:at], at + 2) if at >= 0 else (data[start:limit], limit)


def content_type(headers: Headers) -> tuple[str, dict[str, str]]:
    """The media type in lower case and its parameters; text/plain where none is given (RFC 2045 5.2)."""
    value = headers.first("content-type")
    if not value:
        return "text/plain", {}
    kind, params = _media_type(value) if len(value) < 80 else _media_type.__wrapped__(value)
    return kind, dict(params)


@lru_cache(maxsize=256)
def _media_type(value: str) -> tuple[str, dict[str, str]]:
    kind, _, rest = value.partition(";")
    params = {name.lower(): quoted or bare for name, quoted, bare in _PARAM.findall(value[:4000])} if rest else {}
    return kind.strip().lower() or "text/plain", params


@lru_cache(maxsize=256)
def _usual_head(block: bytes) -> tuple[Headers, str, dict[str, str]]:
    headers = Headers(text_of(block))
    return headers, *content_type(headers)


def _head(block: bytes) -> tuple[Headers, str, dict[str, str]]:
    """The headers of a part, its type and parameters.  The few lines above most parts are the same in mail after mail."""
    return _usual_head(block) if len(block) <= MAX_USUAL else _usual_head.__wrapped__(block)


def _sections(data: bytes, start: int, boundary: bytes) -> list[tuple[int, int]]:
    """Offsets of the sections between the delimiter lines; a missing end delimiter ends at the end of the data."""
    delimiter = b"--" + boundary
    found: list[tuple[int, int]] = []
    at = start if data.startswith(delimiter, start) else data.find(b"\n" + delimiter, max(start - 1, 0))
    opened = -1
    while at >= 0:
        if data[at : at + 1] == b"\n":
            at += 1
        if opened >= 0:
            found.append((opened, max(at - 1, opened)))
        behind = at + len(delimiter)
        line = data.find(b"\n", behind)
        if data.startswith(b"--", behind) or line < 0:
            return found
        opened = line + 1
        if len(found) >= MAX_PARTS:
            return found
        at = data.find(b"\n" + delimiter, line)
    if opened >= 0:
        found.append((opened, len(data)))
    return found


# A delimiter line behind which a message/* part opens, in a mail whose own Content-Type was lost.
_LOST = re.compile(rb"\n--([^\s-][^\n]{3,69})\n[Cc]ontent-[Tt]ype: *(?:message/|multipart/)")

_UNFOLDED = re.compile(rb"\n[Bb][Oo][Uu][Nn][Dd][Aa][Rr][Yy]=\"?([^\"\s;]{1,200})")


def read_mail(data: bytes) -> Mail:
    """Take a mail apart.  `data` has LF line ends; never raises."""
    mail = Mail(Headers())
    if len(data) > MAX_BYTES:
        mail.notes.append(f"only the first {MAX_BYTES} bytes were read")
        data = data[:MAX_BYTES]
    while data.startswith((b"From ", b">From ")):  # mbox separator that came along
        data = data[data.find(b"\n") + 1 :] if b"\n" in data else b""
    if data.startswith(b"\n"):
        data = data.lstrip(b"\n")
    block, body = split_header(data, 0, len(data))
    mail.headers = Headers(text_of(block))
    kind, params = content_type(mail.headers)
    if not mail.headers.first("content-type"):
        lost = _LOST.search(data, body, body + 20_000) if data.find(b"\n--", max(body - 1, 0), body + 20_000) >= 0 else None
        if lost:
            mail.notes.append("multipart without a Content-Type header: the boundary was found in the text")
            kind, params = "multipart/mixed", {"boundary": text_of(lost[1])}
    if not kind.startswith("multipart/"):
        mail.parts.append(Part(mail.headers, data[body:], kind, params, "body", body))
        return mail
    # Depth first without recursion: two thousand nested parts must not end in a RecursionError.
    stack = [(body, len(data), params.get("boundary", ""), 1, "")]
    while stack:
        start, end, boundary, depth, where = stack.pop()
        sections = _sections(data[:end] if end < len(data) else data, start, boundary.strip().encode("utf-8", "replace")) if boundary else []
        if not sections:
            mail.notes.append("a multipart without its boundary was read as text")
            mail.parts.append(Part(Headers(), data[start:end], "text/plain", {}, f"part {where or '1'}", start))
            continue
        deeper: list[tuple[int, int, str, int, str]] = []
        for number, (first, last) in enumerate(sections, 1):
            if len(mail.parts) + len(stack) + len(deeper) >= MAX_PARTS:
                mail.notes.append(f"only the first {MAX_PARTS} parts were read")
                break
            name = f"{where}.{number}" if where else str(number)
            block, inner = split_header(data, first, last)
            headers, kind, params = _head(block)
            unfolded = _UNFOLDED.search(block) if kind.startswith("multipart/") and not params.get("boundary") else None
            if unfolded:  # a parameter on a line of its own without the space that continues a field (RFC 5322 2.2.3)
                params = {**params, "boundary": text_of(unfolded[1])}
            if kind.startswith("multipart/") and params.get("boundary"):
                if depth >= MAX_DEPTH:
                    mail.notes.append(f"parts nested deeper than {MAX_DEPTH} were not opened")
                    continue
                deeper.append((inner, last, params["boundary"], depth + 1, name))
                mail.parts.append(Part(headers, b"", kind, params, f"part {name}", first))
            else:
                mail.parts.append(Part(headers, data[inner:last], kind, params, f"part {name}", inner))
        stack.extend(reversed(deeper))
    return mail


def decoded(part: Part, limit: int = MAX_TEXT) -> bytes:
    """The body with its transfer encoding undone (RFC 2045 6), at most `limit` bytes of it."""
    name = part.headers.first("content-transfer-encoding").lower()
    body = part.body[: limit * 2] if len(part.body) > limit * 2 else part.body
    if name == "quoted-printable":
        return binascii.a2b_qp(body)[:limit]
    if name == "base64":
        return base64_bytes(body)[:limit]
    return body[:limit]


def base64_bytes(body: bytes) -> bytes:
    """Base64 with the faults of the world: stray characters, missing padding, text behind the end."""
    try:
        return binascii.a2b_base64(body)
    except binascii.Error:
        clean = re.sub(rb"[^A-Za-z0-9+/]", b"", body)
        return binascii.a2b_base64(clean[: len(clean) // 4 * 4])


_CHARSETS = {"": "utf-8", "utf8": "utf-8", "unicode-1-1-utf-7": "utf-7", "iso-8859-8-i": "iso-8859-8", "x-gbk": "gbk", "gb2312": "gb18030",
             "us-ascii": "utf-8", "ascii": "utf-8", "ansi_x3.4-1968": "utf-8", "x-sjis": "cp932", "shift_jis": "cp932", "iso-2022-jp": "iso2022_jp_ext",
             "default": "utf-8", "default_charset": "utf-8", "unknown-8bit": "utf-8", "x-unknown": "utf-8", "cp-850": "cp850", "windows-874": "cp874"}


def to_text(data: bytes, charset: str) -> str:
    """Bytes as text; a charset nobody knows is read as UTF-8 and, where that fails, Windows-1252."""
    name = charset.strip().strip("'\"").lower()
    if b"\x1b$" in data and not name.startswith("iso-2022"):
        name = "iso-2022-jp"
    name = _CHARSETS.get(name, name)
    if name[:3] in ("utf", "ucs", "uni") and name[3:6] not in ("-8", "-7") and b"\0" not in data:  # two bytes a letter on paper, one in fact
        name = "utf-8"
    try:
        return data.decode(name)
    except (UnicodeDecodeError, LookupError, ValueError):
        pass
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        try:
            return data.decode(name, "replace")
        except (LookupError, ValueError):
            return data.decode("cp1252", "replace")


def text(part: Part) -> str:
    """A text part as text; HTML as what a reader would see of it."""
    plain = to_text(decoded(part), part.params.get("charset", ""))
    if part.type == "text/html" or (part.type != "text/plain" and plain[:200].lstrip().lower().startswith(("<html", "<!doctype"))):
        from .html import html_text

        return html_text(plain)
    return plain


_WORD = re.compile(r"=\?([^?\s]{1,40})\?([bqBQ])\?([^?\s]*)\?=(?:\s+(?==\?))?")


def decode_words(value: str) -> str:
    """A header value with its encoded words read (RFC 2047)."""
    if "=?" not in value:
        return value
    return _WORD.sub(_decode_word, value)


def _decode_word(match: re.Match[str]) -> str:
    charset, how, content = match[1].split("*", 1)[0], match[2].lower(), match[3].encode("ascii", "replace")
    data = base64_bytes(content) if how == "b" else binascii.a2b_qp(content.replace(b"_", b" "), header=True)
    return to_text(data, charset)
