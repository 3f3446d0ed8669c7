"""Asks about own domains and servers now and then: records, lists, certificates, policies."""
from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from ipaddress import ip_address
from typing import Any, TypeVar

from ..answers import World
from ..audit import audit
from ..model import Finding, Subject
from ..plan.drift import WATCHED, Seen, findings, records
from ..settings import Settings
from ..subject import is_ip

T = TypeVar("T")
AT_ONCE = 10  # domains that are looked at side by side
CHECKS = tuple(sorted({"lists" if one == "lists." else one for one in WATCHED} - {"transport.mta_sts"} | {"transport.mta_sts_policy", "transport.mta_sts_mx", "transport.mta_sts_record"}))


def questions(settings: Settings) -> list[tuple[str, str, str]]:
    """(type, name, beginning of the records that count) of everything that is watched for changes."""
    asked = []
    for domain in settings.own_domains:
        asked += [("MX", domain, ""), ("TXT", domain, "v=spf1"), ("TXT", f"_dmarc.{domain}", "v=DMARC1"), ("TXT", f"_mta-sts.{domain}", "v=STSv1")]
        asked += [("TXT", f"{selector}._domainkey.{domain}", "") for selector in settings.watch.get("selectors", ())]
    asked += [("PTR", ip_address(host).reverse_pointer, "") for host in settings.own_hosts if is_ip(host)]
    return asked


async def records_now(settings: Settings, world: World) -> dict[str, list[str] | None]:
    """The records as they are, None where nothing could be learned; TLSA of each mail server, too."""
    gate = asyncio.Semaphore(AT_ONCE)
    found: dict[str, list[str] | None] = {}
    mail_servers: set[str] = set()
    asked = questions(settings)
    begun = [world.start(_patient(world.dns(name, rrtype), gate)) for rrtype, name, _ in asked]
    for (rrtype, name, beginning), work in zip(asked, begun, strict=True):
        answer = await work
        told = None if answer.unlearned else [text for text in map(_text, answer.records) if text.lower().startswith(beginning.lower())]
        found[f"{_label(rrtype, beginning)} {name}"] = told
        if rrtype == "MX" and answer.found:
            mail_servers |= {one.exchange for one in answer.records}
    for host in sorted(mail_servers - {"."}):
        answer = await world.dns(f"_25._tcp.{host}", "TLSA")
        found[f"TLSA _25._tcp.{host}"] = None if answer.unlearned else [_text(one) for one in answer.records]
    return found


def _label(rrtype: str, beginning: str) -> str:
    return {"v=spf1": "SPF of", "v=DMARC1": "DMARC record", "v=STSv1": "MTA-STS record"}.get(beginning, rrtype)


def _text(record: Any) -> str:
    return record if isinstance(record, str) else " ".join(str(part) for part in record)


async def findings_now(settings: Settings, world: World) -> list[Finding]:
    """What the watched checks say of every own domain and IP; mail servers are connected to only where `watch.smtp` is true."""
    subjects = [Subject(domain, smtp=bool(settings.watch.get("smtp", False)), settings=settings.keys) for domain in settings.own_domains]
    subjects += [Subject(sending_ips=(host,), smtp=False, settings=settings.keys) for host in settings.own_hosts if is_ip(host)]
    gate = asyncio.Semaphore(AT_ONCE)
    begun = [(subject, world.start(_patient(audit(subject, world, CHECKS), gate))) for subject in subjects]
    return [_named(one, subject) for subject, work in begun for one in await work]


async def _patient(work: Coroutine[Any, Any, T], gate: asyncio.Semaphore) -> T:
    """Wait for a place: a hundred domains whose name servers are dead must not take a hundred times as long as one."""
    async with gate:
        return await work


def _named(one: Finding, subject: Subject) -> Finding:
    """A finding with the domain or IP it is about, by which it is known again."""
    from dataclasses import replace

    name = subject.domain or subject.sending_ips[0]
    return one if name in one.about else replace(one, about=f"{name} {one.about}".strip())


async def look(settings: Settings, world: World, memory: Mapping[str, Any]) -> tuple[dict[str, Any], list[Seen]]:
    """The new memory, and what changed."""
    changed = records(memory.get("records", {}), await records_now(settings, world))
    failing = findings(memory.get("findings", {}), await findings_now(settings, world))
    return {"records": changed.state, "findings": failing.state}, [changed, failing]
