"""Logs and tables in blocks of whole lines, whatever packed them and however large they are."""
from __future__ import annotations

import bz2
import gzip
import lzma
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import IO, BinaryIO, cast

from ..errors import InputError

BLOCK = 1024 * 1024  # bytes read at once
LONGEST = 1024 * 1024  # bytes of a line that are kept; readers look at less
_PACKED = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ", lzma.open))
_REFUSED = ((b"\x28\xb5\x2f\xfd", "packed with zstd", "Unpack it first: unzstd FILE."), (b"7z\xbc\xaf", "a 7-Zip archive", "Unpack it first."))
_DAMAGE = (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError)


@dataclass(frozen=True, slots=True)
class Block:
    """Some lines of one input, in order and without their line ends."""

    lines: list[bytes]
    first: int  # number of the first line, from 1
    where: str
    size: int  # bytes read for it
    end: int = 0  # offset behind the last line, in the unpacked input


@contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """An input unpacked by its content; "-" is standard input.  `InputError` where it can't be read or what packed it is not known."""
    if path == "-":
        yield sys.stdin.buffer
        return
    try:
        with open(path, "rb") as file:
            head = file.read(6)
            for magic, what, hint in _REFUSED:
                if head.startswith(magic):
                    raise InputError(f"It is {what}.", path, hint)
            file.seek(0) if file.seekable() else None
            unpack = next((open_ for magic, open_ in _PACKED if head.startswith(magic)), None)
            if unpack is None:
                yield cast(BinaryIO, file if file.seekable() else _Again(head, file))
            else:
                with unpack(file, "rb") as inner:
                    yield cast(BinaryIO, inner)
    except OSError as error:
        raise InputError(f"It could not be read: {(error.strerror or 'it is damaged').lower()}.", path, "Check the path and its permissions.") from error


class _Again:
    """A pipe whose first bytes were looked at."""

    def __init__(self, head: bytes, file: IO[bytes]) -> None:
        self.head, self.file = head, file

    def read(self, size: int = -1) -> bytes:
        """Bytes, the first ones first."""
        if self.head:
            head, self.head = self.head, b""
            return head
        return self.file.read(size)


def blocks(path: str) -> Iterator[Block]:
    """The lines of an input; the last one counts without its line end too."""
    with opened(path) as file:
        yield from blocks_of(_bites(file, path), "standard input" if path == "-" else path)


def _bites(file: BinaryIO, path: str) -> Iterator[bytes]:
    try:
        while bite := file.read(BLOCK):
            yield bite
    except _DAMAGE as error:
        raise InputError("What packed it is damaged or cut off; what came before was read.", path, "Copy it again from where it came.") from error


def blocks_of(bites: Iterable[bytes], where: str, number: int = 1, offset: int = 0) -> Iterator[Block]:
    """Blocks of whole lines out of bites of any size."""
    bites = iter(bites)
    first = next(bites, b"")
    bites = chain((first,), bites)
    if first.startswith((b"\xff\xfe", b"\xfe\xff")):
        bites = _transcoded(bites)
    rest: list[bytes] = []
    held = 0
    for bite in bites:
        if not offset and number == 1 and not rest:
            bite = bite.removeprefix(b"\xef\xbb\xbf")
        cut = bite.rfind(b"\n")
        if cut < 0:
            if held < LONGEST:
                rest.append(bite)
            held += len(bite)
            continue
        whole = b"".join((*rest, bite[:cut])) if rest else bite[:cut]
        lines = whole.split(b"\n")
        size = held + cut + 1
        offset += size
        yield Block(_trimmed(lines), number, where, size, offset)
        number += len(lines)
        rest, held = ([bite[cut + 1 :]], len(bite) - cut - 1) if cut + 1 < len(bite) else ([], 0)
    if held:
        yield Block(_trimmed([b"".join(rest)]), number, where, held, offset + held)


def _trimmed(lines: list[bytes]) -> list[bytes]:
    return [line.removesuffix(b"\r")[:LONGEST] for line in lines] if any(line.endswith(b"\r") or len(line) > LONGEST for line in lines) else lines


def _transcoded(bites: Iterable[bytes]) -> Iterator[bytes]:
    """UTF-16 with its mark, as Windows tools export tables, in UTF-8."""
    from codecs import getincrementaldecoder

    decoder = getincrementaldecoder("utf-16")("replace")
    for bite in bites:
        yield decoder.decode(bite).encode("utf-8", "replace")
    yield decoder.decode(b"", True).encode("utf-8", "replace")
