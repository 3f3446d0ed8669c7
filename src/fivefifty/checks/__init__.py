"""Checks: one question of mail health, one file.  They are found by their place: `checks/<group>/<name>.py` is the check "<group>.<name>".

A check file has a docstring (its first line is the title), `REFERENCE` (RFC and section, or the provider's page), `WEIGHT` (0..100, how
much it hurts delivery when it fails) and

    async def check(inquiry: Inquiry) -> list[Finding]

It asks only `inquiry.world`, and answers with `passed`, `warn`, `fail`, `unknown` or `skipped` of this module, as many as there are things
to say (one for each MX, say).  Files whose name begins with an underscore are shared by the checks of their group.
"""
from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any, Protocol, TypeVar

from ..answers import DnsAnswer, HttpsAnswer, SmtpAnswer, World
from ..errors import KnowledgeError
from ..model import Finding, Subject

T = TypeVar("T")
Answer = DnsAnswer | SmtpAnswer | HttpsAnswer
_OWN_FIELDS = frozenset(("about", "found", "advice", "record", "reference", "weight"))  # what is not one of these is a fact
_FOLDER = os.path.dirname(__file__)


class Inquiry:
    """One subject in front of one World, and what the checks have already worked out about it."""

    __slots__ = ("_known", "subject", "world")

    def __init__(self, subject: Subject, world: World) -> None:
        self.subject, self.world = subject, world
        self._known: dict[str, Awaitable[Any]] = {}

    async def once(self, key: str, make: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What `make()` finds; it is run once, however many checks want it (key: unique, e.g. "spf.analysis example.org")."""
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self.world.start(make())
        found: T = await known
        return found

    async def together(self, *works: Coroutine[Any, Any, T]) -> list[T]:
        """The outcomes of all, in their order; they run side by side."""
        begun = [self.world.start(work) for work in works]
        return [await one for one in begun]


class _Module(Protocol):
    REFERENCE: str
    WEIGHT: int

    async def check(self, inquiry: Inquiry) -> list[Finding]: ...


@dataclass(frozen=True, slots=True)
class Check:
    """A check as it was found."""

    id: str
    title: str
    group: str
    reference: str
    weight: int
    run: Callable[[Inquiry], Coroutine[Any, Any, list[Finding]]]

    async def findings(self, inquiry: Inquiry) -> list[Finding]:
        """Its findings, with id, reference and weight filled in where the check left them open."""
        found = await self.run(inquiry)
        for one in found:
            complete(one, self)
        return found


def complete(finding: Finding, check: Check) -> None:
    """Fill in what every finding of a check has in common.

    They were made a moment ago and nobody else has them: a copy of each frozen Finding would cost as much as many a check.
    """
    put = object.__setattr__
    if not finding.check:
        put(finding, "check", check.id)
    if not finding.reference:
        put(finding, "reference", check.reference)
    if not finding.weight:
        put(finding, "weight", check.weight)


def _loaded(group: str, name: str) -> Check:
    module: Any = import_module(f".{group}.{name}", __name__)
    title = (module.__doc__ or "").strip().partition("\n")[0].rstrip(".")
    try:
        found = Check(f"{group}.{name}", title, group, module.REFERENCE, module.WEIGHT, module.check)
    except AttributeError as error:
        raise KnowledgeError(f"a check is not complete: {error}", f"checks/{group}/{name}.py") from error
    if not title or not 0 <= found.weight <= 100:
        raise KnowledgeError("a check needs a docstring, and a WEIGHT between 0 and 100", f"checks/{group}/{name}.py")
    return found


@lru_cache(maxsize=1)
def all_checks() -> Mapping[str, Check]:
    """Every check by its id, in the order of groups and names."""
    found = {}
    for group in sorted(os.listdir(_FOLDER)):
        if group.startswith("_") or not os.path.isdir(os.path.join(_FOLDER, group)):
            continue
        for file in sorted(os.listdir(os.path.join(_FOLDER, group))):
            if file.endswith(".py") and not file.startswith("_"):
                one = _loaded(group, file[:-3])
                found[one.id] = one
    return found


def _made(outcome: str, sentence: str, answers: tuple[Answer, ...], rest: Mapping[str, Any]) -> Finding:
    if not rest:
        return Finding("", outcome, sentence, answers)
    known = {key: rest[key] for key in rest.keys() & _OWN_FIELDS}
    facts = {key: value for key, value in rest.items() if key not in known} if len(known) < len(rest) else {}
    return Finding("", outcome, sentence, answers, facts=facts, **known)


def passed(sentence: str, *answers: Answer, **rest: Any) -> Finding:
    """It is as it should be.  `rest`: about, found, advice, record, reference, weight of a Finding; anything else becomes a fact."""
    return _made("pass", sentence, answers, rest)


def warn(sentence: str, *answers: Answer, **rest: Any) -> Finding:
    """It works, but it costs something or will break."""
    return _made("warn", sentence, answers, rest)


def fail(sentence: str, *answers: Answer, **rest: Any) -> Finding:
    """It makes mail fail somewhere."""
    return _made("fail", sentence, answers, rest)


def unknown(sentence: str, *answers: Answer, **rest: Any) -> Finding:
    """It could not be learned, and the sentence says why."""
    return _made("unknown", sentence, answers, rest)


def skipped(sentence: str, *answers: Answer, **rest: Any) -> Finding:
    """Nothing to check here, or something needed for it was not given (then the sentence says what)."""
    return _made("skipped", sentence, answers, rest)
