"""The service: one round after the other, each part by itself, until it is told to stop.

A part that fails (store away, network away) is told and tried again in the next round; the others go on.  Intervals are measured by a
clock that nobody can set.
"""
from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from ..answers import World
from ..errors import FivefiftyError
from ..plan.alert import METRICS, covers, silent
from ..plan.alert import look as look_at_rates
from ..plan.reputation import reputation
from ..plan.suppression import rules_of
from ..settings import Settings
from ..store import Period, Store
from ..suppress import apply, expire
from .counts import Counts, bursts, enriched
from .desk import Desk
from .live import look as look_around
from .outbox import Outbox, Send, by_apprise, channels

DAY, HOUR = 86_400.0, 3600.0
INTERVAL, LIVE = 300.0, 3600.0
MOVED = 900.0  # seconds by which the clock may differ from the time that passed
LEARNED = 8 * DAY  # a source has to be known over a weekend before its silence means something
SAMPLE = 5000  # events by which the pauses of sources are learned
LEFT_OUT = 50_000  # failures that are looked at again each hour, the newest
GAPS = 200


def _world(settings: Settings) -> AbstractAsyncContextManager[World]:
    from ..world.live import LiveWorld

    return LiveWorld(tuple(settings.watch.get("resolvers", ())))


@dataclass(slots=True)
class Surroundings:
    """Clocks, the outside, and where to say what happens; tests bring their own."""

    tell: Callable[[str], None] = lambda sentence: None
    clock: Callable[[], float] = time.time
    passed: Callable[[], float] = time.monotonic
    world: Callable[[Settings], AbstractAsyncContextManager[World]] = _world
    send: Send = by_apprise
    dry_run: bool = False
    show_queries: bool = False


class Watch:
    """Rates, feeds, own domains, cases and their notes of one store."""

    def __init__(self, store: Store, settings: Settings, around: Surroundings) -> None:
        self.store, self.settings, self.around = store, settings, around
        self.outbox = Outbox(store, () if around.dry_run else channels(settings), around.send)
        self.desk = Desk(store, self.outbox, lambda title: around.tell(("would tell: " if around.dry_run else "") + title))
        if around.dry_run:
            self.desk.dry = {}
        elif not self.outbox.to:
            around.tell("No channel is set: alerts are only written here and kept as cases.")
        self.counts = Counts(store)
        self._done: dict[str, float] = {}  # by part, in the time that passed
        self._faults: dict[str, str] = {}  # what was said of parts that fail
        self._clocks = (0.0, 0.0)

    def run(self, stop: threading.Event, interval: float = INTERVAL) -> None:
        """Round after round until `stop` is set."""
        while not stop.is_set():
            self.round()
            stop.wait(interval * random.uniform(0.98, 1.02))

    def round(self) -> int:
        """Everything that is due; how many parts failed."""
        now = self.around.clock()
        moved = self._clock_moved(now)
        if moved:
            self.around.tell("The clock was moved; rates and pauses are judged again in the next round.")
        parts: list[tuple[str, float, Callable[[float], None]]] = [("live", float(self.settings.watch.get("live_every", LIVE)), self._live)]
        if not moved:
            parts = [("rates", 0.0, self._rates), ("feeds", HOUR, self._feeds), ("bursts", HOUR, self._bursts), ("reputation", HOUR, self._reputation), ("suppression", HOUR, self._suppression), *parts, ("keeping house", DAY, self._house)]
        parts.append(("notes", 0.0, self._notes))
        return sum([not self._part(name, every, work, now) for name, every, work in parts])

    def _clock_moved(self, now: float) -> bool:
        passed = self.around.passed()
        before, self._clocks = self._clocks, (now, passed)
        return before != (0.0, 0.0) and abs((now - before[0]) - (passed - before[1])) > MOVED

    def _part(self, name: str, every: float, work: Callable[[float], None], now: float) -> bool:
        passed = self.around.passed()
        if name in self._done and passed - self._done[name] < every:
            return True
        try:
            work(now)
        except FivefiftyError as error:
            return self._failed(name, str(error))
        except Exception as error:  # one part never ends the others
            return self._failed(name, f"{type(error).__name__}; it is tried again in the next round.")
        if self._faults.pop(name, ""):
            self.around.tell(f"{name}: it works again.")
        self._done[name] = passed + every * random.uniform(0.0, 0.05)
        return True

    def _failed(self, name: str, sentence: str) -> bool:
        """Say it once; a database that is away all night is no news every five minutes."""
        if self._faults.get(name) != sentence:
            self.around.tell(f"{name}: {sentence}")
        self._faults[name] = sentence
        return False

    # -- parts

    def _rates(self, now: float) -> None:
        looked = look_at_rates(self.counts.tallies(now), self.desk.known(), self.settings.thresholds, now)
        self.desk.still_bad(looked.still_bad, now)
        self.desk.over(looked.recovered, now)
        for alarm in looked.alarms:
            self.desk.alarm(enriched(self.store, alarm), now)

    def _bursts(self, now: float) -> None:
        known = self.desk.known()
        for alarm in bursts(self.store, now):
            stream = (str(alarm.facts["author_domain"]), "")
            if not any(one.open and covers(key, metric, stream) for key, one in known.items() for metric in METRICS):
                self.desk.alarm(alarm, now)

    def _suppression(self, now: float) -> None:
        """Failures are looked at when they are taken in; a process that died just then left some out, so they are looked at again."""
        if not self.around.dry_run:
            apply(self.store, list(self.store.failures(Period(now - 2 * DAY), LEFT_OUT)), rules_of(self.settings.suppress), now)

    def _reputation(self, now: float) -> None:
        alarms, over = reputation(self.store.failures(Period(now - 14 * DAY, 0.0, {"kind": "listing"}), SAMPLE))
        for alarm in alarms:
            self.desk.alarm(alarm, now)
        self.desk.over(over, now)

    def _feeds(self, now: float) -> None:
        memory = self.store.get("memory", "feeds") or {}
        times: dict[str, list[float]] = {}
        for event in self.store.failures(Period(now - 14 * DAY), SAMPLE):
            times.setdefault(event.source, []).append(min(event.time, now))
        for source, told in times.items():
            memory[source] = _learned(memory.get(source, {}), sorted(told))
        open_ones = {key for key, one in self.desk.known().items() if one.open}
        for source, known in memory.items():
            alarm = silent(source, known["last"], known["gaps"], now) if known["last"] - known["first"] >= LEARNED else None
            if alarm is not None:
                self.desk.alarm(alarm, now)
            elif f"silent|{source}" in open_ones and now - known["last"] < HOUR * 6:
                self.desk.over({f"silent|{source}": "It speaks again."}, now)
        self._remember("feeds", memory)

    def _live(self, now: float) -> None:
        if not self.settings.own_domains and not self.settings.own_hosts:
            return
        memory = self.store.get("memory", "live") or {}
        told, seen = asyncio.run(self._asked(memory))
        for one in seen:
            for alarm in one.alarms:
                self.desk.alarm(alarm, now)
            self.desk.over(one.recovered, now)
        self._remember("live", told)  # after the cases: a crash between finds the same changes again

    async def _asked(self, memory: Mapping[str, Any]) -> Any:
        from ..world.journal import Journal

        async with self.around.world(self.settings) as world:
            journal = Journal(world)
            told = await look_around(self.settings, journal, memory)
            if self.around.show_queries:
                for answer in journal.answers:
                    one = answer.evidence
                    self.around.tell(f"asked {one.answered_by or 'the resolver'}: {one.question}")
            return told

    def _house(self, now: float) -> None:
        newest = self.store.last_event()
        if self.around.dry_run or not newest or now - newest > 7 * DAY:
            return  # nothing new for a week, or a clock far ahead: nothing is thrown away then
        # mail logs follow a wrong clock too: so at each look the time goes on by a week at most, and somebody has time to mend it
        known = float((self.store.get("memory", "house") or {}).get("at", now))
        believed = min(now, known + 7 * DAY)
        self.store.prune(believed - self.settings.keep_days * DAY)
        self.store.put("memory", "house", {"at": believed})
        expire(self.store, now)

    def _notes(self, now: float) -> None:
        if self.around.dry_run:
            return
        gone, failed = self.outbox.deliver(now)
        if gone:
            self.around.tell(f"{gone} {'note' if gone == 1 else 'notes'} sent")
        for name in failed:
            self.around.tell(f"The channel {name} took no note; it is tried again.")

    def _remember(self, name: str, told: Mapping[str, Any]) -> None:
        if not self.around.dry_run:
            self.store.put("memory", name, told)


def _learned(known: Mapping[str, Any], times: list[float]) -> dict[str, Any]:
    """First and last event of a source, and its longest pauses."""
    last = float(known.get("last", times[0]))
    fresh = [last, *(one for one in times if one > last)]
    gaps = [*known.get("gaps", ()), *(two - one for one, two in zip(fresh, fresh[1:], strict=False))]
    return {"first": min(float(known.get("first", times[0])), times[0]), "last": fresh[-1], "gaps": sorted(gaps)[-GAPS:]}


