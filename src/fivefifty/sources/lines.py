"""Logs and tables in blocks of whole lines, whatever packed them and however large they are."""
from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from io import BufferedReader
from itertools import chain
from typing import Any, BinaryIO, cast

from ..errors import InputError

BLOCK = 1024 * 1024  # bytes read at once
LONGEST = 1024 * 1024  # bytes of a line that are kept; readers look at less
_ZIP = b"PK\x03\x04"
_PACKED: tuple[tuple[bytes, Any], ...] = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ", lzma.open))
_REFUSED = ((b"\x28\xb5\x2f\xfd", "packed with zstd", "Unpack it first: unzstd FILE."), (b"7z\xbc\xaf", "a 7-Zip archive", "Unpack it first."))
_DAMAGE = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, ValueError)


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
    try:
        with nullcontext(sys.stdin.buffer) if path == "-" else open(path, "rb") as file:
            head = cast(BufferedReader, file).peek(6)
            for magic, what, hint in _REFUSED:
                if head.startswith(magic):
                    raise InputError(f"It is {what}.", path, hint)
            unpack = _from_zip if head.startswith(_ZIP) else next((open_ for magic, open_ in _PACKED if head.startswith(magic)), None)
            if unpack is None:
                yield cast(BinaryIO, file)
            else:
                with unpack(file, "rb") as inner:
                    yield cast(BinaryIO, inner)
    except OSError as error:
        raise InputError(f"It could not be read: {(error.strerror or 'it is damaged').lower()}.", path, "Check the path and its permissions.") from error


@contextmanager
def _from_zip(file: BinaryIO, mode: str) -> Iterator[BinaryIO]:
    """The one file of an archive, as portals give their exports."""
    hint = "Unpack it, and give the files."
    try:
        archive = zipfile.ZipFile(file)
        names = [one for one in archive.infolist() if not one.is_dir()]
        if len(names) != 1:
            raise InputError(f"It is a ZIP archive of {len(names)} files.", getattr(file, "name", ""), hint)
        inner = archive.open(names[0])
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, io.UnsupportedOperation) as error:
        raise InputError("It is a ZIP archive that can't be opened: damaged, encrypted, or from a pipe.", getattr(file, "name", ""), hint) from error
    with archive, inner:
        yield cast(BinaryIO, inner)


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
        lines = split(whole)
        size = held + cut + 1
        offset += size
        yield Block(lines, number, where, size, offset)
        number += len(lines)
        rest, held = ([bite[cut + 1 :]], len(bite) - cut - 1) if cut + 1 < len(bite) else ([], 0)
    if held:
        yield Block(split(b"".join(rest)), number, where, held, offset + held)


def split(whole: bytes) -> list[bytes]:
    """Lines without their ends; of endless ones the beginning."""
    lines = whole.split(b"\n")
    if b"\r" in whole:
        lines = [line.removesuffix(b"\r") for line in lines]
    return [line[:LONGEST] for line in lines] if len(whole) > LONGEST else lines


def _transcoded(bites: Iterable[bytes]) -> Iterator[bytes]:
    """UTF-16 with its mark, as Windows tools export tables, in UTF-8."""
    from codecs import getincrementaldecoder

    decoder = getincrementaldecoder("utf-16")("replace")
    for bite in bites:
        yield decoder.decode(bite).encode("utf-8", "replace")
    yield decoder.decode(b"", True).encode("utf-8", "replace")
