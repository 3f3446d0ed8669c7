"""Moves a verdict by evidence: which findings prove a cause, which speak for it, and which contradict it.

What the receiver stated stays the cause even when a check contradicts it: then it is disputed, and the verdict says by what.  Nothing here
ever turns `suppress` on.
"""
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from . import knowledge
from .causes import Cause, cause, deciding_test
from .errors import KnowledgeError
from .model import OUTCOMES, Failure, Finding
from .rules import fold
from .verdict import Verdict

PROVED, SUPPORTED, SILENT, REFUTED = "proved", "supported", "silent", "refuted"
_EARLY = ("connect", "ehlo", "starttls", "mail")  # neither recipient nor content was known then
_HARDLY = 10  # an unknown finding of that weight is no doubt (no way to IPv6 from here, say)


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found: `here` about the sender, `there` about the recipient's domain.

    `ips` are the sending IPs the receiver may have judged: what is known of another one counts for nothing.
    """

    here: tuple[Finding, ...] = ()
    there: tuple[Finding, ...] = ()
    ips: tuple[str, ...] = ()

    def of(self, check: str, there: bool) -> list[Finding]:
        """The findings of a check that speak of this mail."""
        return [one for one in (self.there if there else self.here) if one.check == check and self._meant(one)]

    def _meant(self, finding: Finding) -> bool:
        ip = ip_of(finding)
        return not ip or not self.ips or ip in self.ips


def ip_of(finding: Finding) -> str:
    """The sending IP that a finding judges; "" where it judges something else.  A reply's own claim (lists.named) holds for the IP it names."""
    if finding.check == "lists.ip":
        return str(finding.facts.get("ip", ""))
    if finding.check in ("spf.authorised", "dmarc.alignment", "sending.ptr", "sending.iprev", "sending.ipv6"):
        return str(finding.facts.get("sending_ip", finding.about))
    return ""


@dataclass(frozen=True, slots=True)
class Condition:
    """What counts: "spf.authorised=fail", "there:receiving.mx=fail|unknown", "lists.named=fail listed=true list=spamhaus-*"; "A & B" needs both.

    `there` means the same check on the recipient's domain; the facts named must all be as given.
    """

    check: str
    outcomes: tuple[str, ...]
    there: bool = False
    facts: tuple[tuple[str, str], ...] = ()
    also: Condition | None = None

    def holds(self, seen: Seen) -> list[Finding]:
        """The findings that meet it."""
        found = [one for one in seen.of(self.check, self.there) if self.fits(one)]
        more = self.also.holds(seen) if self.also else []
        return [] if self.also and not more else found + (more if found else [])

    def fits(self, finding: Finding) -> bool:
        """Whether one finding meets it (not what it needs besides)."""
        return finding.check == self.check and finding.outcome in self.outcomes and all(_alike(finding.facts.get(name, ""), wanted) for name, wanted in self.facts)

    def parts(self) -> tuple[Condition, ...]:
        """Itself and what it needs besides."""
        return (self, *(self.also.parts() if self.also else ()))


def _alike(value: object, wanted: str) -> bool:
    """"spamhaus-*" stands for all that begins so, "a|b" for either."""
    given = str(value).lower()
    return any(given.startswith(one[:-1]) if one.endswith("*") else given == one for one in wanted.split("|"))


@dataclass(frozen=True, slots=True)
class Proof:
    """What speaks for and against one cause, an entry of `proof.toml`."""

    cause: str
    when: tuple[str, ...] = ()  # one of these words stands in the reply; the first entry that fits counts
    proves: tuple[Condition, ...] = ()  # the finding explains this very reply
    supports: tuple[Condition, ...] = ()  # it would explain it, as other things would
    refutes: tuple[Condition, ...] = ()
    refuted: str = ""  # what it means when a finding contradicts
    instead: tuple[str, ...] = ()  # causes that such a contradiction leaves; of a reply that says nothing, what may lie behind it
    asks: tuple[str, ...] = ()  # more checks worth running, for their facts

    def conditions(self) -> tuple[Condition, ...]:
        """All of them."""
        return tuple(part for one in (*self.proves, *self.supports, *self.refutes) for part in one.parts())


def _condition(text: str, where: str) -> Condition:
    own, _, rest = text.partition(" & ")
    first, *facts = own.split()
    check, equals, outcomes = first.partition("=")
    there = check.startswith("there:")
    wanted = tuple((name, value.lower()) for name, _, value in (fact.partition("=") for fact in facts))
    made = Condition(check.removeprefix("there:"), tuple(outcomes.split("|")), there, wanted, _condition(rest, where) if rest else None)
    if not equals or not set(made.outcomes) <= set(OUTCOMES):
        raise KnowledgeError(f"{text!r} is not a condition such as 'spf.authorised=fail'", where)
    return made


def _proof_from(entry: Mapping[str, Any]) -> Proof:
    where = f"proof.toml: {entry.get('cause', '?')}"
    groups = {name: tuple(_condition(text, where) for text in entry.get(name, ())) for name in ("proves", "supports", "refutes")}
    for one in (entry["cause"], *entry.get("instead", ())):
        cause(one)  # raises for one that is not in the list
    when, instead, asks = (tuple(entry.get(name, ())) for name in ("when", "instead", "asks"))
    return Proof(entry["cause"], **groups, when=when, instead=instead, asks=asks, refuted=entry.get("refuted", ""))


@lru_cache(maxsize=1)
def proofs() -> Mapping[str, tuple[Proof, ...]]:
    """The entries of every cause, in the order of the file."""
    found: dict[str, tuple[Proof, ...]] = {}
    for entry in knowledge.table("proof.toml")["proof"]:
        made = _proof_from(entry)
        found[made.cause] = (*found.get(made.cause, ()), made)
    return found


def proof_of(one: str, failure: Failure) -> Proof:
    """The entry of a cause that fits the words of the reply."""
    entries = proofs().get(one, ())
    if not entries:
        return Proof(one)
    text = fold(failure.layers[-1].text if failure.layers else failure.diagnostic_code or failure.text)
    return next((entry for entry in entries if not entry.when or any(words in text for words in entry.when)), Proof(one))


def readings(verdict: Verdict) -> tuple[str, ...]:
    """The causes that the verdict leaves, its own first."""
    return tuple(dict.fromkeys((verdict.cause, *verdict.alternatives)))


def checks_for(verdict: Verdict) -> tuple[frozenset[str], frozenset[str]]:
    """The checks that separate what the verdict leaves open: (about the sender, about the recipient's domain)."""
    here: set[str] = set()
    there: set[str] = set()
    wanted = dict.fromkeys(readings(verdict))
    for one in [*wanted]:
        wanted.update(dict.fromkeys(proof_of(one, verdict.failure).instead))
    for one in wanted:
        known = proof_of(one, verdict.failure)
        for condition in known.conditions():
            (there if condition.there else here).add(condition.check)
        for asked in known.asks:
            (there if asked.startswith("there:") else here).add(asked.removeprefix("there:"))
    return frozenset(here), frozenset(there)


@dataclass(frozen=True, slots=True)
class _Weighed:
    state: str
    findings: tuple[Finding, ...] = ()

    @property
    def shown(self) -> bool:
        return self.state in (PROVED, SUPPORTED)

    @property
    def harm(self) -> int:
        return max((one.weight for one in self.findings), default=0)


def _weigh(known: Proof, seen: Seen) -> _Weighed:
    """What the findings say about one cause; what proves it goes before what would contradict it."""
    proving = [finding for condition in known.proves for finding in condition.holds(seen)]
    if proving:
        return _Weighed(SUPPORTED if _only_some(known.proves, proving, seen) else PROVED, tuple(proving))
    against = [finding for condition in known.refutes for finding in condition.holds(seen)]
    if against and not _doubted(known.refutes, against, seen):
        return _Weighed(REFUTED, tuple(against))
    supporting = [finding for condition in known.supports for finding in condition.holds(seen)]
    return _Weighed(SUPPORTED, tuple(supporting)) if supporting else _Weighed(SILENT)


def _only_some(conditions: Sequence[Condition], proving: Sequence[Finding], seen: Seen) -> bool:
    """Whether it holds for one of the IPs the receiver may have meant, and not for another."""
    checks = {(one.check, one.there) for condition in conditions for one in condition.parts() if any(one.fits(finding) for finding in proving)}
    return all(any(ip_of(one) and one.outcome == "pass" for one in seen.of(*which)) for which in checks)


def _doubted(conditions: Sequence[Condition], against: Sequence[Finding], seen: Seen) -> bool:
    """Whether another finding of the same checks takes back what would contradict: a second list that could not be asked, another IP."""
    checks = {(one.check, one.there) for condition in conditions for one in condition.parts()}
    rest = [one for which in checks for one in seen.of(*which) if not any(one is other for other in against)]
    return any(one.outcome in ("fail", "warn", "crashed") or (one.outcome == "unknown" and one.weight > _HARDLY) for one in rest)


def judge(verdict: Verdict, here: Sequence[Finding], there: Sequence[Finding] = (), days_old: float = 0.0, ips: Sequence[str] = ()) -> Verdict:
    """The verdict in the light of the findings (`here` about the sender, `there` about the recipient's domain; `ips`: see Seen)."""
    seen = Seen(tuple(here), tuple(there), tuple(ips))
    verdict = replace(verdict, findings=_cited(verdict, here, there))
    if verdict.kind != "failure" or not verdict.cause:
        return verdict
    weighed = {one: _weigh(proof_of(one, verdict.failure), seen) for one in readings(verdict)}
    if verdict.standing == "open":
        return _open(verdict, weighed, _weighed_instead(verdict, seen))
    own = weighed[verdict.cause]
    if own.state == PROVED:
        return _confirmed(verdict, weighed)
    if own.state == REFUTED:
        return _contradicted(verdict, weighed, _weighed_instead(verdict, seen), days_old)
    return verdict


def _cited(verdict: Verdict, here: Sequence[Finding], there: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings of the checks that were asked for this verdict."""
    wanted_here, wanted_there = checks_for(verdict)
    return tuple(one for one in here if one.check in wanted_here) + tuple(one for one in there if one.check in wanted_there)


def _weighed_instead(verdict: Verdict, seen: Seen) -> dict[str, _Weighed]:
    others = proof_of(verdict.cause, verdict.failure).instead
    return {one: _weigh(proof_of(one, verdict.failure), seen) for one in others if one not in readings(verdict)}


def _confirmed(verdict: Verdict, weighed: Mapping[str, _Weighed]) -> Verdict:
    """What was stated is true; what was only likely becomes proved where nothing else found would explain the reply as well."""
    if verdict.cause in ("auth.spf", "auth.dmarc") and _forwarded(verdict.failure):
        return _turned(verdict, "auth.forwarding", "likely", (verdict.cause,))
    rivals = tuple(one for one, found in weighed.items() if one != verdict.cause and found.shown)
    if verdict.standing == "likely" and rivals:
        return _turned(verdict, verdict.cause, "likely", rivals)
    return _turned(verdict, verdict.cause, "proved", ())


def _forwarded(failure: Failure) -> bool:
    """Whether the mail failed at another domain than it was sent to: the failing IP is then the forwarder's (RFC 3461 4.2)."""
    first, last = (address.strip("<> ").rpartition("@")[2].lower() for address in (failure.original_recipient, failure.final_recipient))
    return bool(first and last) and first != last


def _contradicted(verdict: Verdict, weighed: Mapping[str, _Weighed], instead: Mapping[str, _Weighed], days_old: float) -> Verdict:
    """A check contradicts the reading: what the receiver stated is disputed; what was only likely gives way to what is proved."""
    others = {one: found for one, found in {**weighed, **instead}.items() if one != verdict.cause and found.state != REFUTED}
    better = [one for one, found in others.items() if found.state == PROVED]
    if verdict.standing == "likely" and len(better) == 1:
        rest = tuple(one for one in others if one != better[0])
        return _turned(verdict, better[0], "likely", rest)
    ordered = sorted(others, key=lambda one: (PROVED, SUPPORTED, SILENT).index(others[one].state))
    disputed = _turned(verdict, verdict.cause, "disputed", ordered)
    return replace(disputed, dispute=_dispute(verdict, weighed[verdict.cause], days_old), suppress=False)


def _dispute(verdict: Verdict, against: _Weighed, days_old: float) -> str:
    """What contradicts, in words."""
    told = list(dict.fromkeys(finding.sentence for finding in against.findings))[:2]
    meaning = proof_of(verdict.cause, verdict.failure).refuted
    if days_old > 2:
        told.append(f"The bounce is {days_old:.0f} days old, so much may have changed.")
    return " ".join([*told, meaning]).strip()


def _open(verdict: Verdict, weighed: Mapping[str, _Weighed], behind: Mapping[str, _Weighed]) -> Verdict:
    """Of several readings those that are refuted go.  One becomes likely where a finding would explain the reply and nothing else found would;

    it is proved only where it was one of several and the evidence felled all the others.
    """
    left = {one: found for one, found in weighed.items() if found.state != REFUTED} or dict(weighed)
    if len(left) == 1 < len(weighed):
        only = next(iter(left))
        return _turned(verdict, only, "proved" if left[only].state == PROVED else "likely", ())
    left |= {one: found for one, found in behind.items() if found.shown}
    shown = sorted((one for one in left if left[one].shown), key=lambda one: (left[one].state != PROVED, -left[one].harm))
    rest = tuple(one for one in left if one not in shown)
    if len(shown) == 1 and (left[shown[0]].state == PROVED or _phase(verdict.failure) in _EARLY):
        return _turned(verdict, shown[0], "likely", rest)
    first, *others = (*shown, *rest)
    return _turned(verdict, first, "open", others)


def _phase(failure: Failure) -> str:
    return (failure.layers[-1].phase if failure.layers else "") or failure.phase


def _turned(verdict: Verdict, to: str, standing: str, alternatives: Iterable[str]) -> Verdict:
    """The verdict with another cause or standing, and the test that still decides.  `suppress` survives only where the cause stays."""
    found, same, others = cause(to), to == verdict.cause, tuple(one for one in alternatives if one != to)
    permanent = verdict.permanent if same else _permanent(found, verdict)
    return replace(
        verdict, cause=to, owner=found.owner, standing=standing, alternatives=others, permanent=permanent, decide=_decide(verdict, to, others),
        retry=verdict.retry if same else found.retry and not permanent, suppress=verdict.suppress and same,
    )


def _decide(verdict: Verdict, to: str, others: tuple[str, ...]) -> str:
    """The test for what is left: the one named before where nothing moved."""
    if (to, *others) == readings(verdict):
        return verdict.decide
    return deciding_test(to, others) if others else ""


def _permanent(found: Cause, verdict: Verdict) -> bool:
    failure = verdict.failure
    if found.permanent == "no" or failure.stage == "delayed":
        return False
    last = failure.layers[-1] if failure.layers else None
    return found.is_permanent(last.status or failure.status if last else failure.status, last.reply_code or failure.reply_code if last else failure.reply_code)
