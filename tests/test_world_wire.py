"""DNS messages as bytes, with dnspython as the oracle."""
from __future__ import annotations

from contextlib import suppress

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rdata
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fivefifty.answers import Caa, Mx, Soa, Tlsa
from fivefifty.world import wire
from fivefifty.world.names import asked_name, name_fault, wire_name
from fivefifty.world.rdata import TYPES, WireError

NAME = "example.org"


def answered(rrtype: str, *texts: str, owner: str = NAME, edit=None) -> wire.Message:
    query = dns.message.make_query(NAME, rrtype, use_edns=0)
    response = dns.message.make_response(query)
    response.answer.append(dns.rrset.from_text(owner + ".", 300, "IN", rrtype, *texts))
    if edit:
        edit(response)
    return wire.read(response.to_wire(), wire.asked(wire_name(NAME), TYPES.get(rrtype, 65280)), NAME)


@pytest.mark.parametrize(("rrtype", "text", "value"), [
    ("A", "192.0.2.1", "192.0.2.1"),
    ("AAAA", "2001:db8::1", "2001:db8::1"),
    ("MX", "10 MX.Example.org.", Mx(10, "mx.example.org")),
    ("MX", "0 .", Mx(0, ".")),
    ("NS", "ns.example.net.", "ns.example.net"),
    ("PTR", "a\\.b\\032c.example.net.", "a\\.b\\032c.example.net"),
    ("CNAME", "t.example.org.", "t.example.org"),
    ("DNAME", "t.example.org.", "t.example.org"),
    ("SOA", "ns.example.org. h.example.org. 1 2 3 4 5", Soa("ns.example.org", "h.example.org", 1, 2, 3, 4, 5)),
    ("TXT", '"v=spf1" " -all" ""', ("v=spf1 -all", (6, 5, 0))),
    ("TXT", '"\\195\\188"', ("\xc3\xbc", (2,))),
    ("SPF", '"v=spf1"', ("v=spf1", (6,))),
    ("TLSA", "3 1 1 " + "AB" * 32, Tlsa(3, 1, 1, "ab" * 32)),
    ("CAA", '128 ISSUE "ca.example; a=b"', Caa(128, "issue", "ca.example; a=b")),
    ("DS", "1 8 2 " + "AB" * 32, "1 8 2 " + "ab" * 32),
    ("DNSKEY", "257 3 8 AwEAAQ==", "257 3 8 AwEAAQ=="),
    ("TYPE65280", "\\# 2 aabb", "\\# 2 aabb"),
])
def test_a_record_is_read(rrtype, text, value):
    message = answered(rrtype, text)
    assert message.asked and message.rcode == 0
    assert message.answers == [wire.Rr(NAME, TYPES.get(rrtype, 65280), 300, value)]


def test_extended_errors_and_codes_are_read():
    def edit(response):
        response.use_edns(0, options=[dns.edns.EDEOption(7, "gone since May")])
        response.set_rcode(16)

    message = answered("A", "192.0.2.1", edit=edit)
    assert message.rcode == 16 and message.edns
    assert message.fault == "signature expired: gone since May"


def test_a_ttl_with_the_highest_bit_is_zero():
    data = bytearray(dns.message.make_response(dns.message.make_query(NAME, "A")).to_wire())
    data[6:8] = b"\0\1"
    data += b"\xc0\x0c\0\1\0\1\xff\xff\xff\xff\0\4\1\2\3\4"
    assert wire.read(bytes(data), wire.asked(wire_name(NAME), 1), NAME).answers[0].ttl == 0


HEADER = b"\0\1\x81\x80\0\0\0\1\0\0\0\0"


@pytest.mark.parametrize(("record", "why"), [
    (b"\xc0\x0c", "backwards"),
    (b"\xc0\xff", "backwards"),
    (b"\x41" + b"a" * 65 + b"\0", "unknown kind"),
    (b"\x3f" + b"a" * 10, "within a name"),
    ((b"\x3f" + b"a" * 63) * 4 + b"\0", "255"),
    (b"\0\0\1\0\1\0\0\0\0\0\4\1\2\3", "longer"),
    (b"\0\0\1\0\1\0\0\0\0\0\3\1\2\3", "length"),
    (b"\0\0\1\0\1\0\0\0\0\0\4\1\2\3\4x", "follow"),
    (b"\0\0\x10\0\1\0\0\0\0\0\3\5ab", "longer than its record"),
    (b"\0\0\x10\0\1\0\0\0\0\0\0", "without a string"),
    (b"\0\0\2\0\1\0\0\0\0\0\2\0\0", "length"),
    (b"\0\0\2", "early"),
])
def test_what_does_not_add_up_is_refused(record, why):
    with pytest.raises(WireError, match=why):
        wire.read(HEADER + record, b"")


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=120), st.booleans())
def test_no_bytes_harm(junk, headed):
    with suppress(WireError):
        wire.read(HEADER + junk if headed else junk, b"")


LABEL = st.binary(min_size=1, max_size=20)
NAMES = st.lists(LABEL, min_size=0, max_size=6).map(lambda labels: dns.name.Name([*labels, b""]))


def unified(name: dns.name.Name) -> bytes:
    return name.to_wire().lower()


@settings(max_examples=150, deadline=None)
@given(NAMES, st.lists(st.tuples(st.integers(0, 65535), NAMES), min_size=1, max_size=5))
def test_names_are_read_as_dnspython_reads_them(owner, exchanges):
    query = dns.message.make_query(owner, "MX")
    response = dns.message.make_response(query)
    wanted = {(preference, unified(name)) for preference, name in exchanges}
    rdatas = [dns.rdata.from_wire("IN", "MX", raw := preference.to_bytes(2, "big") + name.to_wire(), 0, len(raw)) for preference, name in exchanges]
    response.answer.append(dns.rrset.from_rdata_list(owner, 60, rdatas))
    data = response.to_wire()
    message = wire.read(data, owner.to_wire() + b"\0\x0f\0\1")
    assert message.asked
    assert {(rr.value.preference, wire_name(rr.value.exchange)) for rr in message.answers} == wanted
    assert {wire_name(rr.name) for rr in message.answers} == {unified(owner)}


@settings(max_examples=150, deadline=None)
@given(st.binary(min_size=1, max_size=8), st.integers(0, 200))
def test_a_damaged_message_is_refused_or_read(change, place):
    query = dns.message.make_query(NAME, "TXT")
    response = dns.message.make_response(query)
    response.answer.append(dns.rrset.from_text(NAME + ".", 60, "IN", "TXT", '"a" "b"', '"c"'))
    data = bytearray(response.to_wire())
    data[place % len(data) : place % len(data) + len(change)] = change
    try:
        ours = wire.read(bytes(data), wire.asked(wire_name(NAME), 16), NAME)
    except WireError:
        return
    try:
        theirs = dns.message.from_wire(bytes(data))
    except Exception:  # it checks more: opcodes, classes, the contents of EDNS
        return
    assert sorted({rr.value[0].encode("latin-1") for rr in ours.answers if rr.rrtype == 16}) == sorted(
        {b"".join(one.strings) for rrset in theirs.answer if rrset.rdtype == 16 and rrset.rdclass == 1 for one in rrset})


def test_a_question_is_what_dnspython_reads():
    query = dns.message.from_wire(b"\x12\x34" + wire.question(wire_name("a b.example"), 16, check=False))
    assert query.id == 0x1234 and query.question[0].name == dns.name.from_text("a\\032b.example")
    assert query.payload == 1232 and query.ednsflags == 0x8000 and query.flags == dns.flags.RD | dns.flags.CD | dns.flags.AD


@pytest.mark.parametrize(("name", "asked", "fault"), [
    ("Example.ORG.", "example.org", ""),
    ("bücher.example", "xn--bcher-kva.example", ""),
    ("_dmarc.faß.example", "_dmarc.xn--fa-hia.example", ""),
    ("Ｂücher。example", "xn--bcher-kva.example", ""),
    (".", ".", ""),
    ("", ".", ""),
    ("a b.example", "a b.example", ""),
    ("a..example", "a..example", "empty"),
    (".example", ".example", "empty"),
    ("example..", "example.", "empty"),
    ("a" * 64 + ".example", "a" * 64 + ".example", "63"),
    ("a." * 127, "a." * 126 + "a", ""),
    ("a." * 127 + "a", "a." * 127 + "a", "253"),
    ("\N{SNOWMAN}\u200f.example", "\N{SNOWMAN}\u200f.example", "internationalized"),
    ("a\\999.example", "a\\999.example", "escape"),
])
def test_names_are_made_ready(name, asked, fault):
    assert asked_name(name) == asked
    assert fault in name_fault(asked) if fault else not name_fault(asked)
