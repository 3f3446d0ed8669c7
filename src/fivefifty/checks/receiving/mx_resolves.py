"""The MX names have addresses."""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, fail, passed, unknown, warn
from ._shared import Exchanger, MailHosts, all_exchangers, some, why

REFERENCE = "RFC 5321 5.1"
WEIGHT = 90


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each MX name without an address, or one for all."""
    found = await all_exchangers(inquiry)
    return [finding for hosts in found if hosts.state == "mx" for finding in _of(hosts)]


def _of(hosts: MailHosts) -> list[Finding]:
    asked = [one for one in hosts.exchangers if one.answers]
    dead = [one for one in asked if not one.addresses and (not one.unlearned or _circles(one))]
    alive = any(one not in dead for one in asked) or hosts.unasked > 0
    told = [_unlearned(hosts, one) for one in asked if one.unlearned and one not in dead]
    told += [_dead(hosts, one, alive) for one in dead]
    if told or not asked:
        return told
    return [passed(f"All MX names of {hosts.domain} have addresses.", *hosts.answers[1:], about=hosts.domain, found=some(one.host for one in asked))]


def _circles(one: Exchanger) -> bool:
    """Whether its aliases go in a circle: nothing is learned, yet it is certain that no mail gets there."""
    return any(answer.state == "loop" for answer in one.answers)


def _unlearned(hosts: MailHosts, one: Exchanger) -> Finding:
    doubt = next(answer for answer in one.answers if answer.unlearned)
    return unknown(f"The addresses of the MX name {one.host} could not be learned, because {why(doubt)}.", *one.answers, about=one.host, domain=hosts.domain,
                   dns_state=doubt.state)


def _dead(hosts: MailHosts, one: Exchanger, alive: bool) -> Finding:
    exists = any(answer.state == "nodata" for answer in one.answers)
    what = "is an alias that leads back to itself" if _circles(one) else "has neither an A nor an AAAA record" if exists else f"is an alias of {one.aliases[-1]}, which does not exist" if one.aliases else "does not exist"
    sentence = f"The MX name {one.host} of {hosts.domain} {what}."
    facts = {"about": one.host, "found": f"{one.preference} {one.host}", "advice": _advice(hosts, one), "domain": hosts.domain}
    if alive:
        return warn(f"{sentence} Mail still finds the other exchangers.", *one.answers, **facts, weight=30)
    return fail(sentence, *one.answers, **facts)


def _advice(hosts: MailHosts, one: Exchanger) -> str:
    if one.host.endswith(f".{hosts.domain}.{hosts.domain}"):
        return "The domain stands in it twice: write the name in the zone file with a dot at its end."
    if "." not in one.host:
        return "It is a single word: write the whole name of the host."
    return f"Publish an A or AAAA record for {one.host}, or remove it from the MX records."
