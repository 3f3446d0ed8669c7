"""The World on a real resolver: every kind of answer is told from every other."""
from __future__ import annotations

import asyncio

import pytest

from fivefifty.answers import DnsAnswer
from fivefifty.world.live import LiveWorld
from lab.scenario import RESOLVER

QUESTIONS = {
    ("fine.test", "MX"): "found",
    ("mx.fine.test", "TXT"): "nodata",
    ("nosuchdomain.test", "A"): "nxdomain",
    ("servfail.test", "MX"): "servfail",
    ("timeout.test", "MX"): "timeout servfail",
    ("lame.test", "MX"): "servfail refused lame",
    ("bogus.test", "MX"): "bogus servfail",
    ("loop.test", "MX"): "found",
    ("www.loop.test", "A"): "loop servfail",
    ("c0.cname.test", "A"): "found",
    ("dangling.cname.test", "A"): "nxdomain",
    ("10.113.0.203.in-addr.arpa", "PTR"): "found",
    ("2.0.0.127.zen.spamhaus.org", "A"): "found",
    ("2.0.0.127.psbl.surriel.com", "A"): "nxdomain",
}


def ask(*questions: tuple[str, str]) -> list[DnsAnswer]:
    async def together() -> list[DnsAnswer]:
        world = LiveWorld(resolvers=[RESOLVER])
        return list(await asyncio.gather(*(world.dns(*question) for question in questions)))

    return asyncio.run(asyncio.wait_for(together(), 30))


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_the_state_of_an_answer(question: tuple[str, str]) -> None:
    assert ask(question)[0].state in QUESTIONS[question].split()


def test_big_answers_come_over_tcp() -> None:
    text, many = ask(("big.test", "TXT"), ("many.big.test", "A"))
    assert len(text.records[0]) == 40_000
    assert len(many.records) == 200


def test_signed_is_told_from_unsigned() -> None:
    signed, unsigned = ask(("signed.test", "TXT"), ("plainly.test", "TXT"))
    assert signed.secure and not unsigned.secure


def test_a_text_comes_as_it_was_written() -> None:
    assert ask(("strange.test", "TXT"))[0].records[0].encode("latin-1").decode() == 'a "quoted" \\ text; é'
