"""The mail exchangers can be reached over IPv6 and over IPv4."""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, passed, unknown, warn
from ._sessions import Session, sessions
from ._shared import MailHosts, all_exchangers, some

REFERENCE = "RFC 3974"
WEIGHT = 3


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for the domain, and one for each IPv6 address that does not answer."""
    found = await all_exchangers(inquiry)
    told = []
    for hosts in found:
        if hosts.state in ("mx", "implicit") and any(one.addresses for one in hosts.exchangers):
            told += _of(hosts) + _dead(hosts.domain, await sessions(inquiry, hosts.domain))
    return told


def _of(hosts: MailHosts) -> list[Finding]:
    with_v4 = [one.host for one in hosts.exchangers if one.v4 is not None and one.v4.found]
    with_v6 = [one.host for one in hosts.exchangers if one.v6 is not None and one.v6.found]
    facts = {"about": hosts.domain, "ipv4": with_v4, "ipv6": with_v6}
    if with_v4 and with_v6:
        return [passed(f"{hosts.domain} can be reached over IPv4 and over IPv6 ({some(with_v6)}).", *hosts.answers[1:], **facts)]
    if any(answer.unlearned for answer in hosts.answers):
        return [unknown(f"Whether the mail exchangers of {hosts.domain} have addresses of both kinds could not be learned.", *hosts.answers[1:], **facts)]
    if with_v4:
        if hosts.state == "implicit":
            return []  # whether it takes mail at all is open ("mx")
        return [warn(f"No mail exchanger of {hosts.domain} has an IPv6 address; senders that have only IPv6 can't deliver.", *hosts.answers[1:], **facts,
                     advice="Add an AAAA record once the server and its firewall are ready for IPv6.")]
    return [warn(f"The mail exchangers of {hosts.domain} have only IPv6 addresses; most senders still need IPv4.", *hosts.answers[1:], **facts, weight=80,
                 advice="Add an A record to one of them at least.")]


def _dead(domain: str, held: tuple[Session, ...]) -> list[Finding]:
    """An AAAA record that leads nowhere costs every sender with IPv6 a time-out."""
    if not any(one.greeted for one in held):
        return []  # "connect" speaks of it
    return [
        warn(f"{one.name} has an IPv6 address that does not answer ({one.answer.state}); senders with IPv6 lose time there.", one.answer, about=one.name, domain=domain, weight=30,
             advice="Let the mail server listen on IPv6 and open port 25, or remove the AAAA record.", state=one.answer.state)
        for one in held if ":" in one.address and one.answer.state in ("refused", "timeout", "closed")
    ]
