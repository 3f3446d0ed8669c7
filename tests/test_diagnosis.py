"""Replies that leave two readings of different owners stay open, however plain each half is."""
from __future__ import annotations

import pytest

from fivefifty import diagnose


@pytest.mark.parametrize("reply, readings", [
    ("550 5.7.1 Recipient not found or message considered spam", {"address.unknown", "content.spam"}),
    ("550 No such user here or your IP has been blocked", {"address.unknown", "reputation.provider"}),
    ("550-5.1.1 user unknown or blocked by our policy", {"address.unknown", "policy.opaque_gateway"}),
])
def test_either_or(reply, readings):
    verdict, = diagnose(reply)
    assert verdict.standing == "open" and not verdict.suppress
    assert {verdict.cause, *verdict.alternatives} >= readings


@pytest.mark.parametrize("reply", [
    "550 5.1.1 User unknown. Check the address for typos or contact your administrator.", "550 5.1.1 No such user or mailbox here",
    "550 5.1.1 The email account that you tried to reach does not exist. Please try double-checking the recipient's email address for typos or unnecessary spaces.",
])
def test_an_or_that_leaves_nothing_open(reply):
    verdict, = diagnose(reply)
    assert (verdict.cause, verdict.standing, verdict.suppress) == ("address.unknown", "stated", True)


@pytest.mark.parametrize("name, cause", [("mx.example.net", "recipient.dns"), ("example.net", "address.domain")])
def test_the_name_that_was_not_found_tells_a_dead_domain_from_a_wrong_exchanger(name, cause):
    verdict, = diagnose(f"<a@example.net>: Host or domain name not found. Name service error for name={name} type=A: Host not found")
    assert verdict.cause == cause and not verdict.suppress
