"""The mail exchangers answer on port 25."""
from __future__ import annotations

from ...mailauth.ip_kinds import is_ipv6
from ...model import Finding
from .. import Inquiry, fail, passed, skipped, unknown, warn
from ._sessions import NOT_ASKED, Session, quoted, sessions, silent
from ._shared import audited, mail_exchangers

REFERENCE = "RFC 5321 4.5.3.2"
WEIGHT = 90
SLOW = 5.0  # seconds; many servers wait that long on purpose, to catch clients that do not


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each address, and one for the domain where no address answered."""
    if not inquiry.subject.smtp:
        return [skipped("No mail server was connected to, because that was not wanted.")]
    return [finding for domain in audited(inquiry.subject) for finding in await _of(inquiry, domain)]


async def _of(inquiry: Inquiry, domain: str) -> list[Finding]:
    held = await sessions(inquiry, domain)
    asked = tuple(one for one in held if one.answer.state not in NOT_ASKED)
    if not asked:
        hosts = await mail_exchangers(inquiry, domain)
        return [] if hosts.state in ("nxdomain", "none", "null") else [silent(domain, held)]
    if any(one.answer.state == "answered" for one in asked):
        return [_one(one) for one in asked]
    return [_none(domain, asked)]


def _none(domain: str, asked: tuple[Session, ...]) -> Finding:
    """Nobody answered.  A refused connection is an answer of the host; silence may come from our own network."""
    answers = tuple(one.answer for one in asked)
    states = {one.answer.state for one in asked}
    facts = {"about": domain, "found": "\n".join(f"{one.name}: {one.answer.state}" for one in asked), "states": sorted(states)}
    if "refused" in states:
        return fail(f"No mail server of {domain} takes connections on port 25; at least one refuses them.", *answers, **facts,
                    advice="Start the mail server there, and open port 25 in its firewall.")
    if states <= {"timeout", "unreachable"}:
        return unknown(f"No connection to a mail server of {domain} came about. Many networks block port 25 on the way out, so the fault may lie on this side.", *answers, **facts,
                       advice="Connect to port 25 of servers of other providers from the same machine: if none answers, your own network blocks the port.", egress="doubtful")
    return fail(f"Every mail server of {domain} ended the connection without a greeting.", *answers, **facts, weight=80,
                advice="Look into the log of the mail server: a greeting of 220 must come first.")


def _one(one: Session) -> Finding:
    answer, greeting = one.answer, one.answer.reply("connect")
    facts = {"about": one.name, "found": quoted(greeting) if greeting else answer.state, "domain": one.domain, "seconds": round(answer.seconds, 2), "state": answer.state}
    if answer.state != "answered":
        if answer.state == "unreachable" and is_ipv6(one.address):
            return unknown(f"{one.name} could not be tried: this machine may have no way to IPv6.", answer, **facts, weight=10)
        return warn(f"{one.name} does not answer on port 25 ({answer.state}), while another mail server of {one.domain} does.", answer, **facts, weight=40,
                    advice="Mend that server, or take it out of the MX records: senders lose time with it.")
    if greeting is not None and greeting.reply_code >= 400:
        return _turned_away(one, facts)
    if answer.seconds > SLOW:
        return warn(f"{one.name} took {answer.seconds:.0f} s to greet. Senders wait up to five minutes, but other clients give up sooner.", answer, **facts, weight=10,
                    advice="If the delay is not meant (it may be a test for spammers), look for slow DNS look-ups in the mail server.")
    return passed(f"{one.name} answers on port 25.", answer, **facts)


def _turned_away(one: Session, facts: dict[str, object]) -> Finding:
    """A refusal as greeting (RFC 5321 3.1)."""
    greeting = one.answer.reply("connect")
    assert greeting is not None
    if greeting.reply_code == 521:  # RFC 7504 3
        return fail(f"{one.name} says that it takes no mail at all: {quoted(greeting)}", one.answer, **facts, advice="Take it out of the MX records.")
    return unknown(f"{one.name} turns this machine away: {quoted(greeting)} Whether others get in can't be seen from here.", one.answer, **facts,
                   advice="Try from the machine that sends the mail.")
