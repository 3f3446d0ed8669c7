"""Where bounces come from: every kind of input ends as mails, one at a time, each with the place it lay at.

What can't be read is a value too (`InputError`), so that one bad file never stops the others.
"""
from __future__ import annotations

from dataclasses import dataclass

MAX_MAIL = 32 * 1024 * 1024  # bytes of one mail that are read; a bounce says what it has to say long before


@dataclass(frozen=True, slots=True)
class Mail:
    """The bytes of one mail or pasted text, and where they lay ("box.mbox#17")."""

    content: bytes
    where: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """A share of the input that a worker can read by itself: a file, or a range of a large mbox.

    `content` is set where there is no file to go back to (standard input, a packed mbox).
    """

    path: str
    where: str
    offset: int = 0
    length: int = -1  # -1: to the end of the file
    content: bytes | None = None
    notes: tuple[str, ...] = ()
    in_mbox: bool = False
    named: bool = True  # the user asked for this very file, so what can't be read of it is worth a word

    @property
    def size(self) -> int:
        """Bytes, as far as known; for showing how far the work is."""
        return len(self.content) if self.content is not None else max(self.length, 0)
