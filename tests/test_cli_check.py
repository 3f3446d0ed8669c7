"""`check`, `diagnose --live` and their replays, as a user calls them, against a name server on loopback."""
from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import subprocess
import sys
import threading

import pytest
from click.testing import CliRunner
from dns_server import DnsServer

from fivefifty.cli import main

ZONES = {
    "good.example": {"MX": ["10 mx.good.example"], "TXT": ["v=spf1 ip4:198.51.100.25 -all"], "NS": ["ns.good.example"]},
    "ns.good.example": {"A": ["198.51.100.53"]},
    "mx.good.example": {"A": ["198.51.100.25"]},
    "_dmarc.good.example": {"TXT": ["v=DMARC1; p=reject; rua=mailto:d@good.example"]},
    "default._domainkey.good.example": {"TXT": [f"v=DKIM1; k=ed25519; p={'A' * 43}="]},
    "25.100.51.198.in-addr.arpa": {"PTR": ["mx.good.example"]},
    "two.example": {"MX": ["10 mx.good.example"], "TXT": ["v=spf1 a -all", "v=spf1 mx -all"]},
    "2.0.0.127.zen.spamhaus.org": {"A": ["127.0.0.2", "127.0.0.4", "127.0.0.10"]},
    "7.113.0.203.zen.spamhaus.org": {"A": ["127.0.0.4"], "TXT": ["listed"]},
}
LISTED = "554 5.7.1 Service unavailable; Client host [203.0.113.{}] blocked using zen.spamhaus.org"


@pytest.fixture(scope="module")
def resolver():
    """A name server in a thread of its own; its IP:PORT."""
    loop, ready, place = asyncio.new_event_loop(), threading.Event(), []

    async def serve():
        async with DnsServer(ZONES) as server:
            place.append(f"127.0.0.1:{server.port}")
            stop = asyncio.Event()
            place.append(stop)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(5)
    yield place[0]
    loop.call_soon_threadsafe(place[1].set)
    thread.join(5)


def run(*arguments, code=None):
    done = CliRunner().invoke(main, [*arguments])
    assert code is None or done.exit_code == code, done.output + done.stderr
    return done


def audit(resolver, *arguments):
    return run("check", *arguments, "--no-smtp", "--resolver", resolver)


def test_what_hurts_stands_first_with_the_record_to_publish(resolver):
    done = audit(resolver, "two.example")
    assert done.exit_code == 4 and done.stdout.startswith("two.example: ")
    assert "What makes mail fail" in done.stdout and "spf.record" in done.stdout and "publish" in done.stdout and "RFC 7208" in done.stdout


def test_a_healthy_domain_has_no_failure(resolver):
    report = json.loads(audit(resolver, "good.example", "--sending-ip", "198.51.100.25", "--helo", "mx.good.example", "--json").stdout)
    failed = [one["sentence"] for one in report["findings"] if one["outcome"] in ("fail", "crashed")]
    assert failed == [] and report["schema"] == "fivefifty/check/1" and report["counts"]["pass"] > 20


def test_a_saved_report_gives_the_same_findings_again_and_asks_nobody(resolver, tmp_path):
    path = tmp_path / "old.json"
    path.write_text(audit(resolver, "good.example", "--sending-ip", "198.51.100.25", "--json").stdout)
    again = json.loads(run("check", "--replay", str(path), "--json", "--resolver", "127.0.0.1:1").stdout)
    plain = [[{key: one[key] for key in ("check", "outcome", "sentence", "found")} for one in report["findings"]] for report in (json.loads(path.read_text()), again)]
    assert plain[0] == plain[1]


def test_compare_shows_what_a_change_changed(resolver, tmp_path):
    path = tmp_path / "old.json"
    report = json.loads(audit(resolver, "good.example", "--json").stdout)
    for one in report["findings"]:
        if one["check"] == "spf.record":
            one["outcome"], one["found"] = "fail", "v=spf1 a -all | v=spf1 mx -all"
    path.write_text(json.dumps(report))
    done = audit(resolver, "good.example", "--compare", str(path))
    assert "Better now (1)" in done.stdout and "v=spf1 a -all" in done.stdout


def test_many_domains_keep_their_order_and_faults_their_place(resolver, tmp_path):
    path = tmp_path / "domains.txt"
    path.write_text("domain\ngood.example\nnot a name\n# a remark\ntwo.example, more\nhttps://good.example/x\n")
    done = audit(resolver, "-f", str(path), "--csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["domain"] for row in rows] == ["good.example", "not a name", "two.example", "good.example"]
    assert rows[1]["worst"] == "not read" and rows[2]["worst"] == "fail" and "spf.record" in rows[2]["failing_checks"]
    assert "not a name" in done.stderr and done.exit_code == 4


def test_several_processes_say_the_same(resolver, tmp_path):
    path = tmp_path / "domains.txt"
    path.write_text("good.example\ntwo.example\n" * 6)
    told = [
        subprocess.run([sys.executable, "-m", "fivefifty", "check", "-f", str(path), "--csv", "--jobs", jobs, "--no-smtp", "--resolver", resolver],
                       capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}).stdout
        for jobs in ("1", "2")
    ]
    rows = [[(row["domain"], row["worst"], row["failing_checks"]) for row in csv.DictReader(io.StringIO(one))] for one in told]
    assert rows[0] == rows[1] and len(rows[0]) == 12


@pytest.mark.parametrize("typed, told", [("two words", "a space"), ("x..y", "two dots"), ("", "")])
def test_what_is_no_domain_is_said(typed, told):
    done = run("check", typed, code=2)
    assert told in done.output + done.stderr


def test_wrong_use_is_named():
    assert "spf.record" in run("check", "a.example", "--only", "spf.rekord", code=2).stderr
    assert "--resolver" in run("check", "a.example", "--resolver", "nonsense", code=2).stderr
    assert "check example.org" in run("check", code=2).stderr


def test_queries_are_shown_and_keys_are_not(resolver, monkeypatch):
    monkeypatch.setenv("FIVEFIFTY_KEY_SPAMHAUS_DQS", "verysecretkey")
    done = audit(resolver, "good.example", "--sending-ip", "198.51.100.25", "--show-queries")
    assert "MX good.example" in done.stderr and resolver in done.stderr
    assert "verysecretkey" not in done.output + done.stderr
    assert "verysecretkey" not in audit(resolver, "good.example", "--sending-ip", "198.51.100.25", "--json").output


def test_diagnose_live_proves_and_disputes(resolver):
    proved = json.loads(run("diagnose", "--text", LISTED.format(7), "--live", "--jsonl", "--resolver", resolver, code=0).stdout)
    assert (proved["standing"], proved["cause"]) == ("proved", "reputation.blocklist")
    assert any(one["check"] == "lists.named" and one["outcome"] == "fail" for one in proved["findings"])
    disputed = json.loads(run("diagnose", "--text", LISTED.format(8), "--live", "--jsonl", "--resolver", resolver, code=0).stdout)
    assert disputed["standing"] == "disputed" and disputed["dispute"] and "recipient.misconfigured" in disputed["alternatives"]


def test_diagnose_is_offline_unless_a_terminal_or_the_user_asks(resolver):
    quiet = json.loads(run("diagnose", "--text", LISTED.format(7), "--jsonl", code=0).stdout)
    assert quiet["standing"] == "stated" and quiet["findings"] == [] and "live" not in quiet


def test_a_live_verdict_can_be_replayed(resolver, tmp_path):
    path = tmp_path / "report.json"
    path.write_text(run("diagnose", "--text", LISTED.format(7), "--live", "--json", "--resolver", resolver, code=0).stdout)
    again = json.loads(run("diagnose", "--replay", str(path), "--jsonl", code=0).stdout)
    once = json.loads(path.read_text())["verdicts"][0]
    assert {key: again[key] for key in ("cause", "standing", "alternatives", "suppress", "findings")} == {key: once[key] for key in ("cause", "standing", "alternatives", "suppress", "findings")}


def test_live_output_says_who_was_asked(resolver):
    done = run("diagnose", "--text", LISTED.format(7), "--live", "--resolver", resolver, code=0)
    assert "What was checked" in done.stdout and "Proved by a check" in done.stdout and "questions were asked live" in done.stderr
    assert "zen.spamhaus.org" in run("diagnose", "--text", LISTED.format(7), "--live", "--show-queries", "--resolver", resolver, code=0).stderr
