"""Templates: what changes from mail to mail goes, what means something stays."""
from __future__ import annotations

import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fivefifty import template as module
from fivefifty.template import MAX_TEXT, reduced, template_of

CASES = [
    ("550 5.1.1 <jane@example.org>: unknown (id 4Kq0Yb1z2c)", "550 5.1.1 <recipient>: unknown (id <id>)"),
    ("550-5.1.1 The account does not exist. 550 5.1.1 https://support.google.com/mail/?p=NoSuchUser d2e1a72fcca58-20020a17090a1234si1234567ede.12 - gsmtp",
     "550-5.1.1 The account does not exist. 550 5.1.1 https://support.google.com/mail/?p=NoSuchUser <id> - gsmtp"),
    ("550 5.5.0 unavailable (S2017062302). [AM9PR04MB1234.eurprd04.prod.exchangelabs.com 2026-11-02T10:00:00.123Z 08DE4A3B2C1D0E0F]", "550 5.5.0 unavailable (S2017062302). [<host>.prod.exchangelabs.com <time> <id>]"),
    ("421 4.7.0 [TSS04] Messages from 198.51.100.7 temporarily deferred due to user complaints - 4.16.55.1", "421 4.7.0 [TSS04] Messages from <ip> temporarily deferred due to user complaints - 4.16.55.1"),
    ("550 5.7.1 [192.0.2.9] is on our block list (S3150). AUP#I-1000, RFC 5322, OU-001", "550 5.7.1 [<ip>] is on our block list (S3150). AUP#I-1000, RFC 5322, OU-001"),
    ("552 5.2.2 quota exceeded by 12345 bytes", "552 5.2.2 quota exceeded by <number> bytes"),
    ("450 Greylisted, try again in 17 seconds", "450 Greylisted, try again in <number> seconds"),
    ("450 see http://postgrey.example.net/help/example.org.html", "450 see http://postgrey.example.net/help/<domain>.html"),
    ("connect to mx1.example.org[2001:db8::1]:25: Connection timed out", "connect to <host>[<ip>]:25: Connection timed out"),
    ("host gmail-smtp-in.l.google.com[192.0.2.1] said: 421 later", "host <host>.google.com[<ip>] said: 421 later"),
    ("550 No user 'jane' at example.org", "550 No user '<local>' at <domain>"),
    ("550 refused by mta1234.mail.bf1.yahoo.com", "550 refused by <host>.yahoo.com"),
    ("550 https://x.example/?token=9f86d081-884c-7d65-9a2f-eaa0c55ad015&to=jane%40example.org", "550 https://x.example/?token=<id>&to=<recipient>"),
    ("450 at Mon, 02 Nov 2026 10:41:08 +0100 try later", "450 at <time> try later"),
    ("554 5.7.1 listed: 127.0.0.10 by zen.spamhaus.org", "554 5.7.1 listed: 127.0.0.10 by zen.spamhaus.org"),
    ("550 from <someone@else.example> to JANE@Example.ORG", "550 from <<address>> to <recipient>"),
]


def examples() -> list[str]:
    found = []
    for path in sorted((Path(module.__file__).parent / "knowledge" / "rules").glob("*.toml")):
        for rule in tomllib.loads(path.read_text(encoding="utf-8")).get("rule", ()):
            found += [one["text"] if isinstance(one, dict) else one for one in rule.get("examples", ())]
    return found


@pytest.mark.parametrize("text, template", CASES)
def test_cases(text, template):
    assert template_of(text, "jane@example.org") == template


def test_a_template_is_its_own_template():
    for text in examples():
        once = template_of(text, "jane@example.org")
        assert template_of(once, "jane@example.org") == once == template_of(once)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="aB3.-@[]<>:/=% \n24571,;()_xé", max_size=80))
def test_a_template_of_anything_is_its_own(text):
    once = template_of(text)
    assert template_of(once) == once


@pytest.mark.parametrize("text", [
    "550 5.1.1 <{r}>: user unknown", "550 {r} no such user", "550 5.1.1 user {l} of {d} unknown", "host mx{n}.{d}[192.0.2.{n}] said: 552 5.2.2 <{r}>: over quota (in reply to RCPT TO command)",
    "450 4.7.1 <{r}>: greylisted, http://help.example/{d}.html", "Name service error for name={d} type=A",
])
def test_the_same_words_about_two_recipients_are_one_template(text):
    found = {template_of(text.format(r=recipient, l=recipient.partition("@")[0], d=recipient.partition("@")[2].lower(), n=number), recipient)
             for number, recipient in enumerate(("jane@example.org", "j.doe+x@mail7.example.net", "KATE77@Example.com", "o'neil@d17.example", "x_1@a.b.c.example"), 1)}
    assert len(found) == 1, found


@pytest.mark.parametrize("recipient", ["a@outlook.com", "a@olc.protection.outlook.com", "a@example.net"])
@pytest.mark.parametrize("host", ["outlook-com.olc.protection.outlook.com", "mx1.example.net", "example.net"])
def test_a_known_peer_makes_no_difference(host, recipient):
    text = f"host {host}[192.0.2.1] said: 550 no (in reply to RCPT TO command)"
    assert reduced(text, recipient, f"{host}[192.0.2.1]").template == template_of(text, recipient)
    assert template_of(template_of(text, recipient), recipient) == template_of(text, recipient)


def test_an_ordinary_word_as_local_part_stays():
    assert template_of("550 user unknown", "user@example.org") == "550 user unknown"


def test_another_address_that_ends_alike_is_not_the_recipient():
    assert template_of("550 mary.jane@example.org", "jane@example.org") == "550 <address>"


def test_length_is_bounded():
    assert len(template_of("550 no " * 5_000)) <= MAX_TEXT


@pytest.mark.parametrize("unit", ["a1-", "1.", "a@", "[1", "1:", "<", "::", "a.", "x1@y.", "%40", "2026-", "[:"])
def test_time_is_linear(unit):
    def spent(number: int) -> float:
        text = unit * number
        module._PIECES.clear()
        start = time.process_time()
        template_of(text, "a1@y.x")
        return time.process_time() - start

    spent(100)
    assert spent(200_000) < 0.5


def test_what_is_remembered_is_bounded():
    for number in range(3 * module.REMEMBERED):
        module._PIECES[f"x{number}"]
    assert len(module._PIECES) <= module.REMEMBERED
