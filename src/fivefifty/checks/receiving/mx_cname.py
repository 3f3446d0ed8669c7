"""The MX names are not aliases."""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, passed, warn
from ._shared import Exchanger, MailHosts, all_exchangers

REFERENCE = "RFC 2181 10.3"
WEIGHT = 15


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each MX name that is an alias; the address answers show it, nothing more is asked; one that leads nowhere is told by "mx_resolves"."""
    found = await all_exchangers(inquiry)
    return [finding for hosts in found if hosts.state in ("mx", "implicit") for finding in _of(hosts)]


def _of(hosts: MailHosts) -> list[Finding]:
    own = hosts.answer.aliases
    told = [warn(f"{hosts.domain} itself is an alias of {own[-1]}, so its MX and all its other records are those of that name; some senders then rewrite the address.", hosts.answer,
                 about=hosts.domain, found=f"{hosts.domain} CNAME {own[0]}", weight=30, advice="Replace the CNAME by address records (many DNS hosts call that ALIAS or flattening), and add the MX record.",
                 reference="RFC 1034 3.6.2", aliases=list(own[:20]))] if own else []
    told += [_alias(hosts, one) for one in hosts.exchangers if one.aliases and one.addresses and one.host != hosts.domain]
    if told or hosts.state != "mx" or not any(one.addresses for one in hosts.exchangers):
        return told
    return [passed(f"No MX name of {hosts.domain} is an alias (CNAME).", hosts.answer, about=hosts.domain)]


def _alias(hosts: MailHosts, one: Exchanger) -> Finding:
    return warn(f"The MX name {one.host} is an alias of {one.aliases[-1]}; most senders follow it, but the standard forbids it.", *one.answers,
                about=one.host, found=f"{one.host} CNAME {one.aliases[0]}", advice="Put the name that has the addresses into the MX record.",
                record=f"{hosts.domain}. MX {one.preference} {one.aliases[-1]}.", domain=hosts.domain, aliases=list(one.aliases[:20]))
