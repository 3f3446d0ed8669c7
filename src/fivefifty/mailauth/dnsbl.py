"""Public blocklists asked through the DNS (RFC 5782): query names, what an answer means, and whether a list can be trusted from here.

An answer is a listing only if the list documents it.  Error answers, undocumented answers and answers outside 127.0.0.0/8 are `unknown`:
a list that refuses our resolver, or whose domain was parked, answers everything with an address.
"""
from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from ..answers import DnsAnswer, World
from ..providers import Blocklist, Listed, blocklists, lists_named
from ..rules import fold
from .host_names import ip_in_name
from .ip_kinds import parsed_ip

MAX_REASON = 300  # a TXT reason is shown to people
TRUST, DISTRUST = timedelta(hours=1), timedelta(minutes=5)  # how long the outcome of a self-test is believed
MAX_NAME = 253  # RFC 1035 2.3.4, without the final dot
_KEY = re.compile(r"[A-Za-z0-9-]{4,63}")
_ZONE = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63}){1,10}")
_LABEL = re.compile(r"[^\s.]{1,63}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_TEST_LISTED = {"ip": ("127.0.0.2",), "domain": ("test",)}  # RFC 5782 5
_TEST_CLEAN = {"ip": "127.0.0.1", "domain": "invalid"}
_TEST_LISTED_6, _TEST_CLEAN_6 = "::ffff:7f00:2", "::ffff:7f00:1"
_STATES = {
    "servfail": "the resolver could not learn it (SERVFAIL)",
    "refused": "the question was refused",
    "timeout": "there was no answer in time",
    "unrecorded": "the answer is not on record",
    "bogus": "the answer did not pass DNSSEC validation",
    "loop": "the aliases of the name go round in a circle",
}
_ERRORS = {  # what several operators say with it; a list's own words go before
    "127.255.255.252": "the zone name was mistyped",
    "127.255.255.254": "it refuses public and shared resolvers: ask through a resolver of your own",
    "127.255.255.255": "too many questions came from this resolver",
}
# 127.0.0.1 means "refused" at several lists and "anything" at parked ones; RFC 5782 2.3 reserves it as never a listing
_NEVER = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list says about one IP or domain.  `state`: listed, not_listed, unknown.

    `codes` are the answers as they came; `meaning` what they mean, or why nothing was learned; `reason` the list's own words (TXT);
    `remedy` what helps where the list does not answer us; `parts` the lists of a combined list that the codes stand for.
    """

    list: Blocklist
    about: str
    state: str
    codes: tuple[str, ...] = ()
    meaning: str = ""
    reason: str = ""
    remedy: str = ""
    parts: tuple[str, ...] = ()
    weight: int = 0
    answers: tuple[DnsAnswer, ...] = ()

    @property
    def part(self) -> Blocklist:
        """The list whose removal rule holds: the part of a combined list, else the list itself."""
        return blocklists()[self.parts[0]] if self.parts else self.list


@lru_cache(maxsize=4096)
def ip_of(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address, an IPv4-mapped one (RFC 4291 2.5.5.2) as IPv4; None where it is none."""
    return parsed_ip(ip_in_name(text.strip()).partition("%")[0])  # without an RFC 4007 zone


def reversed_ip(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """The labels that stand before the zone: octets (RFC 5782 2.1) or nibbles (RFC 5782 2.4), last first."""
    if address.version == 4:
        return ".".join(reversed(str(address).split(".")))
    return ".".join(reversed(address.exploded.replace(":", "")))


@lru_cache(maxsize=1)
def _public_suffixes() -> Any:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


@lru_cache(maxsize=4096)
def registrable(domain: str) -> str:
    """The name that was registered, one label below the public suffix; the name itself where there is none."""
    return str(_public_suffixes().privatesuffix(domain) or domain)


@lru_cache(maxsize=4096)
def domain_of(text: str) -> str:
    """The domain name in lower case without final dot, or "" where it can't be one."""
    name = text.strip().rstrip(".").lower()
    if not name or len(name) > MAX_NAME or not all(_LABEL.fullmatch(label) for label in name.split(".")):
        return ""
    return name


def blocklist_of(name: str) -> Blocklist:
    """The list of that id or zone.  One we do not know is taken for an RFC 5782 list of IPs: any 127.0.0.2-255 is a listing."""
    known = blocklists()
    name = name.strip().rstrip(".").lower()
    if name in known:
        return known[name]
    zones = {one.zone: one for one in known.values() if one.zone and not one.part_of}
    marked = zones.get(name) or next((known[id] for id in lists_named(fold(name))), None)
    if marked is not None and (marked.dead or marked.part_of or name in marked.marks or marked.zone == name):
        return marked
    codes = {"127.0.0.2-255": Listed("listed")}
    return Blocklist(name, name, "look for the list's own page: it says why and how to be removed", zone=name if _ZONE.fullmatch(name) else "", codes=codes, ipv6=True)


@lru_cache(maxsize=512)
def _documented(codes: tuple[str, ...]) -> Mapping[str, str]:
    """Every single answer of a table whose keys may be ranges of the last octet, with its key."""
    found = {}
    for code in codes:
        head, dash, last = code.partition("-")
        stem, _, first = head.rpartition(".")
        for octet in range(int(first), (int(last) if dash else int(first)) + 1):
            found[f"{stem}.{octet}"] = code
    return found


def _listed_by(record: str, blocklist: Blocklist) -> list[Listed]:
    """What one answer means as a listing; nothing where it is not documented as one."""
    if not blocklist.bits:
        key = _documented(tuple(blocklist.codes)).get(record)
        return [blocklist.codes[key]] if key else []
    octet = int(record.rpartition(".")[2])
    # the lowest bit is nobody's list: it says that the question was refused
    return [] if octet & 1 else [told for bit, told in blocklist.bits.items() if octet & int(bit)]


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the records of one answer say."""

    state: str
    told: tuple[Listed, ...] = ()
    meaning: str = ""
    remedy: str = ""
    error: bool = False  # the list speaks of the one who asks, or nothing was learned at all


def _error(blocklist: Blocklist, key: str) -> str:
    return blocklist.errors.get(key) or _ERRORS.get(key, "")


def read(answer: DnsAnswer, blocklist: Blocklist) -> _Reading:
    """What an answer says, by the list's own documentation."""
    if answer.absent:
        return _Reading("not_listed")
    if not answer.found:
        return _Reading("unknown", (), _STATES.get(answer.state, f"the answer could not be used ({answer.state})"), _error(blocklist, answer.state), True)
    records = [str(record) for record in answer.records[:64]]
    strange = [record for record in records if not record.startswith("127.") or parsed_ip(record) is None]
    if strange:
        return _Reading("unknown", (), f"it answered {strange[0][:50]}, which is no blocklist's answer: its domain may be parked, or the resolver rewrites answers")
    for record in records:
        if record.startswith("127.255.255.") or _error(blocklist, record) or (blocklist.bits and int(record.rpartition(".")[2]) & 1):
            return _refused(blocklist, record)
    told = tuple(one for record in records for one in _listed_by(record, blocklist))
    if told:
        return _Reading("listed", told, _meaning(told))
    good = [blocklist.good[record] for record in records if record in blocklist.good]
    if good:
        return _Reading("not_listed", (), "; ".join(good))
    if _NEVER in records:
        return _refused(blocklist, _NEVER)
    return _Reading("unknown", (), f"it answered {', '.join(records[:4])}, which this list does not document")


def _meaning(told: tuple[Listed, ...]) -> str:
    known = blocklists()
    return "; ".join(dict.fromkeys(f"{known[one.list].name}: {one.meaning}" if one.list in known else one.meaning for one in told))


def _refused(blocklist: Blocklist, record: str) -> _Reading:
    remedy = _error(blocklist, record) or (_error(blocklist, "127.0.0.1") if blocklist.bits else "")
    return _Reading("unknown", (), f"it answered {record}, an error and not a listing", remedy or "ask through a resolver of your own", True)


class _Zone:
    """One list as it is asked with these settings; a key never leaves it."""

    __slots__ = ("_key", "list", "name")

    def __init__(self, blocklist: Blocklist, settings: Mapping[str, str]) -> None:
        key = settings.get(blocklist.key, "") if blocklist.keyed else ""
        self.list, self._key = blocklist, key if _KEY.fullmatch(key) else ""
        self.name = blocklist.keyed.replace("{key}", self._key) if self._key else blocklist.zone

    async def ask(self, world: World, labels: str, rrtype: str = "A") -> DnsAnswer:
        """Ask about what stands before the zone; evidence shows "<key>" for the key."""
        answer = await world.dns(f"{labels}.{self.name}", rrtype)
        return self._hidden(answer) if self._key else answer

    def _hidden(self, answer: DnsAnswer) -> DnsAnswer:
        def hide(text: str) -> str:
            return re.sub(re.escape(self._key), "<key>", text, flags=re.IGNORECASE)

        return replace(answer, name=hide(answer.name), aliases=tuple(hide(one) for one in answer.aliases), error=hide(answer.error))


def _labels(point: str) -> str:
    address = ipaddress.ip_address(point) if ":" in point or point[:1].isdigit() else None  # a test point keeps its mapped form
    return reversed_ip(address) if address else point


async def _first_listed(zone: _Zone, world: World, points: tuple[str, ...]) -> tuple[bool, DnsAnswer]:
    """Whether one of the points that must be listed is, and the answer that decides."""
    answer = await zone.ask(world, _labels(points[0]))
    for point in points[1:]:
        if not answer.absent:
            break
        answer = await zone.ask(world, _labels(point))
    # a test point may carry codes of its own; only what is an error speaks against the list
    fine = answer.found and all(str(one).startswith("127.") for one in answer.records) and not read(answer, zone.list).error
    return fine, answer


async def _trial(zone: _Zone, world: World, listed: tuple[str, ...], clean: str) -> tuple[_Reading | None, DnsAnswer]:
    """None where both test points answer as they must, else why the list can't be trusted from here (RFC 5782 5)."""
    fine, answer = await _first_listed(zone, world, listed)
    if answer.absent:
        remedy = zone.list.errors.get("silent", "it is closed, empty, or does not serve this resolver: look at its own page")
        return _Reading("unknown", (), "it does not list its own test entry, so its silence proves nothing", remedy), answer
    if not fine:
        return read(answer, zone.list), answer
    answer = await zone.ask(world, _labels(clean))
    reading = read(answer, zone.list)
    if reading.state == "not_listed":
        return None, answer
    if answer.unlearned:
        return reading, answer
    return _Reading("unknown", (), "it lists an entry that must never be listed: it answers everything", reading.remedy or "do not use this list"), answer


async def _untrusted(zone: _Zone, world: World, version: int) -> tuple[_Reading | None, DnsAnswer]:
    """The self-test of a list through this World's resolver, remembered for a while: it is one test per list, not one per look-up."""
    try:
        known = _TRIALS.setdefault(world, {})
    except TypeError:  # a World that can't be referred to weakly
        return await _tried(zone, world, version)
    now, key = world.now(), (zone.name, version == 6, zone.list.id)
    trial = known.get(key)
    if trial is None or now > trial.until:
        outcome = await _tried(zone, world, version)
        trial = known[key] = _Trial(now + (TRUST if outcome[0] is None else DISTRUST), outcome)
    return trial.outcome


class _Trial(NamedTuple):
    until: datetime
    outcome: tuple[_Reading | None, DnsAnswer]


_TRIALS: WeakKeyDictionary[World, dict[tuple[str, bool, str], _Trial]] = WeakKeyDictionary()


async def _tried(zone: _Zone, world: World, version: int) -> tuple[_Reading | None, DnsAnswer]:
    subject = zone.list.subject
    if version == 6:
        trial = await _trial(zone, world, (_TEST_LISTED_6,), _TEST_CLEAN_6)
        if trial[0] is None or not trial[1].absent:
            return trial  # many lists hold IPv6 but no IPv6 test points: then those of IPv4 decide
    return await _trial(zone, world, zone.list.test_listed or _TEST_LISTED[subject], zone.list.test_clean or _TEST_CLEAN[subject])


def _not_to_be_asked(about: str, blocklist: Blocklist, settings: Mapping[str, str], zone: _Zone) -> Listing | None:
    """The answer where no question may be sent."""
    if blocklist.dead:
        return Listing(blocklist, about, "unknown", (), f"this list is not asked: {blocklist.dead}", remedy="take it out of every configuration")
    if zone.name:
        return None
    if blocklist.keyed and settings.get(blocklist.key):
        return Listing(blocklist, about, "unknown", (), f"the setting {blocklist.key} does not hold a key", remedy=f"mend {blocklist.key}")
    if blocklist.keyed:
        return Listing(blocklist, about, "unknown", (), "it answers only with a key", remedy=f"set {blocklist.key}")
    where = f": look at {blocklist.lookup}" if blocklist.lookup else ""
    return Listing(blocklist, about, "unknown", (), f"it can't be asked through the DNS{where}", remedy="")


def _subject(about: str, blocklist: Blocklist) -> tuple[str, int, str]:
    """(the labels to ask for, 4 or 6 or 0 for a domain, why it can't be asked)."""
    address = ip_of(about)
    if address is not None and blocklist.subject == "ip":
        return ("", 6, "this list holds no IPv6 addresses") if address.version == 6 and not blocklist.ipv6 else (reversed_ip(address), address.version, "")
    if address is not None:
        return "", 0, "this list holds domains, not IPs"
    if blocklist.subject == "ip":
        return "", 0, "this list holds IPs, and that is none"
    name = domain_of(about)
    if not name:
        return "", 0, "that is no domain name"
    return (registrable(name) if blocklist.registrable else name), 0, ""


async def look_up(ip_or_domain: str, blocklist: Blocklist | str, world: World, settings: Mapping[str, str] | None = None) -> Listing:
    """Ask one list about one IP or domain.

    The list (or its id, or its zone) proves itself first by its RFC 5782 test points; a part of a combined list (PBL of ZEN) is
    asked through the whole.  `settings` may hold keys; they do not appear in the Listing.
    """
    wanted = blocklist_of(blocklist) if isinstance(blocklist, str) else blocklist
    asked = blocklists().get(wanted.part_of, wanted) if wanted.part_of else wanted
    zone = _Zone(asked, settings or {})
    barred = _not_to_be_asked(ip_or_domain, wanted, settings or {}, zone)
    if barred is not None:
        return barred
    labels, version, why_not = _subject(ip_or_domain, asked)
    if why_not:
        return Listing(wanted, ip_or_domain, "unknown", (), why_not)
    if len(labels) + len(zone.name) + 1 > MAX_NAME:
        return Listing(wanted, ip_or_domain, "unknown", (), "the name is too long to be asked of this list")
    distrust, proof = await _untrusted(zone, world, version)
    if distrust is not None:
        return Listing(wanted, ip_or_domain, "unknown", _codes(proof), distrust.meaning, remedy=distrust.remedy, answers=(proof,))
    return await _asked(ip_or_domain, wanted, zone, labels, world)


def _codes(answer: DnsAnswer) -> tuple[str, ...]:
    return tuple(str(record)[:50] for record in answer.records[:16]) if answer.found else ()


async def _asked(about: str, wanted: Blocklist, zone: _Zone, labels: str, world: World) -> Listing:
    answer = await zone.ask(world, labels)
    reading = read(answer, zone.list)
    told = tuple(one for one in reading.told if not wanted.part_of or one.list == wanted.id)
    if reading.state != "listed" or not told:
        state = "not_listed" if reading.state == "listed" else reading.state  # listed on another part of the combined list
        meaning = f"on {zone.list.name}, but there {reading.meaning}" if reading.state == "listed" else reading.meaning
        return Listing(wanted, about, state, _codes(answer), meaning, remedy=reading.remedy, answers=(answer,))
    reason = await zone.ask(world, labels, "TXT")
    return Listing(
        wanted, about, "listed", _codes(answer), _meaning(told), _words(reason),
        parts=tuple(dict.fromkeys(one.list for one in told if one.list in blocklists())),
        weight=max(one.weight or wanted.weight for one in told), answers=(answer, reason) if reason.found else (answer,),
    )


def split_by_part(listing: Listing) -> list[Listing]:
    """A listing on a combined list as one for each of its parts, because each has its own way out."""
    documented = blocklists().get(listing.list.part_of, listing.list)
    told = [one for record in listing.codes for one in _listed_by(record, documented)]
    found = []
    for part in listing.parts:
        own = [one for one in told if one.list == part]
        meaning = "; ".join(dict.fromkeys(one.meaning for one in own))
        found.append(replace(listing, list=blocklists()[part], meaning=meaning, parts=(), weight=max((one.weight for one in own), default=0) or listing.list.weight))
    return found or [listing]


def _words(answer: DnsAnswer) -> str:
    """The first TXT record as one line that is safe to show."""
    text = str(answer.records[0])[:4 * MAX_REASON] if answer.found and answer.records else ""
    readable = text.encode("latin-1", "replace").decode("utf-8", "replace")
    return _CONTROL.sub(" ", readable).strip()[:MAX_REASON]


def default_lists(subject: str, settings: Mapping[str, str] | None = None) -> tuple[Blocklist, ...]:
    """The lists that are asked about every IP ("ip") or domain ("domain"), heaviest first; lists that need a key only where there is one."""
    return tuple(one for one in _defaults(subject) if one.zone or (settings or {}).get(one.key))


@lru_cache(maxsize=2)
def _defaults(subject: str) -> tuple[Blocklist, ...]:
    found = [one for one in blocklists().values() if one.default and one.subject == subject and not one.dead]
    return tuple(sorted(found, key=lambda one: (-one.weight, one.id)))
