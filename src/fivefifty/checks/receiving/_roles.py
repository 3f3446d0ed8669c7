"""Role addresses that every domain with mail should take (RFC 2142)."""
from __future__ import annotations

from ...answers import SmtpAnswer, SmtpQuestion, SmtpReply
from ...model import Finding
from .. import Inquiry, fail, passed, skipped, unknown, warn
from ._sessions import NOT_ASKED, cause_of, meaning, quoted, recipient_reply, sessions, silent
from ._shared import audited, is_own


async def role(inquiry: Inquiry, local_part: str, why: str) -> list[Finding]:
    """Whether the first mail exchanger that talks takes that role address; only of the sender's own domain."""
    if not inquiry.subject.smtp:
        return [skipped("No mail server was connected to, because that was not wanted.")]
    return [await _of(inquiry, domain, local_part, why) for domain in audited(inquiry.subject) if is_own(inquiry.subject, domain)]


async def _of(inquiry: Inquiry, domain: str, local_part: str, why: str) -> Finding:
    address = f"{local_part}@{domain}"
    answer = await inquiry.once(f"receiving.roles {domain}", lambda: _asked(inquiry, domain))
    if answer is None:
        return silent(domain, await sessions(inquiry, domain))
    reply = recipient_reply(answer, address)
    if reply is None:
        return unknown(f"Whether {address} takes mail could not be learned.", answer, about=address)
    return _judged(address, reply, answer, why)


async def _asked(inquiry: Inquiry, domain: str) -> SmtpAnswer | None:
    """The session in which the role addresses were named: the first exchanger's, or a new one with the first that talks."""
    held = await sessions(inquiry, domain)
    if held and held[0].greeted:
        return held[0].answer
    other = next((one for one in held if one.introduced), None)
    if other is None:
        return None
    question = SmtpQuestion(other.address, server_name=other.exchanger.host, mail_from="", recipients=(f"postmaster@{domain}", f"abuse@{domain}"))
    answer = await inquiry.world.smtp(question)
    return answer if answer.state not in NOT_ASKED else None


def _judged(address: str, reply: SmtpReply, answer: SmtpAnswer, why: str) -> Finding:
    said = meaning(reply)
    facts = {"about": address, "found": quoted(reply), "reply_code": reply.reply_code, "meaning": said}
    if said == "accepted":
        return passed(f"{address} takes mail.", answer, **facts)
    if said == "later":
        return warn(f"{address} does not take mail at the moment: {quoted(reply)}", answer, **facts, weight=5, advice="A 4xx may be greylisting; test again after some minutes.")
    # the null sender names one recipient as a rule (RFC 5321 4.5.5), and some servers refuse a second
    if said == "us" or cause_of(reply)[0] == "volume.too_many_recipients":
        return unknown(f"Whether {address} takes mail could not be learned: the server refuses this session, not the address.", answer, **facts)
    return fail(f"{address} is refused. {why}", answer, **facts, advice=f"Create {address}, and let somebody read it.")
