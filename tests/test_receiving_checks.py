"""The checks of the receiving side: mail exchangers, SMTP sessions, the sender's domain."""
from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from importlib import import_module

import pytest

from fivefifty.answers import DnsAnswer, SmtpAnswer, SmtpQuestion, SmtpReply, Tlsa, TlsSession
from fivefifty.checks import Inquiry
from fivefifty.model import Subject
from fivefifty.world.recorded import RecordedWorld

GOOD = {"example.org": {"MX": ["10 mx.example.org"]}, "mx.example.org": {"A": ["9.9.9.10"], "AAAA": ["2620:fe::10"]}}
GOOD_TLS = TlsSession("TLSv1.3", "TLS_AES", ("mx.example.org",), "Some CA", "2025-10-01T00:00:00+00:00", "2026-03-01T00:00:00+00:00", True, True)
EXTENSIONS = ("SIZE 10240000", "8BITMIME", "STARTTLS", "PIPELINING", "SMTPUTF8")


def findings(check, zones, smtp=None, https=None, *, answers=(), **subject):
    """What one check says."""
    subject.setdefault("domain", "example.org")
    world = RecordedWorld(zones, smtp=smtp, https=https, now=datetime(2026, 1, 1, tzinfo=UTC), answers=answers)
    found = asyncio.run(import_module(f"fivefifty.checks.receiving.{check}").check(Inquiry(Subject(**subject), world)))
    for one in found:
        assert one.sentence and json.dumps(dict(one.facts)) is not None
    return found


def outcomes(*args, **rest):
    return [one.outcome for one in findings(*args, **rest)]


def session(*replies, banner="mx.example.org ESMTP", tls=GOOD_TLS, extensions=EXTENSIONS, state="answered", seconds=0.1, host="mx.example.org", recipients=()):
    first = [SmtpReply("connect", 220, banner), SmtpReply("ehlo", 250, "mx.example.org")] if state == "answered" else []
    question = SmtpQuestion("9.9.9.10", server_name=host, recipients=recipients)
    return SmtpAnswer(question, state, (*first, *(SmtpReply(*one) for one in replies)), extensions if first else (), extensions if first else (), tls if first else None, seconds)


def both(answer):
    return {"9.9.9.10": answer, "2620:fe::10": answer}


@pytest.mark.parametrize(("zones", "outcome", "state"), [
    (GOOD, "pass", "mx"),
    ({"example.org": {"A": ["9.9.9.9"]}}, "warn", "implicit"),
    ({"example.org": {"AAAA": ["2620:fe::9"]}}, "warn", "implicit"),
    ({"example.org": {"A": ["10.0.0.1"]}}, "fail", "implicit"),
    ({}, "fail", "nxdomain"),
    ({"example.org": {"TXT": ["x"]}}, "fail", "none"),
    ({"example.org": {"CNAME": ["gone.example.net"]}}, "fail", "nxdomain"),
    ({"example.org": {"MX": ["0 ."]}}, "skipped", "null"),
    ({"example.org": {"MX": ["10 gone.example.org"], "A": ["9.9.9.9"]}}, "fail", "mx"),  # no fall-back to A
    ({"example.org": {"MX": ["10 9.9.9.9"], "A": ["9.9.9.9"]}}, "fail", "mx"),
    ({"example.org": {"MX": ["10 mx.example.org"]}, "mx.example.org": {"A": ["192.168.1.1"]}}, "fail", "mx"),
    ({"example.org": {"MX": ["10 mx.example.org"]}, "mx.example.org": {"*": "TIMEOUT"}}, "unknown", "mx"),
    ({"example.org": {"MX": "SERVFAIL", "A": ["9.9.9.9"]}}, "unknown", "unlearned"),  # RFC 5321 5.1: no fall-back on a fault
    ({"example.org": {"MX": "BOGUS"}}, "unknown", "unlearned"),
    ({"example.org": {"A": "TIMEOUT"}}, "unknown", "unlearned"),
])
def test_a_domain_has_a_usable_mail_exchanger(zones, outcome, state):
    (found,) = findings("mx", zones)
    assert (found.outcome, found.facts["state"]) == (outcome, state)


def test_a_dangling_alias_is_named():
    (found,) = findings("mx", {"example.org": {"CNAME": ["gone.example.net"]}})
    assert "alias of gone.example.net" in found.sentence


def test_null_mx():
    null = {"example.org": {"MX": ["0 ."]}}
    assert findings("null_mx", GOOD) == []
    assert outcomes("null_mx", null) == ["pass"]
    assert outcomes("null_mx", null, envelope_sender="a@example.org") == ["fail"]
    assert outcomes("null_mx", null, recipient_domain="example.org", author_domain="example.net") == ["fail"]
    assert outcomes("null_mx", {"example.org": {"MX": ["10 ."]}}) == ["pass", "fail"]
    assert outcomes("null_mx", {"example.org": {"MX": ["0 .", "10 mx.example.org"]}}) == ["fail"]


@pytest.mark.parametrize(("target", "outcome"), [
    ("mx.example.org", "pass"), ("192.0.2.9", "fail"), ("[192.0.2.9]", "fail"), ("2001:db8::1", "fail"), ("https://mx.example.org", "fail"),
    ("my_mx.example.org", "warn"), ("-mx.example.org", "warn"), ("x" * 64 + ".example.org", "warn"),
])
def test_an_mx_record_holds_a_name(target, outcome):
    zones = {"example.org": {"MX": [(10, target)]}}
    assert outcomes("mx_is_name", zones) == [outcome]
    assert outcomes("sender_mx_is_name", zones, domain="", envelope_sender="a@example.org") == [outcome]


def test_an_address_in_the_mx_record_comes_with_the_record_to_publish():
    (found,) = findings("mx_is_name", {"example.org": {"MX": ["10 192.0.2.9"]}})
    assert "mx.example.org. A 192.0.2.9" in found.record


def test_an_alias_is_seen_in_the_address_answers():
    zones = {"example.org": {"MX": ["10 c.example.org"]}, "c.example.org": {"CNAME": ["mx.example.org"]}, "mx.example.org": {"A": ["9.9.9.10"]}}
    (found,) = findings("mx_cname", zones)
    assert (found.outcome, found.record) == ("warn", "example.org. MX 10 mx.example.org.")
    assert outcomes("mx_cname", GOOD) == ["pass"]
    assert outcomes("mx_cname", {**zones, "mx.example.org": {"CNAME": ["c.example.org"]}}) == []  # a loop: "mx_resolves" tells


def test_a_domain_that_is_an_alias_itself():
    zones = {"example.org": {"CNAME": ["example.net"]}, "example.net": {"MX": ["10 mx.example.org"]}, "mx.example.org": {"A": ["9.9.9.10"]}}
    (found,) = findings("mx_cname", zones)
    assert (found.outcome, found.about) == ("warn", "example.org")
    assert outcomes("mx", zones) == ["pass"]


def test_mx_names_resolve():
    dead = {"example.org": {"MX": ["10 gone.example.org"]}}
    assert outcomes("mx_resolves", GOOD) == ["pass"]
    assert outcomes("mx_resolves", dead) == ["fail"]
    assert outcomes("mx_resolves", {**GOOD, "example.org": {"MX": ["10 gone.example.org", "20 mx.example.org"]}}) == ["warn"]
    assert outcomes("mx_resolves", {**dead, "gone.example.org": {"*": "SERVFAIL"}}) == ["unknown"]
    (found,) = findings("mx_resolves", {"example.org": {"MX": ["10 mx.example.org.example.org"]}})
    assert "twice" in found.advice


def test_mx_addresses_are_public():
    zones = {"example.org": {"MX": ["10 mx.example.org", "20 in.example.org"]}, "mx.example.org": {"A": ["9.9.9.9"]}, "in.example.org": {"A": ["10.1.2.3"]}}
    assert outcomes("mx_public", GOOD) == ["pass"]
    assert outcomes("mx_public", zones) == ["warn"]
    assert outcomes("mx_public", {**zones, "mx.example.org": {"A": ["127.0.0.1"]}}) == ["fail", "fail"]
    assert outcomes("mx_public", {"example.org": {"MX": ["10 localhost"]}}) == ["fail"]
    example = {**zones, "mx.example.org": {"A": ["192.0.2.1"]}, "in.example.org": {"AAAA": ["2001:db8::1"]}}
    assert outcomes("mx_public", example) == ["warn", "warn"]
    assert outcomes("mx_public", example, settings={"documentation_addresses": "public"}) == ["pass"]


def test_duplicates_and_left_overs():
    same = {"example.org": {"MX": ["10 a.example.org", "20 b.example.org", "30 a.example.org"]}, "a.example.org": {"A": ["9.9.9.9"]}, "b.example.org": {"A": ["9.9.9.9"]}}
    assert outcomes("duplicates", same) == ["warn", "warn"]
    assert outcomes("duplicates", GOOD) == ["pass"]
    verify = {**GOOD, "example.org": {"MX": ["10 mx.example.org", "32767 ms12345.msv1.invalid"]}}
    assert outcomes("verification_mx", verify) == ["warn"]
    assert outcomes("mx", verify) == ["pass"]
    assert outcomes("mx_resolves", verify) == ["pass"]


def test_connections():
    assert outcomes("connect", GOOD, both(session())) == ["pass", "pass"]
    assert outcomes("connect", GOOD, both(session(state="refused"))) == ["fail"]
    assert outcomes("connect", GOOD, both(session(state="timeout"))) == ["unknown"]
    assert outcomes("connect", GOOD, both(session(state="closed"))) == ["fail"]
    assert outcomes("connect", GOOD, {"9.9.9.10": session(), "2620:fe::10": session(state="unreachable")}) == ["pass", "unknown"]
    assert outcomes("connect", GOOD, {"9.9.9.10": session(), "2620:fe::10": session(state="timeout")}) == ["pass", "warn"]
    assert outcomes("connect", GOOD, both(session(seconds=8.0))) == ["warn", "warn"]
    assert outcomes("connect", GOOD, both(session(state="not_asked"))) == ["skipped"]
    assert outcomes("connect", {}) == []


@pytest.mark.parametrize(("code", "outcome"), [(554, "unknown"), (421, "unknown"), (521, "fail")])
def test_a_refusal_as_greeting(code, outcome):
    refused = SmtpAnswer(SmtpQuestion("9.9.9.10"), "answered", (SmtpReply("connect", code, "no access"),))
    assert outcomes("connect", GOOD, both(refused)) == [outcome, outcome]


@pytest.mark.parametrize("check", ["connect", "banner", "starttls", "tls_version", "certificate", "extensions", "postmaster", "abuse"])
def test_no_server_is_connected_to_against_the_users_will(check):
    world = RecordedWorld(GOOD)
    found = asyncio.run(import_module(f"fivefifty.checks.receiving.{check}").check(Inquiry(Subject(domain="example.org", smtp=False), world)))
    assert [one.outcome for one in found] == ["skipped"]
    assert not world.journal


def test_every_address_is_connected_to_once():
    world = RecordedWorld(GOOD, smtp=both(session(("rcpt", 250, "ok", "postmaster@example.org"), ("rcpt", 250, "ok", "abuse@example.org"))))
    inquiry = Inquiry(Subject(domain="example.org"), world)

    async def all_of_them():
        for name in ("connect", "banner", "starttls", "tls_version", "certificate", "extensions", "postmaster", "abuse", "ipv6"):
            assert await import_module(f"fivefifty.checks.receiving.{name}").check(inquiry)

    asyncio.run(all_of_them())
    assert sum(isinstance(one, SmtpAnswer) for one in world.journal) == 2


def test_banners():
    v4 = {**GOOD, "mx.example.org": {"A": ["9.9.9.10"]}}
    named = {**v4, "10.9.9.9.in-addr.arpa": {"PTR": ["mx.example.org"]}}
    assert outcomes("banner", named, both(session())) == ["pass"]
    assert outcomes("banner", {**v4, "10.9.9.9.in-addr.arpa": {"PTR": ["other.example.org"]}}, both(session())) == ["warn"]
    assert outcomes("banner", named, both(session(banner="ready"))) == ["warn"]
    assert "firewall" in findings("banner", named, both(session(banner="*****************")))[0].sentence
    google = {"example.org": {"MX": ["1 smtp.google.com"]}, "smtp.google.com": {"A": ["9.9.9.10"]}}
    assert "something on the way" in findings("banner", google, both(session(banner="proxy.example.net ready")))[0].sentence
    loop = findings("banner", named, both(session()), recipient_domain="example.org", author_domain="example.net", helo_name="mx.example.org")
    assert "loop" in loop[0].sentence


def test_starttls_is_a_failure_only_where_it_is_demanded():
    v4 = {**GOOD, "mx.example.org": {"A": ["9.9.9.10"]}}
    plain = both(session(tls=None, extensions=("SIZE 100",)))
    assert outcomes("starttls", v4, both(session())) == ["pass"]
    assert outcomes("starttls", v4, plain) == ["warn"]
    policy = {"https://mta-sts.example.org/.well-known/mta-sts.txt": "version: STSv1\r\nmode: enforce\r\nmx: mx.example.org\r\nmax_age: 86400\r\n"}
    sts = {**v4, "_mta-sts.example.org": {"TXT": ["v=STSv1; id=1"]}}
    assert outcomes("starttls", sts, plain, policy) == ["fail"]
    testing = {url: body.replace("enforce", "testing") for url, body in policy.items()}
    assert outcomes("starttls", sts, plain, testing) == ["warn"]
    secure = [DnsAnswer("_25._tcp.mx.example.org", "TLSA", "found", (Tlsa(3, 1, 1, "00" * 32),), secure=True), DnsAnswer("mx.example.org", "A", "found", ("9.9.9.10",), secure=True)]
    assert findings("starttls", v4, plain, answers=secure)[0].facts["required_by"] == "dane"
    assert outcomes("starttls", v4, both(session(("starttls", 454, "TLS not available"), tls=None))) == ["warn"]
    assert outcomes("starttls", v4, both(session(tls=TlsSession(error="no shared cipher")))) == ["warn"]


def test_certificates_and_versions():
    v4 = {**GOOD, "mx.example.org": {"A": ["9.9.9.10"]}}

    def tls(**change):
        return both(session(tls=TlsSession(**{**{name: getattr(GOOD_TLS, name) for name in GOOD_TLS.__slots__}, **change})))

    assert outcomes("certificate", v4, tls()) == ["pass"]
    assert outcomes("certificate", v4, tls(trusted=False)) == ["warn"]
    assert outcomes("certificate", v4, tls(matches=False)) == ["warn"]
    assert "ended on 2025-12-01" in findings("certificate", v4, tls(not_after="2025-12-01T00:00:00Z", trusted=False))[0].sentence
    assert outcomes("certificate", v4, tls(not_after="2026-01-04T00:00:00Z")) == ["warn"]
    assert outcomes("certificate", v4, tls(trusted=None)) == ["unknown"]
    policy = {"https://mta-sts.example.org/.well-known/mta-sts.txt": "version: STSv1\nmode: enforce\nmx: mx.example.org\nmax_age: 86400\n"}
    assert outcomes("certificate", {**v4, "_mta-sts.example.org": {"TXT": ["v=STSv1; id=1"]}}, tls(matches=False), policy) == ["fail"]
    assert outcomes("tls_version", v4, tls()) == ["pass"]
    assert outcomes("tls_version", v4, tls(version="TLSv1.1")) == ["warn"]


def test_role_addresses():
    v4 = {**GOOD, "mx.example.org": {"A": ["9.9.9.10"]}}

    def told(code, text):
        return both(session(("rcpt", code, text, "postmaster@example.org")))

    assert outcomes("postmaster", v4, told(250, "ok")) == ["pass"]
    assert outcomes("postmaster", v4, told(450, "4.2.0 greylisted")) == ["warn"]
    assert outcomes("postmaster", v4, told(550, "5.1.1 User unknown")) == ["fail"]
    assert outcomes("postmaster", v4, told(554, "5.7.1 Service unavailable; Client host [9.9.9.11] blocked using zen.spamhaus.org")) == ["unknown"]
    assert outcomes("abuse", v4, told(550, "5.1.1 User unknown")) == ["unknown"]  # that was about postmaster
    assert outcomes("postmaster", v4, both(session(("mail", 550, "5.7.1 go away", "")))) == ["unknown"]
    assert outcomes("postmaster", v4, told(250, "ok"), recipient_domain="example.org", author_domain="example.net") == []


def test_open_relays_are_looked_for_on_own_hosts_alone():
    v4 = {**GOOD, "mx.example.org": {"A": ["9.9.9.10"]}}

    def told(code, text):
        return both(session(("rcpt", code, text, "relay-test@example.com")))

    assert outcomes("open_relay", v4, told(250, "ok")) == ["skipped"]
    assert outcomes("open_relay", v4, told(250, "ok"), own_hosts=("mx.example.org",)) == ["fail"]
    assert outcomes("open_relay", v4, told(554, "5.7.1 Relay access denied"), own_hosts=("9.9.9.10",)) == ["pass"]
    assert outcomes("open_relay", v4, told(450, "4.3.0 later"), own_hosts=("mx.example.org",)) == ["unknown"]
    assert outcomes("open_relay", v4, {"10.0.0.1": session(("rcpt", 250, "ok", "relay-test@example.com"))}, own_hosts=("10.0.0.1",)) == ["unknown"]


def test_ipv6_and_extensions():
    assert outcomes("ipv6", GOOD, both(session())) == ["pass"]
    assert outcomes("ipv6", GOOD, {"9.9.9.10": session(), "2620:fe::10": session(state="timeout")}) == ["pass", "warn"]
    assert outcomes("ipv6", {**GOOD, "mx.example.org": {"A": ["9.9.9.10"]}}) == ["warn"]
    assert findings("ipv6", {**GOOD, "mx.example.org": {"AAAA": ["2620:fe::10"]}})[0].weight == 80
    v4 = {**GOOD, "mx.example.org": {"A": ["9.9.9.10"]}}
    assert findings("extensions", v4, both(session()))[0].facts["size"] == 10240000
    assert outcomes("extensions", v4, both(session(extensions=()))) == ["warn"]
    assert outcomes("extensions", v4, both(session(extensions=("SIZE",))), recipient="jürgen@example.org") == ["pass", "fail"]


def recipient(*told):
    """The outcome about bob@example.net where the server answers so: (recipient, code, text) …"""
    zones = {"example.net": {"MX": ["10 mx.example.net"]}, "mx.example.net": {"A": ["9.9.9.10"]}}
    smtp = {("9.9.9.10", address): session(("rcpt", code, text, address), host="mx.example.net", recipients=(address,)) for address, code, text in told}
    return findings("recipient", zones, smtp, domain="example.org", recipient="bob@example.net", recipient_domain="example.net", probe_recipient=True)[0]


OTHER = "no-such-mailbox-7f3k9w2d@example.net"


def test_the_recipient():
    unknown = "5.1.1 <x@example.net>: Recipient address rejected: User unknown"
    assert recipient(("bob@example.net", 250, "ok"), (OTHER, 550, unknown)).outcome == "pass"
    accepts_all = recipient(("bob@example.net", 250, "ok"), (OTHER, 250, "ok"))
    assert (accepts_all.outcome, accepts_all.facts["accept_all"]) == ("warn", True)
    assert recipient(("bob@example.net", 250, "ok")).facts["accept_all"] is None
    dead = recipient(("bob@example.net", 550, unknown), ("postmaster@example.net", 250, "ok"))
    assert (dead.outcome, dead.facts["others_accepted"]) == ("fail", True)
    assert recipient(("bob@example.net", 550, unknown), ("postmaster@example.net", 550, unknown)).outcome == "warn"
    assert recipient(("bob@example.net", 450, "4.2.0 greylisted")).outcome == "unknown"


def test_what_a_refusal_speaks_of():
    unknown = recipient(("bob@example.net", 550, "5.1.1 <bob@example.net>: Recipient address rejected: User unknown"))
    assert (unknown.outcome, unknown.facts["speaks_of"]) == ("fail", "address.unknown")
    full = recipient(("bob@example.net", 552, "5.2.2 <bob@example.net>: Mailbox is full"))
    assert (full.outcome, full.facts["speaks_of"]) == ("fail", "address.full")


@pytest.mark.parametrize("text", ["5.7.1 Client host [9.9.9.11] blocked using zen.spamhaus.org", "5.7.1 Relay access denied", "Command rejected", "5.7.26 unauthenticated"])
def test_a_policy_reply_never_declares_an_address_dead(text):
    found = recipient(("bob@example.net", 550, text), ("postmaster@example.net", 250, "ok"))
    assert found.outcome == "unknown"


def test_the_recipient_is_named_only_where_that_is_wanted():
    assert outcomes("recipient", GOOD, recipient="bob@example.org") == ["skipped"]
    assert outcomes("recipient", GOOD) == ["skipped"]


def test_the_refusing_host_is_a_mail_exchanger():
    zones = {**GOOD, "other.example.org": {"A": ["9.9.9.10"]}, "relay.example.com": {"A": ["8.8.4.4"]}}
    about = {"recipient_domain": "example.org"}
    assert findings("host_is_mx", zones, remote_mta="MX.example.org", **about)[0].facts["is_mx"] is True
    assert outcomes("host_is_mx", zones, remote_mta="other.example.org", **about) == ["pass"]
    assert outcomes("host_is_mx", zones, remote_ip="2620:fe:0:0::10", **about) == ["pass"]
    assert findings("host_is_mx", zones, remote_mta="relay.example.com", **about)[0].facts["is_mx"] is False
    assert outcomes("host_is_mx", zones, remote_mta="x.y.example.org", **about) == ["unknown"]
    assert outcomes("host_is_mx", {"example.org": {"MX": "TIMEOUT"}}, remote_mta="relay.example.com", **about) == ["unknown"]
    assert outcomes("host_is_mx", {}, remote_mta="relay.example.com", **about) == ["skipped"]
    assert outcomes("host_is_mx", zones) == ["skipped"]


@pytest.mark.parametrize(("sender", "zones", "outcome"), [
    ("a@example.org", GOOD, "pass"), ("a@example.org", {"example.org": {"A": ["9.9.9.9"]}}, "pass"), ("a@example.org", {}, "fail"),
    ("a@example.org", {"example.org": {"TXT": ["x"]}}, "fail"), ("a@example.org", {"example.org": {"MX": ["0 ."]}}, "fail"),
    ("a@example.org", {"example.org": {"MX": "SERVFAIL"}}, "unknown"), ("a@example.org", {"example.org": {"MX": ["10 gone.example.org"]}}, "fail"),
    ("<>", {}, "skipped"), ("www-data@ip-172-31-2-61.eu-west-1.compute.internal", {}, "fail"), ("root@localhost.localdomain", {}, "fail"),
    ("root@web1", {}, "fail"), ("root", {}, "fail"), ("a@[192.0.2.1]", {}, "fail"), ("", GOOD, "pass"),
])
def test_the_senders_domain_resolves(sender, zones, outcome):
    assert outcomes("sender_domain_resolves", zones, envelope_sender=sender) == [outcome]


def test_a_null_mx_is_no_fault_of_a_domain_that_does_not_send():
    assert outcomes("sender_domain_resolves", {"example.org": {"MX": ["0 ."]}}) == []


def test_a_callout_to_the_sender():
    v4 = {**GOOD, "mx.example.org": {"A": ["9.9.9.10"]}}

    def told(*reply):
        return outcomes("sender_callout", v4, both(session(reply)), envelope_sender="a@example.org", probe_recipient=True)

    assert told("rcpt", 250, "ok", "a@example.org") == ["pass"]
    assert told("rcpt", 550, "5.1.1 User unknown", "a@example.org") == ["fail"]
    assert told("mail", 550, "5.7.1 null sender refused", "") == ["fail"]
    assert told("rcpt", 450, "4.2.0 greylisted", "a@example.org") == ["unknown"]


def test_hostile_answers_end_in_bounded_time():
    many = {"example.org": {"MX": [f"{number} h{number}.example.org" for number in range(5000)]}}
    world = RecordedWorld(many)
    names = ("mx", "null_mx", "mx_is_name", "mx_cname", "mx_resolves", "mx_public", "duplicates", "verification_mx", "ipv6", "sender_domain_resolves")
    inquiry = Inquiry(Subject(domain="example.org"), world)

    async def all_of_them():
        return [finding for name in names for finding in await import_module(f"fivefifty.checks.receiving.{name}").check(inquiry)]

    assert len(asyncio.run(all_of_them())) < 100
    assert len(world.journal) < 100
    for target in ("a b.example.org", "mx\x00.example.org", "m\xfcller.example.org", "\u2603", "x" * 300, "..", "a..b"):
        assert findings("mx", {"example.org": {"MX": [(10, target)]}})
        assert findings("mx_is_name", {"example.org": {"MX": [(10, target)]}}) or target == ".."
