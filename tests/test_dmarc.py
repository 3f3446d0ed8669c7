"""DMARC by RFC 9989: records, the tree walk, policies, alignment."""
from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fivefifty.mailauth import dmarc
from fivefifty.mailauth.author import author
from fivefifty.mailauth.dmarc_record import is_nearly_record, is_record, read_record, report_addresses
from fivefifty.mailauth.organization import organizational_domain, plain_domain, registered_domain, targets, walk
from fivefifty.world.recorded import RecordedWorld


def of(records, **zones):
    """A World with DMARC records by domain, and other zones."""
    return RecordedWorld({**{f"_dmarc.{name}": {"TXT": text} for name, text in records.items()}, **zones.get("zones", {})})


def discover(domain, records, zones=None):
    return asyncio.run(dmarc.discover(domain, of(records, zones=zones or {})))


def judge(author_domain, spf, dkim, records, zones=None):
    return asyncio.run(dmarc.check(author_domain, *spf, dkim, of(records, zones=zones or {})))


# -- records -------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("text", ["v=DMARC1", "v=DMARC1;", "v=DMARC1; p=none", "v = DMARC1 ; p = reject", "V=DMARC1;p=none", "v=DMARC1 ;", "v=DMARC1;;"])
def test_what_is_a_record(text):
    assert is_record(text)


@pytest.mark.parametrize("text", ["v=dmarc1; p=none", " v=DMARC1; p=none", "v=DMARC1 p=none", "v=DMARC10", "p=none; v=DMARC1", "", "hello", "v=spf1 -all", '"v=DMARC1; p=none"', "v=DMARC1.", "v:DMARC1"])
def test_what_is_no_record(text):
    assert not is_record(text)


@pytest.mark.parametrize("text", ["v=dmarc1; p=none", " v=DMARC1", "v=DMARC1 p=none", "DMARC1; p=none", '"v=DMARC1; p=none"', "v:DMARC1", "v=DMARC2"])
def test_what_was_meant_as_one(text):
    assert is_nearly_record(text)


def test_tags_and_defaults():
    record = read_record("v=DMARC1; P=Reject; sp=quarantine; adkim=s; t=y; psd=n; rua=mailto:a@example.org, mailto:b@example.net!10m; ruf=https://example.org/x; fo=1:d; rf=afrf; x-new=1; foo=bar")
    assert (record.p, record.sp, record.np, record.adkim, record.aspf, record.testing, record.psd) == ("reject", "quarantine", "", "s", "r", True, "n")
    assert [(one.address, one.domain, one.size) for one in record.rua] == [("a@example.org", "example.org", ""), ("b@example.net", "example.net", "10m")]
    assert record.ruf[0].domain == "example.org" and record.removed == ("rf",) and record.unknown == ("foo",)
    assert record.nonexistent_policy == "quarantine" and not record.void


@pytest.mark.parametrize(("text", "policy", "void"), [
    ("v=DMARC1", "none", False),  # 4.7: a missing p is p=none
    ("v=DMARC1; rua=mailto:a@example.org", "none", False),
    ("v=DMARC1; p=rejct", "none", True),
    ("v=DMARC1; p=rejct; rua=mailto:a@example.org", "none", False),
    ("v=DMARC1; p=reject; sp=rejct; rua=mailto:a@example.org", "none", False),  # 4.10.1: all of it becomes p=none
    ("v=DMARC1; p=reject; np=", "reject", False),
    ("v=DMARC1; p=reject; np=x", "none", True),
    ("v=DMARC1; p=rejct; rua=a@example.org", "none", True),
    ("v=DMARC1; p=reject rua=mailto:a@example.org", "none", True),
    ("v=DMARC1; rua=mailto:a@example.org; p=reject", "reject", False),
    ("v=DMARC1; p=reject; t=maybe; adkim=x", "reject", False),
])
def test_missing_and_wrong_policies(text, policy, void):
    record = read_record(text)
    assert (record.policy, record.void) == (policy, void)


def test_problems_are_told_in_words():
    words = dict(read_record("v=DMARC1; p=none rua=mailto:x@example.org; p=none; adkim=q; nonsense; fo=7; ruf=me@example.org").problems)
    assert "semicolon is missing before rua=" in " ".join(text for _, text in read_record("v=DMARC1; p=none rua=mailto:x@example.org").problems)
    assert "twice" in " ".join(text for tag, text in read_record("v=DMARC1; p=none; p=reject").problems)
    assert "r, s" in words["adkim"] and "mailto: is missing" in words["ruf"] and "fo=7" in words["fo"]


@pytest.mark.parametrize(("uri", "valid"), [("mailto:a@example.org", True), ("MAILTO:a@example.org", True), ("mailto:a@example.org!10m", True), ("mailto:a@example.org?subject=x", True),
                                            ("a@example.org", False), ("mailto:", False), ("mailto:a@", False), ("mailto:a b@example.org", False), ("", False), ("https://example.org/dmarc", True),
                                            ("mailto:a%2Cb@example.org", True), ("mailto:a@bank", True)])
def test_report_uris(uri, valid):
    assert report_addresses(uri)[0].valid is valid


# -- the tree walk -------------------------------------------------------------------------------------------------------

def test_the_names_asked_by_a_walk():
    assert targets("a.mail.example.com") == ["a.mail.example.com", "mail.example.com", "example.com", "com"]
    assert targets("a.b.c.d.e.f.g.h.i.j.mail.example.com") == [
        "a.b.c.d.e.f.g.h.i.j.mail.example.com", "g.h.i.j.mail.example.com", "h.i.j.mail.example.com", "i.j.mail.example.com", "j.mail.example.com", "mail.example.com", "example.com", "com"]
    assert targets("a.b.c.d.e.f.example.com")[1] == "b.c.d.e.f.example.com"  # eight labels: the parent, which has seven
    assert targets("com") == ["com"]


@pytest.mark.parametrize(("domain", "records", "expected"), [
    ("a.mail.example.com", {"mail.example.com": "v=DMARC1; p=none", "example.com": "v=DMARC1; p=none"}, "example.com"),
    ("a.mail.example.com", {"mail.example.com": "v=DMARC1; p=none; psd=n", "example.com": "v=DMARC1; p=none"}, "mail.example.com"),
    ("a.mail.example.com", {"com": "v=DMARC1; p=none; psd=y"}, "example.com"),
    ("a.mail.example.com", {}, "a.mail.example.com"),
    ("example.com", {"example.com": "v=DMARC1; psd=y"}, "example.com"),  # where the walk starts, psd=y does not move it
    ("mail.example.com", {"example.com": "v=DMARC1; psd=y"}, "mail.example.com"),
    ("mail.example.com", {"example.com": ["v=DMARC1; p=none", "v=DMARC1; p=reject"]}, "mail.example.com"),
    ("A.Example.COM.", {"example.com": "v=DMARC1; p=none"}, "example.com"),
    ("x.bücher.example", {"xn--bcher-kva.example": "v=DMARC1"}, "xn--bcher-kva.example"),
    ("mail.a.b.c.d.e.f.g.example.com", {"b.c.d.e.f.g.example.com": "v=DMARC1; psd=n", "example.com": "v=DMARC1"}, "example.com"),  # beyond the shortcut: never asked
])
def test_organizational_domain(domain, records, expected):
    assert asyncio.run(organizational_domain(domain, of(records))) == expected


labels = st.sampled_from(["a", "b", "c"])
names = st.lists(labels, min_size=1, max_size=12).map(".".join)
published = st.dictionaries(names, st.sampled_from(["v=DMARC1; p=none", "v=DMARC1; p=reject; psd=n", "v=DMARC1; p=reject; psd=y", "v=dmarc1", "SERVFAIL"]), max_size=12)


@settings(max_examples=150, deadline=None)
@given(names, published)
def test_properties_of_the_walk(domain, records):
    zones = of(records)
    walked = asyncio.run(walk(domain, zones))
    asked = [step.domain for step in walked.steps]
    assert 1 <= len(asked) <= 8 and len(set(asked)) == len(asked) == len(zones.journal)
    assert asked[0] == domain and all(domain.endswith(f".{one}") or one == domain for one in asked)
    assert [one.count(".") for one in asked] == sorted((one.count(".") for one in asked), reverse=True)
    organization = walked.organizational_domain
    assert domain == organization or domain.endswith(f".{organization}")
    assert all(step.record is None or step.record.psd == "u" for step in walked.steps[:-1])
    assert walked.certain is not any(step.answer.unlearned for step in walked.steps)
    if organization != domain and walked.with_record[-1].record.psd != "y":
        assert walked.at(organization).record  # an organization other than the domain itself has a record
    policy = asyncio.run(dmarc.discover(domain, of(records)))
    assert policy.state != "found" or policy.policy in ("none", "quarantine", "reject")


@settings(max_examples=60, deadline=None)
@given(names, names, published)
def test_relaxed_alignment_is_symmetric(one, other, records):
    zones = of({name: text for name, text in records.items() if text != "SERVFAIL"} | {one: "v=DMARC1; p=none"} | {other: "v=DMARC1; p=none"})
    first = asyncio.run(dmarc.check(one, "pass", other, [], zones))
    second = asyncio.run(dmarc.check(other, "pass", one, [], zones))
    assert first.result == second.result


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_can_be_read(text):
    record = read_record("v=DMARC1;" + text)
    assert record.policy in ("none", "quarantine", "reject")
    plain_domain(text)
    report_addresses(text)
    author(b"From: " + text.encode("utf-8", "replace"))


# -- policies ------------------------------------------------------------------------------------------------------------

ORG = {"example.com": "v=DMARC1; p=reject; sp=quarantine; np=none; rua=mailto:a@example.com"}


def test_the_policy_of_the_author_domain_goes_first():
    policy = discover("sub.example.com", ORG | {"sub.example.com": "v=DMARC1; p=none"})
    assert (policy.state, policy.source, policy.tag, policy.policy, policy.organizational_domain) == ("found", "author", "p", "none", "example.com")


def test_sp_for_what_exists_and_np_for_what_does_not():
    there = discover("sub.example.com", ORG, {"sub.example.com": {"A": "192.0.2.1"}})
    empty = discover("sub.example.com", ORG, {"x.sub.example.com": {"A": "192.0.2.1"}})  # an empty non-terminal exists
    gone = discover("sub.example.com", ORG)
    assert (there.tag, there.policy, there.exists) == ("sp", "quarantine", True)
    assert (empty.tag, empty.policy) == ("sp", "quarantine")
    assert (gone.tag, gone.policy, gone.exists) == ("np", "none", False)
    assert discover("sub.example.com", ORG, {"sub.example.com": {"A": "TIMEOUT"}}).state == "temperror"
    alias = discover("sub.example.com", ORG, {"sub.example.com": {"CNAME": "gone.example.net"}})
    assert alias.exists is True


def test_existence_is_asked_only_where_it_matters():
    zones = of({"example.com": "v=DMARC1; p=reject; sp=none"})
    policy = asyncio.run(dmarc.discover("sub.example.com", zones))
    assert policy.tag == "sp" and policy.exists is None and {one.rrtype for one in zones.journal} == {"TXT"}


def test_the_public_suffix_comes_last():
    bank = {"bank": "v=DMARC1; p=quarantine; sp=reject; psd=y"}
    policy = discover("foo.bank", bank)
    assert (policy.source, policy.found_at, policy.policy, policy.organizational_domain) == ("psd", "bank", "reject", "foo.bank")
    between = discover("a.mail.foo.bank", bank | {"mail.foo.bank": "v=DMARC1; p=none"})
    assert (between.source, between.policy) == ("psd", "reject")  # a record between author and organization counts for nothing
    own = discover("a.foo.bank", bank | {"foo.bank": "v=DMARC1; p=none"})
    assert (own.source, own.policy) == ("organization", "none")


@pytest.mark.parametrize(("text", "policy"), [("p=reject; t=y", "quarantine"), ("p=quarantine; t=y", "none"), ("p=none; t=y", "none"), ("p=reject; t=n", "reject"), ("p=reject; t=Y", "quarantine")])
def test_testing_takes_one_step_off(text, policy):
    assert discover("example.com", {"example.com": f"v=DMARC1; {text}"}).policy == policy


@pytest.mark.parametrize(("records", "state"), [
    ({}, "absent"), ({"example.com": "hello"}, "absent"), ({"example.com": ["v=DMARC1; p=none"] * 2}, "absent"), ({"example.com": "v=dmarc1; p=none"}, "absent"),
    ({"example.com": "SERVFAIL"}, "temperror"), ({"com": "TIMEOUT"}, "temperror"), ({"example.com": ["hello", "v=DMARC1; p=none"]}, "found"),
    ({"example.com": "v=DMARC1; p=none", "com": "TIMEOUT"}, "found"), ({"example.com": "v=DMARC1; p=oops"}, "void"),
])
def test_states(records, state):
    assert discover("example.com", records).state == state


@pytest.mark.parametrize("name", ["", " ", "a b.example", ".", "..", "x" * 64 + ".example", "a." * 200 + "example", "a..b", "exa\x00mple.org"])
def test_names_that_are_none(name):
    policy = asyncio.run(dmarc.discover(name, of({})))
    assert policy.state == "invalid"
    assert asyncio.run(dmarc.check(name, "pass", "example.org", [], of({}))).result == "none"


# -- alignment -----------------------------------------------------------------------------------------------------------

RELAXED = {"example.com": "v=DMARC1; p=reject"}
STRICT = {"example.com": "v=DMARC1; p=reject; adkim=s; aspf=s"}


@pytest.mark.parametrize(("spf", "dkim", "records", "expected"), [
    (("pass", "example.com"), [], RELAXED, "pass"),
    (("pass", "bounce.example.com"), [], RELAXED, "pass"),
    (("pass", "bounce.example.com"), [], STRICT, "fail"),
    (("pass", "EXAMPLE.com."), [], STRICT, "pass"),
    (("softfail", "example.com"), [], RELAXED, "fail"),
    (("pass", "example.net"), [("example.net", "pass")], RELAXED, "fail"),
    (("fail", "example.net"), [("example.net", "pass"), ("mail.example.com", "pass")], RELAXED, "pass"),
    (("none", ""), [], RELAXED, "fail"),
    (("temperror", "example.com"), [], RELAXED, "temperror"),
    (("temperror", "example.com"), [("example.com", "pass")], RELAXED, "pass"),
    (("temperror", "example.net"), [("example.com", "fail")], RELAXED, "fail"),  # an identity that could never count
    (("permerror", "example.com"), [], RELAXED, "fail"),
    (("pass", "example.com"), [], {}, "none"),
    (("pass", "example.com"), [], {"example.com": "v=DMARC1; p=x"}, "permerror"),
    (("fail", "x.com"), [], {"example.com": "TIMEOUT"}, "temperror"),
    (("pass", "a.example.com"), [], RELAXED | {"a.example.com": "v=DMARC1; psd=n"}, "fail"),
    (("pass", "b.a.example.com"), [], RELAXED | {"a.example.com": "TIMEOUT"}, "temperror"),
    (("pass", "example.net"), [], RELAXED | {"example.net": "TIMEOUT"}, "fail"),
])
def test_results(spf, dkim, records, expected):
    outcome = judge("example.com", spf, [SimpleNamespace(domain=domain, result=result) for domain, result in dkim], records)
    assert str(outcome) == expected, outcome.reason
    assert outcome.disposition == ("reject" if expected == "fail" else "none")


def test_identities_say_how_they_stand():
    outcome = judge("news.example.com", ("pass", "foo.example.com"), [("other.example", "pass")], RELAXED)
    assert [(one.mechanism, one.alignment, one.authenticated) for one in outcome.identities] == [("spf", "relaxed", True), ("dkim", "none", False)]
    assert "organizational domain, example.com" in outcome.reason


def test_a_thousand_signatures_cost_little():
    zones = of(RELAXED)
    asyncio.run(dmarc.check("example.com", "none", "", [(f"d{number}.example.net", "pass") for number in range(1000)], zones))
    assert len(zones.journal) < 200


# -- report authorization ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("uri", "txt", "expected"), [
    ("mailto:a@example.com", None, True), ("mailto:a@sub.example.com", None, True), ("mailto:a@reports.example.net", None, False),
    ("mailto:a@reports.example.net", "v=DMARC1", True), ("mailto:a@reports.example.net", "v=DMARC1;", True), ("mailto:a@reports.example.net", "v=dmarc1", False),
    ("mailto:a@reports.example.net", "TIMEOUT", None), ("mailto:a@reports.example.net", ["x", "v=DMARC1; rua=mailto:b@reports.example.net"], True),
])
def test_report_authorization(uri, txt, expected):
    zones = {"example.com._report._dmarc.reports.example.net": {"TXT": txt}} if txt else {}
    allowed, _ = asyncio.run(dmarc.report_authorized("example.com", report_addresses(uri)[0], of(RELAXED, zones=zones)))
    assert allowed is expected


# -- the author ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("field", "domains"), [
    (b"<a@example.org>", ("example.org",)), (b'"x@example.net" <a@Example.ORG>', ("example.org",)), (b"a@example.org (b@example.net)", ("example.org",)),
    (b"a@example.org, b@example.org", ("example.org",)), (b"a@example.org, b@example.net", ("example.org", "example.net")), (b"nobody:;", ()),
    (b"team: a@example.org, b@example.org;", ("example.org",)), (b"nobody", ()), (b"", ()), (b"x <a@b@example.org>", ("example.org",)), (b"a@[192.0.2.1]", ()),
    (b'"a b"@example.org', ("example.org",)), ("<a@bücher.example>".encode(), ("xn--bcher-kva.example",)), (b"<@relay.example:a@example.org>", ("example.org",)),
    (b"=?utf-8?q?a=40example=2Enet?= <a@example.org>", ("example.org",)), (b"x\r\n <a@example.org>", ("example.org",)),
    (b'"\\"<x@example.net>" <a@example.org>', ("example.org",)), (b"(\\) x@example.net) a@example.org", ("example.org",)),
])
def test_author_domains(field, domains):
    assert author(b"To: x@y.example\r\nFrom: " + field + b"\r\nDate: now\r\n\r\nFrom: z@z.example\r\n").domains == domains


def test_two_from_fields_leave_no_author():
    wrote = author(b"From: a@example.org\nFrom: a@example.org\n\n")
    assert wrote.domain == "" and "2 From" in wrote.problems[0]


def test_hostile_from_fields_are_read_in_no_time():
    for field in (b"(" * 200_000, b'"' * 200_000, b"<" * 200_000, b"a@" * 100_000, b"," * 200_000, b"[" * 200_000, b"\\" * 200_000, b" " * 200_000 + b"@"):
        author(b"From: " + field)


def test_a_whole_mail():
    zones = RecordedWorld({"_dmarc.example.org": {"TXT": "v=DMARC1; p=reject"}, "bounces.example.org": {"TXT": "v=spf1 ip4:192.0.2.1 -all"}, "mail.example.org": {"TXT": "v=spf1 a -all", "A": "192.0.2.9"}})
    mail = b"From: a@example.org\r\nSubject: x\r\n\r\nhello\r\n"

    def result(ip, sender, message=mail):
        return str(asyncio.run(dmarc.check_message(message, ip, sender, "mail.example.org", zones)))

    assert result("192.0.2.1", "b@bounces.example.org") == "pass"
    assert result("192.0.2.2", "b@bounces.example.org") == "fail"
    assert result("192.0.2.9", "") == result("192.0.2.9", "<>") == "pass"  # the null sender: HELO
    assert result("192.0.2.1", "b@bounces.example.org", mail.replace(b"From: a@example.org", b"From: a@example.org, b@example.net")) == "none"
    assert result("192.0.2.1", "b@bounces.example.org", b"Subject: x\r\n\r\n") == "none"


def test_the_public_suffix_list_is_only_for_comparison():
    assert registered_domain("a.b.example.co.uk") == "example.co.uk" and registered_domain("co.uk") == "co.uk" and registered_domain("") == ""
