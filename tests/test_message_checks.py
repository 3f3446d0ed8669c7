"""The checks of the mail itself."""
from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from dkim_signer import record, rsa_key, seal, sign
from test_dkim import MAIL

from fivefifty.checks import Inquiry, _loaded
from fivefifty.checks.message._date import read_date
from fivefifty.model import Subject
from fivefifty.world.recorded import RecordedWorld

KEY = rsa_key()
ZONES = {"s1._domainkey.example.org": {"TXT": [record(KEY)]}, "arc._domainkey.example.net": {"TXT": [record(KEY)]}}
NAMES = "arc authentication_results list_unsubscribe received_chain well_formed".split()


def findings(name, message, zones=ZONES):
    inquiry = Inquiry(Subject(domain="example.org", message=message), RecordedWorld(zones, now=datetime(2026, 1, 2, tzinfo=UTC)))
    return asyncio.run(_loaded("message", name).findings(inquiry))


def outcomes(name, message, zones=ZONES):
    return [one.outcome for one in findings(name, message, zones)]


def with_field(field, message=MAIL):
    return field + b"\r\n" + message


@pytest.mark.parametrize("name", NAMES)
def test_no_mail_says_nothing_and_nothing_raises(name):
    assert outcomes(name, b"") == []
    for message in (b"\0", b"x" * 2000, b"From: " + b"(" * 100_000, b"From: " + b'"\\' * 50_000, b"From: " + b"a:" * 50_000, b"Received: " + b"by from [" * 20_000, b"Date: " + b" 1" * 50_000,
                    b"Authentication-Results: " + b";a=b" * 20_000, b"List-Unsubscribe: " + b"<" * 100_000, b"ARC-Seal: i=1\n\n"):
        findings(name, message)


def test_a_good_mail_is_well_formed():
    assert outcomes("well_formed", MAIL) == ["pass"]
    assert outcomes("well_formed", MAIL.replace(b"\r\n", b"\n")) == ["pass"]


@pytest.mark.parametrize("old, new, about, outcome", [
    (b"From: Ann <ann@example.org>\r\n", b"", "from", "fail"),
    (b"From: Ann", b"From: Eve <eve@example.net>\r\nFrom: Ann", "from", "fail"),
    (b"From: Ann <ann@example.org>", b"From: ann@example.org, eve@example.net", "from", "fail"),
    (b"From: Ann <ann@example.org>", b"From: Friends: ann@example.org;", "from", "fail"),
    (b"From: Ann <ann@example.org>", b"From: Undisclosed:;", "from", "fail"),
    (b"From: Ann <ann@example.org>", b"From: Ann", "from", "fail"),
    (b"Subject: ", b"Subject: a\r\nSubject: ", "subject", "fail"),
    (b"Date: Thu, 1 Jan 2026 00:00:00 +0000", b"Date: yesterday", "date", "fail"),
    (b"Date: Thu, 1 Jan 2026 00:00:00 +0000\r\n", b"", "date", "fail"),
    (b"1 Jan 2026", b"1 Jan 2027", "date", "warn"),
    (b"1 Jan 2026", b"1 Jan 1970", "date", "warn"),
    (b"Message-ID: <1@example.org>\r\n", b"", "message-id", "warn"),
    (b"<1@example.org>", b"1@example.org", "message-id", "warn"),
    (b"To: Bob <bob@example.com>\r\n", b"", "to", "warn"),
    (b"Dear Bob", b"x" * 999, "lines", "fail"),
    (b"Dear Bob", b"Dear\rBob", "line ends", "fail"),
    (b"Dear Bob\r\n", b"Dear Bob\n", "line ends", "pass"),
    (b"Dear Bob", b"Dear\0Bob", "NUL", "warn"),
    (b"Hello", "Grüße".encode(), "subject", "warn"),
    (b"Hello", b"Gr\xfc\xdfe", "subject", "warn"),
    (b"Subject:", b"not a field\r\nSubject:", "header", "fail"),
])
def test_faults(old, new, about, outcome):
    found = findings("well_formed", MAIL.replace(old, new))
    assert (about, outcome) in [(one.about, one.outcome) for one in found] or outcome == "pass"
    assert all(one.sentence and len(one.sentence) < 400 for one in found)


@pytest.mark.parametrize("author", [b'"Ann, Bob: x; y" <ann@example.org>', b"ann@example.org (Ann, of Example)", b"=?utf-8?q?Ann=2C?= <ann@example.org>", b"<ann@example.org>"])
def test_authors_that_are_one(author):
    assert outcomes("well_formed", MAIL.replace(b"Ann <ann@example.org>", author)) == ["pass"]


def test_dates():
    assert read_date("Fri, 21 Nov 1997 09:55:06 -0600") == datetime(1997, 11, 21, 15, 55, 6, tzinfo=UTC)
    assert read_date("21 Nov 97 09:55 GMT") == datetime(1997, 11, 21, 9, 55, tzinfo=UTC)
    assert read_date("Fri, 31 Feb 1997 09:55:06 -0600") is None and read_date("") is None


POST = b"List-Unsubscribe: <mailto:u@example.org>, <https://example.org/u?x=1>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
SIGNED = ("From", "Subject", "List-Unsubscribe", "List-Unsubscribe-Post")


def test_list_unsubscribe():
    name = "list_unsubscribe"
    assert outcomes(name, MAIL) == ["skipped"]
    assert outcomes(name, b"Precedence: bulk\r\nAuto-Submitted: auto-replied\r\n" + MAIL) == ["skipped"]
    assert outcomes(name, b"Feedback-ID: a:b\r\n" + MAIL) == ["fail"]
    assert outcomes(name, sign(POST + MAIL, KEY, names=SIGNED)) == ["pass"]
    (one,) = findings(name, sign(POST + MAIL, KEY))
    assert one.outcome == "fail" and "covers both" in one.sentence
    assert "https" in findings(name, sign(POST.replace(b"https", b"http") + MAIL, KEY, names=SIGNED))[0].sentence
    assert "nothing else" in findings(name, sign(POST.replace(b"One-Click", b"Two") + MAIL, KEY, names=SIGNED))[0].sentence
    assert outcomes(name, b"List-Id: <l.example.org>\r\nList-Unsubscribe: <mailto:l@example.org>\r\n" + MAIL) == ["warn"]


def test_arc():
    assert outcomes("arc", MAIL) == ["skipped"]
    whole = seal(seal(MAIL, KEY), KEY)
    (one,) = findings("arc", whole)
    assert one.outcome == "pass" and [hop["instance"] for hop in one.facts["hops"]] == [1, 2]
    assert outcomes("arc", whole.replace(b"Dear", b"Poor")) == ["fail"]
    assert outcomes("arc", whole.partition(b"\r\n\r\n")[0]) == ["unknown"]
    assert outcomes("arc", whole, {"arc._domainkey.example.net": {"TXT": "TIMEOUT"}}) == ["unknown"]


def test_authentication_results():
    field = b"Authentication-Results: mx.example.com 1; spf=pass (ok; dkim=fail) smtp.mailfrom=example.org;\r\n dkim=pass header.d=example.org; dmarc=none"
    (one,) = findings("authentication_results", with_field(field))
    assert one.facts["authserv_id"] == "mx.example.com" and one.facts["results"] == ["spf=pass", "dkim=pass", "dmarc=none"]


def test_received_chain():
    hops = (b"Received: from mail.example.org (mail.example.org [192.0.2.7])\r\n\tby mx.example.com (Postfix) with ESMTPS id 4X; Thu, 1 Jan 2026 00:00:03 +0000\r\n"
            b"Received: from [10.0.0.5] (helo=pc) by mail.example.org with esmtpa (Exim 4.97)\r\n\tid 1; Thu, 1 Jan 2026 00:00:01 +0000")
    (one,) = findings("received_chain", with_field(hops))
    first, second = one.facts["hops"]
    assert (first["address"], first["private"], first["by"], first["with"]) == ("10.0.0.5", True, "mail.example.org", "esmtpa")
    assert (second["from"], second["address"], second["at"]) == ("mail.example.org", "192.0.2.7", "2026-01-01T00:00:03+00:00")
    assert outcomes("received_chain", with_field(b"\r\n".join([b"Received: by a.example"] * 40))) == ["pass", "warn"]
