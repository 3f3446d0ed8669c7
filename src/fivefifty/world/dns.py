"""A DNS client for many questions: asked once, retried, bounded in time, every outcome a DnsAnswer.

There is no task for a question: it is a small state machine that the sockets and the wheel of alarms call.
"""
from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from ..answers import DnsAnswer
from .ask import Ask
from .names import NameFault, asked_name, wire_name
from .resolvers import Resolver, chosen
from .udp import Door, Wheel
from .wire import TYPES

LONGEST_MEMORY = 86400  # seconds
LONGEST_ABSENCE = 10800  # RFC 2308 5
FAULT_MEMORY = 30  # RFC 2308 7
SHORTEST_MEMORY = 5  # one run sees one answer, even where the TTL is 0


@dataclass(frozen=True, slots=True)
class DnsSettings:
    """How patient the client is, in seconds, and how busy."""

    timeout: float = 2.0  # for each try
    tries: int = 2  # for each resolver
    total: float = 5.0  # for each question
    at_once: int = 200
    deadline: float = 0.0  # for everything, from the first question; 0: none
    cached: int = 20_000  # answers


class _Crowd:
    """Many questions that one future waits for: a future each would cost a turn of the loop each."""

    __slots__ = ("_missing", "future")

    def __init__(self, future: asyncio.Future[None], missing: int) -> None:
        self.future, self._missing = future, missing

    def done(self) -> bool:
        """Whether nobody waits any more."""
        return self.future.done()

    def set_result(self, _: DnsAnswer) -> None:
        """One of the answers is there."""
        self._missing -= 1
        if not self._missing:
            self.future.set_result(None)


class DnsClient:
    """Asks recursive resolvers: `async with DnsClient(["192.0.2.53"]) as client: await client.ask("example.org", "MX")`."""

    def __init__(self, resolvers: Iterable[str | Resolver] = (), settings: DnsSettings | None = None) -> None:
        self.settings = settings or DnsSettings()
        self.doors = [Door(one) for one in chosen(resolvers)]
        self.wheel = Wheel()
        self.sent = 0  # questions put to a resolver, retries included
        self._cache: dict[tuple[str, str], tuple[float, DnsAnswer]] = {}
        self._open: dict[tuple[str, str], Ask] = {}
        self._queue: deque[Ask] = deque()
        self._running, self._pulling = 0, False
        self._loop: asyncio.AbstractEventLoop | None = None
        self.until = 0.0  # time of the loop after which nothing is asked any more
        self._second, self._stamp = 0, ""

    async def __aenter__(self) -> DnsClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the sockets; what is still open ends as timed out."""
        self._queue.clear()
        for ask in list(self._open.values()):
            ask.conclude("timeout", "the run was ended")
        if self._loop is not None and not self._loop.is_closed():
            for door in self.doors:
                door.close()
        self.wheel.close()

    async def ask(self, name: str, rrtype: str) -> DnsAnswer:
        """The answer, from the cache where it is known, CNAMEs followed; never raises for what the outside does."""
        found = self._asked(name, rrtype)
        return found if isinstance(found, DnsAnswer) else await found

    async def ahead(self, questions: Iterable[tuple[str, str]]) -> list[DnsAnswer]:
        """The answers to all of these, which the cache then holds; none of them costs a task."""
        asked = [self._put(name, rrtype) for name, rrtype in questions]
        waiting = [one for one in asked if isinstance(one, Ask) and one.answer is None]  # one may have ended while the others were put
        if waiting:
            crowd = _Crowd(asyncio.get_running_loop().create_future(), len(waiting))
            for one in waiting:
                one.waiters.append(crowd)
            await crowd.future
        answers = [one.answer if isinstance(one, Ask) else one for one in asked]
        return [one for one in answers if one is not None]

    def _asked(self, name: str, rrtype: str) -> DnsAnswer | asyncio.Future[DnsAnswer]:
        """The answer where it is known at once, else what will hold it."""
        found = self._put(name, rrtype)
        if isinstance(found, DnsAnswer):
            return found
        future: asyncio.Future[DnsAnswer] = asyncio.get_running_loop().create_future()
        found.waiters.append(future)
        return future

    def _put(self, name: str, rrtype: str) -> DnsAnswer | Ask:
        """The answer where it is known at once, else the question on its way."""
        if self._loop is None:
            self.wake()
        assert self._loop is not None
        key = asked_name(name), rrtype.upper()
        kept = self._cache.get(key)
        if kept is not None and kept[0] > self._loop.time():
            return kept[1]
        ask = self._open.get(key)
        if ask is None:
            try:
                ask = Ask(self, key, wire_name(key[0]), _number(key[1]))
            except NameFault as fault:
                return DnsAnswer(*key, "malformed", asked_at=self.stamp(), error=f"it can't be asked: {fault}")
            self._open[key] = ask
            self._queue.append(ask)
            self._pull()
            if ask.answer is not None:
                return ask.answer
        return ask

    def wake(self) -> None:
        """The time of the whole run begins now, if it has not yet."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            if self.settings.deadline:
                self.until = self._loop.time() + self.settings.deadline

    def now(self) -> float:
        """The time of the loop."""
        assert self._loop is not None
        return self._loop.time()

    def stamp(self) -> str:
        """The time of day, RFC 3339."""
        second = int(time.time())
        if second != self._second:
            self._second, self._stamp = second, datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return self._stamp

    def _pull(self) -> None:
        """Begin as many of the waiting questions as may run."""
        if self._pulling:  # one that ends at once calls us again
            return
        self._pulling = True
        while self._queue and self._running < self.settings.at_once:
            self._running += 1
            self._queue.popleft().begin()
        self._pulling = False

    def ended(self, ask: Ask, answer: DnsAnswer) -> None:
        """Keep the answer and tell those who wait for it."""
        self._running -= 1
        del self._open[ask.key]
        self._keep(ask.key, answer)
        for future in ask.waiters:
            if not future.done():
                future.set_result(answer)
        self._pull()

    def _keep(self, key: tuple[str, str], answer: DnsAnswer) -> None:
        if answer.found:
            span = min(answer.ttl, LONGEST_MEMORY)
        else:
            span = min(answer.ttl, LONGEST_ABSENCE) if answer.absent else FAULT_MEMORY
        if len(self._cache) >= self.settings.cached:
            for old in list(self._cache)[: self.settings.cached // 10 + 1]:
                del self._cache[old]
        self._cache[key] = self.now() + max(span, SHORTEST_MEMORY), answer

    def order(self) -> list[Door]:
        """The resolvers in the order they are tried; those that have been silent for long come last, and are asked once."""
        awake = [door for door in self.doors if door.silent < 8]
        return awake * self.settings.tries + [door for door in self.doors if door.silent >= 8]


def _number(rrtype: str) -> int:
    """The number of a type, also of "TYPE65280" (RFC 3597 5)."""
    if rrtype in TYPES:
        return TYPES[rrtype]
    digits = rrtype.removeprefix("TYPE")
    if len(digits) < len(rrtype) <= 9 and digits.isascii() and digits.isdigit() and 0 < int(digits) < 65536:
        return int(digits)
    raise NameFault(f"there is no record type {rrtype[:20]!r}")


