"""What a person types becomes a name that can be asked about, or an error that says what is wrong with it."""
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fivefifty import subject
from fivefifty.errors import InputError
from fivefifty.model import Failure, Reply, Subject


@pytest.mark.parametrize("typed, name", [
    ("Example.org.", "example.org"), ("https://user@example.org:8443/x?y", "example.org"), ("Jane <jane@example.org".split("<")[1], "example.org"),
    ("bücher.example", "xn--bcher-kva.example"), ("BÜCHER.example", "xn--bcher-kva.example"), ("_dmarc.example.org", "_dmarc.example.org"),
])
def test_what_people_type(typed, name):
    assert subject.domain_name(typed) == name


@pytest.mark.parametrize("typed, fault", [
    ("two words.example", "a space"), ("a..example", "two dots"), ("x" * 64 + ".example", "63"), (".".join(["abcdefg"] * 40), "253"), ("192.0.2.1", "IP address"),
    ("", "no domain name"), ("ex!ample.org", "ex!ample"), ("-a.example", "-a"), ("a\x00b.example", "characters"),
])
def test_what_is_no_name(typed, fault):
    with pytest.raises(InputError) as told:
        subject.domain_name(typed)
    assert fault in str(told.value)


@given(st.text(max_size=400))
def test_no_text_makes_anything_but_a_name_or_an_input_error(text):
    try:
        name = subject.domain_name(text)
    except InputError:
        return
    assert name.isascii() and len(name) <= 253 and subject.domain_name(name) == name


def test_the_ip_that_the_reply_quotes_goes_before_the_one_of_the_report():
    reply = Reply("550 5.7.1 Client host [203.0.113.7] blocked; see http://lists.example/?ip=203.0.113.9", remote_ip="198.51.100.1")
    made = subject.from_failure(Failure(final_recipient="a@Example.net", sending_ip="192.0.2.9", envelope_sender="x@bounce.example.org", author_domain="example.org", layers=(reply,)))
    assert made.sending_ips == ("203.0.113.7", "203.0.113.9", "192.0.2.9")
    assert (made.domain, made.recipient_domain, made.envelope_sender) == ("example.org", "example.net", "x@bounce.example.org")


def test_the_receivers_own_ip_and_list_answers_are_not_taken_for_the_senders():
    reply = Reply("550 198.51.100.1 says: 127.0.0.2 listed", remote_ip="198.51.100.1")
    assert subject.from_failure(Failure(layers=(reply,))).sending_ips == ()


def test_what_the_user_gives_goes_before_what_the_bounce_says():
    made = subject.from_failure(Failure(sending_ip="192.0.2.9", author_domain="example.org"), Subject("example.com", ("203.0.113.1",), "mx.example.com"))
    assert (made.domain, made.sending_ips, made.helo_name) == ("example.com", ("203.0.113.1",), "mx.example.com")


def test_times_and_versions_are_no_addresses():
    assert subject.ips_in("at 12:34:56 by 5.7.1 and 1.2.3.4.5 and 300.1.1.1, but 2001:db8::1 and [192.0.2.1].") == ("2001:db8::1", "192.0.2.1")
