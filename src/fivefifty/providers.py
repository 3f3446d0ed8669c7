"""Who received or refused: mailbox providers, gateways, sending services and the operators of public blocklists.

Offline and from words alone: host names of the report, marks a provider leaves in its replies, and the domains of
consumer mailboxes.  The facts are in `knowledge/providers/`, one file each.
"""
from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from . import knowledge
from .errors import KnowledgeError
from .model import Failure
from .rules import Fragment, end_of, fold, fragment_of, words_in

MAX_HOST = 255  # RFC 1035 3.1: no name is longer, so no hostile one costs more
_STANDS_BEFORE = ("gateway", "forwarder")  # kinds that may speak around another server's reply
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Contact:
    """One way to reach the operator, and when it is the right one."""

    what: str
    where: str
    when: str = ""
    source: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """A limit or a remark, with its sources."""

    text: str
    source: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Code:
    """What one code or text means at this provider; `token` are the names one would look up."""

    match: str
    meaning: str
    cause: str
    token: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    source: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProviderFix:
    """Steps for one cause at this provider; `ask` is the question for the recipient's admin."""

    steps: tuple[str, ...]
    contact: str = ""
    how: str = ""
    give: str = ""
    expect: str = ""
    ask: str = ""
    source: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """What one documented answer of a list says; `list` is the part of a combined list it stands for, `weight` 0 the list's own."""

    meaning: str
    list: str = ""
    weight: int = 0


@dataclass(frozen=True, slots=True)
class Blocklist:
    """A public list, as replies name it and as the DNS answers for it (RFC 5782).

    `general` names a family of lists, `dead` says why one must not be asked any more.  An answer counts as a listing only if it is one of
    `codes` ("127.0.0.2", or a range of its last octet, "127.0.2.2-24"), or has one of `bits` set in its last octet; `good` answers are
    documented and no listing; `errors` says what an answer or a state ("refused") tells about the one who asks.
    """

    id: str
    name: str
    rule: str
    marks: tuple[str, ...] = ()
    zone: str = ""
    subject: str = "ip"  # or "domain"
    lookup: str = ""
    removal: str = ""
    expect: str = ""
    general: bool = False
    dead: str = ""
    default: bool = False  # asked about every sender; the others only where a reply names them
    weight: int = 20  # how many receivers refuse for it
    ipv6: bool = False
    registrable: bool = False  # holds registrable domains: ask for that of a name
    part_of: str = ""  # the list that is asked in its place, and whose codes name this one
    key: str = ""  # the setting that holds the key, for `keyed`
    keyed: str = ""  # the zone where there is a key, with {key}
    test_listed: tuple[str, ...] = ()  # test points where they are not those of RFC 5782 5; one of them must be listed
    test_clean: str = ""
    codes: Mapping[str, Listed] = field(default_factory=lambda: _NOTHING, hash=False)
    bits: Mapping[str, Listed] = field(default_factory=lambda: _NOTHING, hash=False)
    good: Mapping[str, str] = field(default_factory=lambda: _NOTHING, hash=False)
    errors: Mapping[str, str] = field(default_factory=lambda: _NOTHING, hash=False)
    provider: str = ""
    source: tuple[str, ...] = ()


_NOTHING: Mapping[str, Any] = MappingProxyType({})
_NO_FIXES: Mapping[str, ProviderFix] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Provider:
    """One file of `knowledge/providers/`.  Kinds: mailbox, gateway, forwarder, esp, list."""

    id: str
    name: str
    kind: str
    family: str = ""  # the head of the family, whose marks its members share
    like: str = ""  # the provider that runs its servers and whose steps hold where it has none of its own
    mx: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    contacts: tuple[Contact, ...] = ()
    limits: tuple[Note, ...] = ()
    notes: tuple[Note, ...] = ()
    codes: tuple[Code, ...] = ()
    lists: tuple[Blocklist, ...] = ()
    fixes: Mapping[str, ProviderFix] = field(default_factory=lambda: _NO_FIXES, hash=False)

    def fix(self, cause: str) -> ProviderFix | None:
        """The steps for that cause, or for its family ("auth"), or None."""
        own = self.fixes.get(cause) or self.fixes.get(cause.partition(".")[0])
        return own or (provider(self.like).fix(cause) if self.like else None)


def _frozen(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}


def make_blocklist(entry: Mapping[str, Any], provider: str) -> Blocklist:
    """A Blocklist from its parsed table; a code's value is its meaning, or a table of `Listed`."""
    plain = _frozen(entry)
    for key in ("codes", "bits"):
        told = {code: Listed(**one) if isinstance(one, Mapping) else Listed(one) for code, one in entry.get(key, {}).items()}
        plain[key] = MappingProxyType(told)
    return Blocklist(**plain, provider=provider)


def make_provider(name: str, entry: Mapping[str, Any]) -> Provider:
    """A Provider from its parsed file; `KnowledgeError` names what is wrong with it."""
    plain = {key: value for key, value in entry.items() if key not in ("contact", "limit", "note", "code", "list", "fix")}
    try:
        return Provider(
            **_frozen(plain),
            contacts=tuple(Contact(**_frozen(one)) for one in entry.get("contact", ())),
            limits=tuple(Note(**_frozen(one)) for one in entry.get("limit", ())),
            notes=tuple(Note(**_frozen(one)) for one in entry.get("note", ())),
            codes=tuple(Code(**_frozen(one)) for one in entry.get("code", ())),
            lists=tuple(make_blocklist(one, name) for one in entry.get("list", ())),
            fixes=MappingProxyType({cause: ProviderFix(**_frozen(one)) for cause, one in entry.get("fix", {}).items()}),
        )
    except TypeError as error:
        raise KnowledgeError(f"a provider is not complete: {error}", f"providers/{name}.toml") from error


@lru_cache(maxsize=1)
def _files() -> dict[str, Any]:
    return knowledge.folder("providers")


def provider_ids() -> tuple[str, ...]:
    """The ids of all providers, in order."""
    return tuple(sorted(_files()))


@lru_cache(maxsize=256)
def provider(id: str) -> Provider:
    """The provider of that id; `KnowledgeError` where there is none."""
    entry = _files().get(id)
    if entry is None:
        raise KnowledgeError(f"there is no provider called {id!r}", "providers/", "The ids are the file names there.")
    return make_provider(id, entry)


@lru_cache(maxsize=1)
def blocklists() -> Mapping[str, Blocklist]:
    """Every public list by its id."""
    return MappingProxyType({one.id: one for id, entry in _files().items() if entry.get("list") for one in provider(id).lists})


class _Marks:
    """Fragments filed under one rare word each, so that a text is looked through once."""

    def __init__(self, marks: Iterable[tuple[str, str]]) -> None:
        self.by_word: dict[str, list[tuple[str, str, Fragment]]] = {}
        self.always: list[tuple[str, str, Fragment]] = []
        entries = [(mark, owner, self._whole_words(mark)) for mark, owner in marks]
        counts: dict[str, int] = {}
        for _, _, words in entries:
            for word in words:
                counts[word] = counts.get(word, 0) + 1
        for mark, owner, words in entries:
            filed = self.always
            if words:
                rarest = min(words, key=lambda word: (len(word) < 4, counts[word], -len(word), word))  # "of" and "com" are in every text
                filed = self.by_word.setdefault(rarest, [])
            filed.append((mark, owner, fragment_of(mark)))

    @staticmethod
    def _whole_words(mark: str) -> list[str]:
        words = _WORD.findall(mark)
        return words[:-1] if mark.endswith("*") else words

    def found(self, folded: str) -> list[tuple[str, str]]:
        """(mark, owner) of every mark that stands in the folded text."""
        here = self.by_word.keys() & words_in(folded)[1]
        candidates = [one for word in here for one in self.by_word[word]] + self.always if here else self.always
        # `in` first: it is several times faster than looking at word edges
        return [(mark, owner) for mark, owner, fragment in candidates if fragment[0] in folded and end_of(fragment, folded, 0) >= 0]


@dataclass(frozen=True, slots=True)
class _Index:
    """What `provider_of` looks things up in; made once."""

    hosts: Mapping[str, str]
    domains: Mapping[str, str]
    marks: _Marks
    hints: _Marks
    lists: _Marks
    kinds: Mapping[str, str]
    families: Mapping[str, str]


def _pairs(key: str, kinds_without: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    return [(one, id) for id, entry in sorted(_files().items()) if entry["kind"] not in kinds_without for one in entry.get(key, ())]


@lru_cache(maxsize=1)
def _index() -> _Index:
    files = _files()
    return _Index(
        hosts=dict(_pairs("mx")), domains=dict(_pairs("domains")),
        marks=_Marks(_pairs("marks", ("list",))), hints=_Marks(_pairs("hints", ("list",))),
        lists=_Marks((mark, one.id) for one in blocklists().values() for mark in one.marks),
        kinds={id: entry["kind"] for id, entry in files.items()},
        families={id: entry.get("family", "") or id for id, entry in files.items()},
    )


def _by_suffix(table: Mapping[str, str], name: str) -> str:
    """The entry of the name or of the nearest name above it."""
    name = name[-MAX_HOST:].lower().rstrip(".")
    while name:
        found = table.get(name)
        if found is not None:
            return found
        name = name.partition(".")[2]
    return ""


def provider_of_host(host: str) -> str:
    """The provider whose server that host is, by the end of its name, or ""."""
    return _by_suffix(_index().hosts, host.partition("[")[0].partition("(")[0].strip()) if host else ""


def domain_of(address: str) -> str:
    """The domain of an address, "" where there is none."""
    return address.rpartition("@")[2].strip("<> \t").lower() if "@" in address else ""


def provider_of_domain(domain: str) -> str:
    """The provider of a consumer mailbox domain ("gmail.com"), or ""."""
    return _by_suffix(_index().domains, domain)


def _marked(marks: _Marks, folded: str) -> str:
    """The owner of the longest mark; a member outranks the head of its family, whose marks stand in both's replies."""
    found = marks.found(folded)
    if not found:
        return ""
    best = max(found, key=lambda one: (len(one[0]), one[1]))[1]
    families = _index().families
    return next((id for _, id in found if id != best and families[id] == best), best)


def _in_front(failure: Failure) -> str:
    """The gateway that speaks around the innermost reply.  Other outer hosts are the sender's side as often as not."""
    kinds = _index().kinds
    for layer in reversed(failure.layers[:-1]):
        found = provider_of_host(layer.remote_mta) or _marked(_index().marks, fold(layer.text))
        if kinds.get(found) in _STANDS_BEFORE:
            return found
    found = provider_of_host(failure.remote_mta)
    return found if kinds.get(found) in _STANDS_BEFORE else ""


def provider_of(failure: Failure, folded: str) -> str:
    """The id of the provider that refused or received, "" where nothing tells it.

    `folded` is the innermost reply in the form of `rules.fold`.  The refusing host outranks marks in the text, these the
    domain of the recipient.
    """
    families = _index().families
    alone = len(failure.layers) < 2
    host = (failure.layers[-1].remote_mta if failure.layers else "") or (failure.remote_mta if alone else "")
    by_domain = provider_of_domain(domain_of(failure.final_recipient or failure.original_recipient))
    found = provider_of_host(host) or _marked(_index().marks, folded)
    if found:
        # hotmail.com behind a host or mark that all of Microsoft shares
        return by_domain if by_domain and families[by_domain] == families[found] else found
    if not alone:
        found = _in_front(failure)
    if not found and not host and not failure.remote_mta and not by_domain:
        return _marked(_index().hints, folded) or provider_of_host(failure.reporting_mta)
    return found or by_domain or _marked(_index().hints, folded)


def lists_named(folded: str) -> tuple[str, ...]:
    """The ids of the public blocklists a folded reply names, in the order of the text."""
    places: dict[str, int] = {}
    for mark, id in _index().lists.found(folded):
        at = folded.find(mark.rstrip("*"))
        places[id] = min(at, places.get(id, at))
    known = blocklists()
    special = {known[id].provider for id in places if not known[id].general}
    named = [id for id in places if not (known[id].general and known[id].provider in special)]
    return tuple(sorted(named, key=lambda id: (places[id], id)))
