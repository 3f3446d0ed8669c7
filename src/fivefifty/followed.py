"""The sources that are followed: what each reads in one step, and how it goes on from what the store remembers."""
from __future__ import annotations

import glob
import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from .errors import InputError
from .feeds import Setting, feed
from .ingest import BATCH, Intake, Plan
from .judge import Judge
from .model import Event
from .settings import zone_of
from .sources import Mail
from .sources.imap import Address, Session
from .sources.lines import Block
from .sources.maildir import Spool
from .sources.tail import Tail, place_of, saved
from .store import Store

EVERY, IMAP_EVERY = 1.0, 60.0  # seconds between two looks at files, and at a mailbox whose server does not tell of new mail
MAILS_AT_ONCE = 200  # of a mailbox, between two commits
RENEWED = 3600.0  # seconds after which a reader is told the time again
READ_AT_ONCE = 16 * 1024 * 1024  # bytes of a log between two commits, where few of its lines are events
SLOW_STATE = 100_000.0  # characters of a cursor that may be written each second


@dataclass(frozen=True, slots=True)
class Told:
    """What a follower needs of its surroundings."""

    store: Store
    setting: Setting
    rejects: str = ""
    after: Callable[[list[Event]], object] | None = None
    tell: Callable[[str], None] = lambda sentence: None
    clock: Callable[[], float] = time.time
    judge: Judge | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)  # of the store, the judge and everything that is counted

    def miss(self, path: str, *, patient: bool) -> None:
        """A path that was never there may come, or be mistyped; `InputError` for who does not wait."""
        if not patient:
            raise InputError("There is no such file or directory.", path, "Check the path.")
        self.tell(f"{path} is not there (yet): it is waited for.")


class Source(Protocol):
    """One thing that is followed."""

    key: str
    every: float
    intake: Intake
    locks: bool  # it takes the lock itself, because it waits for others

    def step(self, *, patient: bool) -> bool:
        """Read and keep what is there now, a batch at most; whether there is more."""

    def resume(self) -> None:
        """Forget what is not kept, and go on from the cursor."""

    def finish(self) -> None:
        """Keep what was read, let go of files and connections."""

    def wait(self, stop: threading.Event) -> None:
        """Until it is worth a look again."""


class Kept:
    """What all sources share: an intake, and a cursor that is written with the events."""

    locks = _missed = False

    def __init__(self, told: Told, entry: Mapping[str, Any], place: str) -> None:
        self.told, self.kind = told, str(entry.get("kind") or "mail")
        self.module = feed(self.kind)
        self.every = float(entry.get("every", EVERY))
        self.key = f"follow {self.kind} {place}"
        self.intake = Intake(told.store, None, told.after, told.judge)
        self._zone = zone_of(entry["zone"]) if entry.get("zone") else told.setting.zone
        self._trusted = bool(entry.get("trust", told.setting.trusted))
        self.renew(told.clock())

    def renew(self, now: float) -> None:
        """Tell the feed the time."""
        self.setting = replace(self.told.setting, now=now, zone=self._zone, trusted=self._trusted)
        self.intake.plan = Plan(self.kind, (), self.setting, self.told.rejects)
        self.reader = self.module.reader(self.setting)

    def cursor(self) -> dict[str, Any]:
        """Where the store says that reading stopped."""
        try:
            with self.told.lock:
                told = json.loads(self.told.store.cursor(self.key) or "{}")
        except ValueError:
            told = {}
        return told if isinstance(told, dict) else {}

    def keep(self, state: Mapping[str, Any]) -> int:
        """Events and cursor in one; how many characters the cursor has."""
        value = json.dumps(state, separators=(",", ":"))
        with self.told.lock:
            self.intake.flush((self.key, value))
        for error in self.intake.outcome.unread:
            self.told.tell(str(error))
        self.intake.outcome.unread.clear()
        return len(value)

    def look_for(self, path: str, *, new: bool, patient: bool) -> None:
        """Say it once when a path that was never read is not there."""
        missed, self._missed = self._missed, new and not os.path.exists(path)
        if self._missed > missed:
            self.told.miss(path, patient=patient)

    def wait(self, stop: threading.Event) -> None:
        """Until the next look."""
        stop.wait(self.every)


class Log(Kept):
    """One log or table that grows."""

    def __init__(self, told: Told, entry: Mapping[str, Any], path: str) -> None:
        self.path = os.path.abspath(path)
        self._tail: Tail | None = None
        self._blocks: Iterator[Block] | None = None  # what is being read; a rotation may take several steps
        super().__init__(told, entry, self.path)

    def resume(self) -> None:
        """See `Source.resume`."""
        self._close()
        self.intake.discard()
        told = self.cursor()
        self.renew(self.told.clock())
        if told.get("reader"):
            self.reader.restore(told["reader"])
        self._tail = Tail(self.path, place_of(told.get("place", {})))
        self._kept = self._tail.place
        self._not_before = 0.0

    def step(self, *, patient: bool) -> bool:
        """See `Source.step`."""
        if self._tail is None:
            self.resume()
        tail, read = self._tail, 0
        assert tail is not None
        if self._blocks is None:
            self._blocks = tail.blocks(self.told.clock(), patient=patient)
        for block in self._blocks:
            if self.told.clock() - self.setting.now > RENEWED:
                self._renewed()
            self.intake.collect(self.reader.read(block.lines, block.where, block.first))
            read += block.size
            if self.intake.pending >= BATCH * 3 // 4 or read >= READ_AT_ONCE:
                self._commit(tail)
                return True
        self._blocks = None
        for note in tail.notes:
            self.told.tell(note)
        tail.notes.clear()
        self.look_for(self.path, new=not self._kept.read_at, patient=patient)  # later it is away for a moment at each rotation
        if self._moved(tail) and (not patient or self.told.clock() >= self._not_before):
            self._commit(tail)
        return False

    def _moved(self, tail: Tail) -> bool:
        now, then = tail.place, self._kept
        return (now.offset, now.head, now.inode) != (then.offset, then.head, then.inode) or self.intake.pending > 0

    def _renewed(self) -> None:
        state = self.reader.state()
        self.renew(self.told.clock())
        self.reader.restore(state)

    def _commit(self, tail: Tail) -> None:
        size = self.keep({"place": saved(tail.place), "reader": self.reader.state()})
        self._kept = tail.place
        self._not_before = self.told.clock() + min(size / SLOW_STATE - 1, 10.0)

    def finish(self) -> None:
        """See `Source.finish`."""
        if self._tail is not None and self._moved(self._tail):
            self._commit(self._tail)
        self._close()

    def _close(self) -> None:
        self._blocks = None
        if self._tail is not None:
            self._tail.close()
            self._tail = None


class Logs:
    """The logs of a pattern or a directory: programs that begin a new file each day or hour."""

    locks = _missed = False

    def __init__(self, told: Told, entry: Mapping[str, Any], path: str) -> None:
        self.told, self.entry, self.path = told, entry, path
        self.every, self.key = float(entry.get("every", EVERY)), f"follow {entry['kind']} {path}"
        self._logs: dict[str, Log] = {}
        self.intake = Intake(None)
        feed(str(entry["kind"]))

    def step(self, *, patient: bool) -> bool:
        """See `Source.step`."""
        pattern = os.path.join(glob.escape(self.path), "*") if os.path.isdir(self.path) else self.path
        for path in sorted(glob.glob(pattern)):
            if os.path.isfile(path) and path not in self._logs:
                self._logs[path] = Log(self.told, self.entry, path)
        more = False
        if not self._logs and not self._missed and not os.path.isdir(self.path):
            self._missed = True
            self.told.miss(self.path, patient=patient)
        for path, log in list(self._logs.items()):
            more = log.step(patient=patient) or more
            if not os.path.exists(path):
                log.finish()
                del self._logs[path]
        return more

    def resume(self) -> None:
        """See `Source.resume`."""
        for log in self._logs.values():
            log.resume()

    def finish(self) -> None:
        """See `Source.finish`."""
        for log in self._logs.values():
            log.finish()

    def wait(self, stop: threading.Event) -> None:
        """Until the next look."""
        stop.wait(self.every)


class Documents(Kept):
    """A maildir, or a directory of reports, payloads or mails: each new file once."""

    def __init__(self, told: Told, entry: Mapping[str, Any], path: str) -> None:
        self.path, self.delete = os.path.abspath(path), bool(entry.get("delete", False))
        self._spool: Spool | None = None
        super().__init__(told, entry, self.path)

    def resume(self) -> None:
        """See `Source.resume`."""
        self.intake.discard()
        self.renew(self.told.clock())
        self._spool = Spool(self.path, self.cursor().get("seen", ()), mails=self.kind == "mail")

    def step(self, *, patient: bool) -> bool:
        """See `Source.step`."""
        if self._spool is None:
            self.resume()
        spool = self._spool
        assert spool is not None
        self.look_for(self.path, new=not spool.seen, patient=patient)
        if not spool.changed() and not self.intake.pending:
            return False
        done: list[str] = []
        for name, path, documents in spool.new(self.told.clock(), patient=patient):
            if self.told.clock() - self.setting.now > RENEWED:
                self.renew(self.told.clock())
            if self._take(documents, path):
                done.append(path)
            spool.seen.add(name)
            if self.intake.pending >= BATCH or len(spool.seen) >= 2 * self._kept + 500:
                self._commit(spool, done)
                spool.look_again()
                return True
        if spool.forget_gone() or done or len(spool.seen) != self._kept or self.intake.pending:
            self._commit(spool, done)
        for note in spool.notes:
            self.told.tell(note)
        spool.notes.clear()
        return False

    _kept = 0

    def _take(self, documents: Iterable[Mail], path: str) -> bool:
        """Whether everything of the file was read or put aside."""
        outcome = self.intake.outcome
        rejected, lost = outcome.rejected, outcome.lost
        for one in documents:
            self.intake.document(self.reader, one)
        return outcome.rejected == rejected or (bool(self.told.rejects) and outcome.lost == lost)

    def _commit(self, spool: Spool, done: Sequence[str]) -> None:
        self.keep({"seen": sorted(spool.seen)})
        self._kept = len(spool.seen)
        for path in done if self.delete else ():
            spool.remove(path)

    def finish(self) -> None:
        """See `Source.finish`; each step keeps what it read."""


class Mailbox(Kept):
    """A mailbox on an IMAP server, each mail once, by its UID.  Nothing is marked as seen; deleted only where asked for, and after it was kept."""

    locks = True

    def __init__(self, told: Told, entry: Mapping[str, Any]) -> None:
        self.address = Address.of(str(entry["imap"]))
        self.delete = bool(entry.get("delete", False))
        self._secret = str(entry.get("key") or "imap").lower()
        self._session: Session | None = None
        self._uid = self._kept = 0
        self._waiting: list[int] = []  # to be deleted
        super().__init__(told, {"every": IMAP_EVERY, **entry}, str(self.address))
        if self._secret not in told.setting.keys:
            raise InputError("There is no password for the mailbox.", str(self.address), f"Put it into the environment variable FIVEFIFTY_KEY_{self._secret.upper()}.")

    def resume(self) -> None:
        """See `Source.resume`."""
        self.intake.discard()
        self.finish()
        self.renew(self.told.clock())

    def step(self, *, patient: bool) -> bool:
        """See `Source.step`."""
        if self._session is None:
            self._open()
        session = self._session
        assert session is not None
        self.renew(self.told.clock())
        uids = session.behind(self._uid)[:MAILS_AT_ONCE]
        done: list[int] = []
        try:
            for uid, content in session.fetch(uids):
                rejected = self.intake.outcome.rejected
                if content:
                    with self.told.lock:
                        self.intake.document(self.reader, Mail(content, f"{self.address};uid={uid}"))
                self._uid = max(uid, self._uid)
                if content and self.intake.outcome.rejected == rejected:
                    done.append(uid)
        finally:  # what came whole before the connection broke is kept
            if self._uid != self._kept:
                self._commit(session.validity, done)
        if uids and self._uid < uids[-1]:  # mails that others deleted in the meantime
            self._uid = uids[-1]
            self._commit(session.validity, [])
        self._remove(session)
        return len(uids) == MAILS_AT_ONCE

    def _open(self) -> None:
        told = self.cursor()
        session = Session(self.address, self.told.setting.keys[self._secret], read_only=not self.delete)
        same = told.get("validity") == session.validity  # RFC 9051 2.3.1.1: else the UIDs are other mails' now
        if told and not same:
            self.told.tell(f"{self.address} was made anew (its UIDVALIDITY changed): it is read from its beginning. What was counted before is not counted again.")
        self._uid = self._kept = int(told.get("uid", 0)) if same else 0
        self._waiting = [int(one) for one in told.get("delete", ())] if same else []
        self._session = session
        self._remove(session)

    def _commit(self, validity: int, done: Sequence[int]) -> None:
        self._waiting += done if self.delete else ()
        self.keep({"validity": validity, "uid": self._uid, "delete": self._waiting})
        self._kept = self._uid

    def _remove(self, session: Session) -> None:
        if self._waiting and self.delete:
            session.delete(self._waiting)
            self._waiting = []

    def finish(self) -> None:
        """See `Source.finish`; each step keeps what it read."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def wait(self, stop: threading.Event) -> None:
        """Until the server tells of new mail, or the time is up."""
        if self._session is None or not self._session.idle(self.every, stop.is_set):
            stop.wait(self.every)
        if self._session is not None and self._session.ended:
            self.finish()


def source_of(told: Told, entry: Mapping[str, Any]) -> Source:
    """The source that a [[follow]] table means."""
    if entry.get("imap"):
        return Mailbox(told, entry)
    if entry.get("maildir"):
        return Documents(told, {**entry, "kind": entry.get("kind") or "mail"}, os.path.expanduser(entry["maildir"]))
    path = os.path.expanduser(str(entry.get("path", "")))
    if not path or not entry.get("kind"):
        raise InputError("What is to be followed needs a kind, and a path, maildir or imap.", "", 'For example: fivefifty follow postfix /var/log/mail.log')
    if entry["kind"] == "auto" or path == "-":
        raise InputError("Only a named kind and a file or directory can be followed.", path, "For a pipe use: fivefifty ingest KIND -")
    if feed(str(entry["kind"])).UNIT == "document":
        return Documents(told, entry, path)
    several = os.path.isdir(path) or (not os.path.exists(path) and any(one in path for one in "*?["))
    return Logs(told, entry, path) if several else Log(told, entry, path)
