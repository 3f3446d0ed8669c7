#!/usr/bin/env python3
"""DMARC aggregate reports: rows a second of a large one, small ones a second, and memory on a directory, beside parsedmarc on the same files.

    python bench/dmarc_reports.py [ROWS]

Needs parsedmarc (PyPI).  Each program reads in a process of its own, offline (no DNS, no GeoIP download); the best of two alternating rounds counts.
"""
from __future__ import annotations

import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

ROUNDS, SMALL = 2, 1_000
HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<feedback><version>1.0</version><report_metadata><org_name>receiver.example</org_name><email>dmarc@receiver.example</email><report_id>{id}</report_id>
<date_range><begin>1793577600</begin><end>1793663999</end></date_range></report_metadata>
<policy_published><domain>example.com</domain><adkim>r</adkim><aspf>r</aspf><p>none</p><sp>none</sp><pct>100</pct></policy_published>
"""
ROW = """<record><row><source_ip>192.0.2.{o}</source_ip><count>{n}</count><policy_evaluated><disposition>none</disposition><dkim>pass</dkim><spf>{r}</spf></policy_evaluated></row>
<identifiers><header_from>example.com</header_from><envelope_from>b{o}.example.com</envelope_from></identifiers>
<auth_results><dkim><domain>example.com</domain><selector>s{o}</selector><result>pass</result></dkim><spf><domain>b{o}.example.com</domain><scope>mfrom</scope><result>{r}</result></spf></auth_results></record>
"""


def report(id: str, rows: int) -> str:
    return HEAD.format(id=id) + "".join(ROW.format(o=n % 250 + 1, n=n % 37 + 1, r="pass" if n % 3 else "fail") for n in range(rows)) + "</feedback>\n"


def peer(paths: list[str]) -> int:
    import parsedmarc

    found = 0
    for path in paths:
        told = parsedmarc.parse_report_file(path, offline=True, always_use_local_files=True)["report"]
        found += len(told["records"])
    return found


def ours(paths: list[str]) -> int:
    from fivefifty.feeds import Setting
    from fivefifty.feeds.reports.dmarc import reader
    from fivefifty.model import Event
    from fivefifty.sources import Mail
    from fivefifty.sources.whole import documents

    read = reader(Setting(now=time.time()))
    return sum(isinstance(event, Event) for one in documents(paths, mails=False) if isinstance(one, Mail) for event in read.read(one.content, one.where, {}))


def alone(which: str, paths: list[str]) -> tuple[float, int, float]:
    """(seconds, rows, peak MB) of one program in its own process; imports are not timed."""
    done = subprocess.run([sys.executable, __file__, "--alone", which, *paths], capture_output=True, text=True, check=True, timeout=600)
    seconds, rows, peak = json.loads(done.stdout.splitlines()[-1])
    return seconds, rows, peak


def child(which: str, paths: list[str]) -> None:
    if which == "peer":
        import logging

        logging.disable(logging.CRITICAL)
    work = {"peer": peer, "ours": ours}[which]
    files = [str(one) for path in paths for one in (sorted(pathlib.Path(path).iterdir()) if pathlib.Path(path).is_dir() else [path])]
    work(files[:1])  # imports and caches
    start = time.perf_counter()
    rows = work(files)
    print(json.dumps([time.perf_counter() - start, rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))


def side_by_side(what: str, paths: list[str], unit: str, number: int) -> None:
    best = {"peer": (9e9, 0, 0.0), "ours": (9e9, 0, 0.0)}
    for _ in range(ROUNDS):
        for which in best:
            best[which] = min(best[which], alone(which, paths))
    assert best["peer"][1] == best["ours"][1], best
    speed = {which: number / one[0] for which, one in best.items()}
    print(f"{what}: fivefifty {speed['ours']:,.0f} {unit}/s ({best['ours'][2]:.0f} MB), parsedmarc {speed['peer']:,.0f} {unit}/s ({best['peer'][2]:.0f} MB): {speed['ours'] / speed['peer']:.1f} x")


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "large.xml").write_text(report("large", rows))
        side_by_side(f"one report of {rows:,} rows", [str(folder / "large.xml")], "rows", rows)
        small = folder / "small"
        small.mkdir()
        for n in range(SMALL):
            (small / f"{n}.xml").write_text(report(f"s{n}", 3))
        side_by_side(f"{SMALL:,} reports of 3 rows", [str(small)], "reports", SMALL)
        many = folder / "many"
        many.mkdir()
        for n in range(5_000):
            (many / f"{n}.xml").write_text(report(f"m{n}", 20))
        seconds, found, peak = alone("ours", [str(many)])
        print(f"a directory of 5,000 reports, {found:,} rows: {seconds:.1f} s, peak {peak:.0f} MB")


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] == "--alone":
        child(sys.argv[2], sys.argv[3:])
    else:
        main()
