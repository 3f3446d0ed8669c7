"""An mbox (RFC 4155) cut into mails while it streams by: memory is one mail, however large the box."""
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from . import MAX_MAIL, Piece

CHUNK = 1024 * 1024
TOO_LONG = f"only the first {MAX_MAIL // 1024 // 1024} MB of this mail were read"
_LOOKAHEAD = 1200  # bytes of a separator line and the start of the line behind it

# RFC 4155: "From ", an address, a date.  Writers differ in the date; a time and a year are in all of them.
_SEPARATOR = re.compile(rb"From [^\n]{0,400}?\d:\d\d[^\n]{0,400}\n(?:>?[!-9;-~]{1,120}[ \t]*:|>From |\r?\n)")
_YEAR = re.compile(rb"\b(?:19|20)\d\d\b")
_QUOTED = re.compile(rb"^>(>*From )", re.MULTILINE)


def is_mbox(head: bytes) -> bool:
    """Whether a file that starts like this is an mbox."""
    return head.startswith(b"From ") and _separates(head, 0)


def _separates(buffer: bytes, at: int) -> bool:
    found = _SEPARATOR.match(buffer, at, at + _LOOKAHEAD)
    return found is not None and _YEAR.search(buffer, at, found.end()) is not None


def chunks(file: BinaryIO) -> Iterator[bytes]:
    """The file in large bites.  A short one is the last: asking a terminal again would make the user press Ctrl-D twice."""
    while chunk := file.read(CHUNK):
        yield chunk
        if len(chunk) < CHUNK:
            return


def cuts(bites: Iterable[bytes]) -> Iterator[int]:
    """Offsets at which a mail begins, then the offset behind the last one.

    A separator stands at the start or behind an empty line.  "From " inside a mail without a date, or without a
    header field after it, is text that nobody quoted.
    """
    buffer, base = b"", 0
    yield 0
    for bite in bites:
        buffer += bite
        at = 0
        while (at := buffer.find(b"\nFrom ", at)) >= 0 and at + _LOOKAHEAD <= len(buffer):
            if _behind_empty_line(buffer, at) and _separates(buffer, at + 1):
                yield base + at + 1
            at += 1
        kept = max(0, (at if at >= 0 else len(buffer) - 6) - 2)
        base, buffer = base + kept, buffer[kept:]
    at = -1
    while (at := buffer.find(b"\nFrom ", at + 1)) >= 0:
        if _behind_empty_line(buffer, at) and _separates(buffer, at + 1):
            yield base + at + 1
    yield base + len(buffer)


def _behind_empty_line(buffer: bytes, at: int) -> bool:
    return buffer[max(0, at - 1) : at] == b"\n" or buffer[max(0, at - 2) : at] == b"\n\r"


def ranges(path: str) -> Iterator[Piece]:
    """The mails of an mbox file as ranges, to be read by whoever works on them."""
    with open(path, "rb") as file:
        start, number = 0, 0
        for end in cuts(chunks(file)):
            if end > start:
                number += 1
                yield Piece(path, f"{path}#{number}", start, end - start, in_mbox=True)
            start = end


class _Window:
    """What is kept of a stream: the mail being read, and of a mail over the cap its head and the last bites."""

    def __init__(self) -> None:
        self.bytes = bytearray()
        self.base = 0  # offset of its first byte in the stream
        self.head = b""  # the start of a mail that is too long to be kept

    def watch(self, bites: Iterable[bytes]) -> Iterator[bytes]:
        """Hand on every bite and keep it."""
        for bite in bites:
            self.bytes += bite
            if len(self.bytes) > MAX_MAIL + 4 * CHUNK:
                self.head = self.head or bytes(self.bytes[:MAX_MAIL])
                self._forget(self.base + len(self.bytes) - 2 * CHUNK)
            yield bite

    def take(self, end: int) -> tuple[bytes, bool]:
        """The mail that ends at `end`, and whether it is whole."""
        content, whole = self.head or bytes(self.bytes[: end - self.base]), not self.head
        self.head = b""
        self._forget(end)
        return content, whole

    def _forget(self, offset: int) -> None:
        del self.bytes[: offset - self.base]
        self.base = offset


def stream(bites: Iterable[bytes], where: str) -> Iterator[Piece]:
    """The mails of an mbox that can be read only once: from a pipe or out of a gzip file."""
    window = _Window()
    start, number = 0, 0
    for end in cuts(window.watch(bites)):
        if end > start:
            number += 1
            content, whole = window.take(end)
            yield Piece(where, f"{where}#{number}", content=content, notes=() if whole else (TOO_LONG,), in_mbox=True)
        start = end


def unquoted(content: bytes) -> bytes:
    """A mail as it was before it was put into the box: no separator line, ">From " as "From " again."""
    if content.startswith(b"From "):
        content = content[content.find(b"\n") + 1 :]
    return _QUOTED.sub(rb"\1", content) if b">From " in content else content
