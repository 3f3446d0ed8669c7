"""Completes Events: who receives, which words in general, what they mean, and whether they speak about the address.

The same words come a thousand times a day, so what they mean is looked up once for each template (the words without what changes from
mail to mail).  Nothing is asked of the outside.
"""
from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from .diagnosis import verdict_of
from .model import Event, Failure
from .parse.statement import stated
from .providers import provider_of_domain, provider_of_host
from .template import template_of
from .verdict import Verdict

REMEMBERED = 20_000  # templates whose meaning is kept
FINAL = ("bounce", "block")
_ABOUT_THE_ADDRESS = frozenset(("address", "recipient"))
TRUSTED = frozenset(("own", "signed", "matched"))

Organization = Callable[[str], str]  # a host name to its organizational domain


class Judge:
    """Completes events in place.

    `organization` gives the organizational domain of a host name (public suffixes are outside knowledge); where it is left out the last
    two labels are taken.
    """

    def __init__(self, organization: Organization | None = None) -> None:
        self._organization = lru_cache(maxsize=REMEMBERED)(organization or _last_two)
        self._provider = lru_cache(maxsize=REMEMBERED)(self._provider_of)
        self._meanings: dict[tuple[str, ...], Verdict] = {}

    def complete(self, event: Event) -> Event:
        """The same event, with recipient_domain, provider, author_domain, and for everything but deliveries template, cause and what follows from it."""
        if not event.recipient_domain and event.recipient:
            event.recipient_domain = event.recipient.rpartition("@")[2].lower()
        if not event.author_domain and event.envelope_sender:
            event.author_domain = event.envelope_sender.rpartition("@")[2].lower()
        if not event.provider:
            event.provider = self._provider(event.remote_mta, event.recipient_domain)
        if event.kind != "delivery" and event.text and not event.template:
            event.template = template_of(event.text, event.recipient)
        if event.kind in ("bounce", "deferral", "block") and not event.cause:
            self._explain(event)
        if event.kind == "bounce" and event.owner and event.owner not in _ABOUT_THE_ADDRESS and event.owner != "unknown":
            event.kind = "block"
        event.suppress = event.suppress and event.trust in TRUSTED and event.kind in FINAL
        return event

    def _provider_of(self, host: str, domain: str) -> str:
        return provider_of_host(host) or provider_of_domain(domain) or (self._organization(host.lower().rstrip(".")) if "." in host else "")

    def _explain(self, event: Event) -> None:
        """Cause and owner from the words; two events with the same template from the same kind of host mean the same."""
        key = (event.template, event.status, str(event.reply_code), event.phase, event.provider, event.stage, event.kind)
        verdict = self._meanings.get(key)
        if verdict is None:
            if len(self._meanings) >= REMEMBERED:
                self._meanings.clear()
            verdict = self._meanings[key] = _read(event)
        event.cause, event.owner, event.standing, event.rule = verdict.cause, verdict.owner, verdict.standing, verdict.rule
        event.suppress = verdict.suppress and event.kind != "deferral"


def _read(event: Event) -> Verdict:
    """What the words of an event mean, wrappers peeled."""
    action = "delayed" if event.kind == "deferral" else "failed"
    known = Failure(
        final_recipient=event.recipient, action=action, stage=event.stage or ("delayed" if event.kind == "deferral" else ""), status=event.status, reply_code=event.reply_code,
        phase=event.phase, reporting_mta=event.reporting_mta, remote_mta=event.remote_mta, remote_ip=event.remote_ip, envelope_sender=event.envelope_sender,
    )
    return verdict_of(stated(known, event.text, event.source, event.phase))


def _last_two(host: str) -> str:
    return ".".join(host.split(".")[-2:])

