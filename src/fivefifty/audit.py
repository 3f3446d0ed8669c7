"""Runs checks side by side on one subject, within a time, and loses none of them."""
from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from functools import lru_cache

from .answers import World
from .checks import Check, Inquiry, all_checks
from .model import Finding, Subject

DEADLINE = 28.0  # seconds for everything: `check` ends within 30 with dead name servers
# The checks that work out what most others of their group wait for.  They go first: a check that finds its answers there runs through
# at once, one that has to wait costs several tasks.
SHARED = frozenset((
    "receiving.mx_resolves", "receiving.connect", "spf.lookups", "spf.authorised", "dkim.key_found", "dmarc.alignment", "dmarc.external_reports", "lists.domain", "lists.ip",
    "sending.iprev", "transport.mta_sts_policy", "transport.dane", "hosting.wildcard", "service.sender",
))
HEAD_START = 1.0  # seconds after which the others begin all the same
ORDER = {"fail": 0, "warn": 1, "unknown": 2, "crashed": 3, "pass": 4, "skipped": 5}


async def audit(subject: Subject, world: World, wanted: Iterable[str] = (), deadline: float = DEADLINE) -> list[Finding]:
    """The findings of the wanted checks (all where none is named), what hurts most first.

    A wanted name is a check ("spf.record") or a whole group ("spf").
    """
    inquiry = Inquiry(subject, world)
    first, rest = _chosen(frozenset(wanted))
    begun = [(one, world.start(_guarded(one, inquiry))) for one in first]
    await _waited(begun, min(HEAD_START, deadline))
    begun += [(one, world.start(_guarded(one, inquiry))) for one in rest]
    await _waited(begun, deadline)
    found: list[Finding] = []
    for one, work in begun:
        if isinstance(work, asyncio.Future) and not work.done():
            work.cancel()
            found.append(Finding(one.id, "unknown", f"This check had no answer within {deadline:.0f} seconds.", reference=one.reference, weight=one.weight))
        else:
            found += await work
    return sorted(found, key=_by_harm)


async def _waited(begun: Sequence[tuple[Check, Awaitable[list[Finding]]]], seconds: float) -> None:
    """Wait until all have ended, but no longer."""
    waiting = [work for _, work in begun if isinstance(work, asyncio.Future) and not work.done()]
    if waiting:
        await asyncio.wait(waiting, timeout=seconds)


def _by_harm(finding: Finding) -> tuple[int, int, str]:
    return ORDER[finding.outcome], -finding.weight, finding.check


@lru_cache(maxsize=64)
def _chosen(names: frozenset[str]) -> tuple[Sequence[Check], Sequence[Check]]:
    """The wanted checks: those whose work many others share, and the rest."""
    wanted = [one for one in all_checks().values() if not names or one.id in names or one.group in names]
    return [one for one in wanted if one.id in SHARED], [one for one in wanted if one.id not in SHARED]


async def _guarded(one: Check, inquiry: Inquiry) -> list[Finding]:
    """A crashed check is a finding; the others go on."""
    try:
        return await one.findings(inquiry)
    except Exception as error:
        place = error.__traceback__
        while place and place.tb_next:
            place = place.tb_next
        at = f"{place.tb_frame.f_code.co_filename.rpartition('/')[2]}:{place.tb_lineno}" if place else "?"
        told = f"This check of ours failed, which is a bug: {type(error).__name__} at {at}: {error}. Please report this line."
        return [Finding(one.id, "crashed", told, reference=one.reference, weight=one.weight)]
