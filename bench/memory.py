#!/usr/bin/env python3
"""Peak memory of `fivefifty diagnose --summary` on a large mbox (1 GB unless told otherwise), and the time it takes.

    python bench/memory.py FOLDER [MEGABYTES]
"""
from __future__ import annotations

import pathlib
import resource
import subprocess
import sys
import tempfile
import time

from jobs import make_mbox


def main() -> None:
    folder, size = pathlib.Path(sys.argv[1]), int(sys.argv[2] if len(sys.argv) > 2 else 1000) * 1_000_000
    with tempfile.TemporaryDirectory() as scratch:
        path = pathlib.Path(scratch) / "bench.mbox"
        count = make_mbox(folder, path, size)
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "fivefifty", "diagnose", "--summary", "--jobs", "2", str(path)], stdout=subprocess.DEVNULL, check=False, timeout=3600)
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(f"{count:,} mails, {path.stat().st_size / 1e6:,.0f} MB: {seconds:.0f} s, largest process {peak:.0f} MB")


if __name__ == "__main__":
    main()
