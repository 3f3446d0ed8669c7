"""Completes Events: who receives, which words in general, what they mean, and whether they speak about the address.

The same words come a thousand times a day, so what they mean is looked up once for each template (the words without what changes from
mail to mail).  A template may be shared only by texts that mean the same, so beside it the key holds everything else the meaning hangs on:
codes, phase, what the hosts and the recipient's domain tell about the provider, and those words of what was taken out that rules know.
Nothing is asked of the outside.
"""
from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import lru_cache

from .causes import cause
from .diagnosis import DOUBTS, verdict_of
from .knowledge import rulebook
from .model import Event, Failure
from .parse.statement import stated
from .providers import provider_of_domain, provider_of_host
from .rules import ends_with_host
from .template import Reduced, fragments, reduced
from .verdict import Verdict

REMEMBERED = 20_000  # templates whose meaning is kept
FINAL = ("bounce", "block")
_FAILED = frozenset(("bounce", "deferral", "block"))
_THEIRS = frozenset(("address", "recipient", "transient", "unknown"))  # owners whose failures are no block
TRUSTED = frozenset(("own", "signed", "matched"))

_OF_A_SERVER = frozenset(("recipient.unreachable", "recipient.dns", "recipient.misconfigured", "recipient.tls", "transient.system", "transient.expired"))

_WORD = re.compile(r"[^\W_]+")
_LOOKED_UP = re.compile(r"name service error for name=([\w.-]{1,255})")
# Words by which a text is taken apart (parse/quotation.py, parse/wrapper.py), beside those of the rules.
_OF_PARSING = frozenset("""said says say replied reply answered response responded responding returned wrote host server remote mta smtp lmtp esmtp error code command connect connected connecting connection conversation talk talking
greeting initial banner timed timeout refused rejected dislike like failed after before while sending performing receiving rcpt mail data helo ehlo lhlo starttls auth quit expired expire delayed delay delays warning still retry
queue message recipient sender address dot eom block final end body dns diagnostic status in to from by with lost lastattemptedservername lastattemptedip unknown""".split())

Organization = Callable[[str], str]  # a host name to its organizational domain


class Judge:
    """Completes events in place.

    `organization` gives the organizational domain of a host name (public suffixes are outside knowledge); where it is left out the last
    two labels are taken.
    """

    def __init__(self, organization: Organization | None = None) -> None:
        self._organization = lru_cache(maxsize=REMEMBERED)(organization or _last_two)
        self._provider = lru_cache(maxsize=REMEMBERED)(self._provider_of)
        self._reduced: dict[tuple[str, str], Reduced] = {}
        self._meanings: dict[Hashable, Verdict] = {}

    def complete(self, event: Event) -> Event:
        """The same event, with recipient_domain, provider, author_domain, and for everything but deliveries template, cause and what follows from it."""
        domain = event.recipient_domain
        if not domain and event.recipient:
            domain = event.recipient_domain = event.recipient.rpartition("@")[2].lower()
        if not event.author_domain and event.envelope_sender:
            event.author_domain = event.envelope_sender.rpartition("@")[2].lower()
        if not event.provider:
            event.provider = self._provider(event.remote_mta, domain)
        if event.kind == "delivery":
            event.suppress = False
            return event
        if event.kind in _FAILED and not event.cause:
            self._explain(event)
        elif event.text and not event.template:
            event.template = reduced(event.text, event.recipient).template
        if event.kind == "bounce" and event.owner and event.owner not in _THEIRS:
            event.kind = "block"
        event.suppress = event.suppress and event.trust in TRUSTED and event.kind in FINAL
        return event

    def _provider_of(self, host: str, domain: str) -> str:
        return provider_of_host(host) or provider_of_domain(domain) or (self._organization(host.lower().rstrip(".")) if "." in host and not _is_ip(host) else "")

    def _explain(self, event: Event) -> None:
        """Cause and owner from the words; events with the same key mean the same."""
        found = reduced(event.text, event.recipient, f"{event.remote_mta}[{event.remote_ip}]" if event.remote_mta and event.remote_ip else "")
        event.template = event.template or found.template
        key = _key(event, found)
        verdict = self._meanings.get(key)
        if verdict is None:
            if len(self._meanings) >= REMEMBERED:
                self._meanings.clear()
            verdict = self._meanings[key] = read_event(event)
        event.cause, event.owner, event.standing, event.rule = verdict.cause, verdict.owner, verdict.standing, verdict.rule
        event.suppress = verdict.suppress and event.kind != "deferral"


def _key(event: Event, found: Reduced) -> Hashable:
    """All that the meaning of a text hangs on."""
    removed = found.removed
    return (
        found.whole, _told_by(removed) if removed else _NOTHING, event.status, event.reply_code, event.phase, event.stage, event.kind,
        _marked(event.remote_mta), bool(event.remote_ip) + _is_own(event.remote_ip), _marked(event.reporting_mta), _of_domain(event.recipient_domain), _relation(event),
    )


_NOTHING: frozenset[str] = frozenset()


def _told_by(pieces: tuple[str, ...]) -> frozenset[str]:
    """What the pieces that were taken out of a text can tell: words that rules or marks know, and whose servers they name."""
    known, heads, inner = _vocabulary()
    told: set[str] = set()
    for piece in pieces:
        if piece.isalnum():
            if piece in known or piece[:3] in heads or piece[:2] in heads or inner(piece):
                told.add(piece)
        else:
            told |= _telling(piece)
    return frozenset(told) if told else _NOTHING


@lru_cache(maxsize=REMEMBERED // 4)
def _telling(piece: str) -> frozenset[str]:
    known, heads, inner = _vocabulary()
    told = {word for word in _WORD.findall(piece) if word in known or word[:3] in heads or word[:2] in heads}
    if inner(piece):
        told.add(piece)
    if "<" in piece:
        told.add("<")
    if "." in piece:
        name, ip, _ = piece.partition("[")
        provider = provider_of_host(name.rpartition("@")[2]) if name[-1:].isalpha() else ""
        if provider:
            told.add(f"host {provider}")
        if ip or _is_ip(piece):
            told.difference_update([word for word in told if word.isdigit()])  # of an IP; those that rules know are not taken out
    return frozenset(told)


@lru_cache(maxsize=1)
def _vocabulary() -> tuple[frozenset[str], frozenset[str], Callable[[str], object]]:
    """The words of all rules and marks, the first letters of those whose end is open, and a search for those whose beginning is."""
    found = [(one, _WORD.findall(one)) for one in fragments()]
    words = {word for _, said in found for word in said}
    heads = {said[-1][:3] for one, said in found if one[-1:] == "*" and said}
    inner = {said[0] for one, said in found if one[:1] == "*" and one[1:2].isalnum() and said}
    return frozenset(words | DOUBTS | _OF_PARSING), frozenset(heads), re.compile("|".join(map(re.escape, sorted(inner))) or "$^").search


@lru_cache(maxsize=REMEMBERED)
def _marked(host: str) -> str:
    """What the name of a host tells rules: its provider, and the ends of names they ask for; "-" for any other."""
    if not host:
        return ""
    asked = [name for name in _hosts_asked_for() if ends_with_host(host, (name,))]
    return " ".join((provider_of_host(host) or "-", *asked))


@lru_cache(maxsize=1)
def _hosts_asked_for() -> tuple[str, ...]:
    return tuple(sorted({name for rule in rulebook().rules for name in rule.remote_mta}))


@lru_cache(maxsize=REMEMBERED)
def _of_domain(domain: str) -> str:
    return provider_of_domain(domain)


def _relation(event: Event) -> str:
    """Whether the name that was not found is the recipient's domain (diagnosis: another name is a server's)."""
    if "=" not in event.text:
        return ""
    low = event.text.lower()
    named = _LOOKED_UP.search(" ".join(low.split())) if "service" in low else None
    domain = event.recipient.rpartition("@")[2].lower()
    if named is None or not domain:
        return ""
    name = named[1].rstrip(".")
    return "same" if name == domain or domain.endswith("." + name) else "other"


def read_event(event: Event) -> Verdict:
    """What the words of an event mean, wrappers peeled."""
    action = "delayed" if event.kind == "deferral" else "failed"
    known = Failure(
        final_recipient=event.recipient, action=action, stage=event.stage or ("delayed" if event.kind == "deferral" else ""), status=event.status, reply_code=event.reply_code,
        phase=event.phase, reporting_mta=event.reporting_mta, remote_mta=event.remote_mta, remote_ip=event.remote_ip, envelope_sender=event.envelope_sender,
    )
    verdict = verdict_of(stated(known, event.text, event.source, event.phase))
    if _is_own(event.remote_ip) and verdict.cause in _OF_A_SERVER:
        return replace(verdict, cause="policy.own", owner=cause("policy.own").owner, standing="likely", rule="", suppress=False)
    return verdict


def _is_own(ip: str) -> bool:
    """Whether the host that failed is the sender's own: a content filter on the same machine."""
    return ip.startswith("127.") or ip == "::1"


def _is_ip(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()


def _last_two(host: str) -> str:
    return ".".join(host.split(".")[-2:])
