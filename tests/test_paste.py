"""Pasted text: replies, events, error dialogs, and what holds nothing of a bounce."""
import pytest

import fivefifty
from fivefifty.parse import parse

SES = ('{"notificationType":"Bounce","bounce":{"bounceType":"Permanent","bouncedRecipients":[{"emailAddress":"u@example.net","action":"failed","status":"5.1.1","diagnosticCode":"smtp; 550 5.1.1 user unknown"}]},'
       '"mail":{"source":"a@example.org","destination":["u@example.net"]}}')
TEXTS = {
    "reply": ("550 5.1.1 <u@example.net>: Recipient address rejected: User unknown", {"final_recipient": "u@example.net", "reply_code": 550, "status": "5.1.1"}),
    "reply about the sender": ("554 5.1.8 <a@example.org>: Sender address rejected: Domain not found", {"final_recipient": "", "envelope_sender": "a@example.org", "reply_code": 554}),
    "several lines": ("550-5.1.1 The account does not exist.\n550 5.1.1 Try again", {"reply_code": 550, "status": "5.1.1"}),
    "quoted": ('"550 5.1.1 no such user"', {"reply_code": 550, "status": "5.1.1"}),
    "fields": ("Final-Recipient: rfc822; u@example.net\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 unknown", {"final_recipient": "u@example.net", "action": "failed", "reply_code": 550}),
    "fields, quoted": ("> Final-Recipient: rfc822; u@example.net\n> Action: failed\n> Status: 5.1.1", {"final_recipient": "u@example.net", "status": "5.1.1"}),
    "ses": (SES, {"final_recipient": "u@example.net", "reply_code": 550, "status": "5.1.1", "envelope_sender": "a@example.org"}),
    "sns": ('{"Type":"Notification","Message":' + __import__("json").dumps(SES) + "}", {"final_recipient": "u@example.net", "reply_code": 550}),
    "mailgun": ('{"event-data":{"event":"failed","severity":"permanent","recipient":"u@example.net","delivery-status":{"code":550,"message":"5.1.1 does not exist","mx-host":"mx1.example.net"},"envelope":{"sender":"a@example.org","sending-ip":"198.51.100.9"}}}',
                {"final_recipient": "u@example.net", "reply_code": 550, "status": "5.1.1", "remote_mta": "mx1.example.net", "sending_ip": "198.51.100.9"}),
    "postmark": ('{"RecordType":"Bounce","Type":"HardBounce","Details":"smtp;550 5.1.1 user unknown","Email":"u@example.net","From":"a@example.org"}', {"final_recipient": "u@example.net", "reply_code": 550}),
    "sparkpost": ('{"msys":{"message_event":{"type":"bounce","rcpt_to":"u@example.net","raw_reason":"550 5.1.1 unknown","error_code":"550","sending_ip":"198.51.100.4"}}}', {"final_recipient": "u@example.net", "reply_code": 550, "sending_ip": "198.51.100.4"}),
    "a piece of json": ('"event":"bounce","reason":"550 5.1.1 user unknown","type":"blocked"', {"reply_code": 550, "status": "5.1.1"}),
    "smtplib sender": ("smtplib.SMTPSenderRefused: (530, b'5.7.0 Must issue a STARTTLS command first', 'a@example.org')", {"envelope_sender": "a@example.org", "reply_code": 530, "phase": "mail"}),
    "nodemailer": ("Error: Can't send mail - all recipients were rejected: 550 5.1.1 unknown\n  code: 'EENVELOPE',\n  response: '550 5.1.1 unknown',\n  responseCode: 550,\n  command: 'RCPT TO',\n  rejected: [ 'u@example.net' ],",
                   {"final_recipient": "u@example.net", "reply_code": 550, "phase": "rcpt"}),
    "outlook express": ("One of the recipients was rejected by the server. The rejected e-mail address was 'u@example.net'. Subject 'x', Server: 'smtp.example.com', Protocol: SMTP, Server Response: '550 5.7.1 Relaying denied', Port: 25, Server Error: 550, Error Number: 0x800CCC79",
                        {"final_recipient": "u@example.net", "reply_code": 550, "status": "5.7.1", "remote_mta": "smtp.example.com"}),
    "french dialog": ("Erreur de serveur : 550\nRéponse du serveur : 550 5.1.0 Emetteur invalide.\nServeur : 'smtp.example.com'", {"reply_code": 550, "status": "5.1.0", "remote_mta": "smtp.example.com"}),
    "thunderbird": ('An error occurred while sending mail. The mail server responded:\n5.1.1 User unknown.\n Please check the message recipient "u@example.net" and try again.', {"final_recipient": "u@example.net", "status": "5.1.1"}),
    "dotnet": ("System.Net.Mail.SmtpFailedRecipientException: Mailbox unavailable. The server response was: 5.1.1 <u@example.net>... User unknown", {"final_recipient": "u@example.net", "status": "5.1.1"}),
    "java": ("com.sun.mail.smtp.SMTPAddressFailedException: 550 5.1.1 <u@example.net>: unknown", {"final_recipient": "u@example.net", "reply_code": 550}),
}


@pytest.mark.parametrize("name", TEXTS)
def test_text(name):
    text, wanted = TEXTS[name]
    failure, = parse(text)
    assert {field: getattr(failure, field) for field in wanted} == wanted


def test_several_recipients():
    found = parse("{'u@example.net': (550, b'5.1.1 unknown'), 'v@example.net': (450, b'4.2.0 Greylisted')}")
    assert [(one.final_recipient, one.reply_code, one.status) for one in found] == [("u@example.net", 550, "5.1.1"), ("v@example.net", 450, "4.2.0")]
    found = parse("SMTP Error: The following recipients failed: u@example.net: 5.1.1 User unknown, v@example.net: mailbox full")
    assert [(one.final_recipient, one.diagnostic_code) for one in found] == [("u@example.net", "5.1.1 User unknown"), ("v@example.net", "mailbox full")]


def test_events_that_are_no_failures():
    complaint, = parse('{"notificationType":"Complaint","complaint":{"complainedRecipients":[{"emailAddress":"u@example.net"}],"complaintFeedbackType":"abuse"},"mail":{"source":"a@example.org"}}')
    delivered, = parse('[{"email":"v@example.net","event":"delivered","response":"250 OK"}]')
    assert (complaint.notice, delivered.notice) == ("notice.complaint", "notice.success")


@pytest.mark.parametrize("text", [
    "", " \n ", "The quick brown fox jumps over the lazy dog. See you on Monday!", "milk\neggs (12)\nbread 500 g\n2 x butter", "def foo(x):\n    return {'a': 1, 'b': [250, 550]}\n",
    '{"name":"x","email":"u@example.net","age":5}', '{"name":"x","type":"error","message":"it could not load the file","code":404}', "SELECT * FROM users WHERE status = 'open' => x", "a { color: red; } /* x -> 500px */",
    "[" * 5000, "{" * 5000 + '"', "(550, b'" * 2000,
])
def test_nothing_of_a_bounce(text):
    assert fivefifty.diagnose(text) == []
