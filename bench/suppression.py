#!/usr/bin/env python3
"""Addresses a second that are looked up in a suppression list of a million, beside a plain Python set and `grep -F -x -f`; a tenth of them are on the list.

    python bench/suppression.py [ADDRESSES]

All get the same list and the same addresses; the store reads its list from the disk, the set is filled before the time is taken.
"""
from __future__ import annotations

import pathlib
import subprocess
import sys
import tempfile
import time


def main() -> None:
    from fivefifty import suppress
    from fivefifty.store import open_store

    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    listed = [f"user{n}@d{n % 997}.example" for n in range(number)]
    asked = [f"user{n * 7919 % (10 * number)}@d{n * 7919 % (10 * number) % 997}.example" for n in range(number)]
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        (place / "list.txt").write_text("\n".join(listed) + "\n")
        (place / "asked.txt").write_text("\n".join(asked) + "\n")
        store = open_store(str(place / "store.db"))
        told = {"id": "import", "why": "bench", "since": 1.0, "until": 0.0, "scope": "all", "by": "bench", "added": 1.0, "evidence": []}
        start = time.perf_counter()
        for at in range(0, number, 100_000):
            suppress.add(store, dict.fromkeys(listed[at:at + 100000], told))
        spent = time.perf_counter() - start
        print(f"import              {number / spent:12,.0f} addresses/s  ({spent:.1f} s)")

        known = set(listed)
        start = time.perf_counter()
        theirs = sum(one.strip().lower() in known for one in asked)
        plain = time.perf_counter() - start
        print(f"Python set          {number / plain:12,.0f} addresses/s  ({theirs:,} found)")

        start = time.perf_counter()
        found = subprocess.run(["grep", "-c", "-F", "-x", "-f", str(place / "list.txt"), str(place / "asked.txt")], capture_output=True, text=True, check=False).stdout.strip()
        grep = time.perf_counter() - start
        print(f"grep -F -x -f       {number / grep:12,.0f} addresses/s  ({int(found):,} found)")

        start = time.perf_counter()
        ours = len(store.among(suppress.TABLE, asked))
        bare = time.perf_counter() - start
        print(f"store.among         {number / bare:12,.0f} addresses/s  ({ours:,} found)  {bare / plain:.1f} x the time of the set, {grep / bare:.2f} x as fast as grep")

        start = time.perf_counter()
        ours = 0
        for at in range(0, number, 50_000):
            ours += sum(one.state == "suppressed" for one in suppress.standings(store, asked[at : at + 50_000]))
        whole = time.perf_counter() - start
        print(f"suppress check      {number / whole:12,.0f} addresses/s  ({ours:,} found, with reasons)  {whole / plain:.1f} x the time of the set, {grep / whole:.2f} x as fast as grep")
        store.close()


if __name__ == "__main__":
    main()
