"""The mail feed: what counts, what does not, and who is believed."""
from __future__ import annotations

import gzip
import hmac
from hashlib import sha1

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fivefifty.feeds import Reject, Setting, events, recognized
from fivefifty.judge import Judge

NOW = 1_793_700_000.0


def dsn(action="failed", status="5.1.1", diagnostic="smtp; 550 5.1.1 <jane@example.net>: user unknown", sender="news@example.com", to="bounces@example.com", extra=""):
    return f"""Return-Path: <>
Delivered-To: {to}
From: MAILER-DAEMON@mx1.example.org
To: {sender}
Subject: Undelivered Mail Returned to Sender
Date: Mon, 2 Nov 2026 10:00:05 +0000
Message-ID: <dsn1@mx1.example.org>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

I'm sorry to have to inform you.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx1.example.org
X-Postfix-Queue-ID: 4A00001EEF
Arrival-Date: Mon, 2 Nov 2026 10:00:00 +0000

Final-Recipient: rfc822; jane@example.net
Action: {action}
Status: {status}
Remote-MTA: dns; mx.example.net
Diagnostic-Code: {diagnostic}

--b
Content-Type: message/rfc822

Return-Path: <{sender}>
From: News <{sender}>
To: jane@example.net
Subject: Hello
Date: Mon, 2 Nov 2026 09:59:58 +0000
Message-ID: <a1@example.com>
Feedback-ID: c77:example
{extra}
Text
--b--
""".encode()


def read(content, **setting):
    return list(events("mail", content, Setting(**{"now": NOW, **setting}), "in"))


def judged(content, **setting):
    (event,) = read(content, **setting)
    return Judge().complete(event)


def test_a_bounce_is_an_event_that_nobody_vouches_for():
    event = judged(dsn())
    assert (event.kind, event.recipient, event.message_id, event.queue_id, event.reporting_mta) == ("bounce", "jane@example.net", "a1@example.com", "4A00001EEF", "mx1.example.org")
    assert (event.cause, event.time, event.sent_at, event.campaign) == ("address.unknown", 1793613605.0, 1793613598.0, "c77:example")
    assert event.trust == "unverified" and not event.suppress


def test_a_mailbox_the_user_vouches_for_may_suppress():
    event = judged(dsn(), trusted=True)
    assert event.trust == "own" and event.suppress


def test_our_own_tag_on_the_envelope_sender_matches():
    day = int(NOW // 86_400) % 1000 + 5
    tag = hmac.new(b"key", f"0{day:03}news@example.com".encode(), sha1).hexdigest()[:6]
    assert judged(dsn(to=f"prvs=0{day:03}{tag}=news@example.com"), keys={"batv": "key"}).trust == "matched"
    assert judged(dsn(to=f"prvs=0{day:03}{tag}=news@example.com"), keys={"batv": "other"}).trust == "unverified"
    assert judged(dsn(to=f"prvs=0{day:03}000000=news@example.com"), keys={"batv": "key"}).trust == "unverified"
    old = int(NOW // 86_400) % 1000 - 20
    tag = hmac.new(b"key", f"0{old:03}news@example.com".encode(), sha1).hexdigest()[:6]
    assert judged(dsn(to=f"prvs=0{old:03}{tag}=news@example.com"), keys={"batv": "key"}).trust == "unverified"


def test_a_policy_refusal_is_a_block_and_never_suppresses():
    event = judged(dsn(status="5.7.1", diagnostic="smtp; 550 5.7.1 Message rejected as spam"), trusted=True)
    assert event.kind == "block" and not event.suppress


def test_backscatter_does_not_count():
    event = judged(dsn(sender="forged@example.com", extra="Received: from a.example (a.example [192.0.2.9]) by b.example"), own_domains=frozenset(("example.org",)), trusted=True)
    assert event.kind == "notice" and event.facts["notice"] == "notice.backscatter" and not event.suppress


def test_delays_are_deferrals_and_late_bounces_are_told():
    assert judged(dsn(action="delayed", status="4.4.1", diagnostic="smtp; 451 4.3.0 try again later")).kind == "deferral"
    assert judged(dsn(), own_hosts=frozenset(("mx.example.com",))).late is True
    assert judged(dsn(), own_hosts=frozenset(("mx1.example.org",))).late is False
    assert judged(dsn()).late is False  # nobody said which hosts are ours


@pytest.mark.parametrize(("asked", "kind"), [("abuse", "complaint"), ("not-spam", "notice"), ("opt-out", "unsubscribe"), ("auth-failure", "authentication"), ("fraud", "complaint")])
def test_feedback_reports(asked, kind):
    content = f"""From: feedback@receiver.example
Subject: complaint
Date: Mon, 2 Nov 2026 12:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary=b

--b
Content-Type: text/plain

A complaint.
--b
Content-Type: message/feedback-report

Feedback-Type: {asked}
User-Agent: X/1
Version: 1
Original-Mail-From: <b@example.com>
Original-Rcpt-To: <Jane@Example.net>
Arrival-Date: Mon, 2 Nov 2026 10:00:00 +0000
Source-IP: 192.0.2.1 (mx.example.com)
Incidents: 4

--b
Content-Type: message/rfc822

From: b@example.com
Date: Mon, 2 Nov 2026 09:00:00 +0000
Message-ID: <a1@example.com>

x
--b--
""".encode()
    event = judged(content)
    assert (event.kind, event.recipient, event.sending_ip, event.sent_at) == (kind, "Jane@example.net", "192.0.2.1", 1793610000.0)
    assert event.count == (4 if kind in ("complaint", "authentication") else 1) and not event.suppress


def test_ordinary_mail_is_kept_aside_and_reports_are_handed_on():
    (one,) = read(b"From: a@example.com\nTo: b@example.org\nSubject: lunch\n\nAt noon?\n")
    assert isinstance(one, Reject) and "no bounce" in one.reason
    import base64

    xml = b"<feedback><report_metadata><org_name>x</org_name><report_id>1</report_id><date_range><begin>1793613600</begin><end>1</end></date_range></report_metadata><policy_published><domain>example.com</domain></policy_published><record><row><source_ip>192.0.2.1</source_ip><count>1</count></row></record></feedback>"
    packed = base64.b64encode(gzip.compress(xml)).decode()
    (event,) = read(f"From: a@example.com\nSubject: hello\nMIME-Version: 1.0\nContent-Type: application/gzip\nContent-Transfer-Encoding: base64\n\n{packed}\n".encode())
    assert event.kind == "authentication"


def test_the_same_mail_has_the_same_id_and_is_recognized():
    assert read(dsn())[0].native_id == read(dsn())[0].native_id and recognized(dsn()) == "mail"


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1500), st.binary(max_size=30))
def test_damage_never_raises(at, more):
    content = dsn()
    for one in read(content[:at] + more + content[at:]):
        assert isinstance(one, Reject) or Judge().complete(one).suppress is False
