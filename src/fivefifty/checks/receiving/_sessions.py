"""One SMTP session for each address of the mail exchangers, shared by all checks that look at one."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from ...answers import SmtpAnswer, SmtpQuestion, SmtpReply
from ...mailauth.ip_kinds import is_ipv6
from ...model import Failure, Finding, Reply
from .. import Inquiry, skipped, unknown
from ._shared import Exchanger, audited, is_reachable, mail_exchangers

MOST_HOSTS, MOST_ADDRESSES = 5, 2  # of one domain: what a sender would try first
NOT_ASKED = ("not_asked", "unrecorded")


@dataclass(frozen=True, slots=True)
class Session:
    """How the session with one address went."""

    domain: str
    exchanger: Exchanger
    address: str
    answer: SmtpAnswer

    @property
    def greeted(self) -> bool:
        """Whether the server said 220."""
        greeting = self.answer.reply("connect")
        return self.answer.state == "answered" and greeting is not None and greeting.reply_code == 220

    @property
    def introduced(self) -> bool:
        """Whether EHLO was answered, so that its extensions are known."""
        hello = self.answer.reply("ehlo")
        return self.greeted and hello is not None and hello.reply_code == 250

    @property
    def name(self) -> str:
        """Host and address as they are shown."""
        return f"{self.exchanger.host} ({self.address})"


def targets(inquiry: Inquiry, exchangers: tuple[Exchanger, ...]) -> list[tuple[Exchanger, str]]:
    """The addresses to connect to: of each host the first of either family (or two of the only one)."""
    chosen: dict[str, Exchanger] = {}
    for one in [one for one in exchangers if one.addresses][:MOST_HOSTS]:
        usable = [address for address in one.addresses if is_reachable(inquiry.subject, address)]
        v4, v6 = [one for one in usable if not is_ipv6(one)], [one for one in usable if is_ipv6(one)]
        for address in (v4[:1] + v6[:1] if v4 and v6 else usable[:MOST_ADDRESSES]):
            chosen.setdefault(address, one)
    return [(one, address) for address, one in chosen.items()]


async def sessions(inquiry: Inquiry, domain: str) -> tuple[Session, ...]:
    """The sessions with the mail exchangers of a domain; () where none may be held or there is nobody to connect to."""
    if not inquiry.subject.smtp:
        return ()
    return await inquiry.once(f"receiving.sessions {domain}", lambda: _held(inquiry, domain))


async def _held(inquiry: Inquiry, domain: str) -> tuple[Session, ...]:
    hosts = await mail_exchangers(inquiry, domain)
    wanted = targets(inquiry, hosts.exchangers)
    # the first is also asked for the role addresses; the null sender, because a bounce must be taken too (RFC 5321 4.5.5)
    roles = (f"postmaster@{domain}", f"abuse@{domain}")
    asked = [SmtpQuestion(address, server_name=one.host, mail_from=None if at else "", recipients=() if at else roles) for at, (one, address) in enumerate(wanted)]
    answers = await inquiry.together(*(inquiry.world.smtp(question) for question in asked))
    return tuple(Session(domain, one, address, answer) for (one, address), answer in zip(wanted, answers, strict=True))


async def each(inquiry: Inquiry, judge: Callable[[Session], list[Finding]]) -> list[Finding]:
    """What `judge` says of every session in which EHLO was answered; one finding that says why there was none."""
    if not inquiry.subject.smtp:
        return [skipped("No mail server was connected to, because that was not wanted.")]
    told: list[Finding] = []
    for domain in audited(inquiry.subject):
        held = await sessions(inquiry, domain)
        talked = [one for one in held if one.introduced]
        if not talked:
            told.append(silent(domain, held))
        told += [finding for one in talked for finding in judge(one)]
    return told


def silent(domain: str, held: tuple[Session, ...]) -> Finding:
    """Why no session with the mail exchangers of a domain got as far as needed."""
    if not held:
        return skipped(f"{domain} has no mail server that could be connected to.", about=domain)
    if all(one.answer.state in NOT_ASKED for one in held):
        return skipped(f"The mail servers of {domain} were not connected to.", about=domain)
    return unknown(f"No mail server of {domain} talked to us, so this could not be learned.", *(one.answer for one in held), about=domain)


def quoted(reply: SmtpReply, most: int = 200) -> str:
    """A reply as it is shown: "550 5.1.1 No such user"."""
    text = " ".join(reply.text.split())
    return f"{reply.reply_code} {text[:most]}{'…' if len(text) > most else ''}".rstrip()


@lru_cache(maxsize=512)
def cause_of(reply: SmtpReply, host: str = "") -> tuple[str, str, str]:
    """What a refusal is about: (cause, owner, standing), by the same rules as a bounce."""
    from ...diagnosis import verdict_of  # loads the rulebook, which an audit without refusals does not need
    from ...parse.reply import codes_of

    text = quoted(reply, 2000)
    said = Reply(text, reply.reply_code, codes_of(text)[1], reply.phase, host)
    verdict = verdict_of(Failure(diagnostic_code=text, reply_code=reply.reply_code, status=said.status, phase=reply.phase, remote_mta=host, layers=(said,)))
    return verdict.cause, verdict.owner, verdict.standing


def meaning(reply: SmtpReply | None, host: str = "") -> str:
    """What a reply to RCPT TO says: accepted, later, address (it speaks of the address), us (of the one who asks), refused, or "" for none."""
    if reply is None or (reply.phase != "rcpt" and reply.reply_code < 400):
        return ""
    if 200 <= reply.reply_code < 300:
        return "accepted"
    if reply.reply_code < 500:
        return "later"
    cause, owner, standing = cause_of(reply, host)
    if reply.phase == "rcpt" and cause in ("address.unknown", "address.inactive", "address.moved") and standing in ("stated", "likely"):
        return "address"
    return "us" if owner in ("sender", "policy", "list", "content") or reply.phase != "rcpt" else "refused"


def recipient_reply(answer: SmtpAnswer, recipient: str) -> SmtpReply | None:
    """The reply to RCPT TO of that recipient, or else the refusal that came before it."""
    known = next((one for one in answer.replies if one.phase == "rcpt" and one.argument.lower() == recipient.lower()), None)
    if known is None and len(answer.question.recipients) == 1:
        known = answer.reply("rcpt")
    return known or next((one for one in answer.replies if one.reply_code >= 400 and one.phase not in ("starttls", "rcpt")), None)
