"""The organizational domain of a name, by the DNS tree walk (RFC 9989 4.10).

The Public Suffix List is here too, for what the walk can't say: the forecast for a domain that publishes no DMARC record, and the
organizational domain as receivers that still follow RFC 7489 see it.
"""
from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ..answers import DnsAnswer, World
from .dmarc_record import DmarcRecord, is_nearly_record, is_record, read_record

LONGEST_WALK = 8  # queries
_LABEL = r"[^.\x00-\x20\x7f\[\]()<>@,;:\\\"/]{1,63}"
_LABELS = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)*(?![0-9]+\Z){_LABEL}\Z")  # an IP address is no name: a top-level label is never all digits


@dataclass(frozen=True, slots=True)
class Step:
    """One query of the walk: what stood at `_dmarc.` + `domain`."""

    domain: str
    answer: DnsAnswer
    record: DmarcRecord | None = None  # the one that counts
    texts: tuple[str, ...] = ()  # all that begin with v=DMARC1; more than one, and none counts
    others: tuple[str, ...] = ()  # the TXT records beside them
    nearly: tuple[str, ...] = ()  # those among `others` that were meant as DMARC records


@dataclass(frozen=True, slots=True)
class Walk:
    """A tree walk.  `certain` is false when a query was not answered: what it hides could change the outcome."""

    domain: str
    steps: tuple[Step, ...] = ()
    organizational_domain: str = ""
    certain: bool = True

    def at(self, domain: str) -> Step | None:
        """The step at that domain."""
        return next((step for step in self.steps if step.domain == domain), None)

    @property
    def with_record(self) -> tuple[Step, ...]:
        """The steps that found a record, the longest name first."""
        return tuple(step for step in self.steps if step.record)


def plain_domain(name: str) -> str:
    """A domain name in A-labels, lower case, without the final dot; "" when it can't be one."""
    name = name.strip().removesuffix(".")
    if not name.isascii():
        name = _a_labels(name)
    return name.lower() if _LABELS.match(name) else ""


@lru_cache(maxsize=4096)
def _a_labels(name: str) -> str:
    import idna  # loading it takes a while, and few names need it

    try:
        return idna.encode(name[:1000], uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return ""


def targets(domain: str) -> list[str]:
    """The domains a walk from `domain` asks at, in order: never more than eight (RFC 9989 4.10, steps 3 to 7)."""
    labels = domain.split(".")
    rest = labels[1:] if len(labels) < LONGEST_WALK else labels[-(LONGEST_WALK - 1):]
    return [domain, *(".".join(rest[at:]) for at in range(len(rest)))]


async def walk(domain: str, world: World) -> Walk:
    """Walk from `domain` up to the top, or to the first record with psd=y or psd=n."""
    start = plain_domain(domain)
    if not start:
        return Walk(domain)
    steps: list[Step] = []
    for target in targets(start):
        step = _step(target, await world.dns(f"_dmarc.{target}", "TXT"))
        steps.append(step)
        if step.record and step.record.psd != "u":  # steps 2 and 6
            break
    return Walk(start, tuple(steps), _selected(start, steps), not any(step.answer.unlearned for step in steps))


async def organizational_domain(domain: str, world: World) -> str:
    """The organizational domain as far as the DNS answers."""
    return (await walk(domain, world)).organizational_domain


def _step(domain: str, answer: DnsAnswer) -> Step:
    if not answer.found:
        return Step(domain, answer)
    texts = tuple(text for text in answer.records if is_record(text))
    others = tuple(text for text in answer.records if not is_record(text)) if len(texts) < len(answer.records) else ()
    record = read_record(texts[0]) if len(texts) == 1 else None  # several are all discarded
    return Step(domain, answer, record, texts, others, tuple(text for text in others if is_nearly_record(text)))


def _selected(start: str, steps: list[Step]) -> str:
    """RFC 9989 4.10.2; the walk stops at psd, so only the last record can have it."""
    last = next((step for step in reversed(steps) if step.record), None)
    if last is None or last.record is None:
        return start
    if last.record.psd == "y" and last.domain != start:
        depth = last.domain.count(".") + 2
        return ".".join(start.split(".")[-depth:])
    return last.domain


@lru_cache(maxsize=1)
def _public_suffixes() -> Any:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


def registered_domain(domain: str) -> str:
    """The organizational domain by the Public Suffix List (RFC 7489 3.2); the name itself where the list has no answer."""
    name = plain_domain(domain)
    return (_public_suffixes().privatesuffix(name) or name) if name else ""
