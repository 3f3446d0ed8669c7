"""Signatures of webhooks: what is signed holds, whatever is changed breaks it, and no key ever shows."""
from __future__ import annotations

import base64
import datetime
import hmac
import json
from functools import cache
from urllib.parse import quote, urlencode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from webhook_samples import SAMPLES, TIME, azure, content, drill, mark_bounce, ses_bounce, sns, zepto

from fivefifty.feeds import Setting, events, feed
from fivefifty.judge import Judge

SECRET = "s3cr3t-key-that-never-shows"
NOW = float(TIME)
SHARED = ["postmark", "sparkpost", "mailjet", "brevo", "azure", "smtp2go"]


@cache
def made_key(kind, number):
    return rsa.generate_private_key(65537, 2048) if kind == "rsa" else ec.generate_private_key(ec.SECP256R1())


def rsa_key(number=0):
    return made_key("rsa", number)


def ec_key(number=0):
    return made_key("ec", number)


def public(key, pem=False):
    if pem:
        return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


@cache
def certificate(number=0):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.example")])
    start = datetime.datetime(2026, 1, 1)
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(rsa_key(number).public_key()).serial_number(7).not_valid_before(start)
    return made.not_valid_after(start + datetime.timedelta(days=365)).sign(rsa_key(number), hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def verify(kind, body, headers=None, now=NOW, **keys):
    return feed(kind).verify(body if isinstance(body, bytes) else json.dumps(body).encode(), headers or {}, Setting(now=now, keys=keys))


def mac(algorithm, *parts, key=b"s3cr3t-key-that-never-shows"):
    return hmac.new(key, b"".join(part if isinstance(part, bytes) else str(part).encode() for part in parts), algorithm).digest()


# --- Amazon SNS -------------------------------------------------------------------------------------------------------

TOPIC = "arn:aws:sns:eu-west-1:000000000000:ses"


def signed_sns(version="2", number=0, **fields):
    envelope = sns(ses_bounce("Permanent", "NoEmail", {"emailAddress": "nobody@rcpt.example"}), SignatureVersion=version, **fields)
    names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"] if envelope["Type"] == "Notification" else ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    told = "".join(f"{name}\n{envelope[name]}\n" for name in names if name in envelope).encode()
    envelope["Signature"] = base64.b64encode(rsa_key(number).sign(told, padding.PKCS1v15(), hashes.SHA1() if version == "1" else hashes.SHA256())).decode()
    return envelope


def sns_keys(**fields):
    return {"sns_topics": f"arn:aws:sns:eu-west-1:000000000000:other, {TOPIC}", "sns_certificate": certificate(), **fields}


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("fields", [{}, {"Subject": "Amazon SES Email Event Notification"}, {"Type": "SubscriptionConfirmation", "Token": "t", "SubscribeURL": "https://sns.eu-west-1.amazonaws.com/?x"}])
def test_an_sns_signature_holds(version, fields):
    assert verify("ses", signed_sns(version, **fields), **sns_keys()) == ""


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("field", ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type", "Signature", "SignatureVersion", "SigningCertURL"])
def test_a_changed_sns_envelope_is_refused(version, field):
    for value in ("x", "", None, 5, [], {}):
        assert verify("ses", {**signed_sns(version, Subject="s"), field: value}, **sns_keys(sns_topics=f"{TOPIC} x")) != ""


def test_sns_parts_taken_away_or_added_are_refused():
    envelope = signed_sns(Subject="s")
    for field in envelope:
        if field not in ("UnsubscribeURL",):
            assert verify("ses", {name: value for name, value in envelope.items() if name != field}, **sns_keys()) != "", field
    assert verify("ses", {**signed_sns(), "Subject": "added"}, **sns_keys()) != ""


@pytest.mark.parametrize("url", [
    "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem", "https://sns.eu-west-1.amazonaws.com.attacker.example/SimpleNotificationService-0.pem",
    "https://attacker.example/sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem", "https://sns.eu-west-1.amazonaws.com@attacker.example/SimpleNotificationService-0.pem",
    "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-0.pem", "https://bucket.s3.amazonaws.com/SimpleNotificationService-0.pem", "https://sns.eu-west-1.amazonaws.com/other.pem",
    "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem?x=1", "https://sns.eu-west-1.amazonaws.com/a/../SimpleNotificationService-0.pem", "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0.pem\n",
    "https://sns.amazonaws.com/SimpleNotificationService-0.pem", "https://snsXeu-west-1.amazonaws.com/SimpleNotificationService-0.pem",
])
def test_certificates_of_other_places_are_refused(url):
    assert "certificate" in verify("ses", signed_sns(SigningCertURL=url), **sns_keys())


@pytest.mark.parametrize("url", ["https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-0.pem", "https://sns.us-gov-west-1.amazonaws.com/SimpleNotificationService-abcDEF09.pem"])
def test_certificates_of_amazons_other_regions_are_taken(url):
    assert verify("ses", signed_sns(SigningCertURL=url), **sns_keys()) == ""


def test_a_certificate_may_come_by_its_url():
    envelope = signed_sns()
    keys = sns_keys(**{envelope["SigningCertURL"]: certificate(), "sns_certificate": certificate(1)})
    assert verify("ses", envelope, **keys) == ""


def test_a_strangers_topic_is_refused_though_amazon_signed_it():
    assert "topic" in verify("ses", signed_sns(TopicArn="arn:aws:sns:eu-west-1:999999999999:ses"), **sns_keys())
    assert "not checked" in verify("ses", signed_sns(), sns_certificate=certificate())


def test_another_key_and_other_headers_are_refused():
    assert verify("ses", signed_sns(number=1), **sns_keys()) != ""
    assert verify("ses", signed_sns(), {"X-Amz-Sns-Message-Id": "another"}, **sns_keys()) != ""
    assert verify("ses", signed_sns(), {"X-Amz-Sns-Message-Type": "Notification", "X-Amz-Sns-Topic-Arn": TOPIC}, **sns_keys()) == ""


def test_one_bad_envelope_among_good_ones_spoils_the_whole_but_only_its_own_events():
    good, bad = signed_sns(), {**signed_sns(), "MessageId": "x"}
    assert verify("ses", [good, bad], **sns_keys()) != ""
    found = events("ses", json.dumps([good, bad]).encode(), Setting(now=NOW, keys=sns_keys(), trusted=True))
    assert [(event.trust, event.suppress) for event in found] == [("signed", True), ("unverified", False)]


def test_lambda_spells_the_certificates_name_in_another_way():
    envelope = signed_sns()
    envelope["SigningCertUrl"] = envelope.pop("SigningCertURL")
    assert verify("ses", {"Records": [{"Sns": envelope}]}, **sns_keys()) == ""


# --- SendGrid ---------------------------------------------------------------------------------------------------------


def signed_sendgrid(body, timestamp=TIME, number=0):
    signature = ec_key(number).sign(str(timestamp).encode() + body, ec.ECDSA(hashes.SHA256()))
    return {"X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(), "X-Twilio-Email-Event-Webhook-Timestamp": str(timestamp)}


BODY = content(SAMPLES["sendgrid"][0][0])


@pytest.mark.parametrize("pem", [False, True])
def test_a_sendgrid_signature_holds(pem):
    assert verify("sendgrid", BODY, signed_sendgrid(BODY), sendgrid=public(ec_key(), pem)) == ""


def test_what_is_changed_in_a_sendgrid_request_is_refused():
    headers, key = signed_sendgrid(BODY), public(ec_key())
    assert verify("sendgrid", BODY.replace(b"nobody", b"someone"), headers, sendgrid=key) != ""
    assert verify("sendgrid", BODY + b" ", headers, sendgrid=key) != ""
    assert verify("sendgrid", BODY, {**headers, "X-Twilio-Email-Event-Webhook-Timestamp": str(TIME + 1)}, sendgrid=key) != ""
    assert verify("sendgrid", BODY, signed_sendgrid(BODY, number=1), sendgrid=key) != ""
    for value in ("", "x", "AAAA", "=" * 99, headers["X-Twilio-Email-Event-Webhook-Signature"][:-9]):
        assert verify("sendgrid", BODY, {**headers, "X-Twilio-Email-Event-Webhook-Signature": value}, sendgrid=key) != ""


@pytest.mark.parametrize(("apart", "holds"), [(0, True), (600, True), (-600, True), (601, False), (-601, False), (86_400 * 365, False)])
def test_an_old_sendgrid_request_is_refused(apart, holds):
    told = verify("sendgrid", BODY, signed_sendgrid(BODY), now=NOW + apart, sendgrid=public(ec_key()))
    assert (told == "") == holds and (holds or "seconds" in told)


def test_where_nobody_knows_when_it_came_age_does_not_matter():
    assert verify("sendgrid", BODY, signed_sendgrid(BODY), now=0.0, sendgrid=public(ec_key())) == ""


# --- Keyed hashes -----------------------------------------------------------------------------------------------------


def mailgun(timestamp=TIME, token="t0k", key=SECRET, holder="signature"):
    payload = json.loads(content(SAMPLES["mailgun"][0][0]))
    payload[holder] = {"timestamp": str(timestamp), "token": token, "signature": mac("sha256", timestamp, token, key=key.encode()).hex()}
    return payload


def test_a_mailgun_signature_holds():
    assert verify("mailgun", mailgun(), mailgun=SECRET) == ""
    assert verify("mailgun", mailgun(), mailgun=f"older-key\n{SECRET}") == ""
    assert verify("mailgun", mailgun(holder="parent-signature"), mailgun=SECRET) == ""
    form = {"event": "bounced", "recipient": "nobody@rcpt.example", "timestamp": str(TIME), "token": "t", "signature": mac("sha256", TIME, "t").hex()}
    assert verify("mailgun", urlencode(form).encode(), mailgun=SECRET) == ""


@pytest.mark.parametrize("part", ["timestamp", "token", "signature"])
def test_a_changed_mailgun_signature_is_refused(part):
    payload = mailgun()
    for value in ("x", "", None, 5, [], {}, str(TIME + 1)):
        payload["signature"][part] = value
        assert verify("mailgun", payload, mailgun=SECRET) != ""


def test_an_old_mailgun_token_is_refused():
    assert "seconds" in verify("mailgun", mailgun(TIME - 13 * 3600), mailgun=SECRET)
    assert verify("mailgun", mailgun(TIME - 8 * 3600), mailgun=SECRET) == ""


def test_mailguns_token_stands_in_the_facts_because_it_may_be_used_once():
    (event,) = events("mailgun", json.dumps(mailgun()).encode(), Setting(now=NOW, keys={"mailgun": SECRET}))
    assert event.trust == "signed" and event.facts["token"] == "t0k"


@pytest.mark.parametrize(("kind", "header"), [("mailersend", "Signature"), ("mailtrap", "Mailtrap-Signature")])
def test_a_hash_of_the_body(kind, header):
    body = content(SAMPLES[kind][0][0])
    good = mac("sha256", body).hex()
    assert verify(kind, body, {header: good}, **{kind: SECRET}) == verify(kind, body, {header.upper(): good.upper()}, **{kind: f"old {SECRET}"}) == ""
    for wrong in (good[:-1], "", "0" * 64, good + "0", "ü"):
        assert verify(kind, body, {header: wrong}, **{kind: SECRET}) != ""
    assert verify(kind, body + b" ", {header: good}, **{kind: SECRET}) != ""
    assert verify(kind, body, {header: good}, **{kind: "another"}) != ""


def svix(body, own="msg_1", timestamp=TIME, key=b"thirty-two-bytes-of-random-noise"):
    return {"svix-id": own, "svix-timestamp": str(timestamp), "svix-signature": "v1," + base64.b64encode(mac("sha256", f"{own}.{timestamp}.", body, key=key)).decode()}


WHSEC = "whsec_" + base64.b64encode(b"thirty-two-bytes-of-random-noise").decode()


def test_a_svix_signature_holds():
    body = content(SAMPLES["resend"][0][0])
    headers = svix(body)
    assert verify("resend", body, headers, resend=WHSEC) == ""
    assert verify("resend", body, {**headers, "svix-signature": f"v1,AAAA v2,x {headers['svix-signature']}"}, resend=WHSEC) == ""
    assert verify("resend", body, headers, resend=f"whsec_{base64.b64encode(b'another').decode()} {WHSEC}") == ""
    assert verify("resend", body, {name.replace("svix", "webhook"): value for name, value in headers.items()}, resend=WHSEC) == ""


def test_what_is_changed_in_a_svix_request_is_refused():
    body = content(SAMPLES["resend"][0][0])
    headers = svix(body)
    assert verify("resend", body + b" ", headers, resend=WHSEC) != ""
    for name in headers:
        for value in ("", "x", "v1,", "v1,AAAA", str(TIME + 1)):
            assert verify("resend", body, {**headers, name: value}, resend=WHSEC) != ""
    assert verify("resend", body, {**headers, "svix-signature": headers["svix-signature"].replace("v1,", "v1a,")}, resend=WHSEC) != ""
    assert verify("resend", body, svix(body, key=b"other"), resend=WHSEC) != ""
    assert "seconds" in verify("resend", body, headers, now=NOW + 301, resend=WHSEC)
    assert verify("resend", body, headers, now=NOW + 300, resend=WHSEC) == ""


def test_svix_ids_are_the_events_ids():
    body = content(SAMPLES["resend"][0][0])
    (event,) = events("resend", body, Setting(now=NOW, keys={"resend": WHSEC}), headers=svix(body))
    assert event.trust == "signed" and event.native_id == "msg_1"


def test_a_mandrill_signature_covers_the_url_and_the_fields():
    url, body = "https://sender.example/hook?x=1", urlencode({"mandrill_events": json.dumps([drill("spam")]), "a": "1"}).encode()
    signature = base64.b64encode(mac("sha1", url, "a1mandrill_events", json.dumps([drill("spam")]))).decode()
    assert verify("mandrill", body, {"X-Mandrill-Signature": signature}, mandrill=SECRET, mandrill_url=f"https://other.example/ {url}") == ""
    for changed in (body + b"&b=2", body.replace(b"a=1", b"a=2"), body.replace(b"nobody", b"somebody")):
        assert verify("mandrill", changed, {"X-Mandrill-Signature": signature}, mandrill=SECRET, mandrill_url=url) != ""
    assert verify("mandrill", body, {"X-Mandrill-Signature": signature}, mandrill=SECRET, mandrill_url="https://other.example/") != ""
    assert verify("mandrill", body, {"X-Mandrill-Signature": signature}, mandrill="another", mandrill_url=url) != ""
    assert "not checked" in verify("mandrill", body, {"X-Mandrill-Signature": signature}, mandrill=SECRET)


@pytest.mark.parametrize("as_form", [False, True])
@pytest.mark.parametrize("escape", [False, True])
def test_a_zeptomail_signature_holds(as_form, escape):
    text = json.dumps(zepto("hardbounce", {"bounced_recipient": "nobody@rcpt.example"}))
    body = urlencode({"data": text}).encode() if as_form else text.encode()
    signature = base64.b64encode(mac("sha256", text)).decode()
    header = {"Producer-Signature": f"ts={TIME * 1000};s={quote(signature, safe='') if escape else signature};s-algorithm=HmacSHA256"}
    assert verify("zeptomail", body, header, zeptomail=SECRET) == ""
    assert verify("zeptomail", body.replace(b"nobody", b"somebody"), header, zeptomail=SECRET) != ""
    assert verify("zeptomail", body, header, zeptomail="another") != ""
    assert "seconds" in verify("zeptomail", body, header, now=NOW + 301, zeptomail=SECRET)
    for wrong in ("", "x", "ts=;s=", f"ts=x;s={signature}", f"ts={TIME}000;s={signature};s-algorithm=none", f"ts={TIME}000;s=%%%"):
        assert verify("zeptomail", body, {"producer-signature": wrong}, zeptomail=SECRET) != ""


# --- Postal -----------------------------------------------------------------------------------------------------------


def test_postals_signatures_hold():
    body = content(SAMPLES["postal"][0][0])
    old, new = (base64.b64encode(rsa_key().sign(body, padding.PKCS1v15(), algorithm)).decode() for algorithm in (hashes.SHA1(), hashes.SHA256()))
    for key in (public(rsa_key()), public(rsa_key(), pem=True), f"v=DKIM1; t=s; h=sha256; p={public(rsa_key())};"):
        assert verify("postal", body, {"X-Postal-Signature": old}, postal=key) == ""
        assert verify("postal", body, {"X-Postal-Signature": old, "X-Postal-Signature-256": new, "X-Postal-Signature-KID": "k"}, postal=key) == ""
    key = public(rsa_key())
    assert verify("postal", body + b" ", {"X-Postal-Signature-256": new}, postal=key) != ""
    assert verify("postal", body, {"X-Postal-Signature-256": old}, postal=key) != ""
    assert verify("postal", body, {"X-Postal-Signature": old, "X-Postal-Signature-256": "AAAA"}, postal=key) != ""
    assert verify("postal", body, {"X-Postal-Signature": old}, postal=public(rsa_key(1))) != ""


# --- Shared secrets ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SHARED)
def test_shared_secrets(kind):
    body = content(SAMPLES[kind][0][0])
    basic = "Basic " + base64.b64encode(f"hook:{SECRET}".encode()).decode()
    told = f"basic hook:{SECRET}\nbearer {SECRET}\nheader X-Hook: {SECRET}\nquery token={SECRET}"
    for headers in ({"Authorization": basic}, {"authorization": basic.replace("Basic", "basic")}, {"Authorization": f"Bearer {SECRET}"}, {"X-HOOK": SECRET}, {":path": f"/hook?a=1&token={SECRET}"}):
        assert verify(kind, body, headers, **{kind: told}) == ""
    for headers in ({"Authorization": basic[:-4]}, {"Authorization": f"Bearer {SECRET}x"}, {"Authorization": ""}, {"X-Hook": ""}, {":path": "/hook?token="}, {"X": "y"}, {"Authorization": SECRET}):
        assert verify(kind, body, headers, **{kind: told}) != ""


@pytest.mark.parametrize("written", [SECRET, "basic nobody", "bearer", "header X-Hook", f"header X-Hook {SECRET}", "query token", "basic", " \n", "header X-Hook:"])
def test_a_secret_in_the_wrong_form_lets_nobody_in_and_does_not_show(written):
    for headers in ({"Authorization": ""}, {"X-Hook": ""}, {"x-hook": SECRET, "authorization": "Bearer "}):
        told = verify("postmark", b"{}", headers, postmark=written)
        assert told and SECRET not in told


# --- All of them ------------------------------------------------------------------------------------------------------

KEYS = ["sns_certificate", "sns_topics", "mandrill_url", *SAMPLES]
WRONG = [SECRET, "", " ", "-----BEGIN PUBLIC KEY-----\n" + SECRET, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", base64.b64encode(SECRET.encode()).decode(), "ü" * 50, "\ud800", "x" * 100_000, "whsec_" + SECRET + "!"]


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_key_in_the_wrong_form_is_a_sentence_and_never_shows(kind):
    for key in WRONG:
        never_shows(kind, key)


def never_shows(kind, key):
    keys = {**dict.fromkeys(KEYS, key), "sns_topics": TOPIC}
    headers = {**signed_sendgrid(BODY), **svix(BODY), "Signature": "00", "Mailtrap-Signature": "00", "X-Mandrill-Signature": "00", "X-Postal-Signature": "AAAA", "producer-signature": f"ts={TIME}000;s=AAAA"}
    for body in (content(SAMPLES[kind][0][0]), json.dumps(signed_sns()).encode(), b"", b"\xff"):
        told = verify(kind, body, headers, **keys)
        assert told and (len(key) < 5 or key[:40] not in told)
        assert told.endswith((".", ")", "again."))


def test_keys_of_the_wrong_kind_are_told():
    assert "can't be read" in verify("sendgrid", BODY, signed_sendgrid(BODY), sendgrid=public(rsa_key()))
    assert "can't be read" in verify("postal", b"{}", {"X-Postal-Signature": "AAAA"}, postal=public(ec_key()))
    assert "can't be read" in verify("ses", signed_sns(), **sns_keys(sns_certificate=public(ec_key())))
    assert "can't be read" in verify("sendgrid", BODY, signed_sendgrid(BODY), sendgrid=base64.b64encode(ec.generate_private_key(ec.SECP384R1()).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode())


@pytest.mark.parametrize("kind", SAMPLES)
def test_without_a_key_nothing_is_signed(kind):
    body = content(SAMPLES[kind][0][0])
    assert verify(kind, body) and verify(kind, body, {"Signature": "00", "authorization": "Basic Og=="})
    assert {event.trust for event in events(kind, body, Setting(now=NOW))} == {"unverified"}
    assert {event.trust for event in events(kind, body, Setting(now=NOW, trusted=True))} == {"own"}


# --- Trust ------------------------------------------------------------------------------------------------------------


def read(body, headers=None, trusted=False, now=NOW, **keys):
    return list(events("postmark", body, Setting(now=now, keys=keys, trusted=trusted), headers=headers))


def test_trust_of_a_request_that_has_just_come():
    body, good = json.dumps(mark_bounce("BadEmailAddress")).encode(), {"X-Hook": SECRET, "Content-Type": "application/json"}
    (event,) = read(body, good, postmark=f"header X-Hook: {SECRET}")
    assert event.trust == "signed" and event.suppress
    (event,) = read(body, {"X-Hook": "guessed"}, trusted=True, postmark=f"header X-Hook: {SECRET}")
    assert event.trust == "unverified" and not event.suppress and "secret" in event.facts["signature"] and SECRET not in event.facts["signature"]
    assert not Judge().complete(event).suppress


def test_who_vouches_does_not_vouch_for_a_signature_that_is_bad():
    body = content(SAMPLES["mailtrap"][0][0])
    setting = Setting(now=NOW, keys={"mailtrap": SECRET}, trusted=True)
    assert {event.trust for event in events("mailtrap", body, setting)} == {"own"}  # saved without its headers
    assert {event.trust for event in events("mailtrap", body, setting, headers={"Mailtrap-Signature": "00"})} == {"unverified"}
    assert {event.trust for event in events("mailtrap", body, setting, headers={"Host": "hook.example"})} == {"unverified"}  # its signature was taken off


def saved(body, headers, **fields):
    return json.dumps({"headers": headers, "body": body.decode(), **fields}).encode()


def test_a_saved_request_is_checked_with_its_headers():
    headers = signed_sendgrid(BODY)
    for wrapped in (saved(BODY, headers), saved(BODY, [[name, value] for name, value in headers.items()]), saved(BODY, headers, received=TIME + 5),
                    json.dumps({"headers": headers, "body": base64.b64encode(BODY).decode(), "isBase64Encoded": True}).encode()):
        (event,) = events("sendgrid", wrapped, Setting(now=NOW + 10**8, keys={"sendgrid": public(ec_key())}))
        assert event.trust == "signed"


def test_a_saved_request_that_was_old_when_it_came_is_not_trusted():
    setting = Setting(now=NOW + 10**8, keys={"sendgrid": public(ec_key())})
    for received in (TIME + 3600, "2026-11-02T11:00:00Z"):
        (event,) = events("sendgrid", saved(BODY, signed_sendgrid(BODY), received=received), setting)
        assert event.trust == "unverified" and "seconds old" in event.facts["signature"]
    (event,) = events("sendgrid", saved(BODY.replace(b"nobody", b"someone"), signed_sendgrid(BODY)), setting)
    assert event.trust == "unverified"


def test_a_body_that_was_taken_apart_can_t_be_checked():
    wrapped = json.dumps({"headers": signed_sendgrid(BODY), "body": json.loads(BODY)}).encode()
    for trusted, trust in ((False, "unverified"), (True, "own")):
        (event,) = events("sendgrid", wrapped, Setting(now=NOW, keys={"sendgrid": public(ec_key())}, trusted=trusted))
        assert event.trust == trust


def test_azures_secret_may_stand_in_the_query():
    body = json.dumps(azure("Delivered")).encode()
    assert verify("azure", body, {":path": f"/hook?token={SECRET}"}, azure=f"query token={SECRET}") == ""
    assert verify("azure", body, {":path": f"/hook?xtoken={SECRET}"}, azure=f"query token={SECRET}") != ""


@pytest.mark.parametrize(("kind", "headers", "keys"), [
    ("mailersend", {"Signature": "00"}, {"mailersend": SECRET}), ("mailtrap", {"Mailtrap-Signature": "00"}, {"mailtrap": SECRET}), ("resend", {**svix(b""), "svix-signature": "v1,AAAA"}, {"resend": WHSEC}),
    ("mandrill", {"X-Mandrill-Signature": "AAAA"}, {"mandrill": SECRET, "mandrill_url": "https://sender.example/"}), ("mailgun", {}, {"mailgun": SECRET}),
    ("zeptomail", {"producer-signature": f"ts={TIME}000;s=AAAA"}, {"zeptomail": SECRET}), *((kind, {"Authorization": "Bearer x"}, {kind: f"bearer {SECRET}"}) for kind in SHARED),
])
def test_secrets_are_compared_in_constant_time(kind, headers, keys, monkeypatch):
    """Whatever `hmac.compare_digest` says is the answer: nothing else compares."""
    body = content(SAMPLES[kind][0][0])
    assert verify(kind, body, headers, **keys) != ""
    monkeypatch.setattr(hmac, "compare_digest", lambda one, other: True)
    assert verify(kind, body, headers, **keys) == ""
