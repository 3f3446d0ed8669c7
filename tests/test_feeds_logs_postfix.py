"""Postfix logs: every form of line, what counts and what does not, and the same events however the log is cut."""
from __future__ import annotations

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fivefifty.feeds import Reject, Setting, events, feed, recognized
from fivefifty.feeds.logs import postfix

NOW = datetime(2026, 11, 2, 12, tzinfo=UTC).timestamp()
TEN = datetime(2026, 11, 2, 10, tzinfo=UTC).timestamp()
SETTING = Setting(now=NOW)
HEAD = b"Nov  2 10:00:00 mx1 postfix/"
TO = b"to=<n@rcpt.example>, relay=mx.rcpt.example[192.0.2.25]:25, delay=1.2, delays=0.1/0/0.5/0.6, dsn="


def lines(*told: bytes) -> bytes:
    return b"\n".join(HEAD + one for one in told) + b"\n"


def mail(queue_id: bytes = b"4A00001EEF", sender: bytes = b"b@sender.example") -> list[bytes]:
    return [b"cleanup[2]: " + queue_id + b": message-id=<a1@sender.example>", b"qmgr[3]: " + queue_id + b": from=<" + sender + b">, size=900, nrcpt=1 (queue active)"]


def read(content: bytes, setting: Setting = SETTING):
    return list(events("postfix", content, setting, "mail.log"))


def one(content: bytes, setting: Setting = SETTING):
    found = read(content, setting)
    assert len(found) == 1, found
    return found[0]


def test_a_bounce_with_all_that_is_known():
    event = one(lines(*mail(), b"smtp[3001]: 4A00001EEF: " + TO + b"5.1.1, status=bounced (host mx.rcpt.example[192.0.2.25] said: 550 5.1.1 <n@rcpt.example>: no (really) (in reply to RCPT TO command))", b"qmgr[3]: 4A00001EEF: removed"))
    assert (event.kind, event.source, event.time, event.recipient, event.envelope_sender, event.message_id, event.queue_id) == ("bounce", "postfix", TEN, "n@rcpt.example", "b@sender.example", "a1@sender.example", "4A00001EEF")
    assert (event.reporting_mta, event.remote_mta, event.remote_ip, event.status, event.reply_code, event.phase, event.where) == ("mx1", "mx.rcpt.example", "192.0.2.25", "5.1.1", 550, "rcpt", "mail.log:3")
    assert event.text == "host mx.rcpt.example[192.0.2.25] said: 550 5.1.1 <n@rcpt.example>: no (really) (in reply to RCPT TO command)"
    assert event.sent_at == pytest.approx(TEN - 1.2) and event.trust == "own" and not event.cause


@pytest.mark.parametrize("status, kind", [(b"sent", "delivery"), (b"bounced", "bounce"), (b"deferred", "deferral"), (b"SOFTBOUNCE", "deferral")])
def test_kinds(status, kind):
    assert one(lines(b"smtp[1]: 4A00001EEF: " + TO + b"2.0.0, status=" + status + b" (250 2.0.0 Ok)")).kind == kind


@pytest.mark.parametrize("tail", [b"(250 2.0.0 Ok: queued as 5B)", b"(250 2.0.0 Ok: queued as 5B"])
def test_the_end_of_the_words_may_be_cut(tail):
    assert one(lines(b"smtp[1]: 4A00001EEF: " + TO + b"2.0.0, status=sent " + tail)).text == "250 2.0.0 Ok: queued as 5B"


def test_a_cut_in_the_last_bracket_keeps_the_replys_own():
    event = one(lines(b"smtp[1]: 4A00001EEF: " + TO + b"5.1.1, status=bounced (host h[192.0.2.1] said: 550 no (in reply to RCPT TO command)"))
    assert event.text.endswith("(in reply to RCPT TO command)") and event.phase == "rcpt"


@pytest.mark.parametrize("status", [b"deliverable", b"undeliverable"])
def test_address_probes_are_no_mail(status):
    assert read(lines(b"smtp[1]: 4A00001EEF: " + TO + b"5.1.1, status=" + status + b" (host h[192.0.2.1] said: 550 no)")) == []


def test_bounces_this_host_sends_do_not_count():
    assert read(lines(*mail(sender=b""), b"smtp[1]: 4A00001EEF: " + TO + b"5.1.1, status=bounced (host h[192.0.2.1] said: 550 no)")) == []


def test_a_mail_through_a_content_filter_counts_once():
    content = lines(
        *mail(), *mail(b"5B00001F00"), b"smtp[1]: 4A00001EEF: to=<n@rcpt.example>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 5B00001F00)",
        b"qmgr[3]: 4A00001EEF: removed", b"smtp[1]: 5B00001F00: " + TO + b"2.0.0, status=sent (250 ok)", b"qmgr[3]: 5B00001F00: removed")
    event = one(content)
    assert event.queue_id == "5B00001F00" and event.message_id == "a1@sender.example"


def test_a_second_queue_on_another_port_is_known_by_its_queue_id():
    relay = b"relay=127.0.0.1[127.0.0.1]:2525, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as "
    hop = [*mail(), *mail(b"5B00001F00"), b"qmgr[3]: 5B00001F00: removed", b"smtp[1]: 4A00001EEF: to=<n@rcpt.example>, " + relay + b"5B00001F00)"]
    assert read(lines(*hop)) == []
    tunnel = one(lines(*mail(), b"smtp[1]: 4A00001EEF: to=<n@rcpt.example>, " + relay + b"6C00001F00)"))
    assert tunnel.kind == "delivery"


def test_a_queue_id_of_another_server_that_happens_to_be_in_use_is_no_hop():
    other = [b"cleanup[2]: 5B00001F00: message-id=<else@sender.example>"]
    assert one(lines(*mail(), *other, b"smtp[1]: 4A00001EEF: " + TO + b"2.0.0, status=sent (250 2.0.0 Ok: queued as 5B00001F00)")).kind == "delivery"


@pytest.mark.parametrize("daemon, relay, words", [
    (b"local", b"local", b"delivered to mailbox"), (b"virtual", b"virtual", b"delivered to maildir"), (b"pipe", b"dovecot", b"delivered via dovecot service"), (b"local", b"local", b"delivered to command: /usr/bin/procmail"),
    (b"lmtp", b"mx1.example[private/dovecot-lmtp]", b"250 2.0.0 <n@rcpt.example> x Saved"), (b"lmtp", b"127.0.0.1[127.0.0.1]:24", b"250 2.1.5 Saved"),
])
def test_local_deliveries_count_and_say_so(daemon, relay, words):
    event = one(lines(*mail(), daemon + b"[1]: 4A00001EEF: to=<n@rcpt.example>, orig_to=<root>, relay=" + relay + b", delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (" + words + b")"))
    assert event.kind == "delivery" and event.facts == {"original_recipient": "root", "local": True} and event.remote_mta == ""


@pytest.mark.parametrize("daemon, relay, words", [(b"discard", b"none", b"spam trap"), (b"local", b"local", b"forwarded as 5B00001F00"), (b"pipe", b"spamfilter", b"delivered via spamfilter service")])
def test_what_nobody_received_does_not_count(daemon, relay, words):
    assert read(lines(*mail(), daemon + b"[1]: 4A00001EEF: to=<n@rcpt.example>, relay=" + relay + b", delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (" + words + b")")) == []


def test_expired_makes_a_failure_of_every_open_recipient():
    defer = b"smtp[1]: 4A00001EEF: to=<%s@rcpt.example>, relay=mx.rcpt.example[192.0.2.25]:25, delay=9, delays=9/0/0/0, dsn=4.2.2, status=%s (host mx.rcpt.example[192.0.2.25] said: 452 4.2.2 full (in reply to RCPT TO command))"
    content = lines(*mail(), defer % (b"x", b"deferred"), defer % (b"y", b"deferred"), defer % (b"z", b"deferred"), defer % (b"y", b"sent"), b"qmgr[3]: 4A00001EEF: from=<b@sender.example>, status=expired, returned to sender", b"qmgr[3]: 4A00001EEF: removed")
    found = read(content)
    assert [(event.kind, event.recipient, event.stage) for event in found[4:]] == [("bounce", "x@rcpt.example", "expired"), ("bounce", "z@rcpt.example", "expired")]
    assert found[4].text == found[0].text and found[4].status == "4.2.2" and found[4].remote_mta == "mx.rcpt.example" and found[4].message_id == "a1@sender.example"


def test_expired_without_what_came_before_is_kept_aside():
    assert isinstance(one(lines(b"qmgr[3]: 4A00001EEF: from=<b@sender.example>, status=expired, returned to sender")), Reject)


def test_rejected_clients_are_no_sends():
    assert read(lines(
        b"smtpd[1]: NOQUEUE: reject: RCPT from unknown[192.0.2.9]: 550 5.1.1 <a@b.example>: Recipient address rejected; from=<x@y.example> to=<a@b.example> proto=ESMTP helo=<z>",
        b"cleanup[1]: 4A00001EEF: milter-reject: END-OF-MESSAGE from unknown[192.0.2.9]: 5.7.1 no; from=<x@y.example> to=<a@b.example> proto=ESMTP helo=<z>",
        b"cleanup[1]: 4A00001EEF: reject: header Subject: x from unknown[192.0.2.9]; from=<x@y.example> to=<a@b.example> proto=ESMTP: 5.7.1 no",
    )) == []


def test_a_subject_cannot_make_up_a_bounce():
    forged = b"]: 4A00001EEF: to=<victim@rcpt.example>, relay=m[192.0.2.1]:25, delay=1, delays=1/0/0/0, dsn=5.1.1, status=bounced (host m[192.0.2.1] said: 550 5.1.1 user unknown)"
    assert read(lines(*mail(), b"cleanup[1]: 4A00001EEF: warning: header Subject: hi" + forged + b" from x[192.0.2.9]; from=<b@sender.example> to=<n@rcpt.example>")) == []


@pytest.mark.parametrize("front", [
    b"2026-11-02T10:00:00.000000+00:00 mx1 postfix/smtp[1]: ", b"2026-11-02T11:00:00+01:00 mx1 postfix/smtp[1]: ", b"2026-11-02T11:00:00+0100 mx1 postfix/smtp[1]: ", b"2026-11-02T10:00:00Z mx1 postfix-out/smtp[1]: ",
    b"Nov 02 10:00:00 mx1 postfix/smtp[1]: ", b"Nov  2 10:00:00 mx1 postfix/slow/smtp[1]: ", b"Nov  2 2026 10:00:00 mx1 postfix/smtp[1]: ", b"Nov 02 10:00:00.000123 mx1 postfix/smtp[1]: ", b"Nov  2 10:00:00 <mail.info> mx1 postfix/smtp[1]: ",
    b"<22>1 2026-11-02T10:00:00.000Z mx1 postfix/smtp 1 - - ", b"<22>1 2026-11-02T10:00:00.000Z mx1 postfix/smtp 1 - [meta id=\"\\]: x\"] ", b"<22>Nov  2 10:00:00 mx1 postfix/smtp[1]: ", b"Nov  2 10:00:00 mx1 postfix/smtp[1]: [ID 197553 mail.info] ",
    b"mail_1  | Nov  2 10:00:00 mx1 postfix/smtp[1]: ", b"2026-11-02T10:00:00.123456789Z stdout F Nov  2 09:00:00 mx1 postfix/smtp[1]: ", b"1793613600.000000 mx1 postfix/smtp[1]: ", b"\0\0\0Nov  2 10:00:00 mx1 postfix/smtp[1]: ",
    b"2026-11-02 10:00:00 mx1 mta-in/smtp[1]: ",
])
def test_what_may_stand_in_front(front):
    event = one(front + b"4A00001EEF: " + TO + b"2.0.0, status=sent (250 ok)\n")
    assert int(event.time) == TEN and event.reporting_mta == "mx1"


def test_json_of_journald_and_docker():
    said = (b"4A00001EEF: " + TO + b"2.0.0, status=sent (250 \"ok\")").decode()
    journal = {"MESSAGE": said, "_HOSTNAME": "mx1", "SYSLOG_IDENTIFIER": "postfix/smtp", "_PID": "12", "__REALTIME_TIMESTAMP": "1793613600000001"}
    octets = {**journal, "MESSAGE": list(said.encode())}
    docker = {"log": f"Nov  2 10:00:00 mx1 postfix/smtp[1]: {said}\n", "stream": "stdout", "time": "2026-11-02T10:00:00.1Z"}
    for record in (journal, octets, docker):
        event = one(json.dumps(record).encode() + b"\n")
        assert (int(event.time), event.reporting_mta, event.text) == (TEN, "mx1", '250 "ok"')


def test_json_among_other_lines():
    said = (b"4A00001EEF: " + TO + b"2.0.0, status=sent (250 ok)").decode()
    docker = json.dumps({"log": f"Nov  2 10:00:00 mx1 postfix/smtp[1]: {said}\n", "stream": "stdout", "time": "2026-11-02T10:00:00.1Z"}).encode()
    journal = json.dumps({"MESSAGE": said, "_HOSTNAME": "mx1", "SYSLOG_IDENTIFIER": "postfix/smtp", "__REALTIME_TIMESTAMP": "1793613600000001"}).encode()
    assert [event.text for event in read(lines(*[b"smtpd[1]: connect from x[192.0.2.1]"] * 30) + docker + b"\n" + journal + b"\n")] == ["250 ok", "250 ok"]


def test_what_is_added_behind_a_message_id_is_not_of_it():
    event = one(lines(b"cleanup[2]: 4A00001EEF: message-id=<a1@sender.example> (added by x@y.example)", b"smtp[1]: 4A00001EEF: " + TO + b"2.0.0, status=sent (250 ok)"))
    assert event.message_id == "a1@sender.example"


def at(stamp: bytes, now: datetime, zone=UTC) -> float:
    return one(stamp + b" mx1 postfix/smtp[1]: 4A00001EEF: " + TO + b"2.0.0, status=sent (250 ok)\n", Setting(now=now.timestamp(), zone=zone)).time


def test_years_come_from_the_clock():
    assert at(b"Dec 31 23:59:59", datetime(2027, 1, 1, tzinfo=UTC)) == datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()
    assert at(b"Jan  1 00:00:01", datetime(2026, 12, 31, 23, tzinfo=UTC)) == datetime(2027, 1, 1, 0, 0, 1, tzinfo=UTC).timestamp()
    assert at(b"Feb 29 12:00:00", datetime(2027, 6, 1, tzinfo=UTC)) == datetime(2024, 2, 29, 12, tzinfo=UTC).timestamp()
    assert at(b"Jul  2 12:00:00", datetime(2026, 11, 1, tzinfo=UTC), ZoneInfo("Europe/Berlin")) == datetime(2026, 7, 2, 10, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("bad", [
    b"4A00001EEF: to=<n@rcpt.example>, relay=mx.rcp", b"4A00001EEF: to=<", b"4A00001EEF: to=<>, relay=none, delay=1, delays=1/0/0/0, dsn=5.0.0, status=bounced (x)",
    b"4A00001EEF: to=<n@rcpt.example>, relay=none, delay=1, delays=1/0/0/0, dsn=5.0.0, status=eaten (x)",
])
def test_what_cannot_be_read_is_kept_aside_and_the_rest_goes_on(bad):
    found = read(lines(*mail(), b"smtp[1]: " + bad, b"smtp[1]: 4A00001EEF: " + TO + b"2.0.0, status=sent (250 ok)"))
    assert [type(one).__name__ for one in found] == ["Reject", "Event"] and found[0].where == "mail.log:3" and bad in found[0].content


def test_a_line_without_a_time_is_kept_aside():
    assert isinstance(one(b"mx1 postfix/smtp[1]: 4A00001EEF: " + TO + b"2.0.0, status=sent (250 ok)\n"), Reject)


@pytest.mark.parametrize("written, recipient", [
    (b'"a b"@Rcpt.EXAMPLE', '"a b"@rcpt.example'), (b'"x>, relay=y"@rcpt.example', '"x>, relay=y"@rcpt.example'), (b"Jane.Doe@RCPT.example", "Jane.Doe@rcpt.example"), (b"a b@rcpt.example", "a b@rcpt.example"),
    ("jürgen@exämple.example".encode(), "jürgen@exämple.example"), (b"caf\xe9@rcpt.example", "caf\ufffd@rcpt.example"), (b'o"d@rcpt.example', 'o"d@rcpt.example'),
])
def test_odd_addresses(written, recipient):
    assert one(lines(b"smtp[1]: 4A00001EEF: to=<" + written + b">, relay=mx.rcpt.example[2001:db8::1]:25, conn_use=2, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (250 ok)")).recipient == recipient


def test_old_and_long_forms():
    assert one(lines(b"smtp[1]: 4A00001EEF: to=<n@rcpt.example>, relay=mx.rcpt.example[192.0.2.25], delay=1, status=sent (250 ok)")).status == ""
    assert one(lines(b"smtp[1]: 3wBcDfGhJkLmNpQ: " + TO + b"2.0.0, status=sent (250 ok)")).queue_id == "3wBcDfGhJkLmNpQ"


def test_hosts_and_phases_where_no_relay_is_named():
    event = one(lines(b"smtp[1]: 4A00001EEF: to=<n@rcpt.example>, relay=none, delay=1, delays=1/0/0/0, dsn=4.4.1, status=deferred (connect to mx.rcpt.example[192.0.2.25]:25: Connection timed out)"))
    assert (event.remote_mta, event.remote_ip, event.phase) == ("mx.rcpt.example", "192.0.2.25", "connect")
    event = one(lines(b"smtp[1]: 4A00001EEF: " + TO + b"4.4.2, status=deferred (lost connection with mx.rcpt.example[192.0.2.25] while sending RCPT TO)"))
    assert event.phase == "rcpt"


def test_a_queue_id_may_be_used_again():
    found = read(lines(*mail(), b"smtp[1]: 4A00001EEF: " + TO + b"2.0.0, status=sent (250 ok)", b"qmgr[3]: 4A00001EEF: removed", b"cleanup[2]: 4A00001EEF: message-id=<a2@sender.example>",
                       b"qmgr[3]: 4A00001EEF: from=<c@sender.example>, size=900, nrcpt=1 (queue active)", b"smtp[1]: 4A00001EEF: " + TO + b"2.0.0, status=sent (250 ok)"))
    assert [(event.envelope_sender, event.message_id) for event in found] == [("b@sender.example", "a1@sender.example"), ("c@sender.example", "a2@sender.example")]


def long_log() -> list[bytes]:
    """Many mails, interleaved: all kinds of outcomes."""
    steps: list[list[bytes]] = []
    for number in range(120):
        queue_id = b"4A%08X" % (number % 60)
        outcome = (b"2.0.0, status=sent (250 ok)", b"5.1.1, status=bounced (host h[192.0.2.1] said: 550 5.1.1 no (in reply to RCPT TO command))", b"4.2.0, status=deferred (host h[192.0.2.1] said: 450 4.2.0 later)")[number % 3]
        last = [b"qmgr[3]: " + queue_id + b": from=<s%d@sender.example>, status=expired, returned to sender" % number] if number % 3 == 2 else []
        steps.append([b"cleanup[2]: " + queue_id + b": message-id=<m%d@sender.example>" % number, b"qmgr[3]: " + queue_id + b": from=<s%d@sender.example>, size=9, nrcpt=1 (queue active)" % number,
                      b"smtp[1]: " + queue_id + b": to=<n%d@rcpt.example>, relay=mx.rcpt.example[192.0.2.25]:25, delay=1, delays=1/0/0/0, dsn=" % number + outcome, *last, b"qmgr[3]: " + queue_id + b": removed"])
    found = []
    for group in range(0, 120, 30):
        some = steps[group : group + 30]
        found += [HEAD + one[step] for step in range(5) for one in some if step < len(one)]
    return found


def identity(one):
    return (one.where, one.reason) if isinstance(one, Reject) else (one.kind, one.time, one.recipient, one.message_id, one.envelope_sender, one.queue_id, one.reporting_mta, one.status, one.reply_code, one.text, one.stage, one.where)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 600), max_size=8))
def test_the_same_events_in_one_go_in_pieces_and_resumed(cuts):
    log = long_log()
    whole = [identity(one) for one in postfix.reader(SETTING).read(log, "m", 1)]
    assert len(whole) == 160
    pieces, reader, last = [], postfix.reader(SETTING), 0
    for cut in [*sorted(min(cut, len(log)) for cut in cuts), len(log)]:
        pieces += [identity(one) for one in reader.read(log[last:cut], "m", last + 1)]
        kept = json.loads(json.dumps(reader.state()))
        reader, last = postfix.reader(SETTING), cut
        reader.restore(kept)
    assert pieces == whole


def test_what_is_remembered_is_bounded():
    reader = postfix.reader(SETTING)
    many = [HEAD + b"cleanup[2]: %010X: message-id=<m@x.example>" % number for number in range(40_000)]
    many += [HEAD + b"qmgr[2]: %010X: from=<m@x.example>, size=1, nrcpt=1 (queue active)" % number for number in range(40_000)]
    many += [HEAD + b"smtp[1]: %010X: " % number + TO + b"4.2.0, status=deferred (later)" for number in range(12_000)]
    reader.read(many, "m", 1)
    state = reader.state()
    assert len(state["mails"]) <= postfix.MAX_OPEN and sum(len(one[1]) for one in state["waiting"]) <= postfix.MAX_WAITING
    reader.read([HEAD + b"qmgr[3]: %010X: removed" % number for number in range(40_000)], "m", 1)
    assert reader.state()["mails"] == [] and reader.state()["waiting"] == [] and len(reader.state()["gone"]) <= postfix.MAX_GONE


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.integers(0, 200))
def test_nothing_raises(noise, place):
    line = lines(*mail(), b"smtp[1]: 4A00001EEF: " + TO + b"5.1.1, status=bounced (host h[192.0.2.1] said: 550 no)")
    read(line[:place] + noise + line[place:])
    read(noise)


def test_huge_lines_cost_little():
    for filler in (b"<", b'"', b"(", b", ", b"a=", b"\\", b"[", b": "):
        long = (filler * 65_536)[:65_536]
        read(lines(b"smtp[1]: 4A00001EEF: to=<" + long, b"smtp[1]: 4A00001EEF: " + TO + b"5.1.1, status=bounced (" + long, b"qmgr[1]: 4A00001EEF: from=<" + long)[:200_000] + long)


def test_recognised():
    assert recognized(lines(*mail()), ("postfix", "exim", "sendmail", "opensmtpd", "haraka")) == "postfix"
    assert feed("postfix").looks(b"Nov  2 10:00:00 mx1 sshd[1]: Accepted publickey for root") == 0
