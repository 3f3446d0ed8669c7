"""The signature of an Amazon SNS envelope (docs.aws.amazon.com/sns: "Verifying the signatures of Amazon SNS messages").

Anybody can have a topic, and its messages are signed by Amazon as well: a signature counts only together with a topic the user expects,
and only when the certificate comes from Amazon's own host.  The certificate is handed in; nothing is fetched here.
"""
from __future__ import annotations

import re
from collections.abc import Mapping

from .. import Setting
from ._payload import Table, name
from ._signature import BROKEN, HOLDS, MAX_KEY, bad_key, decoded, no_key, rsa_holds

# No port, no user, no query, no "..", nothing after ".pem".
_CERTIFICATE = re.compile(r"https://sns\.[a-z]{2}(?:-[a-z]{2,12}){1,3}-\d{1,2}\.amazonaws\.com(?:\.cn)?/SimpleNotificationService-[A-Za-z0-9]{1,64}\.pem")
_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_ALGORITHMS = {"1": "sha1", "2": "sha256"}
_HEADERS = {"x-amz-sns-message-type": "Type", "x-amz-sns-message-id": "MessageId", "x-amz-sns-topic-arn": "TopicArn"}


def is_envelope(entry: Table) -> bool:
    """Whether this is what SNS sends, and not yet what is inside."""
    return "Message" in entry and "TopicArn" in entry and isinstance(entry.get("Type"), str)


def signature_of(envelope: Table, headers: Mapping[str, str], setting: Setting) -> str:
    """Empty where the signature holds and the topic is expected."""
    topics = setting.keys.get("sns_topics", "")[:MAX_KEY].replace(",", " ").split()
    if not topics:
        return no_key("sns_topics")
    if name(envelope.get("TopicArn")) not in topics:
        return "The SNS topic is none of those you expect (FIVEFIFTY_KEY_SNS_TOPICS)."
    for header, field in _HEADERS.items():
        if headers.get(header, envelope.get(field)) != envelope.get(field):
            return f"The header {header} says something else than the body."
    return _checked(envelope, setting)


def _checked(envelope: Table, setting: Setting) -> str:
    url = envelope.get("SigningCertURL") or envelope.get("SigningCertUrl")  # Lambda spells it so
    if not isinstance(url, str) or not _CERTIFICATE.fullmatch(url):
        return "The certificate of the signature is not one of Amazon SNS."
    certificate = setting.keys.get(url) or setting.keys.get("sns_certificate", "")
    if not certificate:
        return no_key("sns_certificate")
    algorithm = _ALGORITHMS.get(name(envelope.get("SignatureVersion")))
    if algorithm is None:
        return "The version of the signature is neither 1 nor 2."
    signed = canonical(envelope)
    if signed is None:
        return "A field that is signed is missing or no text."
    signature = envelope.get("Signature")
    holds = rsa_holds(certificate, (decoded(signature) if isinstance(signature, str) else b"") or b"", signed, algorithm)
    if holds is None:
        return bad_key("sns_certificate")
    return HOLDS if holds else BROKEN


def canonical(envelope: Table) -> bytes | None:
    """What is signed: names and values on lines, in the order of the names; None where one is missing."""
    fields = _NOTIFICATION if envelope.get("Type") == "Notification" else _CONFIRMATION
    lines: list[str] = []
    for field in fields:
        value = envelope.get(field)
        if value is None and field == "Subject":
            continue
        if not isinstance(value, str):
            return None
        lines += (field, value)
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogatepass")
