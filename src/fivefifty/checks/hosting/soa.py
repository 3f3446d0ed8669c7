"""The SOA record of the zone has sensible values."""
from __future__ import annotations

from ...answers import Soa
from ...model import Finding
from .. import Inquiry, passed, unknown, warn
from ..receiving._shared import why
from ._shared import zone_of

REFERENCE = "RFC 1912 2.2, RFC 2308 5"
WEIGHT = 5
DAY = 86400


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding: everything that is out of the ordinary, or nothing is."""
    zone = await zone_of(inquiry)
    if zone is None or not zone.apex:
        return []
    answer = await inquiry.world.dns(zone.apex, "SOA")
    if answer.unlearned:
        return [unknown(f"The SOA record of {zone.apex} could not be learned, because {why(answer)}.", answer, about=zone.apex)]
    if not answer.found:
        return [warn(f"{zone.apex} has name servers but no SOA record; its zone is broken or the delegation leads to the wrong servers.", answer, about=zone.apex, weight=40)]
    soa: Soa = answer.records[0]
    odd = faults(soa)
    facts = {"about": zone.apex, "found": " ".join(map(str, soa)), "serial": soa.serial, "negative_ttl": min(soa.minimum, answer.ttl or soa.minimum)}
    if odd:
        return [warn(f"The SOA record of {zone.apex} is out of the ordinary: {'; '.join(odd)}.", answer, **facts, advice="Correct the values in the zone.")]
    return [passed(f"The SOA record of {zone.apex} has usual values; a missing record is remembered for {spell(soa.minimum)}.", answer, **facts)]


def faults(soa: Soa) -> list[str]:
    """What RFC 1912 2.2 and RFC 2308 5 advise against; only what does harm."""
    told = []
    if "@" in soa.rname:
        told.append(f"the mailbox is written {soa.rname} with an @ instead of a dot")
    if soa.expire < soa.refresh + soa.retry:
        told.append(f"the secondaries give up ({spell(soa.expire)}) before they would have tried again")
    elif soa.expire < 7 * DAY:
        told.append(f"the secondaries stop answering after only {spell(soa.expire)} without the primary")
    if soa.retry > soa.refresh:
        told.append("retry is longer than refresh")
    if soa.minimum > DAY:
        told.append(f"a missing record is remembered for {spell(soa.minimum)}, so a new one may stay unseen that long")
    return told


def spell(seconds: int) -> str:
    """A time in its largest fitting unit: "2 days"."""
    for size, unit in ((DAY, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            number = f"{seconds / size:.1f}".removesuffix(".0")
            return f"{number} {unit}{'' if number == '1' else 's'}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"
