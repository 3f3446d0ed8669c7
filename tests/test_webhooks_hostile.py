"""Webhooks that anybody may have written: whatever stands where, nothing raises, and time and memory stay bounded."""
from __future__ import annotations

import copy
import json
import time
import tracemalloc
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from webhook_samples import SAMPLES, TIME, content, grid, ses, ses_bounce, sns

from fivefifty.feeds import Reject, Setting, events, feed
from fivefifty.judge import Judge
from fivefifty.model import EVENT_KINDS, TRUSTS, Event

SETTING = Setting(now=TIME + 60.0, trusted=True, keys=dict.fromkeys((*SAMPLES, "sns_topics", "sns_certificate", "mandrill_url"), "x"))
BARE = Setting(now=TIME + 60.0, trusted=True)
QUICK = settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30), st.just(10**400), st.just("9" * 400), st.just("\ud800"), st.just("a@b@c"), st.just("\x00"), st.just("x" * 5000),
    st.sampled_from(["Bounce", "bounce", "failed", "hard_bounce", "Permanent", "2026-11-02T10:00:00Z", "nobody@rcpt.example", "<>", "@", "smtp;", ";", "[", "{", "550", "5.1.1"]),
)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4), max_leaves=12)


def places(value, path=()):
    """The paths to everything in a payload."""
    yield path
    for key, one in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(one, (*path, key))


def put(payload, path, value):
    if not path:
        return value
    payload = copy.deepcopy(payload)
    place = payload
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return payload


def sound(found):
    """What comes out is whole, of the right types, and can be kept."""
    for one in found:
        assert isinstance(one, (Event, Reject))
        if isinstance(one, Reject):
            assert one.reason and isinstance(one.content, bytes)
            one.reason.encode()
            continue
        assert one.kind in EVENT_KINDS and one.trust in TRUSTS
        for name in ("recipient", "envelope_sender", "author_domain", "message_id", "sending_ip", "remote_mta", "remote_ip", "status", "text", "native_id", "campaign", "cause", "rule"):
            value = getattr(one, name)
            assert type(value) is str and len(value) <= 4_000 and "\x00" not in value, (name, value)
            value.encode()
        assert type(one.time) is float and 0 <= one.time < 4.2e9 and 0 <= one.sent_at < 4.2e9 and type(one.reply_code) is int and 0 <= one.reply_code < 600
        assert len(json.dumps(dict(one.facts), allow_nan=False).encode()) < 20_000
        assert one.native_id
    return found


def payloads(kind):
    """The parsed samples of a service, forms opened."""
    for payload, _ in SAMPLES[kind]:
        if not isinstance(payload, bytes):
            yield payload


@pytest.mark.parametrize("kind", SAMPLES)
def test_any_value_anywhere(kind):
    samples = [(payload, path) for payload in payloads(kind) for path in places(payload)]

    @QUICK
    @given(st.sampled_from(samples), VALUES)
    def holds(sample, value):
        payload, path = sample
        body = json.dumps(put(payload, path, value)).encode()
        for setting in (SETTING, BARE):
            for event in sound(list(events(kind, body, setting))):
                if isinstance(event, Event):
                    Judge().complete(event)

    holds()


@pytest.mark.parametrize("kind", SAMPLES)
def test_every_place_in_a_payload_can_be_anything(kind):
    """Systematic: each place of each sample takes each type once."""
    for payload in [*payloads(kind)][:3]:
        for path in places(payload):
            for value in (None, True, 5, 1.5, "", "\ud800\x00", [[]], {"x": {}}, [{"x": 1}]):
                sound(list(events(kind, json.dumps(put(payload, path, value)).encode(), BARE)))


@pytest.mark.parametrize("kind", SAMPLES)
def test_any_place_can_be_deep(kind):
    payload = next(payloads(kind))
    for path in places(payload):
        body = json.dumps(put(payload, path, "deep")).encode().replace(b'"deep"', b"[" * 900 + b"]" * 900)
        sound(list(events(kind, body, BARE)))


def test_as_deep_as_the_parser_goes_and_deeper():
    for depth in range(860, 1_000, 2):
        for entry in ({"email": "nobody@rcpt.example", "event": "bounce", "timestamp": TIME, "sg_message_id": "deep"}, {"event": "strange", "timestamp": "deep"}):
            sound(list(events("sendgrid", json.dumps([entry]).encode().replace(b'"deep"', b"[" * depth + b"]" * depth), BARE)))


def test_values_inside_an_sns_message():
    inner = ses_bounce("Permanent", "General")

    @QUICK
    @given(st.sampled_from(list(places(inner))), VALUES)
    def holds(path, value):
        sound(list(events("ses", json.dumps(sns(put(inner, path, value))).encode(), SETTING)))

    holds()


@pytest.mark.parametrize("kind", SAMPLES)
def test_any_bytes_and_any_headers(kind):
    known = ("content-type", "signature", "authorization", "svix-id", "svix-timestamp", "svix-signature", "producer-signature", "x-mandrill-signature", "x-postal-signature", "mailtrap-signature", ":path")

    @QUICK
    @given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace")), st.dictionaries(st.sampled_from(known) | st.text(max_size=8), st.text(max_size=40), max_size=4))
    def holds(body, headers):
        sound(list(events(kind, body, SETTING, headers=headers)))
        assert isinstance(feed(kind).verify(body, headers, SETTING), str)
        assert 0 <= feed(kind).looks(body) <= 100

    holds()


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_payload_cut_anywhere(kind):
    body = content(SAMPLES[kind][0][0])
    for end in range(0, len(body), 7):
        sound(list(events(kind, body[:end], BARE)))


def test_wrappers_of_any_shape():
    @QUICK
    @given(VALUES, VALUES, VALUES)
    def holds(headers, body, received):
        for wrapped in ({"headers": headers, "body": body, "received": received}, {"headers": {"a": headers}, "body": body, "isBase64Encoded": received, "requestContext": headers},
                        [{"headers": {}, "body": body}, headers], {"headers": [headers, ["a", body]], "body": "{}"}):
            sound(list(events("sendgrid", json.dumps(wrapped).encode(), SETTING)))

    holds()


def test_forms_of_any_shape():
    @QUICK
    @given(st.dictionaries(st.sampled_from(["event", "recipient", "code", "error", "reason", "message-headers", "timestamp", "token", "signature", "mandrill_events", "data"]), st.text(max_size=20)))
    def holds(fields):
        for kind in ("mailgun", "mandrill", "zeptomail", "smtp2go"):
            sound(list(events(kind, urlencode(fields, errors="replace").encode(), SETTING)))

    holds()


# --- Bounds -----------------------------------------------------------------------------------------------------------

MEGA = 8_000
BIG = {
    "one long string": json.dumps([grid("bounce", reason="x" * 5 * MEGA)]).encode(),
    "numbers": b"[" + b"1," * (MEGA // 2) + b"1]",
    "deep arrays": b"[" * 5 * MEGA,
    "deep objects": b'{"a":' * MEGA,
    "deep and closed": b"[" * 900 + b"]" * 900,
    "lines that open": b"[\n" * 900 + b"[],\n" * MEGA,
    "broken lines": b'{"a": [1,\n' * (MEGA // 2),
    "open strings": b'{"a": "\n' * (MEGA // 2),
    "a form of fields": b"a=b&" * MEGA,
    "a form of escapes": b"mandrill_events=" + b"%5B" * MEGA,
    "blank lines": b"\n" * 5 * MEGA,
    "empty objects": b"{}" * MEGA,
    "a number": b"9" * 5 * MEGA,
    "a long number inside": b'[{"event": "bounce", "timestamp": ' + b"9" * MEGA + b"}]",
    "addresses": json.dumps([grid("bounce", email="a@b.example, " * (MEGA // 4))]).encode(),
    "tags": json.dumps([grid("bounce", category=["x"] * MEGA)]).encode(),
}


@pytest.mark.parametrize("name", BIG)
def test_large_inputs_take_bounded_time_and_memory(name):
    body = BIG[name]
    tracemalloc.start()
    began = time.process_time()
    count = sum(1 for _ in events("sendgrid", body, BARE))
    took, (_, peak) = time.process_time() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < 4 and count < 1_100 and peak < 60 * len(body) + 2_000_000, (took, count, peak)


def test_five_megabytes():
    for body in (json.dumps([grid("bounce", reason="x" * 5_000_000)]).encode(), b"[" * 5_000_000, b'{"a": [1,\n' * 500_000, b"\n" * 5_000_000):
        began = time.process_time()
        assert len(list(events("sendgrid", body, BARE))) <= 1
        assert time.process_time() - began < 2


def test_many_recipients_are_bounded():
    people = [{"emailAddress": f"u{number}@rcpt.example"} for number in range(30_000)]
    assert len(list(events("ses", json.dumps(ses_bounce("Permanent", "General", *people)).encode(), BARE))) == 10_000
    assert len(list(events("ses", json.dumps(ses("Delivery", delivery={"recipients": ["x@rcpt.example"] * 30_000})).encode(), BARE))) == 1


def test_records_inside_records_end():
    body = json.dumps(ses_bounce("Permanent", "General"))
    for _ in range(12):
        body = json.dumps({"Records": [{"body": body}]})
    assert len(list(events("ses", body.encode(), BARE))) == 1


def test_a_thousand_wrappers_are_a_thousand_requests():
    wrapped = json.dumps([{"headers": {}, "body": content(SAMPLES["sendgrid"][0][0]).decode()} for _ in range(1_000)]).encode()
    began = time.process_time()
    assert len(list(events("sendgrid", wrapped, BARE))) == 1_000
    assert time.process_time() - began < 2
