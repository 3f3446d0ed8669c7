"""The logs of Exim, Sendmail, OpenSMTPD and Haraka: each form of line, what counts, and the same events however the log is cut."""
from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fivefifty.feeds import Reject, Setting, events, feed, recognized

NOW = datetime(2026, 11, 12, tzinfo=UTC).timestamp()
TEN = datetime(2026, 11, 2, 10, tzinfo=UTC).timestamp()
SETTING = Setting(now=NOW)
KINDS = ("postfix", "exim", "sendmail", "opensmtpd", "haraka")

EXIM = rb"""2026-11-02 10:00:00 1tAbCd-000001-0A <= b@sender.example H=app [198.51.100.1] P=esmtps X=TLS1.3:x:256 S=1234 id=a1@sender.example T="hi id=evil@x" from <b@sender.example> for nobody@rcpt.example
2026-11-02 10:00:01 1tAbCd-000001-0A ** nobody@rcpt.example R=dnslookup T=remote_smtp H=mx.rcpt.example [192.0.2.25] X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=yes DN="/C=x: y": SMTP error from remote mail server after RCPT TO:<nobody@rcpt.example>: 550 5.1.1 user unknown
2026-11-02 11:00:01.123 +0100 [12] 1tAbCd-000001-0A => Jane.Doe@RCPT.example <list@sender.example> F=<b@sender.example> R=dnslookup T=remote_smtp S=12 H=mx.rcpt.example [192.0.2.25]:25 I=[198.51.100.9]:4123 C="250 2.0.0 Ok: \"q\" as 4A" QT=1s DT=0s
2026-11-02 10:00:01 1tAbCd-000001-0A -> "a b"@rcpt.example R=dnslookup T=remote_smtp H=mx.rcpt.example [192.0.2.25]:25 C="250 ok"
2026-11-02 10:00:01 1tAbCd-000001-0A => joe <joe@sender.example> R=localuser T=local_delivery
2026-11-02 10:00:01 1tAbCd-000001-0A => |/usr/bin/procmail -d joe <joe2@sender.example> R=localuser T=address_pipe
2026-11-02 10:00:01 1tAbCd-000001-0A => /home/joe/Maildir (joe3@sender.example) <all@sender.example> R=localuser T=address_directory
2026-11-02 10:00:01 1tAbCd-000001-0A => :blackhole: <joe@sender.example> R=localuser
2026-11-02 10:00:01 1tAbCd-000001-0A == late@rcpt.example R=dnslookup T=remote_smtp H=mx.rcpt.example [192.0.2.25] defer (-44): SMTP error from remote mail server after RCPT TO:<late@rcpt.example>: 451 4.7.1 Greylisted
2026-11-02 10:00:01 1tAbCd-000001-0A == late@rcpt.example R=dnslookup T=remote_smtp defer (-53): retry time not reached for any host
2026-11-02 10:00:01 1tAbCd-000001-0A == o@rcpt.example R=dnslookup T=remote_smtp defer (111): Connection refused
2026-11-02 10:00:02 1tAbCd-000001-0A == o2@rcpt.example routing defer (-1): host lookup did not complete
2026-11-06 10:00:01 1tAbCd-000001-0A ** late@rcpt.example: retry timeout exceeded
2026-11-06 10:00:01 1tAbCd-000001-0A ** gone@nosuch.example: Unrouteable address
2026-11-06 10:00:01 1tAbCd-000001-0A Completed
2026-11-06 10:00:02 1tAbCe-00000000002-0AbC <= <> R=1tAbCd-000001-0A U=exim P=local S=99
2026-11-06 10:00:02 1tAbCe-00000000002-0AbC => b@sender.example R=x T=y H=m.sender.example [192.0.2.1]
Nov  6 10:00:03 mx7 exim[22]: 2026-11-06 10:00:03 1tAbCf-00000000002-0AbC => c@rcpt.example R=x T=y H=m.rcpt.example [192.0.2.1] C="250 ok"
Nov  2 10:00:04 mx7 exim[22]: 1tAbCf-00000000002-0AbC >> d@rcpt.example R=x T=y H=m.rcpt.example [192.0.2.1] C="250 ok"
2026-11-02 10:00:00 SMTP syntax error in "foo 1tAbCd-000001-0A ** victim@x.example: 550 no such user" H=[192.0.2.1]
2026-11-02 10:00:00 H=[192.0.2.1] F=<a@b.example> rejected RCPT <c@d.example>: relay not permitted
"""
SENDMAIL = rb"""Nov  2 10:00:00 mx1 sm-mta[12]: 4A2A0001000123: from=<b@sender.example>, size=12, class=0, nrcpts=2, msgid=<a1@sender.example>, proto=ESMTP, daemon=MTA-v4, relay=app [198.51.100.1]
Nov  2 10:00:02 mx1 sm-mta[13]: 4A2A0001000123: to=<n@rcpt.example>,<"a,b"@rcpt.example>, ctladdr=<b@sender.example> (1000/1000), delay=00:00:02, xdelay=00:00:01, mailer=esmtp, pri=30, relay=mx.rcpt.example. [192.0.2.25], dsn=5.1.1, stat=User unknown
Nov  2 10:00:02 mx1 sm-mta[13]: 4A2A0001000123: to=<l@rcpt.example>, delay=1+00:00:02, xdelay=00:00:01, mailer=esmtp, pri=30, relay=mx.rcpt.example. [192.0.2.25], dsn=4.2.0, stat=Deferred: 450 4.2.0 <l@rcpt.example>: Greylisted
Nov  2 10:00:02 mx1 sm-mta[13]: 4A2A0001000123: to=<ok@gmail.com>, delay=00:00:02, xdelay=00:00:01, mailer=esmtp, pri=30, relay=[IPv6:2001:db8::1], dsn=2.0.0, stat=Sent (OK (12) 3si)
Nov  2 10:00:02 mx1 sm-mta[13]: 4A2A0001000123: to=joe, delay=00:00:02, mailer=local, pri=30, dsn=2.0.0, stat=Sent
Nov  2 10:00:02 mx1 sm-mta[13]: 4A2A0001000123: to=<q@rcpt.example>, delay=00:00:02, mailer=esmtp, pri=30, stat=queued
Nov  6 10:00:02 mx1 sm-mta[13]: 4A2A0001000123: 4A2A0001000124: sender notify: Warning: could not send message for past 4 hours
Nov  7 10:00:02 mx1 sm-mta[13]: 4A2A0001000123: 4A2A0001000125: return to sender: Cannot send message within 5 days
Nov  7 10:00:02 mx1 sm-mta[13]: 4A2A0001000125: to=<b@sender.example>, delay=00:00:02, mailer=esmtp, relay=m.sender.example. [192.0.2.27], dsn=2.0.0, stat=Sent (OK)
Nov  7 10:00:02 mx1 sendmail[13]: 4A2A0001000126: to=x@rcpt.example, ctladdr=root (0/0), delay=00:00:02, mailer=relay, relay=[127.0.0.1] [127.0.0.1], dsn=2.0.0, stat=Sent (4A2A0001000127 Message accepted for delivery)
"""
OPENSMTPD = rb"""Nov  2 10:00:00 mx1 smtpd[12]: 0123456789abcdef mta delivery evpid=12ab34cd56ef7890 from=<b@sender.example> to=<n@rcpt.example> rcpt=<-> source="198.51.100.9" relay="192.0.2.25 (mx.rcpt.example)" delay=1m1s result="PermFail" stat="550 5.1.1 <n@rcpt.example>: user "x" unknown"
Nov  2 10:00:00 mx1 smtpd[12]: 0123456789abcdef mta event=delivery evpid=12ab34cd56ef7891 from=<b@sender.example> to=<t@rcpt.example> rcpt=<l@sender.example> source="198.51.100.9" relay="192.0.2.25 (mx.rcpt.example)" delay=1s result="TempFail" stat="450 4.2.0 later"
Nov  2 10:00:00 mx1 smtpd[12]: 0123456789abcdef mda delivery evpid=12ab34cd56ef7892 from=<b@sender.example> to=<joe@sender.example> rcpt=<joe@sender.example> user=joe delay=0s result=Ok stat=Delivered
Nov  2 10:00:00 mx1 smtpd[12]: relay: Ok for 12ab34cd56ef7893: session=0123456789abcdef, from=<b@sender.example>, to=<o@rcpt.example>, rcpt=<->, source=198.51.100.9, relay=192.0.2.25 (mx.rcpt.example), delay=1s, stat=250 2.0.0 ok
Nov  2 10:00:00 mx1 smtpd[12]: 0123456789abcdef mta delivery evpid=12ab34cd56ef7899 from=<b@sender.example> to=<loop@rcpt.example> rcpt=<-> source="-" relay="192.0.2.25 (mx.rcpt.example)" delay=1s result="LoopFail" stat="Loop detected"
Nov  5 10:00:00 mx1 smtpd[12]: 0000000000000000 mta delivery evpid=12ab34cd56ef7891 from=<b@sender.example> to=<t@rcpt.example> rcpt=<l@sender.example> source="-" relay="rcpt.example" delay=3d result="Expired" stat="Envelope expired"
Nov  5 10:00:00 mx1 smtpd[12]: 0000000000000000 mta delivery evpid=22ab34cd56ef7891 from=<> to=<b@sender.example> rcpt=<-> source="-" relay="192.0.2.1 (x)" delay=4d result="Ok" stat="250 ok"
Nov  5 10:00:00 mx1 smtpd[12]: 0123456789abcdef smtp message msgid=12ab34cd size=12 nrcpt=1 proto=ESMTP
"""
UUID = b"A1B2C3D4-0000-4000-8000-00000000ABCD"
HARAKA = b"""2026-11-02T10:00:00.000Z [NOTICE] [U.1] [core] sender <b@sender.example> code=CONT msg=""
2026-11-02T10:00:00.000Z [NOTICE] [U.1] [core] recipient <n@rcpt.example> code=OK msg="" sender="b@sender.example"
2026-11-02T10:00:00.000Z [NOTICE] [U.1] [core] recipient <M@Rcpt.example> code=OK msg="" sender="b@sender.example"
2026-11-02T10:00:00.000Z [NOTICE] [U.1] [core] recipient <refused@rcpt.example> code=DENY msg="" sender="b@sender.example"
2026-11-02T10:00:00.000Z [NOTICE] [U.1] [core] recipient <l@rcpt.example> code=OK msg="" sender="b@sender.example"
2026-11-02T10:00:00.000Z [NOTICE] [U.1] [core] message mid="<a1@sender.example>" size=12 rcpts=2/0/0 delay=0.1 code=CONT msg=""
2026-11-02T10:00:01.000Z [NOTICE] [U.1.1] [outbound] recipient <n@rcpt.example> rejected: 550 5.1.1 user unknown
2026-11-02T10:00:01.000Z [NOTICE] [U.1.1] [outbound] recipient <l@rcpt.example> deferred: 450 4.2.0 later
2026-11-02T10:00:02.000Z [INFO] [U.1.1] [outbound] bouncing mail: Some recipients failed: <n@rcpt.example>
2026-11-02T10:00:02.000Z [NOTICE] [U.1.1] [outbound] delivered file=1_2_0 domain="rcpt.example" host="mx.rcpt.example" ip=192.0.2.25 port=25 mode=SMTP tls=Y auth=N response="2.0.0 Ok: queued" delay=0.5 fails=0 rcpts=1/1/1
2026-11-04T10:00:02.000Z [INFO] [U.1.1] [outbound] Temp failing 1_2_0 for 64 seconds: Upstream error: 450 4.2.0 later
2026-11-05T10:00:02.000Z [INFO] [U.1.1] [outbound] bouncing mail: Too many failures (Upstream error: 450 4.2.0 later)
""".replace(b"U.", UUID + b".")
HARAKA_JSON = b"""{"level":"NOTICE","uuid":"U.1","source":"core","message":"sender <b@sender.example>","code":"CONT","timestamp":"2026-11-02T10:00:00.000Z"}
{"level":"NOTICE","uuid":"U.1","source":"core","message":"recipient <n@rcpt.example>","code":"OK","timestamp":"2026-11-02T10:00:00.000Z"}
{"level":"INFO","uuid":"U.1.1","source":"outbound","message":"bouncing mail: 554 5.7.1 spam","timestamp":"2026-11-02T10:00:00.000Z"}
""".replace(b"U.", UUID + b".")
HARAKA_LOGFMT = b"""2026-11-02T10:00:00.000Z level=NOTICE uuid=U.1.1 source=outbound message="delivered" file=1_2_0 domain=rcpt.example host=mx.rcpt.example ip=192.0.2.25 port=25 mode=SMTP tls=Y auth=N response="2.0.0 Ok: queued" delay=0.5 fails=0 rcpts=3/0/0
""".replace(b"U.", UUID + b".")
LOGS = {"exim": EXIM, "sendmail": SENDMAIL, "opensmtpd": OPENSMTPD, "haraka": HARAKA}


def read(kind: str, content: bytes, setting: Setting = SETTING):
    return list(events(kind, content, setting, "m"))


def told(kind: str, content: bytes):
    return [(one.kind, one.recipient, one.status, one.stage) for one in read(kind, content)]


def test_exim():
    assert told("exim", EXIM) == [
        ("bounce", "nobody@rcpt.example", "5.1.1", ""), ("delivery", "Jane.Doe@rcpt.example", "2.0.0", ""), ("delivery", '"a b"@rcpt.example', "", ""), ("delivery", "joe@sender.example", "", ""),
        ("delivery", "joe2@sender.example", "", ""), ("delivery", "joe3@sender.example", "", ""), ("deferral", "late@rcpt.example", "4.7.1", ""), ("deferral", "o@rcpt.example", "", ""), ("deferral", "o2@rcpt.example", "", ""),
        ("bounce", "late@rcpt.example", "4.7.1", "expired"), ("bounce", "gone@nosuch.example", "", ""), ("delivery", "c@rcpt.example", "", ""), ("delivery", "d@rcpt.example", "", ""),
    ]
    first, second, *_, last = read("exim", EXIM)
    assert (first.time, first.envelope_sender, first.message_id, first.queue_id) == (TEN + 1, "b@sender.example", "a1@sender.example", "1tAbCd-000001-0A")
    assert (first.remote_mta, first.remote_ip, first.reply_code, first.phase) == ("mx.rcpt.example", "192.0.2.25", 550, "rcpt")
    assert first.text == "SMTP error from remote mail server after RCPT TO:<nobody@rcpt.example>: 550 5.1.1 user unknown"
    assert (second.time, second.sending_ip, second.facts, second.text) == (TEN + 1.123, "198.51.100.9", {"original_recipient": "list@sender.example"}, '250 2.0.0 Ok: "q" as 4A')
    assert (last.time, last.reporting_mta) == (TEN + 4, "mx7")
    assert read("exim", EXIM)[3].facts == {"local": True}


def test_sendmail():
    assert told("sendmail", SENDMAIL) == [
        ("bounce", "n@rcpt.example", "5.1.1", ""), ("bounce", '"a,b"@rcpt.example', "5.1.1", ""), ("deferral", "l@rcpt.example", "4.2.0", ""), ("delivery", "ok@gmail.com", "2.0.0", ""), ("delivery", "joe", "2.0.0", ""),
        ("bounce", "l@rcpt.example", "4.2.0", "expired"),
    ]
    first, _, late, sent, local, expired = read("sendmail", SENDMAIL)
    assert (first.time, first.sent_at, first.envelope_sender, first.message_id, first.reporting_mta, first.remote_mta, first.remote_ip) == (TEN + 2, TEN, "b@sender.example", "a1@sender.example", "mx1", "mx.rcpt.example", "192.0.2.25")
    assert (late.text, late.reply_code, late.sent_at) == ("450 4.2.0 <l@rcpt.example>: Greylisted", 450, TEN - 86_400)
    assert (sent.text, sent.remote_ip, sent.remote_mta) == ("OK (12) 3si", "2001:db8::1", "")
    assert local.facts == {"local": True} and expired.text == late.text


def test_opensmtpd():
    assert told("opensmtpd", OPENSMTPD) == [
        ("bounce", "n@rcpt.example", "5.1.1", ""), ("deferral", "t@rcpt.example", "4.2.0", ""), ("delivery", "joe@sender.example", "", ""), ("delivery", "o@rcpt.example", "2.0.0", ""), ("bounce", "loop@rcpt.example", "", ""),
        ("bounce", "t@rcpt.example", "4.2.0", "expired"),
    ]
    first, late, local, *_, expired = read("opensmtpd", OPENSMTPD)
    assert (first.text, first.queue_id, first.sending_ip, first.remote_mta, first.remote_ip) == ('550 5.1.1 <n@rcpt.example>: user "x" unknown', "12ab34cd", "198.51.100.9", "mx.rcpt.example", "192.0.2.25")
    assert (first.time, first.sent_at, first.envelope_sender, first.reporting_mta) == (TEN, TEN - 61, "b@sender.example", "mx1")
    assert late.facts == {"original_recipient": "l@sender.example"} and local.facts == {"local": True} and expired.text == "450 4.2.0 later"


def test_haraka():
    assert told("haraka", HARAKA) == [
        ("bounce", "n@rcpt.example", "5.1.1", ""), ("deferral", "l@rcpt.example", "4.2.0", ""), ("delivery", "M@rcpt.example", "", ""), ("deferral", "l@rcpt.example", "4.2.0", ""), ("bounce", "l@rcpt.example", "4.2.0", "expired"),
    ]
    first, _, sent, *_ = read("haraka", HARAKA)
    assert (first.time, first.envelope_sender, first.message_id, first.phase) == (TEN + 1, "b@sender.example", "a1@sender.example", "rcpt")
    assert (sent.remote_mta, sent.remote_ip, sent.text) == ("mx.rcpt.example", "192.0.2.25", "2.0.0 Ok: queued")


def test_haraka_as_json_and_logfmt():
    (refused,) = read("haraka", HARAKA_JSON)
    assert (refused.kind, refused.recipient, refused.status, refused.text) == ("bounce", "n@rcpt.example", "5.7.1", "554 5.7.1 spam")
    (sent,) = read("haraka", HARAKA_LOGFMT)
    assert (sent.kind, sent.recipient, sent.recipient_domain, sent.count) == ("delivery", "", "rcpt.example", 3)


def test_haraka_without_times_is_kept_aside():
    bare = b"\n".join(line.partition(b" ")[2] for line in HARAKA.split(b"\n"))
    assert {type(one) for one in read("haraka", bare)} == {Reject}


@pytest.mark.parametrize("kind, line", [
    ("exim", b"2026-11-02 10:00:00 1tAbCd-000001-0A == n@rcpt.example R=x T=y\n"),
    ("sendmail", b"Nov  2 10:00:02 mx1 sm-mta[13]: 4A2A0001000123: to=<n@rcpt.example>,<m@rcpt.ex\n"),
    ("opensmtpd", b"Nov  2 10:00:00 mx1 smtpd[12]: 0123456789abcdef mta delivery evpid=12ab34cd56ef7890 from=<b@sender.example> to=<n@rcpt\n"),
    ("haraka", b"2026-11-02T10:00:00Z [INFO] [" + UUID + b".1.1] [outbound] bouncing mail: 554 5.7.1 spam\n"),
])
def test_what_cannot_be_read_is_kept_aside(kind, line):
    (found,) = read(kind, line)
    assert isinstance(found, Reject) and found.content == line.rstrip() and found.where == "m:1"


@pytest.mark.parametrize("kind", LOGS)
def test_each_is_recognised(kind):
    assert recognized(LOGS[kind], KINDS) == kind
    assert feed(kind).looks(b"Nov  2 10:00:00 mx1 sshd[1]: Accepted publickey for root from 192.0.2.1\n") == 0


@pytest.mark.parametrize("log", [HARAKA_JSON, HARAKA_LOGFMT])
def test_harakas_other_forms_are_recognised(log):
    assert recognized(log, KINDS) == "haraka"


def identity(one):
    return (one.where, one.reason) if isinstance(one, Reject) else tuple(getattr(one, name) for name in type(one).__slots__ if name != "facts")


@pytest.mark.parametrize("kind", LOGS)
def test_the_same_events_after_every_interruption(kind):
    log = LOGS[kind].rstrip().split(b"\n")
    whole = [identity(one) for one in feed(kind).reader(SETTING).read(log, "m", 1)]
    for step in (1, 3, 7):
        pieces, reader = [], feed(kind).reader(SETTING)
        for at in range(0, len(log), step):
            pieces += [identity(one) for one in reader.read(log[at : at + step], "m", at + 1)]
            kept = json.loads(json.dumps(reader.state()))
            reader = feed(kind).reader(SETTING)
            reader.restore(kept)
        assert pieces == whole


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(sorted(LOGS)), st.binary(max_size=200), st.integers(0, 2_000))
def test_nothing_raises(kind, noise, place):
    read(kind, LOGS[kind][:place] + noise + LOGS[kind][place:])


@pytest.mark.parametrize("kind", LOGS)
@pytest.mark.parametrize("filler", [b"<", b'"', b"(", b", ", b"=", b"a=", b"\\", b": ", b"[", b"<a>,", b'"a"'])
def test_huge_lines_cost_little(kind, filler):
    long = (filler * 65_536)[:65_536]
    content = b"\n".join(line[:at] + long for line in LOGS[kind].split(b"\n")[:9] for at in (60, 90, len(line)))
    read(kind, content)


@pytest.mark.parametrize("kind, log, sender, null", [
    ("exim", b"\n".join(EXIM.split(b"\n")[:2]), b"<= b@sender.example", b"<= <>"), ("sendmail", b"\n".join(SENDMAIL.split(b"\n")[:2]), b"from=<b@sender.example>", b"from=<>"),
    ("opensmtpd", OPENSMTPD, b"from=<b@sender.example>", b"from=<>"), ("haraka", HARAKA, b"sender <b@sender.example>", b"sender <>"),
])
def test_mails_of_the_null_sender_do_not_count(kind, log, sender, null):
    assert read(kind, log) and read(kind, log.replace(sender, null)) == []
