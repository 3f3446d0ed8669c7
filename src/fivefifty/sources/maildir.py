"""A maildir, or any directory into which files are put one by one: which of them are new.

In a maildir a mail keeps its name up to the ":" when it is read or moved from new to cur; in other directories a file counts as new when its
size or time changed.  What was seen is remembered as short hashes.
"""
from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from hashlib import blake2b

from ..errors import InputError
from . import Mail
from .whole import below, documents

SETTLED = 2.0  # seconds a file must have been left alone, where names don't tell that it is whole
_UNFINISHED = (".tmp", ".part", ".partial", ".swp", "~")


class Spool:
    """`seen` holds the names of what was read; `mails`: packed files hold mails, not reports."""

    def __init__(self, path: str, seen: Iterable[str] = (), *, mails: bool = False) -> None:
        self.path, self.mails = path, mails
        self.seen = set(seen)
        self.notes: list[str] = []
        self._there: set[str] = set()
        self._stamp: tuple[object, ...] = ()
        self._told: set[str] = set()
        self._again = True
        self._whole = False

    @property
    def maildir(self) -> bool:
        """Whether it is a maildir."""
        return os.path.isdir(os.path.join(self.path, "new")) and os.path.isdir(os.path.join(self.path, "cur"))

    def changed(self) -> bool:
        """Whether a look is worth while.  Only maildirs can tell cheaply: their files never change."""
        stamp = tuple(self._stamp_of(name) for name in ("new", "cur")) if self.maildir else ()
        fresh = not stamp or stamp != self._stamp or self._again
        self._stamp = stamp
        return fresh

    def look_again(self) -> None:
        """The last look was not finished."""
        self._again = True

    def _stamp_of(self, name: str) -> int:
        try:
            return os.stat(os.path.join(self.path, name)).st_mtime_ns
        except OSError:
            return 0

    def new(self, now: float, *, patient: bool) -> Iterator[tuple[str, str, list[Mail]]]:
        """(name to remember, path, documents) of each file that was not seen."""
        self._there, self._again, self._whole = set(), False, False
        if self._stamp and max(one for one in self._stamp if isinstance(one, int)) / 1e9 > now - SETTLED:
            self._again = True  # a file may still come within the same tick of the clock
        for name, path, about in self._files():
            self._there.add(name)
            if name in self.seen:
                continue
            if patient and not self.maildir and 0 <= now - about.st_mtime < SETTLED:
                self._again = True
                continue
            found = self._read(path)
            if found is not None:
                yield name, path, found
        self._whole = True

    def _files(self) -> Iterator[tuple[str, str, os.stat_result]]:
        maildir = self.maildir
        try:
            paths = sorted(self._mails()) if maildir else list(below(self.path)) if os.path.isdir(self.path) else [self.path]
        except OSError as error:
            raise InputError(f"It could not be read: {(error.strerror or '').lower()}.", self.path, "Check the path and its permissions.") from error
        for path in paths:
            try:
                about = os.stat(path)
            except OSError:
                continue  # gone, or moved to cur in the meantime: the next look finds it
            if stat.S_ISREG(about.st_mode) and not path.endswith(_UNFINISHED):
                told = os.path.basename(path).partition(":")[0] if maildir else f"{path}\0{about.st_mtime_ns}\0{about.st_size}"
                yield blake2b(os.fsencode(told), digest_size=8).hexdigest(), path, about

    def _mails(self) -> Iterator[str]:
        for folder in ("new", "cur"):
            with os.scandir(os.path.join(self.path, folder)) as entries:
                yield from (entry.path for entry in entries if not entry.name.startswith("."))

    def _read(self, path: str) -> list[Mail] | None:
        """Its documents; None where it can't be read now."""
        found: list[Mail] = []
        for one in documents((path,), mails=self.mails):
            if isinstance(one, InputError):
                if not os.path.exists(path):
                    return None
                if path not in self._told:
                    self._told.add(path)
                    self.notes.append(str(one))
                if not os.access(path, os.R_OK):
                    self._again = True
                    return None
            else:
                found.append(one)
        return found

    def forget_gone(self) -> bool:
        """Names of files that are no more need no memory; only after a look at all of them."""
        gone = self.seen - self._there if self._whole else set()
        self.seen -= gone
        return bool(gone)

    def remove(self, path: str) -> None:
        """Delete a file that was read and kept."""
        try:
            os.unlink(path)
        except OSError as error:
            self.notes.append(f"{path} was read, but can't be deleted: {(error.strerror or '').lower()}.")
