#!/usr/bin/env python3
"""The test behind alarms, simulated: looked at after every mail, how often it cries wolf, and how soon it speaks; beside the usual ways of looking.

    python bench/rates.py [RUNS]
"""
from __future__ import annotations

import random
import sys
from math import log
from statistics import median

from fivefifty.plan.rates import log_e, lower_bound

MAILS, LIMIT = 5_000, 0.05


def least(mails: int, alarms: object) -> list[int]:
    """The fewest failures that alarm, for every number of mails; they only rise with it."""
    assert callable(alarms)
    found, k = [1], 1
    for n in range(1, mails + 1):
        while k <= n and not alarms(k, n):
            k += 1
        found.append(k)
    return found


def run(needed: list[int], rate: float, runs: int, seed: int) -> tuple[float, float]:
    """(share of runs that ever alarm, median mail of those)."""
    chance, at = random.Random(seed), []
    for _ in range(runs):
        k = 0
        for n in range(1, MAILS + 1):
            k += chance.random() < rate
            if k >= needed[n]:
                at.append(n)
                break
    return len(at) / runs, median(at) if at else 0


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    ways = {
        "this test (ratio >= 20)": least(MAILS, lambda k, n: log_e(k, n, LIMIT) >= log(20)),
        "k/n > 5 % from 100 mails on": least(MAILS, lambda k, n: n >= 100 and k / n > LIMIT),
        "interval of one look (Jeffreys, 95 %)": least(MAILS, lambda k, n: lower_bound(k, n) > LIMIT),
    }
    print(f"alarm \"above 5 %\", looked at after each of {MAILS:,} mails, {runs} runs each: share of runs that ever alarm (median mail)")
    print(f"{'true rate':<12}" + "".join(f"{name:>40}" for name in ways))
    for rate in (0.01, 0.03, 0.05, 0.08, 0.10, 0.15, 0.25):
        told = [run(needed, rate, runs, int(rate * 1000)) for needed in ways.values()]
        print(f"{rate:<12.0%}" + "".join(f"{f'{share:.1%} ({at:,.0f})':>40}" for share, at in told))


if __name__ == "__main__":
    main()
