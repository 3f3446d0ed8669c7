"""The domain has name servers that are independent of each other."""
from __future__ import annotations

from ipaddress import IPv4Address

from ...answers import DnsAnswer
from ...mailauth.host_names import is_host_name
from ...mailauth.ip_kinds import DOCUMENTATION, PUBLIC, WORDS, ip_kind, parsed_ip
from ...model import Finding
from .. import Inquiry, fail, passed, unknown, warn
from ..receiving._shared import some, why
from ._shared import Zone, zone_of

REFERENCE = "RFC 1034 4.1, RFC 2182 3.1 and 5"
WEIGHT = 60
MOST = 13  # name servers looked at


async def check(inquiry: Inquiry) -> list[Finding]:
    """Their number, names, addresses and networks.  Each one's own answers can't be seen through a resolver, so lame ones are not found."""
    zone = await zone_of(inquiry)
    if zone is None or (zone.answer.absent and not zone.apex):
        return []  # "mx" says that the domain does not exist
    if not zone.apex:
        return [unknown(f"The name servers of {inquiry.subject.domain} could not be learned, because {why(zone.answer)}.", zone.answer, about=inquiry.subject.domain)] \
            if zone.answer.unlearned else []
    names = list(dict.fromkeys(zone.answer.records))[:MOST]
    answers = dict(zip(names, await inquiry.together(*(_addresses(inquiry, name) for name in names)), strict=True))
    told = [finding for name, found in answers.items() for finding in _server(zone, name, found)]
    alive = [name for name, found in answers.items() if any(answer.found for answer in found)]
    told += _together(zone, names, answers)
    if any(one.outcome in ("fail", "warn", "unknown") for one in told):
        return told
    return [passed(f"{zone.apex} has {len(alive)} name servers with addresses, in more than one network. Whether each of them answers was not tested: the questions went through a resolver.",
                   zone.answer, about=zone.apex, found="\n".join(names), servers=names)]


async def _addresses(inquiry: Inquiry, name: str) -> tuple[DnsAnswer, ...]:
    """IPv4 is enough to know that a server exists; IPv6 is asked for only where there is none."""
    if not is_host_name(name.replace("_", "x")):
        return ()
    v4 = await inquiry.world.dns(name, "A")
    return (v4,) if v4.found else (v4, await inquiry.world.dns(name, "AAAA"))


def _server(zone: Zone, name: str, answers: tuple[DnsAnswer, ...]) -> list[Finding]:
    facts = {"about": name, "found": f"{zone.apex} NS {name}", "zone": zone.apex}
    records = [record for answer in answers for record in answer.records]
    if not records and any(answer.unlearned for answer in answers):
        doubt = next(answer for answer in answers if answer.unlearned)
        return [unknown(f"The address of the name server {name} could not be learned, because {why(doubt)}.", *answers, **facts, weight=20)]
    if not records:
        return [fail(f"The name server {name} of {zone.apex} has no address; resolvers lose time with it, or find nothing.", *answers, **facts, weight=40,
                     advice="Correct the name at the registrar and in the zone, or publish its address.")]
    told = []
    inside = [record for record in records if ip_kind(record) not in (PUBLIC, DOCUMENTATION, "")]
    if inside:
        told.append(fail(f"The name server {name} of {zone.apex} has {WORDS[ip_kind(inside[0])]} ({inside[0]}), which nobody outside can ask.", *answers, **facts, weight=40,
                         advice="Give it a public address, or take it out of the NS records."))
    if answers[0].aliases:
        told.append(warn(f"The name server {name} of {zone.apex} is an alias (CNAME), which is not allowed.", *answers, **facts, weight=15, reference="RFC 2181 10.3",
                         advice="Name the host that has the address itself."))
    return told


def _together(zone: Zone, names: list[str], answers: dict[str, tuple[DnsAnswer, ...]]) -> list[Finding]:
    facts = {"about": zone.apex, "found": "\n".join(names), "servers": names}
    if len(names) < 2:
        return [warn(f"{zone.apex} has one name server only, {names[0]}; while it is away, no mail can be sent to the domain or verified from it.", zone.answer, **facts, weight=30,
                     advice="Add a second name server in another network.")]
    networks = {_network(record) for found in answers.values() for answer in found for record in answer.records}
    if len(networks) == 1 and not any(answer.unlearned for found in answers.values() for answer in found):
        return [warn(f"All name servers of {zone.apex} are in the same network {networks.pop()}; they may fail together.", zone.answer, **facts, weight=5,
                     advice="Place one of them elsewhere, unless the network is announced from several places (anycast).")]
    return []


def _network(address: str) -> str:
    """The /24 or /48 of an address: the smallest part of the Internet that is routed by itself."""
    found = parsed_ip(address)
    if isinstance(found, IPv4Address):
        return f"{str(found).rpartition('.')[0]}.0/24"
    return f"{':'.join(found.exploded.split(':')[:3])}::/48" if found is not None else some([address])
