"""Sending services as `knowledge/services.toml` tells them, and how a domain and a mail show them."""
from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ... import knowledge
from ...answers import DnsAnswer
from ...errors import KnowledgeError
from ...mailauth.message import RawMessage, split
from ...mailauth.spf_record import is_spf, read_record
from .. import Inquiry

MAX_RECEIVED = 6  # the newest hops; older ones may be another mail's story
MAX_OWN_INCLUDES = 3
MAX_SIGNATURES = 20
_BY = re.compile(r"\bby\s+([a-z0-9._-]{1,255})", re.IGNORECASE)
_TAG = re.compile(r"(?:^|;)\s*(d|s)\s*=\s*([^;\s]{1,255})")


@dataclass(frozen=True, slots=True)
class Service:
    """One sending service; see the head of `services.toml` for the fields."""

    id: str
    name: str
    source: tuple[str, ...]
    spf: tuple[str, ...] = ()
    pool: str = ""
    selectors: tuple[str, ...] = ()
    dkim: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()
    ptr: tuple[str, ...] = ()
    received: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    aligned_spf: bool = True


@lru_cache(maxsize=1)
def services() -> Mapping[str, Service]:
    """Every service by its id."""
    found = {}
    for id, entry in knowledge.table("services.toml").items():
        fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
        try:
            found[id] = Service(id=id, **fields)
        except TypeError as error:
            raise KnowledgeError(f"a sending service is not complete: {error}", f"services.toml [{id}]") from error
    return found


@lru_cache(maxsize=8)
def _index(kind: str) -> Mapping[str, str]:
    """Name -> service id, for one kind of mark."""
    return {mark: one.id for one in services().values() for mark in getattr(one, kind)}


def by_name(kind: str, name: str) -> Service | None:
    """The service whose mark of that kind ("spf", "ptr", "dkim" …) is the name or the nearest name above it."""
    table, name = _index(kind), name.lower().rstrip(".")[:255]
    while name:
        if name in table:
            return services()[table[name]]
        name = name.partition(".")[2]
    return None


def authorised(record: str) -> dict[str, str]:
    """Service id -> the term of an SPF record that lets it send."""
    read = read_record(record)
    terms = [*read.directives, *((read.redirect,) if read.redirect else ())]
    found: dict[str, str] = {}
    for term in terms:
        one = by_name("spf", term.fixed) if term.fixed and term.name in ("include", "redirect", "a", "exists") else None
        if one is not None and term.qualifier in ("", "pass"):
            found.setdefault(one.id, term.text)
    return found


@dataclass(frozen=True, slots=True)
class Policy:
    """The SPF record of a domain as far as services matter: `record` is "" unless there is exactly one."""

    domain: str
    answer: DnsAnswer
    record: str
    services: Mapping[str, str]
    several: bool = False


async def policy(inquiry: Inquiry, domain: str) -> Policy:
    """Which services the SPF record of a domain lets send; asked once."""
    return await inquiry.once(f"service.policy {domain}", lambda: _policy(inquiry, domain))


async def _policy(inquiry: Inquiry, domain: str) -> Policy:
    answer = await inquiry.world.dns(domain, "TXT")
    records = [text for text in answer.records if is_spf(text)]
    if len(records) != 1:
        return Policy(domain, answer, "", {}, len(records) > 1)
    found = authorised(records[0])
    # many keep their services in a record of their own: include:_spf.example.org
    own = [term.fixed for term in read_record(records[0]).directives if term.name == "include" and term.fixed.lower().rstrip(".").endswith("." + domain)]
    for name in own[:MAX_OWN_INCLUDES]:
        inner = await inquiry.world.dns(name, "TXT")
        for text in inner.records:
            if is_spf(text):
                found = {**authorised(text), **found}
    return Policy(domain, answer, records[0], found)


@dataclass(frozen=True, slots=True)
class Signature:
    """The two tags of a DKIM-Signature that say who signed (RFC 6376 3.5)."""

    domain: str
    selector: str


def signatures(message: RawMessage) -> list[Signature]:
    """Who signed the mail, by its DKIM-Signature fields."""
    found = []
    for field in message.named("dkim-signature")[:MAX_SIGNATURES]:
        tags = dict(_TAG.findall(field.text[:10_000]))
        if tags.get("d"):
            found.append(Signature(tags["d"].lower().rstrip("."), tags.get("s", "").lower()))
    return found


async def raw_message(inquiry: Inquiry) -> RawMessage:
    """The mail, taken apart once."""
    async def take_apart() -> RawMessage:
        return split(inquiry.subject.message)

    return await inquiry.once("service.message", take_apart)


def shown_by(message: RawMessage) -> dict[str, list[str]]:
    """Service id -> what in the mail shows it: "header X-SG-EID", "signature d=sendgrid.net", "Received by …"."""
    found: dict[str, list[str]] = {}
    headers = _index("headers")
    for name in dict.fromkeys(field.name for field in message.fields):
        if name in headers:
            found.setdefault(headers[name], []).append(f"header {name}")
    for one in signatures(message):
        service = by_name("signs", one.domain)
        if service:
            found.setdefault(service.id, []).append(f"signature d={one.domain}")
    for host in _hops(message):
        service = by_name("received", host)
        if service:
            found.setdefault(service.id, []).append(f"Received by {host}")
    return {id: list(dict.fromkeys(marks))[:4] for id, marks in found.items()}


def _hops(message: RawMessage) -> Iterable[str]:
    for field in message.named("received")[:MAX_RECEIVED]:
        by = _BY.search(field.text[:2000])
        if by:
            yield by[1]


async def by_ptr(inquiry: Inquiry, ip: str) -> tuple[Service | None, DnsAnswer]:
    """The service whose name the sending IP's PTR carries."""
    from ipaddress import ip_address

    answer = await inquiry.world.dns(ip_address(ip).reverse_pointer, "PTR")
    return next((one for name in answer.records[:10] if (one := by_name("ptr", name)) is not None), None), answer
