#!/usr/bin/env python3
"""The story: how often "one provider or all?" is answered right, and how long a day of a store of ten million events takes.

    python bench/story.py [RUNS]

Six providers with 45, 25, 12, 8, 6 and 4 % of the mail, ordinary rate 2 %.  Beside it the rule people use ("the provider with 80 % of the failures is it").
"""
from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import store as bench_store

from fivefifty.story import FAILURES, Tally, _evidence, _Look, _weighed

SHARES = (45, 25, 12, 8, 6, 4)
CASES: dict[str, tuple[Callable[[int, int], float], set[str]]] = {
    "one provider, 70 %": (lambda value, target: 0.7 if value == target else 0.02, {"one"}),
    "all, 60 %": (lambda value, target: 0.6, {"all"}),
    "bad list, 25 %": (lambda value, target: 0.25, {"all", "mixed"}),
    "healthy": (lambda value, target: 0.02, {"none"}),
}


def drawn(sends: int, rate: Callable[[int, int], float], target: int, chance: random.Random) -> dict[str, Tally]:
    values: dict[str, Tally] = {}
    for value in chance.choices(range(6), SHARES, k=sends):
        one = values.setdefault(f"p{value}", Tally())
        one.mails += 1
        one.failed += chance.random() < rate(value, target)
    return values


def ours(values: dict[str, Tally]) -> tuple[str, str]:
    look = _Look("provider", values)
    look.logs, look.best, look.best_log = _evidence(values, FAILURES)
    posteriors, _ = _weighed([look])
    return max(posteriors, key=lambda scope: posteriors[scope]), look.best


def rule(values: dict[str, Tally]) -> tuple[str, str]:
    failed, mails = sum(one.failed for one in values.values()), sum(one.mails for one in values.values())
    first = max(values, key=lambda value: values[value].failed)
    if not failed or failed / mails < 0.05:
        return "none", ""
    return ("one", first) if values[first].failed >= 0.8 * failed else ("all", "")


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    print(f"right verdict (and right provider), {runs} runs each: this story / \"80 % of the failures\"")
    for sends in (20, 50, 100, 300):
        told = []
        for name, (rate, wanted) in CASES.items():
            chance, right = random.Random(sends), [0, 0]
            for _ in range(runs):
                target = chance.choices(range(6), SHARES)[0]
                values = drawn(sends, rate, target, chance)
                for at, verdict in enumerate((ours(values), rule(values))):
                    right[at] += verdict[0] in wanted and (verdict[0] != "one" or verdict[1] == f"p{target}")
            told.append(f"{name} {right[0] / runs:.0%} / {right[1] / runs:.0%}")
        print(f"  {sends:>4} sends: " + ", ".join(told))
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/large.db"
        bench_store.ours(path, 1_000_000)
        total = bench_store.enlarge(path, 1_000_000)
        best = 9e9
        for _ in range(3):
            start = time.perf_counter()
            done = subprocess.run([sys.executable, "-m", "fivefifty", "story", "--since", "2026-11-02", "--until", "2026-11-03", "--store", path], capture_output=True, text=True, check=False)
            best = min(best, time.perf_counter() - start)
        print(f"a store of {total:,} events, the story of one day of 1,000,000: {best:.2f} s, the whole command")
        print(done.stdout.splitlines()[0])


if __name__ == "__main__":
    main()
