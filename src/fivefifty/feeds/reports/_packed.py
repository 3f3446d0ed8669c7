"""Reports as they travel: in mails, in gzip and zip, under whatever name and type.  What is in them decides, not what they are called."""
from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from ...model import Event
from ...parse.mime import MAX_PARTS, Part, base64_bytes, decoded, read_mail, unix
from .. import Reject

BITE = 256 * 1024
MAX_UNPACKED = 2 * 1024**3  # bytes of one input; the largest reports seen in the world have some hundred million
FREE, MAX_RATIO = 16 * 1024**2, 200  # unpacked bytes that are always allowed, and how many times its size anything beyond may be
MAX_MEMBERS = 1_000
MAX_INSIDE = 3  # a zip in a gzip in a mail
MAX_MAILS = 10_000  # of an mbox
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_SPACE = b" \t\r\n"
_BASE64 = (b"H4sI", b"UEsD", b"PD94bW", b"PGZlZWRiYWNr", b"eyJ", b"ew0K", b"ewog")  # how gzip, zip, XML and JSON begin in base64
_SEPARATOR = re.compile(rb"\n\r?\n>?From [^\n]{3,200}\d{4}[^\n]{0,12}\n(?=[!-9;-~]++:)")
_FIELD = re.compile(rb"[!-9;-~]{1,80}[ \t]*:")


class Unpackable(Exception):
    """Why something can't be unpacked, in a sentence."""


@dataclass(frozen=True, slots=True)
class Content:
    """One report, unpacked while it is read; `bites` can be taken once and may raise Unpackable."""

    name: str
    bites: Iterator[bytes]
    head: bytes


@dataclass(slots=True)
class _Input:
    """What is looked for in one input, and how much has been unpacked out of it: all of its files share one allowance."""

    wanted: Callable[[bytes], bool]
    packed: int
    given: int = 0

    def watch(self, more: int) -> None:
        """Count bytes; raises Unpackable where they are too many."""
        self.given += more
        if self.given > MAX_UNPACKED or (self.given > FREE and self.given > MAX_RATIO * self.packed):
            raise Unpackable(f"it unpacks to more than {self.given // 1024 // 1024} MB out of {self.packed:,} bytes; that is an attack, not a report")


def contents(content: bytes, where: str, wanted: Callable[[bytes], bool]) -> Iterator[Content | str]:
    """Every report of an input, or a sentence about a part that should be one and can't be unpacked.  `wanted` knows one by its first bytes."""
    yield from _opened(content, where, _Input(wanted, len(content)), 0)


def sparing(told: Iterable[Event | Reject], content: bytes) -> Iterator[Event | Reject]:
    """The same, with the whole input in the first reject only: a thousand damaged files in one zip are not to be kept a thousand times."""
    given = False
    for one in told:
        if isinstance(one, Reject) and one.content is content:
            if given:
                one = replace(one, content=f"{one.where}: {one.reason}".encode("utf-8", "replace")[:10_000])
            given = True
        yield one


def _opened(content: bytes, where: str, what: _Input, depth: int) -> Iterator[Content | str]:
    bare = _bare(content)
    if content.startswith(_GZIP):
        yield from _inside(_inflated(content, what), where, what, depth)
    elif bare.startswith(_ZIP) or _ZIP in content[:64]:
        yield from _members(content, where, what, depth)
    elif what.wanted(bare):
        yield Content(where, iter((content,)), bare)
    elif depth < MAX_INSIDE and _is_mail(bare):
        for mail in _mails(content):
            yield from _parts(mail, where, what, depth)


def _bare(content: bytes) -> bytes:
    """The first bytes behind blanks; a whole megabyte of blanks is nothing."""
    return content[:65_536].lstrip(_SPACE)[:4096]


def _inside(bites: Iterator[bytes], where: str, what: _Input, depth: int) -> Iterator[Content | str]:
    """What a packed stream holds: a report, or something packed again, or a mail."""
    try:
        first = next(bites, b"")
        head = _bare(first)
        if depth >= MAX_INSIDE or not (head.startswith((_GZIP, _ZIP)) or (_is_mail(head) and not what.wanted(head))):
            if what.wanted(head):
                yield Content(where, _chained(first, bites), head)
            return
        whole = b"".join((first, *_capped(bites)))
    except Unpackable as error:
        yield f"{where}: {error}"
        return
    yield from _opened(whole, where, what, depth + 1)


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _capped(bites: Iterator[bytes]) -> Iterator[bytes]:
    size = 0
    for bite in bites:
        size += len(bite)
        if size > FREE:
            raise Unpackable("it is packed twice and too large")
        yield bite


def _inflated(content: bytes, what: _Input) -> Iterator[bytes]:
    """gzip members one after the other (RFC 1952 2.2); padding and mail footers behind the last are passed over."""
    at = memoryview(content)
    while at[:2] == _GZIP:
        inflate = zlib.decompressobj(wbits=31)
        given = 0
        try:
            while not inflate.eof:
                some = inflate.unconsumed_tail or at[given : given + BITE]
                if not inflate.unconsumed_tail:
                    given += len(some)
                bite = inflate.decompress(some, BITE)
                what.watch(len(bite) + 64)  # a million empty members are work too
                if bite:
                    yield bite
                elif not some:
                    raise Unpackable("the gzip file is cut off")
        except zlib.error as error:
            raise Unpackable("the gzip file is damaged") from error
        at = at[given - len(inflate.unused_data) :]
        while (blank := bytes(at[:4096])).startswith(b"\0"):
            at = at[len(blank) - len(blank.lstrip(b"\0")) :]


def _members(content: bytes, where: str, what: _Input, depth: int) -> Iterator[Content | str]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        members = [one for one in archive.infolist() if not one.is_dir() and not one.filename.startswith("__MACOSX/")]
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, UnicodeDecodeError, OverflowError):
        yield f"{where}: the zip file is damaged"
        return
    if len(members) > MAX_MEMBERS:
        yield f"{where}: the zip file holds {len(members):,} files; only the first {MAX_MEMBERS:,} are read"
    for member in members[:MAX_MEMBERS]:
        name = f"{where}: {member.filename[:200]}" if len(members) > 1 else where
        yield from _inside(_member(archive, member, what), name, what, depth)


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, what: _Input) -> Iterator[bytes]:
    try:
        with archive.open(member) as file:
            while bite := file.read(BITE):  # what the directory says about sizes may be a lie
                what.watch(len(bite))
                yield bite
    except (zipfile.BadZipFile, zlib.error, RuntimeError, OSError, EOFError, NotImplementedError, ValueError, OverflowError) as error:
        raise Unpackable("a file in the zip is damaged, encrypted or packed in an unknown way") from error


def _is_mail(head: bytes) -> bool:
    return head.startswith((b"From ", b">From ")) or _FIELD.match(head) is not None


def _mails(content: bytes) -> Iterator[bytes]:
    """The mails of an mbox; one where it is a single mail."""
    at = 0
    if content.startswith(b"From "):
        for _, found in zip(range(MAX_MAILS), _SEPARATOR.finditer(content), strict=False):
            yield content[at : found.start() + 1]
            at = found.start() + 1
    yield content[at:].lstrip(b"\r\n") if at else content


def _parts(content: bytes, where: str, what: _Input, depth: int) -> Iterator[Content | str]:
    """The parts of a mail that look like it, those of enclosed mails too."""
    parts = read_mail(unix_but_binary(content)).parts
    if len(parts) >= MAX_PARTS:
        yield f"{where}: the mail has very many parts; only the first {MAX_PARTS} are read"
    came_back = any(part.type.endswith("delivery-status") for part in parts)  # then what is enclosed was sent, not received
    for part in parts:
        body = _body(part)
        head = _bare(body)
        if head.startswith((_GZIP, _ZIP)) or what.wanted(head) or (part.type in ("message/rfc822", "message/global") and not came_back):
            yield from _opened(body, where, what, depth + 1)


def _body(part: Part) -> bytes:
    """A part with its transfer encoding undone; base64 also where nobody says that it is."""
    encoding = part.headers.first("content-transfer-encoding").lower()
    if encoding == "base64" or (encoding != "quoted-printable" and part.body[:64].lstrip().startswith(_BASE64)):
        plain = base64_bytes(part.body)
        if plain or encoding != "base64":
            return plain
    return decoded(part, len(part.body)) if encoding == "quoted-printable" else part.body


def unix_but_binary(content: bytes) -> bytes:
    """Line ends as LF, but for mails that carry raw binary: there a CR may be part of a packed file."""
    return content.replace(b"\r\n", b"\n") if b"\0" in content else unix(content)
