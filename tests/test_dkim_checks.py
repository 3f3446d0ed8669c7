"""The DKIM checks: what they say of keys and signatures."""
from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from dkim_signer import ed25519_key, record, rsa_key, sign
from test_dkim import MAIL

from fivefifty.checks import Check, Inquiry, _loaded
from fivefifty.model import Subject
from fivefifty.world.recorded import RecordedWorld

NAMES = "key_found key_strength revoked testing strict hash service syntax multiple delegation signature signature_quality".split()
KEY, LONG = rsa_key(), rsa_key(2048)
S1 = "s1._domainkey.example.org"


def findings(name, zones=None, **subject):
    check: Check = _loaded("dkim", name)
    inquiry = Inquiry(Subject(domain="example.org", **subject), RecordedWorld(zones or {}, now=datetime(2026, 1, 2, tzinfo=UTC)))
    return asyncio.run(check.findings(inquiry))


def outcomes(name, zones=None, **subject):
    return [one.outcome for one in findings(name, zones, **subject)]


def at(text, name=S1):
    return {name: {"TXT": text if isinstance(text, list) else [text]}}


@pytest.mark.parametrize("name", NAMES)
def test_nothing_known_is_no_fault_and_nothing_raises(name):
    assert not {"fail", "crashed"} & set(outcomes(name, {"_domainkey.example.org": {}, "example.org": {}}))
    assert not {"fail", "pass"} & set(outcomes(name, {"_domainkey.example.org": {"*": "TIMEOUT"}}))
    assert not {"fail", "pass"} & set(outcomes(name, at("TIMEOUT"), selectors=("s1",)))
    asyncio.run(_loaded("dkim", name).findings(Inquiry(Subject(), RecordedWorld({}))))
    for message in (b"\0", b"x" * 1000, b"DKIM-Signature: v=1\n\n", MAIL[:40]):
        findings(name, message=message, selectors=("a b", "\x00", "ü" * 300))


def test_a_known_selector():
    assert outcomes("key_found", at(record(LONG)), selectors=("s1",)) == ["pass"]
    assert outcomes("key_found", {"example.org": {}}, selectors=("s1",)) == ["fail"]
    (one,) = findings("key_found", {"example.org": {}}, message=sign(MAIL, KEY))
    assert one.outcome == "fail" and "signed with it" in one.sentence and one.evidence


def test_guessed_selectors_are_never_missing():
    (one,) = findings("key_found", at(record(LONG), "odd._domainkey.example.org"))
    assert one.outcome == "unknown" and "selectors tried" in one.sentence and "default" in one.facts["tried"]
    assert outcomes("key_found", at(record(LONG), "default._domainkey.example.org")) == ["pass"]


def test_without_the_name_domainkey_there_is_none():
    (one,) = findings("key_found", {"example.org": {"TXT": ["v=spf1 mx -all"]}})
    assert one.outcome == "fail" and "RFC 8020" in one.reference
    (one,) = findings("key_found", {"example.org": {"TXT": ["v=spf1 -all"]}})
    assert one.outcome == "pass" and "sends no mail" in one.sentence


def test_a_server_that_denies_names_with_others_below():
    zones = {"example.org": {"TXT": ["v=spf1 include:_spf.google.com -all"]}, "_domainkey.example.org": {"TXT": "NXDOMAIN"}, **at(record(LONG), "google._domainkey.example.org")}
    assert outcomes("key_found", zones) == ["pass"]


def test_a_mail_signed_by_others_only_says_nothing_of_the_own_keys():
    zones = {**at(record(KEY), "s1._domainkey.example.net"), **at(record(LONG), "default._domainkey.example.org")}
    found = findings("key_found", zones, message=sign(MAIL, KEY, domain="example.net"))
    assert [(one.outcome, one.about) for one in found] == [("pass", "s1._domainkey.example.net"), ("pass", "_domainkey.example.org")]


def test_services_are_tried_first():
    zones = {"example.org": {"TXT": ["v=spf1 include:spf.messagingengine.com -all"]}, **at(record(LONG), "fm2._domainkey.example.org")}
    (one,) = findings("key_found", zones)
    assert one.outcome == "pass" and one.facts["selectors"] == ["fm2"]


def test_a_wildcard_counts_once():
    (one,) = findings("key_found", at("v=DKIM1; p=", "*._domainkey.example.org"))
    assert one.outcome == "unknown" and len(one.facts["selectors"]) == 1


@pytest.mark.parametrize("text, outcome", [(record(KEY), "warn"), (record(LONG), "pass"), (record(ed25519_key()), "warn"),
                                           ("v=DKIM1; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAMVPjGV1AiMrVYTvWJAcGM2UjJLwgGdhkPVwoF4AyqvjVSwOKfK0uYx5ctDLfgDbJSHmuZt3BTHUlYjmHa2wnLsCAwEAAQ==", "fail")])
def test_strength(text, outcome):
    assert outcomes("key_strength", at(text), selectors=("s1",)) == [outcome]


def test_ed25519_beside_rsa():
    zones = {**at(record(LONG)), **at(record(ed25519_key()), "s2._domainkey.example.org")}
    assert outcomes("key_strength", zones, selectors=("s1", "s2")) == ["pass", "pass"]


def test_revoked():
    assert outcomes("revoked", at("v=DKIM1; p="), selectors=("s1",)) == ["warn"]
    assert outcomes("revoked", at("v=DKIM1; p="), message=sign(MAIL, KEY)) == ["fail"]
    assert outcomes("revoked", at("v=DKIM1; p=", "default._domainkey.example.org")) == ["pass"]
    assert outcomes("revoked", at(record(KEY)), selectors=("s1",)) == ["pass"]


def test_testing():
    (one,) = findings("testing", at(record(KEY, "t=y:s; ")), selectors=("s1",))
    assert one.outcome == "warn" and one.record.startswith("s1._domainkey.example.org. TXT ") and "t=s;" in one.record
    (one,) = findings("testing", at(record(KEY, "t=y; ")), selectors=("s1",))
    assert "t=" not in one.record.partition("p=")[0]
    assert outcomes("testing", at(record(KEY)), selectors=("s1",)) == ["pass"]


def test_strict():
    strict = at(record(KEY, "t=s; "))
    assert outcomes("strict", strict, message=sign(MAIL, KEY)) == ["pass"]
    assert outcomes("strict", strict, message=sign(MAIL, KEY, extra="i=@mail.example.org;")) == ["fail"]
    assert outcomes("strict", strict, selectors=("s1",)) == []


@pytest.mark.parametrize("name, extra, outcome", [("hash", "h=sha1; ", ["fail"]), ("hash", "h=sha256; ", ["pass"]), ("hash", "", []),
                                                  ("service", "s=email; ", ["pass"]), ("service", "s=tlsrpt; ", ["skipped"]), ("service", "s=web; ", ["fail"]), ("service", "", [])])
def test_hash_and_service(name, extra, outcome):
    assert outcomes(name, at(record(KEY, extra)), selectors=("s1",)) == outcome


def test_syntax():
    assert outcomes("syntax", at(record(KEY)), selectors=("s1",)) == ["pass"]
    (one,) = findings("syntax", at(f'"{record(KEY)}"'), selectors=("s1",))
    assert (one.outcome, one.record) == ("fail", record(KEY))
    (one,) = findings("syntax", at(record(KEY).replace(";", "\\;")), selectors=("s1",))
    assert one.record == record(KEY)
    (one,) = findings("syntax", at(record(KEY).replace("DKIM1", "DKIM2")), selectors=("s1",))
    assert one.record == record(KEY)
    (one,) = findings("syntax", at(record(LONG)[:255]), selectors=("s1",))
    assert one.facts["problems"] == ["truncated"] and not one.record


def test_multiple():
    assert outcomes("multiple", at([record(KEY), record(LONG)]), selectors=("s1",)) == ["warn"]
    assert outcomes("multiple", at([record(KEY)]), selectors=("s1",)) == ["pass"]


def test_delegation():
    there = {S1: {"CNAME": ["s1.dkim.example.net"]}}
    assert outcomes("delegation", there, selectors=("s1",)) == ["fail"]
    assert outcomes("delegation", {**there, **at(record(KEY), "s1.dkim.example.net")}, selectors=("s1",)) == ["pass"]
    assert outcomes("delegation", {S1: {"CNAME": [S1]}}, selectors=("s1",)) == ["fail"]
    assert outcomes("delegation", {**there, **at("TIMEOUT", "s1.dkim.example.net")}, selectors=("s1",)) == ["unknown"]
    assert outcomes("delegation", {"default._domainkey.example.org": {"CNAME": ["gone.example.net"]}}) == ["fail"]


def test_signature():
    zones, signed = at(record(KEY)), sign(MAIL, KEY)
    assert outcomes("signature", zones) == ["skipped"]
    assert outcomes("signature", zones, message=MAIL) == ["warn"]
    assert outcomes("signature", zones, message=signed) == ["pass"]
    assert outcomes("signature", zones, message=signed.replace(b"Dear", b"Poor")) == ["fail"]
    assert outcomes("signature", at("TIMEOUT"), message=signed) == ["unknown"]


def test_one_good_signature_is_enough():
    twice = sign(sign(MAIL, KEY), KEY, selector="gone")
    assert outcomes("signature", at(record(KEY)), message=twice) == ["warn", "pass"]


def test_a_mail_returned_in_part_is_not_judged():
    head = sign(MAIL, KEY).partition(b"\r\n\r\n")[0]
    for part in (head, head + b"\r\n", head + b"\r\n\r\n"):
        (one,) = findings("signature", at(record(KEY)), message=part)
        assert one.outcome == "unknown" and "only its header" in one.sentence and "header is right" in one.sentence
    multi = MAIL.partition(b"\r\n\r\n")[0] + b"\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\none\r\n--x--\r\n"
    (one,) = findings("signature", at(record(KEY)), message=sign(multi, KEY).removesuffix(b"--x--\r\n"))
    assert one.outcome == "unknown" and "end is missing" in one.sentence


def test_an_expired_signature_was_right_once():
    assert outcomes("signature", at(record(KEY)), message=sign(MAIL, KEY, extra="t=1; x=1767225600;")) == ["warn"]


def test_quality():
    zones = at(record(KEY))
    good = ("From", "From", "To", "Subject", "Date", "Message-ID")
    assert outcomes("signature_quality", zones, message=sign(MAIL, KEY, names=good)) == ["pass"]
    assert outcomes("signature_quality", zones, message=sign(MAIL, KEY, names=good, algorithm="rsa-sha1")) == ["fail"]
    assert outcomes("signature_quality", zones, message=sign(MAIL, KEY, names=good, extra="l=5;")) == ["warn"]
    assert outcomes("signature_quality", zones, message=sign(MAIL, KEY, names=("From",))) == ["warn"]
