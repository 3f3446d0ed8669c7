"""The grammar of SPF records (RFC 7208 12): a text becomes terms, or problems with the term that is wrong."""
from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address

from .spf_macro import MacroString, SyntaxProblem, as_name, domain_spec, letters, macro_string

LONGEST_RECORD = 65535  # RFC 1035 3.2.1: RDLENGTH is 16 bits; what is longer can't come from the DNS
_CACHED_LENGTH = 4096
QUALIFIERS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}
ASKING = frozenset(("include", "a", "mx", "ptr", "exists", "redirect"))  # the terms that count, RFC 7208 4.6.4
_MODIFIER = re.compile(r"([a-z][a-z0-9_.-]*)=", re.IGNORECASE)
_DIRECTIVE = re.compile(r"([-+~?]?)(all|include|a|mx|ptr|ip4|ip6|exists)(?![^:/])(.*)\Z", re.IGNORECASE | re.DOTALL)
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IP4 = re.compile(rf":({_OCTET}(?:\.{_OCTET}){{3}})(?:/(0|[1-9][0-9]?))?\Z")
_IP6 = re.compile(r":([0-9a-fA-F:.]+)(?:/(0|[1-9][0-9]{0,2}))?\Z")
_DUAL_CIDR = re.compile(r"(?:/(0|[1-9][0-9]?))?(?://(0|[1-9][0-9]{0,2}))?\Z")
_ONLY_IP4 = re.compile(r"[0-9.]+(?:/[0-9]+)?\Z")


@dataclass(frozen=True, slots=True)
class Term:
    """One directive or modifier.  `name` is the mechanism's or modifier's, lower case; `qualifier` is "" for a modifier."""

    text: str
    name: str
    qualifier: str = ""
    target: MacroString = ()  # the domain-spec; () where there is none
    fixed: str = ""  # the target-name, where no macro decides it
    length4: int = 32
    length6: int = 128
    version: int = 0  # of ip4 and ip6
    network: int = 0

    @property
    def macros(self) -> frozenset[str]:
        """The macro letters its target depends on."""
        return letters(self.target)


@dataclass(frozen=True, slots=True)
class SpfRecord:
    """A record that was read.  `problems`: (term, what is wrong with it); with any of them it is a permerror (RFC 7208 4.6)."""

    text: str
    directives: tuple[Term, ...] = ()
    redirect: Term | None = None
    exp: Term | None = None
    modifiers: tuple[Term, ...] = ()  # the unknown ones
    problems: tuple[tuple[str, str], ...] = ()
    words: tuple[str, ...] = ()  # the terms as written, in order

    @property
    def all(self) -> Term | None:
        """Its first "all"."""
        return next((term for term in self.directives if term.name == "all"), None)


def is_spf(text: str) -> bool:
    """Whether a TXT record is an SPF record: "v=spf1" in any case, then a space or the end (RFC 7208 4.5)."""
    return text[:6].lower() == "v=spf1" and text[6:7] in ("", " ")


def spf_records(texts: Iterable[str]) -> list[str]:
    """Those of the TXT records that are SPF records."""
    return [text for text in texts if text[:1] in "vV" and is_spf(text)]


def _target(text: str) -> tuple[MacroString, str]:
    parts = domain_spec(text)
    return parts, as_name("".join(map(str, parts))) if not letters(parts) else ""


def _length(digits: str | None, most: int) -> int:
    if digits is None:
        return most
    if int(digits) > most:
        raise SyntaxProblem(f"the prefix length /{digits} is more than {most}")
    return int(digits)


def _with_host(text: str, qualifier: str, name: str, rest: str) -> Term:
    """"a" and "mx": [":" domain-spec] [dual-cidr-length] (RFC 7208 5.3, 5.4)."""
    found = _DUAL_CIDR.search(rest)
    cut, length4, length6 = (found.start(), found[1], found[2]) if found else (len(rest), None, None)
    host = rest[:cut]
    if host and not host.startswith(":"):
        raise SyntaxProblem(f'"{host[:40]}" can\'t follow "{name}"')
    if host[1:] and _ONLY_IP4.match(host[1:]):
        raise SyntaxProblem(f'an IP address needs "ip4:", not "{name}:"')
    target, fixed = _target(host[1:]) if host else ((), "")
    return Term(text, name, qualifier, target, fixed, _length(length4, 32), _length(length6, 128))


def _ip4(text: str, qualifier: str, rest: str) -> Term:
    found = _IP4.match(rest)
    if found is None:
        raise SyntaxProblem("it needs an IPv4 address, whole, and at most one prefix length" + (" (an IPv6 address needs ip6:)" if rest.count(":") > 2 else ""))
    a, b, c, d = map(int, found[1].split("."))
    return Term(text, "ip4", qualifier, (), "", _length(found[2], 32), 128, 4, a << 24 | b << 16 | c << 8 | d)


def _ip6(text: str, qualifier: str, rest: str) -> Term:
    found = _IP6.match(rest)
    try:
        network = int(IPv6Address(found[1])) if found else -1
    except AddressValueError:
        network = -1
    if found is None or network < 0:
        raise SyntaxProblem("it needs an IPv6 address and at most one prefix length" + (" (an IPv4 address needs ip4:)" if _ONLY_IP4.match(rest[1:]) else ""))
    return Term(text, "ip6", qualifier, (), "", 32, _length(found[2], 128), 6, network)


def _directive(word: str, found: re.Match[str]) -> Term:
    qualifier, name, rest = QUALIFIERS[found[1] or "+"], found[2].lower(), found[3]
    if name == "all":
        if rest:
            raise SyntaxProblem('nothing may follow "all"')
        return Term(word, name, qualifier)
    if name in ("a", "mx"):
        return _with_host(word, qualifier, name, rest)
    if name == "ip4":
        return _ip4(word, qualifier, rest)
    if name == "ip6":
        return _ip6(word, qualifier, rest)
    if name == "ptr" and not rest:
        return Term(word, name, qualifier)
    if not rest.startswith(":"):
        raise SyntaxProblem(f'"{name}" needs ":" and a name' if name != "ptr" else 'only ":" and a name may follow "ptr"')
    return Term(word, name, qualifier, *_target(rest[1:]))


def _term(word: str) -> Term:
    found = _DIRECTIVE.match(word)
    if found is not None:
        return _directive(word, found)
    modifier = _MODIFIER.match(word)
    if modifier is None:
        raise SyntaxProblem(_unknown(word))
    name, value = modifier[1].lower(), word[modifier.end() :]
    if name in ("redirect", "exp"):
        return Term(word, name, "", *_target(value))
    return Term(word, name, "", macro_string(value))


def _unknown(word: str) -> str:
    """What is wrong with a word that is neither mechanism nor modifier; the usual slips are named."""
    low = word.lower().lstrip("+-~?")
    if not word.isascii() or not word.isprintable():
        return "it holds a character that may not stand in a record: only visible ASCII and spaces may"
    if low.startswith(("redirect:", "exp:")):
        return f'"{low.partition(":")[0]}" is a modifier: it takes "=", not ":"'
    if low.startswith("v=spf1"):
        return "a second version: two records seem to have been put into one"
    if low.startswith(("ipv4", "ipv6", "ip:")):
        return 'the mechanisms are called "ip4:" and "ip6:"'
    if _ONLY_IP4.match(low):
        return 'an IP address needs "ip4:" before it'
    if low.endswith((",", ";")):
        return "terms are separated by spaces, nothing else"
    return "no mechanism or modifier is called so"


def _read(text: str) -> SpfRecord:
    if len(text) > LONGEST_RECORD:
        return SpfRecord(text[:_CACHED_LENGTH], problems=(("", f"the record is {len(text)} bytes long, more than a DNS record can hold"),))
    words = [word for word in text.split(" ")[1:] if word]
    directives, modifiers, problems = [], [], []
    once: dict[str, Term] = {}
    for word in words:
        try:
            term = _term(word)
        except SyntaxProblem as problem:
            problems.append((word, str(problem)))
            continue
        if term.qualifier:
            directives.append(term)
        elif term.name in ("redirect", "exp"):
            if term.name in once:  # RFC 7208 6: at most once each
                problems.append((word, f'"{term.name}=" stands there twice'))
            once[term.name] = term
        else:
            modifiers.append(term)
    return SpfRecord(text, tuple(directives), once.get("redirect"), once.get("exp"), tuple(modifiers), tuple(problems), tuple(words))


_read_once = lru_cache(maxsize=4096)(_read)


def read_record(text: str) -> SpfRecord:
    """The record as terms; `text` must be one that `is_spf`."""
    return _read_once(text) if len(text) <= _CACHED_LENGTH else _read(text)
