"""The DMARC checks: what is said about a domain and about one mail."""
from __future__ import annotations

import asyncio
from importlib import import_module

import pytest
from dkim_signer import ed25519_key, record, sign

from fivefifty.checks import Inquiry
from fivefifty.checks.dmarc.bulk_requirements import requirements
from fivefifty.mailauth.dmarc import check_message
from fivefifty.model import Subject
from fivefifty.world.recorded import RecordedWorld

ALL = ("record", "multiple", "other_txt", "syntax", "missing_policy", "removed_tags", "testing", "subdomain_policies", "psd", "report_address", "external_reports", "alignment",
       "bulk_requirements", "from_header")
MAIL = b"From: Ann <ann@example.org>\r\nTo: bob@example.net\r\nSubject: x\r\n\r\nhello\r\n"


def findings(name, zones, **subject):
    inquiry = Inquiry(Subject(**{"domain": "example.org", **subject}), RecordedWorld(zones))
    return asyncio.run(import_module(f"fivefifty.checks.dmarc.{name}").check(inquiry))


def about(text, name, zones=None, **subject):
    return findings(name, {"_dmarc.example.org": {"TXT": text}, "example.org": {"MX": "10 mx.example.org"}, **(zones or {})}, **subject)


@pytest.mark.parametrize(("name", "text", "outcomes"), [
    ("record", "v=DMARC1; p=none; rua=mailto:a@example.org", ["pass"]), ("record", "SERVFAIL", ["unknown"]), ("record", "hello", ["fail"]), ("record", "v=DMARC1; p=x", ["fail"]),
    ("record", ["v=DMARC1; p=none"] * 2, ["fail"]), ("multiple", ["v=DMARC1; p=none"] * 2, ["fail"]), ("multiple", "v=DMARC1; p=none", ["pass"]), ("multiple", "hello", []),
    ("other_txt", "hello", ["warn"]), ("other_txt", ["hello", "v=DMARC1"], ["pass"]), ("other_txt", "v=DMARC1", []),
    ("syntax", "v=DMARC1; p=none", ["pass"]), ("syntax", "v=dmarc1; p=none", ["fail"]), ("syntax", "v=DMARC1; p=oops", ["fail"]), ("syntax", "v=DMARC1; p=oops; rua=mailto:a@example.org", ["fail"]),
    ("syntax", "v=DMARC1; p=none; rua=a@example.org", ["warn"]), ("syntax", "v=DMARC1; p=none; foo=1", ["warn"]), ("syntax", "v=DMARC1; rua=mailto:a@example.org", ["pass"]),
    ("missing_policy", "v=DMARC1; rua=mailto:a@example.org", ["warn"]), ("missing_policy", "v=DMARC1; p=none", []),
    ("removed_tags", "v=DMARC1; p=none; pct=100; ri=86400", ["warn"]), ("removed_tags", "v=DMARC1; p=reject; pct=0", ["warn"]), ("removed_tags", "v=DMARC1; p=none", []),
    ("testing", "v=DMARC1; p=reject; t=y", ["warn"]), ("testing", "v=DMARC1; p=none; t=y", ["pass"]), ("testing", "v=DMARC1; p=reject", []),
    ("subdomain_policies", "v=DMARC1; p=reject; sp=none", ["warn"]), ("subdomain_policies", "v=DMARC1; p=reject; np=none", ["warn"]), ("subdomain_policies", "v=DMARC1; p=none; sp=reject", ["pass"]),
    ("psd", "v=DMARC1; p=none", ["pass"]), ("psd", "v=DMARC1; p=none; psd=y", ["warn"]), ("psd", "v=DMARC1; p=none; psd=n", ["pass"]),
    ("report_address", "v=DMARC1; p=none", ["warn"]), ("report_address", "v=DMARC1; p=none; rua=a@example.org", ["fail"]), ("report_address", "v=DMARC1; p=none; rua=mailto:a@example.org", ["pass"]),
    ("report_address", "v=DMARC1; p=none; rua=mailto:a@example.org,mailto:b@example.org,mailto:c@example.org", ["warn"]),
    ("report_address", "v=DMARC1; p=none; rua=mailto:a@gone.example.org", ["warn"]), ("report_address", "v=DMARC1; p=none; rua=https://example.org/", ["fail"]),
    ("external_reports", "v=DMARC1; p=none; rua=mailto:a@example.org,mailto:a@sub.example.org", []), ("external_reports", "v=DMARC1; p=none; rua=mailto:a@example.net,mailto:b@example.net", ["warn"]),
])
def test_outcomes(name, text, outcomes):
    assert [one.outcome for one in about(text, name)] == outcomes


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("subject", [{"domain": ""}, {"domain": "a b"}, {"domain": "x..y"}, {"domain": "1" * 300}, {"domain": "example.org", "message": b"\xff\x00: \r\n\r\n"}])
def test_odd_subjects_do_no_harm(name, subject):
    for one in findings(name, {"_dmarc.example.org": {"TXT": ["v=DMARC1;" + "x=1;" * 60_000, b"\xff" * 1000]}, "example.org": {"MX": "TIMEOUT"}}, **subject):
        assert one.sentence and one.outcome != "crashed"


@pytest.mark.parametrize("name", ALL)
def test_nothing_learned_is_never_pass_or_fail(name):
    zones = {"_dmarc.example.org": {"TXT": "TIMEOUT"}, "_dmarc.org": {"TXT": "TIMEOUT"}, "example.org": {"*": "TIMEOUT"}, "1.2.0.192.in-addr.arpa": {"PTR": "TIMEOUT"}}
    assert all(one.outcome in ("unknown", "skipped") for one in findings(name, zones, envelope_sender="a@example.org", sending_ips=("192.0.2.1",)))


def test_the_way_to_reject_goes_by_steps():
    first, = about("hello", "record")
    assert first.record == '_dmarc.example.org. TXT "v=DMARC1; p=none; rua=mailto:dmarc-reports@example.org"'
    assert "p=quarantine" in about("v=DMARC1; p=none; rua=mailto:a@example.org", "record")[0].record
    assert "rua=" in about("v=DMARC1; p=none", "record")[0].record
    for text in ("hello", "v=DMARC1; p=none", "v=DMARC1; p=none; rua=mailto:a@example.org", "v=DMARC1; p=quarantine; rua=mailto:a@example.org"):
        assert "p=reject" not in about(text, "record")[0].record


def test_records_at_the_wrong_name_are_found():
    assert "stands at example.org itself" in findings("record", {"example.org": {"TXT": "v=DMARC1; p=none"}})[0].sentence
    assert "_dmarc.example.org.example.org" in findings("record", {"_dmarc.example.org.example.org": {"TXT": "v=DMARC1; p=none"}})[0].sentence


def test_inherited_policies_say_from_where():
    one, = findings("record", {"_dmarc.example.org": {"TXT": "v=DMARC1; p=reject; sp=quarantine"}}, domain="news.example.org")
    assert one.outcome == "pass" and one.facts["source"] == "organization" and one.facts["policy"] == "quarantine" and "example.org" in one.sentence


def test_external_reports_show_the_record_the_other_side_lacks():
    one, = about("v=DMARC1; p=none; rua=mailto:a@example.net", "external_reports")
    assert one.record == 'example.org._report._dmarc.example.net. TXT "v=DMARC1"'
    allowed = {"example.org._report._dmarc.example.net": {"TXT": "v=DMARC1"}}
    assert about("v=DMARC1; p=none; rua=mailto:a@example.net", "external_reports", allowed)[0].outcome == "pass"
    doubtful = {"example.org._report._dmarc.example.net": {"TXT": "SERVFAIL"}}
    assert about("v=DMARC1; p=none; rua=mailto:a@example.net", "external_reports", doubtful)[0].outcome == "unknown"


SPF = {"bounce.example.org": {"TXT": "v=spf1 ip4:192.0.2.1 -all"}, "esp.example.com": {"TXT": "v=spf1 ip4:192.0.2.1 -all"}}


@pytest.mark.parametrize(("subject", "outcome", "words"), [
    ({}, "skipped", "are needed"),
    ({"envelope_sender": "x@bounce.example.org"}, "unknown", "would align"),
    ({"envelope_sender": "x@bounce.example.org", "sending_ips": ("192.0.2.1",)}, "pass", "by SPF"),
    ({"envelope_sender": "x@bounce.example.org", "sending_ips": ("192.0.2.2",)}, "warn", "needs a DKIM signature"),
    ({"envelope_sender": "x@bounce.example.org", "sending_ips": ("192.0.2.2",), "message": MAIL}, "fail", "its result is fail"),
    ({"envelope_sender": "x@esp.example.com", "sending_ips": ("192.0.2.1",), "message": MAIL}, "fail", "another organization"),
    ({"envelope_sender": "x@esp.example.com", "message": MAIL}, "fail", "another organization"),
    ({"envelope_sender": "x@esp.example.com"}, "warn", "another organization"),
    ({"envelope_sender": "<>", "helo_name": "bounce.example.org", "sending_ips": ("192.0.2.1",)}, "pass", "by SPF"),
    ({"message": MAIL}, "unknown", "no DKIM signature"),
    ({"message": b"Return-Path: <x@esp.example.com>\r\n" + MAIL}, "fail", "another organization"),
    ({"message": b"Return-Path: <x@bounce.example.org>\r\n" + MAIL}, "unknown", "would align"),
])
def test_alignment(subject, outcome, words):
    one, = about("v=DMARC1; p=reject", "alignment", SPF, **subject)
    assert one.outcome == outcome and words in one.sentence, one.sentence


def test_alignment_without_a_record_is_a_forecast_by_the_suffix_list():
    one, = findings("alignment", SPF, envelope_sender="x@bounce.example.org", sending_ips=("192.0.2.1",))
    assert one.outcome == "pass" and one.facts["identities"][0]["alignment"] == "relaxed"


def test_alignment_uses_the_author_of_the_mail():
    one, = about("v=DMARC1; p=reject", "alignment", SPF, domain="example.net", message=MAIL, envelope_sender="x@bounce.example.org", sending_ips=("192.0.2.1",))
    assert one.facts["author_domain"] == "example.org"


def signed(domain):
    key = ed25519_key()
    mail = sign(MAIL, key, domain=domain, selector="s", algorithm="ed25519-sha256")
    return mail, {f"s._domainkey.{domain}": {"TXT": record(key)}}


@pytest.mark.parametrize(("domain", "change", "outcome"), [
    ("example.org", lambda mail: mail, "pass"), ("mail.example.org", lambda mail: mail, "pass"), ("example.com", lambda mail: mail, "fail"),
    ("example.org", lambda mail: mail.replace(b"hello", b"other"), "fail"),
    ("example.org", lambda mail: mail.partition(b"\r\n\r\n")[0] + b"\r\n\r\n", "unknown"),  # a bounce with the header only: it would align
])
def test_alignment_of_signed_mail(domain, change, outcome):
    mail, zones = signed(domain)
    one, = about("v=DMARC1; p=reject", "alignment", {**SPF, **zones}, message=change(mail), envelope_sender="x@esp.example.com", sending_ips=("192.0.2.1",))
    assert one.outcome == outcome, one.sentence


def test_a_returned_copy_that_differs_proves_nothing():
    mail, zones = signed("example.org")
    one, = about("v=DMARC1; p=reject", "alignment", {**SPF, **zones}, message=mail.replace(b"hello", b"other"), message_whole=False, envelope_sender="x@esp.example.com", sending_ips=("192.0.2.1",))
    assert one.outcome == "unknown"


def test_check_message_with_a_signature():
    mail, zones = signed("mail.example.org")
    place = RecordedWorld({"_dmarc.example.org": {"TXT": "v=DMARC1; p=reject"}, **zones})
    outcome = asyncio.run(check_message(mail, "192.0.2.9", "x@esp.example.com", "mx.example.com", place))
    assert (str(outcome), outcome.disposition) == ("pass", "none") and outcome.reason.startswith("DKIM")


def test_bulk_requirements_are_one_table():
    zones = {"_dmarc.example.org": {"TXT": "v=DMARC1; p=none"}, **SPF, "1.2.0.192.in-addr.arpa": {"PTR": "mail.example.org"}, "mail.example.org": {"A": "192.0.2.1"}}
    subject = Subject(domain="example.org", envelope_sender="x@bounce.example.org", sending_ips=("192.0.2.1",), message=MAIL)
    table = asyncio.run(requirements(Inquiry(subject, RecordedWorld(zones))))
    google = {row["id"]: row["state"] for row in table["Google"]}
    assert google == {"spf": "met", "dkim": "not met", "dmarc": "met", "alignment": "met", "from": "met", "ptr": "met", "tls": "cannot know", "one_click": "cannot know", "spam_rate": "cannot know"}
    assert list(table) == ["Google", "Yahoo", "Microsoft (Outlook.com)"]
    assert [one.outcome for one in findings("bulk_requirements", zones, envelope_sender="x@bounce.example.org", sending_ips=("192.0.2.1",), message=MAIL)] == ["fail"] * 3
    assert [one.outcome for one in findings("bulk_requirements", zones)] == ["skipped"] * 3


@pytest.mark.parametrize(("message", "outcome"), [(MAIL, "pass"), (MAIL.replace(b"Ann <ann@example.org>", b"a@example.org, b@example.net"), "fail"), (b"To: x\r\n\r\n", "fail"),
                                                  (MAIL.replace(b"Ann <ann@example.org>", b"nobody:;"), "fail"), (b"From: a@example.org\r\n" + MAIL, "fail")])
def test_from_header(message, outcome):
    assert [one.outcome for one in about("v=DMARC1; p=none", "from_header", message=message)] == [outcome]
