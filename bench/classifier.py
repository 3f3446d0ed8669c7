#!/usr/bin/env python3
"""Lines a second of the text classifier alone: a reply text in, rule and cause out.

    python bench/classifier.py [FILE]      one reply text a line; without FILE the rules' own examples
"""
from __future__ import annotations

import pathlib
import sys
import time
import tomllib

from fivefifty.knowledge import SHIPPED, rulebook
from fivefifty.parse.reply import codes_of
from fivefifty.rules import Context, fold

ROUNDS = 5


def examples() -> list[str]:
    found = []
    for path in sorted((SHIPPED / "rules").glob("*.toml")):
        for rule in tomllib.loads(path.read_text(encoding="utf-8")).get("rule", ()):
            found += [one if isinstance(one, str) else one["text"] for one in rule["examples"]]
    return found


def classify(lines: list[str]) -> int:
    book, fitted = rulebook(), 0
    for line in lines:
        reply_code, status = codes_of(line)
        fitted += book.match(fold(line), Context(status, reply_code)) is not None
    return fitted


def main() -> None:
    lines = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8", errors="replace").splitlines() if len(sys.argv) > 1 else examples()
    best, fitted = float("inf"), classify(lines)
    for _ in range(ROUNDS):
        start = time.perf_counter()
        classify(lines)
        best = min(best, time.perf_counter() - start)
    size = sum(map(len, lines)) / len(lines)
    print(f"{len(lines):,} texts of {size:.0f} characters on average, {fitted / len(lines):.0%} fitted by a rule, best of {ROUNDS} rounds")
    print(f"{len(lines) / best:,.0f} lines/s, {best / len(lines) * 1e6:.1f} µs a line")


if __name__ == "__main__":
    main()
