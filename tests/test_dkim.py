"""DKIM verification: what passes, and which part is said to have failed."""
from __future__ import annotations

import asyncio
import re
import time
from datetime import UTC, datetime

import pytest
from dkim_signer import ed25519_key, record, rsa_key, sign
from hypothesis import given, settings
from hypothesis import strategies as st

from fivefifty.mailauth import dkim
from fivefifty.mailauth.message import link_domains, split
from fivefifty.mailauth.signature import canonical_body, canonical_field
from fivefifty.world.recorded import RecordedWorld

MAIL = b"""From: Ann <ann@example.org>
To: Bob <bob@example.com>
Subject: Hello  there
 friend
Date: Thu, 1 Jan 2026 00:00:00 +0000
Message-ID: <1@example.org>

Dear Bob,

 how  are you? \t
Ann


""".replace(b"\n", b"\r\n")
KEY = rsa_key()
PLAIN = record(KEY)


def verify(message, text=PLAIN, name="s1._domainkey.example.org", **kwargs):
    zones = {name: {"TXT": text if isinstance(text, list) else [text]}} if text else {"example.org": {}}
    return asyncio.run(dkim.verify(message, RecordedWorld(zones), **kwargs))


def only(message, text=PLAIN, **kwargs):
    (one,) = verify(message, text, **kwargs)
    return one


@pytest.mark.parametrize("form", ["simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed", "relaxed", "simple"])
@pytest.mark.parametrize("private", [KEY, ed25519_key()], ids=["rsa", "ed25519"])
def test_good_signatures_pass_with_either_line_end(form, private):
    signed = sign(MAIL, private, form=form)
    assert only(signed, record(private)).result == "pass"
    assert only(signed.replace(b"\r\n", b"\n"), record(private)).result == "pass"


@pytest.mark.parametrize("body", [b"", b"\r\n", b"\r\n\r\n", b"no end", b" \t ", b"a \r\n\r\n \r\n", b"\r\r\n"])
@pytest.mark.parametrize("form", ["simple/simple", "relaxed/relaxed"])
def test_odd_bodies(body, form):
    message = MAIL.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + body
    assert only(sign(message, KEY, form=form)).result == "pass"


def test_a_changed_body():
    one = only(sign(MAIL, KEY).replace(b"Dear", b"Poor"))
    assert (one.result, one.part, one.body_matches, one.signature_matches) == ("fail", "body", False, True)


def test_a_changed_header():
    one = only(sign(MAIL, KEY).replace(b"Hello", b"Hullo"))
    assert (one.result, one.part, one.body_matches, one.signature_matches) == ("fail", "signature", True, False)


def test_relaxed_bears_what_simple_does_not():
    for form, result in (("relaxed/relaxed", "pass"), ("simple/simple", "fail")):
        assert only(sign(MAIL, KEY, form=form).replace(b"Subject: Hello  there\r\n friend", b"subject:Hello there friend")).result == result


def test_added_fields():
    signed = sign(MAIL, KEY)
    assert only(b"Received: by mx.example.com\r\n" + signed).result == "pass"
    assert only(b"Subject: other\r\n" + signed).result == "pass"  # on top of the signed one, which is at the bottom
    assert only(b"From: Eve <eve@example.net>\r\n" + signed).reason_id == "from_added"
    over = sign(MAIL, KEY, names=("From", "From", "Subject", "Subject"))
    assert only(over).result == "pass"
    assert only(b"Subject: other\r\n" + over).result == "fail"


def test_length():
    signed = sign(MAIL, KEY, extra="l=10;")
    assert only(signed + b"\r\nfooter").result == "pass"
    assert only(sign(MAIL, KEY, extra="l=9999;")).reason_id == "body_short"


@pytest.mark.parametrize("extra, at, result, reason", [
    ("t=1767225600; x=1767312000;", datetime(2026, 1, 1, 12, tzinfo=UTC), "pass", ""),
    ("t=1767225600; x=1767312000;", datetime(2026, 1, 9, tzinfo=UTC), "policy", "expired"),
    ("t=1767312000; x=1767225600;", None, "permerror", "expiration"),
    ("t=soon;", None, "permerror", "number"),
    ("l=-1;", None, "permerror", "number"),
    ("i=ann@mail.example.org;", None, "pass", ""),
    ("i=@example.net;", None, "permerror", "identity"),
    ("i=@badexample.org;", None, "permerror", "identity"),
    ("q=dns/txt;", None, "pass", ""),
    ("q=http:dns/txt;", None, "pass", ""),
    ("q=http;", None, "neutral", "query"),
    ("zz=whatever;", None, "pass", ""),
    ("d=example.net;", None, "permerror", "syntax"),
    (";", None, "permerror", "syntax"),
])
def test_tags_of_the_signature(extra, at, result, reason):
    one = only(sign(MAIL, KEY, extra=extra), at=at)
    assert (one.result, one.reason_id) == (result, reason)


@pytest.mark.parametrize("old, new, result", [
    (b"v=1; ", b"", "permerror"), (b"v=1;", b"v=2;", "neutral"), (b"a=rsa-sha256", b"a=rsa-sha512", "neutral"), (b"c=relaxed/relaxed", b"c=none", "neutral"),
    (b"d=example.org", b"d=", "permerror"), (b"s=s1", b"s=a b", "permerror"), (b"d=example.org", b"d=example.org(.example.net", "permerror"),
    (b"bh=", b"bh=*", "permerror"), (b"h=From:", b"h=", "permerror"), (b"; b=", b"; b=?", "permerror"),
])
def test_broken_signatures(old, new, result):
    assert only(sign(MAIL, KEY).replace(old, new, 1)).result == result


@pytest.mark.parametrize("extra, result, reason", [
    ("t=y; ", "pass", ""), ("h=sha1; ", "permerror", "key_hash"), ("h=sha1:sha256; ", "pass", ""), ("s=tlsrpt; ", "permerror", "key_service"), ("s=email; ", "pass", ""),
])
def test_tags_of_the_key(extra, result, reason):
    one = only(sign(MAIL, KEY), record(KEY, extra))
    assert (one.result, one.reason_id, one.testing) == (result, reason, "t=y" in extra)


def test_strict_keys_want_the_domain_itself():
    strict = record(KEY, "t=s; ")
    assert only(sign(MAIL, KEY), strict).result == "pass"
    assert only(sign(MAIL, KEY, extra="i=ann@example.org;"), strict).result == "pass"
    assert only(sign(MAIL, KEY, extra="i=ann@mail.example.org;"), strict).reason_id == "key_strict"


def test_keys_that_are_not_there():
    signed = sign(MAIL, KEY)
    assert only(signed, "").reason_id == "key_absent"
    assert only(signed, "TIMEOUT").result == "temperror"
    assert only(signed, "v=DKIM1; p=").reason_id == "key_revoked"
    assert only(signed, record(ed25519_key())).reason_id == "key_type"
    assert only(signed, [record(rsa_key(2048)), PLAIN]).result == "pass"


def test_weak_cryptography_does_not_count():
    weak = "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAMVPjGV1AiMrVYTvWJAcGM2UjJLwgGdhkPVwoF4AyqvjVSwOKfK0uYx5ctDLfgDbJSHmuZt3BTHUlYjmHa2wnLsCAwEAAQ=="
    assert only(sign(MAIL, KEY), f"v=DKIM1; p={weak}").result in ("fail", "policy")
    assert only(sign(MAIL, KEY, algorithm="rsa-sha1")).reason_id == "sha1"


def test_international_names():
    signed = sign(MAIL.replace(b"example.org", "müller.example".encode()), KEY, domain="müller.example")
    one = only(signed, name="s1._domainkey.xn--mller-kva.example")
    assert (one.result, one.domain) == ("pass", "xn--mller-kva.example")


def test_many_signatures_and_none():
    assert verify(MAIL) == [] and verify(b"") == []
    signed = MAIL
    for _ in range(25):
        signed = sign(signed, KEY)
    results = verify(signed)
    assert [one.result for one in results] == ["pass"] * 20 + ["policy"]


def test_canonical_forms():
    assert canonical_field(b"SUBJECT \t: a \t b\r\n\t c  ", "relaxed") == b"subject:a b c"
    assert canonical_body(b" C \r\nD \t E\r\n\r\n\r\n", "relaxed") == b" C\r\nD E\r\n"
    assert canonical_body(b"", "simple") == b"\r\n" and canonical_body(b"", "relaxed") == b""


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_change_to_what_is_signed_goes_unseen_and_nothing_raises(data):
    signed = sign(MAIL, KEY, form="simple/simple")
    at = data.draw(st.integers(0, len(signed) - 1))
    new = signed[:at] + data.draw(st.binary(max_size=4)) + signed[at + data.draw(st.integers(0, 4)) :]
    for one in verify(new):
        assert one.result != "pass" or re.sub(rb"\s", b"", new) == re.sub(rb"\s", b"", signed) or one.body_matches


@pytest.mark.parametrize("message", [
    b"DKIM-Signature: " + b";" * 500_000, b"DKIM-Signature: v=1; h=" + b"from:" * 5000, b"From: a\r\n" * 50_000 + sign(MAIL, KEY), sign(MAIL, KEY) + b" " * 2_000_000,
    b"A" * 2_000_000, b"\n" * 2_000_000, b"DKIM-Signature: b=" + b" \r\n" * 300_000, sign(MAIL, KEY) + b" \r\n" * 500_000,
])
def test_hostile_mails_end_soon(message):
    begun = time.perf_counter()
    verify(message)
    assert time.perf_counter() - begun < 3


def test_a_mail_taken_apart():
    message = split(b"From someone Thu Jan 1\nFrom: a@example.org\nSubject : x\n y\nno field\n\nbody\n")
    assert [field.name for field in message.fields] == ["from", "subject"]
    assert (message.first("subject"), message.body, message.strays, message.has_body) == ("x y", b"body\r\n", (b"no field",), True)


def test_link_domains():
    message = b"""From: a@example.org
Content-Type: multipart/alternative; boundary=x

--x
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

See http://One.Example/path, https://user:pw@two.example:8080/?u=3Dhttp://three.example and=
 http://m=C3=BCller.example. Not http://192.0.2.1/ or http://[2001:db8::1]/ or http://word
--x
Content-Type: text/html
Content-Transfer-Encoding: base64

PGEgaHJlZj0iaHR0cHM6Ly9mb3VyLmV4YW1wbGUvJiM0NjsiPnE8L2E+IDxhIGhyZWY9J2h0dHA6Ly9vbmUuZXhhbXBsZSc+
--x--
"""
    assert link_domains(message) == ("one.example", "two.example", "three.example", "xn--mller-kva.example", "four.example")
    assert link_domains(b"") == ()
