"""The SPF checks: what each says of good and bad set-ups."""
from __future__ import annotations

import asyncio
import time
from importlib import import_module

import pytest

from fivefifty.checks import Inquiry
from fivefifty.model import Subject
from fivefifty.world.recorded import RecordedWorld

NAMES = """all authorised charset consistency dead_terms helo include_target leftovers lookups loop macros mx_limit parked ptr ranges record size syntax temperror type99 voids""".split()
ESP = {"esp.example.net": {"TXT": ["v=spf1 ip4:198.51.100.0/24 -all"]}}
MX = {"MX": ["10 mx.example.org"], "A": ["192.0.2.1"]}
HOST = {"mx.example.org": {"A": ["192.0.2.1"], "AAAA": ["2001:db8::1"]}}


def findings(name, *texts, subject=None, zones=None, types=None):
    table = {**HOST, **ESP, "example.org": {**MX, "TXT": list(texts), **(types or {})}, **(zones or {})}
    inquiry = Inquiry(subject or Subject(domain="example.org"), RecordedWorld(zones=table))
    return asyncio.run(import_module(f"fivefifty.checks.spf.{name}").check(inquiry))


def outcomes(name, *texts, **rest):
    return [one.outcome for one in findings(name, *texts, **rest)]


@pytest.mark.parametrize("name,texts,wanted", [
    ("record", ["v=spf1 mx -all"], ["pass"]), ("record", [], ["warn"]), ("record", ["v=spf1 mx", "v=SPF1 -all"], ["fail"]), ("record", ["spf1 mx -all"], ["fail"]),
    ("record", ["TIMEOUT"], ["unknown"]), ("record", ['"v=spf1 mx -all"'], ["fail"]), ("record", ["v=SpF1 -all"], ["pass"]),
    ("syntax", ["v=spf1 mx -all"], ["pass"]), ("syntax", ["v=spf1 mx -all moo ip4:1.2.3"], ["fail", "fail"]), ("syntax", ["v=spf1 include:bad.example.net -all"], ["fail"]),
    ("charset", ["v=spf1 mx \u2013all"], ["fail"]), ("charset", ["v=spf1 mx -all"], []), ("syntax", ["v=spf1 mx \u2013all"], []),
    ("lookups", ["v=spf1 mx include:esp.example.net -all"], ["pass"]), ("lookups", ["v=spf1 " + "a " * 10 + "-all"], ["warn"]), ("lookups", ["v=spf1 " + "a " * 11 + "-all"], ["fail"]),
    ("lookups", ["v=spf1 -all " + "a " * 11], ["pass"]),
    ("voids", ["v=spf1 a:a.x.example a:b.x.example -all"], ["pass"]), ("voids", ["v=spf1 a:a.x.example a:b.x.example exists:c.x.example -all"], ["fail"]),
    ("include_target", ["v=spf1 include:esp.example.net -all"], ["pass"]), ("include_target", ["v=spf1 include:none.example.net -all"], ["fail"]), ("include_target", ["v=spf1 -all"], []),
    ("include_target", ["v=spf1 redirect=none.example.net"], ["fail"]), ("include_target", ["v=spf1 include:%{i}.example.net -all"], []),
    ("loop", ["v=spf1 include:example.org -all"], ["fail"]), ("loop", ["v=spf1 -all"], []),
    ("all", ["v=spf1 mx -all"], ["pass"]), ("all", ["v=spf1 mx"], ["warn"]), ("all", ["v=spf1 mx ?all"], ["warn"]), ("all", ["v=spf1 +all"], ["fail"]), ("all", ["v=spf1 redirect=esp.example.net"], ["pass"]),
    ("all", ["v=spf1 include:open.example.net -all"], ["pass", "fail"]),
    ("ptr", ["v=spf1 mx ip4:192.0.2.1 ptr -all"], ["warn"]), ("ptr", ["v=spf1 mx -all"], []),
    ("leftovers", ["v=spf1 -all", "spf2.0/pra ?all"], ["warn"]), ("leftovers", ["v=spf1 -all"], []),
    ("macros", ["v=spf1 exists:%{p}.example.org -all"], ["warn"]), ("macros", ["v=spf1 exists:%{i}.example.org -all"], ["pass"]), ("macros", ["v=spf1 -all"], []),
    ("dead_terms", ["v=spf1 mx -all"], ["pass"]), ("dead_terms", ["v=spf1 mx -all redirect=esp.example.net"], ["warn"]), ("dead_terms", ["v=spf1 mx MX -all"], ["warn"]),
    ("dead_terms", ["v=spf1 a=mail.example.org -all"], ["warn"]), ("dead_terms", ["v=spf1 -all mx"], ["warn"]),
    ("ranges", ["v=spf1 ip4:192.0.2.0/24 -all"], ["pass"]), ("ranges", ["v=spf1 ip4:192.0.0.0/8 -all"], ["warn"]), ("ranges", ["v=spf1 ip4:0.0.0.0/0 -all"], ["fail"]), ("ranges", ["v=spf1 ip6:::/0 -all"], ["fail"]),
    ("ranges", ["v=spf1 exists:mx.example.org -all"], ["fail"]), ("ranges", ["v=spf1 ip4:10.1.0.0/16 -all"], ["warn"]), ("ranges", ["v=spf1 mx/0 -all"], ["fail"]), ("ranges", ["v=spf1 -ip4:0.0.0.0/0"], ["pass"]),
    ("size", ["v=spf1 mx -all"], ["pass"]), ("size", ["v=spf1 " + "ip4:192.0.2.1 " * 40 + "-all"], ["warn"]), ("size", [["v=spf1 mx", "include:esp.example.net -all"]], ["warn"]),
    ("temperror", ["v=spf1 mx include:late.example.net -all"], ["unknown"]), ("temperror", ["v=spf1 mx -all"], ["pass"]),
    ("consistency", ["v=spf1 -all"], ["skipped"]), ("parked", ["v=spf1 mx -all"], []), ("type99", ["v=spf1 -all"], []),
])
def test_a_check(name, texts, wanted):
    zones = {"bad.example.net": {"TXT": ["v=spf1 moo"]}, "open.example.net": {"TXT": ["v=spf1 +all"]}, "late.example.net": {"TXT": "TIMEOUT"}}
    assert outcomes(name, *texts, zones=zones) == wanted


def test_two_records_are_merged():
    (found,) = findings("record", "v=spf1 mx include:esp.example.net -all", "v=spf1 +mx ip4:192.0.2.5 ~all")
    assert found.record == 'example.org. TXT "v=spf1 mx include:esp.example.net ip4:192.0.2.5 ~all"'


def test_records_to_paste():
    assert findings("all", "v=spf1 mx")[0].record == 'example.org. TXT "v=spf1 mx ~all"'
    assert findings("include_target", "v=spf1 mx include:none.example.net -all")[0].record == 'example.org. TXT "v=spf1 mx -all"'
    assert findings("charset", "v=spf1 mx \u2013all")[0].record == 'example.org. TXT "v=spf1 mx -all"'
    assert findings("dead_terms", "v=spf1 mx mx -all redirect=x.example.org")[0].record == 'example.org. TXT "v=spf1 mx -all"'
    long = findings("all", "v=spf1 " + "ip4:192.0.2.1 " * 40)[0].record
    assert long.count('"') == 6 and max(map(len, long.split('"')[1::2])) == 255


def test_mx_limit_and_type99():
    many = {"MX": [f"10 m{number}.example.org" for number in range(11)]}
    assert outcomes("mx_limit", "v=spf1 mx -all", types=many) == ["fail"] and outcomes("mx_limit", "v=spf1 mx -all") == []
    assert outcomes("type99", "v=spf1 -all", types={"SPF": ["v=spf1 -all"]}) == ["warn"]


@pytest.mark.parametrize("types,text,wanted", [({"MX": ["0 ."]}, "v=spf1 -all", ["pass"]), ({"MX": ["0 ."]}, "v=spf1 mx -all", ["warn"]), ({"MX": [], "A": []}, "other", ["warn"]), ({"MX": []}, "v=spf1 mx -all", [])])
def test_a_domain_without_mail(types, text, wanted):
    assert outcomes("parked", text, types=types) == wanted


def mail(ip="203.0.113.5", envelope_sender="joe@example.org", helo_name="mx.example.org", **rest):
    return Subject(domain="example.org", sending_ips=(ip,) if ip else (), envelope_sender=envelope_sender, helo_name=helo_name, **rest)


@pytest.mark.parametrize("text,subject,wanted,word", [
    ("v=spf1 ip4:203.0.113.0/24 -all", mail(), "pass", "pass"), ("v=spf1 mx -all", mail(), "fail", "fail"), ("v=spf1 mx ~all", mail(), "warn", "softfail"), ("v=spf1 mx ?all", mail(), "warn", "neutral"),
    ("nothing", mail(), "warn", "none"), ("v=spf1 moo", mail(), "fail", "permerror"), ("TIMEOUT", mail(), "unknown", "temperror"), ("v=spf1 -all", mail(ip=""), "skipped", None),
    ("v=spf1 -all", mail(envelope_sender="<>", helo_name=""), "skipped", None), ("v=spf1 -all", mail(envelope_sender="<>"), "warn", "none"), ("v=spf1 -all", mail(envelope_sender="joe@esp.example.net", ip="198.51.100.9"), "pass", "pass"),
    ("v=spf1 -all", mail(envelope_sender=""), "fail", "fail"), ("v=spf1 -all", mail(ip="no address"), "skipped", None),
])
def test_the_result_of_the_mail(text, subject, wanted, word):
    (found,) = findings("authorised", text, subject=subject)
    assert (found.outcome, found.facts.get("result")) == (wanted, word)


def test_what_to_do_about_a_fail():
    (found,) = findings("authorised", "v=spf1 mx include:esp.example.net -all", subject=mail(helo_name="fwd.example.com"))
    assert found.record == 'example.org. TXT "v=spf1 mx include:esp.example.net ip4:203.0.113.5 -all"'
    assert "fwd.example.com" in found.advice and "DKIM" in found.advice and found.evidence
    assert found.facts["path"][0][3] == "record" and '"-all"' in found.sentence


def test_where_a_pass_comes_from():
    (found,) = findings("authorised", "v=spf1 mx include:esp.example.net -all", subject=mail(ip="198.51.100.1"))
    assert '"ip4:198.51.100.0/24" in the record of esp.example.net' in found.sentence


@pytest.mark.parametrize("text,wanted", [("v=spf1 a -all", "fail"), ("v=spf1 ip4:203.0.113.5 -all", "pass"), ("x", "skipped"), ("TIMEOUT", "unknown"), ("v=spf1 moo", "fail"), ("v=spf1 ~all", "warn")])
def test_helo(text, wanted):
    (found,) = findings("helo", "v=spf1 -all", subject=mail(), zones={"mx.example.org": {"A": ["192.0.2.1"], "TXT": [text]}})
    assert found.outcome == wanted
    assert outcomes("helo", "v=spf1 -all", subject=mail(helo_name="localhost")) == ["skipped"]


@pytest.mark.parametrize("record", ["v=spf1 " + "include:example.org " * 10_000, "v=spf1 " + "%{ " * 10_000, "v=spf1 " + "a" * 1_000_000, "x" * 1_000_000, "v=spf1 a:" + "." * 60_000 + "org",
                                    "v=spf1 " + "ip4:10.0.0.0/8 ptr " * 5_000, "v=spf1 \x00\xff" * 5_000, "", " " * 50_000, "v=spf1 " + "a=b " * 10_000, "v" * 60_000])
def test_hostile_records(record):
    world = RecordedWorld(zones={"example.org": {"TXT": [record], "MX": ["0 ."]}})
    began = time.perf_counter()
    for domain in ("example.org", "ex ample", "", "192.0.2.1", "\ud800", "a" * 5000, "b\u00fccher.example", "http://example.org/"):
        inquiry = Inquiry(Subject(domain=domain, sending_ips=("192.0.2.1", "2001:db8::1"), envelope_sender="x@example.org", helo_name="bad name"), world)
        for name in NAMES:
            for found in asyncio.run(import_module(f"fivefifty.checks.spf.{name}").check(inquiry)):
                assert len(found.sentence) < 3000 and len(found.found) < 12_000 and len(found.record) < 150_000
    assert time.perf_counter() - began < 3
