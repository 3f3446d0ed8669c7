"""The lab's zones and replies over real sockets, on one machine and without root: what `make lab-test` does with real servers."""
from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))

from dns_server import DnsServer

from fivefifty import diagnose
from fivefifty.answers import SmtpAnswer, SmtpQuestion
from fivefifty.audit import ORDER, audit
from fivefifty.model import Finding, Subject
from fivefifty.world.live import LiveWorld
from lab import domains, scenario, services, zones

TABLE = zones.table()
REPLIES = [f"{user}@{domain}" for domain, users in scenario.REPLIES.items() for user in users if user != "mx"]
AT_RCPT = [address for address in REPLIES if scenario.reply(address, "")[0] == "rcpt"]
OVER_HTTPS = ("stsbad.test",)  # its fault is in a file that only the real tier serves


async def _audits(names: list[str]) -> dict[str, list[Finding]]:
    async with DnsServer(TABLE) as server, LiveWorld([server.address], timeout=0.2, deadline=20) as world:
        found = await asyncio.gather(*(audit(Subject(domain=name, selectors=("sel",), smtp=False), world, ("receiving", "spf", "dkim", "dmarc")) for name in names))
    return dict(zip(names, found, strict=True))


@pytest.fixture(scope="module")
def audited() -> dict[str, list[Finding]]:
    return asyncio.run(_audits([one.name for one in domains.BROKEN]))


@pytest.mark.parametrize("one", domains.BROKEN, ids=lambda one: one.name)
def test_a_fault_is_found_over_the_wire(one: domains.Broken, audited: dict[str, list[Finding]]) -> None:
    for check, outcome in one.expect.items():
        found = [finding for finding in audited[one.name] if finding.check == check]
        if check.partition(".")[0] != "transport":
            assert min((finding.outcome for finding in found), key=ORDER.__getitem__) in outcome.split("|"), [finding.sentence for finding in found]


async def _sessions(addresses: list[str]) -> dict[str, SmtpAnswer]:
    async def receiver(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await services.Session(reader, writer, scenario.reply, lambda *_: None).run()

    server = await asyncio.start_server(receiver, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, LiveWorld(["127.0.0.1:9"]) as world:
        return {one: await world.smtp(SmtpQuestion("127.0.0.1", port, starttls=False, helo_name="out.good.test", mail_from="a@good.test", recipients=(one,))) for one in addresses}


@pytest.fixture(scope="module")
def sessions() -> dict[str, SmtpAnswer]:
    return asyncio.run(_sessions(AT_RCPT))


@pytest.mark.parametrize("address", AT_RCPT)
def test_a_scripted_reply_arrives_and_tells_its_cause(address: str, sessions: dict[str, SmtpAnswer]) -> None:
    user, _, domain = address.partition("@")
    said = sessions[address].reply("rcpt")
    assert said is not None and said.reply_code // 100 in (4, 5)
    lines = said.text.splitlines()
    text = "\n".join(f"{said.reply_code}{' ' if number == len(lines) else '-'}{line}" for number, line in enumerate(lines, 1))
    assert diagnose(text)[0].cause == scenario.REPLIES[domain][user]["cause"]


def test_a_bounce_is_kept_under_the_name_of_its_case(tmp_path: Path) -> None:
    taken = services.keep(tmp_path)
    for sender in ("", "", "someone@example.org"):
        taken(sender, ["full-lmtp.exim@good.test"], b"Subject: no\r\n\r\n")
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.eml")) == ["exim/full-lmtp.1.eml", "exim/full-lmtp.eml", "other/full-lmtp.eml"]


def test_zone_files_are_escaped() -> None:
    assert zones.zone_file(zones.Zone("x.test", {"@": {"TXT": ['a"b;é']}, "mx": {"A": ["192.0.2.1"]}})).splitlines()[-2:] == ['@ TXT "a\\034b\\059\\195\\169"', "mx A 192.0.2.1"]
