"""ARC chains: whole ones, broken ones, and what is said about them."""
from __future__ import annotations

import asyncio
import random

import pytest
from dkim_signer import record, rsa_key, seal
from test_dkim import MAIL

from fivefifty.mailauth import arc
from fivefifty.world.recorded import RecordedWorld

KEY = rsa_key()
NAME = "arc._domainkey.example.net"


def verify(message, text=None):
    return asyncio.run(arc.verify(message, RecordedWorld({NAME: {"TXT": text or [record(KEY)]}})))


def chain(hops, **last):
    message = MAIL
    for number in range(hops):
        message = seal(message, KEY, **(last if number == hops - 1 else {}))
    return message


def test_none():
    assert verify(MAIL).result == "none" and verify(b"").result == "none"


@pytest.mark.parametrize("hops", [1, 2, 5, 50])
def test_whole_chains(hops):
    found = verify(chain(hops))
    assert (found.result, len(found.sets), found.sets[0].authserv_id, found.sets[0].results) == ("pass", hops, "mx.example.net", "spf=pass")
    assert verify(chain(hops).replace(b"\r\n", b"\n")).result == "pass"


def test_too_many_hops():
    assert verify(chain(51)).result == "fail"


def test_a_change_between_hops_is_located():
    found = verify(seal(chain(2).replace(b"Dear", b"Poor"), KEY))
    assert (found.result, found.oldest_pass) == ("pass", 3)


@pytest.mark.parametrize("cv", ["none", "fail", "maybe"])
def test_what_the_newest_seal_says(cv):
    assert verify(chain(2, cv=cv)).result == "fail"


def test_a_first_seal_that_claims_a_past():
    assert verify(chain(1, cv="pass")).result == "fail"


@pytest.mark.parametrize("old, new, says", [
    (b"Dear", b"Poor", "the newest ARC-Message-Signature"),
    (b"i=1; mx.example.net; spf=pass", b"i=1; mx.example.net; spf=fail", "the ARC-Seal"),
    (b"ARC-Authentication-Results: i=1;", b"X: i=1;", "lacks"),
    (b"ARC-Seal: i=2;", b"ARC-Seal: i=3;", "lacks"),
    (b"ARC-Seal: i=2;", b"ARC-Seal: i=0;", "no instance"),
    (b"ARC-Seal: i=2;", b"ARC-Seal: i=1;", "two"),
    (b"ARC-Seal: i=2;", b"ARC-Seal: i=2; h=from;", "has h="),
    (b"ARC-Seal: i=2;", b"ARC-Seal: i=2; i=2;", "twice"),
    (b"h=From:To", b"h=ARC-Seal:From:To", "signs an ARC-Seal"),
])
def test_broken_chains(old, new, says):
    found = verify(chain(2).replace(old, new, 1))
    assert found.result == "fail" and says in found.reason


def test_a_key_that_can_not_be_asked_for():
    found = verify(chain(2), ["TIMEOUT"])
    assert (found.result, found.unlearned) == ("fail", True)
    assert not verify(chain(2), ["v=DKIM1; p="]).unlearned


def test_nothing_makes_it_raise():
    choose = random.Random(4)
    message = chain(2)
    for _ in range(150):
        at = choose.randrange(len(message))
        verify(message[:at] + bytes([choose.randrange(256)]) + message[at + choose.randrange(5) :])
