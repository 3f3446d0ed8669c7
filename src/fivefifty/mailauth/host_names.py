"""Names of hosts: their syntax, names that mean nothing outside, and names that providers give to whole ranges of addresses."""
from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from .ip_kinds import parsed_ip

_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")  # RFC 1123 2.1, RFC 952
_WORD = re.compile(r"[a-z]+|[0-9]+")
# Top-level names that never exist in the public DNS: RFC 6761, RFC 6762, RFC 8375, and what routers, clouds and offices use.
PRIVATE_SUFFIXES = frozenset("local localhost localdomain internal intranet lan home corp private invalid domain workgroup".split())

# Words in names of lines whose address changes hands, and in names given to whole ranges.
_DYNAMIC = frozenset("dyn dynamic dynip dynamicip dhcp dialup dialin dial ppp pppoe adsl vdsl xdsl dsl pool pools cable broadband ftth fttx gprs umts lte wifi wireless mobile catv resnet residential cgn cgnat docsis hsd dynadsl".split())
_SURE = frozenset("dyn dynamic dynip dynamicip dhcp dialup dialin ppp pppoe adsl vdsl dynadsl".split())
_STATIC = frozenset("static stat fixed business biz colo dedicated".split())
_RANGE = frozenset("cust customer customers client clients host hosts user users ip ipv unassigned rev reverse nat cpe vps vmi ec compute node unknown".split())
_MAIL = frozenset("mail mailer mailers mailout email smtp smtps mx mxout mta mtas relay outbound outgoing mailgw postfix exim sendmail newsletter".split())


def is_host_name(name: str) -> bool:
    """Whether it may be a host's name: letters, digits and hyphens (RFC 1123 2.1), 253 characters at most."""
    return 0 < len(name) <= 253 and all(_LABEL.fullmatch(label) for label in name.lower().split("."))


def is_qualified(name: str) -> bool:
    """Whether it is a host's name of two labels or more, under a top-level name that isn't a number (RFC 3696 2)."""
    top = name.rpartition(".")[2]
    return "." in name and is_host_name(name) and not top.isdigit()


def ip_in_name(name: str) -> str:
    """The IP that stands where a name should, bare or as an address literal (RFC 5321 4.1.3); "" for a name."""
    bare = name.strip("[]").lower().removeprefix("ipv6:")
    return bare if parsed_ip(bare) is not None else ""


def helo_form(name: str) -> str:
    """What a HELO argument is: literal, bare_ip, localhost, single, private, invalid or name."""
    plain = name.lower().rstrip(".")
    if ip_in_name(name):
        return "literal" if name.startswith("[") and name.endswith("]") else "bare_ip"
    if plain in ("localhost", "localhost.localdomain") or plain.endswith(".localhost"):
        return "localhost"
    if not is_host_name(plain):
        return "invalid"
    if "." not in plain:
        return "single"
    if plain.rpartition(".")[2] in PRIVATE_SUFFIXES or plain.endswith(".home.arpa"):
        return "private"
    return "name" if is_qualified(plain) else "invalid"


@lru_cache(maxsize=4096)
def range_name(name: str, ip: str) -> str:
    """ "dynamic" or "generic" for a name that a provider gives to a whole range of addresses, else "".

    dynamic: it carries (part of) the IP or a running number and a word of a consumer line.  generic: it carries the IP, or a number
    and a word of a range.  A name that says it is a mail server's is neither, whatever numbers it has: big senders number theirs.
    """
    labels = name.lower()[:253].split(".")
    own = ".".join(labels[:-2]) if len(labels) > 2 else labels[0]  # the provider's own name may well hold "dsl" or "cable"
    words = _WORD.findall(own)
    told = frozenset(words)
    if told & _MAIL:
        return ""
    numbered = _carries(name.lower()[:253], ip)
    if told & _DYNAMIC and not told & _STATIC and (numbered or (told & _SURE and any(word.isdigit() for word in words))):
        return "dynamic"
    if numbered or (told & (_RANGE | _DYNAMIC | _STATIC) and any(word.isdigit() and len(word) > 3 for word in words)):
        return "generic"
    return ""


def _carries(name: str, ip: str) -> bool:
    """Whether the name is made from the IP."""
    address = parsed_ip(ip)
    if isinstance(address, IPv4Address):
        return _carries_ipv4(name, str(address).split("."))
    return isinstance(address, IPv6Address) and _carries_ipv6(name, address)


def _carries_ipv4(name: str, octets: list[str]) -> bool:
    """Three of the four numbers in a row, forwards or backwards, or the whole as hexadecimal or padded digits."""
    numbers = [str(int(digits)) for digits in re.findall(r"[0-9]+", name) if len(digits) <= 3]
    for order in (octets, octets[::-1]):
        for part in (order[:3], order[1:]):
            if any(numbers[at : at + 3] == part for at in range(len(numbers) - 2)):
                return True
        whole = ("".join(f"{int(octet):02x}" for octet in order), "".join(f"{int(octet):03d}" for octet in order))
        if any(form in name for form in whole):
            return True
    return False


def _carries_ipv6(name: str, address: IPv6Address) -> bool:
    """The last half of the address, or its short form with hyphens."""
    nibbles = address.exploded.replace(":", "")
    joined = name.replace("-", "").replace(".", "")
    short = str(address).replace(":", "-")
    return nibbles[16:] in joined or nibbles[:15:-1] in joined or (len(short) > 8 and short in name) or address.exploded.replace(":", "-") in name
