"""Payloads of sending services, written after their documentation: service -> list of (payload, what must come out of it).

What must come out is one dict for each event, with the fields of Event that matter; [] where nothing of ours is told.
"""
from __future__ import annotations

import json
from urllib.parse import urlencode

WHO = "nobody@rcpt.example"
TIME = 1793613600  # 2026-11-02T10:00:00Z
UNKNOWN = "550 5.1.1 user unknown"


def ses(kind, spelling="eventType", **fields):
    mail = {
        "timestamp": "2026-11-02T09:59:58.000Z", "messageId": "0102-msg-1", "source": "bounce@sender.example", "destination": [WHO, "other@rcpt.example"],
        "headers": [{"name": "Message-ID", "value": "<a1@sender.example>"}], "commonHeaders": {"from": ["News <news@sender.example>"], "messageId": "0102-msg-1"},
        "tags": {"ses:configuration-set": ["main"], "campaign": ["spring"], "ses:outgoing-ip": ["203.0.113.9"]},
    }
    return {spelling: kind, "mail": mail, **fields}


def ses_bounce(major, minor, *people, spelling="eventType", **fields):
    people = people or ({"emailAddress": WHO, "action": "failed", "status": "5.1.1", "diagnosticCode": f"smtp; {UNKNOWN}"},)
    return ses("Bounce", spelling, bounce={
        "bounceType": major, "bounceSubType": minor, "bouncedRecipients": list(people), "timestamp": "2026-11-02T10:00:00.500Z", "feedbackId": "0102-fb-1",
        "reportingMTA": "dns; a1.smtp-out.eu-west-1.amazonses.com", "remoteMtaIp": "192.0.2.25", **fields,
    })


BARE = {"emailAddress": WHO}


def sns(inner, **fields):
    return {
        "Type": "Notification", "MessageId": "11111111-aaaa-5bbb-8ccc-222222222222", "TopicArn": "arn:aws:sns:eu-west-1:000000000000:ses", "Message": json.dumps(inner),
        "Timestamp": "2026-11-02T10:00:01.000Z", "SignatureVersion": "2", "Signature": "AAAA",
        "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-00000000000000000000000000000000.pem", "UnsubscribeURL": "https://sns.eu-west-1.amazonaws.com/", **fields,
    }


SES = [
    (ses_bounce("Permanent", "General"), [{
        "kind": "bounce", "recipient": WHO, "time": TIME + 0.5, "text": UNKNOWN, "status": "5.1.1", "envelope_sender": "bounce@sender.example", "author_domain": "sender.example",
        "message_id": "a1@sender.example", "campaign": "spring", "sending_ip": "203.0.113.9", "remote_ip": "192.0.2.25", "reporting_mta": "a1.smtp-out.eu-west-1.amazonses.com",
        "sent_at": TIME - 2, "cause": "", "late": False,
    }]),
    (ses_bounce("Permanent", "General", spelling="notificationType"), [{"kind": "bounce", "recipient": WHO}]),
    (sns(ses_bounce("Permanent", "General", {"emailAddress": "One@RCPT.example"}, {"emailAddress": "two@rcpt.example"})), [{"recipient": "One@rcpt.example"}, {"recipient": "two@rcpt.example"}]),
    (ses_bounce("Permanent", "General", BARE), [{"kind": "bounce", "cause": "unknown", "standing": "open", "suppress": False}]),
    (ses_bounce("Permanent", "NoEmail", BARE), [{"kind": "bounce", "cause": "address.unknown", "owner": "address", "standing": "stated", "rule": "esp-ses-permanent-noemail"}]),
    (ses_bounce("Transient", "NoEmail", BARE), [{"cause": "unknown", "suppress": False}]),
    (ses_bounce("Transient", "MailboxFull", BARE), [{"cause": "address.full", "suppress": False}]),
    (ses_bounce("Transient", "MessageTooLarge", BARE), [{"cause": "content.size"}]),
    (ses_bounce("Transient", "ContentRejected", BARE), [{"cause": "content.spam", "standing": "likely"}]),
    (ses_bounce("Transient", "AttachmentRejected", BARE), [{"cause": "content.attachment"}]),
    (ses_bounce("Undetermined", "Undetermined", BARE), [{"kind": "bounce", "cause": "unknown", "standing": "open"}]),
    (ses_bounce("Permanent", "Suppressed", BARE), [{"kind": "suppression", "cause": "notice.suppressed", "suppress": False}]),
    (ses_bounce("Permanent", "OnAccountSuppressionList"), [{"kind": "suppression", "suppress": False}]),
    (ses_bounce("Permanent", "General", reportingMTA="dns; mx.rcpt.example"), [{"late": True}]),
    (ses("Complaint", complaint={"complainedRecipients": [{"emailAddress": WHO}], "timestamp": "2026-11-02T10:00:00Z", "feedbackId": "f2", "complaintFeedbackType": "abuse"}),
     [{"kind": "complaint", "recipient": WHO, "cause": "notice.complaint"}]),
    (ses("Complaint", "notificationType", complaint={"complainedRecipients": [{"emailAddress": WHO}], "feedbackId": "f2", "complaintSubType": "OnAccountSuppressionList"}), [{"kind": "suppression"}]),
    (ses("Complaint", complaint={"complainedRecipients": [{"emailAddress": WHO}], "feedbackId": "f2", "complaintFeedbackType": "not-spam"}), [{"kind": "notice"}]),
    (ses("Delivery", delivery={"recipients": [WHO, "two@rcpt.example"], "smtpResponse": "250 2.0.0 OK", "timestamp": "2026-11-02T10:00:00Z", "remoteMtaIp": "192.0.2.25"}),
     [{"kind": "delivery", "recipient": WHO, "text": "250 2.0.0 OK", "remote_ip": "192.0.2.25"}, {"recipient": "two@rcpt.example"}]),
    (ses("DeliveryDelay", deliveryDelay={"delayType": "IPFailure", "delayedRecipients": [{"emailAddress": WHO, "status": "4.4.1", "diagnosticCode": "smtp; 421 4.4.1 try later"}], "timestamp": "2026-11-02T10:00:00Z"}),
     [{"kind": "deferral", "status": "4.4.1", "text": "421 4.4.1 try later", "cause": ""}]),
    (ses("DeliveryDelay", deliveryDelay={"delayType": "MailboxFull", "delayedRecipients": [{"emailAddress": WHO}]}), [{"kind": "deferral", "cause": "address.full", "suppress": False}]),
    (ses("Reject", reject={"reason": "Bad content"}), [{"kind": "bounce", "recipient": WHO, "cause": "content.attachment"}, {"recipient": "other@rcpt.example"}]),
    (ses("Rendering Failure", failure={"errorMessage": "Attribute 'x' is not present", "templateName": "t"}), [{"kind": "bounce", "cause": "content.format"}, {}]),
    (ses("Subscription", subscription={"contactList": "main", "timestamp": "2026-11-02T10:00:00Z", "newTopicPreferences": {"unsubscribeAll": True}}), []),  # two recipients: nobody knows whose
    (ses("Send", send={}), []), (ses("Open", open={}), []), (ses("Click", click={}), []),
    ({"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "You have successfully subscribed"}, []),
    (sns({}, Message="Successfully validated SNS topic for Amazon SES event publishing."), []),
    ({"Records": [{"EventSource": "aws:sns", "Sns": sns(ses_bounce("Permanent", "General"))}]}, [{"recipient": WHO}]),
    ({"Records": [{"eventSource": "aws:sqs", "body": json.dumps(sns(ses_bounce("Permanent", "General")))}]}, [{"recipient": WHO}]),
    ({"version": "0", "source": "aws.ses", "detail-type": "Email Bounced", "detail": ses_bounce("Permanent", "General")}, [{"recipient": WHO}]),
]


def grid(event, **fields):
    return {"email": WHO, "timestamp": TIME, "event": event, "sg_event_id": f"ev-{event}", "sg_message_id": "m1.filter01", "smtp-id": "<a1@sender.example>", **fields}


SENDGRID = [
    ([grid("bounce", type="bounce", status="5.1.1", reason=UNKNOWN, bounce_classification="Invalid Address", ip="203.0.113.9", category=["spring", "b"])], [{
        "kind": "bounce", "recipient": WHO, "time": TIME, "text": UNKNOWN, "status": "5.1.1", "reply_code": 550, "message_id": "a1@sender.example", "campaign": "spring",
        "sending_ip": "203.0.113.9", "native_id": "ev-bounce", "cause": "",
    }]),
    ([grid("bounce", type="bounce", bounce_classification="Invalid Address")], [{"cause": "address.unknown", "rule": "esp-sendgrid-invalid-address"}]),
    ([grid("bounce", type="blocked", bounce_classification="Invalid Address")], [{"cause": "unknown", "standing": "open", "suppress": False}]),
    ([grid("bounce", type="blocked", bounce_classification="Reputation")], [{"cause": "reputation.provider", "suppress": False}]),
    ([grid("bounce", type="bounce", bounce_classification="Unclassified")], [{"cause": "unknown", "standing": "open"}]),
    ([grid("delivered", response="250 OK", ip="203.0.113.9")], [{"kind": "delivery", "text": "250 OK", "sending_ip": "203.0.113.9"}]),
    ([grid("deferred", response="451 4.7.1 Greylisted", attempt="2")], [{"kind": "deferral", "text": "451 4.7.1 Greylisted"}]),
    ([grid("dropped", reason="Bounced Address", status="5.0.0")], [{"kind": "suppression", "cause": "notice.suppressed", "suppress": False}]),
    ([grid("dropped", reason="Unsubscribed Address")], [{"kind": "suppression"}]),
    ([grid("dropped", reason="Spam Content (if Spam Checker app enabled)")], [{"kind": "bounce", "cause": ""}]),
    ([grid("spamreport", ip="198.51.100.7")], [{"kind": "complaint", "sending_ip": ""}]),
    ([grid("unsubscribe"), grid("group_unsubscribe", asm_group_id=3)], [{"kind": "unsubscribe"}, {"kind": "unsubscribe", "facts": {"id": "m1.filter01", "group": 3}}]),
    ([grid("processed"), grid("open"), grid("click"), grid("group_resubscribe")], []),
]


def gun(event, **fields):
    return {"signature": {"timestamp": str(TIME), "token": "t0k", "signature": "00"}, "event-data": {
        "id": "e1", "event": event, "timestamp": TIME + 0.5, "recipient": WHO, "recipient-domain": "rcpt.example", "message": {"headers": {"message-id": "a1@sender.example"}},
        "envelope": {"sender": "bounce@sender.example", "sending-ip": "203.0.113.9"}, "tags": ["spring"], **fields,
    }}


def old_gun(event, **fields):
    return urlencode({"event": event, "recipient": WHO, "domain": "sender.example", "timestamp": str(TIME), "token": "t0k", "signature": "00", "Message-Id": "<a1@sender.example>", **fields}).encode()


MAILGUN = [
    (gun("failed", severity="permanent", reason="bounce", **{"delivery-status": {"code": 550, "enhanced-code": "5.1.1", "message": UNKNOWN, "mx-host": "MX.rcpt.example", "attempt-no": 1}}), [{
        "kind": "bounce", "recipient": WHO, "time": TIME + 0.5, "text": UNKNOWN, "status": "5.1.1", "reply_code": 550, "remote_mta": "mx.rcpt.example", "message_id": "a1@sender.example",
        "envelope_sender": "bounce@sender.example", "sending_ip": "203.0.113.9", "campaign": "spring", "cause": "",
    }]),
    (gun("failed", severity="temporary", reason="generic", **{"delivery-status": {"code": 451, "message": "4.7.1 Greylisted"}}), [{"kind": "deferral", "reply_code": 451}]),
    (gun("failed", severity="permanent", reason="suppress-bounce", **{"delivery-status": {"code": 605, "message": "", "description": "Not delivering to previously bounced address"}}),
     [{"kind": "suppression", "reply_code": 0, "suppress": False, "text": "Not delivering to previously bounced address"}]),
    (gun("failed", severity="permanent", reason="old", **{"delivery-status": {"code": 602, "message": "Too old"}}), [{"kind": "bounce", "stage": "expired", "text": "Too old"}]),
    (gun("failed", severity="permanent", reason="bounce", **{"delivery-status": {}}), [{"cause": "unknown", "standing": "open", "suppress": False}]),
    (gun("delivered", **{"delivery-status": {"code": 250, "message": "OK"}}), [{"kind": "delivery", "reply_code": 250}]),
    (gun("complained"), [{"kind": "complaint"}]), (gun("unsubscribed"), [{"kind": "unsubscribe"}]),
    (gun("rejected", reject={"reason": "Sandbox subdomains are for test purposes only", "description": ""}), [{"kind": "bounce", "text": "Sandbox subdomains are for test purposes only"}]),
    (gun("accepted"), []), (gun("opened"), []), (gun("clicked"), []),
    ({"items": [gun("failed", severity="permanent", reason="bounce", **{"delivery-status": {"code": 550, "message": UNKNOWN}})["event-data"]], "paging": {}}, [{"kind": "bounce", "text": UNKNOWN}]),
    (old_gun("bounced", code="550", error="5.1.1 user unknown", tag="spring"), [{"kind": "bounce", "reply_code": 550, "text": "5.1.1 user unknown", "message_id": "a1@sender.example", "campaign": "spring"}]),
    (old_gun("dropped", reason="hardfail", code="605", description="Not delivering to previously bounced address"), [{"kind": "suppression"}]),
    (old_gun("dropped", reason="old", code="602", description="Too old"), [{"kind": "bounce", "stage": "expired"}]),
    (old_gun("complained"), [{"kind": "complaint"}]), (old_gun("unsubscribed"), [{"kind": "unsubscribe"}]), (old_gun("delivered"), [{"kind": "delivery"}]), (old_gun("opened"), []),
]


def mark(record, **fields):
    return {"RecordType": record, "MessageID": "00000000-0000-0000-0000-000000000001", "ServerID": 1, "MessageStream": "outbound", "Tag": "spring", **fields}


def mark_bounce(kind, **fields):
    return mark("Bounce", **{"ID": 42, "Type": kind, "TypeCode": 1, "Email": WHO, "From": "news@sender.example", "BouncedAt": "2026-11-02T10:00:00Z", "Inactive": True,
                             "Description": "The server was unable to deliver your message (ex: unknown user, mailbox not found).", "Details": "", **fields})


POSTMARK = [
    (mark_bounce("HardBounce", Details=f"smtp;{UNKNOWN}"), [{
        "kind": "bounce", "recipient": WHO, "time": TIME, "text": UNKNOWN, "status": "5.1.1", "reply_code": 550, "author_domain": "sender.example", "campaign": "spring", "cause": "",
    }]),
    (mark_bounce("HardBounce"), [{"cause": "unknown", "standing": "open", "suppress": False, "text": ""}]),
    (mark_bounce("BadEmailAddress"), [{"cause": "address.syntax"}]),
    (mark_bounce("SoftBounce"), [{"kind": "bounce", "cause": "unknown", "suppress": False}]),
    (mark_bounce("Transient", Details="smtp;451 4.3.0 try later"), [{"kind": "deferral", "text": "451 4.3.0 try later"}]),
    (mark_bounce("DnsError"), [{"kind": "deferral", "cause": "recipient.dns"}]),
    (mark_bounce("Blocked"), [{"kind": "bounce", "cause": "reputation.provider", "suppress": False}]),
    (mark_bounce("DMARCPolicy"), [{"cause": "auth.dmarc"}]),
    (mark_bounce("SpamNotification"), [{"cause": "content.spam", "standing": "likely"}]),
    (mark_bounce("AutoResponder"), [{"kind": "notice", "cause": "notice.autoreply"}]),
    (mark_bounce("AddressChange"), [{"kind": "notice", "cause": ""}]),
    (mark_bounce("SpamComplaint"), [{"kind": "complaint"}]),
    (mark_bounce("ManuallyDeactivated"), [{"kind": "suppression"}]),
    (mark_bounce("Unsubscribe"), [{"kind": "unsubscribe"}]),
    (mark("SpamComplaint", ID=43, Type="SpamComplaint", Email=WHO, BouncedAt="2026-11-02T10:00:00Z"), [{"kind": "complaint", "recipient": WHO}]),
    (mark("Delivery", Recipient=WHO, DeliveredAt="2026-11-02T10:00:00Z", Details="smtp;250 2.0.0 OK"), [{"kind": "delivery", "text": "250 2.0.0 OK"}]),
    (mark("SubscriptionChange", Recipient=WHO, ChangedAt="2026-11-02T10:00:00Z", SuppressSending=True, SuppressionReason="ManualSuppression", Origin="Recipient"), [{"kind": "unsubscribe"}]),
    (mark("SubscriptionChange", Recipient=WHO, ChangedAt="2026-11-02T10:00:00Z", SuppressSending=True, SuppressionReason="HardBounce", Origin="Recipient"), [{"kind": "notice"}]),
    (mark("Open"), []), (mark("Click"), []),
]


def spark(kind, group="message_event", **fields):
    return [{"msys": {group: {"type": kind, "event_id": f"ev-{kind}", "timestamp": str(TIME), "rcpt_to": WHO, "raw_rcpt_to": "Nobody@rcpt.example", "msg_from": "b@sender.example", "friendly_from": "news@sender.example",
                              "message_id": "m1", "transmission_id": "t1", "campaign_id": "spring", **fields}}}]


SPARKPOST = [
    (spark("bounce", bounce_class="10", error_code="550", raw_reason=UNKNOWN, reason="550 5.1.1 ...", sending_ip="203.0.113.9", ip_address="192.0.2.25"), [{
        "kind": "bounce", "recipient": "Nobody@rcpt.example", "time": TIME, "text": UNKNOWN, "reply_code": 550, "envelope_sender": "b@sender.example", "author_domain": "sender.example",
        "campaign": "spring", "sending_ip": "203.0.113.9", "remote_ip": "192.0.2.25", "native_id": "ev-bounce", "late": False, "cause": "",
    }]),
    (spark("bounce", bounce_class="10"), [{"cause": "address.unknown", "rule": "esp-sparkpost-class-10"}]),
    (spark("bounce", bounce_class="1"), [{"cause": "unknown", "standing": "open"}]),
    (spark("bounce", bounce_class="22"), [{"cause": "address.full", "suppress": False}]),
    (spark("bounce", bounce_class="30"), [{"cause": "unknown", "suppress": False}]),
    (spark("bounce", bounce_class="51"), [{"cause": "reputation.provider", "suppress": False}]),
    (spark("out_of_band", bounce_class="10", raw_reason=UNKNOWN), [{"kind": "bounce", "late": True}]),
    (spark("out_of_band", bounce_class="60", raw_reason="I am out of office"), [{"kind": "notice", "cause": "notice.autoreply"}]),
    (spark("delay", bounce_class="20", error_code="451", raw_reason="451 4.7.1 try later"), [{"kind": "deferral", "reply_code": 451}]),
    (spark("policy_rejection", bounce_class="25", error_code="550", raw_reason="550 5.7.1 recipient address suppressed due to customer policy"), [{"kind": "suppression"}]),
    (spark("generation_rejection", "gen_event", bounce_class="25", raw_reason="550 5.6.0 rejected"), [{"kind": "bounce"}]),
    (spark("delivery"), [{"kind": "delivery"}]),
    (spark("spam_complaint", fbtype="abuse"), [{"kind": "complaint"}]), (spark("spam_complaint", fbtype="not-spam"), [{"kind": "notice"}]),
    (spark("list_unsubscribe", "unsubscribe_event"), [{"kind": "unsubscribe"}]), (spark("link_unsubscribe", "unsubscribe_event"), [{"kind": "unsubscribe"}]),
    (spark("injection"), []), (spark("open", "track_event"), []), ([{"msys": {}}], []),
]


def jet(event, **fields):
    return {"event": event, "time": TIME, "MessageID": 99, "Message_GUID": "g-1", "email": WHO, "mj_campaign_id": 7, "customcampaign": "spring", "CustomID": "", "Payload": "", **fields}


MAILJET = [
    (jet("bounce", hard_bounce=True, blocked=False, error_related_to="recipient", error="user unknown", comment=UNKNOWN), [{
        "kind": "bounce", "recipient": WHO, "time": TIME, "text": UNKNOWN, "status": "5.1.1", "reply_code": 550, "campaign": "spring", "cause": "",
    }]),
    ([jet("bounce", hard_bounce=True, error="user unknown"), jet("sent", smtp_reply="250 OK", customcampaign="")],
     [{"cause": "address.unknown", "rule": "esp-mailjet-user-unknown"}, {"kind": "delivery", "text": "250 OK", "campaign": "7"}]),
    (jet("bounce", hard_bounce=False, error="user unknown"), [{"cause": "address.unknown", "standing": "likely", "suppress": False}]),
    (jet("bounce", hard_bounce=True, error="mailbox inactive"), [{"cause": "address.inactive"}]),
    (jet("bounce", hard_bounce=False, error="quota exceeded"), [{"cause": "address.full"}]),
    (jet("bounce", hard_bounce=True, error="policy issue"), [{"cause": "unknown", "standing": "open", "suppress": False}]),
    (jet("bounce", hard_bounce=True, error=""), [{"cause": "unknown", "suppress": False}]),
    (jet("blocked", error_related_to="mailjet", error="preblocked"), [{"kind": "suppression"}]),
    (jet("blocked", error_related_to="mailjet", error="duplicate in campaign"), [{"kind": "notice"}]),
    (jet("blocked", error_related_to="content", error="content blocked"), [{"kind": "bounce", "cause": "content.spam"}]),
    (jet("spam", source="JMRPP"), [{"kind": "complaint"}]), (jet("unsub", mj_list_id=1), [{"kind": "unsubscribe"}]), (jet("open"), []), (jet("click"), []),
]


def vo(event, **fields):
    return {"event": event, "email": WHO, "id": 7, "date": "2026-11-02 11:00:00", "ts": TIME + 3600, "message-id": "<a1@sender.example>", "ts_event": TIME, "ts_epoch": TIME * 1000,
            "subject": "x", "sending_ip": "203.0.113.9", "tags": ["spring"], "tag": "[\"spring\"]", **fields}


BREVO = [
    (vo("hard_bounce", reason=UNKNOWN), [{
        "kind": "bounce", "recipient": WHO, "time": TIME, "text": UNKNOWN, "message_id": "a1@sender.example", "campaign": "spring", "sending_ip": "203.0.113.9", "status": "5.1.1", "cause": "",
    }]),
    (vo("hardBounce", reason=""), [{"kind": "bounce", "cause": "unknown", "standing": "open", "suppress": False}]),
    (vo("soft bounce", reason="452 4.2.2 mailbox full"), [{"kind": "bounce", "text": "452 4.2.2 mailbox full"}]),
    (vo("soft_bounce"), [{"cause": "unknown", "suppress": False}]),
    (vo("deferred", reason="451 try later"), [{"kind": "deferral"}]), (vo("blocked", reason="blocked: contact is blacklisted"), [{"kind": "suppression"}]),
    (vo("invalid_email"), [{"cause": "address.syntax"}]), (vo("error", reason="Unable to resolve"), [{"kind": "bounce"}]),
    (vo("spam"), [{"kind": "complaint"}]), (vo("complaint"), [{"kind": "complaint"}]), (vo("unsubscribe"), [{"kind": "unsubscribe"}]), (vo("unsubscribed"), [{"kind": "unsubscribe"}]),
    (vo("delivered"), [{"kind": "delivery"}]), (vo("request"), []), (vo("uniqueOpened"), []), (vo("unique_proxy_open"), []), (vo("click"), []), (vo("list_addition"), []),
    ({"id": 1, "camp_id": 9, "email": WHO, "campaign name": "spring", "date_sent": "2026-11-02 10:00:00", "date_event": "2026-11-02 10:00:00", "event": "hard_bounce", "ts_sent": TIME - 60, "ts_event": TIME,
      "reason": UNKNOWN}, [{"kind": "bounce", "campaign": "spring", "time": TIME, "sent_at": TIME - 60, "text": UNKNOWN}]),
]


def drill(event, **fields):
    return {"event": event, "ts": TIME, "_id": "m1", "msg": {"_id": "m1", "ts": TIME - 5, "email": WHO, "sender": "news@sender.example", "tags": ["spring"], "state": "bounced", **fields}}


def mandrill_form(*entries):
    return urlencode({"mandrill_events": json.dumps(list(entries))}).encode()


MANDRILL = [
    (mandrill_form(drill("hard_bounce", bounce_description="bad_mailbox", bgtools_code=10, diag=f"smtp;{UNKNOWN}")), [{
        "kind": "bounce", "recipient": WHO, "time": TIME, "text": UNKNOWN, "author_domain": "sender.example", "campaign": "spring", "sent_at": TIME - 5, "status": "5.1.1", "cause": "",
    }]),
    ([drill("hard_bounce", bounce_description="bad_mailbox")], [{"cause": "address.unknown", "rule": "esp-mandrill-bad-mailbox"}]),
    ([drill("soft_bounce", bounce_description="bad_mailbox")], [{"cause": "unknown", "suppress": False}]),
    ([drill("hard_bounce", bounce_description="general")], [{"cause": "unknown", "standing": "open", "suppress": False}]),
    ([drill("soft_bounce", bounce_description="mailbox_full", diag="452 4.2.2 over quota")], [{"kind": "bounce", "text": "452 4.2.2 over quota"}]),
    ([drill("deferral", smtp_events=[{"ts": TIME, "type": "deferred", "diag": "451 4.3.5 Temporarily unavailable", "source_ip": "203.0.113.9", "destination_ip": "192.0.2.25", "size": 0}])],
     [{"kind": "deferral", "text": "451 4.3.5 Temporarily unavailable", "sending_ip": "203.0.113.9", "remote_ip": "192.0.2.25"}]),
    ([drill("send", smtp_events=[{"type": "sent", "diag": "250 OK"}])], [{"kind": "delivery"}]), ([drill("send", state="sent")], []), ([drill("delivered")], [{"kind": "delivery"}]),
    ([drill("spam")], [{"kind": "complaint"}]), ([drill("unsub")], [{"kind": "unsubscribe"}]), ([drill("reject", reject={"reason": "hard-bounce"}, state="rejected")], [{"kind": "suppression"}]),
    ([drill("reject", reject="unsigned", state="rejected")], [{"kind": "bounce", "cause": "sender.not_allowed"}]), ([drill("open")], []), ([drill("click")], []),
    ([{"type": "blacklist", "action": "add", "ts": TIME, "reject": {"email": WHO, "reason": "hard-bounce"}}], [{"kind": "notice", "recipient": WHO}]), (b"mandrill_events=%5B%5D", []),
]


def re_send(kind, **fields):
    return {"type": f"email.{kind}", "created_at": "2026-11-02T10:00:00.000Z", "data": {
        "email_id": "e-1", "created_at": "2026-11-02T09:59:58.000Z", "from": "News <news@sender.example>", "to": [WHO], "subject": "x", "broadcast_id": "b-1", "tags": {"category": "spring"}, **fields,
    }}


RESEND = [
    (re_send("bounced", bounce={"type": "Permanent", "subType": "General", "message": "The recipient's email provider sent a hard bounce message, but didn't specify the reason."}), [{
        "kind": "bounce", "recipient": WHO, "time": TIME, "sent_at": TIME - 2, "cause": "unknown", "standing": "open", "suppress": False, "text": "", "author_domain": "sender.example", "campaign": "b-1",
    }]),
    (re_send("bounced", bounce={"type": "Permanent", "subType": "General", "message": "m", "diagnosticCode": [f"smtp; {UNKNOWN}"]}), [{"text": UNKNOWN, "status": "5.1.1", "cause": ""}]),
    (re_send("bounced", bounce={"type": "Permanent", "subType": "NoEmail", "message": "m"}), [{"cause": "address.unknown"}]),
    (re_send("bounced", to=[WHO, "two@rcpt.example"], bounce={"type": "Permanent", "subType": "NoEmail", "message": "m"}), [{"recipient": "", "suppress": False}]),
    (re_send("bounced", cc=["two@rcpt.example"], bounce={"type": "Permanent", "subType": "NoEmail"}), [{"recipient": "", "suppress": False}]),
    (re_send("bounced", bounce={"type": "Permanent", "subType": "Suppressed", "message": "on the suppression list"}), [{"kind": "suppression"}]),
    (re_send("bounced", bounce={"type": "Transient", "subType": "MailboxFull", "message": "m"}), [{"cause": "address.full", "suppress": False}]),
    (re_send("failed", failed={"reason": "reached_daily_quota"}), [{"kind": "bounce", "cause": "volume.own_quota"}]),
    (re_send("suppressed", suppressed={"message": "m", "type": "OnAccountSuppressionList"}), [{"kind": "suppression"}]),
    (re_send("delivered"), [{"kind": "delivery"}]), (re_send("delivery_delayed"), [{"kind": "deferral"}]), (re_send("complained"), [{"kind": "complaint"}]),
    (re_send("sent"), []), (re_send("opened"), []), (re_send("clicked"), []), (re_send("scheduled"), []),
    ({"type": "contact.updated", "created_at": "2026-11-02T10:00:00Z", "data": {"id": "c", "email": WHO, "unsubscribed": True}}, [{"kind": "unsubscribe", "recipient": WHO}]),
    ({"type": "contact.updated", "created_at": "2026-11-02T10:00:00Z", "data": {"id": "c", "email": WHO, "unsubscribed": False}}, []),
]


def mailer(kind, morph=None, **fields):
    return {"type": f"activity.{kind}", "domain_id": "d", "created_at": "2026-11-02T10:00:00.000000Z", "webhook_id": "w", "url": "https://sender.example/", "data": {
        "object": "activity", "id": f"ev-{kind}", "type": kind, "created_at": "2026-11-02T10:00:00.000000Z", "email": {
            "object": "email", "id": "e", "created_at": "2026-11-02T09:59:58.000000Z", "from": "news@sender.example", "subject": "x", "status": "rejected", "tags": ["spring"],
            "message": {"object": "message", "id": "m1"}, "recipient": {"object": "recipient", "id": "r", "email": WHO},
        }, "morph": morph, "template_id": "", **fields,
    }}


def mailer2(kind, **meta):
    return {"type": f"activity.{kind}", "domain_id": "d", "created_at": "2026-11-02T10:00:00.000000Z", "webhook_id": "w", "data": {
        "id": f"ev-{kind}", "type": kind, "message_id": "m1", "recipient": WHO, "from": "news@sender.example", "tags": ["spring"], "meta": meta or [],
    }}


MAILERSEND = [
    (mailer("hard_bounced", {"object": "recipient_bounce", "reason": UNKNOWN, "readable_reason": "The address does not exist."}), [{
        "kind": "bounce", "recipient": WHO, "time": TIME, "text": UNKNOWN, "author_domain": "sender.example", "campaign": "spring", "native_id": "ev-hard_bounced", "cause": "",
    }]),
    (mailer("hard_bounced", {"object": "recipient_bounce", "reason": "Unknown reason", "readable_reason": "The address does not exist."}), [{"cause": "unknown", "standing": "open", "suppress": False}]),
    (mailer2("hard_bounced", bounce_reason=UNKNOWN, bounce_code=550), [{"kind": "bounce", "recipient": WHO, "text": UNKNOWN, "reply_code": 550, "time": TIME, "campaign": "spring"}]),
    (mailer2("soft_bounced"), [{"kind": "bounce", "cause": "unknown", "suppress": False}]), (mailer2("suppressed", suppression_reason="hard bounced"), [{"kind": "suppression"}]),
    (mailer("delivered"), [{"kind": "delivery"}]), (mailer2("deferred"), [{"kind": "deferral"}]), (mailer("spam_complaint"), [{"kind": "complaint"}]),
    (mailer2("spam_complaints"), [{"kind": "complaint"}]), (mailer("unsubscribed", {"object": "recipient_unsubscribe"}), [{"kind": "unsubscribe"}]),
    (mailer("sent"), []), (mailer("opened_unique"), []), ({"type": "webhook.test", "domain_id": "d", "webhook_id": "w", "data": {}}, []),
]


def trap(event, **fields):
    return {"event": event, "event_id": f"ev-{event}", "message_id": "m1", "email": WHO, "timestamp": TIME, "sending_stream": "transactional", "category": "spring", **fields}


MAILTRAP = [
    ({"events": [trap("bounce", response=UNKNOWN, response_code=550, bounce_category="badmailbox"), trap("delivery")]}, [
        {"kind": "bounce", "recipient": WHO, "time": TIME, "text": UNKNOWN, "reply_code": 550, "campaign": "spring", "native_id": "ev-bounce", "cause": ""}, {"kind": "delivery"}]),
    (trap("soft bounce", response="451 try later", response_code=451), [{"kind": "deferral"}]), (trap("bounce", bounce_category="badmailbox"), [{"cause": "unknown", "suppress": False}]),
    (trap("reject", reason="Recipient in suppression list. Reason: hard bounce"), [{"kind": "suppression"}]), (trap("reject", reason="The sending domain is not verified"), [{"kind": "bounce"}]),
    (trap("suspension", reason=""), [{"kind": "deferral"}]), (trap("spam"), [{"kind": "complaint"}]), (trap("unsubscribe"), [{"kind": "unsubscribe"}]),
    ({"events": [trap("open"), trap("click")]}, []), (f"{json.dumps(trap('bounce'))}\n{json.dumps(trap('spam'))}\n".encode(), [{"kind": "bounce"}, {"kind": "complaint"}]),
]


def zepto(event, detail=None, to=(WHO,), **fields):
    return {"event_name": [event], "event_message": [{
        "email_info": {"client_reference": "c", "email_reference": "r.1", "bounce_address": "b@bounce.sender.example", "from": {"address": "news@sender.example", "name": "N"}, "subject": "x",
                       "to": [{"email_address": {"address": one, "name": ""}} for one in to], "processed_time": "2026-11-02T09:59:58Z"},
        "event_data": [{"object": event, "details": [detail] if detail is not None else []}], "request_id": "q1",
    }], "mailagent_key": "k", "webhook_request_id": "w1", **fields}


ZEPTOMAIL = [
    (zepto("hardbounce", {"reason": "User unknown", "bounced_recipient": WHO, "diagnostic_message": f"smtp; {UNKNOWN}", "time": "2026-11-02T10:00:00Z"}, to=("two@rcpt.example", WHO)), [{
        "kind": "bounce", "recipient": WHO, "time": TIME, "text": UNKNOWN, "envelope_sender": "b@bounce.sender.example", "author_domain": "sender.example", "sent_at": TIME - 2, "cause": "",
    }]),
    (urlencode({"data": json.dumps(zepto("softbounce", {"bounced_recipient": WHO}))}).encode(), [{"kind": "bounce", "cause": "unknown", "suppress": False}]),
    (zepto("hardbounce", {"reason": "x"}, to=("two@rcpt.example", WHO)), [{"recipient": "", "suppress": False}]), (zepto("hardbounce", {"reason": "x"}), [{"recipient": WHO}]),
    ({**zepto("hardbounce", {"reason": "x"}), "event_name": "hardbounce"}, [{"kind": "bounce", "recipient": WHO}]),
    (zepto("delivered", {"time": "2026-11-02T10:00:00Z"}), [{"kind": "delivery"}]), (zepto("feedback_loop", {}), [{"kind": "complaint"}]), (zepto("email_open"), []), (zepto("email_link_click"), []),
]


def azure(status, details="", **fields):
    return [{"id": f"ev-{status}", "topic": "/subscriptions/0/resourceGroups/g/providers/microsoft.communication/communicationservices/c", "subject": "sender/news@sender.example/message/m1", "data": {
        "sender": "news@sender.example", "recipient": WHO, "messageId": "m1", "internetMessageId": "<a1@sender.example>", "status": status,
        "deliveryStatusDetails": {"statusMessage": details, "recipientMailServerHostName": "mx.rcpt.example"}, "deliveryAttemptTimeStamp": "2026-11-02T10:00:00.2855749+00:00",
    }, "eventType": "Microsoft.Communication.EmailDeliveryReportReceived", "dataVersion": "1.0", "metadataVersion": "1", "eventTime": "2026-11-02T10:00:01Z", **fields}]


def cloud(entry):
    return {"specversion": "1.0", "type": entry["eventType"], "source": entry["topic"], "id": entry["id"], "time": entry["eventTime"], "data": entry["data"]}


AZURE = [
    (azure("Bounced", UNKNOWN), [{
        "kind": "bounce", "recipient": WHO, "time": TIME + 0.285574, "text": UNKNOWN, "author_domain": "sender.example", "message_id": "a1@sender.example", "remote_mta": "mx.rcpt.example",
        "native_id": "ev-Bounced", "status": "5.1.1", "cause": "",
    }]),
    (cloud(azure("Bounced", UNKNOWN)[0]), [{"kind": "bounce", "text": UNKNOWN}]), (azure("Bounced"), [{"cause": "unknown", "standing": "open", "suppress": False}]),
    (azure("Delivered", "250 OK"), [{"kind": "delivery"}]), (azure("Suppressed"), [{"kind": "suppression"}]), (azure("Failed", "Mailbox quota exceeded"), [{"kind": "bounce", "text": "Mailbox quota exceeded"}]),
    (azure("FilteredSpam"), [{"cause": "content.spam", "standing": "likely"}]), (azure("Quarantined"), [{"kind": "bounce", "cause": "content.spam"}]), (azure("Expanded"), [{"kind": "notice"}]),
    (azure("x", eventType="Microsoft.Communication.EmailEngagementTrackingReportReceived"), []),
]


def post_al(event, status="", **fields):
    mail = {"id": 12345, "token": "abc", "direction": "outgoing", "message_id": "a1@sender.example", "to": WHO, "from": "news@sender.example", "subject": "x", "timestamp": TIME - 2.5, "spam_status": "NotSpam", "tag": "spring"}
    payload = {"status": status, "details": "An SMTP error occurred while sending to mx.rcpt.example (192.0.2.25) (from 203.0.113.9)", "output": "", "time": 0.22, "sent_with_ssl": True, "timestamp": TIME, "message": mail, **fields}
    if event == "MessageBounced":
        payload = {"original_message": mail, "bounce": {**mail, "id": 12347, "direction": "incoming", "to": "abc@psrp.sender.example", "from": "mailer-daemon@rcpt.example", "subject": "Undelivered"}, **fields}
    return {"event": event, "timestamp": TIME + 0.5, "payload": payload, "uuid": f"uuid-{event}"}


POSTAL = [
    (post_al("MessageDeliveryFailed", "HardFail", output=UNKNOWN), [{
        "kind": "bounce", "recipient": WHO, "time": TIME + 0.5, "text": UNKNOWN, "message_id": "a1@sender.example", "remote_mta": "mx.rcpt.example", "remote_ip": "192.0.2.25", "sending_ip": "203.0.113.9",
        "native_id": "uuid-MessageDeliveryFailed", "campaign": "spring", "sent_at": TIME - 2.5, "author_domain": "sender.example", "late": False, "cause": "",
    }]),
    (post_al("MessageDeliveryFailed", "HardFail", details=""), [{"cause": "unknown", "suppress": False}]),
    (post_al("MessageDelayed", "SoftFail", output="451 4.7.1 try later"), [{"kind": "deferral"}]), (post_al("MessageSent", "Sent", output="250 2.0.0 OK"), [{"kind": "delivery"}]),
    (post_al("MessageHeld", "Held", details="Recipient (nobody@rcpt.example) is on the suppression list"), [{"kind": "suppression"}]), (post_al("MessageHeld", "Held", details="Held: sandbox"), [{"kind": "notice"}]),
    (post_al("MessageBounced"), [{"kind": "bounce", "late": True, "recipient": WHO, "cause": "unknown", "standing": "open", "suppress": False}]),
    (post_al("MessageDeliveryFailed", "HardFail", output=UNKNOWN)["payload"], [{"kind": "bounce", "text": UNKNOWN, "time": TIME}]), (post_al("MessageLoaded"), []), (post_al("MessageLinkClicked"), []),
]


def two_go(event, **fields):
    return {"event": event, "email_id": "1abc-2", "rcpt": WHO, "sender": "bounce@sender.example", "from": "news@sender.example", "time": "2026-11-02T10:00:00Z", "sendtime": "2026-11-02T09:59:58Z",
            "srchost": "198.51.100.7", "subject": "x", "message-id": "<a1@sender.example>", "host": "mx.rcpt.example [192.0.2.25]", **fields}


SMTP2GO = [
    (two_go("bounce", bounce="hard", message=UNKNOWN, context="RCPT TO:<nobody@rcpt.example>"), [{
        "kind": "bounce", "recipient": WHO, "time": TIME, "text": UNKNOWN, "message_id": "a1@sender.example", "remote_mta": "mx.rcpt.example", "remote_ip": "192.0.2.25", "sent_at": TIME - 2,
        "envelope_sender": "bounce@sender.example", "cause": "",
    }]),
    (urlencode(two_go("bounce", bounce="hard", message=UNKNOWN)).encode(), [{"kind": "bounce", "text": UNKNOWN}]), (two_go("bounce", bounce="hard"), [{"cause": "unknown", "suppress": False}]),
    (two_go("reject", message="The recipient is on the suppression list"), [{"kind": "suppression"}]), (two_go("reject"), [{"kind": "bounce", "cause": "unknown"}]), (two_go("spam"), [{"kind": "complaint"}]), (two_go("unsubscribe"), [{"kind": "unsubscribe"}]), (two_go("delivered"), [{"kind": "delivery"}]), (two_go("open"), []),
]

SAMPLES = {
    "ses": SES, "sendgrid": SENDGRID, "mailgun": MAILGUN, "postmark": POSTMARK, "sparkpost": SPARKPOST, "mailjet": MAILJET, "brevo": BREVO, "mandrill": MANDRILL, "resend": RESEND,
    "mailersend": MAILERSEND, "mailtrap": MAILTRAP, "zeptomail": ZEPTOMAIL, "azure": AZURE, "postal": POSTAL, "smtp2go": SMTP2GO,
}


def content(payload):
    """The bytes of a payload."""
    return payload if isinstance(payload, bytes) else json.dumps(payload).encode()
