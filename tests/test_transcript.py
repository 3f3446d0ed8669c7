"""Dialogues as programs show them: who refused what, and which refusals only follow from others."""
import pytest

from fivefifty.parse.transcript import read_transcript

BODY = [("S", "220 mx1.example.net ESMTP"), ("C", "EHLO out.example.org"), ("S", "250-mx1.example.net Hello out.example.org [198.51.100.9]"), ("S", "250 8BITMIME"), ("C", "MAIL FROM:<a@example.org>"),
        ("S", "250 2.1.0 Ok"), ("C", "RCPT TO:<user@example.net>"), ("S", "550 5.1.1 No such user"), ("C", "QUIT"), ("S", "221 Bye")]
MARKS = {
    "swaks": {"S": "<-  ", "C": " -> "}, "swaks over TLS": {"S": "<~  ", "C": " ~> "}, "letters": {"S": "S: ", "C": "C: "}, "postfix": {"S": " Out: ", "C": " In:  "}, "exim": {"S": "  SMTP<< ", "C": "  SMTP>> "},
    "sendmail": {"S": "<<< ", "C": ">>> "}, "arrows": {"S": "<-- ", "C": "--> "}, "curl": {"S": "< ", "C": "> "}, "mutt": {"S": "5< ", "C": "5> "}, "telnet": {"S": "", "C": ""},
    "phpmailer": {"S": "2024-01-01 10:00:00 SERVER -> CLIENT: ", "C": "2024-01-01 10:00:00 CLIENT -> SERVER: "}, "thunderbird": {"S": "SMTP Response: ", "C": "SMTP Send: "},
    "exchange": {"S": "2024-01-01T00:00:00.000Z,Out,08DC,3,192.0.2.9:1,192.0.2.1:25,<,", "C": "2024-01-01T00:00:00.000Z,Out,08DC,3,192.0.2.9:1,192.0.2.1:25,>,"},
    "nodemailer": {"S": "[2024-01-01 10:00:00] DEBUG [x1] S: ", "C": "[2024-01-01 10:00:00] DEBUG [x1] C: "},
}


def dialogue(pairs, marks):
    return "\n".join(marks[side] + words for side, words in pairs)


@pytest.mark.parametrize("program", MARKS)
def test_marks(program):
    failure, = read_transcript(dialogue(BODY, MARKS[program]))
    assert (failure.final_recipient, failure.reply_code, failure.status, failure.phase) == ("user@example.net", 550, "5.1.1", "rcpt")
    assert (failure.remote_mta, failure.envelope_sender, failure.helo_name, failure.sending_ip) == ("mx1.example.net", "a@example.org", "out.example.org", "198.51.100.9")


def test_several_recipients_and_what_follows_from_them():
    found = read_transcript("C: MAIL FROM:<a@example.org>\nS: 250 ok\nC: RCPT TO:<x@example.net>\nS: 450 4.7.1 Greylisted\nC: RCPT TO:<y@example.net>\nS: 550 no such user\nC: DATA\nS: 554 5.5.1 Error: no valid recipients")
    assert [(one.final_recipient, one.reply_code) for one in found] == [("x@example.net", 450), ("y@example.net", 550)]


def test_end_of_data():
    found = read_transcript("C: MAIL FROM:<a@example.org>\nS: 250 ok\nC: RCPT TO:<x@example.net>\nS: 250 ok\nC: DATA\nS: 354 go ahead\nC: .\nS: 554-5.7.1 rejected\nS: 554 5.7.1 as spam")
    assert [(one.final_recipient, one.phase, one.diagnostic_code) for one in found] == [("x@example.net", "end-of-data", "554-5.7.1 rejected 554 5.7.1 as spam")]


def test_lmtp_answers_for_each_recipient():
    found = read_transcript("LHLO a.example.org\n250 b\nMAIL FROM:<a@example.org>\n250 ok\nRCPT TO:<x@example.net>\n250 ok\nRCPT TO:<y@example.net>\n250 ok\nDATA\n354 go\n.\n250 ok\n452 4.2.2 over quota")
    assert [(one.final_recipient, one.reply_code) for one in found] == [("y@example.net", 452)]


@pytest.mark.parametrize(("text", "phase", "code"), [
    ("<-  554 mx.example.net not accepting mail\n -> QUIT\n<-  221 bye", "connect", 554),
    ("C: EHLO a.example.org\nS: 250 ok\nC: MAIL FROM:<a@example.org>\nS: 553 5.1.8 bad sender\nC: RCPT TO:<u@example.net>\nS: 503 5.5.1 need MAIL", "mail", 553),
    ("C: EHLO a.example.org\nS: 250 ok\nC: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nS: 535 5.7.8 authentication failed", "auth", 535),
    ("C: EHLO a\nS: 500 what?\nC: HELO a\nS: 250 ok\nC: STARTTLS\nS: 454 4.7.0 TLS not available", "starttls", 454),
])
def test_phases(text, phase, code):
    failure = read_transcript(text)[0]
    assert (failure.phase, failure.reply_code) == (phase, code)


def test_folded_postfix_notice():
    failure, = read_transcript(" Out: 220 mx.example.net ESMTP\n In:  MAIL\n     FROM:<a@example.org>\n     SIZE=20088\n Out: 250 2.1.0 Ok\n In:  RCPT TO:<u@example.net>\n Out: 250 Ok\n In:  DATA\n Out: 354 End\n Out: 451 4.3.0 Error: queue file write error")
    assert (failure.envelope_sender, failure.final_recipient, failure.reply_code, failure.phase) == ("a@example.org", "u@example.net", 451, "end-of-data")


@pytest.mark.parametrize("text", ["", "I asked them to RCPT TO the thing. 220 people came.\n< 5 people\nDATA", "C: EHLO a\nS: 250 ok\nC: QUIT\nS: 221 bye", "S: section\nC: clause"])
def test_nothing_refused(text):
    assert read_transcript(text) == []
