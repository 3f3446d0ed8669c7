"""A domain's SPF record seen whole: every branch, whatever the client, with the worst case of what RFC 7208 4.6.4 limits."""
from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ..answers import DnsAnswer, World
from .spf import LOOKUP_LIMIT, NAME_LIMIT, VOID_LIMIT, a_labels, is_checkable, is_name
from .spf_macro import as_name, expand
from .spf_record import ASKING, SpfRecord, Term, read_record, spf_records

MOST_DOMAINS = 80  # records read; a tree that is larger broke the limits long before
MOST_PROBLEMS = 200
MOST_COUNTED = 9999  # lookups
MOST_HOSTS = 40  # names of "a", "mx" and "exists" asked for


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that makes an evaluation end with permerror or temperror, if it gets there.

    `kind`: syntax, multiple, no_record, loop, lookups, voids, mx_limit, temperror.
    """

    kind: str
    domain: str  # whose record
    term: str
    why: str


@dataclass(frozen=True, slots=True)
class Branch:
    """An include or redirect, and the record it leads to (None: it depends on the mail, or it is a loop)."""

    term: Term
    target: str
    part: Part | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Part:
    """One record of the tree.  Counts are of the worst case and hold the branches below."""

    domain: str
    state: str  # found none multiple temperror unread
    answer: DnsAnswer | None
    texts: tuple[str, ...] = ()
    record: SpfRecord | None = None
    branches: tuple[Branch, ...] = field(default=(), repr=False)  # the same part may stand in many places: shown, it would never end
    lookups: int = 0
    voids: tuple[int, int] = (0, 0)  # for a client with an IPv4 address, and with an IPv6 address


@dataclass(frozen=True, slots=True)
class SpfAnalysis:
    """What was found; `tree` is the domain's own record."""

    domain: str
    tree: Part
    parts: dict[str, Part] = field(default_factory=dict, repr=False)  # by domain
    problems: tuple[Problem, ...] = ()
    dead: tuple[tuple[str, Term, str, DnsAnswer], ...] = ()  # (whose record, term, target, answer): nothing is there
    hosts: dict[tuple[str, str], DnsAnswer] = field(default_factory=dict)  # (name, type) -> answer
    whole: bool = True  # whether everything was read

    @property
    def record(self) -> SpfRecord | None:
        """The domain's own record."""
        return self.tree.record

    @property
    def lookups(self) -> int:
        """Terms that ask the DNS, all branches."""
        return self.tree.lookups

    @property
    def voids(self) -> int:
        """Lookups that find nothing, all branches, for the address family that meets more of them."""
        return max(self.tree.voids)

    def terms(self) -> Iterator[tuple[str, Term]]:
        """Every directive that can be reached, with the domain whose record holds it."""
        for part in self.parts.values():
            for term in part.record.directives if part.record else ():
                yield part.domain, term


def target_of(term: Term, domain: str) -> str:
    """The target-name as far as it doesn't depend on the mail; "" where it does."""
    if not term.target:
        return domain
    if term.fixed:
        return term.fixed
    return as_name(expand(term.target, {"d": domain})) if term.macros == {"d"} else ""


def reachable(record: SpfRecord) -> list[Term]:
    """The terms that can be evaluated: up to the first "all", or all and then the redirect (RFC 7208 5.1)."""
    terms = []
    for term in record.directives:
        terms.append(term)
        if term.name == "all":
            return terms
    return [*terms, record.redirect] if record.redirect else terms


async def analyse(domain: str, world: World) -> SpfAnalysis:
    """Read the record of a domain and all that it leads to, level by level."""
    return await _Analysis(a_labels(domain).lower(), world).run()


class _Analysis:
    def __init__(self, domain: str, world: World) -> None:
        self.domain, self.world = domain, world
        self.answers: dict[str, DnsAnswer] = {}
        self.hosts: dict[tuple[str, str], DnsAnswer] = {}
        self.parts: dict[str, Part] = {}
        self.problems: dict[Problem, None] = {}
        self.dead: dict[tuple[str, str], tuple[str, Term, str, DnsAnswer]] = {}
        self.records: dict[str, SpfRecord] = {}
        self.whole = True

    async def run(self) -> SpfAnalysis:
        level = [self.domain] if is_checkable(self.domain) else []
        while level:
            await self.read(level)
            found = {target: None for name in level for _, target in self.links(name) if target not in self.answers and is_checkable(target)}
            room = MOST_DOMAINS - len(self.answers)
            self.whole = self.whole and len(found) <= room
            level = list(found)[:room]
        await self.ask_hosts()
        tree = self.assemble(self.domain, ())
        self.limits(tree)
        return SpfAnalysis(self.domain, tree, self.parts, tuple(self.problems), tuple(self.dead.values()), self.hosts, self.whole)

    async def read(self, names: Iterable[str]) -> None:
        """The TXT records of several domains, side by side."""
        begun = [(name, self.world.start(self.world.dns(name, "TXT"))) for name in names]
        for name, asked in begun:
            answer = self.answers[name] = await asked
            texts = spf_records(answer.records)
            if len(texts) == 1:
                self.records[name] = read_record(texts[0])

    def links(self, domain: str) -> list[tuple[Term, str]]:
        """The includes and the redirect that a record really follows, with their targets."""
        record = self.records.get(domain)
        terms = reachable(record) if record and not record.problems else []
        return [(term, target_of(term, domain).lower()) for term in terms if term.name in ("include", "redirect")]

    async def ask_hosts(self) -> None:
        """What the "a", "mx" and "exists" lead to."""
        wanted: dict[tuple[str, str], None] = {}
        for domain, record in self.records.items():
            for term in reachable(record) if not record.problems else ():
                name = target_of(term, domain).lower()
                if term.name in ("a", "mx", "exists") and is_name(name):
                    wanted |= dict.fromkeys({"a": [(name, "A"), (name, "AAAA")], "mx": [(name, "MX")], "exists": [(name, "A")]}[term.name])
        await self.ask(wanted)
        exchanges = [one.exchange for (_, rrtype), answer in self.hosts.items() if rrtype == "MX" for one in sorted(answer.records)[:NAME_LIMIT]]
        await self.ask(dict.fromkeys((name, rrtype) for name in exchanges if is_name(name) for rrtype in ("A", "AAAA")))

    async def ask(self, wanted: Iterable[tuple[str, str]]) -> None:
        fresh = [key for key in wanted if key not in self.hosts][: MOST_HOSTS * 2]
        begun = [(key, self.world.start(self.world.dns(*key))) for key in fresh]
        for key, asked in begun:
            self.hosts[key] = await asked

    def problem(self, kind: str, domain: str, term: str, why: str) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems[Problem(kind, domain, term, why)] = None

    def assemble(self, domain: str, above: tuple[str, ...]) -> Part:
        """The part of the tree that begins with a domain's record."""
        known = self.parts.get(domain)
        if known is None:
            known = self.part(domain, (*above, domain))
            self.parts[domain] = known
        return known

    def part(self, domain: str, way: tuple[str, ...]) -> Part:
        answer = self.answers.get(domain)
        if answer is None:
            return Part(domain, "unread" if is_checkable(domain) else "none", None)
        texts = tuple(spf_records(answer.records))
        if answer.unlearned:
            self.problem("temperror", domain, "", f"the TXT records of {domain} could not be learned ({answer.state})")
            return Part(domain, "temperror", answer)
        if len(texts) != 1:
            if texts:
                self.problem("multiple", domain, "", f"{domain} has {len(texts)} SPF records")
            return Part(domain, "multiple" if texts else "none", answer, texts)
        record = self.records[domain]
        for term, why in record.problems:
            self.problem("syntax", domain, term, why)
        return self.with_branches(Part(domain, "found", answer, texts, record), record, way)

    def with_branches(self, part: Part, record: SpfRecord, way: tuple[str, ...]) -> Part:
        terms = reachable(record) if not record.problems else []
        branches = tuple(self.branch(term, part.domain, way) for term in terms if term.name in ("include", "redirect"))
        lookups = sum(term.name in ASKING for term in terms) + sum(one.part.lookups for one in branches if one.part)
        voids = [self.voids(term, part.domain) for term in terms] + [one.part.voids for one in branches if one.part]
        return Part(part.domain, part.state, part.answer, part.texts, record, branches, min(lookups, MOST_COUNTED), (sum(four for four, _ in voids), sum(six for _, six in voids)))

    def branch(self, term: Term, domain: str, way: tuple[str, ...]) -> Branch:
        target = target_of(term, domain).lower()
        if not target:
            return Branch(term, "", None)
        if target in way:
            self.problem("loop", domain, term.text, f"{target} is led back to itself: {' > '.join((*way[way.index(target):][:8], target))}")
            return Branch(term, target, None)
        part = self.assemble(target, way)
        if part.state == "none":
            self.problem("no_record", domain, term.text, f"{target} has no SPF record")
        return Branch(term, target, part)

    def voids(self, term: Term, domain: str) -> tuple[int, int]:
        """How many lookups of one term find nothing, by the client's address family; a name that is gone is noted."""
        name = target_of(term, domain).lower()
        if term.name == "a":
            return self.absent(term, domain, name)
        answer = self.hosts.get((name, "MX" if term.name == "mx" else "A"))
        if term.name not in ("mx", "exists") or answer is None:
            return 0, 0
        if answer.absent:
            self.dead[domain, term.text] = (domain, term, name, answer)
            return 1, 1
        if term.name == "exists" or not answer.found:
            return 0, 0
        if len(answer.records) > NAME_LIMIT:
            self.problem("mx_limit", domain, term.text, f"{name} has {len(answer.records)} MX records; more than {NAME_LIMIT} may not be looked up")
        each = [self.absent(term, domain, one.exchange) for one in sorted(answer.records)[:NAME_LIMIT]]
        return sum(four for four, _ in each), sum(six for _, six in each)

    def absent(self, term: Term, domain: str, host: str) -> tuple[int, int]:
        four, six = self.hosts.get((host, "A")), self.hosts.get((host, "AAAA"))
        if four is None or six is None:
            return 0, 0
        if four.absent and six.absent:
            self.dead[domain, f"{term.text} {host}"] = (domain, term, host, four)
        return int(four.absent), int(six.absent)

    def limits(self, tree: Part) -> None:
        if tree.lookups > LOOKUP_LIMIT:
            self.problem("lookups", tree.domain, "", f"{tree.lookups} terms ask the DNS; {LOOKUP_LIMIT} are allowed")
        if max(tree.voids) > VOID_LIMIT:
            self.problem("voids", tree.domain, "", f"{max(tree.voids)} lookups find nothing; {VOID_LIMIT} are allowed")
