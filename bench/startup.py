#!/usr/bin/env python3
"""Start-up: whole processes, best of ten, over a bare Python.

    python bench/startup.py
"""
from __future__ import annotations

import pathlib
import subprocess
import sys
import time

EXAMPLE = pathlib.Path(__file__).parent.parent / "examples" / "barracuda-blocked.eml"


def best(*arguments: str) -> float:
    times = []
    for _ in range(10):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=False)
        times.append(time.perf_counter() - start)
    return min(times) * 1000


def main() -> None:
    bare = best("-c", "pass")
    print(f"python -c pass                      {bare:5.0f} ms")
    for name, arguments in (("fivefifty --help", ("--help",)), ("fivefifty code 5.7.350", ("code", "5.7.350")), ("fivefifty diagnose examples/….eml", ("diagnose", str(EXAMPLE)))):
        took = best("-m", "fivefifty", *arguments)
        print(f"{name:35} {took:5.0f} ms, {took - bare:5.0f} ms over bare Python")


if __name__ == "__main__":
    main()
