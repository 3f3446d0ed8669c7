"""No mail exchanger stands twice in the MX records."""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, passed, warn
from ._shared import MailHosts, all_exchangers, is_own, some

REFERENCE = "RFC 5321 5.1"
WEIGHT = 5


async def check(inquiry: Inquiry) -> list[Finding]:
    """Names or addresses that come twice; only of the audited domain."""
    found = await all_exchangers(inquiry)
    return [finding for hosts in found if hosts.state == "mx" and is_own(inquiry.subject, hosts.domain) for finding in _of(hosts)]


def _of(hosts: MailHosts) -> list[Finding]:
    names = [one.exchange for one in hosts.answer.records]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(names) <= 100 else []
    told = []
    if twice:
        told.append(warn(f"The MX records of {hosts.domain} name {some(twice)} more than once, which brings nothing.", hosts.answer, about=hosts.domain,
                         found=hosts.found, advice="Keep each name once."))
    told += _same_address(hosts)
    return told or [passed(f"No mail exchanger of {hosts.domain} is named twice.", hosts.answer, about=hosts.domain)]


def _same_address(hosts: MailHosts) -> list[Finding]:
    """Two names for one machine look like a spare, but are none."""
    names_of: dict[str, list[str]] = {}
    for one in hosts.exchangers:
        for address in one.addresses:
            if one.host not in names_of.setdefault(address, []):
                names_of[address].append(one.host)
    return [
        warn(f"{some(names)} have the same address {address}: they fail together.", about=hosts.domain, found="\n".join(f"{name} {address}" for name in names[:5]),
             advice="Remove one of the names, or give it a machine of its own.", address=address)
        for address, names in list(names_of.items())[:10] if len(names) > 1
    ]
