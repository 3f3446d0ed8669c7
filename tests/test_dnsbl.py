"""Blocklists through the DNS: query names, answers, self-tests, keys (RFC 5782)."""
from __future__ import annotations

import asyncio
import time

import pytest

from fivefifty.answers import DnsAnswer
from fivefifty.mailauth.dnsbl import blocklist_of, default_lists, look_up, read, registrable, reversed_ip
from fivefifty.mailauth.ip_kinds import parsed_ip
from fivefifty.providers import blocklists
from fivefifty.world.recorded import RecordedWorld

ZEN = "zen.spamhaus.org"
GOOD_IP = {"2.0.0.127": {"A": ["127.0.0.2"]}}


def zone(name, entries=None, test=GOOD_IP):
    """The records of a list that answers its test points, plus these."""
    return {f"{labels}.{name}": types for labels, types in {**test, **(entries or {})}.items()}


def ask(about, blocklist, zones, settings=None):
    world = RecordedWorld(zones)
    return asyncio.run(look_up(about, blocklist, world, settings)), [f"{one.rrtype} {one.name}" for one in world.journal]


def zen(answer):
    return ask("192.0.2.1", "spamhaus-zen", zone(ZEN, {"1.2.0.192": {"A": answer, "TXT": ["https://check.example/?ip=192.0.2.1"]}}))[0]


def test_names_of_the_questions():
    assert reversed_ip(parsed_ip("192.0.2.1")) == "1.2.0.192"
    assert reversed_ip(parsed_ip("2001:db8::5")) == "5" + ".0" * 23 + ".8.b.d.0.1.0.0.2"


def test_the_list_proves_itself_before_it_is_asked():
    found, asked = ask("192.0.2.1", "spamhaus-zen", zone(ZEN))
    assert found.state == "not_listed"
    assert asked == [f"A 2.0.0.127.{ZEN}", f"A 1.0.0.127.{ZEN}", f"A 1.2.0.192.{ZEN}"], "TXT is asked only about a listing"


def test_a_listing_with_its_meaning_reason_and_way_out():
    found = zen(["127.0.0.4", "127.0.0.10"])
    assert (found.state, found.codes, found.parts) == ("listed", ("127.0.0.4", "127.0.0.10"), ("spamhaus-xbl", "spamhaus-pbl"))
    assert found.reason == "https://check.example/?ip=192.0.2.1"
    assert found.part.id == "spamhaus-xbl" and found.weight >= 90


@pytest.mark.parametrize("answer, word", [
    (["127.255.255.254"], "an error"), (["127.255.255.252"], "an error"), (["127.255.255.255"], "an error"), (["127.255.255.99"], "an error"),
    (["127.0.0.1"], "an error"), (["127.0.0.77"], "does not document"), (["127.0.1.2"], "does not document"), (["203.0.113.7"], "no blocklist's answer"),
    (["127.0.0.2", "203.0.113.7"], "no blocklist's answer"), (["127.0.0.2", "127.255.255.254"], "an error"),
    ("SERVFAIL", "SERVFAIL"), ("REFUSED", "refused"), ("TIMEOUT", "no answer in time"),
])
def test_what_is_not_documented_is_unknown_with_the_raw_answer(answer, word):
    found = zen(answer)
    assert found.state == "unknown" and word in found.meaning
    if isinstance(answer, list):
        assert found.codes == tuple(answer)


def test_a_refusal_names_the_remedy():
    assert "spamhaus_dqs_key" in zen(["127.255.255.254"]).remedy
    refused, asked = ask("192.0.2.1", "spamhaus-zen", {f"2.0.0.127.{ZEN}": {"A": ["127.255.255.254"]}})
    assert refused.state == "unknown" and "spamhaus_dqs_key" in refused.remedy and len(asked) == 1, "one question shows it"


def test_a_list_that_lists_everything_or_nothing_is_not_trusted():
    wild, _ = ask("192.0.2.1", "spamcop", {"*.bl.spamcop.net": {"A": ["127.0.0.2"]}})
    assert wild.state == "unknown" and "answers everything" in wild.meaning
    parked, _ = ask("192.0.2.1", "spamcop", {"*.bl.spamcop.net": {"A": ["203.0.113.9"]}})
    assert parked.state == "unknown" and "parked" in parked.meaning
    empty, asked = ask("192.0.2.1", "spamcop", {})
    assert empty.state == "unknown" and "proves nothing" in empty.meaning and len(asked) == 1
    unregistered, _ = ask("192.0.2.1", "barracudacentral", {})
    assert "register" in unregistered.remedy


@pytest.mark.parametrize("name", ["sorbs", "nixspam", "dead-lists", "spam.dnsbl.sorbs.net", "ix.dnsbl.manitu.net", "dnsbl.njabl.org"])
def test_dead_lists_are_never_asked(name):
    found, asked = ask("192.0.2.1", name, {"*.example": {"A": ["127.0.0.2"]}})
    assert found.state == "unknown" and "not asked" in found.meaning and not asked


def test_a_part_of_a_combined_list_is_asked_through_the_whole():
    zones = zone(ZEN, {"1.2.0.192": {"A": ["127.0.0.4"]}})
    assert ask("192.0.2.1", "spamhaus-xbl", zones)[0].state == "listed"
    pbl, asked = ask("192.0.2.1", "pbl.spamhaus.org", zones)
    assert pbl.state == "not_listed" and "XBL" in pbl.meaning
    assert all(ZEN in question for question in asked)
    assert blocklist_of("cbl.abuseat.org").id == "spamhaus-xbl"


def test_ipv6_with_test_points_of_its_own_or_those_of_ipv4():
    name = "5" + ".0" * 23 + ".8.b.d.0.1.0.0.2"
    six = {reversed_ip6("::ffff:7f00:2"): {"A": ["127.0.0.2"]}}
    for test in (six, GOOD_IP):
        assert ask("2001:db8::5", "spamhaus-zen", zone(ZEN, {name: {"A": ["127.0.0.3"]}}, test))[0].state == "listed"
    none, asked = ask("2001:db8::5", "spamcop", zone("bl.spamcop.net"))
    assert none.state == "unknown" and not asked
    assert ask("::ffff:192.0.2.1", "spamcop", zone("bl.spamcop.net", {"1.2.0.192": {"A": ["127.0.0.2"]}}))[0].state == "listed"


def reversed_ip6(text):
    import ipaddress
    return reversed_ip(ipaddress.IPv6Address(text))


DOMAIN = {"test": {"A": ["127.0.1.2"]}}


def test_domain_lists_take_the_whole_name_or_the_registrable_one():
    found, asked = ask("Mail.Sub.Example.CO.UK.", "spamhaus-dbl", zone("dbl.spamhaus.org", {"mail.sub.example.co.uk": {"A": ["127.0.1.102"]}}, DOMAIN))
    assert found.state == "listed" and found.weight < 90
    assert asked[:3] == ["A test.dbl.spamhaus.org", "A invalid.dbl.spamhaus.org", "A mail.sub.example.co.uk.dbl.spamhaus.org"]
    found, asked = ask("mail.sub.example.co.uk", "surbl", zone("multi.surbl.org", {"example.co.uk": {"A": ["127.0.0.80"]}}, {"test": {"A": ["127.0.0.254"]}}))
    assert found.state == "listed" and "MW" in found.meaning and "ABUSE" in found.meaning and "PH" not in found.meaning
    assert registrable("com") == "com"


def test_other_documented_test_points_are_tried():
    found, asked = ask("example.org", "spamhaus-dbl", {"dbltest.com.dbl.spamhaus.org": {"A": ["127.0.1.2"]}})
    assert found.state == "not_listed" and len(asked) == 4


@pytest.mark.parametrize("octet, state", [(2, "listed"), (4, "listed"), (8, "listed"), (14, "listed"), (1, "unknown"), (3, "unknown"), (255, "unknown"), (16, "unknown")])
def test_bits_of_uribl(octet, state):
    zones = zone("multi.uribl.com", {"example.org": {"A": [f"127.0.0.{octet}"]}}, {"test": {"A": ["127.0.0.14"]}})
    assert ask("example.org", "uribl", zones)[0].state == state


def test_an_ip_is_not_asked_of_a_domain_list_nor_a_domain_of_an_ip_list():
    for about, name in (("192.0.2.1", "spamhaus-dbl"), ("example.org", "spamcop"), ("not a name", "surbl"), ("", "surbl"), ("a" * 70 + ".example", "spamhaus-dbl")):
        found, asked = ask(about, name, {})
        assert found.state == "unknown" and not asked, (about, name)


def test_good_answers_are_no_listings():
    found, _ = ask("192.0.2.1", "mailspike", zone("bl.mailspike.net", {"1.2.0.192": {"A": ["127.0.0.18"]}}))
    assert found.state == "not_listed" and found.codes == ("127.0.0.18",) and found.meaning == "good"
    karma = zone("hostkarma.junkemailfilter.com", {"1.0.0.127": {"A": ["127.0.0.1"]}, "1.2.0.192": {"A": ["127.0.0.1"]}})
    found, _ = ask("192.0.2.1", "hostkarma", karma)
    assert found.state == "not_listed" and "white" in found.meaning


def test_a_key_changes_the_zone_and_is_never_shown():
    key = "abcdefghijklmnopqrstuvwxyz"
    zones = zone(f"{key}.zen.dq.spamhaus.net", {"1.2.0.192": {"A": ["127.0.0.2"], "TXT": ["why"]}})
    found, asked = ask("192.0.2.1", "spamhaus-zen", zones, {"spamhaus_dqs_key": key})
    assert found.state == "listed" and all(key in question for question in asked)
    assert key not in repr(found) and "<key>" in found.answers[0].evidence.question
    refused, _ = ask("192.0.2.1", "spamhaus-zen", {f"2.0.0.127.{key}.zen.dq.spamhaus.net": {"A": "SERVFAIL"}}, {"spamhaus_dqs_key": key})
    assert refused.state == "unknown" and key not in repr(refused)
    odd, asked = ask("192.0.2.1", "abusix", {}, {"abusix_key": "evil.example."})
    assert odd.state == "unknown" and "does not hold a key" in odd.meaning and not asked


def test_a_list_without_key_or_zone_says_so():
    assert "key" in ask("192.0.2.1", "abusix", {})[0].meaning
    found, asked = ask("192.0.2.1", "cloudmark-csi", {})
    assert found.state == "unknown" and "csi.cloudmark.com" in found.meaning and not asked


def test_a_list_that_nobody_knows_is_taken_by_the_rfc():
    found, _ = ask("192.0.2.1", "bl.lists.example", zone("bl.lists.example", {"1.2.0.192": {"A": ["127.0.0.9"]}}))
    assert found.state == "listed" and found.list.id == "bl.lists.example"
    assert ask("192.0.2.1", "bl.lists.example", {})[0].state == "unknown"


def test_the_default_lists():
    names = [one.id for one in default_lists("ip")]
    assert names[0] == "spamhaus-zen" and {"spamcop", "barracudacentral"} <= set(names) <= {one.id for one in blocklists().values() if not one.dead}
    assert "abusix" not in names and "abusix" in [one.id for one in default_lists("ip", {"abusix_key": "abcd"})]
    assert {"spamhaus-dbl", "surbl", "uribl"} == {one.id for one in default_lists("domain")}


@pytest.mark.parametrize("one", [one for one in blocklists().values() if one.zone or one.keyed], ids=lambda one: one.id)
def test_every_list_documents_its_answers(one):
    if one.dead or one.part_of:
        return
    assert one.codes or one.bits, "without documented codes nothing could be a listing"
    assert 0 < one.weight <= 100 and bool(one.key) == bool(one.keyed)
    for code in (*one.codes, *one.good):
        assert code.startswith("127.0.") and read(DnsAnswer("x", "A", "found", (code.partition("-")[0],)), one).state in ("listed", "not_listed")


def test_hostile_answers_are_read_in_bounded_time():
    many = [f"127.0.{n % 200}.{n % 250}" for n in range(20_000)]
    start = time.perf_counter()
    zen(many)
    found = ask("192.0.2.1", "spamhaus-zen", zone(ZEN, {"1.2.0.192": {"A": ["127.0.0.2"], "TXT": ["\x1b[31m" + "A" * 1_000_000]}}))[0]
    assert len(found.reason) <= 300 and "\x1b" not in found.reason
    for record in ("127.", "127.x.y.z", "", "127.0.0.2 ", "127.0.0.2.3", "::1"):
        assert zen([record]).state == "unknown" or record == "127.0.0.2 "
    assert time.perf_counter() - start < 1
