"""Keeps what a World answered to one asker, each question once, so that a report can cite it and be replayed."""
from __future__ import annotations

from collections.abc import Awaitable, Coroutine
from datetime import datetime
from typing import Any, TypeVar

from ..answers import DnsAnswer, HttpsAnswer, SmtpAnswer, SmtpQuestion, World

T = TypeVar("T")
Answer = DnsAnswer | SmtpAnswer | HttpsAnswer


class Journal:
    """A World in front of another one: the same answers, written down in the order they were first wanted."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._answers: dict[Any, Answer] = {}

    @property
    def answers(self) -> list[Answer]:
        """What was answered so far."""
        return list(self._answers.values())

    async def dns(self, name: str, rrtype: str) -> DnsAnswer:
        """Ask the DNS."""
        answer = await self._world.dns(name, rrtype)
        self._answers.setdefault((answer.name, rrtype), answer)
        return answer

    async def smtp(self, question: SmtpQuestion) -> SmtpAnswer:
        """Hold a session that sends no mail."""
        answer = await self._world.smtp(question)
        self._answers.setdefault(question, answer)
        return answer

    async def https(self, url: str) -> HttpsAnswer:
        """GET without following redirects."""
        answer = await self._world.https(url)
        self._answers.setdefault(url, answer)
        return answer

    def now(self) -> datetime:
        """The time."""
        return self._world.now()

    def start(self, work: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """Begin something now."""
        return self._world.start(work)
