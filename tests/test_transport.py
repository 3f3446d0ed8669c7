"""Transport policy: MTA-STS, TLS-RPT, DANE, DNSSEC, BIMI, CAA."""
from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib import import_module

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fivefifty.answers import HttpsAnswer, SmtpAnswer, SmtpQuestion, SmtpReply, Tlsa, TlsSession
from fivefifty.checks import Inquiry
from fivefifty.mailauth import bimi, dane, mta_sts, tls_rpt
from fivefifty.model import Subject
from fivefifty.world.recorded import RecordedWorld

ALL = ("mta_sts_record", "mta_sts_policy", "mta_sts_mx", "tls_rpt", "dane", "dnssec", "bimi", "caa")
PAGE = "https://mta-sts.example.org/.well-known/mta-sts.txt"
POLICY = "version: STSv1\r\nmode: enforce\r\nmx: *.example.org\r\nmax_age: 604800\r\n"
ZONES = {"example.org": {"MX": ["10 mx1.example.org", "20 mx2.example.org"]}, "mx1.example.org": {"A": "192.0.2.1"}, "mx2.example.org": {"A": "192.0.2.2"},
         "_mta-sts.example.org": {"TXT": "v=STSv1; id=20260101T000000;"}}


class Signed(RecordedWorld):
    """Says of every answer whether DNSSEC proved it."""

    secure: bool | None = True

    async def dns(self, name, rrtype):
        return replace(await super().dns(name, rrtype), secure=self.secure)


def findings(name, zones=None, https=None, smtp=None, kind=RecordedWorld, **subject):
    place = kind({**ZONES, **(zones or {})}, https=https, smtp=smtp)
    inquiry = Inquiry(Subject(**{"domain": "example.org", "settings": {"documentation_addresses": "public"}, **subject}), place)
    return asyncio.run(import_module(f"fivefifty.checks.transport.{name}").check(inquiry))


def outcomes(*given, **more):
    return [one.outcome for one in findings(*given, **more)]


# -- MTA-STS -------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("texts", "good"), [
    (["v=STSv1; id=1"], True), (["v=STSv1; id=1;"], True), (["v=STSv1;id=20160831085700Z;"], True), (["v=STSv1 ; id=1; x=y"], True), (["hello", "v=STSv1; id=1"], True),
    (["v=STSv1; id=1", "v=STSv1; id=2"], False), (["v=STSv1; id=2026-01-01"], False), (["v=STSv1;"], False), (["v=STSv1; id=" + "a" * 33], False), (["v=STSv1; id=1; id=2"], False),
    (["v=stsv1; id=1"], False), (["v=STSv1"], False), ([], False),
])
def test_sts_records(texts, good):
    record = mta_sts.read_records(texts)
    assert (bool(record.id) and not record.problems) is good


@pytest.mark.parametrize(("body", "problem"), [
    (POLICY, ""), (POLICY.replace("\r\n", "\n"), ""), (POLICY.rstrip(), ""), ("version:STSv1\nmode:none\nmax_age:0\n", ""), (POLICY + "x-new: 1\n", ""),
    (POLICY.replace("STSv1", "STSv2"), "version"), (POLICY.replace("enforce", "Enforce"), "mode"), (POLICY.replace("mx: *.example.org\r\n", ""), "mx"), (POLICY.replace("604800", "forever"), "max_age"),
    (POLICY.replace("604800", "31557601"), "year"), (POLICY.replace("*.example.org", "*.*.example.org"), "host name"), (POLICY.replace("*.example.org", "mx,example.org"), "host name"),
    ("<html>not found</html>", "version"), ("", "version"), ("version: STSv1\nhello\n", "key: value"),
])
def test_sts_policies(body, problem):
    policy = mta_sts.read_policy(body.encode())
    assert any(problem in one for one in policy.problems) if problem else not policy.problems


def test_the_first_of_two_fields_counts():
    policy = mta_sts.read_policy((POLICY + "mode: none\r\n").encode())
    assert policy.mode == "enforce" and policy.oddities and not policy.problems


@pytest.mark.parametrize(("pattern", "host", "expected"), [
    ("mx.example.org", "MX.example.org.", True), ("*.example.org", "mx.example.org", True), ("*.example.org", "example.org", False), ("*.example.org", "a.mx.example.org", False),
    ("mx.example.org", "mx2.example.org", False), (".example.org", "mx.example.org", False), ("*.example.org", ".example.org", False),
])
def test_sts_patterns(pattern, host, expected):
    assert mta_sts.matches(pattern, host) is expected


@pytest.mark.parametrize(("answer", "outcome"), [
    (POLICY, "pass"), (POLICY.replace("enforce", "testing"), "warn"), ("nonsense", "fail"), (POLICY.replace("604800", "60"), "warn"),
    (HttpsAnswer(PAGE, "answered", 301), "fail"), (HttpsAnswer(PAGE, "answered", 404), "fail"), (HttpsAnswer(PAGE, "tls", error="expired"), "fail"), (HttpsAnswer(PAGE, "refused"), "fail"),
    (HttpsAnswer(PAGE, "timeout"), "unknown"), (HttpsAnswer(PAGE, "unreachable"), "unknown"), (HttpsAnswer(PAGE, "not_asked"), "unknown"),
    (HttpsAnswer(PAGE, "answered", 200, (("content-type", "text/html"),), POLICY.encode()), "warn"), (HttpsAnswer(PAGE, "answered", 200, (("content-type", "Text/Plain; charset=utf-8"),), POLICY.encode()), "pass"),
])
def test_the_policy_file(answer, outcome):
    assert outcomes("mta_sts_policy", https={PAGE: answer}) == [outcome]


def test_sts_record_check():
    assert outcomes("mta_sts_record") == ["pass"]
    assert outcomes("mta_sts_record", {"_mta-sts.example.org": {"TXT": "SERVFAIL"}}) == ["unknown"]
    assert outcomes("mta_sts_record", {"_mta-sts.example.org": {}}) == ["warn"]
    assert outcomes("mta_sts_record", {"_mta-sts.example.org": {"TXT": "v=STSv1; id=a-b"}}) == ["fail"]
    assert outcomes("mta_sts_record", {"_mta-sts.example.org": {"TXT": "V=STSv1; id=1"}}) == ["fail"]
    assert outcomes("mta_sts_record", {"example.org": {"MX": "0 ."}}) == []  # takes no mail


@pytest.mark.parametrize(("policy", "outcome", "weight"), [
    (POLICY, "pass", 0), (POLICY.replace("*.example.org", "mx1.example.org"), "fail", 70), (POLICY.replace("*.example.org", "*.example.net"), "fail", 95),
    (POLICY.replace("*.example.org", "mx1.example.org").replace("enforce", "testing"), "warn", 30),
])
def test_sts_against_the_exchangers(policy, outcome, weight):
    one, = findings("mta_sts_mx", https={PAGE: policy})
    assert (one.outcome, one.weight) == (outcome, weight)
    assert outcome == "pass" or "mx: mx2.example.org" in one.record


def test_a_policy_that_cannot_be_read_is_not_held_against_the_exchangers():
    assert outcomes("mta_sts_mx", https={PAGE: "nonsense"}) == outcomes("mta_sts_mx", https={PAGE: HttpsAnswer(PAGE, "timeout")}) == []


def test_of_a_recipients_domain_only_faults_are_told():
    other = {"recipient_domain": "example.org", "author_domain": "example.com"}
    assert outcomes("mta_sts_mx", https={PAGE: POLICY.replace("*.example.org", "x.example.org")}, **other) == ["fail"]
    assert outcomes("mta_sts_record", {"_mta-sts.example.org": {}}, **other) == outcomes("tls_rpt", **other) == outcomes("dane", **other) == []


# -- TLS-RPT -------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("text", "outcome"), [
    ("v=TLSRPTv1; rua=mailto:a@example.org", "pass"), ("v=TLSRPTv1;rua=https://example.org/v1/tlsrpt", "pass"), ("v=TLSRPTv1; rua=mailto:a@example.org,https://example.org/x", "pass"),
    ("v=TLSRPTv1; rua=a@example.org", "fail"), ("v=TLSRPTv1;", "fail"), (["v=TLSRPTv1; rua=mailto:a@example.org"] * 2, "fail"), ("v=tlsrptv1; rua=mailto:a@example.org", "fail"),
    ("hello", "warn"), ("TIMEOUT", "unknown"), ("v=TLSRPTv1; rua=mailto:a@example.org,b@example.org", "warn"), ("v=TLSRPTv1; rua=ftp://example.org/", "fail"),
])
def test_tls_reports(text, outcome):
    assert outcomes("tls_rpt", {"_smtp._tls.example.org": {"TXT": text}}) == [outcome]


# -- DANE ----------------------------------------------------------------------------------------------------------------

@lru_cache(maxsize=1)
def certificates():
    """(server's, issuer's) as DER: the server's certificate is long expired and for another name, which usage 3 does not mind."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding

    def made(subject, issuer, key, signer):
        name = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, one)]) for one in (subject, issuer)]
        start = datetime(2020, 1, 1, tzinfo=UTC)
        builder = x509.CertificateBuilder().subject_name(name[0]).issuer_name(name[1]).public_key(key.public_key()).serial_number(7)
        return builder.not_valid_before(start).not_valid_after(start + timedelta(days=9)).sign(signer, SHA256()).public_bytes(Encoding.DER)

    authority, server = generate_private_key(SECP256R1()), generate_private_key(SECP256R1())
    return made("mx1.example.org", "ca", server, authority), made("ca", "ca", authority, authority)


def session(matches=True, chain=None, extensions=("STARTTLS",), tls=True):
    leaf, issuer = certificates()
    shown = TlsSession("TLSv1.3", matches=matches, certificates=tuple(one.hex() for one in (chain or (leaf, issuer)))) if tls else None
    return SmtpAnswer(SmtpQuestion("192.0.2.1"), "answered", (SmtpReply("connect", 220, "hi"), SmtpReply("ehlo", 250, "hi")), extensions, extensions, shown)


@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("matching_type", [0, 1, 2])
@pytest.mark.parametrize("usage", [2, 3])
def test_certificates_match_their_records(usage, selector, matching_type):
    leaf, issuer = certificates()
    record = Tlsa(usage, selector, matching_type, dane.association(issuer if usage == 2 else leaf, selector, matching_type))
    assert dane.matching([record], session().tls) == [record]
    assert dane.matching([record], session(chain=(issuer,) if usage == 3 else (leaf,)).tls) == []
    assert bool(dane.matching([record], session(matches=False).tls)) is (usage == 3)  # only usage 2 looks at names


@pytest.mark.parametrize("record", [Tlsa(0, 1, 1, "a" * 64), Tlsa(1, 1, 1, "a" * 64), Tlsa(3, 1, 1, "ab"), Tlsa(3, 2, 1, "a" * 64), Tlsa(3, 1, 9, "ab"), Tlsa(3, 1, 0, "")])
def test_records_without_use(record):
    assert dane.problem(record)


def test_broken_certificates_match_nothing():
    assert dane.matching([Tlsa(3, 1, 1, "a" * 64)], TlsSession(certificates=("00ff",))) == []


def dane_outcome(record, answer, kind=Signed, **more):
    return findings("dane", {"_25._tcp.mx1.example.org": {"TLSA": record}}, smtp={"192.0.2.1": answer}, kind=kind, **more)[0]


def test_dane_check():
    good = f"3 1 1 {dane.association(certificates()[0], 1, 1)}"
    assert dane_outcome([good], session()).outcome == "pass"
    assert "rollover" in dane_outcome([good, "3 1 1 " + "ab" * 32], session()).sentence
    bad = dane_outcome(["3 1 1 " + "ab" * 32], session())
    assert bad.outcome == "fail" and bad.record.endswith(good)
    assert dane_outcome([good], session(tls=False, extensions=())).outcome == "fail"
    assert dane_outcome([good], session(), kind=RecordedWorld).outcome == "unknown"  # nobody says whether it is signed
    assert dane_outcome(["1 1 1 " + "ab" * 32], session()).outcome == "warn"
    assert dane_outcome("SERVFAIL", session()).outcome == "unknown"
    assert outcomes("dane") == ["skipped"]


class Unsigned(Signed):
    secure = False


def test_unsigned_tlsa_records_are_without_effect():
    one = dane_outcome(["3 1 1 " + "ab" * 32], session(), kind=Unsigned)
    assert one.outcome == "warn" and "not signed" in one.sentence


# -- DNSSEC, BIMI, CAA ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("zones", "kind", "outcome"), [
    ({}, Signed, "pass"), ({}, RecordedWorld, "skipped"), ({"example.org": {"MX": "BOGUS"}}, RecordedWorld, "fail"),
    ({"example.org": {"MX": "10 mx1.example.org", "DS": "1 13 2 ABCD"}}, RecordedWorld, "fail"),
    ({"example.org": {"MX": "10 mx1.example.org", "DS": "1 13 2 ABCD", "DNSKEY": "257 3 13 AAAA"}}, RecordedWorld, "unknown"),
    ({"example.org": {"MX": "SERVFAIL", "DS": "1 13 2 ABCD", "DNSKEY": "SERVFAIL"}}, RecordedWorld, "unknown"), ({"example.org": {"MX": "TIMEOUT", "DS": "TIMEOUT"}}, RecordedWorld, "unknown"),
])
def test_dnssec(zones, kind, outcome):
    assert outcomes("dnssec", zones, kind=kind) == [outcome]


LOGO = b'<svg xmlns="http://www.w3.org/2000/svg" version="1.2" baseProfile="tiny-ps"><title>x</title></svg>'
SVG = HttpsAnswer("https://example.org/l.svg", "answered", 200, (("content-type", "image/svg+xml"),), LOGO)


@pytest.mark.parametrize(("text", "policy", "page", "outcome"), [
    ("v=BIMI1; l=https://example.org/l.svg; a=https://example.org/v.pem", "p=reject", SVG, "pass"), ("v=BIMI1; l=https://example.org/l.svg", "p=quarantine", SVG, "warn"),
    ("v=BIMI1; l=https://example.org/l.svg", "p=none", SVG, "fail"), ("v=BIMI1; l=https://example.org/l.svg", "p=reject; t=y", SVG, "fail"), ("v=BIMI1; l=https://example.org/l.svg", "p=reject; sp=none", SVG, "fail"),
    ("v=BIMI1; l=http://example.org/l.svg", "p=reject", SVG, "fail"), ("v=BIMI1; l=; a=", "p=reject", SVG, "pass"), ("v=BIMI1; l=https://example.org/l.svg", "p=reject", replace(SVG, body=b"<svg>"), "fail"),
    ("v=BIMI1; l=https://example.org/l.svg", "p=reject", replace(SVG, state="timeout", status_code=0), "unknown"), ("hello", "p=reject", SVG, "skipped"), ("SERVFAIL", "p=reject", SVG, "unknown"),
])
def test_bimi(text, policy, page, outcome):
    zones = {"default._bimi.example.org": {"TXT": text}, "_dmarc.example.org": {"TXT": f"v=DMARC1; {policy}"}}
    assert outcomes("bimi", zones, https={"https://example.org/l.svg": page}) == [outcome]


@pytest.mark.parametrize(("records", "outcome"), [([], "skipped"), (['0 issue "ca.example"'], "pass"), (['0 issue ";"'], "warn"), (['128 tbs "x"'], "warn"), (['0 iodef "mailto:a@example.org"'], "pass"), ("SERVFAIL", "unknown")])
def test_caa(records, outcome):
    assert set(outcomes("caa", {"example.org": {"MX": "10 mx1.example.org", "CAA": records}})) == {outcome}
    assert outcomes("caa", {"example.org": {"MX": "10 mx.example.net", "CAA": records}}) == []


# -- hostile input -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("domain", ["", "a b", "x..y", "1" * 300, "example.org"])
def test_odd_subjects_do_no_harm(name, domain):
    long = "v=STSv1;" + "x=1;" * 60_000
    zones = {"_mta-sts.example.org": {"TXT": [long]}, "_smtp._tls.example.org": {"TXT": ["v=TLSRPTv1; rua=" + "mailto:a@b.example," * 20_000]},
             "default._bimi.example.org": {"TXT": "v=BIMI1;" + "l=;" * 90_000}, "_25._tcp.mx1.example.org": {"TLSA": ["3 1 1 " + "ab" * 32] * 500}}
    assert all(one.sentence for one in findings(name, zones, domain=domain))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_can_be_read(body):
    text = body.decode("latin-1")
    mta_sts.read_policy(body)
    mta_sts.read_records(["v=STSv1;" + text])
    tls_rpt.read_records(["v=TLSRPTv1;" + text])
    bimi.read_records(["v=BIMI1;" + text])
    bimi.logo_problems(body, text)
