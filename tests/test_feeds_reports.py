"""DMARC aggregate and TLS reports: every packing, both schemas, damage and attacks."""
from __future__ import annotations

import base64
import contextlib
import gzip
import io
import json
import tracemalloc
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fivefifty.feeds import Reject, Setting, events, feed, recognized
from fivefifty.feeds.reports._packed import Unpackable, contents
from fivefifty.model import Event

SETTING = Setting(now=1_793_700_000.0)
ROW = (
    "<record><row><source_ip>{ip}</source_ip><count>{count}</count><policy_evaluated><disposition>none</disposition><dkim>{dkim}</dkim><spf>fail</spf></policy_evaluated></row>"
    "<identifiers><header_from>Example.com</header_from><envelope_from>bounce.example.com</envelope_from></identifiers>"
    "<auth_results><dkim><domain>example.com</domain><selector>s1</selector><result>{dkim}</result></dkim><dkim><domain>example.net</domain><result>pass</result></dkim>"
    "<spf><domain>bounce.example.com</domain><scope>mfrom</scope><result>softfail</result></spf></auth_results></record>"
)
HEAD = (
    "<report_metadata><org_name>{org}</org_name><email>dmarc@receiver.example</email><report_id>{id}</report_id><date_range><begin>{begin}</begin><end>1793699999</end></date_range></report_metadata>"
    "<policy_published><domain>example.com</domain><adkim>r</adkim><aspf>r</aspf><p>none</p><sp>none</sp><pct>100</pct></policy_published>"
)


def row(ip="192.0.2.1", count=3, dkim="pass"):
    return ROW.format(ip=ip, count=count, dkim=dkim)


def report(*rows, head=None, org="Receiver", id="r1", begin=1793613600, root="feedback"):
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{root}>{head or HEAD.format(org=org, id=id, begin=begin)}{"".join(rows) or row()}</{root}>'.encode()


def zipped(**members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name + ".xml", content)
    return out.getvalue()


def mailed(content, kind="application/gzip", end="\r\n", subject="Report Domain: example.com Submitter: receiver.example Report-ID: <r1>"):
    lines = ["From: dmarc@receiver.example", "To: reports@example.com", f"Subject: {subject}", "MIME-Version: 1.0", 'Content-Type: multipart/mixed; boundary="b"', "",
             "--b", "Content-Type: text/plain", "", "A report.", "--b", f"Content-Type: {kind}; name=receiver.example!example.com!1!2.xml.gz", "Content-Transfer-Encoding: base64", "",
             *base64.encodebytes(content).decode().split(), "--b--", ""]
    return end.join(lines).encode()


def read(content, kind="dmarc", setting=SETTING):
    found = list(events(kind, content, setting, "in"))
    return [one for one in found if isinstance(one, Event)], [one for one in found if isinstance(one, Reject)]


PLAIN = report()
FORMS = {
    "plain": PLAIN, "gzip": gzip.compress(PLAIN), "zip": zipped(a=PLAIN), "gzip in zip": zipped(a=gzip.compress(PLAIN)), "zip in gzip": gzip.compress(zipped(a=PLAIN)),
    "mail": mailed(gzip.compress(PLAIN)), "mail with a zip": mailed(zipped(a=PLAIN), "application/octet-stream"), "mail with a wrong type": mailed(gzip.compress(PLAIN), "text/plain"),
    "mail with bare line ends": mailed(gzip.compress(PLAIN), end="\n"), "padded gzip": gzip.compress(PLAIN) + b"\0" * 30, "byte order mark": b"\xef\xbb\xbf" + PLAIN,
    "utf-16": PLAIN.decode().replace("UTF-8", "UTF-16").encode("utf-16"), "garbage behind": PLAIN + b"\n-- \nSent by a machine", "space before": b"\r\n  " + PLAIN,
    "two members of gzip": gzip.compress(PLAIN[:200]) + gzip.compress(PLAIN[200:]), "the mail itself": b"Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: application/xml\r\n\r\n" + PLAIN,
}


@pytest.mark.parametrize("form", FORMS)
def test_a_report_reads_the_same_however_it_is_packed(form):
    told, refused = read(FORMS[form])
    assert not refused
    (event,) = told
    assert (event.kind, event.count, event.sending_ip, event.author_domain, event.envelope_sender, event.time) == ("authentication", 3, "192.0.2.1", "example.com", "@bounce.example.com", 1793613600.0)
    assert event.facts["dkim"] == "pass" and event.facts["spf"] == "fail" and event.facts["aligned"] is True and event.facts["disposition"] == "none"
    assert event.facts["auth_dkim"] == [{"domain": "example.com", "selector": "s1", "result": "pass"}, {"domain": "example.net", "result": "pass"}]
    assert event.facts["auth_spf"] == [{"domain": "bounce.example.com", "scope": "mfrom", "result": "softfail"}]
    assert event.native_id == read(PLAIN)[0][0].native_id
    assert event.trust == "unverified"


def test_the_form_of_rfc_9990():
    head = HEAD.format(org="Receiver", id="r1", begin=1793613600).replace("<pct>100</pct>", "<np>reject</np><testing>y</testing><discovery_method>treewalk</discovery_method>")
    content = report(head=head).replace(b"<feedback>", b'<d:feedback xmlns:d="urn:ietf:params:xml:ns:dmarc-2.0"><d:version>1.0</d:version>').replace(b"</feedback>", b"</d:feedback>")
    content = content.replace(b"<disposition>none", b"<disposition>pass")
    (event,), refused = read(content)
    assert not refused and event.facts["disposition"] == "pass"
    assert event.facts["policy"] == {"domain": "example.com", "adkim": "r", "aspf": "r", "p": "none", "sp": "none", "np": "reject", "testing": "y", "discovery_method": "treewalk"}


def test_the_same_report_is_the_same_and_another_range_is_another():
    ids = {event.native_id for event in read(report(row(), row("192.0.2.2")))[0]}
    assert ids == {event.native_id for event in read(gzip.compress(report(row("192.0.2.2"), row())))[0]}
    assert not ids & {event.native_id for event in read(report(row(), row("192.0.2.2"), begin=1793527200))[0]}
    twice = [event.native_id for event in read(report(row(), row()))[0]]
    assert len(set(twice)) == 2  # two rows that say the same are two rows


def test_reasons_upper_case_and_metadata_behind_the_rows():
    told = row().replace("</policy_evaluated>", "<reason><type>forwarded</type><comment>x</comment></reason><reason/></policy_evaluated>").replace("<result>pass", "<result>PASS").replace("<dkim>pass", "<dkim>Pass")
    content = f"<feedback>{told}{HEAD.format(org='AT&T', id='1', begin='2026-11-02T10:00:00Z')}</feedback>".encode()
    (event,), refused = read(content)
    assert not refused
    assert event.facts["reasons"] == [{"type": "forwarded", "comment": "x"}] and event.facts["dkim"] == "pass" and event.facts["auth_dkim"][0]["result"] == "pass"
    assert event.facts["reporter"] == "AT&T" and event.time == 1793613600.0


@pytest.mark.parametrize(("broken", "reason"), [
    (row(count="-1"), "count"), (row(count="10e30"), "count"), (row(count=""), "count"), (row(count="1" * 5000), "count"), (row(count="0"), "count"), (row(ip="nowhere"), "source_ip"), (row(ip=""), "source_ip"),
])
def test_rows_that_lie_are_kept_aside_and_the_others_go_on(broken, reason):
    told, refused = read(report(row("192.0.2.8"), broken, row("192.0.2.9")))
    assert [event.sending_ip for event in told] == ["192.0.2.8", "192.0.2.9"]
    (one,) = refused
    assert reason in one.reason and one.where == "in, row 2"


@pytest.mark.parametrize(("content", "reason"), [
    (b'<?xml version="1.0"?><!DOCTYPE f [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><feedback>&b;</feedback>', "DTD"),
    (b'<!DOCTYPE f SYSTEM "file:///etc/passwd"><feedback/>', "DTD"),
    ('<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE f [<!ENTITY a "b">]><feedback/>'.encode("utf-16"), "DTD"),
    (b"<feedback>" + b"<x>" * 100_000, "deeper"), (PLAIN[:-30], "cut off"), (b"<feedback/>", "no rows"), (b"<html><body/></html>", "no DMARC report"),
    (b"PK\x03\x04nonsense", "damaged"), (b"\x1f\x8bnonsense", "damaged"), (gzip.compress(PLAIN)[:-40], "cut off"), (b"", "no DMARC report"), (b'<?xml version="1.0"?><rss/>', "root is not"),
])
def test_what_is_no_report_is_refused_with_its_reason(content, reason):
    refused = read(content)[1]
    assert refused and reason in refused[0].reason and refused[0].content == content


def test_a_cut_report_keeps_the_rows_before():
    content = report(*(row(f"192.0.2.{n}") for n in range(1, 21)))
    told, refused = read(content[: len(content) - 700])
    assert len(told) in (18, 19) and f"{len(told)} rows before that were read" in refused[0].reason


def test_invalid_bytes_are_mended():
    (event,), refused = read(PLAIN.replace(b"Receiver", b"Re\xff\x00ceiver"))
    assert not refused and "ceiver" in event.facts["reporter"]


def test_bombs_end_soon():
    bomb = gzip.compress(b"<feedback>" + b" " * 60_000_000)
    tracemalloc.start()
    told, refused = read(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert not told and "attack" in refused[0].reason and peak < 8_000_000
    told, refused = read(zipped(a=b"<feedback>" + b"<a></a>" * 9_000_000))
    assert not told and "attack" in refused[0].reason


def test_a_report_about_another_domain_is_kept_aside():
    told, refused = read(PLAIN, setting=Setting(now=SETTING.now, own_domains=frozenset(("example.org",))))
    assert not told and "none of your domains" in refused[0].reason
    assert read(PLAIN, setting=Setting(now=SETTING.now, own_domains=frozenset(("example.com",)), trusted=True))[0][0].trust == "own"


def test_a_large_report_takes_little_memory():
    content = gzip.compress(report(*(row(f"192.0.{n // 250}.{n % 250}") for n in range(5_000))))
    tracemalloc.start()
    count = sum(one.count for one in events("dmarc", content, SETTING, "in") if isinstance(one, Event))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 15_000 and peak < 6_000_000


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(PLAIN)), st.binary(max_size=6), st.integers(0, 40))
def test_damage_anywhere_never_raises(at, more, drop):
    told, refused = read(PLAIN[:at] + more + PLAIN[at + drop :])
    assert len(told) <= 2 and len(refused) <= 2


# TLS-RPT

TLS = {
    "organization-name": "Receiver", "date-range": {"start-datetime": "2026-11-02T00:00:00Z", "end-datetime": "2026-11-02T23:59:59Z"}, "contact-info": "tls@receiver.example", "report-id": "t1",
    "policies": [{
        "policy": {"policy-type": "sts", "policy-string": ["version: STSv1", "mode: enforce"], "policy-domain": "example.com", "mx-host": ["*.mx.example.com"]},
        "summary": {"total-successful-session-count": 100, "total-failure-session-count": 7},
        "failure-details": [
            {"result-type": "certificate-expired", "sending-mta-ip": "2001:db8::1", "receiving-mx-hostname": "MX1.example.com.", "receiving-ip": "192.0.2.5", "failed-session-count": 4},
            {"result-type": "brand-new-type", "failed-session-count": "2", "failure-reason-code": "X"},
        ],
    }],
}


def test_a_tls_report():
    for content in (json.dumps(TLS).encode(), gzip.compress(json.dumps(TLS).encode()), mailed(gzip.compress(json.dumps(TLS).encode()), "application/tlsrpt+gzip")):
        told, refused = read(content, "tlsrpt")
        assert not refused
        assert [(one.count, one.facts["outcome"], one.facts.get("result_type", "")) for one in told] == [
            (100, "success", ""), (4, "failure", "certificate-expired"), (2, "failure", "brand-new-type"), (1, "failure", "")]
        first = told[1]
        assert (first.sending_ip, first.remote_mta, first.recipient_domain, first.time) == ("2001:db8::1", "mx1.example.com", "example.com", 1793577600.0)
        assert told[2].facts["known_result_type"] is False and told[3].facts["unexplained"] is True


@pytest.mark.parametrize("change", [
    {"policies": [{"policy": 5, "summary": [], "failure-details": {}}]}, {"policies": [None, 3, "x"]}, {"policies": {}}, {"date-range": 7}, {"policies": [{"summary": {"total-successful-session-count": -5}}]},
    {"policies": [{"failure-details": [None, {"failed-session-count": 10**40}, {"failed-session-count": True}]}]},
])
def test_tls_reports_that_lie_are_kept_aside(change):
    told, refused = read(json.dumps({**TLS, **change}).encode(), "tlsrpt")
    assert not [one for one in told if one.count < 1] and (refused or not told)


def test_deep_and_strange_json_is_refused():
    for content in (b'{"policies":' + b"[" * 200_000, b'{"policies": NaN}', b"{}", b'{"a":1}', b"[]"):
        told, refused = read(content, "tlsrpt")
        assert not told and refused


def test_reports_are_recognized():
    assert recognized(PLAIN) == "dmarc" and recognized(json.dumps(TLS).encode()) == "tlsrpt"
    assert recognized(mailed(gzip.compress(PLAIN))) == "dmarc" and feed("tlsrpt").looks(b"<feedback>") == 0


# What reporters of the world do, and what attackers would

QUIRKS = {
    "results that are missing": (row().replace("<dkim>pass</dkim><spf>fail</spf>", ""), {"dkim": "", "spf": "", "aligned": ""}),
    "results of old drafts": (row().replace("identifiers>", "identities>"), {"dkim": "pass", "aligned": True}),
    "an extension": (row().replace("</record>", "<extensions><extension name='x' definition='https://example.com/x'><data>1</data></extension></extensions></record>"), {"extensions": [{"name": "x", "definition": "https://example.com/x"}]}),
    "words about a result": (row().replace("<result>softfail", "<human_result>No &amp; yes</human_result><result>softfail"), {"auth_spf": [{"domain": "bounce.example.com", "scope": "mfrom", "human_result": "No & yes", "result": "softfail"}]}),
    "a comment that looks like a row": (row().replace("<row>", "<!-- </record> --><row>"), {"dkim": "pass"}),
    "a row in a comment": ("<!-- <record> </record> -->" + row(), {"dkim": "pass"}),
}


@pytest.mark.parametrize("quirk", QUIRKS)
def test_quirks_of_rows(quirk):
    written, wanted = QUIRKS[quirk]
    (event,), refused = read(report(written))
    assert not refused and {name: event.facts.get(name) for name in wanted} == wanted


@pytest.mark.parametrize(("old", "new", "wanted"), [
    ("<report_id>", "<extra_contact_info><a href='https://example.com/'>here &nbsp; or &#0; there</a></extra_contact_info><generator>G 1</generator><report_id>", {"generator": "G 1", "extra_contact_info": "here &nbsp; or \ufffd there"}),
    ("<begin>1793613600</begin><end>1793699999</end>", "<begin>1793699999</begin><end>1793613600</end>", {"begin": 1793613600, "end": 1793699999}),
    ("<begin>1793613600</begin>", "<begin>1793613600000</begin>", {"begin": 1793613600}), ("</date_range>", "</date_range><error>one</error><error>two</error>", {"errors": ["one", "two"]}),
])
def test_quirks_of_the_head(old, new, wanted):
    content = PLAIN.replace(old.encode(), new.encode())
    assert content != PLAIN
    (event,), refused = read(content)
    assert not refused and {name: event.facts.get(name) for name in wanted} == wanted


def eml(content, encoding):
    return b"From: a@example.com\nSubject: Report Domain: example.com Submitter: x\nMIME-Version: 1.0\nContent-Type: text/xml\nContent-Transfer-Encoding: " + encoding + b"\n\n" + content


@pytest.mark.parametrize("content", [
    eml(base64.encodebytes(PLAIN), b"7bit"), eml(PLAIN.replace(b"=", b"=3D").replace(b"<row>", b"<r=\now>"), b"quoted-printable"), zipped(a=eml(PLAIN, b"8bit")),
    gzip.compress(b"From a@example.com Mon Nov  2 10:00:00 2026\n" + eml(PLAIN, b"8bit")), gzip.compress(b"") + gzip.compress(PLAIN),
    b"From: c@example.com\nMIME-Version: 1.0\nContent-Type: message/rfc822\n\n" + mailed(gzip.compress(PLAIN), end="\n"),
], ids=["base64 that nobody declares", "quoted-printable", "a mail in a zip", "an mbox in gzip", "an empty member of gzip", "forwarded"])
def test_packings_of_the_world(content):
    told, refused = read(content)
    assert [event.native_id for event in told] == [read(PLAIN)[0][0].native_id] and not refused


def test_an_mbox_of_reports():
    box = b"".join(b"From a@example.com Mon Nov  2 10:00:00 2026\n" + eml(gzip.compress(report(id=f"r{n}")), b"binary").replace(b"\n\n\x1f", b"\n\n\x1f") + b"\n\n" for n in range(1))
    assert len(read(box)[0]) == 1
    box = b"".join(b"From a@example.com Mon Nov  2 10:00:00 2026\n" + eml(base64.encodebytes(gzip.compress(report(id=f"r{n}"))), b"base64") + b"\n" for n in range(3))
    assert len({event.facts["report_id"] for event in read(box)[0]}) == 3


def test_the_whole_input_is_put_aside_once():
    told, refused = read(zipped(**{f"a{n}": b"<feedback><x>" for n in range(50)}))
    assert not told and len(refused) == 50 and sum(len(one.content) for one in refused) < 60_000
    told, refused = read(report(*["<record><row/></record>"] * 3_000, row()))
    assert len(told) == 1 and len(refused) == 1_001 and "2,000 more rows" in refused[-1].reason


def test_all_files_of_an_input_share_what_may_be_unpacked():
    told = []
    for one in contents(zipped(**{f"a{n}": bytes(4_000_000) for n in range(8)}), "in", lambda head: True):
        with contextlib.suppress(Unpackable):
            told.append(one if isinstance(one, str) else sum(map(len, one.bites)))
    assert told[:4] == [4_000_000] * 4 and all("attack" in str(one) for one in told[4:])


@pytest.mark.parametrize("content", [
    b"<feedback>" + b"".join(b"<a%d/>" % n for n in range(50_000)) + b"</feedback>", b"<feedback>" + b"".join(b"<a b%d=''/>" % n for n in range(50_000)) + b"</feedback>",
    b"<feedback><!--" + b"x" * 8_000_000 + b"--></feedback>", b"<feedback a='" + b"x" * 8_000_000 + b"'></feedback>",
], ids=["names", "names of attributes", "a comment", "an attribute"])
def test_what_a_parser_would_remember_is_bounded(content):
    told, refused = read(content)
    assert not told and "attack" in refused[0].reason


def test_depth_in_a_row_is_bounded():
    deep = "<record>" + "<x>" * 5_000 + "</x>" * 5_000 + "</record>"
    refused = read(report(row(), deep))[1]
    assert "deeper" in refused[0].reason


def test_tls_reports_of_careless_reporters():
    loose = {**TLS, "policies": {**TLS["policies"][0], "failure-details": TLS["policies"][0]["failure-details"][0]}}
    del loose["date-range"]
    loose["date_range"] = {"start_datetime": "2026-11-02T00:00:00Z", "end_datetime": "2026-11-02T23:59:59Z"}
    told, refused = read(json.dumps(loose).encode(), "tlsrpt")
    assert not refused and [one.count for one in told] == [100, 4, 3] and told[1].remote_ip == "192.0.2.5"
    told, refused = read(json.dumps({**TLS, "policies": [5] * 3_000}).encode(), "tlsrpt")
    assert len(refused) == 1_001 and "more rows" in refused[-1].reason


def test_a_second_document_is_not_lost_in_silence():
    told, refused = read(PLAIN + report(id="r2").partition(b"?>")[2])
    assert len(told) == 1 and "another document" in refused[0].reason


def test_a_page_in_the_contact_is_text():
    (event,), refused = read(PLAIN.replace(b"<report_id>", b"<extra_contact_info>Ask us<br>here</extra_contact_info><report_id>"))
    assert not refused and event.facts["extra_contact_info"] == "Ask us<br>here"
