#!/usr/bin/env python3
"""What `--jobs 2` brings: one mbox made of the mails of a folder, diagnosed with one process and with two.

    python bench/jobs.py FOLDER [MEGABYTES]
"""
from __future__ import annotations

import pathlib
import subprocess
import sys
import tempfile
import time


def make_mbox(folder: pathlib.Path, path: pathlib.Path, size: int) -> int:
    mails = [file.read_bytes().replace(b"\r\n", b"\n").replace(b"\nFrom ", b"\n>From ") for file in sorted(folder.glob("*.eml"))]
    mails = [mail for mail in mails if mail]
    count = 0
    with path.open("wb") as out:
        while out.tell() < size:
            for mail in mails:
                out.write(b"From MAILER-DAEMON Thu Jan  1 00:00:00 2026\n" + mail.removeprefix(b"\n") + b"\n\n")
                count += 1
    return count


def timed(path: pathlib.Path, jobs: int) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "fivefifty", "diagnose", "--jsonl", "--jobs", str(jobs), str(path)], stdout=subprocess.DEVNULL, check=False, timeout=900)
    return time.perf_counter() - start


def main() -> None:
    folder, size = pathlib.Path(sys.argv[1]), int(sys.argv[2] if len(sys.argv) > 2 else 60) * 1_000_000
    with tempfile.TemporaryDirectory() as scratch:
        path = pathlib.Path(scratch) / "bench.mbox"
        count = make_mbox(folder, path, size)
        one, two = [], []
        for _ in range(3):
            one.append(timed(path, 1))
            two.append(timed(path, 2))
        print(f"{count:,} mails, {path.stat().st_size / 1e6:.0f} MB, --jsonl, best of 3")
        print(f"--jobs 1  {min(one):6.1f} s  {count / min(one):8,.0f} mails/s\n--jobs 2  {min(two):6.1f} s  {count / min(two):8,.0f} mails/s  {min(one) / min(two):.2f} x")


if __name__ == "__main__":
    main()
