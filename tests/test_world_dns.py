"""The DNS client against a server that behaves as badly as real ones do."""
from __future__ import annotations

import asyncio
import socket
import time

import dns.edns
import dns.flags
import dns.message
import dns.rrset
import pytest
from dns_server import DnsServer

from fivefifty.answers import Mx
from fivefifty.errors import InputError
from fivefifty.world.dns import DnsClient, DnsSettings
from fivefifty.world.resolvers import Resolver, resolver, system_resolvers
from fivefifty.world.tasks import start

ZONES = {
    "example.org": {"MX": ["10 mx.example.org", "20 mx2.example.org"], "TXT": ["v=spf1 -all", ["a", "b"]], "A": ["192.0.2.1"]},
    "big.example": {"TXT": ["x" * 4000, "y" * 4000]},
    "www.example.org": {"CNAME": ["a.example.org"]}, "a.example.org": {"CNAME": ["example.org"]},
    "dead.example.org": {"CNAME": ["gone.example"]},
    "round.example": {"CNAME": ["about.example"]}, "about.example": {"CNAME": ["round.example"]},
    "broken.example": {"*": "SERVFAIL"}, "no.example": {"*": "REFUSED"}, "slow.example": "TIMEOUT", "up.example": {"*": "LAME"},
    "bad.example": {"*": "MALFORMED"}, "forged.example": {"*": "BOGUS"}, "empty.deep.example": {"A": ["192.0.2.9"]},
}
QUICK = DnsSettings(timeout=0.3, tries=2, total=1.5)


def asking(work, zones=ZONES, settings=QUICK, prepare=lambda server: None, **how):
    async def run():
        async with DnsServer(zones, **how) as server:
            prepare(server)
            async with DnsClient([server.address], settings) as client:
                return await asyncio.wait_for(work(client, server), 20)

    return asyncio.run(run())


def one(name, rrtype, **how):
    async def work(client, server):
        return await client.ask(name, rrtype), server.asked

    return asking(work, **how)


@pytest.mark.parametrize(("name", "rrtype", "state"), [
    ("example.org", "MX", "found"), ("EXAMPLE.org.", "TXT", "found"), ("example.org", "AAAA", "nodata"), ("nothing.example", "A", "nxdomain"),
    ("deep.example", "A", "nodata"), ("broken.example", "A", "servfail"), ("no.example", "A", "refused"), ("slow.example", "A", "timeout"),
    ("up.example", "A", "lame"), ("bad.example", "A", "malformed"), ("forged.example", "A", "bogus"), ("round.example", "A", "loop"),
    ("dead.example.org", "A", "nxdomain"), ("a..b", "A", "malformed"), ("x" * 64 + ".example", "MX", "malformed"), ("example.org", "NOSUCH", "malformed"),
    ("a b.example", "TYPE65280", "nxdomain"), (".", "NS", "nxdomain"),
])
def test_each_outcome_has_its_state(name, rrtype, state):
    answer, _ = one(name, rrtype)
    assert answer.state == state and (answer.found or answer.absent or answer.error)


def test_an_answer_is_read_whole():
    answer, _ = one("Example.org.", "MX")
    assert answer.name == "example.org" and sorted(answer.records) == [Mx(10, "mx.example.org"), Mx(20, "mx2.example.org")]
    assert answer.ttl == 300 and answer.secure is False and answer.answered_by.startswith("127.0.0.1:") and answer.asked_at.endswith("Z")
    answer, _ = one("example.org", "TXT")
    assert sorted(zip(answer.records, answer.lengths, strict=True)) == [("ab", (1, 1)), ("v=spf1 -all", (11,))]


def test_cnames_are_followed():
    answer, asked = one("www.example.org", "A")
    assert answer.records == ("192.0.2.1",) and answer.aliases == ("a.example.org", "example.org") and len(asked) == 1
    answer, _ = one("www.example.org", "CNAME")
    assert answer.records == ("a.example.org",) and not answer.aliases


def test_a_lone_cname_leads_to_another_question():
    def prepare(server):
        def lone(question, tcp):
            response = dns.message.make_response(dns.message.from_wire(question))
            response.flags |= dns.flags.RA
            response.answer.append(dns.rrset.from_text("half.example.", 9, "IN", "CNAME", "www.example.org."))
            return [(0, response.to_wire())]
        server.script["half.example", "A"] = lone

    answer, asked = one("half.example", "A", prepare=prepare)
    assert answer.records == ("192.0.2.1",) and answer.aliases == ("www.example.org", "a.example.org", "example.org") and answer.ttl == 9
    assert [name for name, _, _ in asked] == ["half.example", "www.example.org"]


def test_two_lone_cnames_in_a_circle_end():
    def prepare(server):
        def towards(owner, target):
            def lone(question, tcp):
                response = dns.message.make_response(dns.message.from_wire(question))
                response.answer.append(dns.rrset.from_text(owner, 9, "IN", "CNAME", target))
                return [(0, response.to_wire())]
            return lone
        server.script["one.example", "A"] = towards("one.example.", "two.example.")
        server.script["two.example", "A"] = towards("two.example.", "one.example.")

    async def work(client, server):
        return await asyncio.gather(client.ask("one.example", "A"), client.ask("two.example", "A"))

    assert [answer.state for answer in asking(work, prepare=prepare)] == ["loop", "loop"]


def test_a_big_answer_comes_over_tcp():
    answer, asked = one("big.example", "TXT")
    assert sorted(answer.records) == ["x" * 4000, "y" * 4000] and [tcp for _, _, tcp in asked] == [False, True]


def test_a_truncated_answer_without_tcp_ends():
    def prepare(server):
        server.script["cut.example", "A"] = lambda question, tcp: [] if tcp else [(0, question[:2] + b"\x83\x80" + question[4:6] + b"\0" * 6 + question[12:-11])]

    answer, _ = one("cut.example", "A", prepare=prepare)
    assert answer.state == "timeout"


def test_a_server_without_edns_is_asked_without():
    async def work(client, server):
        first, second = await client.ask("example.org", "MX"), await client.ask("example.org", "A")
        return first, second, len(server.asked)

    first, second, asked = asking(work, edns=False)
    assert first.found and second.found and first.secure is None and asked == 3


def forged(wrong):
    """A false answer at once, and the true one later."""
    def script(question, tcp):
        response = dns.message.make_response(dns.message.from_wire(question))
        response.answer.append(dns.rrset.from_text("spoof.example.", 60, "IN", "A", "192.0.2.66"))
        false = bytearray(response.to_wire())
        wrong(false)
        response.answer = [dns.rrset.from_text("spoof.example.", 60, "IN", "A", "192.0.2.1")]
        return [(0, bytes(false)), (0.03, response.to_wire())]
    return script


@pytest.mark.parametrize("wrong", [
    lambda data: data.__setitem__(0, data[0] ^ 1),  # ID
    lambda data: data.__setitem__(13, data[13] ^ 1),  # name
    lambda data: data.__setitem__(28, 16),  # type
    lambda data: data.__setitem__(2, 1),  # a question
    lambda data: data.__delitem__(slice(5, None)),
])
def test_an_answer_to_another_question_is_not_taken(wrong):
    answer, _ = one("spoof.example", "A", prepare=lambda server: server.script.update({("spoof.example", "A"): forged(wrong)}))
    assert answer.records == ("192.0.2.1",)


def test_records_of_other_names_are_no_answer():
    def prepare(server):
        def script(question, tcp):
            response = dns.message.make_response(dns.message.from_wire(question))
            response.answer.append(dns.rrset.from_text("other.example.", 60, "IN", "A", "192.0.2.66"))
            return [(0, response.to_wire())]
        server.script["asked.example", "A"] = script

    answer, _ = one("asked.example", "A", prepare=prepare)
    assert answer.state == "malformed" and "other names" in answer.error


def test_extended_errors_are_told_and_say_bogus():
    def prepare(server):
        def script(number):
            def told(question, tcp):
                response = dns.message.make_response(dns.message.from_wire(question))
                response.set_rcode(2)
                response.use_edns(0, options=[dns.edns.EDEOption(number, "so it is")])
                return [(0, response.to_wire())]
            return told
        server.script["expired.example", "A"], server.script["cut.example", "A"] = script(7), script(22)

    answer, asked = one("expired.example", "A", prepare=prepare)
    assert answer.state == "bogus" and "signature expired: so it is" in answer.error and len(asked) == 1
    answer, asked = one("cut.example", "A", prepare=prepare)
    assert answer.state == "servfail" and "no reachable authority" in answer.error and len(asked) == 1


def test_a_servfail_of_a_moment_is_not_bogus():
    def prepare(server):
        count = iter(range(9))

        def script(question, tcp):
            response = dns.message.make_response(dns.message.from_wire(question))
            if next(count) == 0:
                response.set_rcode(2)
            else:
                response.answer.append(dns.rrset.from_text("moody.example.", 60, "IN", "A", "192.0.2.1"))
            return [(0, response.to_wire())]
        server.script["moody.example", "A"] = script

    answer, asked = one("moody.example", "A", prepare=prepare)
    assert answer.records == ("192.0.2.1",) and len(asked) == 3


def test_dnssec_is_told():
    assert one("example.org", "MX", secure=("example.org",))[0].secure is True


def test_an_identical_question_is_asked_once_and_kept():
    async def work(client, server):
        begun = [start(client.ask(name, "MX")) for name in ("example.org", "EXAMPLE.org", "example.org.")]
        answers = [await one for one in begun] + [await client.ask("example.org", "MX"), await client.ask("gone.example", "A"), await client.ask("gone.example", "A")]
        return answers, server.asked

    answers, asked = asking(work)
    assert all(answer is answers[0] for answer in answers[:4]) and answers[4].ttl == 120 and len(asked) == 2


def test_a_cancelled_asker_does_not_harm_the_others():
    async def work(client, server):
        server.script["late.example", "A"] = lambda question, tcp: [(0.05, server.response(dns.message.from_wire(question), server.world._look_up("example.org", "A")).to_wire())]
        tasks = [asyncio.create_task(client.ask("late.example", "AAAA" if not number else "A")) for number in range(3)]
        await asyncio.sleep(0.01)
        tasks[1].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    answers = asking(work)
    assert isinstance(answers[1], asyncio.CancelledError) and answers[2].state != "timeout"


def test_a_dead_resolver_is_left_for_the_next():
    async def run():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
                closed.bind(("127.0.0.1", 0))
                nobody = closed.getsockname()[1]
            async with DnsServer(ZONES) as server:
                resolvers = [f"127.0.0.1:{nobody}", f"127.0.0.1:{silent.getsockname()[1]}", server.address]
                async with DnsClient(resolvers, QUICK) as client:
                    first = [await client.ask("example.org", rrtype) for rrtype in ("MX", "A")]
                async with DnsClient(resolvers[:1], QUICK) as client:
                    return first, await client.ask("example.org", "MX")

    first, alone = asyncio.run(run())
    assert all(answer.found for answer in first) and alone.state == "unreachable" and "refused" in alone.error


def test_the_next_resolver_is_asked_after_servfail():
    async def run():
        async with DnsServer({"example.org": {"*": "REFUSED"}}) as worse, DnsServer(ZONES) as better, DnsClient([worse.address, better.address], QUICK) as client:
            return await client.ask("example.org", "MX"), better.address

    answer, address = asyncio.run(run())
    assert answer.found and answer.answered_by == address


def test_nothing_hangs():
    async def work(client, server):
        begun = time.monotonic()
        answers = await asyncio.gather(*(client.ask(f"d{number}.slow.example", "MX") for number in range(500)))
        return answers, time.monotonic() - begun

    zones = {"*.slow.example": "TIMEOUT"}
    answers, seconds = asking(work, zones=zones, settings=DnsSettings(timeout=0.2, total=0.5, at_once=20, deadline=0.8))
    assert seconds < 2 and {answer.state for answer in answers} == {"timeout"} and any("whole run" in answer.error for answer in answers)


def test_closing_ends_what_is_open():
    async def work(client, server):
        task = asyncio.create_task(client.ask("slow.example", "A"))
        await asyncio.sleep(0.02)
        client.close()
        return await task

    assert asking(work).error == "the run was ended"


def test_the_cache_is_bounded():
    async def work(client, server):
        for number in range(60):
            await client.ask(f"n{number}.example", "A")
        return len(client._cache)

    assert asking(work, settings=DnsSettings(cached=20)) <= 20


@pytest.mark.parametrize(("text", "read"), [
    ("192.0.2.53", Resolver("192.0.2.53")), ("192.0.2.53:5353", Resolver("192.0.2.53", 5353)), ("2001:db8::53", Resolver("2001:db8::53")),
    ("[2001:db8::53]:5353", Resolver("2001:db8::53", 5353)), ("[2001:db8::53]", Resolver("2001:db8::53")), ("fe80::1%lo", Resolver("fe80::1%lo")),
])
def test_resolvers_are_read(text, read):
    assert resolver(text) == read and resolver(str(read)) == read


@pytest.mark.parametrize("text", ["", "dns.example", "192.0.2.53:0", "192.0.2.53:x", "192.0.2.53:99999", "[2001:db8::53", "192.0.2.300"])
def test_what_is_no_resolver_is_refused(text):
    with pytest.raises(InputError):
        resolver(text)


def test_the_resolvers_of_the_system(tmp_path):
    (tmp_path / "resolv.conf").write_text("# mine\nnameserver 192.0.2.1\nnameserver nonsense\nsearch example.org\nnameserver 2001:db8::1\n")
    assert system_resolvers(str(tmp_path / "resolv.conf")) == (Resolver("192.0.2.1"), Resolver("2001:db8::1"))
    with pytest.raises(InputError, match="names no DNS resolver"):
        system_resolvers(str(tmp_path / "nothing"))
