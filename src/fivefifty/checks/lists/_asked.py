"""What the list checks share: asking once, and saying what a list said."""
from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...mailauth.dnsbl import Listing, domain_of, ip_of, look_up, registrable, split_by_part
from ...mailauth.ip_kinds import PUBLIC, ip_kind
from ...model import Finding, Subject
from ...providers import Blocklist
from .. import Inquiry, fail, passed, unknown, warn

FAILS_FROM = 50  # below that weight a listing alone rarely makes anyone refuse
MAX_IPS = 10
Asked = tuple[str, Blocklist]


async def ask(inquiry: Inquiry, pairs: Iterable[Asked]) -> list[Listing]:
    """What each list says about each IP or name, asked side by side and once per inquiry."""
    return await inquiry.together(*(_one(inquiry, about, blocklist) for about, blocklist in dict.fromkeys(pairs)))


async def _one(inquiry: Inquiry, about: str, blocklist: Blocklist) -> Listing:
    settings = inquiry.subject.settings
    return await inquiry.once(f"dnsbl {blocklist.id} {about}", lambda: look_up(about, blocklist, inquiry.world, settings))


def is_public(ip: str) -> bool:
    """Whether a list can know the IP; documentation addresses stand for public ones in examples."""
    return ip_kind(ip, PUBLIC) == PUBLIC


def public_ips(ips: Iterable[str]) -> tuple[str, ...]:
    """The IPs that a list can know, each once, in canonical form."""
    canonical = (str(address) for ip in ips if (address := ip_of(ip)) is not None)
    return tuple(dict.fromkeys(ip for ip in canonical if is_public(ip)))[:MAX_IPS]


def facts_of(listing: Listing) -> dict[str, Any]:
    """What programs read: {"listed": True, "list": id, "ip" or "domain": …}."""
    kind = "domain" if listing.list.subject == "domain" else "ip"
    known = {"listed": True, "not_listed": False}.get(listing.state)
    facts: dict[str, Any] = {"list": listing.list.id, kind: listing.about, "codes": list(listing.codes)}
    if known is not None:
        facts["listed"] = known
    return facts


def listed(listing: Listing, told: str = "") -> Finding:
    """A listing as a Finding: what it means, and the way out."""
    make = fail if listing.weight >= FAILS_FROM else warn
    name = listing.list.name
    sentence = told or f"{listing.about} is on {name}: {listing.meaning}."
    if listing.weight < FAILS_FROM and not told:
        sentence += " Few receivers refuse mail for this list alone."
    return make(sentence, *listing.answers, about=f"{listing.about} on {name}", found=_found(listing), advice=way_out(listing.list), weight=max(listing.weight, 1),
                **facts_of(listing))


def _found(listing: Listing) -> str:
    said = ", ".join(listing.codes)
    return f"{said} ({listing.reason})" if listing.reason else said


def way_out(blocklist: Blocklist) -> str:
    """The removal rule, where to ask and how long it takes: after the cause."""
    where = f" Look it up at {blocklist.lookup}." if blocklist.lookup else ""
    if blocklist.removal:
        where = f" Ask at {blocklist.removal}."
    expect = f" Usual time: {blocklist.expect}." if blocklist.expect else ""
    return f"Fix the cause first. The way out: {blocklist.rule}.{where}{expect}"


def unlearned(listing: Listing) -> Finding:
    """A list that did not answer properly, with the remedy."""
    name = listing.list.name
    remedy = listing.remedy[:1].upper() + listing.remedy[1:] + "." if listing.remedy else ""
    return unknown(f"{name} could not tell about {listing.about}: {listing.meaning}.", *listing.answers, about=f"{listing.about} on {name}",
                   found=", ".join(listing.codes), advice=remedy, weight=max(listing.list.weight, 1), **facts_of(listing))


def silent(listings: Iterable[Listing]) -> list[Finding]:
    """One finding for each list that did not answer properly: it does so for every IP and name alike."""
    first: dict[str, Listing] = {}
    for one in listings:
        if one.state == "unknown":
            first.setdefault(one.list.id, one)
    return [unlearned(one) for one in first.values()]


def report(listings: list[Listing], what: str) -> list[Finding]:
    """One finding for each listing, one for all that is clean, and one for each list that did not answer us."""
    bad = [part for one in listings if one.state == "listed" for part in split_by_part(one)]
    found = [listed(one) for one in sorted(bad, key=lambda one: -one.weight)]
    clean: dict[str, list[Listing]] = {}
    for one in listings:
        if one.state == "not_listed":
            clean.setdefault(one.about, []).append(one)
    alike: dict[tuple[str, ...], list[str]] = {}
    for about, lists in clean.items():
        alike.setdefault(tuple(one.list.id for one in lists), []).append(about)
    return [*found, *(_clean(abouts, clean, what) for abouts in alike.values()), *silent(listings)]


def _clean(abouts: list[str], clean: Mapping[str, list[Listing]], what: str) -> Finding:
    """That the same lists hold none of these."""
    lists = [one for about in abouts for one in clean[about]]
    subject = f"{what} {abouts[0]} is" if len(abouts) == 1 else f"{what}s {', '.join(abouts)} are"
    names = ", ".join(dict.fromkeys(one.list.name for one in lists))
    good = "; ".join(f"{one.list.name} says of {one.about}: {one.meaning}" for one in lists if one.codes and one.meaning)
    answers = [one.answers[-1] for one in lists if one.answers]
    return passed(f"{subject} not on {names}.", *answers, about=", ".join(abouts), found=good, lists=list(dict.fromkeys(one.list.id for one in lists)))


def of_domain(name: str, lists: Iterable[Blocklist]) -> list[Asked]:
    """What to ask about a name: the registrable domain of each list, and the name itself where a list holds hosts too."""
    own = registrable(name)
    return [pair for one in lists for pair in ([(own, one)] if one.registrable or own == name else [(own, one), (name, one)])]


def sender_domains(subject: Subject) -> tuple[str, ...]:
    """The domains a receiver sees of the sender: author, MAIL FROM, HELO."""
    envelope = subject.envelope_sender.strip("<>").rpartition("@")[2]
    names = (subject.domain, subject.author_domain, envelope, subject.helo_name)
    plain = (domain_of(name) for name in names if name and ip_of(name) is None)
    return tuple(dict.fromkeys(name for name in plain if "." in name))
