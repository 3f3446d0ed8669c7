"""Proves or refutes verdicts live: one subject for the sender, one for the recipient's domain, and the checks that separate what is open."""
from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from email.utils import parsedate_to_datetime

from .answers import World
from .audit import audit
from .model import Failure, Finding, Subject
from .parse.enclosed import enclosed_mail
from .proof import checks_for, judge
from .subject import from_failure, meant_ips
from .verdict import Verdict

DEADLINE = 20.0  # seconds for the checks of one bounce


async def prove(verdict: Verdict, world: World, given: Subject | None = None, source: bytes = b"", deadline: float = DEADLINE) -> Verdict:
    """The verdict with the findings of the checks that separate its readings, and moved by them.

    `given` is what the user adds to the bounce (sending IP, HELO name, domain, keys); `source` the bounce itself, for the mail it encloses.
    """
    if verdict.kind != "failure":
        return verdict
    message, whole = enclosed_mail(source) if source else (b"", False)
    subject = replace(from_failure(verdict.failure, given, message), message_whole=whole or bool(given and given.message))
    here, there = checks_for(verdict)
    found_here = world.start(_run(subject, world, here, deadline))
    found_there = world.start(_run(_recipients(subject), world, there, deadline))
    return judge(verdict, await found_here, await found_there, days_since(verdict.failure, world.now()), meant_ips(subject))


async def _run(subject: Subject, world: World, wanted: Iterable[str], deadline: float) -> list[Finding]:
    names = frozenset(wanted)
    return await audit(subject, world, names, deadline) if names and (subject.domain or subject.sending_ips or subject.reply) else []


def _recipients(subject: Subject) -> Subject:
    """The same case seen from the recipient's domain: its receiving side is what is asked about."""
    return replace(subject, domain=subject.recipient_domain, message=b"", selectors=(), sending_ips=())


def days_since(failure: Failure, now: datetime) -> float:
    """Days between the refusal and now; 0 where the bounce has no readable date."""
    for text in (failure.last_attempt_date, failure.arrival_date, failure.report_date):
        try:
            then = parsedate_to_datetime(text)
        except (TypeError, ValueError, IndexError, OverflowError):
            continue
        if then.tzinfo is not None:
            return max(0.0, (now - then).total_seconds() / 86400)
    return 0.0


def check(domain: str, *, sending_ips: Iterable[str] = (), helo_name: str = "", message: bytes = b"", selectors: Iterable[str] = (), resolvers: Iterable[str] = (),
          smtp: bool = True, only: Iterable[str] = ()) -> list[Finding]:
    """Audit a domain's mail set-up live: the findings, what hurts most first.

    `domain` may be a name, an address or a URL (InputError says what is wrong with it); `resolvers` are "IP" or "IP:PORT", the system's where none is given;
    without `smtp` no mail server is connected to.  For many domains, or inside an event loop, use `fivefifty.audit.audit` with one LiveWorld.
    """
    from .subject import domain_name, ip

    name = domain_name(domain)
    subject = Subject(name, tuple(ip(one) for one in sending_ips), helo_name.lower().rstrip("."), message=message, selectors=tuple(selectors), smtp=smtp)
    return asyncio.run(_check(subject, tuple(resolvers), tuple(only)))


async def _check(subject: Subject, resolvers: tuple[str, ...], only: tuple[str, ...]) -> list[Finding]:
    from .world.live import LiveWorld

    async with LiveWorld(resolvers) as world:
        return await audit(subject, world, only)


def diagnose_live(source: bytes | str, where: str = "", *, sending_ips: Iterable[str] = (), resolvers: Iterable[str] = (), smtp: bool = False) -> list[Verdict]:
    """Like `fivefifty.diagnose`, then proved or disputed by live checks.

    Asks the DNS; connects to the recipient's mail server, and names the recipient there, only with `smtp` (no mail is sent).
    """
    from .diagnosis import diagnose
    from .subject import ip

    given = Subject(sending_ips=tuple(ip(one) for one in sending_ips), smtp=smtp, probe_recipient=smtp)
    raw = source.encode("utf-8", "surrogateescape") if isinstance(source, str) else source
    return asyncio.run(_diagnose(diagnose(source, where), raw, given, tuple(resolvers)))


async def _diagnose(verdicts: list[Verdict], source: bytes, given: Subject, resolvers: tuple[str, ...]) -> list[Verdict]:
    from .world.live import LiveWorld

    async with LiveWorld(resolvers) as world:
        return list(await asyncio.gather(*(prove(one, world, given, source) for one in verdicts)))
