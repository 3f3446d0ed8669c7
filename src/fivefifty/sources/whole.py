"""Inputs that are read whole: payloads, reports and mails, out of files, directories, maildirs and mboxes."""
from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator

from ..errors import InputError
from . import Mail, files, mbox

MAX_DOCUMENT = 256 * 1024 * 1024  # bytes of one file
_HEAD = 2048
_PACKED_REPORT = (b"\x1f\x8b", b"PK\x03\x04")  # the feeds of reports unpack by themselves, and know how much is too much
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def documents(paths: Iterable[str], *, mails: bool) -> Iterator[Mail | InputError]:
    """Every document of the paths, in a fixed order.  `mails`: packed files hold mails, not reports."""
    for path in paths:
        if path == "-" and not mails:
            yield from _whole(sys.stdin.buffer.read(MAX_DOCUMENT + 1), "standard input")
        elif path == "-":
            yield from _mails((path,))
        elif os.path.isdir(path):
            yield from documents(below(path), mails=mails)
        else:
            yield from _file(path, mails)


def below(top: str) -> Iterator[str]:
    """Files under a directory; what begins with a dot is somebody's unfinished work, tmp of a maildir too."""
    seen: set[tuple[int, int]] = set()
    for folder, folders, names in os.walk(top, followlinks=True):
        about = os.stat(folder)
        if (about.st_dev, about.st_ino) in seen:
            folders.clear()
            continue
        seen.add((about.st_dev, about.st_ino))
        maildir = {"new", "cur"} <= set(folders)
        folders[:] = sorted(name for name in folders if not (maildir and name == "tmp") and (maildir or not name.startswith(".")))
        yield from (os.path.join(folder, name) for name in sorted(names) if not name.startswith(".") and not maildir)


def _file(path: str, mails: bool) -> Iterator[Mail | InputError]:
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
            if (head.startswith(_PACKED_REPORT) and not mails) or not (mbox.is_mbox(head) or head.startswith((*_PACKED_REPORT, _OLE))):
                yield from _whole(head + file.read(MAX_DOCUMENT + 1 - len(head)), path)
                return
    except OSError as error:
        yield InputError(f"It could not be read: {(error.strerror or '').lower()}.", path, "Check the path and its permissions.")
        return
    yield from _mails((path,))


def _whole(content: bytes, where: str) -> Iterator[Mail | InputError]:
    if len(content) > MAX_DOCUMENT:
        yield InputError(f"It is larger than {MAX_DOCUMENT // 1024 // 1024} MB.", where, "No report or payload is; if it is a log, give its kind.")
    elif content:
        yield Mail(content, where)


def _mails(paths: Iterable[str]) -> Iterator[Mail | InputError]:
    for piece in files.pieces(paths):
        if isinstance(piece, InputError):
            yield piece
        else:
            yield from files.mails(piece)
