"""The beta distribution, as exact as doubles allow: tails in logarithms, quantiles, and the evidence of counts.

Everything rests on x^a (1-x)^b / B(a, b) written as a deviation from its mean, so that a thousand million mails lose no digits: the sum
of lgammas would lose ten of them.
"""
from __future__ import annotations

from functools import lru_cache
from math import cos, exp, expm1, inf, lgamma, log, log1p, pi, sqrt

_SERIES = 50.0  # below this the power series is short, above it the integrand is smooth
_ENOUGH = 1e-17
_POINTS = 12


def log1mexp(x: float) -> float:
    """log(1 - e^x) for x <= 0."""
    if x >= 0:
        return -inf
    return log(-expm1(x)) if x > -0.693 else log1p(-exp(x))


def log_add(first: float, second: float) -> float:
    """log(e^first + e^second)."""
    low, high = min(first, second), max(first, second)
    return high if low == -inf else high + log1p(exp(low - high))


def log_sum(values: list[float]) -> float:
    """log of the sum of e^value."""
    high = max(values, default=-inf)
    return high if high == -inf else high + log(sum([exp(one - high) for one in values]))


def log_beta(a: float, b: float) -> float:
    """log B(a, b)."""
    m = a / (a + b)
    return a * log(m) + b * log1p(-m) - _scale(a, b) if max(a, b) > 1e4 else lgamma(a) + lgamma(b) - lgamma(a + b)


def log_power(a: float, b: float, x: float, y: float) -> float:
    """log of x^a y^b / B(a, b), where x + y = 1: the smaller of them carries the digits."""
    total = a + b
    off = x - a / total if x < y else b / total - y
    return a * _log1pmx(off * total / a) + b * _log1pmx(-off * total / b) + _scale(a, b)


def log_lower(a: float, b: float, x: float) -> float:
    """log of P(X < x) for X ~ Beta(a, b)."""
    if x <= 0:
        return -inf
    if x >= 1:
        return 0.0
    return _tail(a, b, x, 1 - x) if x <= a / (a + b) else log1mexp(_tail(b, a, 1 - x, x))


def log_upper(a: float, b: float, x: float) -> float:
    """log of P(X > x) for X ~ Beta(a, b)."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return -inf
    return _tail(b, a, 1 - x, x) if x > a / (a + b) else log1mexp(_tail(a, b, x, 1 - x))


def quantile(a: float, b: float, share: float) -> float:
    """The x with P(X < x) = share, by Newton's steps on the log-odds, kept between bounds that close in."""
    if a > b:
        return 1 - quantile(b, a, 1 - share)
    low, high = -700.0, 700.0
    z = log(a / b)
    for _ in range(100):
        x = 1 / (1 + exp(-z))
        miss = exp(log_lower(a, b, x)) - share
        low, high = (low, z) if miss > 0 else (z, high)
        step = miss / max(exp(log_power(a, b, x, 1 - x)), 1e-300)
        if abs(step) < 1e-13 * max(1.0, abs(z)):
            break
        z = z - step if low < z - step < high and abs(step) < 10 else (low + high) / 2
    return 1 / (1 + exp(-z))


def _tail(a: float, b: float, x: float, y: float) -> float:
    """log of P(X < x) where x is not above the mean; y = 1 - x."""
    return log_power(a, b, x, y) + log(_series(a, b, x)) if a < _SERIES else _integral(a, b, x, y)


def _series(a: float, b: float, x: float) -> float:
    """The tail over log_power: 2F1(a+b, 1; a+1; x) / a (DLMF 8.17.8); all terms are positive, so nothing cancels."""
    term = total = 1 / a
    n = 0
    while term > _ENOUGH * total:
        n += 1
        term *= x * (a + b + n - 1) / (a + n)
        total += term
    return total


def _integral(a: float, b: float, x: float, y: float) -> float:
    """The tail by Gauss-Legendre, in strips from the edge outwards, as wide as the density changes there."""
    deviation = sqrt(a * b / (a + b + 1)) / (a + b)
    slope = abs((a - 1) / x - (b - 1) / y)
    width = min(deviation, 1 / slope if slope else deviation, x)
    edge = log_power(a, b, x, y) - log(x) - log(y)
    total, done = 0.0, 0.0  # done: how far from the edge
    nodes = legendre(_POINTS)
    while done < x:
        half = min(width, x - done) / 2
        strip = 0.0
        for node, weight in nodes:
            off = done + half * (1 + node)
            # the density over that at the edge: near it both terms are small, so nothing large cancels
            strip += weight * exp((a - 1) * log1p(-off / x) + (b - 1) * log1p(off / y))
        total += half * strip
        if half * strip < _ENOUGH * total:
            break
        done += 2 * half
    return edge + log(total)


@lru_cache(maxsize=8)
def legendre(count: int) -> tuple[tuple[float, float], ...]:
    """Nodes and weights of Gauss and Legendre for [-1, 1] (Abramowitz and Stegun 25.4.29), by Newton's steps."""
    found = []
    for i in range(count):
        t = cos(pi * (i + 0.75) / (count + 0.5))
        for _ in range(10):
            before, value = 1.0, t
            for n in range(2, count + 1):
                before, value = value, ((2 * n - 1) * t * value - (n - 1) * before) / n
            derivative = count * (t * value - before) / (t * t - 1)
            t -= value / derivative
        found.append((t, 2 / ((1 - t * t) * derivative * derivative)))
    return tuple(found)


def _scale(a: float, b: float) -> float:
    """What log_power is at the mean."""
    return 0.5 * log(a * b / (a + b) / (2 * pi)) + _stirling(a + b) - _stirling(a) - _stirling(b)


def _stirling(z: float) -> float:
    """What Stirling's formula lacks of lgamma(z) (DLMF 5.11.1)."""
    if z < 15:
        return lgamma(z) - ((z - 0.5) * log(z) - z + 0.5 * log(2 * pi))
    w = 1 / (z * z)
    return (1 / 12 - w * (1 / 360 - w * (1 / 1260 - w * (1 / 1680 - w * (1 / 1188 - w * 691 / 360360))))) / z


def _log1pmx(x: float) -> float:
    """log(1 + x) - x without cancellation."""
    if abs(x) > 0.1:
        return log1p(x) - x
    r = x / (2 + x)  # log(1+x) = 2 atanh(r), and x = 2r / (1-r)
    w = r * r
    series = 0.0
    for n in (19, 17, 15, 13, 11, 9, 7, 5, 3):
        series = series * w + 1 / n
    return 2 * r * w * series - r * x
