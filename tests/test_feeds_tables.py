"""Logs that are tables or JSON: what counts, what does not, and what is said of it."""
from __future__ import annotations

import json

import pytest

from fivefifty.feeds import Reject, Setting, events, feed, feeds, recognized
from fivefifty.judge import Judge

NOW = 1_793_700_000.0  # 3 November 2026
TEN = 1_793_613_600.0  # 2 November 2026 10:00 UTC
SETTING = Setting(now=NOW)
KINDS = ("exchange", "kumomta", "m365-graph", "m365-trace", "powermta", "table", "workspace", "zonemta")


def told(kind, content, setting=SETTING):
    """(events, rejects) of one input."""
    found = list(events(kind, content.encode() if isinstance(content, str) else content, setting, "in"))
    return [one for one in found if not isinstance(one, Reject)], [one for one in found if isinstance(one, Reject)]


# -- KumoMTA

def record(type_, **more):
    """A log record."""
    given = {
        "type": type_, "id": "1d98076abbbc11ed940250ebf67f93bd", "sender": "b@sender.example", "recipient": "nobody@rcpt.example", "queue": "spring:shop@rcpt.example", "site": "s1->mx.rcpt.example",
        "response": {"code": 550, "enhanced_code": {"class": 5, "subject": 1, "detail": 1}, "content": "user unknown", "command": "RCPT TO:<nobody@rcpt.example>"},
        "peer_address": {"name": "mx.rcpt.example.", "addr": "192.0.2.25"}, "event_time": "2026-11-02T10:00:00.5Z", "num_attempts": 0, "nodeid": "n1", "headers": {"Message-ID": "<a1@sender.example>"},
    }
    return json.dumps({name: value for name, value in {**given, **more}.items() if value is not None})


def test_kumomta_tells_every_recipient_of_a_record():
    found, rejects = told("kumomta", record("Bounce", recipient=["a@rcpt.example", "b@RCPT.example"]))
    assert [one.recipient for one in found] == ["a@rcpt.example", "b@rcpt.example"] and not rejects
    one = found[0]
    assert (one.kind, one.status, one.reply_code, one.phase, one.text) == ("bounce", "5.1.1", 550, "rcpt", "550 5.1.1 user unknown")
    assert (one.remote_mta, one.remote_ip, one.campaign, one.message_id, one.time) == ("mx.rcpt.example", "192.0.2.25", "spring", "a1@sender.example", TEN + 0.5)
    assert len({one.native_id for one in found}) == 2


def test_kumomta_expired_mail_failed_for_its_last_reason():
    later = record("TransientFailure", response={"code": 421, "enhanced_code": {"class": 4, "subject": 7, "detail": 0}, "content": "try later", "command": "."})
    gave_up = record("Expiration", response={"code": 551, "content": "Next delivery time exceeds the expiry time", "enhanced_code": {"class": 5, "subject": 4, "detail": 7}}, event_time="2026-11-03T10:00:00Z")
    found, _ = told("kumomta", f"{later}\n{gave_up}")
    assert [one.kind for one in found] == ["deferral", "bounce"]
    assert (found[1].stage, found[1].text, found[1].reply_code, found[1].phase) == ("expired", "421 4.7.0 try later", 421, "end-of-data")
    alone = told("kumomta", gave_up)[0][0]
    assert alone.reply_code == 0 and alone.stage == "expired", "551 is KumoMTA's own and means no moved mailbox"


def test_kumomta_goes_on_where_it_stopped():
    module = feed("kumomta")
    first = module.reader(SETTING)
    first.read([record("TransientFailure").encode()], "in", 1)
    second = module.reader(SETTING)
    second.restore(json.loads(json.dumps(first.state())))
    assert second.read([record("Expiration", response={}).encode()], "in", 2)[0].text == "550 5.1.1 user unknown"


def test_kumomta_operators_order_says_nothing_about_the_address():
    event = Judge().complete(told("kumomta", record("AdminBounce", response={"code": 551, "content": "user unknown"}))[0][0])
    assert (event.kind, event.cause, event.suppress) == ("block", "policy.own", False)


def test_kumomta_late_bounces_and_complaints():
    late = told("kumomta", record("OOB", sender=""))[0][0]
    assert late.late and late.trust == "unverified" and not Judge().complete(late).suppress
    assert "without the report" in told("kumomta", record("OOB", response=None))[1][0].reason
    report = {"feedback_type": "abuse", "original_rcpto_to": ["<u@rcpt.example>"], "original_mail_from": "<b@sender.example>", "source_ip": "203.0.113.9", "arrival_date": "2026-11-01T10:00:00Z",
              "original_message": "Received: x\nMessage-ID: <a1@sender.example>\nFrom: News <news@sender.example>\n\nbody"}
    complaint = told("kumomta", record("Feedback", feedback_report=report, recipient="fbl@sender.example"))[0][0]
    assert (complaint.kind, complaint.recipient, complaint.message_id, complaint.author_domain, complaint.sent_at) == ("complaint", "u@rcpt.example", "a1@sender.example", "sender.example", TEN - 86_400)
    assert told("kumomta", record("Feedback", feedback_report={**report, "feedback_type": "not-spam"}))[0][0].kind == "notice"


@pytest.mark.parametrize("line", [
    record("Reception"), record("Rejection"), record("Delay"), record("XferOut"), record("Delivery", reception_protocol="LogRecord"), record("Bounce", sender=""),
])
def test_kumomta_does_not_count(line):
    assert told("kumomta", line) == ([], [])


def test_kumomta_times_in_seconds_and_printed_over_lines():
    found, rejects = told("kumomta", json.dumps(json.loads(record("Delivery", event_time=None, timestamp=int(TEN))), indent=2) + "\n" + record("Delivery"))
    assert [one.time for one in found] == [TEN, TEN + 0.5] and not rejects


# -- PowerMTA

ACCOUNTING = """type,timeLogged,timeQueued,orig,rcpt,dsnAction,dsnStatus,dsnDiag,dsnMta,bounceCat,dlvSourceIp,vmta,jobId
d,2026-11-02 10:00:00+0000,1793613590,b@sender.example,jo@rcpt.example,relayed,2.0.0 (success),smtp;250 2.0.0 OK,mx.rcpt.example (192.0.2.25),,203.0.113.9,v1,c1
b,2026-11-02 11:00:00+0100,,b@sender.example,nobody@rcpt.example,failed,5.1.1 (bad destination mailbox address),"smtp;550 5.1.1 user ""nobody"" unknown",mx.rcpt.example (192.0.2.25),bad-mailbox,203.0.113.9,v1,c1
t,1793613600,,b@sender.example,slow@rcpt.example,delayed,4.7.1 (other),"smtp;451 4.7.1
try later",mx.rcpt.example (192.0.2.25),,203.0.113.9,v1,c1
r,1793613600,,b@sender.example,jo@rcpt.example,,,,,,,,
b,1793613600,,<>,jo@rcpt.example,failed,5.1.1 (bad),,,,,,
type,timeLogged,rcpt,bounceCat,dsnStatus
b,1793613700,gone@rcpt.example,message-expired,4.4.7 (delivery time expired)
rb,1793613800,late@rcpt.example,bad-mailbox,5.1.1 (bad destination mailbox address)
rs,1793613800,late@rcpt.example,,2.0.0
"""


def test_powermta_by_the_names_of_its_columns():
    found, rejects = told("powermta", ACCOUNTING)
    assert not rejects
    assert [(one.kind, one.recipient.partition("@")[0], one.status, one.reply_code) for one in found] == [
        ("delivery", "jo", "", 0), ("bounce", "nobody", "5.1.1", 550), ("deferral", "slow", "4.7.1", 451), ("bounce", "gone", "4.4.7", 0), ("bounce", "late", "5.1.1", 0),
    ]
    bounce, expired, late = found[1], found[3], found[4]
    assert bounce.text == '550 5.1.1 user "nobody" unknown' and bounce.time == TEN and (bounce.remote_mta, bounce.remote_ip) == ("mx.rcpt.example", "192.0.2.25")
    assert found[0].sent_at == TEN - 10 and found[0].campaign == "c1" and expired.stage == "expired"
    assert late.late and late.trust == "unverified"


def test_powermta_feedback():
    content = "type,timeLogged,format,userAgent,reportedDomain,originalRcptTo,originalMailFrom,arrivalDate,sourceIp,feedbackType,header_Message-Id,header_From\n" \
              'f,1793613600,arf,Example/1.0,sender.example,u@rcpt.example,b@sender.example,"Sun, 1 Nov 2026 10:00:00 +0000",203.0.113.9,abuse,<a1@sender.example>,News <news@sender.example>\n'
    one = told("powermta", content)[0][0]
    assert (one.kind, one.recipient, one.sent_at, one.message_id, one.author_domain, one.trust) == ("complaint", "u@rcpt.example", TEN - 86_400, "a1@sender.example", "sender.example", "unverified")


def test_powermta_json_and_discarded_mail():
    row = {"type": "b", "timeLogged": "2026-11-02 10:00:00+0000", "orig": "b@sender.example", "rcpt": "nobody@rcpt.example", "dsnStatus": "5.1.1 (bad destination mailbox address)", "dsnDiag": "smtp;550 5.1.1 unknown"}
    assert [one.text for one in told("powermta", json.dumps(row))[0]] == ["550 5.1.1 unknown"] and recognized(json.dumps(row).encode()) == "powermta"
    assert told("powermta", "type,timeLogged,rcpt,dlvType\nd,1793613600,jo@rcpt.example,discard\n") == ([], [])


def test_powermta_cut_rows_are_not_read():
    _, rejects = told("powermta", "type,timeLogged,orig,rcpt,dsnStatus\nb,1793613600,b@sender.example,nobody@rc\n")
    assert "cut off" in rejects[0].reason


# -- Exchange

FIELDS = "date-time,client-ip,client-hostname,server-ip,server-hostname,source-context,connector-id,source,event-id,internal-message-id,message-id,network-message-id,recipient-address," \
         "recipient-status,total-bytes,recipient-count,related-recipient-address,reference,message-subject,sender-address,return-path,message-info,directionality"


def tracked(event, recipients, status, **more):
    """A row of a tracking log."""
    row = dict.fromkeys(FIELDS.split(","), "") | {
        "date-time": "2026-11-02T10:00:00.000Z", "client-hostname": "EX1", "server-hostname": "mx.rcpt.example", "source": "SMTP", "event-id": event, "internal-message-id": "77",
        "message-id": "<a1@sender.example>", "recipient-address": recipients, "recipient-status": status, "sender-address": "u@sender.example", "return-path": "u@sender.example",
        "directionality": "Originating", "connector-id": "Outbound to Internet",
    } | {name.replace("_", "-"): value for name, value in more.items()}
    return ",".join('"' + value.replace('"', '""') + '"' if "," in value or '"' in value else value for value in row.values())


def exchange(*rows, setting=SETTING):
    return told("exchange", "\ufeff#Software: Microsoft Exchange Server\r\n#Log-type: Message Tracking Log\r\n#Fields: " + FIELDS + "\r\n" + "\r\n".join(rows) + "\r\n", setting)


def test_exchange_status_of_each_recipient():
    both = "[{LED=550 5.1.1 no such user; really};{MSG=};{FQDN=mx.rcpt.example};{IP=192.0.2.25};{LRT=2026-11-02T10:00:00Z}];[{LRT=};{LED=550 4.4.7 QUEUE.Expired; message expired};{FQDN=};{IP=}]"
    found, rejects = exchange(tracked("FAIL", "a@rcpt.example;b@other.example", both))
    assert not rejects
    assert [(one.recipient, one.text, one.status, one.stage) for one in found] == [
        ("a@rcpt.example", "550 5.1.1 no such user; really", "5.1.1", ""), ("b@other.example", "550 4.4.7 QUEUE.Expired; message expired", "4.4.7", "expired"),
    ]
    assert (found[0].remote_mta, found[0].remote_ip) == ("mx.rcpt.example", "192.0.2.25")


def test_exchange_plain_statuses_hold_semicolons():
    one = exchange(tracked("FAIL", "a@rcpt.example", "550 5.1.1 RESOLVER.ADR.RecipNotFound; not found"))[0][0]
    assert one.text.endswith("; not found")
    two = exchange(tracked("FAIL", "a@rcpt.example;b@rcpt.example", "550 5.1.1 RESOLVER.ADR.RecipNotFound; not found;550 5.2.2 mailbox full"))[0]
    assert [one.status for one in two] == ["5.1.1", "5.2.2"]
    unclear = exchange(tracked("FAIL", "a@rcpt.example;b@rcpt.example;c@rcpt.example", "550 5.1.1 RESOLVER.ADR.RecipNotFound"))[0]
    assert [one.text for one in unclear] == ["", "", ""], "whose words these are is unknown, so they are nobody's"


@pytest.mark.parametrize("row", [
    tracked("SEND", "a@rcpt.example", "250 2.1.5 OK", connector_id="Intra-Organization SMTP Send Connector"), tracked("RECEIVE", "a@rcpt.example", ""), tracked("EXPAND", "a@rcpt.example", ""),
    tracked("DSN", "u@sender.example", ""), tracked("FAIL", "a@sender.example", "550 5.1.1 x", directionality="Incoming"), tracked("FAIL", "a@rcpt.example", "550 5.1.1 x", return_path="<>"),
    tracked("HAREDIRECT", "a@rcpt.example", ""), tracked("DUPLICATEDELIVER", "a@rcpt.example", ""),
])
def test_exchange_stations_do_not_count(row):
    assert exchange(row) == ([], [])


def test_exchange_final_events():
    found, _ = exchange(tracked("SENDEXTERNAL", "a@rcpt.example", "250 2.1.5 OK", server_ip="192.0.2.25"), tracked("SEND", "b@rcpt.example", "250 2.1.5 OK"),
                        tracked("DELIVER", "c@sender.example", ""), tracked("DEFER", "d@rcpt.example", "451 4.4.0 DNS query failed"), tracked("BADMAIL", "e@rcpt.example", ""))
    assert [one.kind for one in found] == ["delivery", "delivery", "delivery", "deferral", "bounce"]
    assert found[0].remote_ip == "192.0.2.25" and found[2].facts["local"] and not found[0].text
    own = Setting(now=NOW, own_domains=frozenset(("other.example",)))
    assert exchange(tracked("FAIL", "a@rcpt.example", "550 5.1.1 x"), setting=own) == ([], [])


def test_exchange_counts_a_delivery_once():
    edge = tracked("SEND", "a@rcpt.example", "250 2.1.5 OK", network_message_id="g", connector_id="EdgeSync - Site to Internet", server_hostname="EDGE1")
    outside = tracked("SENDEXTERNAL", "a@rcpt.example", "250 2.1.5 OK", network_message_id="g", date_time="2026-11-02T10:00:04.000Z")
    assert len({one.native_id for one in exchange(edge, outside)[0]}) == 1


def test_exchange_saved_get_messagetrackinglog():
    head = '"Timestamp","EventId","Source","Sender","Recipients","RecipientStatus","MessageId","ConnectorId","ReturnPath"'
    content = head + '\n"11/2/2026 10:00:00 AM","FAIL","SMTP","u@sender.example","a@rcpt.example","550 5.1.1 no such user","<a1@sender.example>","","u@sender.example"\n'
    assert recognized(content.encode()) == "exchange"
    found, rejects = told("exchange", content)
    assert not rejects and [(one.recipient, one.status, one.time) for one in found] == [("a@rcpt.example", "5.1.1", TEN)]


def test_exchange_without_fields_is_not_guessed():
    assert "#Fields" in told("exchange", tracked("FAIL", "a@rcpt.example", "550 5.1.1 x"))[1][0].reason


# -- Microsoft 365

TRACE = '"Organization";"MessageId";"Received";"SenderAddress";"RecipientAddress";"Subject";"Status";"ToIP";"FromIP";"Size";"MessageTraceId"\r\n' \
        '"o";"<a1@sender.example>";"02.11.2026 10:00:00";"u@sender.example";"a@rcpt.example";"caf\u00e9 \u010a \u0a0a;\r\nx";"Failed";"";"";"1";"g1"\r\n' \
        '"o";"<a2@sender.example>";"02.11.2026 10:00:00";"u@sender.example";"b@rcpt.example";"s";"Delivered";"192.0.2.25";"";"1";"g2"\r\n' \
        '"o";"<a3@else.example>";"02.11.2026 10:00:00";"x@else.example";"u@sender.example";"s";"Delivered";"";"198.51.100.7";"1";"g3"\r\n' \
        '"o";"<a4@sender.example>";"02.11.2026 10:00:00";"u@sender.example";"c@rcpt.example";"s";"Expanded";"";"";"1";"g4"\r\n' \
        '"o";"<a5@sender.example>";"02.11.2026 10:00:00";"u@sender.example";"c@rcpt.example";"s";"Vanished";"";"";"1";"g5"\r\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_m365_traces_in_any_dress(encoding, delimiter):
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    content = mark + TRACE.replace('";"', f'"{delimiter}"').encode(encoding)
    assert recognized(content) == "m365-trace"
    found, rejects = told("m365-trace", content)
    assert [(one.kind, one.recipient, one.time) for one in found] == [("bounce", "a@rcpt.example", TEN), ("delivery", "b@rcpt.example", TEN)]
    assert ["Vanished" in one.reason for one in rejects] == [True]


def test_m365_own_domains_tell_what_was_sent_here():
    own = Setting(now=NOW, own_domains=frozenset(("else.example",)))
    assert [one.recipient for one in told("m365-trace", TRACE, own)[0]] == ["u@sender.example"]


def test_own_domains_have_others_below_them():
    own = Setting(now=NOW, own_domains=frozenset(("sender.example",)))
    assert len(told("m365-trace", TRACE.replace("u@sender", "u@news.sender"), own)[0]) == 2
    assert not told("m365-trace", TRACE.replace("u@sender", "u@notsender"), own)[0]


def test_m365_historical_search():
    content = "origin_timestamp_utc,sender_address,recipient_status,message_subject,total_bytes,message_id,network_message_id,original_client_ip,directionality,connector_id,delivery_priority\n" \
              '2026-11-02T10:00:00.0000000Z,u@sender.example,"a@rcpt.example##Receive, Fail; b@rcpt.example##Receive, Send;c@rcpt.example##Receive, Deliver, Expand",s,1,<m@sender.example>,g,,2,,Normal\n' \
              "2026-11-02T10:00:00.0000000Z,x@else.example,a@sender.example##Deliver,s,1,<n@else.example>,h,,1,,Normal\n"
    assert [(one.kind, one.recipient) for one in told("m365-trace", content)[0]] == [("bounce", "a@rcpt.example"), ("delivery", "b@rcpt.example")]


def test_m365_extended_reports_are_tracking_logs():
    content = FIELDS.replace("-", "_").replace("date_time", "date_time_utc") + "\n" + tracked("FAIL", "a@rcpt.example", "[{LED=550 5.1.10 RESOLVER.ADR.RecipientNotFound};{MSG=};{FQDN=};{IP=};{LRT=}]") + "\n"
    assert recognized(content.encode()) == "m365-trace"
    one = told("m365-trace", content)[0][0]
    assert (one.source, one.status) == ("m365-trace", "5.1.10")


def test_m365_details_hold_the_words():
    content = "MessageId,Date,Event,Action,Detail,SenderAddress,RecipientAddress,MessageTraceId\n" \
              '<a1@sender.example>,11/2/2026 10:00:00 AM,Fail,,"Reason: [{LED=550 5.4.1 Recipient address rejected: Access denied};{MSG=};{FQDN=mx.rcpt.example};{IP=192.0.2.25};{LRT=}]",u@sender.example,a@rcpt.example,g1\n' \
              "<a1@sender.example>,11/2/2026 10:00:00 AM,Receive,,Message received,u@sender.example,a@rcpt.example,g1\n"
    found, rejects = told("m365-trace", content)
    assert not rejects and [(one.text, one.remote_mta, one.time) for one in found] == [("550 5.4.1 Recipient address rejected: Access denied", "mx.rcpt.example", TEN)]


def test_m365_graph_pages():
    page = {"@odata.context": "x", "value": [{"id": "1", "senderAddress": "u@sender.example", "recipientAddress": "a@rcpt.example", "messageId": "<1@sender.example>", "receivedDateTime": "2026-11-02T10:00:00Z", "status": "failed", "toIP": None}]}
    for content in (json.dumps(page), json.dumps([page, page]), json.dumps(page["value"], indent=1)):
        assert recognized(content.encode()) == "m365-graph"
        assert {(one.kind, one.recipient, one.time) for one in told("m365-graph", content)[0]} == {("bounce", "a@rcpt.example", TEN)}


# -- Google Workspace

def gmail(action, **more):
    """A Gmail log event as BigQuery nests it."""
    message = {"action_type": str(action), "rfc2822_message_id": "<a1@sender.example>", "source": {"address": "u@sender.example", "service": "gmail-ui"},
               "destination": [{"address": "a@rcpt.example", "service": "smtp-outbound"}, {"address": "b@rcpt.example", "service": "smtp-outbound"}], "description": "No Error",
               "connection_info": {"smtp_reply_code": "250", "smtp_out_remote_host": "mx.rcpt.example"}, **more}
    return json.dumps({"event_info": {"timestamp_usec": "1793613600000000", "success": True}, "message_info": message})


def test_workspace_logs_out_of_bigquery():
    bounced = gmail(18, description="550 5.1.1 no such user", connection_info={"smtp_reply_code": 550})
    inbound = gmail(18, source={"address": "x@else.example", "service": "smtp-inbound"})
    content = "\n".join((gmail(10), bounced, inbound, gmail(1), gmail(3), gmail(14, connection_info={"smtp_reply_code": 421})))
    assert recognized(content.encode()) == "workspace"
    found, rejects = told("workspace", content)
    assert not rejects and [one.kind for one in found] == ["delivery", "delivery", "bounce", "bounce", "deferral", "deferral"]
    assert (found[2].text, found[2].reply_code, found[2].status, found[0].remote_mta, found[0].text) == ("550 5.1.1 no such user", 550, "5.1.1", "mx.rcpt.example", "")
    wrapped = json.dumps({"time_usec": "1793613600000000", "gmail": json.loads(gmail(10))})
    assert len(told("workspace", wrapped)[0]) == 2


def test_workspace_flattened():
    for names in ("event_info.timestamp_usec,message_info.action_type,message_info.source.address,message_info.flattened_destinations,message_info.connection_info.smtp_reply_code",
                  "gmail.event_info.timestamp_usec,gmail.message_info.action_type,gmail.message_info.source.address,gmail.message_info.flattened_destinations,gmail.message_info.connection_info.smtp_reply_code",
                  "event_info_timestamp_usec,message_info_action_type,message_info_source_address,message_info_flattened_destinations,message_info_connection_info_smtp_reply_code"):
        found, _ = told("workspace", names + '\n1793613600000000,10,u@sender.example,"smtp-outbound::a@rcpt.example,smtp-outbound::b@rcpt.example",250\n')
        assert [(one.kind, one.recipient, one.time) for one in found] == [("delivery", "a@rcpt.example", TEN), ("delivery", "b@rcpt.example", TEN)]


def test_workspace_log_search():
    content = "Message ID,Start date,End date,Sender,Message size,Subject,Direction,Attachments,Recipient address,Event target,Event date,Event status,Event target IP address,Has encryption,Event SMTP reply code,Event description\n" \
              "<a1@sender.example>,2026/11/02 09:59:59 UTC,2026/11/02 10:00:00 UTC,u@sender.example,1,s,Sent,0,a@rcpt.example,SMTP_OUT,2026/11/02 10:00:00 UTC,DELIVERED,192.0.2.25,Yes,250,\n" \
              "<a2@sender.example>,2026/11/02 09:59:59 UTC,2026/11/02 10:00:00 UTC,u@sender.example,1,s,Sent,0,b@rcpt.example,SMTP_OUT,2026/11/02 10:00:00 UTC,BOUNCED,192.0.2.25,Yes,550,550 5.1.1 no such user\n" \
              "<a3@else.example>,2026/11/02 09:59:59 UTC,2026/11/02 10:00:00 UTC,x@else.example,1,s,Received,0,u@sender.example,GMAIL_INBOX,2026/11/02 10:00:00 UTC,DELIVERED,,Yes,,\n"
    found, rejects = told("workspace", content)
    assert not rejects and [(one.kind, one.recipient, one.reply_code, one.time) for one in found] == [("delivery", "a@rcpt.example", 250, TEN), ("bounce", "b@rcpt.example", 550, TEN)]


# -- ZoneMTA

def test_zonemta_json_and_forms():
    body = {"id": "15a1", "seq": "001", "to": "nobody@rcpt.example", "returnPath": "b@sender.example", "category": "recipient", "time": 1793613600000, "response": "550 5.1.1 user unknown", "fbl": "c1"}
    form = "id=15a1&to=nobody%40rcpt.example&seq=002&returnPath=b%40sender.example&category=recipient&time=1793613600000&response=550+5.1.1+user+unknown"
    found, rejects = told("zonemta", json.dumps(body) + "\n" + form + "\n" + json.dumps({**body, "returnPath": ""}))
    assert not rejects and [(one.recipient, one.status, one.time) for one in found] == [("nobody@rcpt.example", "5.1.1", TEN)] * 2
    assert len({one.native_id for one in found}) == 2 and recognized(form.encode()) == "zonemta" == recognized(json.dumps(body).encode())


# -- tables of one's own

def test_tables_give_the_denominators():
    content = "Day;Kind;Author Domain;Provider;Count\n2026-11-01;delivered;sender.example;google;18,250\n2026-11-01;delivered;sender.example;outlook;300\n2026-11-01;delivery;sender.example;google;0\n"
    found, rejects = told("table", content)
    assert not rejects and [(one.kind, one.provider, one.count, one.author_domain) for one in found] == [("delivery", "google", 18_250, "sender.example"), ("delivery", "outlook", 300, "sender.example")]
    assert len({one.native_id for one in found}) == 2
    corrected = told("table", content.replace("18,250", "18,251"))[0]
    assert corrected[0].native_id == found[0].native_id, "a corrected count is not a second volume"


@pytest.mark.parametrize(("row", "reason"), [
    ("2026-11-02,sent,jo@rcpt.example,,", "says only that it left"), ("2026-11-02,eaten,jo@rcpt.example,,", "Write delivery, bounce"), ("2026-11-02,,jo@rcpt.example,,", "It has no kind"),
    (",bounce,jo@rcpt.example,,", "no time"), ("11/2/2026,bounce,jo@rcpt.example,,", "two readings"), ("9999-01-01,bounce,jo@rcpt.example,,", "can't be"), ("0000-00-00,bounce,jo@rcpt.example,,", "can't be"),
    ("2026-11-02,bounce,jo,,", "no mail address"), ("2026-11-02,bounce,,,", "names no recipient"), ("2026-11-02,bounce,jo@rcpt.example,,-5", "whole number"),
    ("2026-11-02,bounce,jo@rcpt.example,,NaN", "whole number"), ("2026-11-02,bounce,jo@rcpt.example,,1e99", "whole number"), ("2026-11-02,bounce,jo@rcpt.example,,,x", "cells"),
])
def test_tables_say_what_would_be_right(row, reason):
    found, rejects = told("table", "time,kind,recipient,text,count\n" + row + "\n2026-11-02,bounce,ok@rcpt.example,550 5.1.1 x,\n")
    assert reason in rejects[0].reason and [one.recipient for one in found] == ["ok@rcpt.example"]


def test_tables_take_the_kind_from_codes_and_pass_over_opens():
    content = "email,event,timestamp,reason\na@rcpt.example,open,1793613600,\nb@rcpt.example,,1793613600,550 5.1.1 x\nc@rcpt.example,,1793613600,421 later\nd@rcpt.example,soft_bounce,1793613600,452 4.2.2 full\n"
    assert [(one.kind, one.recipient[0]) for one in told("table", content)[0]] == [("bounce", "b"), ("deferral", "c"), ("deferral", "d")]


def test_tables_never_bring_verdicts():
    one = told("table", "time,kind,recipient,text,suppress,cause\n2026-11-02,bounce,jo@rcpt.example,550 5.7.1 blocked by policy,true,address.unknown\n")[0][0]
    assert not one.suppress and not one.cause and not Judge().complete(one).suppress


def test_tables_of_json_lines():
    found, rejects = told("table", '[\n{"email": "a@rcpt.example", "event": "bounce", "timestamp": 1793613600, "reason": "550 5.1.1 \\ud800 x"},\n{"email": "b@rcpt.example", "event": "bounce", "timestamp": 1793613600}\n]\n')
    assert not rejects and [one.recipient for one in found] == ["a@rcpt.example", "b@rcpt.example"]
    found[0].text.encode("utf-8")


def test_each_kind_is_recognized_by_its_own_feed():
    for kind, content in (("powermta", ACCOUNTING), ("kumomta", record("Bounce")), ("exchange", "#Software: Microsoft Exchange Server\n#Log-type: Message Tracking Log\n#Fields: " + FIELDS + "\n"),
                          ("table", "time,kind,recipient\n2026-11-02,bounce,jo@rcpt.example\n")):
        assert recognized(content.encode()) == kind
    assert set(KINDS) <= set(feeds())
