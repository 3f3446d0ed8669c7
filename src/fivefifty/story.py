"""One recipient, one provider, one of our IPs, or everyone?  Which slice of the mail explains the failures best, said with its evidence.

Four hypotheses for each dimension (receiving provider, recipient domain, sending IP, author domain, campaign): no value's failure rate is raised,
exactly one's is, all are, or some are.  What each says about the counts is beta-binomial evidence: ordinary rates are thought to lie around 2 %
(Beta(2, 98), cut off at 10 %), raised ones anywhere above 5 % (Beta(1, 1.5)); the two overlap, so that a harmless difference between two large values
is no incident.  All dimensions tell of the same mails, so their evidence can be compared.  The best slice is reported, its mails are taken out, and
the rest is looked at again.

Rates need deliveries; where no source tells them, only shares among the failures are known, and that is said.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import exp, inf, log, log1p
from typing import Any

from .causes import cause
from .plan._beta import legendre, log_beta, log_lower, log_sum, log_upper
from .plan.rates import jeffreys
from .providers import provider, provider_ids, provider_of_domain

DIMENSIONS = ("provider", "recipient_domain", "sending_ip", "author_domain", "campaign")
SCOPES = ("none", "one", "all", "mixed")
BEFORE = {"none": 0.5, "one": 0.25, "all": 0.15, "mixed": 0.1}  # most hours are ordinary ones, and most incidents one receiver's
CERTAIN = 0.95  # posterior from which a scope is said as a fact
LIKELY = 0.8  # from which it is said as likely; below that only the odds are
MOST_SLICES = 5
TIED = 3.0  # nats: two slices whose evidence differs by less can't be told apart where they are the same mails
ALIKE = 10.0  # nats by which a rate of its own must explain one value better before "everyone alike" is not said
SAME_MAILS = 0.9
KNOWN = 0.9  # share of deliveries that must tell a dimension before its values are compared
CLEAN = 59  # mails without a failure that show a rate below 5 % (rule of three)
SUMMED = 250  # mails up to which evidence is a sum over points
EXACT = 50  # values whose evidence of being the only one is worked out in full
STEPS = 200  # change points are looked for among at most so many steps of time
HOUR = 3600

Ask = Callable[[Sequence[str], Mapping[str, str]], Iterable[tuple[tuple[Any, ...], int]]]  # (by, where) to (values, mails)


@dataclass(frozen=True, slots=True)
class Prior:
    """What ordinary and raised rates are thought likely, as beta distributions cut off."""

    low: tuple[float, float] = (2.0, 98.0)
    low_below: float = 0.10
    high: tuple[float, float] = (1.0, 1.5)
    high_above: float = 0.05


FAILURES = Prior()
DEFERRALS = Prior(low=(2.0, 38.0), low_below=0.2, high_above=0.15)  # greylisting alone puts off one mail in twenty


@lru_cache(maxsize=200_000)
def evidence(k: int, n: int, prior: Prior = FAILURES) -> tuple[float, float]:
    """Log of what k of n are worth under an ordinary rate and under a raised one."""
    if n <= SUMMED:
        good = n - k
        low, high = _nodes(prior)
        return log(sum([weight * p**k * q**good for weight, p, q in low])), log(sum([weight * p**k * q**good for weight, p, q in high]))
    return _exact(k, n, prior)


def _exact(k: int, n: int, prior: Prior) -> tuple[float, float]:
    """The same in closed form; dearer, and needed where the counts are large."""
    (a, b), (c, d) = prior.low, prior.high
    low = log_beta(k + a, n - k + b) - log_beta(a, b) + log_lower(k + a, n - k + b, prior.low_below) - log_lower(a, b, prior.low_below)
    high = log_beta(k + c, n - k + d) - log_beta(c, d) + log_upper(k + c, n - k + d, prior.high_above) - log_upper(c, d, prior.high_above)
    return low, high


Nodes = list[tuple[float, float, float]]  # weight, p, 1 - p


@lru_cache(maxsize=8)
def _nodes(prior: Prior) -> tuple[Nodes, Nodes]:
    """Points and weights that sum up both priors: most recipient domains have few mails, and there are thousands of them."""
    edge = prior.high_above
    return _piece(prior.low, (0.0, prior.low_below / 4, prior.low_below)), _piece(prior.high, (edge, 2 * edge, 5 * edge, min(10 * edge, 0.9), 1.0))


def _piece(shape: tuple[float, float], edges: Sequence[float]) -> Nodes:
    """Gauss and Legendre's points between each two edges, weighed by a beta distribution and made to sum to one."""
    (a, b), found = shape, []
    for begin, end in zip(edges, edges[1:], strict=False):
        half = (end - begin) / 2
        for x, weight in legendre(24):
            p = begin + half * (1 + x)
            found.append((weight * half * p ** (a - 1) * (1 - p) ** (b - 1), p, 1 - p))
    total = sum(weight for weight, _, _ in found)
    return [(weight / total, p, q) for weight, p, q in found]


@dataclass(slots=True)
class Tally:
    """Mails with an outcome, and how many failed."""

    failed: int = 0
    mails: int = 0

    @property
    def share(self) -> float:
        """The plain share."""
        return self.failed / self.mails if self.mails else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Where the rate lies (Jeffreys, 95 %)."""
        return jeffreys(self.failed, self.mails)


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the mail that fails: all mails whose `dimension` is `value`; () and "" for all mails."""

    dimension: str
    value: str
    tally: Tally
    rest: Tally
    posterior: float  # that exactly this slice is raised, among all that was thought possible
    same: tuple[tuple[str, str], ...] = ()  # other slices that are the same mails: (dimension, value)
    cause: str = ""
    owner: str = ""
    causes: tuple[tuple[str, int], ...] = ()
    templates: tuple[tuple[str, int], ...] = ()
    since: float = 0.0  # 0: the whole period
    since_between: tuple[float, float] = (0.0, 0.0)
    until: float = 0.0  # 0: it goes on
    within: Tally = field(default_factory=Tally)  # the mails of that time


@dataclass(frozen=True, slots=True)
class Probe:
    """The next send that would tell most, in bits, and what its outcome means."""

    send: str
    bits: float
    refused: str = ""
    accepted: str = ""


@dataclass(frozen=True, slots=True)
class Story:
    """What the counts of a period tell."""

    scope: str  # one of SCOPES; "unknown" where no deliveries are known or nothing was counted
    certain: bool
    posteriors: Mapping[str, float]
    total: Tally
    slices: tuple[Slice, ...] = ()
    raised: tuple[tuple[str, str, Tally], ...] = ()  # scope "mixed": (dimension, value, counts)
    probe: Probe | None = None
    deliveries_known: bool = True
    skipped: tuple[str, ...] = ()  # dimensions the deliveries do not tell
    deferrals: Story | None = None


@dataclass(slots=True)
class _Look:
    """One dimension's evidence."""

    dimension: str
    values: dict[str, Tally]
    logs: dict[str, float] = field(default_factory=dict)  # scope to log evidence
    best: str = ""  # the value that "one" speaks of
    best_log: float = -inf


def tell(ask: Ask, where: Mapping[str, str] | None = None) -> Story:
    """The story of the mails that `ask` counts: failures first, then what was put off."""
    rows = list(ask((*DIMENSIONS, "kind", "late"), where or {}))
    put_off = any(row[0][-2] == "deferral" for row in rows)
    failures = _told(rows, ask, ("bounce", "block"), FAILURES, where or {})
    deferrals = _told(rows, ask, ("deferral",), DEFERRALS, where or {}) if put_off else Story("none", True, {}, Tally())
    worth = deferrals.scope in ("one", "all", "mixed")
    return Story(**{**{name: getattr(failures, name) for name in Story.__slots__}, "deferrals": deferrals if worth else None})


def _told(rows: list[tuple[tuple[Any, ...], int]], ask: Ask, kinds: tuple[str, ...], prior: Prior, where: Mapping[str, str]) -> Story:
    mails = _mails(rows, kinds)
    total = _sum(mails)
    delivered = total.mails - total.failed
    if not delivered or not total.failed:
        scope = "none" if delivered else "unknown"
        return Story(scope, scope == "none" and total.mails >= CLEAN, {}, total, deliveries_known=bool(delivered) or not total.failed)
    counted = {name: _values(mails, at) for at, name in enumerate(DIMENSIONS)}
    skipped = tuple(name for name, values in counted.items() if not _is_known(values, delivered))
    looks = [_look(name, values, prior) for name, values in counted.items() if name not in skipped] or _looks([], DIMENSIONS, prior, total)
    posteriors, best = _weighed(looks)
    scope, certain = _scope(posteriors, best, prior)
    found: list[Slice] = []
    if scope == "all" and posteriors["all"] >= LIKELY:
        found = _standing_out(mails, skipped, prior)
        scope = "mixed" if found else "all"
        found = found or [Slice("", "", total, Tally(), posteriors["all"])]
    elif scope == "one" and (certain or posteriors["one"] >= LIKELY):
        found = _slices(mails, skipped, prior)
    raised = _raised(looks, prior) if scope == "mixed" else ()
    probe = None if certain else _probe(looks, posteriors)
    return Story(scope, certain, posteriors, total, tuple(_explained(one, ask, kinds, prior, where) for one in found), raised, probe, skipped=skipped)


def _looks(mails: Mails, skipped: tuple[str, ...], prior: Prior, total: Tally | None = None) -> list[_Look]:
    looks = [_look(name, _values(mails, at), prior) for at, name in enumerate(DIMENSIONS) if name not in skipped]
    return looks or [_look("", {"": total or _sum(mails)}, prior)]


def _scope(posteriors: Mapping[str, float], best: _Look | None, prior: Prior) -> tuple[str, bool]:
    """The likeliest scope, and whether it is beyond doubt.

    That one value is raised can be certain while small others leave it open whether they are, too: then one is what is said.
    """
    scope = max(posteriors, key=lambda name: (posteriors[name], name))
    if scope in ("one", "mixed") and best is not None:
        raised = [value for value, one in best.values.items() if value and _is_raised(one, prior)]
        if raised == [best.best]:
            return "one", posteriors["one"] + posteriors["mixed"] >= CERTAIN
    return scope, posteriors[scope] >= CERTAIN


def _slices(mails: Mails, skipped: tuple[str, ...], prior: Prior) -> list[Slice]:
    """The slice that explains most, and, its mails taken out, every further one that is beyond doubt."""
    found: list[Slice] = []
    while len(found) < MOST_SLICES and any(tally.failed for _, tally in mails):
        posteriors, best = _weighed(_looks(mails, skipped, prior))
        if best is None or (found and (posteriors["one"] < CERTAIN or not _is_raised(best.values[best.best], prior))):
            break
        found.append(_slice(best, mails, posteriors["one"]))
        at = DIMENSIONS.index(best.dimension)
        mails = [one for one in mails if one[0][at] != best.best]
    return found


# -- counting

Mails = list[tuple[tuple[str, ...], Tally]]


def _mails(rows: Iterable[tuple[tuple[Any, ...], int]], kinds: tuple[str, ...]) -> Mails:
    """Mails by all dimensions: those with an outcome, and how many failed.  A late failure had been counted as delivered."""
    found: dict[tuple[str, ...], list[int]] = {}
    for (*values, kind, late), count in rows:
        if kind == "delivery":
            found.setdefault(tuple(values), [0, 0])[1] += count
        elif kind in kinds:
            one = found.setdefault(tuple(values), [0, 0])
            one[0] += count
            one[1] += -count if late else 0
    return [(key, Tally(failed, failed + max(delivered, 0))) for key, (failed, delivered) in found.items() if failed or delivered > 0]


def _sum(mails: Iterable[tuple[tuple[str, ...], Tally]]) -> Tally:
    total = Tally()
    for _, one in mails:
        total.failed += one.failed
        total.mails += one.mails
    return total


def _is_known(values: Mapping[str, Tally], delivered: int) -> bool:
    """Whether the deliveries tell this dimension; else only failures would stand under its values."""
    unknown = values.get("", Tally())
    return delivered - (unknown.mails - unknown.failed) >= KNOWN * delivered


def _values(mails: Mails, at: int) -> dict[str, Tally]:
    found: dict[str, Tally] = {}
    for key, one in mails:
        into = found.get(key[at])
        if into is None:
            into = found[key[at]] = Tally()
        into.failed += one.failed
        into.mails += one.mails
    return found


# -- evidence


def _look(name: str, values: dict[str, Tally], prior: Prior) -> _Look:
    look = _Look(name, values)
    look.logs, look.best, look.best_log = _evidence(values, prior)
    return look


def _evidence(values: Mapping[str, Tally], prior: Prior) -> tuple[dict[str, float], str, float]:
    """Log evidence of none, one, all and mixed; for none and all half for a common rate and half for a rate of each."""
    count = len(values)
    terms = {value: evidence(one.failed, one.mails, prior) for value, one in values.items()}
    failed, sent = sum(one.failed for one in values.values()), sum(one.mails for one in values.values())
    lows, highs = sum(low for low, _ in terms.values()), sum(high for _, high in terms.values())
    pooled_low, pooled_high = evidence(failed, sent, prior)
    logs = {"none": _both(pooled_low, lows), "all": _both(pooled_high, highs)}
    near = set(sorted(terms, key=lambda value: terms[value][0] - terms[value][1])[:EXACT]) if count > EXACT else terms.keys()
    best, best_log, parts = "", -inf, []
    for value, (low, high) in terms.items():
        one = values[value]
        # the common rate of all others hardly depends on which small value is left out
        rest = evidence(failed - one.failed, sent - one.mails, prior)[0] if value in near else pooled_low - low
        part = high + _both(rest, lows - low) if count > 1 else -inf
        parts.append(part)
        if value and one.failed and part > best_log:
            best, best_log = value, part
    logs["one"] = log_sum(parts) - log(count) if count > 1 else -inf
    logs["mixed"] = _mixed(terms.values(), lows, highs, count)
    return logs, best, best_log - log(count)


def _mixed(terms: Iterable[tuple[float, float]], lows: float, highs: float, count: int) -> float:
    """Each value raised or not as a coin falls, without what none, one and all speak of."""
    if count < 3:
        return -inf
    pairs = list(terms)
    everything = sum(_both(low, high) for low, high in pairs)
    others = log_sum([lows, highs, *(lows - low + high for low, high in pairs)]) - count * log(2)
    left = _log_minus(everything, others)
    return left - log1p(-min((count + 2) / 2**count, 0.9999)) if count < 60 else left


def _both(one: float, other: float) -> float:
    """log of the mean of two."""
    return log_sum([one, other]) - log(2)


def _log_minus(one: float, other: float) -> float:
    return one + log1p(-exp(other - one)) if other < one - 1e-12 else -inf


def _weighed(looks: Sequence[_Look]) -> tuple[dict[str, float], _Look | None]:
    """Posteriors of the scopes, each one's chance before shared among the dimensions; and the dimension whose one value explains most."""
    logs = {scope: log_sum([look.logs[scope] for look in looks]) - log(len(looks)) + log(BEFORE[scope]) for scope in SCOPES}
    whole = log_sum(list(logs.values()))
    most = max((look.best_log for look in looks if look.best), default=0.0)
    # of slices that explain alike the first dimension is named: a provider says more than its only domain
    best = next((look for look in looks if look.best and look.best_log >= most - TIED), None)
    return {scope: exp(one - whole) for scope, one in logs.items()}, best


def _raised(looks: Sequence[_Look], prior: Prior) -> tuple[tuple[str, str, Tally], ...]:
    """The values that are raised beyond doubt, of the dimension that explains most, the largest first."""
    look = max(looks, key=lambda one: one.logs["mixed"])
    found = [(look.dimension, value, one) for value, one in look.values.items() if _is_raised(one, prior)]
    return tuple(sorted(found, key=lambda one: (-one[2].failed, one[1]))[:20])


def _is_raised(one: Tally, prior: Prior) -> bool:
    low, high = evidence(one.failed, one.mails, prior)
    return high - low > log(CERTAIN / (1 - CERTAIN))


# -- the slice


def _standing_out(mails: Mails, skipped: tuple[str, ...], prior: Prior) -> list[Slice]:
    """Where everything is raised but not alike: the slices that fail far more than the rest, () where it is alike."""
    found: list[Slice] = []
    while len(found) < MOST_SLICES:
        apart = max((_apart(look, prior) for look in _looks(mails, skipped, prior)), key=lambda one: one[0], default=None)
        if apart is None or apart[0] < ALIKE:
            break
        _, look = apart
        found.append(_slice(look, mails, 1.0))
        at = DIMENSIONS.index(look.dimension)
        mails = [one for one in mails if one[0][at] != look.best]
        if max(_weighed(_looks(mails, skipped, prior))[0].items(), key=lambda one: one[1])[0] == "one":
            return [*found, *_slices(mails, skipped, prior)][:MOST_SLICES]
    return found


def _apart(look: _Look, prior: Prior) -> tuple[float, _Look]:
    """How much better (in nats, less the choice among the values) a rate of its own for one value explains than one rate for all; `best` becomes that value."""
    whole = Tally(sum(one.failed for one in look.values.values()), sum(one.mails for one in look.values.values()))
    together, best, gain = evidence(whole.failed, whole.mails, prior)[1], "", -inf
    for value, one in look.values.items():
        rest = Tally(whole.failed - one.failed, whole.mails - one.mails)
        if value and rest.mails and one.share > 2 * rest.share:
            low, high = evidence(rest.failed, rest.mails, prior)
            told = evidence(one.failed, one.mails, prior)[1] + max(low, high) - together - log(len(look.values))
            best, gain = (value, told) if told > gain else (best, gain)
    look.best = best
    return gain, look


def _slice(look: _Look, mails: Mails, posterior: float) -> Slice:
    at = DIMENSIONS.index(look.dimension)
    mine, rest = [one for one in mails if one[0][at] == look.best], [one for one in mails if one[0][at] != look.best]
    return Slice(look.dimension, look.best, _sum(mine), _sum(rest), posterior, _same_mails(mine, mails, at))


def _same_mails(mine: Mails, mails: Mails, own: int) -> tuple[tuple[str, str], ...]:
    """Values of other dimensions that stand for (nearly) the same mails: the counts can't tell them apart."""
    total, found, own_value = _sum(mine).mails, [], mine[0][0][own]
    for at, name in enumerate(DIMENSIONS):
        values = _values(mine, at)
        value = max(values, key=lambda one: (values[one].mails, one), default="")
        if at == own or not value or value == own_value or _part_of(own_value, value) or values[value].mails < SAME_MAILS * total:
            continue
        everywhere = _sum(one for one in mails if one[0][at] == value).mails
        if total >= SAME_MAILS * everywhere:
            found.append((name, value))
    return tuple(found)


def _part_of(one: str, other: str) -> bool:
    """Whether one is the provider whose own domain the other is: then they are the same thing by nature."""
    return provider_of_domain(other) == one or provider_of_domain(one) == other if "." in one or "." in other else False


def _explained(one: Slice, ask: Ask, kinds: tuple[str, ...], prior: Prior, where: Mapping[str, str]) -> Slice:
    """With cause, words and time."""
    inside = {**where, **({one.dimension: one.value} if one.dimension else {})}
    causes: Counter[str] = Counter()
    templates: Counter[str] = Counter()
    for (kind, name, template), count in ask(("kind", "cause", "template"), inside):
        if kind in kinds:
            causes[name] += count
            templates[template] += count
    first = causes.most_common(1)[0][0] if causes else ""
    since, between, until, within = _times(ask, inside, kinds, prior)
    told = {name: getattr(one, name) for name in Slice.__slots__}
    return Slice(**{**told, "cause": first, "owner": _owner(one, causes), "causes": tuple(causes.most_common(5)), "templates": tuple(templates.most_common(5)), "since": since,
                    "since_between": between, "until": until, "within": within})


def _owner(one: Slice, causes: Counter[str]) -> str:
    """Whose problem: the owner of most failures.  What fails everywhere alike is not the doing of one receiver."""
    owners: Counter[str] = Counter()
    for name, count in causes.items():
        owners[cause(name).owner if name else "unknown"] += count
    if not owners:
        return "unknown"
    first, count = owners.most_common(1)[0]
    if count < 0.6 * sum(owners.values()):
        return "unknown"
    if one.dimension in ("", "campaign", "author_domain", "sending_ip"):
        if first == "address":
            return "list"  # dead addresses at every provider are what the list is made of
        if first in ("policy", "recipient", "unknown"):
            return "sender"
    return first


def _times(ask: Ask, where: Mapping[str, str], kinds: tuple[str, ...], prior: Prior) -> tuple[float, tuple[float, float], float, Tally]:
    """When it began (with the 90 % interval) and ended: the stretch of raised rates that explains the hours best."""
    hours = _values([((str(key[0]),), one) for key, one in _mails(_hours(ask, where), kinds)], 0)
    series = sorted((float(at), one) for at, one in hours.items())
    if len(series) < 2:
        return 0.0, (0.0, 0.0), 0.0, Tally()
    steps = _merged(series)
    before = _running([evidence(one.failed, one.mails, prior)[0] for _, one in steps])
    during = _running([evidence(one.failed, one.mails, prior)[1] for _, one in steps])
    last = len(steps)
    spans = [(before[begin] + during[end] - during[begin] + before[last] - before[end], begin, end) for begin in range(last) for end in range(begin + 1, last + 1)]
    best, begin, end = max(spans)
    weights: Counter[int] = Counter()
    for told, start, _ in spans:
        weights[start] += exp(told - best)  # type: ignore[assignment]
    low, high = _central(weights, 0.9)
    since = steps[begin][0] if begin else 0.0
    within = _sum(((), one) for _, one in steps[begin:end])
    return since, (steps[low][0], steps[high][0]), steps[end][0] if end < last else 0.0, within


def _hours(ask: Ask, where: Mapping[str, str]) -> list[tuple[tuple[Any, ...], int]]:
    return list(ask(("hour", "kind", "late"), where))


def _merged(series: list[tuple[float, Tally]]) -> list[tuple[float, Tally]]:
    """At most STEPS steps of time, each as long as the others."""
    size = max(len(series) // STEPS + (len(series) % STEPS > 0), 1) if len(series) > STEPS else 1
    steps = []
    for at in range(0, len(series), size):
        some = series[at : at + size]
        steps.append((some[0][0], Tally(sum(one.failed for _, one in some), sum(one.mails for _, one in some))))
    return steps


def _running(logs: Sequence[float]) -> list[float]:
    total, found = 0.0, [0.0]
    for one in logs:
        total += one
        found.append(total)
    return found


def _central(weights: Mapping[int, float], share: float) -> tuple[int, int]:
    """Between which steps that share of the weight lies."""
    whole, total, low, high = sum(weights.values()), 0.0, -1, 0
    for at in sorted(weights):
        total += weights[at] / whole
        if low < 0 and total >= (1 - share) / 2:
            low = at
        if total >= 1 - (1 - share) / 2:
            high = at
            break
    return max(low, 0), high


# -- the next test


def name_of(value: str) -> str:
    """A provider by its name where it is a known one, else as it is."""
    return provider(value).name if value in provider_ids() else value


_LOW_RATE, _HIGH_RATE = 0.02, 0.4  # the means of the two priors: how likely one more mail fails


def _probe(looks: Sequence[_Look], posteriors: Mapping[str, float]) -> Probe | None:
    """The one send whose outcome tells most about the scope."""
    look = next((one for one in looks if one.dimension == "provider"), looks[0])
    failing = sorted((one for one in look.values.items() if one[0] and one[1].failed), key=lambda one: -one[1].failed)
    if not failing:
        return None
    first = failing[0][0]
    others = [value for value, one in look.values.items() if value and value != first and one.mails]
    here = {"none": _LOW_RATE, "one": _HIGH_RATE, "all": _HIGH_RATE, "mixed": _HIGH_RATE}
    there = {"none": _LOW_RATE, "one": _LOW_RATE, "all": _HIGH_RATE, "mixed": (_LOW_RATE + _HIGH_RATE) / 2}
    first, other = name_of(first), name_of(others[0]) if others else "another provider"
    choices = [
        Probe(f"five more mails to {first}", 5 * _bits(posteriors, here), f"it is {first}, or everybody", "what failed there was chance, or single addresses"),
        Probe(f"the same mail to five recipients at {other}", 5 * _bits(posteriors, there), "it is you: content, sending IP or sending domain", f"it is {first} alone"),
    ]
    return max(choices, key=lambda one: one.bits)


def _bits(posteriors: Mapping[str, float], fails: Mapping[str, float]) -> float:
    """Mutual information of one send's outcome and the scope, in bits."""
    chance = sum(posteriors[scope] * fails[scope] for scope in posteriors)
    return max(_entropy(chance) - sum(posteriors[scope] * _entropy(fails[scope]) for scope in posteriors), 0.0)


def _entropy(chance: float) -> float:
    return 0.0 if chance <= 0 or chance >= 1 else -(chance * log(chance) + (1 - chance) * log(1 - chance)) / log(2)


