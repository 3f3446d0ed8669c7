"""DMARC (RFC 9989): which policy applies to an author domain, which identities align with it, and what comes of both.

    policy = await discover("example.org", world)
    outcome = await check("example.org", "pass", "bounces.example.org", [("example.org", "pass")], world)
    outcome = await check_message(message, "192.0.2.1", "bounces@example.org", "mail.example.org", world)
"""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from ..answers import DnsAnswer, World
from .author import author
from .dmarc_record import DmarcRecord, ReportAddress, is_record
from .organization import Step, Walk, plain_domain, registered_domain, walk

RESULTS = ("none", "pass", "fail", "temperror", "permerror")  # of Authentication-Results; RFC 7489 11.2 says what they mean
MOST_SIGNATURES = 50  # one mail with a thousand signatures must not cost a thousand walks
_MILDER = {"reject": "quarantine", "quarantine": "none", "none": "none"}  # RFC 9989 4.7, t=y


@dataclass(frozen=True, slots=True)
class DmarcPolicy:
    """What the DNS says about an author domain.

    `state`: found (a policy applies), absent (none is published), void (the record has a wrong policy and no rua: no DMARC processing),
    temperror (a query failed that could have found it), invalid (the author domain is no domain name).
    """

    domain: str
    state: str
    walk: Walk
    record: DmarcRecord | None = None  # the record that applies, also when it is void
    found_at: str = ""  # the domain whose record it is
    source: str = ""  # "author", "organization" or "psd": whose record it is (RFC 9989 4.10.1)
    tag: str = ""  # p, sp or np: where the policy was taken from
    exists: bool | None = None  # whether the author domain exists; asked only where np= makes a difference
    requested: str = ""  # the policy as published: none, quarantine, reject
    policy: str = ""  # what is asked for after t=y
    problems: tuple[str, ...] = ()
    existence: DnsAnswer | None = None  # the answer that `exists` rests on

    @property
    def organizational_domain(self) -> str:
        """By the tree walk; the domain itself where no record says otherwise."""
        return self.walk.organizational_domain

    @property
    def steps(self) -> tuple[Step, ...]:
        """The queries of the walk, in order."""
        return self.walk.steps

    @property
    def name(self) -> str:
        """Where the record stands: "_dmarc.example.org"; for an absent one, where it should."""
        return f"_dmarc.{self.found_at or self.organizational_domain or self.domain}"

    @property
    def answers(self) -> tuple[DnsAnswer, ...]:
        """The answers it rests on."""
        return tuple(step.answer for step in self.steps)


@dataclass(frozen=True, slots=True)
class Identity:
    """One identity that SPF or DKIM looked at, and how it stands to the author domain.

    `alignment`: identical, relaxed (the same organizational domain), none, or unknown (a query failed).
    """

    mechanism: str  # "spf" or "dkim"
    domain: str
    result: str  # of SPF or DKIM: pass, fail …
    alignment: str = "none"
    mode: str = "r"  # what the record asks for: r or s
    organizational_domain: str = ""

    @property
    def aligned(self) -> bool:
        """Whether it would count, given a pass."""
        return self.alignment == "identical" or (self.alignment == "relaxed" and self.mode == "r")

    @property
    def authenticated(self) -> bool:
        """Whether it makes DMARC pass (RFC 9989 5.3.5)."""
        return self.aligned and self.result == "pass"


@dataclass(frozen=True, slots=True)
class DmarcResult:
    """What DMARC says about one mail."""

    result: str  # one of RESULTS
    author_domain: str
    policy: DmarcPolicy
    identities: tuple[Identity, ...] = ()
    disposition: str = "none"  # what the domain owner asks for: none, quarantine, reject (after t=y)
    reason: str = ""

    def __str__(self) -> str:
        return self.result


async def discover(domain: str, world: World) -> DmarcPolicy:
    """The policy for an author domain (RFC 9989 4.10.1): its own, else its organizational domain's, else its public suffix's."""
    walked = await walk(domain, world)
    if not walked.steps:
        return DmarcPolicy(domain, "invalid", walked, problems=(f"\"{domain[:80]}\" is no domain name",))
    own = walked.steps[0]
    if own.record:
        return _with_policy(walked, own, "author", "p", own.record.policy)
    if own.answer.unlearned:
        return DmarcPolicy(walked.domain, "temperror", walked, problems=_problems(walked))
    step, source = _inherited(walked)
    if step is None or step.record is None:
        return DmarcPolicy(walked.domain, "absent" if walked.certain else "temperror", walked, problems=_problems(walked))
    if not walked.certain:  # a query that failed could hide a record that goes before this one
        return DmarcPolicy(walked.domain, "temperror", walked, step.record, step.domain, source, problems=_problems(walked))
    return await _for_subdomain(walked, step, source, world)


def _inherited(walked: Walk) -> tuple[Step | None, str]:
    """The record of the organizational domain goes before that of the public suffix; what stands between counts for nothing."""
    step = walked.at(walked.organizational_domain)
    if step is not None and step.record:
        return step, "organization"
    last = walked.with_record[-1:]
    return (last[0], "psd") if last else (None, "")


async def _for_subdomain(walked: Walk, step: Step, source: str, world: World) -> DmarcPolicy:
    """sp= for a subdomain that exists, np= for one that does not (RFC 9989 4.10.1)."""
    record = step.record
    assert record is not None
    if record.wrong or not record.np or record.np == record.subdomain_policy:
        return _with_policy(walked, step, source, "sp" if record.sp else "p", record.subdomain_policy)
    answer = await world.dns(walked.domain, "A")
    if answer.unlearned:
        return DmarcPolicy(walked.domain, "temperror", walked, record, step.domain, source, existence=answer,
                           problems=(*_problems(walked), f"whether {walked.domain} exists could not be learned, and np= depends on it"))
    # RFC 8020: NXDOMAIN is about the name at the end of the aliases; a name that has a CNAME exists
    exists = answer.state != "nxdomain" or bool(answer.aliases)
    tag = ("sp" if record.sp else "p") if exists else "np"
    return replace(_with_policy(walked, step, source, tag, record.subdomain_policy if exists else record.np), exists=exists, existence=answer)


def _with_policy(walked: Walk, step: Step, source: str, tag: str, requested: str) -> DmarcPolicy:
    record = step.record
    assert record is not None
    return DmarcPolicy(walked.domain, "void" if record.void else "found", walked, record, step.domain, source, tag, None, requested,
                       _MILDER[requested] if record.testing else requested, _problems(walked, record))


def _problems(walked: Walk, record: DmarcRecord | None = None) -> tuple[str, ...]:
    """What is odd, in words."""
    found = []
    for step in walked.steps:
        if len(step.texts) > 1:
            found.append(f"_dmarc.{step.domain} has {len(step.texts)} DMARC records, so none of them counts")
        if step.answer.unlearned:
            found.append(f"_dmarc.{step.domain} could not be asked ({step.answer.state})")
    found += [words for _, words in record.problems] if record else []
    if record and record.void:
        found.append(f"{' and '.join(f'{tag}=' for tag in record.wrong)} is wrong and no usable rua= stands beside it: receivers apply no DMARC")
    return tuple(found)


async def check(author_domain: str, spf_result: Any, spf_domain: str, dkim_results: Iterable[Any], world: World) -> DmarcResult:
    """What DMARC says, given what SPF and DKIM said.

    `spf_result` and the DKIM results are the words of RFC 8601 (or objects that show as them); `spf_domain` is the domain of MAIL FROM, for
    the null sender that of HELO (RFC 7208 2.4); each of `dkim_results` has `.domain` and `.result`, or is a pair (domain, result).
    """
    policy = await discover(author_domain, world)
    record = policy.record
    seen = await _identities(policy, _named(spf_result, spf_domain, dkim_results), world)
    if policy.state == "absent" or policy.state == "invalid":
        return DmarcResult("none", policy.domain, policy, seen, reason=f"no DMARC record applies to {policy.domain}")
    if policy.state == "temperror" or record is None:
        return DmarcResult("temperror", policy.domain, policy, seen, reason="; ".join(policy.problems) or "a DNS query failed")
    if policy.state == "void":
        return DmarcResult("permerror", policy.domain, policy, seen, reason=policy.problems[-1])
    result, reason = _judged(policy, seen)
    return DmarcResult(result, policy.domain, policy, seen, policy.policy if result == "fail" else "none", reason)


async def check_message(message: bytes, ip: str, mail_from: str, helo: str, world: World) -> DmarcResult:
    """SPF, DKIM and DMARC of one mail.  A mail without one author domain can't be evaluated: "none", with the reason."""
    wrote = author(message)
    if not wrote.domain:
        # RFC 9989 5.3.1: with none or several the process ends
        unasked = DmarcPolicy("", "invalid", Walk(""), problems=wrote.problems)
        return DmarcResult("none", "", unasked, reason="; ".join(wrote.problems) or "From: does not name one author domain")
    from . import dkim, spf

    domain = spf_identity(mail_from, helo)
    sender = mail_from.strip("<> ") or f"postmaster@{helo}"  # RFC 7208 2.4
    said = await spf.check_host(ip, domain, sender, helo, world) if domain else "none"
    return await check(wrote.domain, said, domain, await dkim.verify(message, world), world)


def spf_identity(mail_from: str, helo: str) -> str:
    """The domain that SPF authenticates for DMARC: that of MAIL FROM, or HELO's for the null sender (RFC 7208 2.4)."""
    sender = mail_from.strip("<> ")
    return plain_domain(sender.rpartition("@")[2]) if sender else plain_domain(helo)


def _named(spf_result: Any, spf_domain: str, dkim_results: Iterable[Any]) -> list[tuple[str, str, str]]:
    found = [("spf", plain_domain(spf_domain), str(spf_result).lower())] if spf_domain else []
    for one in list(dkim_results)[:MOST_SIGNATURES]:
        domain, result = one if isinstance(one, tuple) and len(one) == 2 else (one.domain, one.result)
        found.append(("dkim", plain_domain(str(domain)), str(result).lower()))
    return found


async def _identities(policy: DmarcPolicy, named: list[tuple[str, str, str]], world: World) -> tuple[Identity, ...]:
    record = policy.record or DmarcRecord("")
    found = []
    for mechanism, domain, result in named:
        mode = record.aspf if mechanism == "spf" else record.adkim
        alignment, organization = await _alignment(policy, domain, world)
        found.append(Identity(mechanism, domain, result, alignment, mode, organization))
    return tuple(found)


async def _alignment(policy: DmarcPolicy, domain: str, world: World) -> tuple[str, str]:
    """How an identity stands to the author domain, and its organizational domain (RFC 9989 4.10.2)."""
    if not domain or not policy.domain or policy.state == "invalid":
        return "none", domain
    if domain == policy.domain:
        return "identical", policy.organizational_domain
    if policy.state == "absent" and not policy.walk.with_record:
        # without any record there is nothing to walk to: say what a record at the registered domain would bring
        organization = registered_domain(domain)
        return ("relaxed" if organization == registered_domain(policy.domain) else "none"), organization
    walked = await walk(domain, world)
    if policy.walk.certain and walked.certain:
        return ("relaxed" if walked.organizational_domain == policy.organizational_domain else "none"), walked.organizational_domain
    # names without a common parent below the top can't have the same organizational domain, whatever the DNS hides
    related = domain.split(".")[-2:] == policy.domain.split(".")[-2:]
    return ("unknown" if related else "none"), walked.organizational_domain


def _judged(policy: DmarcPolicy, seen: tuple[Identity, ...]) -> tuple[str, str]:
    """pass, fail or temperror, and why (RFC 9989 5.3.5 and 5.3.6)."""
    winner = next((one for one in seen if one.authenticated), None)
    if winner:
        how = "the author domain itself" if winner.alignment == "identical" else f"in the same organizational domain, {winner.organizational_domain}"
        return "pass", f"{winner.mechanism.upper()} passes for {winner.domain}, which is {how}"
    for one in seen:
        if (one.result == "pass" and one.alignment == "unknown" and one.mode == "r") or (one.result == "temperror" and one.alignment != "none"):
            return "temperror", f"{one.mechanism.upper()} of {one.domain} could not be settled because a DNS query failed"
    return "fail", "; ".join(explain(one, policy) for one in seen) or "the mail has neither an SPF pass nor a DKIM signature"


def explain(one: Identity, policy: DmarcPolicy) -> str:
    """Why one identity counts or not, in words."""
    label = f"{one.mechanism.upper()} ({one.domain or 'no domain'})"
    if one.authenticated:
        return f"{label} passes and is aligned"
    if one.aligned:
        return f"{label} is aligned but {'could not be verified' if one.result == 'unverified' else f'its result is {one.result}'}"
    if one.alignment == "unknown":
        return f"{label}: its organizational domain could not be learned"
    if one.alignment == "relaxed":
        return f"{label} is only in the same organization, and the record asks for strict alignment (a{one.mechanism}=s)"
    whose = f", of the organizational domain {one.organizational_domain}," if one.organizational_domain not in ("", one.domain) else ""
    result = "" if one.result == "unverified" else f" ({one.result})"
    return f"{label}{whose} is another organization than {policy.domain}, so its result{result} does not count"


async def report_authorized(policy_domain: str, address: ReportAddress, world: World) -> tuple[bool | None, DnsAnswer | None]:
    """Whether reports about `policy_domain` may go to that address (RFC 9990 4); None: not known.  The answer: of the other domain, if asked."""
    if not address.domain or address.domain == policy_domain:
        return True, None
    here, there = await walk(policy_domain, world), await walk(address.domain, world)
    if here.organizational_domain == there.organizational_domain:
        return True, None
    name = f"{policy_domain}._report._dmarc.{address.domain}"
    if len(name) > 253:  # RFC 9990 4, step 4
        return False, None
    answer = await world.dns(name, "TXT")
    if any(is_record(text) for text in answer.records):  # RFC 9990 4, step 6: a tag list that begins with v=DMARC1
        return True, answer
    return (None if answer.unlearned or not (here.certain and there.certain) else False), answer
