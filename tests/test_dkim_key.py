"""DKIM key records: what they say, and what is wrong with them."""
from __future__ import annotations

import asyncio
import base64

import pytest
from dkim_signer import ed25519_key, public, record, rsa_key
from hypothesis import given, settings
from hypothesis import strategies as st

from fivefifty.mailauth import dkim
from fivefifty.mailauth.dkim_key import read_key, rsa_numbers
from fivefifty.world.recorded import RecordedWorld

P = public(rsa_key())


def key(zones, selector="s1", domain="example.org"):
    return asyncio.run(dkim.key(selector, domain, RecordedWorld(zones)))


def test_a_plain_key():
    found = key({"s1._domainkey.example.org": {"TXT": [record(rsa_key())]}})
    assert (found.state, found.key_type, found.bits, found.problems, found.remarks) == ("found", "rsa", 1024, (), ())


def test_a_key_without_any_optional_tag():
    assert read_key(f"p={P}").bits == 1024


def test_a_key_in_several_strings_and_with_folding_inside():
    text = record(rsa_key())
    assert key({"s1._domainkey.example.org": {"TXT": [[text[:100], text[100:]]]}}).bits == 1024
    assert read_key(f"v=DKIM1 ; k = rsa ; p = {P[:30]} \t {P[30:]} ;").bits == 1024


def test_ed25519():
    assert read_key(record(ed25519_key())).bits == 256
    wrapped = base64.b64encode(bytes.fromhex("302a300506032b6570032100") + bytes(32)).decode()
    assert [one.id for one in read_key(f"v=DKIM1; k=ed25519; p={wrapped}").problems] == ["wrapped"]


@pytest.mark.parametrize("text, problem", [
    (f"v=DKIM2; p={P}", "version"),
    (f"v=dkim1; p={P}", "version"),
    (f"v=DKIM1: g=*; k=rsa; p={P}", "version"),
    (f"v=DKIM1; k=dsa; p={P}", "type"),
    ("v=DKIM1; k=rsa", "missing"),
    (f"v=DKIM1; P={P}", "missing"),
    (f"v=DKIM1; p={P}; p={P}", "syntax"),
    (f"v=DKIM1;; p={P}", "syntax"),
    (f"v=DKIM1; rsa; p={P}", "syntax"),
    (f'"v=DKIM1; k=rsa; " "p={P}"', "quotes"),
    (f"v=DKIM1\\; k=rsa\\; p={P}", "backslash"),
    (f"v=DKIM1; p={P[:-1]}", "base64"),
    (f"v=DKIM1; p={P[:40]}*{P[41:]}", "base64"),
    (f"v=DKIM1; p=-----BEGIN PUBLIC KEY-----{P}", "base64"),
    (f"v=DKIM1; p={P[:120]}", "der"),
    ("v=DKIM1; p=QUFBQQ==", "der"),
    (f"v=DKIM1; k=ed25519; p={P}", "der"),
])
def test_useless_keys(text, problem):
    assert problem in [one.id for one in read_key(text).problems]


@pytest.mark.parametrize("text, remark", [
    (f"k=rsa; v=DKIM1; p={P}", "version_place"),
    (f"v=DKIM1; g=news; p={P}", "granularity"),
    (f"v=DKIM1; k=RSA; p={P}", "type_case"),
    (f"v=DKIM1; h=; p={P}", "hashes"),
])
def test_odd_keys(text, remark):
    found = read_key(text)
    assert remark in [one.id for one in found.remarks] and not found.problems


def test_a_bare_rsa_key_is_read():
    der = base64.b64decode(P)
    bare = der[22:]  # behind the wrapping of a 1024-bit key
    assert rsa_numbers(bare) == rsa_numbers(der)
    assert [one.id for one in read_key(f"p={base64.b64encode(bare).decode()}").remarks] == ["bare_rsa"]


def test_octets_behind_the_key():
    found = read_key(f"p={base64.b64encode(base64.b64decode(P) + b'xx').decode()}")
    assert [one.id for one in found.remarks] == ["left_over"] and found.bits == 1024


def test_flags():
    found = read_key(f"v=DKIM1; t=y:s; h=sha1:sha256; s=email; p={P}")
    assert (found.testing, found.strict, found.hashes, found.services) == (True, True, ("sha1", "sha256"), ("email",))
    assert read_key("v=DKIM1; p=").revoked and not read_key("v=DKIM1; p=").problems


def test_a_record_cut_off_at_255():
    text = record(rsa_key(2048))[:255]
    assert [one.id for one in key({"s1._domainkey.example.org": {"TXT": [text]}}).problems] == ["truncated"]


def test_absent_unknown_and_other_records():
    assert key({"example.org": {}}).state == "absent"
    assert key({"s1._domainkey.example.org": {"TXT": "SERVFAIL"}}).state == "unknown"
    assert key({"*.example.org": {"TXT": ["v=spf1 -all"]}, "example.org": {}}).state == "absent"
    assert key({}, selector="not a name").state == "absent"
    assert key({}, domain="").state == "absent"


def test_the_usable_one_of_two_records():
    found = key({"s1._domainkey.example.org": {"TXT": ["v=DKIM1; p=", record(rsa_key())]}})
    assert found.bits == 1024 and not found.revoked and len(found.keys) == 2


def test_delegation():
    found = key({"s1._domainkey.example.org": {"CNAME": ["s1.dkim.example.net"]}})
    assert (found.state, found.aliases) == ("absent", ("s1.dkim.example.net",))


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=300) | st.builds("v=DKIM1; k=rsa; p={}".format, st.text("AMIGf0/+= ", max_size=200)))
def test_nothing_makes_it_raise(text):
    read_key(text)


def test_a_megabyte_is_no_key():
    assert read_key("v=DKIM1; p=" + "A" * 1_000_000).problems[0].id == "size"
