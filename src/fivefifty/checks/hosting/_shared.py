"""The zone a domain lies in."""
from __future__ import annotations

from dataclasses import dataclass

from ...answers import DnsAnswer
from .. import Inquiry

MOST_STEPS = 8  # labels walked up at most


@dataclass(frozen=True, slots=True)
class Zone:
    """`apex` is "" where the zone was not found; `answer` is about the NS records then asked last."""

    apex: str
    answer: DnsAnswer


async def zone_of(inquiry: Inquiry) -> Zone | None:
    """The zone of the audited domain; None where no domain was given."""
    domain = inquiry.subject.domain
    return await inquiry.once(f"hosting.zone {domain}", lambda: _walk(inquiry, domain)) if domain else None


async def _walk(inquiry: Inquiry, domain: str) -> Zone:
    """NS stands at the apex alone (RFC 1034 4.2.1), so a name without it lies in a zone further up."""
    name = domain
    answer = await inquiry.world.dns(name, "NS")
    for _ in range(MOST_STEPS):
        if answer.state != "nodata" or "." not in name:
            break
        name = name.partition(".")[2]
        answer = await inquiry.world.dns(name, "NS")
    # an alias has the NS records of another zone, which say nothing about this one
    return Zone(name if answer.found and not answer.aliases and "." in name else "", answer)
