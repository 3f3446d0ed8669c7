"""Bounces come from strangers: no input raises, none costs more than its size allows."""
import random
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fivefifty

ROOT = Path(__file__).parent
REAL = sorted([*ROOT.glob("cases/*/input.*"), *ROOT.parent.glob("examples/*.*")])

HEAD = b"From: MAILER-DAEMON@mx.example.org\nTo: a@example.com\nSubject: Undelivered Mail Returned to Sender\nReturn-Path: <>\n"


def dsn(recipients: int) -> bytes:
    groups = b"".join(b"\nFinal-Recipient: rfc822; u%d@example.net\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 User unknown\n" % n for n in range(recipients))
    return HEAD + b'MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n--b\n\nsorry\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n' + groups + b"\n--b--\n"


def nested(depth: int) -> bytes:
    parts = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(depth))
    return HEAD + b"MIME-Version: 1.0\n" + parts + b"\n550 5.1.1 <u@example.net>: User unknown\n"


def many_parts(count: int) -> bytes:
    return HEAD + b'Content-Type: multipart/mixed; boundary="b"\n\n' + b"--b\nContent-Type: text/plain\n\nx\n" * count + b"--b--\n"


def forwarded(depth: int) -> bytes:
    return (HEAD + b"Content-Type: message/rfc822\n\n") * depth + dsn(1)


def text_mail(filler: bytes) -> bytes:
    return HEAD + b"Content-Type: text/plain\n\nCould not be delivered:\n\n<u@example.net>: " + filler + b"\n"


def html_mail(filler: bytes) -> bytes:
    return HEAD + b"Content-Type: text/html\n\n<p>Could not be delivered: u@example.net" + filler + b"\n"


FILLERS = [
    b"<style ", b">", b"<", b"&#", b"a@", b"@", b"said: ", b"550 ", b"550-5.1.1 ", b"->", b"(", b"host a[1.2.3.4] said: ", b"\n", b" \n", b"\t", b"=?", b"=?utf-8?q?", b"<<< ", b">>> ",
    b"--b\n", b"x: y\n", b"smtp;", b"5.1.1 ", b"Final-Recipient: ", b"To: <a@b.c>\n", b"From ", b"Received: x\n", b"1:", b"1.1.1.1 ", b"undeliverable address: ", b"last error: ", b"\xe3\x81\x82", b"\xff", b"user unknown ", b"{", b'"', b"'", b"\\x{41}",
    b"> ", b"recipients (a@b.c:x ", b"in reply to ", b"remote server returned '", b"=\n", b"AAAA\n", b"Content-Type: message/delivery-status\n\n", b"Subject: x\nFrom: y\n", b"\x1b$B",
]


@pytest.mark.parametrize("mail", [dsn(10_000), nested(2_000), many_parts(2_000), forwarded(200)], ids=["10,000 recipients", "2,000 nested parts", "2,000 parts", "200 forwards"])
def test_huge_structures_end_soon(mail):
    start = time.perf_counter()
    verdicts = fivefifty.diagnose(mail)
    assert time.perf_counter() - start < 20
    assert len(verdicts) <= 10_000


def test_ten_thousand_recipients_are_all_told():
    verdicts = fivefifty.diagnose(dsn(10_000))
    assert len({verdict.failure.final_recipient for verdict in verdicts}) == 10_000


def test_a_large_attachment_does_not_hide_the_bounce():
    import base64

    blob = base64.encodebytes(random.Random(1).randbytes(18_000_000))
    mail = dsn(1).replace(b"\n--b--\n", b"\n--b\nContent-Type: message/rfc822\n\nSubject: big\nMessage-ID: <m@example.com>\nContent-Transfer-Encoding: base64\n\n" + blob + b"\n--b--\n")
    assert len(mail) > 24_000_000
    start = time.perf_counter()
    verdict, = fivefifty.diagnose(mail)
    assert time.perf_counter() - start < 5
    assert verdict.cause == "address.unknown"
    assert verdict.failure.message_id == "m@example.com"


def seconds(data) -> float:
    best = float("inf")
    for _ in range(2):
        start = time.perf_counter()
        fivefifty.diagnose(data)
        best = min(best, time.perf_counter() - start)
    return best


@pytest.mark.parametrize("make", [text_mail, html_mail, lambda filler: filler, lambda filler: HEAD + b"X-Long: " + filler + b"\n\nbody", lambda filler: dsn(1).replace(b"User unknown", filler.replace(b"\n", b" "))], ids=["text", "html", "pasted", "header", "diagnostic"])
@pytest.mark.parametrize("filler", FILLERS, ids=[repr(filler)[2:-1] for filler in FILLERS])
def test_time_grows_with_size_and_not_faster(make, filler):
    """Twice the size may cost twice the time; four times would be quadratic.  Small times are noise and not compared."""
    size = 250_000
    small = seconds(make(filler * (size // len(filler))))
    if small < 0.02:
        size, small = 1_000_000, seconds(make(filler * (1_000_000 // len(filler))))
    if small < 0.05:
        return
    large = seconds(make(filler * (2 * size // len(filler))))
    assert large < 3.2 * small + 0.02, f"{small:.3f} s for {size} bytes, {large:.3f} s for twice as many"
    assert large < 10


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=3000))
def test_any_bytes(data):
    fivefifty.diagnose(data)
    fivefifty.diagnose(HEAD + b"\n" + data)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(max_size=2000))
def test_any_text(text):
    for verdict in fivefifty.diagnose(text):
        assert verdict.fix.steps


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from([*FILLERS, HEAD, dsn(1), b"550 5.1.1 user unknown\n", b"421 4.7.0 try again\n"]), max_size=12))
def test_any_mixture_of_what_parsers_trip_over(pieces):
    fivefifty.diagnose(b"".join(pieces))
    fivefifty.diagnose(HEAD + b"".join(pieces))


def mutate(data: bytes, dice: random.Random) -> bytes:
    for _ in range(dice.randint(1, 6)):
        at, to = sorted((dice.randint(0, len(data)), dice.randint(0, len(data))))
        how = dice.randint(0, 6)
        if how == 0:
            data = data[:at] + data[to:]
        elif how == 1:
            data = data[:at] + dice.randbytes(dice.randint(1, 8)) + data[at:]
        elif how == 2:
            data = data[:at] + data[at : min(to, at + 2000)] * 2 + data[at:]
        elif how == 3:
            data = data[:at] + dice.choice(FILLERS) * dice.randint(1, 30) + data[at:]
        elif how == 4:
            data = data[:at]
        elif how == 5:
            data = data.replace(b"\n", dice.choice([b"\r\n", b"\r", b"\n\n", b""]), dice.randint(1, 50))
        else:
            data = data[at:]
        if len(data) > 200_000:
            data = data[:200_000]
    return data


@pytest.mark.parametrize("seed", range(8))
def test_mutated_real_bounces(seed):
    dice = random.Random(seed)
    for _ in range(250):
        data = mutate(dice.choice(REAL).read_bytes(), dice)
        for verdict in fivefifty.diagnose(data):
            assert verdict.cause and verdict.fix.steps
        fivefifty.diagnose(data.decode("utf-8", "replace"))
