"""What all webhooks have in common: reading what was posted, and saying how far it can be trusted.

A service's module says how its bodies come apart (`entries`) and what one entry tells (`events`).
"""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...model import Event
from ...parse.reply import codes_of
from .. import Reject, Setting
from ._payload import Table, elements
from ._saved import Post, dumped, lowered, posts
from ._signature import HOLDS, Unchecked

MAX_REJECTS = 1_000  # of one input; what is more comes as one
MAX_TIMES = 100

Verify = Callable[[bytes, Mapping[str, str], Setting], str]


class Unreadable(Exception):
    """An entry that is no event we know; the text says why."""


@dataclass(frozen=True, slots=True)
class Service:
    """How one sending service's payloads are read."""

    source: str  # the feed's kind
    events: Callable[[Table, Post], Iterable[Event]]  # of one entry; raises Unreadable; nothing for opens, clicks and the like
    verify: Verify
    entries: Callable[[Any], Iterable[Any]] = elements  # of what a body says
    anonymous: bool = False  # whether an event may be about nobody in particular
    marks: frozenset[str] = frozenset()  # fields of which every entry has one; services that name things alike are told apart by them
    within: Callable[[Table, Mapping[str, str], Setting], str] | None = None  # where the signature stands inside each entry


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads payloads of one service (feeds.DocumentReader)."""

    service: Service
    setting: Setting

    def read(self, content: bytes, where: str, headers: Mapping[str, str]) -> Iterator[Event | Reject]:
        """The events of one request, or of a file of saved ones; from the thousandth on what can't be read comes together."""
        refused = 0
        at: dict[float, Setting] = {}  # the same setting at the times that the requests came
        more: list[bytes] = []
        for post in posts(content, where, headers, self.setting.now):
            for one in (post,) if isinstance(post, Reject) else self._of_post(post, at):
                if isinstance(one, Reject):
                    refused += 1
                    if refused > MAX_REJECTS:
                        more.append(one.content)
                        continue
                yield one
        if more:
            yield Reject(where, f"{len(more)} more that can't be read.", b"\n".join(more))

    def _of_post(self, post: Post, at: dict[float, Setting]) -> Iterator[Event | Reject]:
        service, within = self.service, self.service.within
        if len(at) > MAX_TIMES:
            at.clear()
        setting = at.get(post.now) or at.setdefault(post.now, replace(self.setting, now=post.now))
        doubt = "" if within else _doubt_of(service.verify, post, setting)
        for entry in service.entries(post.value):
            try:
                if not isinstance(entry, dict):
                    raise Unreadable("It is no JSON object.")
                if service.marks and service.marks.isdisjoint(entry):
                    raise Unreadable(f"It is none of this service's events: there is no {' and no '.join(sorted(service.marks))} in it.")
                if within:
                    doubt = within(entry, post.headers, setting)
                nobody = 0
                for event in service.events(entry, post):
                    if event.recipient or service.anonymous:
                        yield self._finished(event, doubt, post.where)
                    else:
                        nobody += 1
                if nobody:
                    raise Unreadable("It names no mail address, or one that can't be read.")
            except Unreadable as reason:
                yield Reject(post.where, str(reason), dumped(entry, post.body))

    def _finished(self, event: Event, doubt: str, where: str) -> Event:
        """Codes that only the words tell, and the trust: a payload whose signature is bad is nobody's, also where the user vouches for it."""
        event.where = where
        if event.text and event.kind in ("bounce", "deferral") and not (event.status or event.reply_code):
            event.reply_code, event.status = codes_of(event.text[:300])
        if doubt == HOLDS:
            event.trust = "signed"
            return event
        event.trust = "own" if self.setting.trusted and isinstance(doubt, Unchecked) else "unverified"
        if not isinstance(doubt, Unchecked):
            event.facts = {**event.facts, "signature": str(doubt)}
        event.suppress = event.suppress and event.trust == "own"
        return event


def _doubt_of(verify: Verify, post: Post, setting: Setting) -> str:
    if not post.exact:
        return Unchecked("The body was taken apart before it was saved, so its signature was not checked.")
    return verify(post.body, post.headers, setting)


def verifier(check: Verify) -> Verify:
    """A check that is handed header names in any case."""

    def verify(body: bytes, headers: Mapping[str, str], setting: Setting) -> str:
        """Empty where the signature holds, else what is wrong with it."""
        return check(body, lowered(headers), setting)

    return verify
