"""From inputs to the store: read by a feed, completed by the judge, kept in batches.

    from fivefifty.ingest import Intake, Plan
    outcome = Intake(store).take(Plan("postfix", ("mail.log",)))

A batch and the cursor of its source are one transaction, so that a crash loses nothing that was told to be there and a second run
counts nothing twice.
"""
from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

from .errors import InputError
from .feeds import Feed, Reject, Setting, feed, recognized
from .judge import Judge
from .model import Event
from .sources import Mail
from .sources.lines import Block, blocks, opened
from .sources.tail import in_time_order, stem
from .sources.whole import documents
from .store import Store

BATCH = 20_000  # events in one transaction
HEAD = 64 * 1024  # bytes by which an input is recognized
TOO_FAR = 2 * 86_400.0  # seconds an event may lie in the future: clocks are wrong by hours, seldom by days
MATCHED_WITHIN = 14 * 86_400.0  # seconds between what our log tells of a mail and a report about it
_SPEAKING = frozenset(("bounce", "complaint", "unsubscribe", "suppression"))
SHOWN = 20  # rejects that are remembered for showing


@dataclass(frozen=True, slots=True)
class Plan:
    """What to read: `kind` "auto" recognizes each input by its content."""

    kind: str
    paths: tuple[str, ...]
    setting: Setting
    rejects: str = ""  # a directory for what can't be read
    dry_run: bool = False


@dataclass(slots=True)
class Outcome:
    """What became of it."""

    read: int = 0
    new: int = 0
    duplicates: int = 0
    joined: int = 0
    too_old: int = 0
    rejected: int = 0
    unverified: int = 0  # bounces, complaints and the like that nobody vouches for: they suppress nothing
    lost: int = 0  # rejects that could not be put aside
    kinds: Counter[str] = field(default_factory=Counter)  # events by their kind
    feeds: Counter[str] = field(default_factory=Counter)  # events by their feed
    first_rejects: list[Reject] = field(default_factory=list)
    unread: list[InputError] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return {
            "schema": "fivefifty/ingest/1", "read": self.read, "new": self.new, "duplicates": self.duplicates, "joined": self.joined, "too_old": self.too_old, "rejected": self.rejected,
            "unverified": self.unverified,
            "kinds": dict(sorted(self.kinds.items())), "feeds": dict(sorted(self.feeds.items())),
            "rejects": [{"where": one.where, "reason": one.reason} for one in self.first_rejects],
            "unread": [{"where": error.context, "reason": error.what} for error in self.unread],
        }


class Intake:
    """Takes inputs into a store; without a store it only reads and judges.

    `after` is called with the events of each batch that was kept (suppression looks at them).
    """

    def __init__(
        self, store: Store | None, progress: Callable[[int, int], None] | None = None, after: Callable[[list[Event]], object] | None = None, judge: Judge | None = None
    ) -> None:
        self.store, self.after = store, after
        self.judge = judge or Judge(organization_of)
        self.outcome = Outcome()
        self._progress = progress or (lambda events, size: None)
        self._batch: list[Event] = []
        self.plan = Plan("", (), Setting(0.0))

    def take(self, plan: Plan) -> Outcome:
        """Read everything of a plan; what can't be read is in the outcome, and the rest goes on."""
        if plan.kind != "auto":
            feed(plan.kind)  # a wrong kind is told before anything is read
        self.plan = plan
        for error in self._inputs(plan):
            self.outcome.unread.append(error)
        self.flush()
        return self.outcome

    # -- inputs

    def _inputs(self, plan: Plan) -> Iterator[InputError]:
        if plan.kind == "auto":
            for path in _files(plan.paths):
                try:
                    yield from self._one(*_recognized(path), plan.setting)
                except InputError as error:
                    yield error
        else:
            yield from self._one(plan.kind, plan.paths, plan.setting)

    def _one(self, kind: str, paths: Iterable[str], setting: Setting) -> Iterator[InputError]:
        module = feed(kind)
        if module.UNIT == "lines":
            before: tuple[str, dict[str, Any]] = ("", {})
            for path in in_time_order(_files(paths)):
                log = stem(path)
                told = self._told
                try:
                    before = log, self.lines(module, blocks(path), setting, before[1] if before[0] == log else {})
                except InputError as error:
                    yield error
                    continue
                if self._told == told:
                    yield from _not_that_kind(path, kind)
        else:
            yield from self._documents(kind, module, paths, setting)

    def lines(self, module: Feed, given: Iterable[Block], setting: Setting, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """One log, from its beginning to its end; what its successor has to know."""
        reader = module.reader(setting)
        if before:
            reader.restore(before)
        for block in given:
            self.collect(reader.read(block.lines, block.where, block.first))
            self._progress(len(block.lines), block.size)
        state: dict[str, Any] = reader.state()
        self.collect(reader.end())
        return state

    def _documents(self, kind: str, module: Feed, paths: Iterable[str], setting: Setting) -> Iterator[InputError]:
        reader = module.reader(setting)
        for one in documents(paths, mails=kind == "mail"):
            if isinstance(one, InputError):
                yield one
            else:
                self.document(reader, one)

    def document(self, reader: Any, one: Mail, headers: Mapping[str, str] | None = None) -> None:
        """One payload, report or mail."""
        self.collect(reader.read(one.content, one.where, headers or {}), _written(one.where))
        self._progress(1, len(one.content))

    # -- events

    @property
    def _told(self) -> int:
        """Events and rejects so far."""
        return self.outcome.read + len(self._batch) + self.outcome.rejected

    def collect(self, told: Iterable[Event | Reject], written: float = 0.0) -> None:
        """Put events into the batch and rejects aside; `written` is the time of the input, for events that tell none."""
        latest = self.plan.setting.now + TOO_FAR
        batch, complete = self._batch, self.judge.complete
        for one in told:
            if isinstance(one, Reject):
                self.reject(one)
                continue
            if not 0 < one.time <= latest:
                if one.time:
                    self.reject(Reject(one.where, f"its time lies {'in the future' if one.time > latest else 'before 1970'}", repr(one).encode("utf-8", "replace")))
                    continue
                one.time = written or self.plan.setting.now
            if one.trust == "unverified" and one.message_id and self.store is not None:
                self._match(one)
            batch.append(complete(one))
            if len(batch) >= BATCH:
                self.flush()

    def _match(self, event: Event) -> None:
        """A report about a mail that our own log tells of, to the same recipient, is about a mail we sent."""
        assert self.store is not None
        if event.kind in ("bounce", "block", "complaint") and event.recipient and any(_tells_of_it(known, event) for known in self.store.history(event.recipient)):
            event.trust = "matched"

    @property
    def pending(self) -> int:
        """Events that are not kept yet."""
        return len(self._batch)

    def discard(self) -> None:
        """Forget what is not kept: its source will be read again."""
        self._batch.clear()

    def flush(self, cursor: tuple[str, str] | None = None) -> None:
        """Keep the batch, and the cursor with it."""
        batch = self._batch
        if not batch and cursor is None:
            return
        if self.store is not None and not self.plan.dry_run:
            self._keep(self.store, batch, cursor)
        self.outcome.read += len(batch)
        self.outcome.kinds.update(event.kind for event in batch)
        self.outcome.unverified += sum(event.trust == "unverified" and event.kind in _SPEAKING for event in batch)
        self.outcome.feeds.update(event.source for event in batch)
        batch.clear()

    def _keep(self, store: Store, batch: list[Event], cursor: tuple[str, str] | None) -> None:
        """Where somebody looks at what was kept, the cursor comes last: after a crash in between both are done again, which changes nothing."""
        looked_at = self.after is not None and bool(batch)
        added = store.add(batch, None if looked_at else cursor)
        if self.after is not None and batch:
            self.after(batch)
            if cursor is not None:
                store.add((), cursor)
        self.outcome.new += added.new
        self.outcome.duplicates += added.duplicates
        self.outcome.joined += added.joined
        self.outcome.too_old += added.too_old

    def reject(self, one: Reject) -> None:
        """Count it, remember the first ones, and keep it whole where there is a place for that."""
        self.outcome.rejected += 1
        if len(self.outcome.first_rejects) < SHOWN:
            self.outcome.first_rejects.append(one)
        if self.plan.rejects and not self.plan.dry_run:
            try:
                _put_aside(Path(self.plan.rejects), one)
            except OSError as error:
                self._not_aside(error)

    def _not_aside(self, error: OSError) -> None:
        """Events matter more than rejects: the rest goes on, and it is said once."""
        if not self.outcome.lost:
            what = f"What could not be read could not be put aside either: {(error.strerror or '').lower()}."
            self.outcome.unread.append(InputError(what, self.plan.rejects, "Make room or choose another directory, and read the same input again."))
        self.outcome.lost += 1


def _tells_of_it(known: Event, report: Event) -> bool:
    """Whether an event of the store proves that the mail of a report was ours."""
    return known.trust in ("own", "signed") and known.message_id == report.message_id and abs(known.time - report.time) <= MATCHED_WITHIN


def _put_aside(folder: Path, one: Reject) -> None:
    """Two files, there whole or not at all; the same reject again is the same two files."""
    name = blake2b(one.content + b"\0" + one.reason.encode("utf-8", "replace"), digest_size=10).hexdigest()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write(folder / name, one.content)
    _write(folder / f"{name}.json", (json.dumps({"where": one.where, "reason": one.reason}) + "\n").encode())


def _write(path: Path, content: bytes) -> None:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise


def organization_of(host: str) -> str:
    """The organizational domain of a host by the Public Suffix List, the host itself where it has none."""
    return _suffixes().privatesuffix(host.rstrip(".").lower()) or host


def _suffixes() -> Any:
    global _LIST
    if _LIST is None:
        from publicsuffixlist import PublicSuffixList  # a third of a second to load, so only where it is needed

        _LIST = PublicSuffixList()
    return _LIST


_LIST: Any = None


def _files(paths: Iterable[str]) -> Iterator[str]:
    from .sources.whole import below

    for path in paths:
        if path != "-" and os.path.isdir(path):
            yield from below(path)
        else:
            yield path


def _not_that_kind(path: str, kind: str) -> Iterator[InputError]:
    """An input that told nothing and does not look like its kind, which may have been mistyped; an empty one is just empty."""
    if path == "-":
        return
    with opened(path) as file:
        head = file.read(HEAD)
    if not head.strip() or feed(kind).looks(head):
        return
    other = recognized(head)
    sure = bool(other) and feed(other).looks(head) >= 50
    hint = f"It looks like {other}: fivefifty ingest {other} {path}" if sure else "fivefifty ingest --kinds lists the kinds."
    yield InputError(f"It holds nothing of the kind {kind}.", path, hint)


def _recognized(path: str) -> tuple[str, tuple[str, ...]]:
    """The kind of one input; `InputError` where nothing knows it."""
    if path == "-":
        raise InputError("Standard input can't be recognized.", "-", "Name its kind: fivefifty ingest KIND -")
    with opened(path) as file:
        head = file.read(HEAD)
    with open(path, "rb") as raw:
        packed = raw.read(HEAD)
    kind = recognized(head) or (recognized(packed) if packed != head else "")
    if not kind:
        raise InputError("It is no kind of input that is known by its content.", path, "If you know what it is, name its kind: fivefifty ingest KIND PATH")
    return kind, (path,)


def _written(where: str) -> float:
    try:
        return os.stat(where).st_mtime
    except (OSError, ValueError):
        return 0.0
