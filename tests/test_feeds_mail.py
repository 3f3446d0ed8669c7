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


def complaint(fields, enclosed="To: jane@example.net\n", subject="complaint"):
    return f"""From: feedback@receiver.example
Subject: {subject}
Date: Mon, 2 Nov 2026 12:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary=b

--b
Content-Type: text/plain

A complaint.
--b
Content-Type: message/feedback-report

{fields}
--b
Content-Type: message/rfc822

From: b@example.com
{enclosed}Message-ID: <a1@example.com>

x
--b--
""".encode()


def test_a_stored_copy_with_other_traces_has_the_same_id():
    plain = dsn()
    copy = b"Received: from a.example by b.example; Mon, 2 Nov 2026 10:00:09 +0000\nX-Spam-Score: 1\n" + plain
    assert {read(one)[0].native_id for one in (plain, copy, copy.replace(b"\n", b"\r\n"))} == {read(plain)[0].native_id}
    nameless = [one.replace(b"Message-ID: <dsn1@mx1.example.org>\n", b"") for one in (plain, copy)]
    nameless.append(nameless[1].replace(b"\n", b"\r\n"))
    assert len({read(one)[0].native_id for one in nameless}) == 1 and read(nameless[0])[0].native_id != read(plain)[0].native_id
    assert read(plain.replace(b"10:00:05", b"10:00:06"))[0].native_id != read(plain)[0].native_id  # some machines use one Message-ID again and again


def test_several_recipients_are_several_events():
    more = b"\nFinal-Recipient: rfc822; john@example.net\nAction: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 5.2.2 mailbox full\n"
    told = read(dsn().replace(b"user unknown\n\n--b", b"user unknown\n" + more + b"\n--b"))
    assert [one.recipient for one in told] == ["jane@example.net", "john@example.net"] and len({one.native_id for one in told}) == 2


@pytest.mark.parametrize(("received", "queue_id"), [
    ("from a.example by mx1.example.org with esmtp (Exim 4.98)\n\t(envelope-from <news@example.com>)\n\tid 1tAbCd-000001-0A\n\tfor jane@example.net; Mon, 2 Nov 2026 10:00:00 +0000", "1tAbCd-000001-0A"),
    ("from a.example (a.example [192.0.2.1]) by mx1.example.org (8.18.1/8.18.1) with ESMTPS id 5A2A0000123456; Mon, 2 Nov 2026 10:00:00 GMT", "5A2A0000123456"),
    ("from a.example by mx1.example.org with Microsoft SMTP Server id 15.2.1544.4; Mon, 2 Nov 2026 10:00:00 +0000", ""),
    ("from a.example by relay.example.com (Postfix) with ESMTP id 4A00001EEF; Mon, 2 Nov 2026 10:00:00 +0000", ""),  # another host's
])
def test_the_queue_id_is_the_reporting_hosts_own(received, queue_id):
    content = dsn().replace(b"X-Postfix-Queue-ID: 4A00001EEF\n", b"").replace(b"Return-Path: <news@example.com>\n", f"Received: {received}\n".encode())
    assert read(content)[0].queue_id == queue_id


def test_times_are_never_in_the_future_and_never_missing():
    assert read(dsn().replace(b"2026", b"2036"))[0].time == 0.0
    assert read(dsn().replace(b"Date: Mon, 2 Nov 2026 10:00:05", b"Date: Mon, 2 Nov 2036 10:00:05"))[0].time == 1793613600.0  # Arrival-Date
    bare = dsn().replace(b"Date: Mon, 2 Nov 2026 10:00:05 +0000\n", b"").replace(b"Arrival-Date: Mon, 2 Nov 2026 10:00:00 +0000\n", b"")
    assert read(bare)[0].time == read(bare)[0].sent_at == 1793613598.0


def test_verp_tells_whom_a_bounce_is_about():
    content = b"From: MAILER-DAEMON@mx.example.net\nTo: news+jane=example.net@example.com\nSubject: Returned mail: User unknown\nDate: Mon, 2 Nov 2026 10:00:00 +0000\n\nThe mail could not be delivered: 550 5.1.1 user unknown\n"
    assert [one.recipient for one in read(content)] == ["jane@example.net"]


@pytest.mark.parametrize(("enclosed", "recipient"), [
    ("To: jane@example.net\n", "jane@example.net"), ("To: jane@example.net, john@example.net\n", ""), ("To: redacted@example.net\n", ""), ("To: list@example.com\nList-Post: <mailto:list@example.com>\n", ""),
    ("X-HmXmrOriginalRecipient: jane@example.net\nTo: news@example.com, all@example.com\n", "jane@example.net"), ("Return-Path: <news+jane=example.net@example.com>\nTo: all@example.com\n", "jane@example.net"),
])
def test_a_complaint_names_a_recipient_only_where_that_is_certain(enclosed, recipient):
    (event,) = read(complaint("Feedback-Type: abuse\nUser-Agent: X/1\nVersion: 1\n", enclosed))
    assert (event.kind, event.recipient) == ("complaint", recipient)


def test_each_recipient_of_a_complaint_knows_only_itself():
    one, other = read(complaint("Feedback-Type: abuse\nVersion: 1\nOriginal-Rcpt-To: <jane@example.net>\nOriginal-Rcpt-To: <john@example.net>\n"))
    assert (one.recipient, other.recipient) == ("jane@example.net", "john@example.net")
    assert "john" not in repr(one) and "jane" not in repr(other.facts) and one.native_id != other.native_id


def test_authentication_failure_reports_keep_all_fields():
    fields = "Feedback-Type: auth-failure (DMARC)\nVersion: 1\nAuth-Failure: dmarc\nDelivery-Result: reject\nIdentity-Alignment: none\nDKIM-Domain: example.com\nSPF-DNS: txt : example.com : \"v=spf1 -all\"\nX-New: 7\n" \
        "DKIM-Canonicalized-Body: SGVs\n bG8=\nSource-IP: [192.0.2.7]\n"
    (event,) = read(complaint(fields))
    told = event.facts["feedback"]
    assert event.kind == "authentication" and event.sending_ip == "192.0.2.7" and told["dkim-canonicalized-body"] == ["SGVsbG8="]
    assert {"auth-failure", "delivery-result", "identity-alignment", "dkim-domain", "spf-dns", "x-new"} <= set(told)
    (event,) = read(complaint(fields.replace("SGVs", "SGVs" * 10_000) + "X-Long: " + "y" * 50_000))
    assert max(len(value) for values in event.facts["feedback"].values() for value in values) <= 8_000


def test_complaints_under_other_types_and_without_a_report_part():
    (event,) = read(complaint("Feedback-Type: opt-out\nVersion: 1\n").replace(b"message/feedback-report", b"text/plain"))
    assert event.kind == "unsubscribe"
    content = complaint("", subject="complaint about message from 192.0.2.9").replace(b"--b\nContent-Type: message/feedback-report\n\n\n", b"").replace(b"multipart/report; report-type=feedback-report", b"multipart/mixed")
    (event,) = read(content)
    assert (event.kind, event.sending_ip, event.message_id) == ("complaint", "192.0.2.9", "a1@example.com")


def test_a_forwarded_bounce_is_the_bounce_itself():
    wrapped = b"From: a@example.com\nTo: b@example.com\nSubject: Fwd: bounce\nMessage-ID: <fwd@example.com>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: text/plain\n\nSee below.\n--o\nContent-Type: message/rfc822\n\n" + dsn() + b"\n--o--\n"
    (inner,), (event,) = read(dsn()), read(wrapped)
    assert (event.native_id, event.message_id, event.sent_at, event.campaign) == (inner.native_id, inner.message_id, inner.sent_at, inner.campaign)


REPORT = b"<feedback><report_metadata><org_name>x</org_name><report_id>1</report_id><date_range><begin>1793613600</begin><end>1793699999</end></date_range></report_metadata><policy_published><domain>example.com</domain></policy_published><record><row><source_ip>192.0.2.1</source_ip><count>1</count></row></record></feedback>"


@pytest.mark.parametrize("head", [
    "Subject: =?utf-8?B?UmVwb3J0IERvbWFpbjogZXhhbXBsZS5jb20=?=", "Subject: hello", "Subject: Report\nAuto-Submitted: auto-replied", "Subject: Fwd",
])
def test_reports_are_found_whatever_their_mail_looks_like(head):
    import base64

    packed = base64.encodebytes(gzip.compress(REPORT)).decode()
    part = f"Content-Type: application/octet-stream; name=\"x.example!example.com!1793613600!1793699999.xml.gz\"\nContent-Transfer-Encoding: base64\n\n{packed}"
    content = f"From: a@example.com\n{head}\nDate: Mon, 2 Nov 2026 10:00:00 +0000\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nHi\n--b\n{part}\n--b--\n"
    if "Fwd" in head:
        content = f"From: c@example.com\nSubject: Fwd\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: message/rfc822\n\n{content}\n--o--\n"
    assert [(one.kind, one.source) for one in read(content.encode())] == [("authentication", "dmarc")]


def test_an_mbox_gives_the_events_of_each_of_its_mails():
    box = b"From a@example.com Mon Nov  2 10:00:00 2026\n" + dsn() + b"\n\nFrom a@example.com Mon Nov  2 10:00:00 2026\n" + dsn().replace(b"jane@", b"john@").replace(b"dsn1@", b"dsn2@") + b"\n"
    assert [one.recipient for one in read(box)] == ["jane@example.net", "john@example.net"]


def test_a_recipient_without_a_domain_ends_nothing():
    (event,) = read(dsn().replace(b"rfc822; jane@example.net", b"rfc822; jane@"))
    assert Judge().complete(event).recipient == "jane@"


def test_mails_are_recognized_whatever_they_quote():
    log = b"Nov  2 10:00:00 mx1 postfix/smtp[3001]: 4A00001EEF: to=<jane@example.net>, relay=none, delay=1, delays=0/0/0/1, dsn=5.1.1, status=bounced (unknown)\n"
    webhook = b'{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","bouncedRecipients":[{"emailAddress":"jane@example.net"}]},"mail":{"messageId":"1","source":"b@example.com"}}\n'
    for told in (log, webhook):
        assert recognized(b"From: a@example.com\nTo: b@example.com\nSubject: look\n\n" + told) == "mail" != recognized(told)
    ours = b"\nContent-Type: application/gzip; name=x.example!example.com!1793613600!1793699999.xml.gz\nSubject: Report Domain: example.com Submitter: x.example\n"
    assert recognized(dsn().replace(b"\nText\n", ours + b"\nText\n")) == "mail"  # our own report, and it came back
