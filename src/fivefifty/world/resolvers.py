"""Which DNS resolvers to ask: those given, or those of the system."""
from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import NamedTuple

from ..errors import InputError

RESOLV_CONF = "/etc/resolv.conf"
_BRACKETED = re.compile(r"\[([^\[\]]+)\](?::(\d{1,5}))?")


class Resolver(NamedTuple):
    """Where a resolver listens."""

    address: str
    port: int = 53

    def __str__(self) -> str:
        if self.port == 53:
            return self.address
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


def resolver(text: str) -> Resolver:
    """`IP`, `IP:PORT` or `[IPv6]:PORT`; InputError for anything else."""
    text = text.strip()
    address, port = text, "53"
    if bracketed := _BRACKETED.fullmatch(text):
        address, port = bracketed[1], bracketed[2] or "53"
    elif text.count(":") == 1:
        address, _, port = text.partition(":")
    try:
        ip_address(address)
        number = int(port) if port.isascii() and port.isdigit() else 0
    except ValueError:
        number = 0
    if not 0 < number < 65536:
        raise InputError("this is no resolver", text, "Give its IP address, with a port if it is not 53: 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:5353.")
    return Resolver(address, number)


def system_resolvers(path: str = RESOLV_CONF) -> tuple[Resolver, ...]:
    """The name servers of resolv.conf; InputError where there is none."""
    found: list[Resolver] = []
    if os.path.exists(path):
        with open(path, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                words = line.split()
                if len(words) >= 2 and words[0] == "nameserver":
                    try:
                        found.append(resolver(words[1]))
                    except InputError:
                        continue
    if not found:
        raise InputError("this machine names no DNS resolver", path, "Name one with --resolver IP, or stay --offline.")
    return tuple(dict.fromkeys(found))


def chosen(resolvers: Iterable[str | Resolver] = ()) -> Sequence[Resolver]:
    """Those given, without repeats, or those of the system."""
    given = tuple(dict.fromkeys(one if isinstance(one, Resolver) else resolver(one) for one in resolvers))
    return given or system_resolvers()
