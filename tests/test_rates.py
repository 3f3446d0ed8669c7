"""Intervals and tests of rates: against exact sums, and simulated at every look."""
from __future__ import annotations

import random
from fractions import Fraction
from functools import cache
from math import comb, exp, log

import pytest

from fivefifty.plan._beta import log_beta, log_lower, log_upper, quantile
from fivefifty.plan.rates import above, clean_needed, e_value, failures_needed, jeffreys, log_e, log_e_below, more_needed


def exact_lower(a, b, x):
    """P(X < x) of Beta(a, b) with whole a and b, as a sum of binomials in fractions."""
    n, x = a + b - 1, Fraction(x)
    return sum(comb(n, j) * x**j * (1 - x) ** (n - j) for j in range(a, n + 1))


@pytest.mark.parametrize(("a", "b"), [(1, 1), (1, 20), (3, 7), (12, 400), (150, 90), (400, 3)])
@pytest.mark.parametrize("x", [Fraction(1, 1000), Fraction(1, 20), Fraction(3, 10), Fraction(1, 2), Fraction(97, 100)])
def test_tails_against_exact_sums(a, b, x):
    wanted = exact_lower(a, b, x)
    for found, exact in ((log_lower(a, b, float(x)), wanted), (log_upper(a, b, float(x)), 1 - wanted)):
        if 10**-300 < exact < 1:
            assert found == pytest.approx(log(exact.numerator) - log(exact.denominator), rel=1e-10, abs=1e-11)


def test_large_counts_lose_no_digits():
    n = 10**9
    for share in (0.001, 0.05, 0.4):
        low, high = jeffreys(share * n, n)
        width = 1.959963985 * (share * (1 - share) / n) ** 0.5
        assert high - share == pytest.approx(width, rel=1e-3) and share - low == pytest.approx(width, rel=1e-3)
    assert log_beta(2, 3) == pytest.approx(log(1 / 12)) and quantile(2, 2, 0.5) == pytest.approx(0.5)


def test_known_intervals():
    assert jeffreys(0, 20) == (0.0, pytest.approx(0.1166, abs=2e-4)) and jeffreys(20, 20)[1] == 1.0
    assert jeffreys(5, 50) == (pytest.approx(0.0392, abs=5e-4), pytest.approx(0.2056, abs=5e-4))
    for k, n in ((3, 1), (-1, 5)):
        with pytest.raises(ValueError, match="among the mails"):
            jeffreys(k, n)


def test_the_failures_that_make_an_alarm():
    """From monitoring practice at 5 %: so many failures among so many mails."""
    assert [failures_needed(n, 0.05) for n in (10, 20, 50, 100, 200, 500, 1000, 5000)] == [4, 5, 8, 13, 21, 42, 74, 304]
    assert [clean_needed(limit) for limit in (0.05, 0.003, 0.001)] == [59, 998, 2995]


def test_the_evidence_is_the_ratio_it_is_said_to_be():
    k, n, limit = 7, 60, 0.05
    steps = 20_000
    prior = prediction = 0.0
    for i in range(steps):  # the prior Beta(.5, 4.5) above the limit, summed by hand
        p = limit + (1 - limit) * (i + 0.5) / steps
        weight = p**-0.5 * (1 - p) ** 3.5
        prior += weight
        prediction += weight * p**k * (1 - p) ** (n - k)
    assert e_value(k, n, limit) == pytest.approx(prediction / prior / (limit**k * (1 - limit) ** (n - k)), rel=1e-4)


@pytest.mark.parametrize(("k", "n", "word"), [
    (0, 0, "cannot say yet"), (1, 1, "cannot say yet"), (1, 2, "cannot say yet"), (3, 20, "likely above"), (5, 20, "above"), (38, 310, "above"), (15, 310, "cannot say yet"), (0, 59, "likely below"), (0, 80, "below"),
])
def test_words(k, n, word):
    told = above(k, n, 0.05)
    assert told.word == word and told.low <= told.share <= told.high
    assert (told.more > 0) == (word in ("likely above", "likely below", "cannot say yet"))
    assert word.split()[-1] in told.sentence or "needed" in told.sentence


def test_what_is_needed_decides():
    for k, n in ((3, 20), (2, 60), (4, 100)):
        more, rate = more_needed(k, n, 0.05), (k + 0.05) / (n + 1)
        test = log_e if rate > 0.05 else log_e_below
        assert test(k + rate * more, n + more, 0.05) >= log(20) > test(k + rate * (more - 1), n + more - 1, 0.05)


@cache
def thresholds(mails):
    """The failures that make an alarm, for every number of mails; they only rise."""
    found, k = [1], 1
    for n in range(1, mails + 1):
        while k <= n and log_e(k, n, 0.05) < log(20):
            k += 1
        found.append(k)
    return found


def alarms(rate, runs, mails, seed):
    """(share of runs that ever alarm, median mail at which they do), looked at after every mail."""
    needed = thresholds(mails)
    chance, at = random.Random(seed), []
    for _ in range(runs):
        k = 0
        for n in range(1, mails + 1):
            k += chance.random() < rate
            if k >= needed[n]:
                at.append(n)
                break
    return len(at) / runs, sorted(at)[len(at) // 2] if at else 0


def test_healthy_streams_are_left_alone_however_often_one_looks():
    assert alarms(0.03, 150, 3000, 1)[0] <= 0.02
    assert alarms(0.05, 150, 3000, 2)[0] <= 0.07  # at the limit itself: at most 5 %, and some room for 150 runs


@pytest.mark.parametrize(("rate", "median"), [(0.10, 155), (0.15, 41), (0.25, 15)])
def test_raised_rates_are_found_soon(rate, median):
    share, at = alarms(rate, 300, 2000, 3)
    assert share == 1.0 and 0.6 * median <= at <= 1.5 * median


def test_complaints_in_thousandths():
    assert above(10, 2000, 0.001).word == "above" and above(1, 2000, 0.001).word == "cannot say yet" and exp(log_e(0, 10, 0.001)) < 1
