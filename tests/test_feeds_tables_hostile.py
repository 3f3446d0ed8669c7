"""Tables and JSON that want to harm: nothing raises, nothing takes long, and the good rows go on."""
from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_feeds_tables import ACCOUNTING, KINDS, NOW, SETTING, TEN, TRACE, exchange, gmail, record, told, tracked

from fivefifty.feeds import Reject, events, feed
from fivefifty.feeds.logs._times import Times
from fivefifty.model import EVENT_KINDS, TRUSTS

HEAD = "time,kind,recipient,text\n"
GOOD = "2026-11-02,bounce,jo@rcpt.example,550 5.1.1 x\n"
PULLED = ("snds", "postmaster")


def test_a_quote_that_is_never_closed_costs_its_own_line():
    found, rejects = told("table", HEAD + '2026-11-02,bounce,a@rcpt.example,"550\n' + GOOD * 500)
    assert len(found) == 500 and len(rejects) == 1 and "not closed" in rejects[0].reason
    found, rejects = told("table", HEAD + GOOD + '2026-11-02,bounce,a@rcpt.example,"550\n' + '2026-11-02,bounce,b@rcpt.example,"551 x"\n' + GOOD)
    assert [one.recipient[0] for one in found] == ["j", "b", "j"] and len(rejects) == 1


def test_quotes_inside_cells_and_over_lines():
    found, rejects = told("table", HEAD + '2026-11-02,bounce,a@rcpt.example,"550 said ""no"",\n\nreally"\n2026-11-02,bounce,b@rcpt.example,5" disk\n')
    assert not rejects and [one.text for one in found] == ['550 said "no",\n\nreally', '5" disk']


def test_reading_in_pieces_is_reading_at_once():
    for kind, content in (("powermta", ACCOUNTING.encode()), ("m365-trace", TRACE.encode()), ("m365-trace", TRACE.encode("utf-16")), ("kumomta", json.dumps(json.loads(record("Bounce")), indent=1).encode())):
        whole = list(events(kind, content, SETTING, "in"))
        lines, module = content.split(b"\n"), feed(kind)
        lines = lines[:-1] if not lines[-1] else lines
        reader, found = module.reader(SETTING), []
        for number, line in enumerate(lines, 1):
            found += reader.read([line.rstrip(b"\r")], "in", number)
            state = json.loads(json.dumps(reader.state()))  # as after a crash
            reader = module.reader(SETTING)
            reader.restore(state)
        found += reader.end()
        assert [one.recipient for one in found if not isinstance(one, Reject)] == [one.recipient for one in whole if not isinstance(one, Reject)], kind


@pytest.mark.parametrize("content", [
    ("a," * 10_000 + "time,kind,recipient\n").encode() + b"x," * 10_000, HEAD.encode() + b"," * 60_000, b'{"a":' * 100_000, b"[" * 100_000, b'{"type":"Bounce","timestamp":' + b"9" * 5_000 + b"}",
    b'{"time":NaN,"kind":Infinity}', b'{"kind":"bounce","kind":"delivery","time":"2026-11-02","recipient":"a@rcpt.example"}', b"\0" * 60_000, b"\xff\xfe" + b"\n" * 50_000, b"\xfe\xff" + b"\n\0" * 25_000,
    b'"' * 60_000, (HEAD + '"\n' * 3_000).encode(), (HEAD + '"a"b\n' * 3_000).encode(), (HEAD + ',"""x\n' * 3_000).encode(), b"#Fields: " + b"date-time,event-id,recipient-address," * 1_000 + b"\n" + b";" * 60_000,
])
def test_hostile_inputs_end_soon(content):
    begun = time.perf_counter()
    for kind in (*KINDS, *PULLED):
        feed(kind).looks(content[:65_536])
        for one in events(kind, content, SETTING, "in"):
            assert one.where.startswith("in")
    assert time.perf_counter() - begun < 6


def test_many_recipients_and_statuses_stay_linear():
    begun = time.perf_counter()
    exchange(tracked("FAIL", ";".join(f"r{number}@rcpt.example" for number in range(2_000)), "[" + "{LED=550 x;" * 3_000 + "]"))
    assert time.perf_counter() - begun < 2


@pytest.mark.parametrize(("written", "expected"), [
    ("2026-11-02T10:00:00Z", TEN), ("2026-11-02 10:00:00", TEN), ("2026-11-02T10:00:00.0000000Z", TEN), ("2026-11-02T12:00:00+02:00", TEN), ("2026-11-02 05:00:00-0500", TEN), ("2026/11/02 10:00:00 UTC", TEN),
    ("02.11.2026 10:00:00", TEN), ("02.11.2026 10:00", TEN), ("11/2/2026 10:00 AM", TEN), ("13/2/2026 10:00", 1770976800.0), ("Nov 2, 2026, 10:00:00 AM", TEN), ("2 Nov 2026 10:00:00", TEN),
    ("Mon, 2 Nov 2026 10:00:00 +0000", TEN), ("1793613600", TEN), ("1793613600000", TEN), ("1793613600.0", TEN), ("2026/11/02 02:00:00 PST", TEN), ("2026-11-02", TEN - 36_000),
    ("2026", 0.0), ("20261102", 0.0), ("11/2/2026", 0.0), ("0000-00-00 00:00:00", 0.0), ("9999-12-31", 0.0), ("2026-13-45", 0.0), ("2026-11-02 25:00", 0.0), ("soon", 0.0), ("-1", 0.0), ("\u0661\u0667", 0.0),
    ("2026-11-02 10:00:00 XYZ", 0.0), ("11/2/2026 13:00 AM", 0.0),
])
def test_times_as_programs_write_them(written, expected):
    assert Times(NOW).of(written) == expected


def test_a_row_that_proves_the_order_of_day_and_month_helps_the_others():
    times = Times(NOW)
    assert times.of("25/10/2026 10:00") and times.of("2/11/2026 10:00") == TEN
    assert Times(NOW, day_first=True).of("2/11/2026 10:00") == TEN == Times(NOW, day_first=False).of("11/2/2026 10:00")


SEEDS = [
    ("powermta", ACCOUNTING.encode()), ("kumomta", (record("Bounce") + "\n" + record("Feedback", feedback_report={"original_message": "From: x"})).encode()), ("m365-trace", TRACE.encode()),
    ("m365-graph", b'{"value":[{"senderAddress":"u@sender.example","recipientAddress":"a@rcpt.example","status":"failed"}]}'), ("workspace", (gmail(18) + "\n" + gmail(10)).encode()),
    ("exchange", b"#Fields: date-time,event-id,recipient-address,recipient-status\n2026-11-02T10:00:00Z,FAIL,a@rcpt.example,550 x\n"), ("table", (HEAD + GOOD).encode()),
    ("zonemta", b'{"id":"1","to":"a@rcpt.example","time":1,"response":"550"}\nid=1&to=a%40rcpt.example&time=1793613600'),
    ("snds", b"203.0.113.9,11/2/2026 1:00 AM,11/2/2026 11:00 PM,1895,1894,1894,GREEN,< 0.1%,,,0,,,\n203.0.113.9,203.0.113.10,Yes,Blocked"),
    ("postmaster", b'{"domainStats":[{"name":"domains/example.org/domainStats/x","metric":"s","date":{"year":2026,"month":11,"day":2},"value":{"doubleValue":0.1}}]}'),
]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SEEDS), st.data())
def test_no_damage_makes_a_reader_raise(seed, data):
    kind, content = seed
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content)))
        cut = data.draw(st.integers(0, 12))
        new = data.draw(st.one_of(st.binary(max_size=8), st.sampled_from([b'"', b"\n", b"\0", b"{", b"[[", b"null", b"1e999", b"NaN", b"-1", b"99999999999999999999", b'"\\ud800"', b"\xff\xfe", b",,,,", b";", b"true"])))
        content = content[:at] + new + content[at + cut :]
    feed(kind).looks(content)
    for one in events(kind, content, SETTING, "in"):
        if isinstance(one, Reject):
            assert one.reason
        else:
            assert one.kind in EVENT_KINDS and one.trust in TRUSTS and one.count >= 1 and one.time >= 0
            json.dumps(one.facts, allow_nan=False)
            for field in ("recipient", "text", "native_id", "message_id", "envelope_sender", "campaign"):
                value = getattr(one, field)
                assert isinstance(value, str) and "\0" not in value
                value.encode("utf-8")
