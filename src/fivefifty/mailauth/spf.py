"""SPF: may this IP send for this domain?  `check_host` of RFC 7208 4, with the path that led to its result."""
from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

from ..answers import DnsAnswer, World
from ..errors import InputError
from .spf_macro import MacroString, SyntaxProblem, as_name, expand, letters, macro_string
from .spf_record import ASKING, SpfRecord, Term, read_record, spf_records

RESULTS = ("none", "neutral", "pass", "fail", "softfail", "temperror", "permerror")
LOOKUP_LIMIT = 10  # RFC 7208 4.6.4
VOID_LIMIT = 2
NAME_LIMIT = 10  # names of an "mx" or a "ptr"
LONGEST_EXPLANATION = 1000
_LONGEST_ARGUMENT = 1000  # of MAIL FROM and HELO: more than RFC 5321 4.5.3.1 allows, and bounded


class Step(NamedTuple):
    """One step of an evaluation.

    `outcome`: "record" (a record was read: `term` is its text), "match", "no match", or a result for a term that ended the evaluation.
    """

    depth: int  # how many includes deep
    domain: str  # whose record
    term: str
    outcome: str
    note: str = ""  # the target-name asked for, or what went wrong


@dataclass(frozen=True, slots=True)
class SpfResult:
    """What `check_host` concluded; `str()` gives the result word."""

    result: str  # one of RESULTS
    explanation: str = ""  # what the domain's owner says about a "fail" (RFC 7208 6.2)
    problem: str = ""  # of a permerror or temperror: what is wrong, and where
    term: str = ""  # the term that is wrong
    path: tuple[Step, ...] = ()
    lookups: int = 0  # terms that ask the DNS, on this path
    voids: int = 0  # lookups that found nothing, on this path
    mechanism: str = ""  # the directive that matched, as written in `domain`'s record (after a redirect: in the record it leads to)
    domain: str = ""
    ip: str = ""
    mail_from: str = ""
    helo: str = ""
    answers: tuple[DnsAnswer, ...] = ()

    def __str__(self) -> str:
        return self.result


class _Ended(Exception):
    """The evaluation ends at once: a permerror or a temperror."""

    def __init__(self, result: str, problem: str, term: str = "") -> None:
        super().__init__(problem)
        self.result, self.problem, self.term = result, problem, term


class _Verdict(NamedTuple):
    result: str
    mechanism: str = ""
    record: SpfRecord | None = None  # the one the result comes from: its "exp" explains it
    domain: str = ""


@lru_cache(maxsize=65536)
def ip_value(address: str) -> tuple[int, int]:
    """(4 or 6, the number) of an address; an IPv4-mapped one is IPv4 (RFC 7208 5); (0, 0) where it is none."""
    try:
        read = ip_address(address)
    except ValueError:
        return 0, 0
    mapped = read.ipv4_mapped if isinstance(read, IPv6Address) else None
    return (4, int(mapped)) if mapped else (read.version, int(read))


def _client(ip: str) -> IPv4Address | IPv6Address:
    """The address as SMTP software may write it: bare, in brackets, with "IPv6:" or with a scope."""
    bare = ip.strip().strip("[]").partition("%")[0]
    bare = bare[5:] if bare[:5].lower() == "ipv6:" else bare
    version, value = ip_value(bare)
    if not version:
        raise InputError(f"not an IP address: {ip[:80]!r}")
    return IPv4Address(value) if version == 4 else IPv6Address(value)


def a_labels(name: str) -> str:
    """A domain name without the final dot and with its U-labels converted (RFC 8616); "" where that can't be done."""
    if len(name) > _LONGEST_ARGUMENT:
        return ""
    name = name.strip().removesuffix(".")
    return name if name.isascii() else _converted(name)


@lru_cache(maxsize=4096)
def _converted(name: str) -> str:
    import idna

    try:
        mapped = idna.uts46_remap(name, std3_rules=False)
        return ".".join(label if label.isascii() else idna.alabel(label).decode("ascii") for label in mapped.split("."))
    except (idna.IDNAError, UnicodeError, IndexError):
        return ""


def is_name(name: str) -> bool:
    """Whether a name can be asked for: ASCII, labels of 1 to 63 characters, at most 253 (RFC 1035 2.3.4)."""
    if not name or len(name) > 253 or not name.isascii() or not name.isprintable():
        return False
    return all(0 < len(label) < 64 for label in name.split("."))


def is_checkable(domain: str) -> bool:
    """Whether `check_host` has something to ask for: a well-formed name of several labels (RFC 7208 4.3)."""
    return is_name(domain) and "." in domain and " " not in domain and "@" not in domain and domain[0] != "["


def matches_network(term: Term, version: int, value: int) -> bool:
    """Whether an "ip4" or "ip6" holds the address."""
    if term.version != version:
        return False
    shift = 32 - term.length4 if version == 4 else 128 - term.length6
    return value >> shift == term.network >> shift


async def check_host(ip: str, domain: str, mail_from: str, helo: str, world: World) -> SpfResult:
    """The result for a client at `ip` that says HELO `helo` and MAIL FROM `mail_from`, by the record of `domain`.

    `mail_from` is an address, a bare domain, or "" or "<>" for the null sender (then it is postmaster@`helo`); `domain` may hold U-labels.
    Counts every lookup of a term that finds nothing as void, as the common verifiers do.  Raises InputError where `ip` is no IP address.
    """
    evaluation = _Evaluation(_client(ip), mail_from, helo, world)
    asked = a_labels(domain).lower()
    return await evaluation.conclude(asked)


class _Evaluation:
    """One run: its arguments, and what it has counted and seen so far."""

    __slots__ = ("_names", "address_type", "answers", "helo", "ip", "local_part", "lookups", "sender_domain", "steps", "value", "values", "version", "voids", "world")

    def __init__(self, ip: IPv4Address | IPv6Address, mail_from: str, helo: str, world: World) -> None:
        self.ip, self.world, self.helo = ip, world, a_labels(helo[:_LONGEST_ARGUMENT]) or helo[:_LONGEST_ARGUMENT]
        sender = mail_from.strip().removeprefix("<").removesuffix(">")[-_LONGEST_ARGUMENT:]
        local_part, _, domain = sender.rpartition("@") if sender else ("", "", self.helo)  # RFC 7208 2.4: the null sender
        self.local_part = local_part or "postmaster"  # RFC 7208 4.3
        self.sender_domain = a_labels(domain) or domain
        self.version, self.value = ip.version, int(ip)
        self.address_type = "A" if ip.version == 4 else "AAAA"
        self.lookups = self.voids = 0
        self.steps: list[Step] = []
        self.answers: list[DnsAnswer] = []
        self.values: dict[str, str] = {}
        self._names: tuple[str, ...] | None = None

    async def conclude(self, domain: str) -> SpfResult:
        """Evaluate, and fetch the explanation of a fail."""
        explanation = problem = term = ""
        try:
            verdict = await self.check(domain, 0)
            if verdict.result == "fail" and verdict.record is not None and verdict.record.exp is not None:
                explanation = await self.explanation(verdict.record.exp, verdict.domain)
        except _Ended as ended:
            verdict, problem, term = _Verdict(ended.result), ended.problem, ended.term
        return SpfResult(verdict.result, explanation, problem, term, tuple(self.steps), self.lookups, self.voids, verdict.mechanism,
                         domain, str(self.ip), f"{self.local_part}@{self.sender_domain}", self.helo, tuple(self.answers))

    async def check(self, domain: str, depth: int) -> _Verdict:
        """RFC 7208 4: the result of one record, redirects followed."""
        record = await self.record(domain, depth)
        if record is None:
            return _Verdict("none")
        for term in record.directives:
            if await self.matches(term, domain, depth):
                return _Verdict(term.qualifier, term.text, record, domain)
        if record.redirect is not None:  # RFC 7208 6.1
            return await self.redirected(record.redirect, domain, depth)
        return _Verdict("neutral", "", record, domain)  # RFC 7208 4.7

    async def record(self, domain: str, depth: int) -> SpfRecord | None:
        """The record of a domain (RFC 7208 4.3 to 4.6); None where it has none."""
        if not is_checkable(domain):
            return None
        answer = await self.world.dns(domain, "TXT")
        self.answers.append(answer)
        if answer.unlearned:  # RFC 7208 4.4
            raise self.ended("temperror", f"the TXT records of {domain} could not be learned ({answer.state})", Step(depth, domain, "", ""))
        found = spf_records(answer.records)
        if not found:
            return None
        if len(found) > 1:  # RFC 7208 4.5
            raise self.ended("permerror", f"{domain} has {len(found)} SPF records", Step(depth, domain, "", ""))
        record = read_record(found[0])
        self.steps.append(Step(depth, domain, record.text, "record"))
        if record.problems:  # RFC 7208 4.6: anywhere in the record, before anything is evaluated
            term, why = record.problems[0]
            raise self.ended("permerror", f'"{term[:200]}" in the record of {domain}: {why}' if term else f"{domain}: {why}", Step(depth, domain, term, ""))
        return record

    def ended(self, result: str, problem: str, at: Step) -> _Ended:
        """The exception that ends the evaluation, noted on the path."""
        self.steps.append(at._replace(outcome=result, note=problem))
        return _Ended(result, problem, at.term)

    async def matches(self, term: Term, domain: str, depth: int) -> bool:
        """Whether a directive matches (RFC 7208 4.6.2), noted on the path."""
        if term.version:
            matched, target = matches_network(term, self.version, self.value), ""
        elif term.name == "all":
            matched, target = True, ""
        else:
            at = Step(depth, domain, term.text, "")
            self.count(at)
            target = await self.target(term, at)
            matched = await _MECHANISMS[term.name](self, term, target, at)
        self.steps.append(Step(depth, domain, term.text, "match" if matched else "no match", target))
        return matched

    def count(self, at: Step) -> None:
        """Count a term that asks the DNS (RFC 7208 4.6.4)."""
        self.lookups += 1
        if self.lookups > LOOKUP_LIMIT:
            raise self.ended("permerror", f'"{at.term[:200]}" in the record of {at.domain} would be lookup number {self.lookups}: at most {LOOKUP_LIMIT} are allowed', at)

    async def target(self, term: Term, at: Step) -> str:
        """The target-name of a term (RFC 7208 4.8)."""
        if term.fixed or not term.target:
            return term.fixed or at.domain
        if "p" in term.macros and self._names is None:
            self.count(at)  # RFC 7208 4.6.4: the PTR query of %{p} is included in the limit
        return as_name(await self.expanded(term.target, at))

    async def expanded(self, parts: MacroString, at: Step) -> str:
        """A macro-string with the values of this run."""
        values = self.values
        if not values:
            mail_from = f"{self.local_part}@{self.sender_domain}"
            reverse = str(self.ip) if self.version == 4 else ".".join(f"{self.value:032X}")
            values.update(s=mail_from, l=self.local_part, o=self.sender_domain, i=reverse, v="in-addr" if self.version == 4 else "ip6",
                          h=self.helo, c=str(self.ip), r="unknown", t="")
        values["d"] = at.domain
        used = letters(parts)
        if "p" in used:
            values["p"] = await self.validated_name(at)
        if "t" in used:
            values["t"] = str(int(self.world.now().timestamp()))
        return expand(parts, values)

    async def ask(self, name: str, rrtype: str, at: Step) -> DnsAnswer | None:
        """One lookup for a term; None where it finds nothing, also because no such name can exist."""
        if not is_name(name):
            return None
        answer = await self.world.dns(name, rrtype)
        self.answers.append(answer)
        if answer.unlearned:  # RFC 7208 5
            raise self.ended("temperror", f'"{at.term[:200]}" in the record of {at.domain}: {rrtype} of {name} could not be learned ({answer.state})', at)
        if answer.found:
            return answer
        self.void(answer, at)
        return None

    def void(self, answer: DnsAnswer, at: Step) -> None:
        """Count a lookup that found nothing (RFC 7208 4.6.4)."""
        self.voids += 1
        if self.voids > VOID_LIMIT:
            what = f"{answer.rrtype} of {answer.name} is void lookup number {self.voids}: at most {VOID_LIMIT} are allowed"
            raise self.ended("permerror", f'"{at.term[:200]}" in the record of {at.domain}: {what}', at)

    async def include(self, term: Term, target: str, at: Step) -> bool:
        """RFC 7208 5.2."""
        inner = await self.check(target.lower(), at.depth + 1)
        if inner.result == "none":
            raise self.ended("permerror", f'"{term.text[:200]}" in the record of {at.domain}: {target or "the name"} has no SPF record', at._replace(term=term.text))
        return inner.result == "pass"

    async def redirected(self, term: Term, domain: str, depth: int) -> _Verdict:
        """RFC 7208 6.1."""
        at = Step(depth, domain, term.text, "")
        self.count(at)
        target = (await self.target(term, at)).lower()
        self.steps.append(at._replace(outcome="match", note=target))
        verdict = await self.check(target, depth)
        if verdict.result == "none":
            raise self.ended("permerror", f'"{term.text[:200]}" in the record of {domain}: {target or "the name"} has no SPF record', at)
        return verdict

    async def has_address(self, name: str, term: Term, at: Step) -> bool:
        """Whether one of the addresses of a name is, up to the prefix length, the client's."""
        answer = await self.ask(name, self.address_type, at)
        shift = 32 - term.length4 if self.version == 4 else 128 - term.length6
        wanted = self.value >> shift
        return answer is not None and any(value >> shift == wanted for version, value in map(ip_value, answer.records) if version == self.version)

    async def a(self, term: Term, target: str, at: Step) -> bool:
        """RFC 7208 5.3."""
        return await self.has_address(target, term, at)

    async def mx(self, term: Term, target: str, at: Step) -> bool:
        """RFC 7208 5.4: without MX records it does not match, whatever addresses the name has."""
        answer = await self.ask(target, "MX", at)
        for number, exchange in enumerate(sorted(answer.records) if answer else ()):
            if number >= NAME_LIMIT:  # RFC 7208 4.6.4: querying more of them MUST produce a permerror
                problem = f'"{term.text[:200]}" in the record of {at.domain}: {target} has {len(answer.records) if answer else 0} MX records, at most {NAME_LIMIT} may be looked up'
                raise self.ended("permerror", problem, at)
            if await self.has_address(exchange.exchange.removesuffix("."), term, at):
                return True
        return False

    async def exists(self, term: Term, target: str, at: Step) -> bool:
        """RFC 7208 5.7: an A record, also for an IPv6 client."""
        return await self.ask(target, "A", at) is not None

    async def ptr(self, term: Term, target: str, at: Step) -> bool:
        """RFC 7208 5.5."""
        wanted = target.lower()
        return any(name == wanted or name.endswith("." + wanted) for name in await self.validated_names(at))

    async def validated_names(self, at: Step) -> tuple[str, ...]:
        """The names of the client that lead back to it: of the first ten; DNS errors are as if there were none (RFC 7208 5.5)."""
        if self._names is None:
            answer = await self.world.dns(self.ip.reverse_pointer, "PTR")
            self.answers.append(answer)
            if answer.absent:
                self.void(answer, at)
            self._names = ()
            self._names = tuple([name for name in answer.records[:NAME_LIMIT] if await self.leads_back(name, at)]) if answer.found else ()
        return self._names

    async def leads_back(self, name: str, at: Step) -> bool:
        """Whether a name of the client has the client's address."""
        if not is_name(name):
            return False
        answer = await self.world.dns(name, self.address_type)
        self.answers.append(answer)  # never a void lookup of the record: whoever runs the client chose these names
        return any(ip_value(record) == (self.version, self.value) for record in answer.records)

    async def validated_name(self, at: Step) -> str:
        """%{p}: the domain itself, else a name below it, else any, else "unknown" (RFC 7208 7.3)."""
        names = await self.validated_names(at)
        below = [name for name in names if name.endswith("." + at.domain)]
        return at.domain if at.domain in names else (*below, *names, "unknown")[0]

    async def explanation(self, exp: Term, domain: str) -> str:
        """RFC 7208 6.2: the expanded text; whatever goes wrong, there is none."""
        at = Step(0, domain, exp.text, "")
        counted, steps = (self.lookups, self.voids), len(self.steps)
        try:
            self.lookups = self.voids = -1000  # an explanation never changes the result
            name = as_name(await self.expanded(exp.target, at))
            answer = await self.world.dns(name, "TXT") if is_name(name) else None
            if answer is None or len(answer.records) != 1:
                return ""
            self.answers.append(answer)
            text = answer.records[0][: 4 * LONGEST_EXPLANATION]
            return (await self.expanded(macro_string(text, in_explanation=True), at))[:LONGEST_EXPLANATION]
        except (_Ended, SyntaxProblem):
            return ""
        finally:
            self.lookups, self.voids = counted
            del self.steps[steps:]


_MECHANISMS: dict[str, Callable[[_Evaluation, Term, str, Step], Awaitable[bool]]] = {
    "include": _Evaluation.include, "a": _Evaluation.a, "mx": _Evaluation.mx, "ptr": _Evaluation.ptr, "exists": _Evaluation.exists,
}
assert set(_MECHANISMS) | {"redirect"} == ASKING
