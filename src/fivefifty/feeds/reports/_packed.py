"""Reports as they travel: in mails, in gzip and zip, under whatever name and type.  What is in them decides, not what they are called."""
from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ...parse.mime import base64_bytes, decoded, read_mail, unix

BITE = 256 * 1024
MAX_UNPACKED = 2 * 1024**3  # bytes of one report; the largest seen in the world have some hundred million
FREE, MAX_RATIO = 16 * 1024**2, 200  # unpacked bytes that are always allowed, and how many times its size anything beyond may be
MAX_MEMBERS = 1_000
MAX_INSIDE = 3  # a zip in a gzip in a mail
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_SPACE = b" \t\r\n"
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


class Unpackable(Exception):
    """Why something can't be unpacked, in a sentence."""


@dataclass(frozen=True, slots=True)
class Content:
    """One report, unpacked while it is read; `bites` can be taken once and may raise Unpackable."""

    name: str
    bites: Iterator[bytes]
    head: bytes


def contents(content: bytes, where: str, wanted: Callable[[bytes], bool]) -> Iterator[Content | str]:
    """Every report of an input, or a sentence about a part that should be one and can't be unpacked.  `wanted` knows one by its first bytes."""
    yield from _opened(content, where, wanted, 0)


def _opened(content: bytes, where: str, wanted: Callable[[bytes], bool], depth: int) -> Iterator[Content | str]:
    bare = content.lstrip(_SPACE)[:4096]
    if content.startswith(_GZIP):
        yield from _inside(_inflated(content), where, wanted, depth)
    elif bare.startswith(_ZIP) or b"PK\x03\x04" in content[:64]:
        yield from _members(content, where, wanted, depth)
    elif wanted(bare):
        yield Content(where, iter((content,)), bare)
    elif depth < MAX_INSIDE and _is_mail(bare):
        yield from _parts(content, where, wanted, depth)


def _inside(bites: Iterator[bytes], where: str, wanted: Callable[[bytes], bool], depth: int) -> Iterator[Content | str]:
    """What a packed stream holds: a report, or something packed again."""
    try:
        first = next(bites, b"")
    except Unpackable as error:
        yield f"{where}: {error}"
        return
    head = first.lstrip(_SPACE)[:4096]
    if head.startswith((_GZIP, _ZIP)) and depth < MAX_INSIDE:
        try:
            whole = b"".join((first, *_capped(bites, FREE)))
        except Unpackable as error:
            yield f"{where}: {error}"
            return
        yield from _opened(whole, where, wanted, depth + 1)
    elif wanted(head):
        yield Content(where, _chained(first, bites), head)


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _capped(bites: Iterator[bytes], most: int) -> Iterator[bytes]:
    size = 0
    for bite in bites:
        size += len(bite)
        if size > most:
            raise Unpackable("it is packed twice and too large")
        yield bite


def _watch(given: int, packed: int) -> None:
    if given > MAX_UNPACKED or (given > FREE and given > MAX_RATIO * packed):
        raise Unpackable(f"it unpacks to more than {given // 1024 // 1024} MB out of {packed:,} bytes; that is an attack, not a report")


def _inflated(content: bytes) -> Iterator[bytes]:
    """gzip members one after the other (RFC 1952 2.2); padding and mail footers behind the last are passed over."""
    given, at = 0, content
    while at.startswith(_GZIP):
        inflate = zlib.decompressobj(wbits=31)
        rest = at
        try:
            while not inflate.eof:
                bite = inflate.decompress(rest, BITE)
                rest = inflate.unconsumed_tail
                given += len(bite)
                _watch(given, len(content))
                if bite:
                    yield bite
                elif not rest:
                    raise Unpackable("the gzip file is cut off")
        except zlib.error as error:
            raise Unpackable("the gzip file is damaged") from error
        at = inflate.unused_data.lstrip(b"\0")


def _members(content: bytes, where: str, wanted: Callable[[bytes], bool], depth: int) -> Iterator[Content | str]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        members = [one for one in archive.infolist() if not one.is_dir() and not one.filename.startswith("__MACOSX/")]
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, UnicodeDecodeError):
        yield f"{where}: the zip file is damaged"
        return
    if len(members) > MAX_MEMBERS:
        yield f"{where}: the zip file holds {len(members):,} files; only the first {MAX_MEMBERS:,} are read"
    for member in members[:MAX_MEMBERS]:
        name = f"{where}: {member.filename[:200]}" if len(members) > 1 else where
        yield from _inside(_member(archive, member, len(content)), name, wanted, depth)


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, packed: int) -> Iterator[bytes]:
    given = 0
    try:
        with archive.open(member) as file:
            while bite := file.read(BITE):  # what the directory says about sizes may be a lie
                given += len(bite)
                _watch(given, packed)
                yield bite
    except (zipfile.BadZipFile, zlib.error, RuntimeError, OSError, EOFError, NotImplementedError, ValueError) as error:
        raise Unpackable("a file in the zip is damaged, encrypted or packed in an unknown way") from error


def _is_mail(head: bytes) -> bool:
    first = head.split(b"\n", 1)[0]
    return first.startswith((b"From ", b">From ")) or (b":" in first[:80] and first[:1] not in b"<{[ \t")


def _parts(content: bytes, where: str, wanted: Callable[[bytes], bool], depth: int) -> Iterator[Content | str]:
    """The parts of a mail that look like it, those of enclosed mails too."""
    for part in read_mail(unix_but_binary(content)).parts:
        encoding = part.headers.first("content-transfer-encoding").lower()
        body = base64_bytes(part.body) if encoding == "base64" else decoded(part, len(part.body))
        head = body.lstrip(_SPACE)[:64]
        if head.startswith((_GZIP, _ZIP)) or wanted(body.lstrip(_SPACE)[:4096]) or part.type == "message/rfc822":
            yield from _opened(body, where, wanted, depth + 1)


def unix_but_binary(content: bytes) -> bytes:
    """Line ends as LF, but for mails that carry raw binary: there a CR may be part of a packed file."""
    return content.replace(b"\r\n", b"\n") if b"\0" in content else unix(content)
