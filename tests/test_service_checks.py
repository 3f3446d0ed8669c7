"""Who sends and who receives."""
from __future__ import annotations

import asyncio
import re

import pytest

from fivefifty.answers import SmtpAnswer, SmtpQuestion, SmtpReply, TlsSession
from fivefifty.checks import Inquiry
from fivefifty.checks.service import receiver, sender
from fivefifty.checks.service._services import authorised, by_name, services
from fivefifty.knowledge import table
from fivefifty.model import Subject
from fivefifty.world.recorded import RecordedWorld


def run(module, zones, smtp=None, **subject):
    world = RecordedWorld(zones, smtp=smtp)
    return asyncio.run(module.check(Inquiry(Subject(**subject), world)))


def test_services_are_whole_and_marks_belong_to_one():
    sources = set(table("sources.toml"))
    for kind in ("spf", "dkim", "signs", "ptr", "received", "headers"):
        owners = {}
        for one in services().values():
            assert one.name and set(one.source) <= sources
            for mark in getattr(one, kind):
                assert re.fullmatch(r"[a-z0-9_.-]+", mark), mark
                assert owners.setdefault(mark, one.id) == one.id, f"{mark} of {kind}: {owners[mark]} and {one.id}"
                assert kind == "headers" or "." in mark, mark


def test_marks_by_the_end_of_a_name():
    assert by_name("spf", "eu.mailgun.org.").id == "mailgun"
    assert by_name("spf", "notmailgun.org") is None
    assert by_name("ptr", "a1-2.smtp-out.eu-west-1.amazonses.com").id == "ses"
    assert by_name("ptr", "x" * 5000) is None


def test_what_a_record_lets_send():
    record = "v=spf1 include:_spf.google.com ?include:servers.mcsv.net -include:sendgrid.net ip4:192.0.2.1 include:%{i}.example redirect=spf.protection.outlook.com"
    assert authorised(record) == {"google": "include:_spf.google.com", "microsoft365": "redirect=spf.protection.outlook.com"}
    assert len(authorised("v=spf1 " + "include:mailgun.org " * 5000)) <= 1


MESSAGE = (
    b"Received: from x.example by mx.example.net; Mon, 1 Jan 2026\nDKIM-Signature: v=1; a=rsa-sha256; d=sendgrid.net; s=smtpapi;\n h=from; bh=x; b=y\n"
    b"X-SG-EID: abc\nFrom: a@example.org\nSubject: x\n\nhello\n"
)
ZONES = {
    "example.org": {"TXT": ["v=spf1 include:_spf.google.com ~all"], "MX": ["1 smtp.google.com"]},
    "_spf.google.com": {"TXT": ["v=spf1 ip4:198.51.100.0/24 ~all"]},
    "1.2.0.192.in-addr.arpa": {"PTR": ["o1.em.sendgrid.net"]},
}


def test_a_service_that_sends_without_being_authorised():
    found = run(sender, ZONES, domain="example.org", sending_ips=("192.0.2.1",), envelope_sender="a@example.org", message=MESSAGE)
    assert [one.outcome for one in found] == ["pass", "pass", "fail", "warn"]
    named, sent, spf, dkim = found
    assert named.facts["service"] == "google" and sent.facts["service"] == "sendgrid" and sent.facts["sent"]
    assert spf.record == "v=spf1 include:_spf.google.com include:sendgrid.net ~all" and spf.facts["spf"] is False and "softfail" in spf.sentence
    assert "signed only as sendgrid.net" in dkim.sentence and dkim.facts["dkim"] is False


def test_a_service_that_is_authorised():
    zones = ZONES | {"example.org": {"TXT": ["v=spf1 include:sendgrid.net -all"]}, "sendgrid.net": {"TXT": ["v=spf1 ip4:192.0.2.0/24 ~all"]}}
    message = MESSAGE.replace(b"d=sendgrid.net; s=smtpapi", b"d=em.example.org; s=s1")
    found = run(sender, zones, domain="example.org", sending_ips=("192.0.2.1",), envelope_sender="a@example.org", message=message)
    assert {one.outcome for one in found} == {"pass"} and found[-1].facts["dkim"] is True


def test_an_aligned_signature_carries_a_softfail():
    message = MESSAGE.replace(b"d=sendgrid.net; s=smtpapi", b"d=em.example.org; s=s1")
    found = run(sender, ZONES, domain="example.org", sending_ips=("192.0.2.1",), envelope_sender="a@example.org", message=message)
    assert [one.outcome for one in found] == ["pass", "pass", "warn", "pass"]


def test_several_records_give_nothing_to_paste():
    zones = ZONES | {"example.org": {"TXT": ["v=spf1 -all", "v=spf1 ~all"]}}
    assert all(not one.record for one in run(sender, zones, domain="example.org", sending_ips=("192.0.2.1",)))


def test_a_return_path_of_the_service():
    found = run(sender, ZONES, domain="example.org", sending_ips=("192.0.2.1",), envelope_sender="bounces+1@em1.sendgrid.net")
    assert found[-1].facts["spf_aligned"] is False and found[-1].outcome == "warn"


def test_selectors_that_point_into_a_service():
    zones = ZONES | {
        "example.org": {"TXT": ["v=spf1 include:sendgrid.net -all"]},
        "s1._domainkey.example.org": {"CNAME": ["s1.domainkey.u1.wl.sendgrid.net"]}, "s1.domainkey.u1.wl.sendgrid.net": {"TXT": ["v=DKIM1; p=AAAA"]},
    }
    found = run(sender, zones, domain="example.org")
    assert [(one.outcome, one.facts["via"]) for one in found] == [("pass", "spf"), ("pass", "dkim")]
    del zones["s1.domainkey.u1.wl.sendgrid.net"]
    assert run(sender, zones, domain="example.org")[1].outcome == "warn"


def test_includes_kept_in_a_record_of_their_own():
    zones = {"example.org": {"TXT": ["v=spf1 include:_spf.example.org -all"]}, "_spf.example.org": {"TXT": ["v=spf1 include:spf.mtasv.net ?all"]}}
    assert [one.facts["service"] for one in run(sender, zones, domain="example.org")] == ["postmark"]


def test_nothing_shows_a_service():
    assert run(sender, {"example.org": {"TXT": ["v=spf1 mx -all"]}}, domain="example.org")[0].outcome == "skipped"
    assert run(sender, {}, sending_ips=("192.0.2.1",))[0].outcome == "skipped"
    assert run(sender, {"example.org": {"TXT": "TIMEOUT"}}, domain="example.org", message=b"\xff" * 1000, sending_ips=("x",))[0].outcome == "skipped"


@pytest.mark.parametrize("mx, provider, kind", [
    ("1 smtp.google.com", "google", "mailbox"),
    ("0 example-org.mail.protection.outlook.com", "microsoft365", "mailbox"),
    ("10 eu-smtp-inbound-1.mimecast.com", "mimecast", "gateway"),
    ("5 mx1.example.org", "", None),
])
def test_who_receives(mx, provider, kind):
    found = run(receiver, {"example.org": {"MX": [mx]}}, domain="other.example", recipient_domain="example.org", smtp=False)
    assert found[0].outcome == "pass" and found[0].facts["provider"] == provider and found[0].facts.get("kind") == kind


def test_what_stands_behind_a_gateway():
    zones = {"example.org": {"MX": ["10 eu-smtp-inbound-1.mimecast.com"], "TXT": ["v=spf1 include:eu._netblocks.mimecast.com include:spf.protection.outlook.com -all"]}}
    assert run(receiver, zones, domain="example.org")[0].facts["behind"] == "microsoft365"


def test_greeting_and_certificate_tell_what_the_mx_hides():
    zones = {"example.org": {"MX": ["10 mx.example.org"]}, "mx.example.org": {"A": ["192.0.2.25"]}}
    question = SmtpQuestion("192.0.2.25", server_name="mx.example.org")
    greeting = SmtpAnswer(question, "answered", (SmtpReply("connect", 220, "mx.google.com ESMTP x - gsmtp"),))
    assert run(receiver, zones, {"192.0.2.25": greeting}, domain="example.org")[0].facts["provider"] == "google"
    cert = SmtpAnswer(question, "answered", (SmtpReply("connect", 220, "ready"),), tls=TlsSession(names=("*.pphosted.com",)))
    assert run(receiver, zones, {"192.0.2.25": cert}, domain="example.org")[0].facts["provider"] == "proofpoint"
    silent = SmtpAnswer(question, "timeout")
    assert run(receiver, zones, {"192.0.2.25": silent}, domain="example.org")[0].facts["provider"] == ""


def test_unlearned_is_unknown_and_none_is_skipped():
    assert run(receiver, {"example.org": {"MX": "SERVFAIL"}}, domain="example.org")[0].outcome == "unknown"
    assert run(receiver, {}, domain="example.org")[0].outcome == "skipped"
    assert run(receiver, {}, domain="gmail.com")[0].facts["provider"] == "google"
    assert run(receiver, {"example.org": {"MX": ["0 ."]}}, domain="example.org")[0].outcome == "skipped"
