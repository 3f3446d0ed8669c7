#!/usr/bin/env python3
"""Time on hostile input by doubling: a factor near 2 is linear, near 4 quadratic.

    python bench/hostile.py
"""
from __future__ import annotations

import time

import fivefifty

HEAD = b"From: MAILER-DAEMON@mx.example.org\nSubject: Undelivered Mail Returned to Sender\nReturn-Path: <>\n"


def html(filler: bytes, size: int) -> bytes:
    return HEAD + b"Content-Type: text/html\n\n<p>could not be delivered: u@example.net " + filler * (size // len(filler))


def plain(filler: bytes, size: int) -> bytes:
    return HEAD + b"\ncould not be delivered:\n<u@example.net>: " + filler * (size // len(filler))


def nested(_: bytes, size: int) -> bytes:
    return HEAD + b"".join(b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n) for n in range(size // 50))


def recipients(_: bytes, size: int) -> bytes:
    group = b"\nFinal-Recipient: rfc822; u%d@example.net\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 User unknown\n"
    return HEAD + b'Content-Type: multipart/report; boundary="b"\n\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; a\n' + b"".join(group % n for n in range(size // 120)) + b"\n--b--\n"


CASES = (("<style in HTML", html, b"<style "), ("> in HTML", html, b">"), ("> in text", plain, b">"), ("host … said:", plain, b"host a[192.0.2.1] said: "), ("addresses", plain, b"a@example.org "), ("reply codes", plain, b"550 5.1.1 "),
         ("spaces", plain, b" "), ("nested parts", nested, b""), ("recipients", recipients, b""))


def seconds(mail: bytes) -> float:
    best = float("inf")
    for _ in range(3):
        start = time.perf_counter()
        fivefifty.diagnose(mail)
        best = min(best, time.perf_counter() - start)
    return best


def main() -> None:
    fivefifty.diagnose(HEAD)
    print(f"{'input':16}" + "".join(f"{size / 1e6:>9.2f} MB" for size in (250_000, 500_000, 1_000_000)) + "   factor of the last doubling")
    for name, make, filler in CASES:
        times = [seconds(make(filler, size)) for size in (250_000, 500_000, 1_000_000)]
        print(f"{name:16}" + "".join(f"{took * 1000:9.1f} ms" for took in times) + f"   {times[-1] / times[-2]:.1f}")


if __name__ == "__main__":
    main()
