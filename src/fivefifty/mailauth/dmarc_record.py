"""The grammar of DMARC policy records (RFC 9989 4.7 and 4.8): a text becomes tags, with words for whatever is wrong with it."""
from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

POLICIES = ("none", "quarantine", "reject")
REMOVED = {"pct": "RFC 7489", "rf": "RFC 7489", "ri": "RFC 7489"}  # tags that RFC 9989 does not have any more
KNOWN = ("v", "p", "sp", "np", "t", "psd", "adkim", "aspf", "rua", "ruf", "fo")
LONGEST_RECORD = 65535  # RFC 1035 3.2.1
MOST_ADDRESSES = 100
MOST_PROBLEMS = 20
_CACHED_LENGTH = 4096
# RFC 9989 4.8: "v" is an ABNF literal of any case, DMARC1 is not; nothing may stand before it
_VERSION = re.compile(r"[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")
_NEARLY = re.compile(r"[\s\"']{0,9}v?[\s\"']{0,9}[=:]?[\s\"']{0,9}dmarc", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z]+\Z")
_VALUE = re.compile(r"[\x20-\x3a\x3c-\x7e]+\Z")  # RFC 9989 4.8: dmarc-value
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,40}):(.*)\Z", re.DOTALL)
_SIZE = re.compile(r"!([0-9]{1,20})([kmgt]?)\Z", re.IGNORECASE)  # RFC 7489 6.2; RFC 9989 has no limits any more
_URI = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@$&'()*+;=%]+\Z")  # RFC 3986 2, without the "!" and "," that RFC 9989 4.8 wants encoded
_HOST = re.compile(r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?\Z")
_INNER_TAG = re.compile(r"[\s,](v|p|sp|np|t|psd|adkim|aspf|rua|ruf|fo|pct|rf|ri)\s?=", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ReportAddress:
    """One URI of rua= or ruf=.  `domain` is its host, in lower case; "" when the URI can't be used."""

    uri: str
    scheme: str = ""
    address: str = ""  # of a mailto: URI
    domain: str = ""
    size: str = ""  # "10m": the limit of RFC 7489, which is ignored now
    problem: str = ""

    @property
    def valid(self) -> bool:
        """Whether it is a reporting URI by the grammar."""
        return not self.problem


@dataclass(frozen=True, slots=True)
class DmarcRecord:
    """A DMARC policy record as it was read.

    `p`, `sp`, `np` are policies, or "" where the tag is missing or wrong (`wrong` names it then).  `problems`: (tag, what is wrong), in the
    order they stand; none of them makes the record void but a wrong p, sp or np without a usable rua (`void`).
    """

    text: str
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)  # as written, the first of each name
    p: str = ""
    sp: str = ""
    np: str = ""
    testing: bool = False  # t=y
    psd: str = "u"
    adkim: str = "r"
    aspf: str = "r"
    rua: tuple[ReportAddress, ...] = ()
    ruf: tuple[ReportAddress, ...] = ()
    wrong: tuple[str, ...] = ()  # those of p, sp, np whose value is no policy
    removed: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    problems: tuple[tuple[str, str], ...] = ()

    @property
    def void(self) -> bool:
        """RFC 9989 4.10.1: with a wrong policy, and no usable rua, no DMARC processing takes place."""
        return bool(self.wrong) and not any(one.valid for one in self.rua)

    @property
    def policy(self) -> str:
        """What p= comes to: none where it is missing (RFC 9989 4.7) or where one of the policies is wrong (4.10.1)."""
        return "none" if self.wrong else self.p or "none"

    @property
    def subdomain_policy(self) -> str:
        """What applies to subdomains that exist."""
        return "none" if self.wrong else self.sp or self.policy

    @property
    def nonexistent_policy(self) -> str:
        """What applies to subdomains that do not exist: np, else sp, else p."""
        return "none" if self.wrong else self.np or self.subdomain_policy


def is_record(text: str) -> bool:
    """Whether a TXT record is a DMARC policy record at all: v=DMARC1 stands first (RFC 9989 4.7)."""
    return _VERSION.match(text) is not None


def is_nearly_record(text: str) -> bool:
    """Whether somebody meant it as a DMARC record, but no receiver reads it as one."""
    return not is_record(text) and _NEARLY.match(text) is not None


def read_record(text: str) -> DmarcRecord:
    """The tags of a record for which `is_record` holds."""
    return _read_cached(text) if len(text) <= _CACHED_LENGTH else _read(text[:LONGEST_RECORD])


def report_addresses(value: str) -> tuple[ReportAddress, ...]:
    """The URIs of a rua= or ruf= tag (RFC 9989 4.6)."""
    pieces = value.split(",", MOST_ADDRESSES)[:MOST_ADDRESSES]
    return tuple(_report_address(one.strip(" \t")) for one in pieces)


def _report_address(uri: str) -> ReportAddress:
    if not uri:
        return ReportAddress(uri, problem="an empty address stands in the list")
    size = _SIZE.search(uri[-24:])
    bare = uri[: -len(size[0])] if size else uri
    limit = (size[1] + size[2].lower()) if size else ""
    scheme = _SCHEME.match(bare)
    if scheme is None:
        words = "mailto: is missing in front of it" if "@" in bare else "it is no URI"
        return ReportAddress(uri, size=limit, problem=words)
    if not _URI.match(bare):
        return ReportAddress(uri, scheme[1].lower(), size=limit, problem="it holds a character that a URI must encode")
    return _located(uri, scheme[1].lower(), scheme[2], limit)


def _located(uri: str, scheme: str, rest: str, limit: str) -> ReportAddress:
    """A URI whose scheme is known: who receives what is sent there."""
    if scheme != "mailto":  # any URI is allowed, only mailto has to be supported
        host = rest[2:].partition("/")[0].rpartition("@")[2].partition(":")[0].lower() if rest.startswith("//") else ""
        return ReportAddress(uri, scheme, "", host, limit)
    address = rest.partition("?")[0]
    local, _, host = address.rpartition("@")
    if not local or not _HOST.match(host):
        return ReportAddress(uri, scheme, address, "", limit, "it holds no whole mail address")
    return ReportAddress(uri, scheme, address, host.rstrip(".").lower(), limit)


@lru_cache(maxsize=1024)
def _read_cached(text: str) -> DmarcRecord:
    return _read(text)


def _read(text: str) -> DmarcRecord:
    problems: list[tuple[str, str]] = []
    tags = _tags(text, problems)
    policies = {name: _choice(tags, name, POLICIES, "", problems) for name in ("p", "sp", "np")}
    if "p" not in tags:
        problems.append(("p", "there is no p= tag; RFC 9989 reads that as p=none, receivers that still follow RFC 7489 ignore such a record"))
    if len(text) >= LONGEST_RECORD:
        problems.append(("", "the record is longer than the DNS can hold"))
    return DmarcRecord(
        text, tags, **policies,
        testing=_choice(tags, "t", ("y", "n"), "n", problems) == "y", psd=_choice(tags, "psd", ("y", "n", "u"), "u", problems),
        adkim=_choice(tags, "adkim", ("r", "s"), "r", problems), aspf=_choice(tags, "aspf", ("r", "s"), "r", problems),
        rua=_addresses(tags, "rua", problems), ruf=_addresses(tags, "ruf", problems),
        wrong=tuple(name for name in policies if name in tags and not policies[name]),
        removed=tuple(name for name in tags if name in REMOVED),
        unknown=tuple(name for name in tags if name not in REMOVED and name not in KNOWN)[:MOST_PROBLEMS],
        problems=tuple((problems + _reporting_problems(tags))[:MOST_PROBLEMS]),
    )


def _tags(text: str, problems: list[tuple[str, str]]) -> dict[str, str]:
    """The tags by name; what is no tag is a problem and is left out (RFC 9989 4.7: syntax errors are ignored)."""
    tags: dict[str, str] = {}
    pieces = text.split(";")
    for piece in pieces:
        if not (piece := piece.strip(" \t")):
            continue
        name, equals, value = piece.partition("=")
        name, value = name.rstrip(" \t"), value.lstrip(" \t")
        problem = _tag_problem(name, equals, value)
        if problem:
            problems.append((name.lower()[:20], problem))
        elif name.lower() in tags:
            # RFC 6376 3.2 calls the whole list invalid, RFC 9989 4.7 ignores syntax errors: receivers differ
            problems.append((name.lower()[:20], f"{name}= stands there twice; receivers differ on what that means"))
        if name.lower() not in tags and value and _NAME.match(name):
            tags[name.lower()] = value
    if any(not piece.strip() for piece in pieces[:-1]):
        problems.append(("", "two semicolons follow each other"))
    return tags


def _tag_problem(name: str, equals: str, value: str) -> str:
    if not equals or not _NAME.match(name):
        return f"\"{(name + equals + value)[:60]}\" is no tag=value pair"
    if not value:
        return f"{name}= has no value"
    if name.islower() is False:
        return f"write {name.lower()}= in lower case: some receivers know no other"
    if not _VALUE.match(value):
        return f"{name}= holds characters that are not allowed (quotes, line breaks or letters beyond ASCII)"
    return ""


def _choice(tags: Mapping[str, str], name: str, allowed: tuple[str, ...], default: str, problems: list[tuple[str, str]]) -> str:
    """The value of a tag with a closed list (ABNF literals, so of any case), else what stands for it."""
    value = tags.get(name, default)
    if value.lower() in allowed:
        return value.lower()
    if value:
        inner = _INNER_TAG.search(value[:200])
        words = f"a semicolon is missing before {inner[1]}=" if inner else f"it must be one of {', '.join(allowed)}"
        problems.append((name, f"{name}={value[:60]} is not valid: {words}"))
    return default


def _addresses(tags: Mapping[str, str], name: str, problems: list[tuple[str, str]]) -> tuple[ReportAddress, ...]:
    found = report_addresses(tags[name]) if tags.get(name) else ()
    problems += [(name, f"{name}={one.uri[:80]} can't be used: {one.problem}") for one in found if one.problem]
    problems += [(name, f"the size limit !{one.size} is no longer part of DMARC and is ignored") for one in found if one.size]
    return found


def _reporting_problems(tags: Mapping[str, str]) -> list[tuple[str, str]]:
    """fo= and its company."""
    if "fo" not in tags:
        return []
    wrong = [one for one in tags["fo"].split(":", 20) if one.strip().lower() not in ("0", "1", "d", "s")]
    if wrong:
        return [("fo", f"fo={tags['fo'][:60]} is not valid: it takes 0, 1, d and s, joined by colons")]
    return [] if "ruf" in tags else [("fo", "fo= has no effect without ruf=")]
