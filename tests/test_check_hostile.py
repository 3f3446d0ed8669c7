"""Answers that mean harm, or that nobody thought of: every audit ends soon, crashes nowhere, and prints nothing that steers a terminal."""
from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time

import pytest

from fivefifty.audit import audit
from fivefifty.model import Subject
from fivefifty.report.findings import render
from fivefifty.report.text import Look
from fivefifty.world.recorded import RecordedWorld

NAME = "example.org"
EVIL = "\x1b[31mred\x07\u202e"
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]")


def includes(depth):
    return {f"d{n}.example.org": {"TXT": [f"v=spf1 include:d{n + 1}.example.org include:d{n + 1}.example.org -all"]} for n in range(depth)}


def big(size):
    """Every kind of big answer, `size` thousand characters or records each."""
    return {
        "TXT of a megabyte": {NAME: {"TXT": ["v=spf1 " + "a" * 1000 * size, "x" * 1000 * size]}},
        "10,000 terms": {NAME: {"TXT": ["v=spf1 " + "ip4:192.0.2.1 " * 1000 * size + "-all"]}},
        "10,000 includes": {NAME: {"TXT": ["v=spf1 " + "include:b.example.org " * 200 * size + "-all"]}},
        "macros": {NAME: {"TXT": ["v=spf1 " + "exists:%{i}.%{l1r-+}.%{d}.example.org " * 100 * size + "-all"]}},
        "thousands of MX": {NAME: {"MX": [f"10 m{n}.example.org" for n in range(100 * size)]}},
        "thousands of NS and TXT": {NAME: {"NS": [f"n{n}.example.org" for n in range(100 * size)], "TXT": [f"t{n}" for n in range(200 * size)]}},
        "a key of 100 kB": {"default._domainkey.example.org": {"TXT": ["v=DKIM1; k=rsa; p=" + "A" * 1000 * size]}},
        "thousands of rua": {"_dmarc.example.org": {"TXT": ["v=DMARC1; p=none; rua=" + ",".join(f"mailto:a@r{n}.example.net" for n in range(100 * size))]}},
        "PTR": {"25.2.0.192.in-addr.arpa": {"PTR": [f"p{n}.example.org" for n in range(100 * size)]}},
    }


ODD = {
    "hostile text": {NAME: {"TXT": [f"v=spf1 {EVIL} -all", EVIL], "MX": ["10 mx.example.org"]}, "_dmarc.example.org": {"TXT": [f"v=DMARC1; p={EVIL}; rua=mailto:{EVIL}@x"]},
                     "_mta-sts.example.org": {"TXT": [f"v=STSv1; id={EVIL}"]}, "default._bimi.example.org": {"TXT": [f"v=BIMI1; l=https://{EVIL}"]}},
    "MX of the root beside others": {NAME: {"MX": ["0 .", "10 mx.example.org"]}}, "MX to itself": {NAME: {"MX": ["10 example.org"]}},
    "MX to an IP": {NAME: {"MX": ["10 192.0.2.1", "20 [2001:db8::1]", "30 https://x/"]}}, "odd labels": {NAME: {"MX": ["10 a..b", f"10 {'x' * 70}.example", "10 sp ace.example".replace(" ace", "\\032ace")]}},
    "a CNAME loop": {NAME: {"CNAME": ["a.example.org"]}, "a.example.org": {"CNAME": [NAME]}},
    "a long CNAME chain": {NAME: {"CNAME": ["c0.example.org"]}} | {f"c{n}.example.org": {"CNAME": [f"c{n + 1}.example.org"]} for n in range(40)},
    "an include loop": {NAME: {"TXT": ["v=spf1 include:example.org redirect=example.org"]}},
    "deep includes": {NAME: {"TXT": ["v=spf1 include:d0.example.org -all"]}} | includes(30),
    "everything times out": {name: {"*": "TIMEOUT"} for name in (NAME, "*.example.org", "*.arpa", "*")},
    "everything is refused": {name: {"*": "REFUSED"} for name in (NAME, "*.example.org", "*.arpa", "*")},
    "TLSA rubbish": {NAME: {"MX": ["10 mx.example.org"]}, "mx.example.org": {"A": ["192.0.2.1"]}, "_25._tcp.mx.example.org": {"TLSA": ["9 9 9 zz", "3 1 1"][:1]}},
}


def run(zones, **more):
    subject = Subject(NAME, ("192.0.2.25", "2001:db8::25"), "mx.example.org", "a@example.org", smtp=False, **more)
    began = time.perf_counter()
    found = asyncio.run(audit(subject, RecordedWorld(zones)))
    return found, time.perf_counter() - began, subject


@pytest.mark.parametrize("name", [*ODD, *big(1)])
def test_no_check_crashes_and_nothing_steers_a_terminal(name):
    found, seconds, subject = run((ODD | big(10))[name])
    assert [one.sentence for one in found if one.outcome == "crashed"] == []
    assert seconds < 10
    for look in (Look(), Look(verbose=True)):
        shown = render(subject, found, look)
        assert not CONTROL.search(shown)
    assert len(render(subject, found, Look())) < 120_000


@pytest.mark.parametrize("name", ["everything times out", "everything is refused"])
def test_what_could_not_be_learned_is_neither_good_nor_bad(name):
    found, _, _ = run(ODD[name])
    said = [(one.check, one.outcome, one.sentence) for one in found if one.outcome in ("pass", "fail", "warn") and one.evidence]
    assert said == []


@pytest.mark.parametrize("name", big(1))
def test_time_grows_no_faster_than_the_answer(name):
    run(big(1)[name])  # what is loaded once is loaded
    small = min(run(big(8)[name])[1] for _ in range(3))
    large = min(run(big(16)[name])[1] for _ in range(3))
    assert large < 4 * small + 0.2


def test_dead_name_servers_end_the_command_in_time():
    """Nothing answers at that port: 30 seconds at most, and the exit code says that nothing could be learned."""
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        began = time.monotonic()
        done = subprocess.run([sys.executable, "-m", "fivefifty", "check", NAME, "--no-smtp", "--timeout", "1", "--resolver", f"127.0.0.1:{silent.getsockname()[1]}"],
                              capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert time.monotonic() - began < 30
    assert done.returncode == 3 and "could not be learned" in done.stdout and "Traceback" not in done.stderr
