"""Audits many subjects side by side, in this process or in several, and keeps their order.

What comes out are texts that are ready to be written: findings with their answers would cost more to pass between processes than to make.
"""
from __future__ import annotations

import asyncio
import gc
import json
from collections import deque
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from .answers import DnsAnswer, HttpsAnswer, SmtpAnswer
from .audit import audit
from .errors import InputError
from .foresight import LESSONS, Foresight
from .model import Finding, Subject
from .report import audit_csv, compare, findings
from .report.audit_json import audit_dict
from .report.text import Look
from .world.journal import Journal
from .world.replay import saved

if TYPE_CHECKING:
    from concurrent.futures import Future

    from .world.live import LiveWorld

SIDE_BY_SIDE = 64  # subjects that are audited at the same time
CHUNK = 200  # subjects a worker gets at once
AHEAD = 3  # chunks that wait for a worker
EXIT = {"pass": 0, "skipped": 0, "warn": 1, "unknown": 3, "crashed": 3, "fail": 4}  # 2 is wrong use


@dataclass(frozen=True, slots=True)
class Asking:
    """Whom to ask, and how patiently."""

    resolvers: tuple[str, ...] = ()
    timeout: float = 2.0
    at_once: int = 200


@dataclass(frozen=True, slots=True)
class Order:
    """What to check and how to show it.  `old` holds earlier findings by domain, to compare with."""

    form: str = "text"
    look: Look = field(default_factory=Look)
    only: tuple[str, ...] = ()
    old: Mapping[str, list[Finding]] = field(default_factory=dict)
    list_queries: bool = False

    @property
    def keeps_answers(self) -> bool:
        """Whether the answers of the World are shown, too."""
        return self.form in ("json", "jsonl") or self.list_queries


@dataclass(frozen=True, slots=True)
class Fault:
    """An input that is no subject: it keeps its place among the others."""

    given: str
    error: InputError


@dataclass(frozen=True, slots=True)
class Shown:
    """One subject, done and ready to be written; `exit_code` by its worst outcome."""

    text: str
    exit_code: int
    complaint: str = ""
    answers: tuple[DnsAnswer | SmtpAnswer | HttpsAnswer, ...] = ()  # only where they are to be listed


def survey(subjects: Iterable[Subject | Fault], asking: Asking, order: Order, jobs: int = 1) -> Iterator[Shown]:
    """The audits of all subjects, in their order."""
    return _in_processes(subjects, asking, order, jobs) if jobs > 1 else _in_one(subjects, asking, order)


def _in_one(subjects: Iterable[Subject | Fault], asking: Asking, order: Order) -> Iterator[Shown]:
    with Surveyor(asking) as surveyor:
        yield from surveyor.run(subjects, order)


class Surveyor:
    """One World, one event loop, and what was learned about the questions of a run."""

    def __init__(self, asking: Asking) -> None:
        from .world.live import LiveWorld

        self._runner = asyncio.Runner()
        self._world = LiveWorld(asking.resolvers, timeout=asking.timeout, at_once=asking.at_once)
        self._foresight = Foresight()

    def __enter__(self) -> Surveyor:
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self._world.close())
        self._runner.close()

    def run(self, subjects: Iterable[Subject | Fault], order: Order) -> Iterator[Shown]:
        """The audits in the order of the subjects."""
        following = side_by_side(subjects, self._world, order, self._foresight)

        async def one() -> Shown | None:
            return await anext(following, None)

        while (shown := self._runner.run(one())) is not None:
            yield shown

    def whole(self, subjects: Iterable[Subject | Fault], order: Order) -> list[Shown]:
        """All of them at once: the loop is entered only one time."""
        async def every() -> list[Shown]:
            return [shown async for shown in side_by_side(subjects, self._world, order, self._foresight)]

        return self._runner.run(every())


async def side_by_side(subjects: Iterable[Subject | Fault], world: LiveWorld, order: Order, foresight: Foresight) -> AsyncIterator[Shown]:
    """The same inside an event loop: a bounded number at the same time, given out in their order."""
    waiting: deque[asyncio.Task[Shown]] = deque()
    try:
        for subject in subjects:
            waiting.append(asyncio.ensure_future(_one(subject, world, order, foresight)))
            if len(waiting) >= (LESSONS if foresight.learning else SIDE_BY_SIDE):
                yield await waiting.popleft()
        while waiting:
            yield await waiting.popleft()
    finally:
        for task in waiting:
            task.cancel()


async def _one(subject: Subject | Fault, world: LiveWorld, order: Order, foresight: Foresight) -> Shown:
    if isinstance(subject, Fault):
        return fault(subject, order)
    learning = foresight.learning and bool(subject.domain)
    journal = Journal(world) if order.keeps_answers or learning else None
    if subject.domain and not learning:
        known = await world.ahead(foresight.questions(subject.domain))
        await world.ahead(foresight.further(known))
    found = await audit(subject, journal or world, order.only)
    answers = journal.answers if journal else []
    if learning:
        foresight.learn(subject.domain, answers)
    return shown(subject, found, answers if order.keeps_answers else [], world.now().strftime("%Y-%m-%dT%H:%M:%SZ"), order)


def fault(one: Fault, order: Order) -> Shown:
    """An input that could not be read, in its place."""
    return Shown(audit_csv.not_read(one.given, one.error.what) if order.form == "csv" else "", 3, f"Not read: {one.error}")


def shown(subject: Subject, found: list[Finding], answers: list[DnsAnswer | SmtpAnswer | HttpsAnswer], asked_at: str, order: Order) -> Shown:
    """One audit as text."""
    old = order.old.get(subject.domain)
    if order.form == "csv":
        text = audit_csv.row(subject, found)
    elif order.form == "text":
        text = findings.render(subject, found, order.look)
        text += compare.render(compare.changes(old, found), order.look) if old is not None else ""
    else:
        made: dict[str, Any] = audit_dict(subject, found, saved(answers), asked_at)
        if old is not None:
            made["changes"] = [compare.change_dict(one) for one in compare.changes(old, found)]
        text = json.dumps(made, indent=2) if order.form == "json" else json.dumps(made, separators=(",", ":"))
    return Shown(text, max((EXIT[one.outcome] for one in found), default=0), answers=tuple(answers) if order.list_queries else ())


def _in_processes(subjects: Iterable[Subject | Fault], asking: Asking, order: Order, jobs: int) -> Iterator[Shown]:
    from concurrent.futures import ProcessPoolExecutor

    waiting: deque[Future[list[Shown]]] = deque()
    following = iter(subjects)
    with ProcessPoolExecutor(jobs, initializer=_begin, initargs=(asking,)) as pool:
        try:
            while chunk := list(islice(following, CHUNK)):
                waiting.append(pool.submit(_work, chunk, order))
                while len(waiting) >= AHEAD * jobs:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


_surveyor: Surveyor | None = None  # of a worker process


def _begin(asking: Asking) -> None:
    """Make ready a worker: its World lives as long as the process, and so does its cache."""
    global _surveyor
    _surveyor = Surveyor(asking)
    spare_collections()


def _work(chunk: list[Subject | Fault], order: Order) -> list[Shown]:
    assert _surveyor is not None
    return _surveyor.whole(chunk, order)


def spare_collections() -> None:
    """Let the collector look at young objects less often, and at what is loaded already not at all: it took a third of a long survey."""
    from .checks import all_checks

    all_checks()
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
