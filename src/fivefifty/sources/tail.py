"""A log that grows, is rotated, truncated, packed, taken away and comes back: read line by line, each line once.

Where reading stopped is a Place.  A file is known by its first bytes, not by its name: after a rotation its name is another one, after
copytruncate its inode is the old one, and packed it has neither.  Whatever is doubtful is read again; the store counts nothing twice.
"""
from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from typing import Any, BinaryIO

from ..errors import InputError
from .lines import BLOCK, LONGEST, Block, opened, split

PRINT = 512  # bytes by which a file is known
GRACE = 5.0  # seconds a program may go on writing to a log that was renamed, until it opens the new one
_ROTATED = re.compile(r"[.-]\d{1,14}(?:[.-]\d{1,6})?(?:\.(?:gz|bz2|xz))?")
_DAMAGED = "What packed it is damaged or cut off; what came before was read."


@dataclass(frozen=True, slots=True)
class Place:
    """How far a log was read: `offset` bytes, unpacked, of the file whose first `length` bytes hash to `head`."""

    inode: int = 0
    head: str = ""
    length: int = 0
    offset: int = 0
    number: int = 1  # of the next line
    read_at: float = 0.0  # when that was


class Tail:
    """Reads one log on from a place.

    `clock` gives seconds since 1970.  `notes` tells, in sentences, what could not be found again.
    """

    def __init__(self, path: str, place: Place | None = None) -> None:
        self.path = path
        self.place = place or Place()
        self.notes: list[str] = []
        self._file: BinaryIO | None = None
        self._now = 0.0
        self._scanned = 0  # bytes behind `offset` known to hold no line end
        self._left: float = 0.0  # when another file was first seen under the name
        self._known = bool(place and place.inode)
        self._read_out = False  # the file of the place was read to its end, and nobody writes to it any more

    def blocks(self, now: float, *, patient: bool = True) -> Iterator[Block]:
        """The whole lines that are there now; `place` follows.  Patient: a renamed file gets time to be finished by who writes it."""
        self._now = now
        if self._file is None:
            yield from self._opened(now)
        while self._file is not None:
            yield from self._whole_lines(self._file, now)
            if not self._replaced(now, patient):
                return
            yield from self._finished(now)
            yield from self._opened(now)

    # -- the file under the name

    def _opened(self, now: float) -> Iterator[Block]:
        """Open the file under the name, after whatever was rotated away since."""
        try:
            file = open(self.path, "rb")  # noqa: SIM115 held open, so that it can be finished after it was renamed
        except FileNotFoundError:
            return
        except OSError as error:
            raise InputError(f"It could not be read: {(error.strerror or '').lower()}.", self.path, "Read it as a user who may.") from error
        if self._known and not self._is_ours(file):
            yield from self._rotated_away(now)
            self._begin(0)
            self.place = replace(self.place, read_at=now)
        if not self.place.inode:
            self.place = replace(self.place, inode=os.fstat(file.fileno()).st_ino, read_at=self.place.read_at or now)
        self._file, self._known, self._read_out = file, True, False
        self._mark(file)

    def _begin(self, inode: int) -> None:
        self.place = Place(inode, read_at=self.place.read_at)
        self._scanned = 0

    def _is_ours(self, file: BinaryIO) -> bool:
        """Whether this is still the file of the place, and has not become shorter."""
        about, place = os.fstat(file.fileno()), self.place
        if about.st_size < place.offset:
            return False
        if not place.length:  # an empty file has no print: whatever was rotated since may have been it
            return about.st_ino == place.inode and not any(place.read_at < at <= self._now for _, at in rotated(self.path))
        return _print(os.pread(file.fileno(), place.length, 0)) == place.head

    def _mark(self, file: BinaryIO) -> None:
        """Know the file by more bytes while it is short."""
        if self.place.length < PRINT:
            head = os.pread(file.fileno(), PRINT, 0)
            if b"\n" in head or len(head) == PRINT:  # the beginning of a date is that of any log
                self.place = replace(self.place, head=_print(head), length=len(head))

    def _replaced(self, now: float, patient: bool) -> bool:
        """Whether the name stands for another file by now, or for the same one emptied."""
        file = self._file
        assert file is not None
        if not self._is_ours(file):
            return True
        try:
            about = os.stat(self.path)
        except OSError:
            self._left = 0.0
            return False  # taken away; who writes it may still do so
        mine = os.fstat(file.fileno())
        if (about.st_ino, about.st_dev) == (mine.st_ino, mine.st_dev):
            self._left = 0.0
            return False
        self._left = self._left or now
        return not patient or now - self._left >= GRACE

    def _finished(self, now: float) -> Iterator[Block]:
        """Leave the open file; if it was renamed, with its last line.  The place stays: by it the files after this one are found."""
        file, self._file, self._left = self._file, None, 0.0
        assert file is not None
        with file:
            if self._is_ours(file):
                last = os.pread(file.fileno(), LONGEST, self.place.offset)
                self._read_out = True
                if last:
                    yield self._block([last], len(last), now)

    def _whole_lines(self, file: BinaryIO, now: float) -> Iterator[Block]:
        while self._is_ours(file):
            bite = os.pread(file.fileno(), BLOCK, self.place.offset + self._scanned)
            if not bite:
                return
            self._mark(file)
            if not self._scanned and not bite.strip(b"\0"):  # a hole: the log was emptied under a program that does not append
                self.place = replace(self.place, offset=self.place.offset + len(bite), read_at=now)
                continue
            cut = bite.rfind(b"\n")
            if cut < 0:
                self._scanned += len(bite)
                continue
            if self._scanned:
                first, _, rest = bite[: cut + 1].partition(b"\n")
                begun = os.pread(file.fileno(), min(self._scanned, LONGEST), self.place.offset)
                whole = (begun + first)[:LONGEST] + b"\n" + rest
            else:
                whole = bite[: cut + 1]
            size, self._scanned = self._scanned + cut + 1, 0
            yield self._block(split(whole[:-1]), size, now)

    def _block(self, lines: list[bytes], size: int, now: float, where: str = "") -> Block:
        place = self.place
        self.place = replace(place, offset=place.offset + size, number=place.number + len(lines), read_at=now)
        return Block(lines, place.number, where or self.path, size, place.offset + size)

    # -- rotated files

    def _rotated_away(self, now: float) -> Iterator[Block]:
        """The rest of the file of the place, under whatever name it lies now, and the files after it."""
        others = rotated(self.path)
        ours = next((at for at, (path, _) in enumerate(others) if self._was(path)), None)
        if ours is not None:
            if not self._read_out:
                yield from self._rest_of(others[ours][0], now)
            others = others[ours + 1 :]
        else:
            if self.place.offset and not self._read_out:
                self.notes.append(f"{self.path} is another file than before, and the former one is gone: lines at its end may not have been read.")
            others = [(path, at) for path, at in others if at > self.place.read_at]
        for path, _ in others:
            self._begin(0)
            yield from self._rest_of(path, now)

    def _was(self, path: str) -> bool:
        if not self.place.length:
            return False  # inodes are given again: what was an empty file is found by its time
        try:
            with opened(path) as file:
                return _print(_exactly(file, self.place.length)) == self.place.head
        except (InputError, OSError, EOFError, ValueError):
            return False

    def _rest_of(self, path: str, now: float) -> Iterator[Block]:
        """A file nobody writes to any more, from the place on."""
        try:
            with opened(path) as file:
                _skip(file, self.place.offset)
                if not self.place.length:
                    yield from self._marked_rest(path, now)
                    return
                yield from self._bites(file, path, now)
        except InputError as error:
            self.notes.append(f"{path}: {error.what}")
        except (OSError, EOFError, ValueError):
            self.notes.append(f"{path}: {_DAMAGED}")

    def _marked_rest(self, path: str, now: float) -> Iterator[Block]:
        with opened(path) as file:
            head = _exactly(file, PRINT)
        self.place = replace(self.place, inode=_inode(path), head=_print(head), length=len(head))
        if head:
            yield from self._rest_of(path, now)

    def _bites(self, file: BinaryIO, path: str, now: float) -> Iterator[Block]:
        rest = b""
        skipped = 0
        while bite := file.read(BLOCK):
            cut = bite.rfind(b"\n")
            if cut < 0:
                rest, skipped = (rest + bite, skipped) if len(rest) < LONGEST else (rest, skipped + len(bite))
                continue
            whole = rest + bite[: cut + 1]
            yield self._block(split(whole[:-1]), len(whole) + skipped, now, path)
            rest, skipped = bite[cut + 1 :], 0
        if rest:
            yield self._block([rest], len(rest) + skipped, now, path)

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


def rotated(path: str) -> list[tuple[str, float]]:
    """What a log became under other names ("mail.log.1", "mail.log-20261102.gz"), with the time of the last change, oldest first."""
    folder, name = os.path.split(path)
    found = []
    for entry in os.scandir(folder or "."):
        if entry.name.startswith(name) and _ROTATED.fullmatch(entry.name[len(name) :]):
            try:
                about = entry.stat()
            except OSError:
                continue
            if entry.is_file():
                found.append((entry.path, about.st_mtime))
    return sorted(found, key=lambda one: (_age(one[0], path), one[1]))


def _age(path: str, log: str) -> int:
    """Where it stands among its like: mail.log.2 is older than mail.log.1, mail.log-20261101 older than mail.log-20261102.  Times of files are changed by many a tool."""
    digits = re.search(r"\d+", path[len(log) :])
    number = int(digits[0]) if digits else 0
    return number if number > 99_999 else -number


def stem(path: str) -> str:
    """The log that a rotated file once was: mail.log for mail.log.2.gz."""
    found = re.search(_ROTATED.pattern + r"\Z", path)
    return path[: found.start()] if found else path


def in_time_order(paths: Iterable[str]) -> Iterator[str]:
    """Rotated files of one log beside each other, oldest first, so that what one begins the next can end; else as given."""
    waiting: list[str] = []
    for path in (*paths, ""):
        if waiting and (not path or stem(path) != stem(waiting[0])):
            yield from sorted(waiting, key=lambda one: _order(one, stem(one)))
            waiting = []
        waiting.append(path)


def _order(path: str, log: str) -> tuple[bool, int]:
    return path == log, _age(path, log)


def place_of(told: Mapping[str, Any]) -> Place:
    """A place as it was saved."""
    plain = {name: told[name] for name in Place.__dataclass_fields__ if name in told}
    return Place(**plain)


def saved(place: Place) -> dict[str, Any]:
    """A place as plain JSON."""
    return asdict(place)


def _print(head: bytes) -> str:
    return blake2b(head, digest_size=12).hexdigest() if head else ""


def _inode(path: str) -> int:
    try:
        return os.stat(path).st_ino
    except OSError:
        return 0


def _exactly(file: BinaryIO, size: int) -> bytes:
    found = b""
    while len(found) < size and (more := file.read(size - len(found))):
        found += more
    return found


def _skip(file: BinaryIO, size: int) -> None:
    if size and file.seekable():
        file.seek(size)  # packed files unpack up to there
