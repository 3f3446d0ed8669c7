"""Who wrote a mail: the From: field as RFC 5322 3.6.2 and RFC 6854 write it, and the author domain in it (RFC 9989 5.3.1)."""
from __future__ import annotations

import re
from dataclasses import dataclass

from .organization import plain_domain

LONGEST_HEADER = 262_144
LONGEST_FIELD = 65_536
MOST_ADDRESSES = 200
_TOKEN = re.compile(r'\\.|"(?:[^"\\]|\\.)*"?|\[[^\]]*\]?|[()<>,:;@.]|[^\s"()<>,:;@.\[]+|\s+', re.DOTALL)
_FOLD = re.compile(rb"\r?\n(?=[ \t])")


@dataclass(frozen=True, slots=True)
class Author:
    """What From: says.  `domains`: the different author domains, as A-labels, in order."""

    fields: tuple[str, ...] = ()  # the From: fields, unfolded
    addresses: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()  # the names of groups (RFC 6854)
    problems: tuple[str, ...] = ()

    @property
    def domain(self) -> str:
        """The author domain when there is exactly one."""
        return self.domains[0] if len(self.domains) == 1 and len(self.fields) == 1 else ""


def header_fields(message: bytes, name: str) -> tuple[str, ...]:
    """The values of a header field, unfolded, in order; `name` in lower case."""
    header = message[:LONGEST_HEADER]
    for end in (b"\r\n\r\n", b"\n\n"):
        header = header.partition(end)[0]
    found = []
    for line in _FOLD.sub(b"", header).splitlines():
        label, colon, value = line.partition(b":")
        if colon and label.rstrip().lower() == name.encode():
            found.append(value.strip()[:LONGEST_FIELD].decode("utf-8", "surrogateescape"))
    return tuple(found)


def author(message: bytes) -> Author:
    """The author of a mail."""
    fields = header_fields(message, "from")
    if not fields:
        return Author(problems=("the mail has no From: field",))
    addresses: list[str] = []
    groups: list[str] = []
    for one in fields[:10]:
        _collect(one, addresses, groups)
    domains = tuple(dict.fromkeys(domain for address in addresses if (domain := plain_domain(address.rpartition("@")[2]))))
    return Author(fields, tuple(addresses), domains, tuple(groups), tuple(_problems(fields, addresses, domains, groups)))


def _problems(fields: tuple[str, ...], addresses: list[str], domains: tuple[str, ...], groups: list[str]) -> list[str]:
    found = []
    if len(fields) > 1:
        found.append(f"the mail has {len(fields)} From: fields, and RFC 5322 allows one")
    if groups:
        found.append("From: uses group syntax, which leaves no author to authenticate" if not addresses else "From: uses group syntax")
    if not addresses and not groups:
        found.append("From: holds no mail address")
    elif addresses and not domains:
        found.append("the address in From: has no valid domain name")
    if len(domains) > 1:
        found.append(f"From: names {len(domains)} domains ({', '.join(domains[:4])})")
    return found


def _collect(text: str, addresses: list[str], groups: list[str]) -> None:
    """Read a mailbox-list or a group; comments and quoted display names may hold anything, "@" included."""
    plain: list[str] = []  # the tokens of the mailbox that is being read
    inside: list[str] | None = None  # those between < and >
    depth = 0
    for token in _TOKEN.findall(text):
        if token == "(" or depth:
            depth += (token == "(") - (token == ")")
        elif token == "<":
            inside = []
        elif token == ">":
            plain = inside if inside is not None else plain
            inside = None
            _keep(plain, addresses)
            plain = []
        elif token in ",;" and inside is None:
            _keep(plain, addresses)
            plain = []
        elif token == ":" and inside is None:
            groups.append("".join(plain).strip()[:200])
            plain = []
        elif inside is not None:
            inside.append(token)
        else:
            plain.append(token)
    _keep(inside if inside is not None else plain, addresses)


def _keep(tokens: list[str], addresses: list[str]) -> None:
    """An addr-spec is whatever stands around the last "@" without a space; a source route before it is dropped (RFC 5322 4.4)."""
    if "@" not in tokens or len(addresses) >= MOST_ADDRESSES:
        return
    at = len(tokens) - 1 - tokens[::-1].index("@")
    domain = "".join(tokens[at + 1:]).split(None, 1) or [""]
    start = max((place for place, token in enumerate(tokens[:at]) if token in ":,"), default=-1) + 1
    local = "".join(tokens[start:at]).rstrip().rpartition(" ")[2]
    addresses.append(f"{local}@{domain[0]}"[:1000])
