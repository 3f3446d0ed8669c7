"""Evidence moves a verdict: proves, contradicts, chooses; and never declares an address dead."""
from __future__ import annotations

import itertools

import pytest

from fivefifty import diagnose, proof
from fivefifty.checks import all_checks
from fivefifty.model import OUTCOMES, Finding

STATED_LIST = "550 5.7.1 Service unavailable; Client host [203.0.113.5] blocked using zen.spamhaus.org"
OPAQUE = "550 permanent failure for one or more recipients (user@example.org:blocked)"


def verdict(text):
    return diagnose(text)[0]


def finding(check, outcome, **facts):
    return Finding(check, outcome, f"{check} says {outcome}.", facts=facts)


@pytest.mark.parametrize("cause", proof.proofs())
def test_every_condition_names_a_check_that_exists(cause):
    for known in proof.proofs()[cause]:
        for condition in known.conditions():
            assert condition.check in all_checks(), condition.check
        for asked in known.asks:
            assert asked.removeprefix("there:") in all_checks(), asked
        assert not known.refutes or known.refuted
        assert all(words == words.lower() for words in known.when)
    assert not any(known.when == () for known in proof.proofs()[cause][:-1])  # nothing stands behind the one that always fits


def test_a_listing_that_is_there_proves_and_one_that_is_not_disputes():
    stated = verdict(STATED_LIST)
    assert stated.standing == "stated"
    assert proof.judge(stated, [finding("lists.named", "fail")]).standing == "proved"
    disputed = proof.judge(stated, [finding("lists.named", "pass")])
    assert disputed.standing == "disputed" and disputed.cause == "reputation.blocklist"
    assert "lists.named says pass." in disputed.dispute and "recipient.misconfigured" in disputed.alternatives


def test_what_could_not_be_learned_changes_nothing():
    stated = verdict(STATED_LIST)
    for outcome in ("unknown", "skipped", "crashed"):
        done = proof.judge(stated, [finding("lists.named", outcome)])
        assert (done.cause, done.standing, done.alternatives) == (stated.cause, stated.standing, stated.alternatives)


def test_an_old_bounce_is_said_to_be_old():
    assert "9 days old" in proof.judge(verdict(STATED_LIST), [finding("lists.named", "pass")], days_old=9).dispute


def test_an_open_verdict_needs_one_reading_that_alone_is_shown():
    opaque = verdict(OPAQUE)
    likely = proof.judge(opaque, [finding("lists.ip", "fail")])
    assert likely.standing in ("likely", "open") and "reputation.blocklist" in (likely.cause, *likely.alternatives)
    assert proof.judge(opaque, [finding("lists.ip", "pass")]).standing == "open"


def test_the_refusing_host_decides_whose_relay_it_is():
    relay = verdict("554 5.7.1 <a@example.net>: Relay access denied")
    here = proof.judge(relay, [], [finding("receiving.host_is_mx", "fail")])
    there = proof.judge(relay, [], [finding("receiving.host_is_mx", "pass")])
    assert here.cause != there.cause or here.standing != there.standing


def test_no_finding_ever_switches_suppress_on():
    texts = [STATED_LIST, OPAQUE, "550 5.7.1 rejected by policy", "550 5.4.1 Recipient address rejected: Access denied", "550 5.1.1 User unknown", "450 4.2.2 mailbox full"]
    conditions = {(one.check, one.there, one.facts) for entries in proof.proofs().values() for known in entries for one in known.conditions()}
    for text, (check, there, facts), outcome in itertools.product(texts, conditions, OUTCOMES):
        start = verdict(text)
        given = [Finding(check, outcome, "x", facts=dict(facts))]
        done = proof.judge(start, [] if there else given, given if there else [])
        assert not done.suppress or start.suppress
        assert done.cause and done.standing in ("stated", "proved", "likely", "disputed", "open")


def test_only_what_separates_is_asked():
    here, there = proof.checks_for(verdict("550 5.7.25 The IP address sending this message does not have a PTR record setup"))
    assert "sending.ptr" in here and "dkim.signature" not in here and not {one for one in there if one.startswith("receiving.recipient")}
