"""Amazon SES: notifications of an identity and records of event publishing, inside an SNS envelope or bare.

docs.aws.amazon.com/ses: "Amazon SNS notification contents", "Examples of event data that Amazon SES publishes".  The two differ in one name
(notificationType, eventType).  Bare records come from SNS raw delivery, Amazon Data Firehose and S3, EventBridge, or a queue.
"""
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...model import Event
from .. import Setting
from . import _meaning as means
from ._payload import (
    Table,
    address,
    addresses_in,
    domain,
    facts,
    first,
    host,
    identity,
    ip,
    items,
    marked,
    moment,
    name,
    posted_with,
    status,
    table,
    text,
    when,
    words,
)
from ._reader import Reader, Service, Unreadable, verifier
from ._saved import Post, parsed
from ._signature import Unchecked, shared
from ._sns import is_envelope, signature_of

TITLE = "Amazon SES: notifications and event publishing, through SNS or saved"
UNIT = "document"

_NOT_OURS = frozenset(("send", "open", "click", "received", "amazonsnssubscriptionsucceeded"))
_ON_A_LIST = frozenset(("Suppressed", "OnAccountSuppressionList", "UnsubscribedRecipient"))  # not tried: SES's list or the account's own
# bounceSubType.  General says nothing about the address, not even with Permanent.
_MEANS: Mapping[str, means.Meaning] = {
    "MailboxFull": means.FULL, "MessageTooLarge": means.TOO_LARGE, "ContentRejected": means.SPAM, "AttachmentRejected": means.ATTACHMENT, "CustomTimeoutExceeded": means.EXPIRED,
}
_DELAYS: Mapping[str, means.Meaning] = {
    "MailboxFull": means.FULL, "SpamDetected": means.SPAM, "RecipientServerError": means.PASSING, "IPFailure": means.DISTRUST, "TransientCommunicationFailure": means.UNREACHABLE, "InternalFailure": means.PASSING,
}


def looks(head: bytes) -> int:
    """By the names that only SES uses, in or out of an SNS envelope."""
    if marked(
        head, (b'"notificationType":"', b'"mail":'), (b'"eventType":"', b'"mail":{'), (b'"notificationType":"', b'"bounce":'), (b'"notificationType":"', b'"complaint":'),
        (b'"bouncedRecipients":', b'"bounceSubType":'), (b'"source":"aws.ses"',), (b'"notificationType":"AmazonSns',),
    ):
        return 96
    return 60 if posted_with(head, b"x-amz-sns-message-type") or marked(head, (b'"TopicArn":"arn:aws', b'"SigningCert'), (b'"TopicArn":"arn:aws', b'"MessageId":')) else 0


def _within(entry: Table, headers: Mapping[str, str], setting: Setting) -> str:
    if not is_envelope(entry):
        bare = Unchecked("It came without its SNS envelope, so there is no signature.")
        return shared(headers, setting, "ses_secret") if "ses_secret" in setting.keys else bare
    return signature_of(entry, headers, setting)


def _verify(body: bytes, headers: Mapping[str, str], setting: Setting) -> str:
    doubts = [_within(entry, headers, setting) for entry in _entries(parsed(body)) if isinstance(entry, dict)]
    return next(filter(None, doubts), "") if doubts else "There is no SNS envelope."


verify = verifier(_verify)


def _entries(value: Any) -> Iterator[Any]:
    """SNS envelopes and bare events, out of whatever carried them."""
    waiting, opened = [value], 0
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting.extend(reversed(one))
        elif isinstance(one, dict):
            inner = None if is_envelope(one) or opened > 100_000 else _carried(one)
            opened += 1
            if inner is None:
                yield one
            else:
                waiting.append(inner)
        else:
            yield one


def _carried(one: Table) -> Any:
    """What a record of Lambda (SNS or SQS), a queue's answer or EventBridge carries; None for what is no such thing."""
    for inside in ("Records", "Messages"):
        if isinstance(one.get(inside), list):
            return one[inside]
    if isinstance(one.get("Sns"), dict):
        return one["Sns"]
    for inside in ("body", "Body"):
        if isinstance(one.get(inside), str):
            return parsed(one[inside])
    return one["detail"] if isinstance(one.get("detail"), dict) and "detail-type" in one else None


def _events(entry: Table, post: Post) -> Iterable[Event]:
    if is_envelope(entry):
        entry = _opened(entry)
    called = name(entry.get("notificationType")) or name(entry.get("eventType"))
    what = called.replace(" ", "").lower()
    if not entry or what in _NOT_OURS:
        return ()
    made = _MAKERS.get(what)
    if made is None:
        raise Unreadable(f"SES has no event called {called!r} that we know." if called else "It is no event of SES: it names no notificationType and no eventType.")
    found = list(made(entry, table(entry.get("mail"))))
    if not found and what != "subscription":
        raise Unreadable("It names no recipient.")
    return found


def _opened(envelope: Table) -> Table:
    """The event in an SNS envelope."""
    kind = name(envelope.get("Type"))
    if kind in ("SubscriptionConfirmation", "UnsubscribeConfirmation"):
        raise Unreadable(
            f"{kind}: SNS asks you to confirm something about the topic {name(envelope.get('TopicArn')) or '(not named)'}.  If that topic is yours, open its SubscribeURL; nothing was fetched."
        )
    message = envelope.get("Message")
    inner = parsed(message) if isinstance(message, str) else message
    if isinstance(inner, dict):
        return inner
    if isinstance(message, str) and message.startswith("Successfully validated SNS topic"):  # SES tries the topic when event publishing is set up
        return {}
    raise Unreadable("The Message in the SNS envelope is no JSON object.")


def _common(kind: str, recipient: str, time: float, mail: Table) -> Event:
    common, tags = table(mail.get("commonHeaders")), table(mail.get("tags"))
    return Event(
        kind, "ses", time, recipient, address(mail.get("source")), domain(common.get("from")), message_id=_message_id(mail, common), sending_ip=ip(_tag(tags, "ses:outgoing-ip")),
        campaign=_campaign(tags), sent_at=when(mail.get("timestamp")),
    )


def _message_id(mail: Table, common: Table) -> str:
    """The Message-ID of the mail; SES's own id is none, and what SES makes of it differs from region to region."""
    own, found = name(mail.get("messageId")), name(common.get("messageId")).strip("<> ")
    if found and found != own:
        return found
    for header in items(mail.get("headers"))[:200]:
        if isinstance(header, dict) and name(header.get("name")).lower() == "message-id":
            return name(header.get("value")).strip("<> ")
    return ""


def _tag(tags: Table, key: str) -> str:
    return first(*items(tags.get(key))[:1])


def _campaign(tags: Table) -> str:
    """The tag that names a campaign, else the configuration set."""
    for key in list(tags)[:50]:
        if key.lower().replace("_", "").replace("-", "") in ("campaign", "campaignid", "campaignname"):
            return _tag(tags, key)
    return _tag(tags, "ses:configuration-set")


def _id(mail: Table, what: str, own: object, recipient: str) -> str:
    """SNS delivers at least once, and an identity and a configuration set may both tell the same: its ids are the mail's, not the envelope's."""
    return identity(name(mail.get("messageId")), what, own, recipient)


def _bounces(entry: Table, mail: Table) -> Iterator[Event]:
    bounce = table(entry.get("bounce"))
    major, minor, time = name(bounce.get("bounceType")), name(bounce.get("bounceSubType")), moment(bounce.get("timestamp"), mail.get("timestamp"))
    reporting = host(bounce.get("reportingMTA"))
    common = facts({"id": mail.get("messageId"), "type": major, "class": minor, "feedback": bounce.get("feedbackId")})
    for one in items(bounce.get("bouncedRecipients")):
        person = table(one)
        recipient = address(person.get("emailAddress")) or address(one)
        event = _common("bounce", recipient, time, mail)
        event.status, event.text, event.facts = status(person.get("status")), words(person.get("diagnosticCode")), common
        event.reporting_mta, event.remote_ip = reporting, ip(bounce.get("remoteMtaIp"))
        event.native_id = _id(mail, "bounce", name(bounce.get("feedbackId")) or time, recipient)
        # Another host's report: the mail had been accepted first.
        event.late = bool(reporting) and not reporting.endswith((".amazonses.com", ".amazonaws.com", ".amazonaws.com.cn"))
        if minor in _ON_A_LIST:
            yield means.suppressed(event, minor)
        else:
            yield means.explained(event, f"{major} {minor}", means.NO_SUCH if (major, minor) == ("Permanent", "NoEmail") else _MEANS.get(minor))


def _complaints(entry: Table, mail: Table) -> Iterator[Event]:
    complaint = table(entry.get("complaint"))
    time = moment(complaint.get("arrivalDate"), complaint.get("timestamp"), mail.get("timestamp"))
    people = items(complaint.get("complainedRecipients"))
    given = {"id": mail.get("messageId"), "type": complaint.get("complaintFeedbackType"), "class": complaint.get("complaintSubType"), "user_agent": complaint.get("userAgent")}
    if len(people) > 1:
        given["among"] = len(people)  # SES: the recipients of that domain, one of whom complained
    for one in people:
        recipient = address(table(one).get("emailAddress")) or address(one)
        event = _common("complaint", recipient, time, mail)
        event.facts, event.native_id = facts(given), _id(mail, "complaint", name(complaint.get("feedbackId")) or time, recipient)
        yield means.suppressed(event, "OnAccountSuppressionList") if name(given["class"]) in _ON_A_LIST else means.complained(event, name(given["type"]))


def _deliveries(entry: Table, mail: Table) -> Iterator[Event]:
    delivery = table(entry.get("delivery"))
    time = moment(delivery.get("timestamp"), mail.get("timestamp"))
    for recipient in addresses_in(delivery.get("recipients") or mail.get("destination")):
        event = _common("delivery", recipient, time, mail)
        event.text, event.reporting_mta, event.remote_ip = words(delivery.get("smtpResponse")), host(delivery.get("reportingMTA")), ip(delivery.get("remoteMtaIp"))
        event.facts, event.native_id = facts({"id": mail.get("messageId")}), _id(mail, "delivery", "", recipient)
        yield event


def _delays(entry: Table, mail: Table) -> Iterator[Event]:
    delay = table(entry.get("deliveryDelay"))
    major, time = name(delay.get("delayType")), moment(delay.get("timestamp"), mail.get("timestamp"))
    for one in items(delay.get("delayedRecipients")):
        person = table(one)
        recipient = address(person.get("emailAddress")) or address(one)
        event = _common("deferral", recipient, time, mail)
        event.status, event.text, event.reporting_mta = status(person.get("status")), words(person.get("diagnosticCode")), host(delay.get("reportingMTA"))
        event.facts, event.native_id = facts({"id": mail.get("messageId"), "class": major}), _id(mail, "delay", time, recipient)
        yield means.explained(event, f"delay {major}", _DELAYS.get(major))


def _never_sent(what: str, said: str, meaning: means.Meaning, mail: Table) -> Iterator[Event]:
    """SES itself stopped the mail before anybody was asked: for all its recipients."""
    for recipient in addresses_in(mail.get("destination")):
        event = _common("bounce", recipient, when(mail.get("timestamp")), mail)
        event.text, event.facts, event.native_id = said, facts({"id": mail.get("messageId"), "class": what}), _id(mail, what, "", recipient)
        yield means.told(event, what, meaning)


def _rejects(entry: Table, mail: Table) -> Iterator[Event]:
    return _never_sent("reject", text(table(entry.get("reject")).get("reason")), means.ATTACHMENT, mail)  # "Bad content": a virus


def _rendering(entry: Table, mail: Table) -> Iterator[Event]:
    return _never_sent("rendering failure", text(table(entry.get("failure")).get("errorMessage")), means.BAD_FORMAT, mail)


def _subscriptions(entry: Table, mail: Table) -> Iterator[Event]:
    """A recipient changed what they want, by the link or the header of list management."""
    change = table(entry.get("subscription"))
    wishes = table(change.get("newTopicPreferences"))
    time = moment(change.get("timestamp"), mail.get("timestamp"))
    people = addresses_in(mail.get("destination"))
    for recipient in people if len(people) == 1 else []:
        event = _common("unsubscribe" if wishes.get("unsubscribeAll") is True else "notice", recipient, time, mail)
        event.facts, event.native_id = facts({"id": mail.get("messageId"), "list": change.get("contactList")}), _id(mail, "subscription", time, recipient)
        yield event


_MAKERS = {
    "bounce": _bounces, "complaint": _complaints, "delivery": _deliveries, "deliverydelay": _delays, "reject": _rejects, "renderingfailure": _rendering, "subscription": _subscriptions,
}
_SERVICE = Service("ses", _events, verify, _entries, within=_within)


def reader(setting: Setting) -> Reader:
    """Reads envelopes and bare records."""
    return Reader(_SERVICE, setting)
