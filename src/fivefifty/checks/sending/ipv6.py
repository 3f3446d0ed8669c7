"""Mail sent over IPv6 has what big receivers demand there."""
from __future__ import annotations

from ...mailauth.host_names import helo_form
from ...mailauth.ip_kinds import PUBLIC, ip_kind, is_ipv6, parsed_ip
from ...mailauth.iprev import Iprev
from ...model import Finding
from .. import Inquiry, fail, passed, unknown, warn
from ._shared import public_ips, reverse_names

REFERENCE = "Google: Email sender guidelines, IPv6"
WEIGHT = 95
_ADVICE = "Set the reverse name of the IPv6 address and its AAAA record; until then send over IPv4 (Postfix: inet_protocols = ipv4, or smtp_address_preference = ipv4)."


async def check(inquiry: Inquiry) -> list[Finding]:
    """The IPv6 sending addresses, and those that the sending host has besides and may use without anybody's notice."""
    ips = [ip for ip in public_ips(inquiry) if is_ipv6(ip)]
    told = [_of(one) for one in await inquiry.together(*(reverse_names(inquiry, ip) for ip in ips))]
    return told or await _besides(inquiry)


def _of(one: Iprev) -> Finding:
    facts = {"about": one.ip, "found": "\n".join(one.names[:10]), "iprev": one.result}
    if one.result == "pass":
        return passed(f"{one.ip} has a reverse name that leads back; over IPv6, Gmail demands that, and SPF or DKIM.", *one.answers, **facts)
    if one.result == "temperror":
        return unknown(f"Whether the IPv6 address {one.ip} meets what receivers demand could not be learned.", *one.answers, **facts)
    return fail(f"The IPv6 address {one.ip} has no reverse name that leads back; Gmail and others refuse mail from it.", *one.answers, **facts, advice=_ADVICE)


async def _besides(inquiry: Inquiry) -> list[Finding]:
    """The AAAA records of the HELO name: a host that has IPv6 prefers it."""
    name = inquiry.subject.helo_name.lower().strip().rstrip(".")
    if helo_form(name) != "name" or not any(parsed_ip(ip) for ip in inquiry.subject.sending_ips):
        return []
    answer = await inquiry.world.dns(name, "AAAA")
    found = await inquiry.together(*(reverse_names(inquiry, ip) for ip in answer.records[:2] if ip_kind(ip) == PUBLIC))
    return [
        warn(f"The sending host {name} has the IPv6 address {one.ip} too, without a reverse name that leads back. If it sends over IPv6, Gmail and others refuse the mail.",
             answer, *one.answers, about=one.ip, found=f"{name} AAAA {one.ip}", iprev=one.result, advice=_ADVICE, weight=40)
        for one in found if one.result in ("fail", "permerror")
    ]
