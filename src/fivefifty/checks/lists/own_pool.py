"""A listed IP that belongs to a sending service's shared pool: then the service must act, not you."""
from __future__ import annotations

from ...mailauth.dnsbl import default_lists
from ...model import Finding
from .. import Inquiry, warn
from ..service._services import Service, by_ptr, policy, services
from ._asked import ask, public_ips
from ._quoted import named_lists, quoted_ips

REFERENCE = "RFC 7208 5.2"
WEIGHT = 60
MAX_SERVICES = 3  # each costs the service's whole SPF tree


async def check(inquiry: Inquiry) -> list[Finding]:
    """For each listed sending IP: is it in the SPF range of a service that its name, the domain's record or the mail shows?"""
    subject = inquiry.subject
    quoted = quoted_ips(subject.reply)[:2] if subject.reply else []
    ips = public_ips((*quoted, *subject.sending_ips))
    found: list[Finding] = []
    for ip in ips:
        lists = await _listing(inquiry, ip)
        pool = await _pool_of(inquiry, ip) if lists else None
        if pool is not None:
            found.append(_shared(pool, ip, lists))
    return found  # nothing listed, or an IP of one's own: the other checks say it


async def _listing(inquiry: Inquiry, ip: str) -> list[str]:
    """The names of the lists that hold it."""
    settings = inquiry.subject.settings
    named = [one for one in named_lists(inquiry.subject.reply) if one.subject == "ip" and not one.dead] if inquiry.subject.reply else []
    lists = [one for one in (*default_lists("ip", settings), *named) if one.ipv6 or ":" not in ip]
    return [one.list.name for one in await ask(inquiry, [(ip, one) for one in lists]) if one.state == "listed"]


async def _pool_of(inquiry: Inquiry, ip: str) -> Service | None:
    from ...mailauth.spf import check_host

    for service in await _candidates(inquiry, ip):
        result = await check_host(ip, service.pool, f"postmaster@{service.pool}", service.pool, inquiry.world)
        if str(result) == "pass":
            return service
    return None


async def _candidates(inquiry: Inquiry, ip: str) -> list[Service]:
    by_name, _ = await by_ptr(inquiry, ip)
    domain = inquiry.subject.domain
    shown = list((await policy(inquiry, domain)).services) if domain else []
    ids = dict.fromkeys(([by_name.id] if by_name else []) + shown)
    return [services()[id] for id in ids if services()[id].pool][:MAX_SERVICES]


def _shared(service: Service, ip: str, lists: list[str]) -> Finding:
    names = ", ".join(dict.fromkeys(lists))
    return warn(
        f"{ip} is on {names}, and it is one of the IPs that {service.name} sends from: unless it is a dedicated IP, other customers share it and your own DNS or text is not the cause.",
        about=ip, service=service.id, ip=ip, lists=lists,
        advice=f"Report it to {service.name} and ask for another pool or a dedicated IP; only they can have it removed.",
    )
