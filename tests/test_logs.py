"""Lines of mail logs: recipient, outcome, words, and what other lines of the same message add."""
import pytest

from fivefifty.parse.logs import lines_of, logs, read_log

PF = "Oct 10 10:00:00 mail postfix/"
LINES = {
    "postfix bounced": (PF + "smtp[1]: 4D49910ABC: to=<user@example.net>, orig_to=<alias@example.org>, relay=mx1.example.net[192.0.2.25]:25, delay=2.9, dsn=5.1.1, status=bounced (host mx1.example.net[192.0.2.25] said: 550 5.1.1 unknown (in reply to RCPT TO command))",
                        {"final_recipient": "user@example.net", "original_recipient": "alias@example.org", "reply_code": 550, "status": "5.1.1", "phase": "rcpt", "remote_mta": "mx1.example.net", "remote_ip": "192.0.2.25", "reporting_mta": "mail", "action": "failed"}),
    "postfix folded": (PF + "smtp[1]: 4D49910ABC: to=<user@example.net>,\n    relay=none, dsn=4.4.1, status=deferred\n    (connect to mx1.example.net[192.0.2.25]:25:\n    Connection timed out)",
                       {"final_recipient": "user@example.net", "status": "4.4.1", "phase": "connect", "remote_mta": "mx1.example.net", "stage": "delayed"}),
    "postfix reject": ("2024-01-01T10:00:00.1+00:00 mx postfix/smtpd[9]: NOQUEUE: reject: RCPT from unknown[198.51.100.7]: 554 5.7.1 Client host [198.51.100.7] blocked using zen.spamhaus.org; from=<a@example.org> to=<u@example.net> proto=ESMTP helo=<mail.example.org>",
                       {"final_recipient": "u@example.net", "envelope_sender": "a@example.org", "helo_name": "mail.example.org", "sending_ip": "198.51.100.7", "phase": "rcpt", "reply_code": 554}),
    "postfix milter": (PF + "cleanup[9]: 4D49910ABC: milter-reject: END-OF-MESSAGE from out.example.org[198.51.100.7]: 5.7.1 Spam; from=<a@example.org> to=<u@example.net> proto=ESMTP helo=<out.example.org>",
                       {"final_recipient": "u@example.net", "phase": "end-of-data", "status": "5.7.1", "reply_code": 0}),
    "postfix header": (PF + "cleanup[9]: 4D49910ABC: reject: header Subject: buy from out.example.org[198.51.100.7]; from=<a@example.org> to=<u@example.net> proto=ESMTP helo=<out.example.org>: 5.7.1 content rejected",
                       {"final_recipient": "u@example.net", "status": "5.7.1", "diagnostic_code": "5.7.1 content rejected"}),
    "exim failed": ("2024-01-01 10:00:00 1rAbCd-0001Ef-2G ** user@example.net <alias@example.org> F=<a@example.org> R=dnslookup T=remote_smtp H=mx1.example.net [192.0.2.25] X=TLS1.3:TLS_AES:256 CV=yes: SMTP error from remote mail server after RCPT TO:<user@example.net>: 550 5.1.1 unknown",
                    {"final_recipient": "user@example.net", "original_recipient": "alias@example.org", "envelope_sender": "a@example.org", "reply_code": 550, "phase": "rcpt", "remote_mta": "mx1.example.net", "remote_ip": "192.0.2.25"}),
    "exim deferred": ("2024-01-01 10:00:00 1rAbCd-0001Ef-2G == user@example.net R=dnslookup T=remote_smtp defer (-44) H=mx1.example.net [192.0.2.25]: SMTP error from remote mail server after RCPT TO:<user@example.net>: 451 4.7.1 Greylisted",
                      {"reply_code": 451, "stage": "delayed", "remote_ip": "192.0.2.25"}),
    "exim unrouteable": ("2024-01-01 10:00:00 1rAbCd-0001Ef-2G ** user@example.com: Unrouteable address", {"final_recipient": "user@example.com", "diagnostic_code": "Unrouteable address"}),
    "exim rejected": ("2024-01-01 10:00:00 H=out.example.org (helo.example.org) [198.51.100.4] F=<a@example.org> rejected RCPT <u@example.net>: Sender verify failed",
                      {"final_recipient": "u@example.net", "envelope_sender": "a@example.org", "helo_name": "helo.example.org", "sending_ip": "198.51.100.4", "phase": "rcpt"}),
    "sendmail": ("Oct 10 10:00:00 mail sendmail[1]: 39ILkdR6183564: to=<user@example.net>, delay=00:00:09, mailer=esmtp, relay=mx1.example.net. [192.0.2.25], dsn=5.1.1, stat=User unknown",
                 {"final_recipient": "user@example.net", "status": "5.1.1", "remote_mta": "mx1.example.net", "remote_ip": "192.0.2.25"}),
    "sendmail refused": ("Oct 10 10:00:00 mail sm-mta[1]: 39ILkdR6183564: ruleset=check_rcpt, arg1=<u@example.net>, relay=out.example.org [198.51.100.4], reject=550 5.7.1 Relaying denied",
                         {"final_recipient": "u@example.net", "sending_ip": "198.51.100.4", "phase": "rcpt", "reply_code": 550}),
    "opensmtpd": ('smtpd[1]: 2c93 mta delivery evpid=ab01 from=<a@example.org> to=<u@example.net> rcpt=<-> source="198.51.100.3" relay="192.0.2.1 (mx1.example.net)" delay=1s result="PermFail" stat="550 5.1.1 unknown"',
                  {"final_recipient": "u@example.net", "envelope_sender": "a@example.org", "remote_mta": "mx1.example.net", "remote_ip": "192.0.2.1", "reply_code": 550}),
    "opensmtpd refused": ('smtpd[1]: 2c93 smtp failed-command command="RCPT TO:<u@example.net>" result="550 Invalid recipient"', {"final_recipient": "u@example.net", "phase": "rcpt", "reply_code": 550}),
    "exchange": ("2024-01-01T10:00:00.000Z,,,,SRV,,,SMTP,FAIL,1,<m@example.org>,guid,user@example.net,550 5.1.1 unknown,900,1,,,Subject,a@example.org,a@example.org",
                 {"final_recipient": "user@example.net", "message_id": "m@example.org", "envelope_sender": "a@example.org", "reply_code": 550}),
    "powershell": ("EventId         : FAIL\nSender          : a@example.org\nRecipients      : {user@example.net}\nRecipientStatus : {550 5.1.1 not found}\nMessageSubject  : x", {"final_recipient": "user@example.net", "envelope_sender": "a@example.org", "status": "5.1.1"}),
    "haraka": ('[NOTICE] [0A1B2C3D-1111-2222-3333-444455556666] [core] disconnect ip=198.51.100.3 helo=out.example.org rcpts=0/0/1 lr="550 No mailbox <u@example.net>" time=1', {"final_recipient": "u@example.net", "sending_ip": "198.51.100.3", "reply_code": 550}),
}


@pytest.mark.parametrize("name", LINES)
def test_line(name):
    text, wanted = LINES[name]
    failure, = read_log(text)
    assert {field: getattr(failure, field) for field in wanted} == wanted


def test_lines_of_a_message_complete_each_other():
    found = read_log("\n".join((
        PF + "cleanup[1]: 4D49910ABC: message-id=<m1@example.org>", PF + "qmgr[1]: 4D49910ABC: from=<a@example.org>, size=900, nrcpt=2 (queue active)",
        PF + "smtp[1]: 4D49910ABC: to=<x@example.net>, relay=none, dsn=4.4.1, status=deferred (connect to mx.example.net[192.0.2.1]:25: Connection refused)",
        PF + "smtp[1]: 4D49910ABC: to=<x@example.net>, relay=mx.example.net[192.0.2.1]:25, dsn=5.1.1, status=bounced (host mx.example.net[192.0.2.1] said: 550 5.1.1 unknown (in reply to RCPT TO command))",
        PF + "smtp[1]: 4D49910ABC: to=<y@example.com>, relay=mx.example.com[192.0.2.2]:25, dsn=2.0.0, status=sent (250 2.0.0 Ok)")))
    assert [(one.final_recipient, one.kind, one.reply_code, one.envelope_sender, one.message_id) for one in found] == [
        ("x@example.net", "failure", 550, "a@example.org", "m1@example.org"), ("y@example.com", "notice", 250, "a@example.org", "m1@example.org")]


def test_expired():
    failure, = read_log(PF + "smtp[1]: 4D49910ABC: to=<x@example.net>, relay=none, dsn=4.4.1, status=deferred (connect to mx.example.net[192.0.2.1]:25: Connection refused)\n" + PF + "qmgr[1]: 4D49910ABC: from=<a@example.org>, status=expired, returned to sender")
    assert (failure.stage, failure.action, failure.status) == ("expired", "failed", "4.4.1")


def test_qmail_joins_three_lines():
    failure, = read_log("@400000005a1b2c3d00000000 info msg 12: bytes 9 from <a@example.org> qp 1 uid 0\n@400000005a1b2c3d00000000 starting delivery 7: msg 12 to remote u@example.net\n"
                        "@400000005a1b2c3d00000000 delivery 7: failure: 192.0.2.1_does_not_like_recipient./Remote_host_said:_550_5.1.1_unknown/Giving_up_on_192.0.2.1./")
    assert (failure.final_recipient, failure.envelope_sender, failure.reply_code, failure.remote_ip, failure.phase) == ("u@example.net", "a@example.org", 550, "192.0.2.1", "rcpt")


def test_modules_and_lines():
    assert {log.__name__.rpartition(".")[2] for log in logs()} >= {"postfix", "exim", "sendmail", "opensmtpd", "qmail", "haraka", "exchange"}
    assert lines_of(PF + "smtp[1]: a\n   b\n" + PF + "smtp[1]: c") == [PF + "smtp[1]: a b", PF + "smtp[1]: c"]


@pytest.mark.parametrize("text", ["", "status=open, to=me", "can you reject the offer?", "a => b", "x ** 2 == y", "delivery 5 is late"])
def test_no_log(text):
    assert read_log(text) == []
