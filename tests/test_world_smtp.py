"""The SMTP client against a server that can be told what to say."""
from __future__ import annotations

import asyncio
import time

import pytest
from smtp_server import CLOSE, Certificate, SmtpServer

from fivefifty.answers import SmtpQuestion
from fivefifty.world import tls
from fivefifty.world.smtp import Patience, SmtpClient

QUICK = Patience(connect=2, greeting=0.6, reply=0.6, session=3)
CERTIFICATE = Certificate("mx.example.org", "*.example.net")


@pytest.fixture
def trusting(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", CERTIFICATE.path)
    tls.strict.cache_clear()
    yield
    tls.strict.cache_clear()


def held(replies=None, certificate=None, **question):
    async def run():
        async with SmtpServer(replies, certificate) as server:
            answer = await SmtpClient("probe.example.com", QUICK).ask(SmtpQuestion("127.0.0.1", server.port, "mx.example.org", **question))
            return answer, server

    return asyncio.run(asyncio.wait_for(run(), 10))


def test_a_whole_session(trusting):
    answer, server = held({"rcpt to:<gone@": "550-5.1.1 gone\n550 5.1.1 for good"}, CERTIFICATE, mail_from="", recipients=("gone@example.org", "here@example.org"))
    assert answer.state == "answered" and not answer.error and server.sessions == 1
    assert [reply.phase for reply in answer.replies] == ["connect", "ehlo", "starttls", "ehlo", "mail", "rcpt", "rcpt"]
    assert answer.replies[5] == ("rcpt", 550, "5.1.1 gone\n5.1.1 for good", "gone@example.org")
    assert server.said == ["EHLO probe.example.com", "STARTTLS", "EHLO probe.example.com", "MAIL FROM:<>", "RCPT TO:<gone@example.org>",
                           "RCPT TO:<here@example.org>", "RSET", "QUIT"]
    assert answer.extensions_before_tls == ("SIZE 1000", "STARTTLS")
    session = answer.tls
    assert session.trusted and session.matches and session.version == "TLSv1.3" and session.names == ("mx.example.org", "*.example.net")
    assert bytes.fromhex(session.certificates[0]) == CERTIFICATE.der and session.issuer == "CN=mx.example.org" and session.not_after.endswith("Z")


def test_a_certificate_nobody_trusts_is_still_read():
    answer, server = held(None, CERTIFICATE, mail_from="", recipients=("a@example.org",))
    assert answer.state == "answered" and server.sessions == 2 and answer.reply("rcpt").reply_code == 250
    assert answer.tls.trusted is False and answer.tls.matches and "self" in answer.tls.error and answer.tls.certificates


def test_an_expired_certificate():
    answer, _ = held(None, Certificate("mx.example.org", days=-5))
    assert answer.tls.trusted is False and answer.tls.certificates


def test_a_handshake_that_fails_is_told():
    answer, _ = held({"starttls": b"220 go\r\nnot TLS at all, really\r\n"})
    assert answer.state == "answered" and answer.tls.error and not answer.tls.certificates and "handshake" in answer.error


@pytest.mark.parametrize(("greeting", "state"), [
    ("554 5.7.1 no", "answered"), ("220-a\n220 b", "answered"), (None, "timeout"), (CLOSE, "closed"), ("HTTP/1.1 400 Bad Request", "malformed"), (b"220 " + b"x" * 30000, "malformed"),
    (b"220-x\r\n" * 3000, "malformed"), (b"220 h\xe9llo \xff\r\n", "answered"), (b"220-half\r\n", "timeout"), ("220", "answered"), ("2200 no", "malformed"),
])
def test_each_greeting_has_its_state(greeting, state):
    begun = time.monotonic()
    answer, _ = held({"": greeting}, starttls=False)
    assert answer.state == state and time.monotonic() - begun < 4 and (state == "answered" or answer.error)


def test_helo_where_ehlo_is_not_known():
    answer, server = held({"ehlo": "502 5.5.1 what?"})
    assert server.said[:2] == ["EHLO probe.example.com", "HELO probe.example.com"] and answer.reply("ehlo").reply_code == 250 and answer.extensions == ()


@pytest.mark.parametrize("silence", [None, CLOSE, b"garbage\r\n"])
def test_trouble_after_the_greeting_is_told(silence):
    answer, _ = held({"rcpt": silence}, starttls=False, mail_from="a@example.com", recipients=("b@example.org",))
    assert answer.state == "answered" and answer.reply("mail").reply_code == 250 and "b@example.org" in answer.error


def test_no_connection():
    async def run():
        async with SmtpServer() as server:
            port = server.port
        client = SmtpClient(patience=QUICK)
        return [await client.ask(SmtpQuestion("127.0.0.1", port)), await client.ask(SmtpQuestion("no address", port))]

    refused, impossible = asyncio.run(run())
    assert refused.state == "refused" and impossible.state == "unreachable"


def test_nothing_is_smuggled_into_a_command():
    answer, server = held(mail_from="a@example.com\r\nDATA")
    assert answer.state == "not_asked" and not server.sessions


def test_addresses_beyond_ascii_need_smtputf8():
    answer, server = held(starttls=False, mail_from="", recipients=("jörg@example.org",))
    assert "SMTPUTF8" in answer.error and not any(one.startswith("MAIL") for one in server.said)
    answer, server = held({"ehlo": "250-x\n250 SMTPUTF8"}, mail_from="", recipients=("jörg@example.org",))
    assert "RCPT TO:<jörg@example.org>" in server.said


def test_at_most_two_sessions_with_one_host():
    async def run():
        async with SmtpServer() as server:
            client = SmtpClient("probe.example.com", QUICK)
            await asyncio.gather(*(client.ask(SmtpQuestion("127.0.0.1", server.port, starttls=False, mail_from="", recipients=(f"{n}@example.org",))) for n in range(8)))
            return server

    server = asyncio.run(run())
    assert server.sessions == 8 and server.most <= 2
