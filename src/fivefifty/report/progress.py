"""A line on the terminal that shows how far long work is.  It appears only when the work takes a while."""
from __future__ import annotations

import sys
import time

_FIRST, _EVERY, _WIDTH = 1.0, 0.2, 24


class Progress:
    """Counts mails and bytes; draws on stderr, and only if that is a terminal."""

    def __init__(self, total: int = 0, noun: str = "mails") -> None:
        self.total, self.noun = total, noun  # bytes (of other things their number), 0 if not known
        self.bytes = self.mails = 0
        self.started = time.monotonic()
        self.next = self.started + _FIRST if sys.stderr.isatty() else float("inf")
        self.drawn = False

    def add(self, mails: int, size: int) -> None:
        """Count, and draw if it is time."""
        self.mails += mails
        self.bytes += size
        now = time.monotonic()
        if now >= self.next:
            self.next = now + _EVERY
            self.drawn = True
            sys.stderr.write(f"\r{self._line(now - self.started)}\x1b[K")
            sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away, so that other output can stand there."""
        if self.drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self.drawn = False

    def _line(self, seconds: float) -> str:
        told = f"{self.mails:,} {self.noun}, {self.mails / seconds:,.0f} a second"
        if not self.total:
            return told
        share = min(self.bytes / self.total, 1.0)
        return f"[{'#' * int(share * _WIDTH):<{_WIDTH}}] {share:4.0%}  {told}"
