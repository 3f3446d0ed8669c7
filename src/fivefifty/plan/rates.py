"""How high a rate is, and whether it is above a limit: intervals to show, and a test that may be looked at as often as one likes.

An interval made for one look lies when it is looked at after every mail: of healthy streams (3 %) one in eight is sooner or later called
"above 5 %" by it.  So intervals are only shown, and claims rest on an e-process: the evidence is the ratio of two predictions of the whole
stream, one that the rate lies somewhere above the limit, one that it stands at the limit.  While the rate is not above, the chance that this
ratio ever reaches 20 is at most 1 in 20, however often one looks (Ville 1939; Robbins 1970; Howard, Ramdas, McAuliffe, Sekhon 2021).
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import exp, inf, log, log1p

from ._beta import log_lower, log_power, log_upper, quantile

ALPHA = 0.05
FEWEST = 3  # failures from which on "likely above" is said: one of one is no rate of 100 %
MOST = 10**9  # no advice asks for more mails than this

# What can be said of a rate and a limit, from surest above to surest below.
WORDS = ("above", "likely above", "cannot say yet", "likely below", "below")
SENTENCES = {"above": "above (certain)", "likely above": "likely above", "cannot say yet": "cannot say yet", "likely below": "likely below", "below": "below (certain)"}


def jeffreys(k: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """The interval of Jeffreys' prior, with 0 and 1 as its ends where none or all failed (Brown, Cai, DasGupta 2001)."""
    _counted(k, n)
    tail = (1 - level) / 2
    return (0.0 if k <= 0 else quantile(k + 0.5, n - k + 0.5, tail), 1.0 if k >= n else quantile(k + 0.5, n - k + 0.5, 1 - tail))


def lower_bound(k: float, n: float, level: float = 0.95) -> float:
    """The rate is above this with that confidence, at one look."""
    return jeffreys(k, n, 2 * level - 1)[0]


def upper_bound(k: float, n: float, level: float = 0.95) -> float:
    """The rate is below this with that confidence, at one look."""
    return jeffreys(k, n, 2 * level - 1)[1]


def log_e(k: float, n: float, limit: float) -> float:
    """Log of the evidence that the rate is above the limit.  `k` of `n` are counted from the beginning of the stream."""
    _counted(k, n)
    a, b = _prior(limit)
    start = log_upper(a, b, limit) - log_power(a, b, limit, 1 - limit)
    return log_upper(k + a, n - k + b, limit) - log_power(k + a, n - k + b, limit, 1 - limit) - start


def e_value(k: float, n: float, limit: float) -> float:
    """The evidence that the rate is above the limit; inf where it is beyond what a double holds."""
    return _plain(log_e(k, n, limit))


def log_e_below(k: float, n: float, limit: float) -> float:
    """The mirror: log of the evidence that the rate is below the limit, as valid at every look."""
    _counted(k, n)
    a, b = _prior_below(limit)
    start = log_lower(a, b, limit) - log_power(a, b, limit, 1 - limit)
    return log_lower(k + a, n - k + b, limit) - log_power(k + a, n - k + b, limit, 1 - limit) - start


@dataclass(frozen=True, slots=True)
class Rate:
    """One rate with all that may be said of it; `more` is how many mails at the present rate would decide, 0 for none needed or no end."""

    k: int
    n: int
    limit: float
    word: str  # one of WORDS
    low: float
    high: float
    e: float
    more: int = 0

    @property
    def share(self) -> float:
        """The plain share, 0 where nothing was counted."""
        return self.k / self.n if self.n else 0.0

    @property
    def sentence(self) -> str:
        """ "above 5 % (certain)" and the like, never without what is missing."""
        limit = percent(self.limit)
        if self.word != "cannot say yet":
            return SENTENCES[self.word].replace("above", f"above {limit}").replace("below", f"below {limit}")
        return f"cannot say yet whether it is above {limit}" + (f", about {self.more:,} more needed" if self.more else ", it stands too near to it")


def above(k: int, n: int, limit: float, alpha: float = ALPHA) -> Rate:
    """What may be said: "above" and "below" stay true at every look, "likely …" holds for one look."""
    _counted(k, n)
    low, high = jeffreys(k, n)
    evidence, against, needed = log_e(k, n, limit), log_e_below(k, n, limit), log(1 / alpha)
    if evidence >= needed:
        word = "above"
    elif against >= needed:
        word = "below"
    elif k >= FEWEST and lower_bound(k, n) > limit:
        word = "likely above"
    elif n and upper_bound(k, n) < limit:
        word = "likely below"
    else:
        word = "cannot say yet"
    return Rate(k, n, limit, word, low, high, _plain(evidence), 0 if word in ("above", "below") else more_needed(k, n, limit, alpha))


def more_needed(k: int, n: int, limit: float, alpha: float = ALPHA) -> int:
    """How many more mails would decide if the rate stays what it is; 0 where even MOST would not.

    One of one is no rate of 100 %: what is extrapolated is (k + limit) / (n + 1), so that the first few mails promise nothing.
    """
    rate = (k + limit) / (n + 1)
    if not n:
        rate = 0.0  # nothing is known: what a clean run would need
    elif abs(rate - limit) < 1e-12:
        return 0
    test = log_e if rate > limit else log_e_below
    needed = log(1 / alpha)
    return _least(lambda more: test(k + rate * more, n + more, limit) >= needed)


def _least(decided: Callable[[int], bool]) -> int:
    """The least number that decides, by doubling and halving; 0 where MOST does not."""
    if not decided(MOST):
        return 0
    high = 1
    while not decided(high):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decided(middle) else (middle, high)
    return high


def failures_needed(n: int, limit: float, alpha: float = ALPHA) -> int:
    """The fewest failures among n that let the alarm speak; n + 1 where none do."""
    low, high = -1, n + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if log_e(middle, n, limit) >= log(1 / alpha) else (middle, high)
    return high


def clean_needed(limit: float, level: float = 0.95) -> int:
    """How many mails without one failure show, at one look, that the rate is below the limit: the rule of three, exact."""
    exact = log(1 - level) / log1p(-limit)
    return int(exact) + (exact > int(exact))


def percent(share: float) -> str:
    """5 %, 0.1 %, 0.04 %: as many digits as it takes."""
    value = 100 * share
    if value >= 10 or value == int(value):
        return f"{value:.0f} %"
    return f"{value:.1f} %" if value >= 1 else f"{value:.2g} %"


@lru_cache(maxsize=256)
def _prior(limit: float) -> tuple[float, float]:
    """What rates above the limit are thought likely: Beta(1/2, b) with twice the limit as its mean, cut off at the limit; 5 % gives Beta(.5, 4.5)."""
    if not 0 < limit < 1:
        raise ValueError("a limit lies between 0 and 1")
    return 0.5, max(0.5 * (0.5 / limit - 1), 0.5)


@lru_cache(maxsize=256)
def _prior_below(limit: float) -> tuple[float, float]:
    """What rates below the limit are thought likely: a third of it as the mean, since healthy streams lie well below."""
    return 1.0, max(3 / limit - 1, 0.5)


def _counted(k: float, n: float) -> None:
    if not 0 <= k <= n:
        raise ValueError("failures are counted among the mails: 0 <= k <= n")


def _plain(log_value: float) -> float:
    return exp(log_value) if log_value < 700 else inf
