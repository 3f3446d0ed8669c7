"""The list checks: the sending IP, the lists a reply names, domains and links."""
from __future__ import annotations

import asyncio
import time

import pytest

from fivefifty.checks import Inquiry
from fivefifty.checks.lists import domain, ip, links, named, own_pool
from fivefifty.checks.lists._quoted import named_lists, quoted_ips, receiver_refused
from fivefifty.mailauth.dnsbl import default_lists, reversed_ip
from fivefifty.mailauth.ip_kinds import parsed_ip
from fivefifty.model import Subject
from fivefifty.providers import blocklists
from fivefifty.world.recorded import RecordedWorld


def working(*but):
    """Test points of all default lists."""
    zones = {}
    for one in default_lists("ip"):
        zones[f"2.0.0.127.{one.zone}"] = {"A": ["127.0.0.2"]}
    for one in default_lists("domain"):
        zones[f"test.{one.zone}"] = {"A": ["127.0.0.254"]}
    return {name: types for name, types in zones.items() if not any(name.endswith(one) for one in but)}


def entry(about, zone, *codes):
    labels = reversed_ip(parsed_ip(about)) if parsed_ip(about) else about
    return {f"{labels}.{zone}": {"A": list(codes)}}


def run(module, zones, **subject):
    world = RecordedWorld(zones)
    found = asyncio.run(module.check(Inquiry(Subject(**subject), world)))
    for one in found:
        assert one.sentence and one.sentence[-1] in ".!" and "  " not in one.sentence, one
    return found, world


def test_a_clean_ip_is_one_finding_and_each_silent_list_one():
    found, _ = run(ip, working("bl.spamcop.net"), sending_ips=("192.0.2.1", "192.0.2.2"))
    assert [one.outcome for one in found] == ["pass", "unknown"]
    assert "spamhaus-zen" in found[0].facts["lists"] and "spamcop" not in found[0].facts["lists"] and "192.0.2.1, 192.0.2.2" in found[0].sentence
    assert found[1].facts["list"] == "spamcop"


def test_a_listing_says_what_to_do_first():
    zones = working() | entry("192.0.2.1", "zen.spamhaus.org", "127.0.0.11") | entry("192.0.2.1", "dnsbl-1.uceprotect.net", "127.0.0.2")
    found, _ = run(ip, zones, sending_ips=("192.0.2.1",))
    pbl, uce = found[:2]
    assert (pbl.outcome, pbl.facts["listed"], pbl.facts["list"]) == ("fail", True, "spamhaus-pbl")
    assert pbl.weight >= 90 and "relay" in pbl.advice and "check.spamhaus.org" in pbl.advice and pbl.advice.startswith("Fix the cause first.")
    assert uce.outcome == "warn" and "Few receivers" in uce.sentence
    assert found[2].outcome == "pass"


def test_each_part_of_a_combined_list_has_its_own_way_out():
    found, _ = run(ip, working() | entry("192.0.2.1", "zen.spamhaus.org", "127.0.0.4", "127.0.0.2", "127.0.0.9"), sending_ips=("192.0.2.1",))
    bad = {one.facts["list"]: one for one in found if one.outcome == "fail"}
    assert set(bad) == {"spamhaus-xbl", "spamhaus-sbl"} and "infected" in bad["spamhaus-xbl"].sentence and "hosting provider" in bad["spamhaus-sbl"].advice


def test_private_and_odd_addresses_are_not_looked_up():
    found, world = run(ip, working(), sending_ips=("10.0.0.1", "not an ip", "::1"))
    assert {one.outcome for one in found} == {"skipped"} and not world.journal
    assert run(ip, {}, domain="example.org")[0][0].outcome == "skipped"


def test_ipv6_is_asked_only_of_lists_that_hold_it():
    found, world = run(ip, working(), sending_ips=("2001:db8::1",))
    assert all("ip6" not in one.name for one in world.journal) and found[0].facts["lists"] == ["spamhaus-zen"]


def test_the_reply_is_put_to_the_list():
    reply = "554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.7"
    found, _ = run(named, working() | entry("192.0.2.7", "zen.spamhaus.org", "127.0.0.4"), reply=reply, sending_ips=("192.0.2.7",))
    assert [one.outcome for one in found] == ["fail"] and found[0].facts["listed"] is True and found[0].facts["ip"] == "192.0.2.7"
    clean, _ = run(named, working(), reply=reply)
    assert [one.outcome for one in clean] == ["pass"] and clean[0].facts["listed"] is False and "although" in clean[0].sentence
    unsure, _ = run(named, {}, reply=reply)
    assert [one.outcome for one in unsure] == ["unknown"] and "listed" not in unsure[0].facts


def test_an_open_resolver_is_the_receivers_trouble():
    reply = "554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.spamhaus.org; Error: open resolver; https://www.spamhaus.org/returnc/pub/203.0.113.53"
    found, _ = run(named, working(), reply=reply)
    assert found[0].outcome == "warn" and found[0].facts["misread"] is True and "recipient's admin" in found[0].advice
    assert found[1].facts == {"list": "spamhaus-zen", "ip": "192.0.2.7", "codes": [], "listed": False, "misread": True}


def test_the_ip_in_the_link_is_the_one_to_test():
    reply = "554 Service unavailable; Client host [mail.example.org] blocked using Barracuda Reputation; http://www.barracudanetworks.com/reputation/?r=1&ip=198.51.100.9"
    zones = working() | entry("198.51.100.9", "b.barracudacentral.org", "127.0.0.2")
    found, _ = run(named, zones, reply=reply, sending_ips=("192.0.2.1",))
    assert found[0].facts["ip"] == "198.51.100.9" and found[0].facts["listed"] and "not of your server 192.0.2.1" in found[0].sentence


def test_a_closed_list_is_not_asked():
    found, world = run(named, working(), reply="550 blocked using dnsbl.sorbs.net", sending_ips=("192.0.2.1",))
    assert found[0].facts["closed"] and found[0].facts["misread"] and found[0].outcome == "pass" and not world.journal


def test_a_domain_list_is_asked_about_the_senders_names():
    zones = working() | entry("news.example.org", "dbl.spamhaus.org", "127.0.1.2")
    found, _ = run(named, zones, reply="550 5.7.1 <news.example.org>: Helo command rejected: blocked using dbl.spamhaus.org", domain="example.org", helo_name="news.example.org")
    assert {one.facts["domain"]: one.facts["listed"] for one in found} == {"example.org": False, "news.example.org": True}, "the name itself and its registrable domain"


@pytest.mark.parametrize("reply, name", [
    ("554 5.7.1 Blocked: URL bad.example is listed in dbl.spamhaus.org", "bad.example"),
    ("554 5.7.1 Sender address [news@bad.example] blocked using dbl.spamhaus.org", "bad.example"),
    ("550 mail contains the domain 'bad.example'; see https://www.spamhaus.org/query/domain/bad.example (dbl.spamhaus.org)", "bad.example"),
])
def test_the_domain_that_the_reply_blames(reply, name):
    found, _ = run(named, working() | entry(name, "dbl.spamhaus.org", "127.0.1.2"), reply=reply, domain="example.org", remote_mta="mx.example.net")
    assert [(one.facts["domain"], one.facts["listed"]) for one in found] == [(name, True)]


def test_nothing_was_claimed():
    assert run(named, {}, domain="example.org")[0] == []
    assert run(named, {}, reply="550 5.1.1 user unknown; see example.org for help", sending_ips=("192.0.2.1",))[0] == []


@pytest.mark.parametrize("reply, expected", [
    ("550 rejected because 192.0.2.1 is in a black list at zen.dnsbl.test", ["zen.dnsbl.test"]),
    ("554 5.7.1 blocked using bl.lists.example; try later", ["bl.lists.example"]),
    ("550 listed at rbl.example.net", ["rbl.example.net"]),
    ("550 see www.example.org/help", []),
    ("550 blocked by admin@example.org", []),
    ("554 Client host [192.0.2.5] blocked using sbl-xbl.spamhaus.org", ["spamhaus-zen"]),
    ("554 blocked using pbl.spamhaus.org and cbl.abuseat.org", ["spamhaus-zen"]),
    ("550 5.7.1 MailFrom domain is listed in Spamhaus", ["spamhaus-dbl"]),
    ("550 192.0.2.5 is listed in Spamhaus; see domain mail.example", ["spamhaus-zen"]),
    ("554 your IP is on uceprotect.net", ["uceprotect-1", "uceprotect-2", "uceprotect-3"]),
])
def test_lists_that_replies_name(reply, expected):
    assert [one.id for one in named_lists(reply)] == expected


def test_an_unknown_list_is_asked_by_the_rfc():
    zones = {"2.0.0.127.zen.dnsbl.test": {"A": ["127.0.0.2"]}, "1.2.0.192.zen.dnsbl.test": {"A": ["127.0.0.3"], "TXT": ["why"]}}
    found, _ = run(named, zones, reply="554 5.7.1 Client host [192.0.2.1] blocked using zen.dnsbl.test")
    assert found[0].facts["listed"] is True and found[0].found == "127.0.0.3 (why)"


@pytest.mark.parametrize("reply, subject", [
    ("554 Client host [192.0.2.1] blocked using bl.lists.example", "ip"),
    ("554 Sender address [a@bad.example] blocked using bl.lists.example", "domain"),
    ("554 blocked using dbl.lists.example", "domain"),
    ("554 Your IP is listed on bl.lists.example", "ip"),
])
def test_whether_an_unknown_list_is_of_ips_or_domains(reply, subject):
    assert [one.subject for one in named_lists(reply)] == [subject]


@pytest.mark.parametrize("reply, expected", [
    ("Client host [192.0.2.1] blocked", ["192.0.2.1"]),
    ("host mx.example.net[203.0.113.5] said: 554 see https://x.example/?ip=192.0.2.1", ["192.0.2.1", "203.0.113.5"]),
    ("IP [IPv6:2001:db8::25] has no PTR", ["2001:db8::25"]),
    ("at 12:34:56 127.0.0.2 and 10.1.1.1 and 5.7.1", []),
    ("(192.0.2.1) and 999.1.1.1", ["192.0.2.1"]),
])
def test_ips_in_replies(reply, expected):
    assert quoted_ips(reply) == expected


def test_what_the_receiver_did_wrong():
    assert receiver_refused("X 127.255.255.254 Y") and receiver_refused("http://uribl.com/refused.shtml") and not receiver_refused("blocked using bl.spamcop.net")


def test_domains_of_the_sender():
    zones = working() | entry("example.org", "multi.surbl.org", "127.0.0.64") | entry("bounce.example.org", "dbl.spamhaus.org", "127.0.1.4")
    found, world = run(domain, zones, domain="example.org", envelope_sender="x@bounce.example.org", helo_name="192.0.2.1")
    assert {(one.facts["domain"], one.facts["list"]) for one in found if one.outcome == "fail"} == {("example.org", "surbl"), ("bounce.example.org", "spamhaus-dbl")}
    assert sum(one.name == "example.org.multi.surbl.org" for one in world.journal) <= 2, "A and TXT, once for both names"


def test_links_of_the_message():
    pytest.importorskip("fivefifty.mailauth.message")
    message = b"From: a@example.org\nContent-Type: text/plain\n\nSee http://www.bad.example/x and https://example.org/ and http://192.0.2.1/\n"
    zones = working() | entry("www.bad.example", "dbl.spamhaus.org", "127.0.1.4")
    found, _ = run(links, zones, domain="example.org", message=message)
    assert found[0].outcome == "fail" and "links to www.bad.example" in found[0].sentence
    clean, _ = run(links, working(), domain="example.org", message=message)
    assert [one.outcome for one in clean] == ["pass"]
    assert run(links, {}, domain="example.org")[0][0].outcome == "skipped"
    assert run(links, {}, domain="example.org", message=b"\xff\x00")[0][0].outcome == "skipped"


def test_a_listed_ip_of_a_shared_pool():
    zones = working() | entry("192.0.2.1", "bl.spamcop.net", "127.0.0.2") | {
        "1.2.0.192.in-addr.arpa": {"PTR": ["o1.ptr1.sendgrid.net"]}, "sendgrid.net": {"TXT": ["v=spf1 ip4:192.0.2.0/24 -all"]},
    }
    found, _ = run(own_pool, zones, sending_ips=("192.0.2.1", "192.0.2.9"), domain="example.org")
    assert [one.facts["service"] for one in found] == ["sendgrid"] and "SendGrid" in found[0].advice
    zones["sendgrid.net"] = {"TXT": ["v=spf1 ip4:198.51.100.0/24 -all"]}
    assert run(own_pool, zones, sending_ips=("192.0.2.1",), domain="example.org")[0] == []


@pytest.mark.parametrize("unit", ["client host [", "blocked using ", "a.", "1.", "f:", "?ip=", "host a", "-", "sender (a a(", "spamhaus open resolver "])
def test_hostile_replies_take_bounded_time(unit):
    start = time.perf_counter()
    run(named, {}, reply=unit * (300_000 // len(unit)), sending_ips=("192.0.2.1",), domain="example.org")
    assert time.perf_counter() - start < 1


def test_every_removal_rule_reads_well():
    from fivefifty.checks.lists._asked import way_out

    for one in blocklists().values():
        assert ".." not in way_out(one) and "  " not in way_out(one)
