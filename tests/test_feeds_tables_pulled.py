"""SNDS and Postmaster Tools: rates stay rates, bounds stay bounds, and what is missing is not zero."""
from __future__ import annotations

import json

import pytest
from test_feeds_tables import NOW, told

from fivefifty.feeds import Setting, recognized

DAY = 1_793_577_600.0  # 2 November 2026


def test_snds_without_header():
    content = "203.0.113.9,11/2/2026 1:00 AM,11/2/2026 11:00 PM,1895,1894,1894,GREEN,< 0.1%,,,0,,,\n203.0.113.10,11/2/2026 1:00 AM,11/2/2026 11:00 PM,5,5,5,RED,,11/2/2026 3:00 AM,11/2/2026 4:00 AM,2,helo.example,b@sender.example,note\n"
    assert recognized(content.encode()) == "snds"
    (green, red), rejects = told("snds", content)
    assert not rejects and (green.kind, green.sending_ip, green.provider, green.time, green.count) == ("listing", "203.0.113.9", "outlook", DAY + 3600, 1)
    assert green.facts["complaint_rate_below"] == 0.001 and "complaint_rate" not in green.facts and green.facts["message_recipients"] == 1894
    assert red.facts["filter_result"] == "RED" and red.facts["trap_hits"] == 2 and not any(name.startswith("complaint") for name in red.facts)


@pytest.mark.parametrize(("written", "facts"), [
    ("< 0.1%", {"complaint_rate_below": 0.001}), ("0.3%", {"complaint_rate": 0.003}), ("0.1% - 0.3%", {"complaint_rate_above": 0.001, "complaint_rate_below": 0.003}), ("> 1%", {"complaint_rate_above": 0.01}),
    ("", {}), ("N/A", {}), ("0,3 %", {"complaint_rate": 0.003}), ("900%", {}),
])
def test_snds_rates(written, facts):
    content = f'"IP Address","Activity Start","Activity End","Filter Result","Complaint Rate"\n203.0.113.9,2026-11-02T01:00:00Z,2026-11-02T23:00:00Z,YELLOW,"{written}"\n'
    assert {name: value for name, value in told("snds", content)[0][0].facts.items() if name.startswith("complaint")} == facts


def test_snds_status():
    content = "203.0.113.9,203.0.113.9,Yes,Blocked due to user complaints\n198.51.100.0,198.51.100.255,No,\n"
    blocked, free = told("snds", content)[0]
    assert blocked.facts["blocked"] is True and blocked.sending_ip == "203.0.113.9" and blocked.text.startswith("Blocked")
    assert free.facts["blocked"] is False and free.sending_ip == "" and free.facts["last_ip"] == "198.51.100.255"
    assert told("snds", "203.0.113.9,203.0.113.9,Perhaps,\n")[1]


def stat(day, value, metric="SPAM_RATE"):
    return {"name": "domains/example.org/domainStats/x", "metric": metric, "date": {"year": 2026, "month": 11, "day": day}, "value": value}


def test_postmaster_v2():
    page = {"domainStats": [stat(1, {"doubleValue": 0.0012}), stat(2, {"intValue": "7"}, "delivery_errors")], "nextPageToken": "x"}
    content = json.dumps(page)
    assert recognized(content.encode()) == "postmaster"
    one, two = told("postmaster", content)[0]
    assert (one.kind, one.author_domain, one.provider, one.time, one.count, one.facts) == ("listing", "example.org", "google", DAY - 86_400, 1, {"statistic": "spam_rate", "spam_rate": 0.0012})
    assert two.facts["delivery_errors"] == 7 and one.native_id != two.native_id
    batch = json.dumps({"results": [{"response": page}, {"error": {"code": 7}}]})
    assert len(told("postmaster", batch)[0]) == 2
    assert told("postmaster", '{"domainStats": []}') == ([], []) == told("postmaster", "{}"), "no data is no zero"
    assert "no single day" in told("postmaster", json.dumps({"domainStats": [{**stat(1, {}), "date": None}]}))[1][0].reason


def test_postmaster_v1():
    content = json.dumps({"trafficStats": [{"name": "domains/example.org/trafficStats/20261102", "userReportedSpamRatio": 0.001, "userReportedSpamRatioUpperBound": 0.003, "domainReputation": "HIGH",
                                            "ipReputations": [{"reputation": "BAD", "ipCount": "3"}], "deliveryErrors": [{"errorClass": "PERMANENT_ERROR", "errorType": "BAD_ATTACHMENT", "errorRatio": 0.02}]}]})
    one = told("postmaster", content)[0][0]
    assert one.time == DAY and one.facts["user_reported_spam_ratio_upper_bound"] == 0.003 and one.facts["ips_bad"] == "3" and one.facts["delivery_errors"] == ["PERMANENT_ERROR BAD_ATTACHMENT 0.02"]


def test_postmaster_dashboards():
    content = "Date,User-reported spam rate\n2026-11-02,0.12%\n2026-11-03,\n"
    own = Setting(now=NOW, own_domains=frozenset(("example.org",)))
    found, rejects = told("postmaster", content, own)
    assert not rejects and [(one.time, one.author_domain, one.facts["user_reported_spam_rate"]) for one in found] == [(DAY, "example.org", 0.0012)]
    assert "does not name its domain" in told("postmaster", content)[1][0].reason
