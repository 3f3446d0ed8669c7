"""A World that leaves some questions unasked, because the user wants it so."""
from __future__ import annotations

from collections.abc import Awaitable, Coroutine
from datetime import datetime
from typing import Any, TypeVar

from ..answers import DnsAnswer, HttpsAnswer, SmtpAnswer, SmtpQuestion, World

T = TypeVar("T")


class PoliteWorld:
    """A World in front of another one that lets no SMTP session, or no HTTPS, through: the answer is then "not_asked"."""

    def __init__(self, world: World, *, smtp: bool = False, https: bool = True) -> None:
        self._world, self._smtp, self._https = world, smtp, https

    async def dns(self, name: str, rrtype: str) -> DnsAnswer:
        """Ask the DNS."""
        return await self._world.dns(name, rrtype)

    async def smtp(self, question: SmtpQuestion) -> SmtpAnswer:
        """Hold a session that sends no mail, if that is wanted."""
        return await self._world.smtp(question) if self._smtp else SmtpAnswer(question, "not_asked", error="SMTP sessions are switched off")

    async def https(self, url: str) -> HttpsAnswer:
        """GET without following redirects, if that is wanted."""
        return await self._world.https(url) if self._https else HttpsAnswer(url, "not_asked", error="HTTPS is switched off")

    def now(self) -> datetime:
        """The time."""
        return self._world.now()

    def start(self, work: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """Begin something now."""
        return self._world.start(work)
