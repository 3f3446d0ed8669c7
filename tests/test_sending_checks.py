"""The checks of the sending host, and what they know of addresses and names."""
from __future__ import annotations

import asyncio
import json
import time
from importlib import import_module

import pytest

from fivefifty.checks import Inquiry
from fivefifty.mailauth.host_names import helo_form, is_host_name, range_name
from fivefifty.mailauth.ip_kinds import ip_kind
from fivefifty.mailauth.iprev import iprev, reverse_name
from fivefifty.model import Subject
from fivefifty.world.recorded import RecordedWorld

PTR4, PTR6 = "1.2.0.192.in-addr.arpa", reverse_name("2001:db8::1")
GOOD = {PTR4: {"PTR": ["mail.example.org"]}, PTR6: {"PTR": ["mail.example.org"]}, "mail.example.org": {"A": ["192.0.2.1"], "AAAA": ["2001:db8::1"]}}


def findings(check, zones, **subject):
    """What one check says."""
    subject.setdefault("sending_ips", ("192.0.2.1",))
    found = asyncio.run(import_module(f"fivefifty.checks.sending.{check}").check(Inquiry(Subject(**subject), RecordedWorld(zones))))
    for one in found:
        assert one.sentence and json.dumps(dict(one.facts)) is not None
    return found


def outcomes(*args, **rest):
    return [one.outcome for one in findings(*args, **rest)]


@pytest.mark.parametrize(("address", "kind"), [
    ("9.9.9.9", "public"), ("10.0.0.1", "private"), ("172.16.0.1", "private"), ("172.32.0.1", "public"), ("100.64.0.1", "shared"), ("127.0.0.1", "loopback"),
    ("0.0.0.0", "unspecified"), ("169.254.1.1", "link-local"), ("192.0.2.1", "documentation"), ("198.51.100.1", "documentation"), ("203.0.113.1", "documentation"),
    ("198.18.0.1", "benchmarking"), ("224.0.0.1", "multicast"), ("255.255.255.255", "reserved"), ("::1", "loopback"), ("fe80::1", "link-local"), ("fd00::1", "private"),
    ("2001:db8::1", "documentation"), ("3fff::1", "documentation"), ("2a00::1", "public"), ("4000::1", "reserved"), ("::ffff:10.0.0.1", "private"), ("::ffff:9.9.9.9", "public"),
    ("mail", ""), ("1.2.3", ""), ("", ""),
])
def test_kinds_of_addresses(address, kind):
    assert ip_kind(address) == kind


def test_addresses_for_examples_may_count_as_public():
    assert ip_kind("192.0.2.1", "public") == "public"


@pytest.mark.parametrize(("zones", "result"), [
    (GOOD, "pass"), ({}, "permerror"), ({PTR4: {"PTR": "SERVFAIL"}}, "temperror"), ({PTR4: {"PTR": ["x.example.org"]}}, "fail"),
    ({PTR4: {"PTR": ["x.example.org"]}, "x.example.org": {"A": ["192.0.2.2"]}}, "fail"), ({PTR4: {"PTR": ["x.example.org"]}, "x.example.org": {"A": "TIMEOUT"}}, "temperror"),
    ({PTR4: {"PTR": ["x.example.org", "mail.example.org"]}, "x.example.org": {"A": "TIMEOUT"}, "mail.example.org": {"A": ["192.0.2.1"]}}, "pass"),
])
def test_iprev_results(zones, result):
    assert asyncio.run(iprev("192.0.2.1", RecordedWorld(zones))).result == result


def test_iprev_looks_at_ten_names_and_compares_addresses_not_texts():
    zones = {PTR6: {"PTR": [f"h{number}.example.org" for number in range(500)]}, "h0.example.org": {"AAAA": ["2001:DB8:0::1"]}}
    world = RecordedWorld(zones)
    assert asyncio.run(iprev("2001:db8::1", world)).confirmed == ("h0.example.org",)
    assert len(world.journal) == 11
    assert asyncio.run(iprev("no ip", world)).result == "permerror"


def test_ptr():
    assert outcomes("ptr", GOOD) == ["pass"]
    assert outcomes("ptr", GOOD, sending_ips=("192.0.2.1", "2001:db8::1")) == ["pass", "pass"]
    (missing,) = findings("ptr", {}, helo_name="mail.example.org")
    assert (missing.outcome, missing.record) == ("fail", f"{PTR4}. PTR mail.example.org.")
    assert outcomes("ptr", {PTR4: {"PTR": "TIMEOUT"}}) == ["unknown"]
    assert outcomes("ptr", {PTR4: {"PTR": [f"h{number}.example.org" for number in range(11)]}}) == ["warn"]
    assert outcomes("ptr", {}, sending_ips=()) == ["skipped"]
    assert outcomes("ptr", {}, sending_ips=("10.0.0.1",)) == []  # "private_ip" tells


def test_iprev_findings():
    (good,) = findings("iprev", GOOD)
    assert (good.outcome, good.facts["iprev"]) == ("pass", "pass")
    (bad,) = findings("iprev", {PTR4: {"PTR": ["x.example.org"]}, "x.example.org": {"A": ["192.0.2.2"]}})
    assert (bad.outcome, bad.record) == ("fail", "x.example.org. A 192.0.2.1")
    assert "remember" in findings("iprev", GOOD, reply="550 5.7.25 no PTR")[0].advice
    assert outcomes("iprev", {**GOOD, PTR4: {"PTR": ["mail.example.org", "x.example.org"]}}) == ["warn"]
    assert outcomes("iprev", {}) == ["fail"]


@pytest.mark.parametrize(("name", "ip", "kind"), [
    ("ip-192-0-2-1.example.net", "192.0.2.1", "generic"), ("192.0.2.1.static.example.net", "192.0.2.1", "generic"), ("static.1.2.0.192.clients.example.net", "192.0.2.1", "generic"),
    ("ec2-192-0-2-1.compute-1.example.com", "192.0.2.1", "generic"), ("vps-4f2a1234.vps.example.net", "192.0.2.1", "generic"), ("c0000201.example.net", "192.0.2.1", "generic"),
    ("p192000002001.example.net", "192.0.2.1", "generic"), ("dyn-192-0-2-1.dsl.example.net", "192.0.2.1", "dynamic"), ("pool-192-0-2-1.example.net", "192.0.2.1", "dynamic"),
    ("host-0-2-1.dhcp.example.net", "192.0.2.1", "dynamic"), ("adsl-4711.example.net", "192.0.2.1", "dynamic"), ("static-192-0-2-1.cable.example.net", "192.0.2.1", "generic"),
    ("2001-db8-0-0-0-0-0-1.example.net", "2001:db8::1", ""), ("2001-db8--1.dyn.example.net", "2001:db8::1", "dynamic"),
    ("mail.example.org", "192.0.2.1", ""), ("mx1.dsl-provider.example", "192.0.2.1", ""), ("mail-192-0-2-1.example.net", "192.0.2.1", ""), ("a2-1.smtp-out.example.com", "192.0.2.1", ""),
    ("mail-ej1-f41.example.com", "192.0.2.1", ""), ("web12.example.org", "192.0.2.1", ""), ("server.example.org", "192.0.2.1", ""), ("dyn.example.org", "192.0.2.1", ""),
    ("pool.example.org", "192.0.2.1", ""), ("m69-170.example.net", "192.0.2.1", ""), ("n1.cable.example", "192.0.2.1", ""),
])
def test_names_of_ranges(name, ip, kind):
    assert range_name(name, ip) == kind


def test_generic_names():
    assert outcomes("generic_name", GOOD) == ["pass"]
    (dynamic,) = findings("generic_name", {PTR4: {"PTR": ["dyn-192-0-2-1.example.net"]}})
    assert (dynamic.outcome, dynamic.weight) == ("warn", 75)
    assert outcomes("generic_name", {PTR4: {"PTR": ["ip-192-0-2-1.example.net", "mail.example.org"]}}) == ["pass"]
    assert outcomes("generic_name", {}) == []


@pytest.mark.parametrize(("name", "form"), [
    ("mail.example.org", "name"), ("mail.example.org.", "name"), ("[192.0.2.1]", "literal"), ("[IPv6:2001:db8::1]", "literal"), ("192.0.2.1", "bare_ip"), ("2001:db8::1", "bare_ip"),
    ("localhost", "localhost"), ("localhost.localdomain", "localhost"), ("mail", "single"), ("mail.local", "private"), ("web.internal", "private"), ("my_host.example.org", "invalid"),
    ("mail example.org", "invalid"), ("", "invalid"), ("x" * 300, "invalid"), ("host.123", "invalid"), ("192.0.2", "invalid"), ("\u2603.example.org", "invalid"), ("-a.example.org", "invalid"),
])
def test_forms_of_helo_names(name, form):
    assert helo_form(name) == form


@pytest.mark.parametrize(("name", "outcome"), [
    ("mail.example.org", "pass"), ("gone.example.org", "warn"), ("other.example.org", "warn"), ("late.example.org", "unknown"), ("mail", "fail"), ("localhost", "fail"),
    ("pc.local", "fail"), ("192.0.2.1", "fail"), ("[192.0.2.1]", "warn"), ("[192.0.2.2]", "fail"), ("mx.example.net", "fail"), ("", "skipped"),
])
def test_helo(name, outcome):
    zones = {**GOOD, "other.example.org": {"A": ["192.0.2.7"]}, "late.example.org": {"*": "TIMEOUT"}, "mx.example.net": {"A": ["198.51.100.1"]}}
    assert outcomes("helo", zones, domain="example.org", helo_name=name, recipient_domain="example.net", remote_mta="mx.example.net") == [outcome]


def test_ipv6_literals_need_their_tag():
    assert outcomes("helo", GOOD, helo_name="[2001:db8::1]", sending_ips=("2001:db8::1",)) == ["fail"]
    assert outcomes("helo", GOOD, helo_name="[IPv6:2001:db8::1]", sending_ips=("2001:db8::1",)) == ["warn"]


def test_helo_and_reverse_name():
    assert outcomes("helo_is_ptr", GOOD, helo_name="Mail.example.org.") == ["pass"]
    assert outcomes("helo_is_ptr", GOOD, helo_name="other.example.org") == ["warn"]
    assert outcomes("helo_is_ptr", {}, helo_name="mail.example.org") == []
    assert outcomes("helo_is_ptr", GOOD) == ["skipped"]


@pytest.mark.parametrize(("reply", "outcome"), [
    ("550 5.7.1 SPF fail: ip=172.21.0.1 is not allowed to send mail", ["fail"]), ("554 5.7.1 Client host rejected: [192.168.1.5]", ["fail"]),
    ("550 client fd00::12 not permitted", ["fail"]), ("554 client localhost[127.0.0.1] rejected", ["fail"]), ("550 blocked: 127.0.0.2 from zen", ["pass"]),
    ("connect to 10.0.0.5[10.0.0.5]:25: Connection refused", ["pass"]), ("550 version 10.2.3.4.5 refused", ["pass"]), ("550 5.1.1 unknown 10.0.0.1", ["warn"]),
    ("550 host 192.0.2.1 is blocked", ["pass"]),
])
def test_a_private_address_in_the_reply(reply, outcome):
    assert outcomes("private_ip", {}, reply=reply) == outcome


def test_a_private_sending_ip():
    assert outcomes("private_ip", {}, sending_ips=("192.168.1.5", "192.0.2.1")) == ["warn"]
    assert outcomes("private_ip", {}, sending_ips=()) == []


def test_ipv6():
    assert outcomes("ipv6", GOOD, sending_ips=("2001:db8::1",)) == ["pass"]
    assert outcomes("ipv6", {}, sending_ips=("2001:db8::1",)) == ["fail"]
    assert outcomes("ipv6", {PTR6: {"PTR": "TIMEOUT"}}, sending_ips=("2001:db8::1",)) == ["unknown"]
    assert outcomes("ipv6", GOOD) == []
    besides = {**GOOD, "mail.example.org": {"A": ["192.0.2.1"], "AAAA": ["2620:fe::1"]}}
    assert outcomes("ipv6", besides, helo_name="mail.example.org") == ["warn"]


def test_hostile_names_take_no_time():
    begun = time.perf_counter()
    for name in ("1-" * 100_000, "a." * 100_000, "[" * 100_000, "dyn" * 50_000 + "1", "0" * 100_000):
        assert range_name(name, "192.0.2.1") in ("", "generic", "dynamic")
        assert helo_form(name) in ("invalid", "literal", "single", "name")
        assert not is_host_name(name)
    for reply in ("10." * 50_000, "fd00:" * 50_000, "connect to " * 20_000, "host " * 20_000, "ip=" + "x" * 100_000):
        assert isinstance(outcomes("private_ip", {}, reply=reply), list)
    assert time.perf_counter() - begun < 1
