#!/usr/bin/env python3
"""Mails a second, from bytes in memory to verdict, beside flufl.bounce and Sisimai in the same run.

    python bench/messages.py FOLDER [FOLDER…]      (mails as files: *.eml)

Needs flufl.bounce (PyPI, extra `bench`) and, for Sisimai, Debian's libsisimai-perl; a peer that is not there is named and left out.
The three take turns, five rounds each, and the best round counts: what else the machine does slows all of them.
"""
from __future__ import annotations

import argparse
import contextlib
import email
import logging
import pathlib
import shutil
import subprocess
import sys
import time

import fivefifty

PERL = r"""
use strict; use Sisimai; use Time::HiRes qw(time);
my @mails; for my $name (@ARGV) { local $/; open my $file, '<:raw', $name or next; push @mails, scalar <$file>; }
my $start = time; for my $mail (@mails) { my $copy = $mail; eval { Sisimai->make(\$copy) }; }
printf "%.9f\n", time - $start;
"""


def ours(mails: list[bytes]) -> float:
    start = time.perf_counter()
    for mail in mails:
        fivefifty.diagnose(mail)
    return time.perf_counter() - start


def flufl(mails: list[bytes]) -> float:
    from flufl.bounce import scan_message

    logging.disable()  # it logs a traceback where it fails: not its work
    start = time.perf_counter()
    for mail in mails:
        with contextlib.suppress(Exception):  # the peer fails on some mails; its time counts all the same
            scan_message(email.message_from_bytes(mail))
    return time.perf_counter() - start


def sisimai(names: list[str]) -> float:
    done = subprocess.run(["perl", "-e", PERL, *names], capture_output=True, text=True, timeout=300)
    return float(done.stdout.strip() or "nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="+", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    names = [str(path) for folder in args.folder for path in sorted(folder.glob("*.eml"))]
    if not names:
        sys.exit("no *.eml in the folders named")
    mails = [pathlib.Path(name).read_bytes() for name in names]
    has_perl = shutil.which("perl") and subprocess.run(["perl", "-MSisimai", "-e", "1"], capture_output=True).returncode == 0
    best = {"fivefifty": float("inf")}
    ours(mails)  # loads the rulebook
    for _ in range(args.rounds):
        best["fivefifty"] = min(best["fivefifty"], ours(mails))
        with contextlib.suppress(ImportError):
            best["flufl.bounce"] = min(best.get("flufl.bounce", float("inf")), flufl(mails))
        if has_perl:
            best["Sisimai"] = min(best.get("Sisimai", float("inf")), sisimai(names))
    size = sum(map(len, mails))
    print(f"{len(mails)} mails, {size / len(mails):,.0f} bytes on average, best of {args.rounds} rounds")
    for name, seconds in best.items():
        print(f"{name:14} {len(mails) / seconds:8,.0f} mails/s  {seconds / len(mails) * 1e6:7,.0f} µs a mail  {seconds / best['fivefifty']:5.1f} x our time")
    for name in ("flufl.bounce", "Sisimai"):
        if name not in best:
            print(f"{name:14} not installed here")


if __name__ == "__main__":
    main()
