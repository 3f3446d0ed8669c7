"""The checks of the domain's DNS."""
from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from importlib import import_module

import pytest

from fivefifty.answers import DnsAnswer, HttpsAnswer
from fivefifty.checks import Inquiry
from fivefifty.model import Subject
from fivefifty.world.recorded import RecordedWorld

SOA = "ns1.example.org hostmaster.example.org 1 7200 3600 1209600 3600"
GOOD = {
    "example.org": {"NS": ["ns1.example.org", "ns2.example.net"], "SOA": [SOA], "MX": ["10 mx.example.org"], "TXT": ["v=spf1 mx -all"]},
    "mx.example.org": {"A": ["192.0.2.1"]}, "ns1.example.org": {"A": ["192.0.2.53"]}, "ns2.example.net": {"AAAA": ["2001:db8::53"]},
}


def findings(check, zones, https=None, answers=(), **subject):
    """What one check says."""
    subject.setdefault("domain", "example.org")
    world = RecordedWorld(zones, https=https, now=datetime(2026, 1, 1, tzinfo=UTC), answers=answers)
    found = asyncio.run(import_module(f"fivefifty.checks.hosting.{check}").check(Inquiry(Subject(**subject), world)))
    for one in found:
        assert one.sentence and json.dumps(dict(one.facts)) is not None
    return found


def outcomes(*args, **rest):
    return [one.outcome for one in findings(*args, **rest)]


def servers(*addresses, **more):
    """A zone with one name server for each address."""
    zones = {"example.org": {"NS": [f"ns{number}.example.net" for number in range(len(addresses))]}}
    return {**zones, **{f"ns{number}.example.net": {"A": [address]} if address else {"TXT": ["x"]} for number, address in enumerate(addresses)}, **more}


def test_name_servers():
    assert outcomes("nameservers", GOOD) == ["pass"]
    assert "was not tested" in findings("nameservers", GOOD)[0].sentence
    assert outcomes("nameservers", servers("192.0.2.1")) == ["warn"]
    assert outcomes("nameservers", servers("192.0.2.1", "192.0.2.2")) == ["warn"]
    assert outcomes("nameservers", servers("192.0.2.1", "198.51.100.1")) == ["pass"]
    assert outcomes("nameservers", servers("192.0.2.1", "198.51.100.1", "")) == ["fail"]
    assert outcomes("nameservers", servers("192.0.2.1", "10.0.0.1")) == ["fail"]
    assert outcomes("nameservers", {**servers("192.0.2.1", "198.51.100.1", "203.0.113.1"), "ns2.example.net": {"*": "TIMEOUT"}}) == ["unknown"]
    alias = {**servers("192.0.2.1", "198.51.100.1"), "ns1.example.net": {"CNAME": ["a.example.net"]}, "a.example.net": {"A": ["198.51.100.1"]}}
    assert outcomes("nameservers", alias) == ["warn"]
    assert outcomes("nameservers", {"example.org": {"NS": "SERVFAIL"}}) == ["unknown"]
    assert outcomes("nameservers", {}) == []


def test_a_sub_domain_lies_in_its_parents_zone():
    (found,) = findings("nameservers", {**GOOD, "news.example.org": {"MX": ["10 mx.example.org"]}}, domain="news.example.org")
    assert found.about == "example.org"
    assert outcomes("soa", {**GOOD, "news.example.org": {"TXT": ["x"]}}, domain="news.example.org") == ["pass"]


@pytest.mark.parametrize(("soa", "outcome"), [
    (SOA, "pass"), ("ns1.example.org host@example.org 1 7200 3600 1209600 3600", "warn"), ("ns1.example.org h.example.org 1 7200 3600 3600 3600", "warn"),
    ("ns1.example.org h.example.org 1 7200 3600 86400 3600", "warn"), ("ns1.example.org h.example.org 1 3600 7200 1209600 3600", "warn"),
    ("ns1.example.org h.example.org 1 7200 3600 1209600 604800", "warn"),
])
def test_soa(soa, outcome):
    assert outcomes("soa", {**GOOD, "example.org": {**GOOD["example.org"], "SOA": [soa]}}) == [outcome]


def test_soa_missing_or_not_learned():
    assert outcomes("soa", servers("192.0.2.1")) == ["warn"]
    assert outcomes("soa", {"example.org": {"NS": ["ns1.example.org"], "SOA": "TIMEOUT"}}) == ["unknown"]


@pytest.mark.parametrize(("wild", "outcome", "kinds"), [
    ({"TXT": ["site-verification=1"]}, "warn", ["TXT"]), ({"TXT": ["v=spf1 -all"]}, "pass", ["TXT"]), ({"MX": ["10 mx.example.org"]}, "warn", ["MX"]),
    ({"A": ["192.0.2.80"]}, "pass", ["A"]), ({"CNAME": ["mx.example.org"]}, "pass", ["A"]), ({"CAA": ['0 issue ";"']}, "pass", []),
])
def test_wildcards(wild, outcome, kinds):
    (found,) = findings("wildcard", {**GOOD, "*.example.org": wild})
    assert (found.outcome, found.facts["wildcard"]) == (outcome, kinds)


def test_no_wildcard_costs_one_question():
    world = RecordedWorld(GOOD)
    (found,) = asyncio.run(import_module("fivefifty.checks.hosting.wildcard").check(Inquiry(Subject(domain="example.org"), world)))
    assert found.outcome == "pass"
    assert len(world.journal) == 2  # the MX of the domain, which others ask too, and the name that nobody has
    assert outcomes("wildcard", {}) == []
    assert outcomes("wildcard", {**GOOD, "*.example.org": {"TXT": "TIMEOUT"}}) == ["unknown"]


def test_ttl():
    (found,) = findings("ttl", GOOD)
    assert (found.outcome, found.facts["wait_seconds"]) == ("pass", 300)
    week = DnsAnswer("example.org", "TXT", "found", ("v=spf1 -all",), ttl=604800)
    assert "7 days" in findings("ttl", GOOD, answers=[week])[0].sentence
    assert outcomes("ttl", {}) == []


def test_parked_domains():
    closed = {"example.org": {"MX": ["0 ."], "TXT": ["v=spf1 -all"]}, "_dmarc.example.org": {"TXT": ["v=DMARC1; p=reject; rua=mailto:a@example.net"]}}
    assert outcomes("parked", closed) == ["pass"]
    (half,) = findings("parked", {"example.org": {"MX": ["0 ."]}})
    assert half.outcome == "warn"
    assert half.record == 'example.org. TXT "v=spf1 -all"\n_dmarc.example.org. TXT "v=DMARC1; p=reject"'
    weak = {**closed, "_dmarc.example.org": {"TXT": ["v=DMARC1; p=none"]}}
    assert findings("parked", weak)[0].facts["missing"] == ["a DMARC policy of reject"]
    assert outcomes("parked", GOOD) == []
    assert outcomes("parked", {"example.org": {"A": ["192.0.2.1"]}}) == []
    assert outcomes("parked", {"example.org": {"MX": ["0 ."], "TXT": ["v=spf1 ip4:192.0.2.1 -all"]}}) == []
    assert outcomes("parked", closed, sending_ips=("192.0.2.1",)) == []
    assert outcomes("parked", {**closed, "_dmarc.example.org": {"TXT": "TIMEOUT"}}) == ["unknown"]


def test_a_sub_domain_inherits_the_policy():
    zones = {"news.example.org": {"MX": ["0 ."], "TXT": ["v=spf1 -all"]}, "_dmarc.example.org": {"TXT": ["v=DMARC1; p=reject"]}}
    assert outcomes("parked", zones, domain="news.example.org") == ["pass"]


def test_client_set_up_is_asked_only_on_demand():
    assert outcomes("autoconfig", GOOD) == ["skipped"]
    zones = {**GOOD, "autoconfig.example.org": {"A": ["192.0.2.80"]}}
    assert findings("autoconfig", zones, settings={"client_setup": "yes"})[0].facts["names"] == ["autoconfig.example.org"]


def registration(**entry):
    """The outcome for an answer of a registry's server."""
    body = json.dumps({"objectClassName": "domain", **entry}).encode()
    return outcomes("registration", {}, {"https://rdap.example/domain/example.org": body}, settings={"rdap_server": "https://rdap.example/"})


def event(action, date):
    return {"eventAction": action, "eventDate": date}


def test_registration():
    assert outcomes("registration", {}) == ["skipped"]
    fine = [event("registration", "2010-01-01T00:00:00Z"), event("expiration", "2027-01-01T00:00:00Z")]
    assert registration(events=fine, status=["active"]) == ["pass"]
    assert registration(events=fine, status=["client hold"]) == ["fail"]
    assert registration(events=[event("registration", "2025-12-20T00:00:00Z")]) == ["warn"]
    assert registration(events=[event("expiration", "2026-01-05T00:00:00Z")]) == ["warn"]
    assert registration(events=[{"eventAction": "expiration", "eventDate": "soon"}, 7], status="x") == ["pass"]
    settings = {"rdap_server": "https://rdap.example"}
    url = "https://rdap.example/domain/example.org"
    assert outcomes("registration", {}, {url: b"[" * 100_000}, settings=settings) == ["unknown"]
    assert outcomes("registration", {}, {url: HttpsAnswer(url, "answered", 404)}, settings=settings) == ["unknown"]
    assert outcomes("registration", {}, {url: HttpsAnswer(url, "timeout")}, settings=settings) == ["unknown"]
