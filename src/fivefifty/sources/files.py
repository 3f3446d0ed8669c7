"""Files, directories, maildirs, pipes and what is packed in gzip: found, recognised by content, cut into mails."""
from __future__ import annotations

import errno
import os
import stat
import sys
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import chain
from typing import BinaryIO

from ..errors import InputError
from . import MAX_MAIL, Mail, Piece, mbox

SMALL = 1024 * 1024  # a file up to this size is opened by the worker only
MAX_RATIO = 200  # unpacked to packed; mail packs ten times, repetitive bounces fifty times, a gzip bomb a thousand times
FREE = 64 * 1024 * 1024  # unpacked bytes that are always allowed
_HEAD = 2048

_GZIP = b"\x1f\x8b\x08"  # RFC 1952 2.3.1
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_STRANGERS = {
    b"PK\x03\x04": ("a ZIP archive", "Unpack it and give the directory."),
    b"!BDN": ("an Outlook data file (.pst or .ost)", "Export the mails from Outlook, or drag them out as .msg files."),
    b"7z\xbc\xaf": ("a 7-Zip archive", "Unpack it and give the directory."),
    b"BZh": ("packed with bzip2", "Unpack it first: bunzip2 -k FILE."),
    b"\xfd7zXZ": ("packed with xz", "Unpack it first: unxz -k FILE."),
    b"\x28\xb5\x2f\xfd": ("packed with zstd", "Unpack it first: unzstd FILE."),
    b"%PDF": ("a PDF", "Save the mail itself as .eml, or copy the text of the bounce and give it with --text."),
    b"\x89PNG": ("a picture", "A screenshot can't be read: save the mail itself as .eml, or copy its text."),
    b"\xff\xd8\xff": ("a picture", "A screenshot can't be read: save the mail itself as .eml, or copy its text."),
    b"GIF8": ("a picture", "A screenshot can't be read: save the mail itself as .eml, or copy its text."),
    b"SQLite f": ("a database", "Export the mails from the program that wrote it."),
    b"\x7fELF": ("a program", "Give the file of the mail."),
}


def pieces(paths: Iterable[str]) -> Iterator[Piece | InputError]:
    """Every piece of the given files, directories and maildirs, in a fixed order; "-" is standard input."""
    for path in paths:
        if path == "-":
            yield from _guarded(lambda: _from_stream(sys.stdin.buffer, "standard input"), "standard input")
        elif os.path.isdir(path):
            yield from _directory(path)
        else:
            yield from _file(path, named=True)


def mails(piece: Piece) -> Iterator[Mail | InputError]:
    """The mails of one piece.  A small file can still turn out to be an mbox or packed."""
    if piece.content is not None:
        yield Mail(_bare(piece.content, piece.in_mbox), piece.where, piece.notes)
        return
    try:
        with open(piece.path, "rb") as file:
            if piece.in_mbox:
                file.seek(piece.offset)
                yield Mail(_bare(file.read(min(piece.length, MAX_MAIL)), True), piece.where, _cap_note(piece.length))
                return
            content = file.read(MAX_MAIL + 1)
    except OSError as error:
        yield _unread(piece.path, error)
        return
    yield from _of_content(content, piece)


def _of_content(content: bytes, piece: Piece) -> Iterator[Mail | InputError]:
    head = content[:_HEAD]
    if head.startswith(_GZIP):
        for inner in _guarded(lambda: _from_bites(_unpacked(iter((content,)), piece.path), piece.path), piece.path):
            yield from (inner,) if isinstance(inner, InputError) else mails(inner)
    elif mbox.is_mbox(head):
        for inner in mbox.stream((content[at : at + mbox.CHUNK] for at in range(0, len(content), mbox.CHUNK)), piece.path):
            yield from mails(_alone(inner, content))
    elif head.startswith(_OLE):
        yield _from_outlook(content if len(content) <= MAX_MAIL else piece.path, piece.where)
    elif stranger := _stranger(head):
        if piece.named:
            yield InputError(f"This is {stranger[0]}, not a mail.", piece.path, stranger[1])
    else:
        yield Mail(_in_utf8(content[:MAX_MAIL]), piece.where, _cap_note(len(content)))


def _in_utf8(content: bytes) -> bytes:
    """Text as Windows editors save it: with a byte order mark, or in UTF-16."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace").encode()
    return content.removeprefix(b"\xef\xbb\xbf")


def _alone(piece: Piece, whole: bytes) -> Piece:
    """A mail saved with its separator line is one mail, not box#1."""
    if piece.content is not None and len(piece.content) == len(whole):
        return Piece(piece.path, piece.path, content=piece.content, notes=piece.notes, in_mbox=True)
    return piece


def _bare(content: bytes, in_mbox: bool) -> bytes:
    return mbox.unquoted(content) if in_mbox else content


def _cap_note(length: int) -> tuple[str, ...]:
    return (mbox.TOO_LONG,) if length > MAX_MAIL else ()


def _stranger(head: bytes) -> tuple[str, str] | None:
    return next((known for magic, known in _STRANGERS.items() if head.startswith(magic)), None)


def _from_outlook(content: bytes | str, where: str) -> Mail | InputError:
    from . import msg

    try:
        return Mail(msg.to_mail(content), where)
    except InputError as error:
        error.context = where
        return error


# Directories


def _directory(top: str) -> Iterator[Piece | InputError]:
    """All files below, sorted; links are followed, but no directory twice."""
    seen: set[tuple[int, int]] = set()
    waiting = [top]
    while waiting:
        folder = waiting.pop()
        try:
            about = os.stat(folder)
            if (about.st_dev, about.st_ino) in seen:
                continue
            seen.add((about.st_dev, about.st_ino))
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            yield _unread(folder, error)
            continue
        folders = yield from _entries(entries)
        waiting += reversed(folders)


def _entries(entries: list[os.DirEntry[str]]) -> Generator[Piece | InputError, None, list[str]]:
    """Yield the files of one directory and return its directories.

    A maildir holds its mails in new and cur; tmp is unfinished, and the files beside them are the server's own.
    """
    names = {entry.name for entry in entries}
    maildir = {"new", "cur"} <= names
    folders = []
    for entry in entries:
        try:
            if entry.is_dir():
                if not (maildir and entry.name == "tmp") and (maildir or not entry.name.startswith(".")):
                    folders.append(entry.path)
            elif not maildir and not entry.name.startswith("."):
                yield from _file(entry.path, named=False)
        except OSError as error:
            yield _unread(entry.path, error)
    return folders


def _file(path: str, named: bool) -> Iterator[Piece | InputError]:
    """One file.  What the user did not name and what is no mail by its content is passed over in silence."""
    try:
        about = os.stat(path)
    except OSError as error:
        yield _unread(path, error)
        return
    if not stat.S_ISREG(about.st_mode):
        if named:  # a pipe such as <(command); in a directory nobody asked to wait for one
            yield from _guarded(lambda: _from_path(path), path)
    elif about.st_size <= SMALL:
        yield Piece(path, path, length=about.st_size, named=named)
    else:
        yield from _guarded(lambda: _large(path, about.st_size, named), path)


def _large(path: str, size: int, named: bool) -> Iterator[Piece | InputError]:
    with open(path, "rb") as file:
        head = file.read(_HEAD)
    if head.startswith(_GZIP):
        with open(path, "rb") as file:
            yield from _from_bites(_unpacked(mbox.chunks(file), path), path)
    elif mbox.is_mbox(head):
        yield from mbox.ranges(path)
    else:
        yield Piece(path, path, length=size, named=named)


# Streams


def _from_path(path: str) -> Iterator[Piece | InputError]:
    with open(path, "rb") as file:
        yield from _from_stream(file, path)


def _from_stream(file: BinaryIO, where: str) -> Iterator[Piece | InputError]:
    bites = mbox.chunks(file)
    first = next(bites, b"")
    whole = chain((first,), bites)
    yield from _from_bites(_unpacked(whole, where) if first.startswith(_GZIP) else whole, where)


def _from_bites(bites: Iterator[bytes], where: str) -> Iterator[Piece | InputError]:
    """The pieces of something that can be read only once."""
    content = b""
    for bite in bites:  # a pipe may give its first bytes one by one
        content += bite
        if len(content) >= _HEAD:
            break
    if not content:
        yield InputError("There is nothing in it.", where, "Give the bounce as a file, or paste it.")
    elif mbox.is_mbox(content):
        yield from mbox.stream(chain((content,), bites), where)
    else:
        parts = [content]
        size = len(content)
        for bite in bites:
            size += len(bite)
            if size - len(bite) <= MAX_MAIL:
                parts.append(bite)
        for mail in _of_content(b"".join(parts), Piece(where, where)):
            yield mail if isinstance(mail, InputError) else Piece(where, mail.where, content=mail.content, notes=mail.notes)


def _unpacked(bites: Iterable[bytes], where: str) -> Iterator[bytes]:
    """What gzip packed, in bites, up to a sane size."""
    taken = given = 0
    inflate, fresh = zlib.decompressobj(wbits=31), True
    for bite in bites:
        taken += len(bite)
        rest = bite
        while rest:
            out, fresh = inflate.decompress(rest, mbox.CHUNK), False
            given += len(out)
            if out:
                yield out
            _refuse_bombs(taken, given, where)
            rest = inflate.unconsumed_tail
            if inflate.eof:  # RFC 1952 2.2: members simply follow each other; padding behind them is common
                rest = inflate.unused_data.lstrip(b"\0")
                inflate, fresh = zlib.decompressobj(wbits=31), True
    if last := inflate.flush():
        yield last
    if not fresh and not inflate.eof:
        raise EOFError


def _refuse_bombs(taken: int, given: int, where: str) -> None:
    if given > FREE and given > MAX_RATIO * taken:
        raise InputError(
            f"It unpacks to more than {MAX_RATIO} times its size; only the first {given // 1024 // 1024} MB were read.", where,
            "If you trust this file, unpack it yourself (gunzip -k) and give the result.",
        )


# Failing well


def _guarded(make: Callable[[], Iterator[Piece | InputError]], where: str) -> Iterator[Piece | InputError]:
    """The pieces that `make()` yields; what stops it becomes the last value."""
    try:
        yield from make()
    except InputError as error:
        yield error
    except OSError as error:
        yield _unread(where, error)
    except (EOFError, zlib.error):
        yield InputError("The gzip file is damaged or cut off; what came before was read.", where, "Copy it again from where it came.")


_HINTS = {
    errno.ENOENT: "Check the path; to give text itself, use --text or standard input.",
    errno.EACCES: "Read it as a user who may, or change its permissions.",
    errno.ELOOP: "A symbolic link points back to itself; remove it.",
}


def _unread(path: str, error: OSError) -> InputError:
    what = error.strerror or type(error).__name__
    return InputError(f"It could not be read: {what.lower()}.", path, _HINTS.get(error.errno or 0, "Copy it to a place where it can be read and try again."))
