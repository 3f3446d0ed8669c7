"""What kind of IP address it is: public, or one of the special-purpose blocks that no mail server of the Internet can have.

The table is our own because the one in `ipaddress` changed between Python releases.
"""
from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

PUBLIC = "public"
INSIDE = ("private", "loopback", "link-local", "shared", "unspecified")  # kinds that mail comes from only inside a network
DOCUMENTATION = "documentation"

# RFC 6890 and the IANA special-purpose registries; the first that fits counts.
_BLOCKS = [(ip_network(block), kind) for block, kind in (
    ("0.0.0.0/8", "unspecified"), ("10.0.0.0/8", "private"), ("100.64.0.0/10", "shared"), ("127.0.0.0/8", "loopback"), ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"), ("192.0.0.9/32", PUBLIC), ("192.0.0.10/32", PUBLIC), ("192.0.0.0/24", "reserved"), ("192.0.2.0/24", DOCUMENTATION),
    ("192.168.0.0/16", "private"), ("198.18.0.0/15", "benchmarking"), ("198.51.100.0/24", DOCUMENTATION), ("203.0.113.0/24", DOCUMENTATION),
    ("224.0.0.0/4", "multicast"), ("240.0.0.0/4", "reserved"),
    ("::/128", "unspecified"), ("::1/128", "loopback"), ("64:ff9b::/96", PUBLIC), ("100::/64", "reserved"), ("2001:20::/28", PUBLIC), ("2001:1::/32", PUBLIC),
    ("2001:3::/32", PUBLIC), ("2001:4:112::/48", PUBLIC), ("2001:db8::/32", DOCUMENTATION), ("2001::/23", "reserved"), ("3fff::/20", DOCUMENTATION),
    ("2000::/3", PUBLIC), ("fc00::/7", "private"), ("fe80::/10", "link-local"), ("fec0::/10", "private"), ("ff00::/8", "multicast"), ("::/0", "reserved"),
)]
_MASKS = {
    version: [(int(block.network_address), int(block.netmask), kind) for block, kind in _BLOCKS if block.version == version] for version in (4, 6)
}
WORDS = {
    "unspecified": "an address that means \u201cno address\u201d", "private": "a private address (RFC 1918, RFC 4193)", "shared": "an address behind a carrier's NAT (RFC 6598)",
    "loopback": "a loopback address", "link-local": "a link-local address", "reserved": "a reserved address", "multicast": "a multicast address",
    "benchmarking": "an address for benchmarks (RFC 2544)", DOCUMENTATION: "an address for documentation (RFC 5737, RFC 3849)",
}


@lru_cache(maxsize=4096)
def parsed_ip(text: str) -> IPv4Address | IPv6Address | None:
    """The IP that `text` is, or None; an IPv4-mapped IPv6 address is the IPv4 address."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


@lru_cache(maxsize=4096)
def ip_kind(text: str, documentation: str = DOCUMENTATION) -> str:
    """The kind: "public", a key of `WORDS`, or "" for what is no IP; `documentation` is what addresses of RFC 5737 and 3849 count as."""
    found = parsed_ip(text)
    if found is None:
        return ""
    number = int(found)
    kind = next((kind for start, mask, kind in _MASKS[found.version] if number & mask == start), PUBLIC)
    return documentation if kind == DOCUMENTATION else kind


def is_ipv6(text: str) -> bool:
    """Whether it is an IPv6 address (an IPv4-mapped one is not)."""
    found = parsed_ip(text)
    return found is not None and found.version == 6
