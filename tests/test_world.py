"""The Worlds: live on loopback, recorded, replayed, polite."""
from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime

import pytest
from dns_server import DnsServer
from smtp_server import Certificate, SmtpServer

from fivefifty.answers import Caa, DnsAnswer, HttpsAnswer, Mx, SmtpAnswer, SmtpQuestion, SmtpReply, Soa, Tlsa, TlsSession
from fivefifty.errors import InputError
from fivefifty.world import https, tls
from fivefifty.world.live import LiveWorld
from fivefifty.world.polite import PoliteWorld
from fivefifty.world.recorded import RecordedWorld
from fivefifty.world.replay import replayed, saved
from fivefifty.world.tasks import start


def ask(zones, name, rrtype):
    return asyncio.run(RecordedWorld(zones=zones).dns(name, rrtype))


# ---- recorded


@pytest.mark.parametrize(("zone", "rrtype", "records"), [
    ({"MX": [[10, "mx.example"], [20, "MX2.example."]]}, "MX", (Mx(10, "mx.example"), Mx(20, "mx2.example"))),
    ({"MX": [10, "mx.example"]}, "MX", (Mx(10, "mx.example"),)),
    ({"MX": [0, ""]}, "MX", (Mx(0, "."),)),
    ({"TXT": ["one", ["tw", "o"]]}, "TXT", ("one", "two")),
    ({"TXT": ["refused", "TIMEOUTS"]}, "TXT", ("refused", "TIMEOUTS")),
    ({"AAAA": ["2001:DB8:0::1"]}, "AAAA", ("2001:db8::1",)),
    ({"TLSA": ["3 1 1 AB CD"], "CAA": ['0 issue "ca.example"']}, "TLSA", (Tlsa(3, 1, 1, "abcd"),)),
    ({"CAA": ['0 Issue "ca.example"']}, "CAA", (Caa(0, "issue", "ca.example"),)),
    ([{"SPF": ["v=spf1", " -all"]}, {"A": "192.0.2.1"}, {"A": "192.0.2.2"}, "TIMEOUT"], "SPF", ("v=spf1 -all",)),
    ([{"A": "192.0.2.1"}, {"A": "192.0.2.2"}], "A", ("192.0.2.1", "192.0.2.2")),
    ([{"MX": [10, "mx.example"]}], "MX", (Mx(10, "mx.example"),)),
])
def test_a_table_is_read(zone, rrtype, records):
    assert ask({"example.org": zone}, "Example.org.", rrtype).records == records


@pytest.mark.parametrize(("zone", "state"), [
    ({"TXT": "TIMEOUT"}, "timeout"), ({"TXT": ["SERVFAIL"]}, "servfail"), ({"TXT": TimeoutError}, "timeout"), ({"TXT": [OSError("x")]}, "servfail"),
    ({"TIMEOUT": True}, "timeout"), ("TIMEOUT", "timeout"), (["TIMEOUT"], "timeout"), ([{"A": "192.0.2.1"}, "TIMEOUT"], "timeout"), ({"*": "REFUSED"}, "refused"),
    ({"A": ["192.0.2.1"]}, "nodata"), ({"TXT": []}, "nodata"), ({"TXT": None}, "nodata"), ([{"TXT": "NONE"}], "nodata"), ({"CNAME": "TIMEOUT"}, "timeout"),
    ({"CNAME": ["example.org"]}, "loop"), ({"TXT": "NXDOMAIN"}, "nxdomain"),
])
def test_a_table_holds_errors(zone, state):
    assert ask({"example.org": zone}, "example.org", "TXT").state == state


def test_names_are_those_of_a_live_world():
    zones = {"bücher.example": {"A": ["192.0.2.1"]}}
    assert ask(zones, "BÜCHER.example", "A").found and ask(zones, "xn--bcher-kva.example", "a").found
    assert ask(zones, "a..example", "A").state == "malformed" and ask(zones, "x.example", "A").state == "nxdomain"


def test_a_record_that_can_not_be_read_is_named():
    with pytest.raises(InputError, match=r"MX example\.org"):
        ask({"example.org": {"MX": ["mx.example"]}}, "example.org", "MX")


# ---- replayed

QUESTION = SmtpQuestion("192.0.2.1", server_name="mx.example.org", mail_from="", recipients=("a@example.org",))
JOURNAL = [
    DnsAnswer("example.org", "MX", "found", (Mx(10, "mx.example.org"),), ("other.example",), 60, True, (), "192.0.2.53", "2026-01-01T00:00:00Z"),
    DnsAnswer("example.org", "TXT", "found", ("v=spf1 \xfc", "x"), (), 60, False, ((8,), (1, 0)), "192.0.2.53"),
    DnsAnswer("example.org", "SOA", "found", (Soa("ns", "h", 1, 2, 3, 4, 5),)),
    DnsAnswer("example.org", "CAA", "found", (Caa(0, "issue", "ca"),)),
    DnsAnswer("_25._tcp.example.org", "TLSA", "found", (Tlsa(3, 1, 1, "ab"),)),
    DnsAnswer("slow.example", "A", "timeout", error="no answer in time"),
    SmtpAnswer(QUESTION, "answered", (SmtpReply("connect", 220, "hi\nthere"),), ("SIZE 1",), ("STARTTLS",), TlsSession("TLSv1.3", names=("a",), trusted=True), 0.5, "t", "e"),
    HttpsAnswer("https://example.org/", "answered", 200, (("content-type", "text/plain"),), b"\x00\xff", "t", "192.0.2.1"),
]


def test_saved_answers_come_back_whole():
    async def run(world):
        answers = [await world.dns(one.name, one.rrtype) for one in JOURNAL[:6]] + [await world.smtp(QUESTION), await world.https("https://example.org/")]
        return answers, await world.dns("other.example", "A"), await world.smtp(SmtpQuestion("192.0.2.2")), await world.https("https://x.example/")

    moment = datetime(2026, 2, 3, tzinfo=UTC)
    world = replayed(json.loads(json.dumps(saved(JOURNAL))), moment)
    answers, *others = asyncio.run(run(world))
    assert answers == JOURNAL and world.now() == moment
    assert [one.state for one in others] == ["unrecorded"] * 3
    assert saved(world.journal)[:8] == saved(JOURNAL)


@pytest.mark.parametrize("wrong", [{}, {"kind": "dns"}, {"kind": "dns", "name": "a", "rrtype": "A", "state": "great"}, {"kind": "https", "url": "u", "state": "answered", "body": "?"}, 3])
def test_what_was_not_saved_by_us_is_refused(wrong):
    with pytest.raises(InputError):
        replayed([wrong])


def test_a_polite_world_does_not_connect():
    async def run():
        world = PoliteWorld(RecordedWorld(zones={"example.org": {"A": ["192.0.2.1"]}}), https=False)
        return await world.dns("example.org", "A"), await world.smtp(QUESTION), await world.https("https://example.org/")

    named, session, page = asyncio.run(run())
    assert named.found and session.state == page.state == "not_asked"


# ---- started


def test_many_may_wait_for_the_same_thing():
    async def run():
        future = asyncio.get_running_loop().create_future()

        async def work():
            return await future

        begun = [start(work()) for _ in range(3)]
        asyncio.get_running_loop().call_soon(future.set_result, 5)
        return [await one for one in begun], await future, await begun[0]

    assert asyncio.run(run()) == ([5, 5, 5], 5, 5)


# ---- live

CERTIFICATE = Certificate("policy.example")


async def page(reader, writer):
    wanted = (await reader.readuntil(b"\r\n\r\n")).decode()
    path = wanted.split()[1]
    if path == "/silent":
        await asyncio.sleep(5)
    body = b"x" * 100_000 if path == "/big" else b"junk" if path == "/junk" else wanted.encode()
    head = b"" if path == "/junk" else b"HTTP/1.1 %d ok\r\nLocation: /there\r\nContent-Length: %d\r\n\r\n" % (302 if path == "/moved" else 200, len(body))
    writer.write(head + body)
    await writer.drain()
    writer.close()


@pytest.fixture
def trusting(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", CERTIFICATE.path)
    tls.for_https.cache_clear()
    yield
    tls.for_https.cache_clear()


def fetched(*paths, name="policy.example"):
    async def run():
        server = await asyncio.start_server(page, "127.0.0.1", 0, ssl=CERTIFICATE.context())
        port = server.sockets[0].getsockname()[1]
        zones = {"policy.example": {"A": ["127.0.0.1"]}, "wrong.example": {"A": ["127.0.0.1"]}, "dead.example": "TIMEOUT"}
        async with DnsServer(zones) as names, LiveWorld([names.address], timeout=0.2) as world:
            world._https._timeout = 0.8
            answers = [await world.https(path if "://" in path else f"https://{name}:{port}{path}") for path in paths]
        server.close()
        return answers

    return asyncio.run(asyncio.wait_for(run(), 20))


def test_a_page_is_fetched_through_our_own_dns(trusting):
    fine, moved, big, junk = fetched("/a?b", "/moved", "/big", "/junk")
    assert fine.state == "answered" and fine.status_code == 200 and b"GET /a?b" in fine.body and b"policy.example:" in fine.body and fine.answered_by == "127.0.0.1"
    assert moved.status_code == 302 and moved.header("location") == "/there"
    assert big.state == "too_large" and len(big.body) == https.LARGEST_BODY and junk.state == "malformed"


def test_pages_that_fail_say_why(trusting):
    assert [one.state for one in fetched("/", name="wrong.example")] == ["tls"]
    assert [one.state for one in fetched("/", name="dead.example")] == ["timeout"]
    assert [one.state for one in fetched("/silent")] == ["timeout"]
    states = [one.state for one in fetched("https://gone.example/", "https://policy.example:1/", "http://policy.example/", "https://a..b/", "https://[x/")]
    assert states == ["unreachable", "refused", "malformed", "malformed", "malformed"]


def test_an_untrusted_page_is_told(monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    tls.for_https.cache_clear()
    answer, = fetched("/")
    assert answer.state == "tls" and "self" in answer.error


def test_a_live_world_asks_once_and_ends():
    async def run():
        async with DnsServer({"example.org": {"MX": ["10 mx.example.org"]}}) as names, SmtpServer({"": None}) as mail, SmtpServer() as fine:
            begun = time.monotonic()
            async with LiveWorld([names.address], timeout=0.2, deadline=0.6) as world:
                question = SmtpQuestion("127.0.0.1", fine.port, starttls=False)
                twice = [world.start(world.smtp(question)) for _ in range(2)]
                first, second = [await one for one in twice]
                late = await world.smtp(SmtpQuestion("127.0.0.1", mail.port))
                after = await world.dns("example.org", "MX")
            return first, second, late, after, fine.sessions, time.monotonic() - begun

    first, second, late, after, sessions, seconds = asyncio.run(run())
    assert first is second and sessions == 1 and first.state == "answered"
    assert late.state == "timeout" and "whole run" in late.error and after.state == "timeout" and seconds < 2
