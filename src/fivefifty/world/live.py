"""The real World: DNS, SMTP and HTTPS as they are now."""
from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

from ..answers import DnsAnswer, HttpsAnswer, SmtpAnswer, SmtpQuestion
from .dns import DnsClient, DnsSettings
from .https import HttpsClient
from .resolvers import Resolver
from .smtp import SmtpClient
from .tasks import start

T = TypeVar("T")
MOST_KEPT = 5000  # sessions and pages remembered


class LiveWorld:
    """Asks the outside: `async with LiveWorld(["192.0.2.53"]) as world: await world.dns("example.org", "MX")`.

    Without resolvers those of the system are asked.  `timeout` is that of one try of a DNS question, `at_once` how many of them may be on
    their way, `helo_name` how SMTP sessions greet, and after `deadline` seconds nothing more is asked: every answer is "timeout".
    """

    def __init__(self, resolvers: Iterable[str | Resolver] = (), *, timeout: float = 2.0, at_once: int = 200, helo_name: str = "",
                 deadline: float | None = None) -> None:
        self.resolver = DnsClient(resolvers, DnsSettings(timeout, total=max(5.0, timeout), at_once=at_once, deadline=deadline or 0.0))
        self._smtp = SmtpClient(helo_name, stamp=self.resolver.stamp)
        self._https = HttpsClient(self.resolver.ask, stamp=self.resolver.stamp)
        self._asked: dict[Any, asyncio.Task[Any]] = {}

    async def __aenter__(self) -> LiveWorld:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End what is still under way and close everything."""
        for task in self._asked.values():
            task.cancel()
        await asyncio.gather(*self._asked.values(), return_exceptions=True)
        await self._https.close()
        self.resolver.close()

    def now(self) -> datetime:
        """The time."""
        return datetime.now(UTC)

    def start(self, work: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """Begin something now."""
        return start(work)

    async def dns(self, name: str, rrtype: str) -> DnsAnswer:
        """Ask the DNS, or the cache."""
        return await self.resolver.ask(name, rrtype)

    async def ahead(self, questions: Iterable[tuple[str, str]]) -> list[DnsAnswer]:
        """Fill the cache with the answers to (name, type) questions that will be asked anyway."""
        return await self.resolver.ahead(questions)

    async def smtp(self, question: SmtpQuestion) -> SmtpAnswer:
        """Hold a session that sends no mail; an identical one is held once."""
        said: SmtpAnswer = await self._once(
            question, lambda: self._smtp.ask(question), lambda: SmtpAnswer(question, "timeout", asked_at=self.resolver.stamp(), error="the time for the whole run is over")
        )
        return said

    async def https(self, url: str) -> HttpsAnswer:
        """GET without following redirects; an identical one is done once."""
        said: HttpsAnswer = await self._once(
            url, lambda: self._https.get(url), lambda: HttpsAnswer(url, "timeout", asked_at=self.resolver.stamp(), error="the time for the whole run is over")
        )
        return said

    async def _once(self, key: Any, ask: Callable[[], Coroutine[Any, Any, Any]], late: Callable[[], Any]) -> Any:
        """What `ask` brings within the deadline; the work goes on when one of those who wait is cancelled."""
        task = self._asked.get(key)
        if task is None:
            if len(self._asked) >= MOST_KEPT:
                self._asked = {one: kept for one, kept in self._asked.items() if not kept.done()}
            task = self._asked[key] = asyncio.get_running_loop().create_task(self._within(ask, late))
        return await asyncio.shield(task)

    async def _within(self, ask: Callable[[], Coroutine[Any, Any, Any]], late: Callable[[], Any]) -> Any:
        self.resolver.wake()
        try:
            async with asyncio.timeout_at(self.resolver.until or None):
                return await ask()
        except TimeoutError:
            return late()
