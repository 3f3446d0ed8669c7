"""The addresses of the mail exchangers are public."""
from __future__ import annotations

from ...mailauth.ip_kinds import DOCUMENTATION, PUBLIC, WORDS
from ...model import Finding
from .. import Inquiry, fail, passed, warn
from ._shared import Exchanger, MailHosts, address_kind, all_exchangers

REFERENCE = "RFC 6890"
WEIGHT = 90


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each address that nobody outside can reach, or one for all."""
    found = await all_exchangers(inquiry)
    return [finding for hosts in found if hosts.state in ("mx", "implicit") for finding in _of(inquiry, hosts)]


def _of(inquiry: Inquiry, hosts: MailHosts) -> list[Finding]:
    kinds = {(one, address): address_kind(inquiry.subject, address) for one in hosts.exchangers for address in one.addresses[:20]}
    local = [one for one in hosts.exchangers if one.form == "localhost"]
    if not kinds and not local:
        return []
    open_way = any(kind in (PUBLIC, DOCUMENTATION) for kind in kinds.values()) or any(one.unlearned for one in hosts.exchangers)
    told = [_closed(hosts, one, address, kind, open_way) for (one, address), kind in kinds.items() if kind not in (PUBLIC, "")]
    told += [_closed(hosts, one, "localhost", "loopback", open_way) for one in local]
    return told or [passed(f"All addresses of the mail exchangers of {hosts.domain} are public.", *hosts.answers[1:], about=hosts.domain)]


def _closed(hosts: MailHosts, one: Exchanger, address: str, kind: str, open_way: bool) -> Finding:
    facts = {"about": one.host, "found": f"{one.host} {address}", "domain": hosts.domain, "kind": kind,
             "advice": f"Give {one.host} an address that the whole Internet can reach, or take it out of the public MX records."}
    sentence = f"The mail exchanger {one.host} has {WORDS[kind]}: {address}."
    if kind == DOCUMENTATION:
        return warn(f"{sentence} It is not routed on the Internet.", *one.answers, **facts, weight=40)
    if open_way:
        return warn(f"{sentence} Senders from outside lose time with it before they try another.", *one.answers, **facts, weight=30)
    return fail(f"{sentence} Nobody outside can deliver there.", *one.answers, **facts)
