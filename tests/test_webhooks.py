"""Webhooks of sending services: every documented event comes out as what it is, and nothing is taken for a dead address that isn't said to be one."""
from __future__ import annotations

import base64
import json

import pytest
from webhook_samples import SAMPLES, TIME, UNKNOWN, WHO, azure, content, grid, mandrill_form, ses, ses_bounce, sns, vo

from fivefifty.causes import cause
from fivefifty.feeds import Reject, Setting, events, feed, feeds, recognized
from fivefifty.judge import Judge
from fivefifty.model import EVENT_KINDS, Event

SETTING = Setting(now=TIME + 60.0)
OWN = Setting(now=TIME + 60.0, trusted=True)
WEBHOOKS = [kind for kind, module in feeds().items() if ".webhooks." in module]
ALL = [(kind, number) for kind in SAMPLES for number in range(len(SAMPLES[kind]))]


def read(kind, payload, setting=SETTING, headers=None):
    return list(events(kind, content(payload), setting, "payload.json", headers))


def test_every_webhook_has_samples():
    assert sorted(SAMPLES) == WEBHOOKS


@pytest.mark.parametrize(("kind", "number"), ALL)
def test_what_a_payload_tells(kind, number):
    payload, wanted = SAMPLES[kind][number]
    found = read(kind, payload)
    assert [type(one) for one in found] == [Event] * len(wanted), found
    for event, fields in zip(found, wanted, strict=True):
        assert {name: getattr(event, name) for name in fields} == fields
        assert event.kind in EVENT_KINDS and event.source == kind and event.where.startswith("payload.json") and event.native_id and event.count == 1
        assert event.trust == "unverified" and not event.suppress
        assert not event.cause or (cause(event.cause).owner == event.owner and event.rule.startswith(f"esp-{kind}-"))
        assert json.loads(json.dumps(event.facts)) == event.facts


@pytest.mark.parametrize("kind", WEBHOOKS)
def test_the_same_payload_twice_has_the_same_ids_and_no_two_events_share_one(kind):
    for payload, _ in SAMPLES[kind]:
        once, again = (read(kind, payload) for _ in range(2))
        assert [event.native_id for event in once] == [event.native_id for event in again]
        assert len({event.native_id for event in once}) == len(once)
        assert all(WHO not in event.native_id for event in once)  # hashed recipients would stand there in clear


@pytest.mark.parametrize("kind", WEBHOOKS)
def test_a_payload_is_recognized_as_its_own_services(kind):
    for payload, wanted in SAMPLES[kind]:
        if wanted:
            assert recognized(content(payload)[:4096], WEBHOOKS) == kind
            wrapped = json.dumps({"headers": {}, "body": content(payload).decode()}).encode()[:4096]
            assert recognized(wrapped, WEBHOOKS) == kind


@pytest.mark.parametrize("kind", WEBHOOKS)
def test_written_over_several_lines_it_is_recognized_and_read_the_same(kind):
    for payload, wanted in SAMPLES[kind]:
        if wanted and not isinstance(payload, bytes):
            pretty = json.dumps(payload, indent=2).encode()
            assert recognized(pretty[:4096], WEBHOOKS) == kind
            assert read(kind, pretty) == read(kind, payload)


def test_nothing_of_another_services_is_taken_for_a_bounce():
    """A payload handed to the wrong reader is refused or says nothing."""
    for kind in SAMPLES:
        for other in SAMPLES:
            if other != kind:
                found = read(other, SAMPLES[kind][0][0])
                assert all(isinstance(one, Reject) for one in found), (kind, other, found)


# --- Suppression ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", WEBHOOKS)
def test_only_words_or_a_class_about_the_address_suppress(kind):
    judge = Judge()
    for event in [event for payload, _ in SAMPLES[kind] for event in read(kind, payload, OWN)]:
        stated = event.suppress
        judge.complete(event)
        if event.suppress:
            assert event.trust == "own" and event.kind == "bounce" and event.owner == "address"
            assert "user unknown" in event.text or (stated and event.cause in ("address.unknown", "address.inactive", "address.syntax"))


@pytest.mark.parametrize("kind", WEBHOOKS)
def test_what_nobody_vouches_for_never_suppresses(kind):
    judge = Judge()
    assert not any(judge.complete(event).suppress for payload, _ in SAMPLES[kind] for event in read(kind, payload))


@pytest.mark.parametrize(("kind", "payload"), [
    ("ses", ses_bounce("Permanent", "NoEmail", {"emailAddress": WHO})), ("sendgrid", [grid("bounce", type="bounce", bounce_classification="Invalid Address")]),
    ("sparkpost", SAMPLES["sparkpost"][1][0]), ("mailjet", SAMPLES["mailjet"][1][0]), ("mandrill", SAMPLES["mandrill"][1][0]), ("brevo", vo("invalid_email")), ("postmark", SAMPLES["postmark"][2][0]),
])
def test_a_class_about_the_address_is_evidence_where_the_user_vouches(kind, payload):
    event = Judge().complete(read(kind, payload, OWN)[0])
    assert event.suppress and event.standing == "stated" and event.owner == "address"


def test_the_judge_reads_words_before_any_class():
    refused = "550 5.7.1 Message rejected: your IP 203.0.113.9 is on a blocklist"
    event = Judge().complete(read("sendgrid", [grid("bounce", type="bounce", bounce_classification="Invalid Address", reason=refused)], OWN)[0])
    assert event.kind == "block" and not event.suppress and event.owner == "sender"


def test_a_hard_bounce_by_policy_is_no_dead_address():
    person = {"emailAddress": WHO, "action": "failed", "status": "5.7.1", "diagnosticCode": "smtp; 550 5.7.1 Our system has detected that this message is likely unsolicited mail"}
    event = Judge().complete(read("ses", ses_bounce("Permanent", "General", person), OWN)[0])
    assert event.kind == "block" and not event.suppress


def test_a_code_without_words_stays_likely():
    event = Judge().complete(read("ses", ses_bounce("Permanent", "General", {"emailAddress": WHO, "status": "5.1.1"}), OWN)[0])
    assert event.cause == "address.unknown" and event.standing == "likely" and not event.suppress


# --- Saved payloads ---------------------------------------------------------------------------------------------------

ONE, TWO = ses_bounce("Permanent", "General"), ses("Delivery", delivery={"recipients": [WHO]})


@pytest.mark.parametrize("saved", [
    json.dumps([ONE, TWO]), f"{json.dumps(ONE)}\n{json.dumps(TWO)}\n", f"{json.dumps(ONE)}{json.dumps(TWO)}", f"{json.dumps(ONE, indent=1)}\n{json.dumps(TWO, indent=1)}",
    f"\ufeff{json.dumps(ONE)}\r\n\r\n{json.dumps(TWO)}", json.dumps([sns(ONE), sns(TWO)]), json.dumps({"headers": {}, "body": json.dumps([ONE, TWO])}),
    json.dumps([{"headers": {}, "body": json.dumps(ONE)}, {"headers": [], "body": json.dumps(TWO)}]), json.dumps({"headers": {}, "body": [ONE, TWO]}),
    json.dumps({"headers": {}, "body": base64.b64encode(json.dumps([ONE, TWO]).encode()).decode(), "isBase64Encoded": True}),
    "\n".join(json.dumps({"headers": {"X": ["a", "b"]}, "body": json.dumps(one)}) for one in (ONE, TWO)), json.dumps([[ONE], [[TWO]]]),
    f"\x1e{json.dumps(ONE)}\n\x1e{json.dumps(TWO)}\n",
])
def test_files_of_payloads(saved):
    found = read("ses", saved.encode())
    assert [(one.kind, one.recipient) for one in found] == [("bounce", WHO), ("delivery", WHO)]


def test_what_can_t_be_read_between_others_is_kept_aside_whole():
    saved = f"{json.dumps(ONE)}\n{{\"eventType\": \"Bou\nrubbish\n{json.dumps(TWO)}\n".encode()
    found = read("ses", saved)
    assert [type(one) for one in found] == [Event, Reject, Event]
    assert found[1].content == b'{"eventType": "Bou\nrubbish' and found[1].where == "payload.json:2" and found[1].reason


@pytest.mark.parametrize("kind", WEBHOOKS)
def test_what_is_no_payload_is_rejected_with_a_reason(kind):
    for broken in (b"rubbish", b"{", b'{"headers": {}, "body": 5}', b'{"headers": {}, "body": "%%", "isBase64Encoded": true}', b'{"headers": {}, "body": "rubbish"}', b"5", b'"x"', b"\xff\xfe\x00", b"[5]", b"[null]"):
        (found,) = read(kind, broken)
        assert isinstance(found, Reject) and found.reason and found.content == broken.strip(b"[]" if broken[:1] == b"[" else b"")


@pytest.mark.parametrize("kind", WEBHOOKS)
def test_nothing_comes_of_nothing(kind):
    assert read(kind, b"") == read(kind, b" \n") == read(kind, b"[]") == []


@pytest.mark.parametrize("kind", WEBHOOKS)
def test_an_event_that_is_not_known_is_kept_aside_alone(kind):
    payload, _ = SAMPLES[kind][0]
    entries = json.loads(content(payload)) if not isinstance(payload, bytes) else None
    if entries is None or kind == "mailtrap":
        return
    good = entries if isinstance(entries, list) else [entries]
    strange = {"eventType": "Surprise", "event": "surprise", "RecordType": "Surprise", "type": "surprise"}
    found = read(kind, [strange, *good])
    assert isinstance(found[-1], Event)
    if kind != "mailersend":  # it sends much that is about no mail
        assert isinstance(found[0], Reject) and json.loads(found[0].content) == strange


def test_thousands_of_strange_entries_come_as_few_rejects():
    found = read("sendgrid", [{"event": f"x{number}"} for number in range(5_000)])
    assert len(found) == 1_001 and len(found[-1].content.splitlines()) == 4_000
    again = read("sendgrid", found[-1].content)
    assert len(again) == 1_001


def test_confirmations_are_told_and_nothing_is_fetched():
    confirm = sns({}, Type="SubscriptionConfirmation", Message="You have chosen to subscribe", Token="t", SubscribeURL="https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription")
    (found,) = read("ses", confirm)
    assert isinstance(found, Reject) and "arn:aws:sns:eu-west-1:000000000000:ses" in found.reason and "SubscribeURL" in found.reason
    handshake = [{"id": "1", "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "c", "validationUrl": "https://rp.example/"}, "eventTime": "2026-11-02T10:00:00Z"}]
    (found,) = read("azure", handshake)
    assert isinstance(found, Reject) and "validationCode" in found.reason


# --- Details ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("told", "seconds"), [
    (TIME, TIME), (str(TIME), TIME), (TIME * 1000, TIME), (TIME * 1_000_000, TIME), (TIME * 10**9, TIME), (f"{TIME}.25", TIME + 0.25), (TIME + 0.25, TIME + 0.25), ("2026-11-02T10:00:00Z", TIME),
    ("2026-11-02T10:00:00.123456789Z", TIME + 0.123456), ("2026-11-02 10:00:00", TIME), ("2026-11-02 10:00:00 UTC", TIME), ("2026-11-02T12:00:00+02:00", TIME), ("Mon, 02 Nov 2026 10:00:00 +0000", TIME),
    (0, 0), (-5, 0), ("", 0), ("soon", 0), (None, 0), (True, 0), ([], 0), ({}, 0), (1e400, 0), (float("nan"), 0), ("9" * 400, 0), ("0001-01-01", 0), ("9999-12-31T23:59:59-23:59", 0), ("2026-13-45", 0),
])
def test_times(told, seconds):
    (event,) = read("sendgrid", [grid("delivered", timestamp=told)])
    assert event.time == pytest.approx(seconds)


@pytest.mark.parametrize(("told", "address"), [
    (WHO, WHO), ("Nobody@RCPT.Example", "Nobody@rcpt.example"), ("<nobody@rcpt.example>", WHO), ("No Body <nobody@rcpt.example>", WHO), (" nobody@rcpt.example ", WHO), ("a@rcpt.example, b@rcpt.example", ""),
    ("nobody", ""), ("@rcpt.example", ""), ("", ""), (None, ""), (5, ""), ([WHO], ""), ({}, ""), ("x@[192.0.2.1]", "x@[192.0.2.1]"), ("ünï@bücher.example", "ünï@bücher.example"),
])
def test_addresses(told, address):
    (found,) = read("sendgrid", [grid("delivered", email=told)])
    assert (found.recipient if isinstance(found, Event) else "") == address


def test_an_event_about_nobody_is_kept_aside():
    (found,) = read("sendgrid", [grid("bounce", email="")])
    assert isinstance(found, Reject) and "address" in found.reason
    found = read("ses", ses_bounce("Permanent", "General", {"emailAddress": ""}, {"emailAddress": WHO}))
    assert [type(one) for one in found] == [Event, Reject] and found[0].recipient == WHO
    (found,) = read("ses", ses("Bounce", bounce={"bounceType": "Permanent", "bouncedRecipients": []}))
    assert isinstance(found, Reject)


def test_what_no_store_takes_is_taken_out():
    (event,) = read("sendgrid", b'[{"event":"bounce","email":"nobody@rcpt.example","reason":"550 \\ud800\\u0000 user\\r\\nunknown\\u001b[31m","sg_event_id":"\\udfff"}]')
    assert event.text == "550 ?  user\nunknown [31m" and event.native_id == "?"
    event.text.encode()


def test_long_words_are_cut():
    (event,) = read("sendgrid", [grid("bounce", reason="550 " + "x" * 100_000, bounce_classification="y" * 10_000)])
    assert len(event.text) == 4_000 and len(event.facts["class"]) == 500


def test_a_form_in_parts_is_read():
    fields = {"event": "bounced", "recipient": WHO, "code": "550", "error": UNKNOWN, "timestamp": str(TIME), "token": "t", "signature": "00"}
    body = "".join(f'--b0\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()) + "--b0--\r\n"
    (event,) = read("mailgun", body.encode(), headers={"Content-Type": 'multipart/form-data; boundary="b0"'})
    assert event.text == UNKNOWN and event.reply_code == 550 and event.recipient == WHO


def test_json_lines_may_be_posted_and_wrapped():
    lines = content(SAMPLES["mailtrap"][9][0])
    for found in (read("mailtrap", lines, headers={"Host": "hook.example"}), read("mailtrap", {"headers": {}, "body": lines.decode()})):
        assert [event.kind for event in found] == ["bounce", "complaint"]
    (found,) = read("mailtrap", lines + b'{"event": "bou', headers={"Host": "hook.example"})
    assert isinstance(found, Reject) and found.content == lines + b'{"event": "bou'


def test_a_mandrill_delivery_told_twice_is_one():
    sent = {"event": "send", "ts": TIME, "_id": "m1", "msg": {"_id": "m1", "email": WHO, "smtp_events": [{"diag": "250 OK"}]}}
    one, two = read("mandrill", mandrill_form(sent, {**sent, "event": "delivered"}))
    assert one.native_id == two.native_id


def test_ses_redelivered_in_another_envelope_is_the_same_event():
    one, two = (read("ses", sns(ONE, MessageId=own))[0] for own in ("a", "b"))
    assert one.native_id == two.native_id
    assert read("ses", ses_bounce("Permanent", "General", spelling="notificationType"))[0].native_id == one.native_id


def test_a_feed_tells_what_it_is():
    for kind in WEBHOOKS:
        module = feed(kind)
        assert module.TITLE and module.UNIT == "document" and callable(module.verify)
        assert module.looks(b"") == module.looks(b"Nov  2 10:00:00 mx1 postfix/smtp[1]: x") == module.looks(b"<feedback>") == 0
    assert recognized(content(azure("Bounced")), WEBHOOKS) == "azure"


@pytest.mark.parametrize(("kind", "header"), [
    ("ses", "x-amz-sns-message-type"), ("sendgrid", "X-Twilio-Email-Event-Webhook-Signature"), ("mandrill", "X-Mandrill-Signature"), ("resend", "svix-signature"), ("mailtrap", "Mailtrap-Signature"),
    ("zeptomail", "producer-signature"), ("postal", "X-Postal-Signature-256"),
])
def test_a_wrapped_body_in_base64_is_recognized_by_its_headers(kind, header):
    payload = base64.b64encode(content(SAMPLES[kind][0][0])).decode()
    wrapped = json.dumps({"headers": {"Host": "hook.example", header: "x"}, "body": payload, "isBase64Encoded": True}).encode()
    assert recognized(wrapped, WEBHOOKS) == kind
    assert [event.kind for event in read(kind, wrapped)] == [event.kind for event in read(kind, SAMPLES[kind][0][0])]
