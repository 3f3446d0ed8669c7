"""Follows sources without end: logs, maildirs, mailboxes behind IMAP, directories of reports and payloads.

    follower = Follower(Told(store, setting), [{"kind": "postfix", "path": "/var/log/mail.log"}])
    follower.once()             # what is there now
    follower.run(stop)          # until `stop` (a threading.Event) is set

How far a source was read is kept in the store together with its events.  When the store can't be reached, everything that is not kept is
forgotten and read again once it is back.
"""
from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from .errors import FivefiftyError
from .followed import Source, Told, source_of
from .ingest import Intake, organization_of
from .judge import Judge

__all__ = ["Follower", "Told"]

FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0  # seconds of back-off


class Follower:
    """Everything that is followed."""

    def __init__(self, told: Told, entries: Iterable[Mapping[str, Any]]) -> None:
        self.told = replace(told, judge=told.judge or Judge(organization_of))
        self.sources = [source_of(self.told, one) for one in entries]

    def once(self) -> list[FivefiftyError]:
        """Read what is there, and end; what could not be read."""
        faults: list[FivefiftyError] = []
        for source in self.sources:
            try:
                while source.step(patient=False):
                    pass
                source.finish()
            except FivefiftyError as error:
                faults.append(error)
                self.told.tell(str(error))
        return faults

    def run(self, stop: threading.Event) -> None:
        """Follow until `stop` is set; each source in its own thread, so that a slow mailbox holds up no log."""
        threads = [threading.Thread(target=self._follow, args=(one, stop), name=one.key) for one in self.sources]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _follow(self, source: Source, stop: threading.Event) -> None:
        wait = 0.0
        while not stop.is_set():
            try:
                with contextlib.nullcontext() if source.locks else self.told.lock:
                    more = source.step(patient=True)
                wait = 0.0
            except Exception as error:  # one source never ends the others
                wait = min(max(2 * wait, FIRST_WAIT), LONGEST_WAIT)
                self._fell(source, error, wait)
                stop.wait(wait)
                continue
            if not more:
                source.wait(stop)
        self._end(source)

    def _fell(self, source: Source, error: Exception, wait: float) -> None:
        told = str(error) if isinstance(error, FivefiftyError) else f"{type(error).__name__} while reading {source.key.removeprefix('follow ')}"
        self.told.tell(f"{told}\n  It is tried again in {wait:.0f} seconds.")
        with contextlib.suppress(Exception), self.told.lock:
            source.resume()

    def _end(self, source: Source) -> None:
        try:
            with self.told.lock:
                source.finish()
        except FivefiftyError as error:
            self.told.tell(str(error))

    def outcome(self) -> Iterator[tuple[str, Intake]]:
        """Each source's key and what became of its events."""
        for source in self.sources:
            yield source.key, source.intake
