"""iprev: does the name of an IP lead back to it (RFC 8601 2.7.3 and 3)?"""
from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass

from ..answers import DnsAnswer, World
from .ip_kinds import parsed_ip

MOST_NAMES = 10  # names that are looked up; RFC 7208 4.6.4 sets the same limit, and receivers go by it


@dataclass(frozen=True, slots=True)
class Iprev:
    """The result, in the words of RFC 8601 2.7.3: pass fail temperror permerror."""

    ip: str
    result: str
    names: tuple[str, ...] = ()  # what the PTR records say
    confirmed: tuple[str, ...] = ()  # those that lead back to the IP
    ptr: DnsAnswer | None = None  # None: `ip` is no IP address
    forward: tuple[DnsAnswer, ...] = ()  # one for each name looked up

    @property
    def answers(self) -> tuple[DnsAnswer, ...]:
        """All answers it rests on."""
        return (self.ptr, *self.forward) if self.ptr is not None else ()


def reverse_name(ip: str) -> str:
    """The name below in-addr.arpa (RFC 1035 3.5) or ip6.arpa (RFC 3596 2.5) of an IP; "" for what is none."""
    address = parsed_ip(ip)
    return address.reverse_pointer if address is not None else ""


async def iprev(ip: str, world: World) -> Iprev:
    """Ask for the names of `ip`, and for the addresses of the first ten of them."""
    address = parsed_ip(ip)
    if address is None:
        return Iprev(ip, "permerror")
    ptr = await world.dns(address.reverse_pointer, "PTR")
    if not ptr.found:  # RFC 8601 2.7.3: no PTR data is a permerror, a DNS fault a temperror
        return Iprev(ip, "permerror" if ptr.absent else "temperror", ptr=ptr)
    names = tuple(dict.fromkeys(ptr.records))
    asked: list[Awaitable[DnsAnswer]] = [world.start(world.dns(name, "AAAA" if address.version == 6 else "A")) for name in names[:MOST_NAMES]]
    forward = tuple([await one for one in asked])
    confirmed = tuple(name for name, answer in zip(names, forward, strict=False) if any(parsed_ip(record) == address for record in answer.records))
    result = "pass" if confirmed else "temperror" if any(answer.unlearned for answer in forward) else "fail"
    return Iprev(ip, result, names, confirmed, ptr, forward)
