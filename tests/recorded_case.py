"""Makes the World of a case from its world.toml, and proves the case's verdicts in it.

    now = 2026-01-05T12:00:00Z         the clock
    smtp = true                        servers may be connected to (given = {...} holds any other field of the Subject: sending_ips, helo_name …)
    blocklists = "refused"             how the public lists answer: "working" (the usual case: test points and no listings), "refused", or "SERVFAIL"

    [listed]                           "zone of a list" = {"IP or domain" = "127.0.0.2"}
    [zones."example.org"]              as RecordedWorld reads them
    [https]                            URL = the page
    [[server]]                         address, and of its replies: greeting, hello, extensions, starttls, mail, rcpt = {address = reply};
                                       tls = {version, names, trusted, matches, …}; or state = "timeout"
"""
from __future__ import annotations

import asyncio
import tomllib
from datetime import UTC, datetime

from fivefifty.answers import SmtpAnswer, SmtpQuestion, SmtpReply, TlsSession
from fivefifty.live import prove
from fivefifty.mailauth.dnsbl import ip_of, reversed_ip
from fivefifty.model import Subject
from fivefifty.providers import blocklists
from fivefifty.world.journal import Journal
from fivefifty.world.recorded import RecordedWorld

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
USUAL = {"greeting": "220 ready", "hello": "250 hello", "mail": "250 ok"}


def read(path):
    """(the World, what the user gives) of a world.toml."""
    told = tomllib.loads(path.read_text(encoding="utf-8"))
    now = told.pop("now", NOW)
    zones = {**_lists(told.pop("blocklists", "working")), **told.pop("zones", {})}
    for zone, entries in told.pop("listed", {}).items():
        zones |= {f"{_labels(about)}.{zone}": {"A": answers} for about, answers in entries.items()}
    servers = {key: answer for one in told.pop("server", []) for key, answer in _server(one).items()}
    smtp = told.pop("smtp", bool(servers))
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in told.pop("given", {}).items()}
    world = RecordedWorld(zones, smtp=servers, https=told.pop("https", {}), now=now)
    assert not told, f"{path}: nobody reads {', '.join(told)}"
    return world, Subject(**{"smtp": smtp, "probe_recipient": smtp, **given})


def _labels(about):
    address = ip_of(about)
    return reversed_ip(address) if address else about


def _lists(how):
    """The test points of every list (RFC 5782 5), and what else it answers."""
    zones = {}
    for one in blocklists().values():
        if not one.zone or one.dead:
            continue
        if how == "working":
            listed = next(iter(one.codes), "") or f"127.0.0.{max(map(int, one.bits), default=2)}"
            listed = listed.partition("-")[0]
            points = one.test_listed or (("127.0.0.2",) if one.subject == "ip" else ("test",))
            zones |= {f"{_labels(point)}.{one.zone}": {"A": listed} for point in points}
        else:
            zones[f"*.{one.zone}"] = {"A": "127.255.255.254"} if how == "refused" else {"*": how}
    return zones


def _server(told):
    """What a server says: to everybody, and to those who name a recipient."""
    told = {**USUAL, **told}
    address, state = told.pop("address"), told.pop("state", "")
    if state:
        return {address: SmtpAnswer(SmtpQuestion(address), state)}
    said = [_reply(phase, told.pop(name)) for phase, name in (("connect", "greeting"), ("ehlo", "hello"))]
    tls = TlsSession(**{name: tuple(value) if isinstance(value, list) else value for name, value in told.pop("tls").items()}) if "tls" in told else None
    said += [_reply("starttls", told.pop("starttls", "220 go on"))] if tls or "starttls" in told else []
    mail, rcpt, extensions = _reply("mail", told.pop("mail")), told.pop("rcpt", {}), tuple(told.pop("extensions", ("STARTTLS",) if tls else ()))
    assert not told, f"nobody reads {', '.join(told)}"

    def answer(recipient="", reply=""):
        asked = SmtpQuestion(address, recipients=(recipient,) if recipient else ())
        more = (mail, *((_reply("rcpt", reply, recipient),) if reply else ()))
        return SmtpAnswer(asked, "answered", (*said, *more), extensions, extensions, tls)

    return {address: answer(), **{(address, recipient): answer(recipient, reply) for recipient, reply in rcpt.items()}}


def _reply(phase, text, argument=""):
    reply_code, _, words = text.partition(" ")
    return SmtpReply(phase, int(reply_code), words, argument)


def proved(verdicts, source, world, given):
    """The verdicts after the proof, each with what was asked for it."""
    return asyncio.run(_proved(verdicts, source, world, given))


async def _proved(verdicts, source, world, given):
    done = []
    for verdict in verdicts:
        journal = Journal(world)
        done.append((await prove(verdict, journal, given, source), journal.answers))
    return done
