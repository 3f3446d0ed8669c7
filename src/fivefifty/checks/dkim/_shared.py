"""Which keys there are to look at, and how the signatures of the mail fare: worked out once for all DKIM checks."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ... import knowledge
from ...answers import DnsAnswer
from ...mailauth import dkim
from ...mailauth.dkim_key import DkimKey
from ...mailauth.message import RawMessage, a_label_name, split
from ...mailauth.tags import TagError, read_tags
from ...parse.mime import content_type, decoded, read_mail, unix
from .. import Inquiry

MAX_KEYS = 30

_Service = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]  # endings in SPF, endings of MX, selectors


@dataclass(frozen=True, slots=True)
class Survey:
    """The keys looked at.  Where a selector was given or stands in the mail, an absent key is missing; the others were guessed."""

    named: tuple[DkimKey, ...] = ()
    guessed: tuple[DkimKey, ...] = ()
    signed: frozenset[tuple[str, str]] = frozenset()  # (selector, domain) of the mail's signatures
    below: DnsAnswer | None = None  # the answer for _domainkey.DOMAIN, where selectors had to be guessed
    silent: bool = False  # the domain's SPF record says that it sends no mail

    @property
    def keys(self) -> tuple[DkimKey, ...]:
        """All of them."""
        return (*self.named, *self.guessed)

    @property
    def found(self) -> tuple[DkimKey, ...]:
        """The keys that are there."""
        return tuple(one for one in self.keys if one.state == "found")

    def uses(self, key: DkimKey) -> bool:
        """Whether the mail is signed with this key."""
        return (key.selector, key.domain) in self.signed


async def survey(inquiry: Inquiry) -> Survey:
    """The keys of the domain, and those the mail is signed with."""
    return await inquiry.once("dkim.survey", lambda: _survey(inquiry))


async def mail(inquiry: Inquiry) -> RawMessage:
    """The mail taken apart."""
    return await inquiry.once("message.split", lambda: _split(inquiry.subject.message))


async def results(inquiry: Inquiry) -> list[dkim.DkimResult]:
    """How the signatures of the mail fare."""
    return await inquiry.once("dkim.results", lambda: _results(inquiry))


async def _split(message: bytes) -> RawMessage:
    return split(message)


async def _results(inquiry: Inquiry) -> list[dkim.DkimResult]:
    return await dkim.verify_split(await mail(inquiry), inquiry.world)


async def _survey(inquiry: Inquiry) -> Survey:
    domain = inquiry.subject.domain
    signed = tuple(_signers(await mail(inquiry))) if inquiry.subject.message else ()
    given = tuple((a_label_name(one) or one, domain) for one in inquiry.subject.selectors) if domain else ()
    known = tuple(dict.fromkeys((*given, *signed)))[:MAX_KEYS]
    named = tuple(await inquiry.together(*(_key(inquiry, *one) for one in known)))
    own = any(name == domain or name.endswith("." + domain) or domain.endswith("." + name) for _, name in known)
    if own or not domain:
        return Survey(named, (), frozenset(signed))
    return await _guessed(inquiry, domain, named, frozenset(signed))


async def _key(inquiry: Inquiry, selector: str, domain: str) -> DkimKey:
    return await inquiry.once(f"dkim.key {selector} {domain}", lambda: dkim.key(selector, domain, inquiry.world))


def _signers(message: RawMessage) -> Iterator[tuple[str, str]]:
    """(selector, domain) of every DKIM-Signature that can be read."""
    for field in message.named("dkim-signature")[: dkim.MAX_SIGNATURES]:
        try:
            tags = read_tags(field.text)
        except TagError:
            continue
        selector, domain = a_label_name(tags.get("s", "")), a_label_name(tags.get("d", ""))
        if selector and domain:
            yield selector, domain


async def _guessed(inquiry: Inquiry, domain: str, named: tuple[DkimKey, ...], signed: frozenset[tuple[str, str]]) -> Survey:
    """Try the selectors of the services that the domain's SPF record and MX name, then common ones.

    Nothing can stand below a name that does not exist (RFC 8020): that settles it for most domains without DKIM.  A few name servers
    deny names that only have others below them, so the two most likely selectors are asked for even then.
    """
    below = await inquiry.world.dns(f"_domainkey.{domain}", "TXT")
    if below.unlearned:
        return Survey(named, (), signed, below)
    likely, silent = await _likely(inquiry, domain)
    if below.state == "nxdomain":
        tried = await inquiry.together(*(_key(inquiry, one, domain) for one in likely[:2]))
        return Survey(named, tuple(one for one in tried if _there(one)), signed, below, silent)
    tried = await inquiry.together(*(_key(inquiry, one, domain) for one in likely))
    if not any(_there(one) for one in tried):
        more = [one for one in _common() if one not in likely]
        tried += await inquiry.together(*(_key(inquiry, one, domain) for one in more))
    return Survey(named, _distinct(tried), signed, below, silent)


def _there(key: DkimKey) -> bool:
    return key.state == "found" or bool(key.aliases)


def _distinct(tried: list[DkimKey]) -> tuple[DkimKey, ...]:
    """Found keys once each: a wildcard answers every guess with the same record."""
    seen: set[str] = set()
    kept = []
    for one in tried:
        if one.state != "found" or one.record not in seen:
            kept.append(one)
        seen.add(one.record)
    return tuple(kept)


async def _likely(inquiry: Inquiry, domain: str) -> tuple[list[str], bool]:
    """Selectors of the services that the SPF record or the MX name, and whether SPF says that nothing is sent."""
    spf, mx = await inquiry.together(inquiry.world.dns(domain, "TXT"), inquiry.world.dns(domain, "MX"))
    terms = [term.lower() for text in spf.records if str(text)[:6].lower() == "v=spf1" for term in str(text)[:4000].split()[:100]]
    exchanges = [one.exchange for one in mx.records][:20]
    found: dict[str, None] = {}
    for spf_ends, mx_ends, selectors in _services():
        if any(_ends(term, spf_ends) for term in terms) or any(_ends(name, mx_ends) for name in exchanges):
            found.update(dict.fromkeys(selectors))
    return list(found)[:MAX_KEYS], terms == ["v=spf1", "-all"]


def _ends(name: str, endings: tuple[str, ...]) -> bool:
    if not endings or not name.endswith(endings):
        return False
    return any(name.endswith(("." + one, ":" + one, "=" + one)) or name == one for one in endings)


@lru_cache(maxsize=1)
def _services() -> tuple[_Service, ...]:
    entries: list[dict[str, Any]] = knowledge.table("selectors.toml").get("service", [])
    return tuple((tuple(one.get("spf", ())), tuple(one.get("mx", ())), tuple(one["selectors"])) for one in entries)


@lru_cache(maxsize=1)
def _common() -> tuple[str, ...]:
    return tuple(knowledge.table("selectors.toml")["common"]["selectors"])


def asked(key: DkimKey) -> tuple[DnsAnswer, ...]:
    """The answer a finding about this key cites."""
    return (key.answer,) if key.answer else ()


def facts(key: DkimKey) -> dict[str, Any]:
    """What every finding about one key carries."""
    return {"about": key.name, "found": key.record[:2000], "selector": key.selector, "domain": key.domain}




async def why_incomplete(inquiry: Inquiry) -> str:
    """Why the body of the mail at hand can't be judged, or "": bounces return headers only, or the beginning."""
    return await inquiry.once("dkim.incomplete", lambda: _incomplete(inquiry))


async def _incomplete(inquiry: Inquiry) -> str:
    message = await mail(inquiry)
    if not message.body.strip():
        return "only its header is at hand"
    taken = read_mail(unix(inquiry.subject.message))
    kind, params = content_type(taken.headers)
    boundary = params.get("boundary", "")
    if kind.startswith("multipart/") and boundary and f"--{boundary}--".encode("utf-8", "replace") not in message.body:
        return "its end is missing"
    last = taken.parts[-1] if taken.parts else None
    if last and last.headers.first("content-transfer-encoding").lower() == "base64" and last.body.strip() and not decoded(last, 100):
        return "its end is missing"
    return ""
