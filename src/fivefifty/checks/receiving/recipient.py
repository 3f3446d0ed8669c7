"""The recipient's server takes the address."""
from __future__ import annotations

from ...answers import SmtpAnswer, SmtpQuestion, SmtpReply
from ...model import Finding
from .. import Inquiry, fail, passed, skipped, unknown, warn
from ._sessions import NOT_ASKED, cause_of, meaning, quoted, recipient_reply, targets
from ._shared import mail_exchangers

REFERENCE = "RFC 5321 3.3"
WEIGHT = 90
MADE_UP = "no-such-mailbox-7f3k9w2d"  # fixed, so that a saved report can be replayed
# They accept every recipient and refuse only after DATA, or in a bounce: an acceptance there proves nothing.
_ACCEPT_ALL = (".yahoodns.net", ".mail.ru")

_MAILBOX = ("address.full", "recipient.restricted")  # about the mailbox, which is there


async def check(inquiry: Inquiry) -> list[Finding]:
    """Names the recipient in RCPT TO, and then, in a session of its own, another address there for comparison; no mail is sent."""
    subject = inquiry.subject
    domain = subject.recipient.rpartition("@")[2] and (subject.recipient_domain or subject.recipient.rpartition("@")[2].lower())
    if not domain:
        return [skipped("No recipient was given.")]
    if not (subject.smtp and subject.probe_recipient):
        return [skipped("The recipient's server was not asked about the address, because that was not wanted.", about=subject.recipient)]
    answer = await _asked(inquiry, domain)
    if answer is None:
        return [unknown(f"No mail server of {domain} could be asked about {subject.recipient}.", about=subject.recipient)]
    reply = recipient_reply(answer, subject.recipient)
    if reply is None:
        return [unknown(f"No mail server of {domain} came as far as {subject.recipient}.", answer, about=subject.recipient)]
    return [await _judged(inquiry, domain, answer, reply)]


async def _asked(inquiry: Inquiry, domain: str) -> SmtpAnswer | None:
    """The session with the first mail exchanger that lets us speak."""
    hosts = await mail_exchangers(inquiry, domain)
    last = None
    for one, address in targets(inquiry, hosts.exchangers)[:3]:
        answer = await _ask(inquiry, address, one.host, inquiry.subject.recipient)
        if answer.state in NOT_ASKED:
            continue
        last = answer
        if recipient_reply(answer, inquiry.subject.recipient) is not None:
            return answer
    return last


async def _ask(inquiry: Inquiry, address: str, host: str, recipient: str) -> SmtpAnswer:
    sender = inquiry.subject.envelope_sender.strip("<> ")
    return await inquiry.world.smtp(SmtpQuestion(address, server_name=host, mail_from=sender, recipients=(recipient,)))


async def _judged(inquiry: Inquiry, domain: str, answer: SmtpAnswer, reply: SmtpReply) -> Finding:
    recipient, said, host = inquiry.subject.recipient, meaning(reply, answer.question.server_name), answer.question.server_name
    facts = {"about": recipient, "found": quoted(reply), "meaning": said, "reply_code": reply.reply_code, "host": host}
    if said == "accepted":
        return await _accepted(inquiry, domain, answer, facts)
    facts["speaks_of"], _, standing = cause_of(reply, host)
    if said == "address":
        return await _refused(inquiry, domain, answer, facts)
    if facts["speaks_of"] in _MAILBOX and standing in ("stated", "likely") and reply.phase == "rcpt":
        return fail(f"{host} refuses {recipient}: {quoted(reply)} The address exists, but takes no such mail now.", answer, **facts, weight=70)
    if said == "later":
        return unknown(f"{host} puts {recipient} off for now: {quoted(reply)} That says nothing about the address.", answer, **facts,
                       advice="Try again after some minutes: the first attempt of an unknown sender is often put off (greylisting).")
    return unknown(f"{host} refuses {recipient} with words that do not speak of the address: {quoted(reply)} The address may well be alive.", answer, **facts)


async def _accepted(inquiry: Inquiry, domain: str, answer: SmtpAnswer, facts: dict[str, object]) -> Finding:
    recipient, host = inquiry.subject.recipient, answer.question.server_name
    if host.endswith(_ACCEPT_ALL):
        return unknown(f"{host} accepts every address at this point and decides later, so its acceptance of {recipient} proves nothing.", answer, **facts, accept_all=True)
    other = f"{MADE_UP}@{domain}"
    second = await _ask(inquiry, answer.question.address, host, other)
    reply = recipient_reply(second, other)
    compared = meaning(reply, host)
    if compared == "accepted":
        return warn(f"{host} accepts {recipient}, but also an address that was made up: it accepts everything, so this proves nothing.", answer, second, **facts, accept_all=True, weight=10)
    if compared == "address":
        return passed(f"{host} accepts {recipient}, and refuses an address that was made up: the mailbox exists.", answer, second, **facts, accept_all=False)
    return passed(f"{host} accepts {recipient}. Whether it accepts everything could not be learned.", answer, second, **facts, accept_all=None)


async def _refused(inquiry: Inquiry, domain: str, answer: SmtpAnswer, facts: dict[str, object]) -> Finding:
    """A refusal that speaks of the address; a server that refuses everybody is not believed."""
    recipient, host = inquiry.subject.recipient, answer.question.server_name
    other = f"postmaster@{domain}"  # RFC 5321 4.5.1: it must exist
    if recipient.lower() == other:
        return fail(f"{host} refuses {recipient} itself: {facts['found']}", answer, **facts, others_accepted=False)
    second = await _ask(inquiry, answer.question.address, host, other)
    compared = meaning(recipient_reply(second, other), host)
    if compared == "address":
        return warn(f"{host} refuses {recipient} as unknown ({facts['found']}), but postmaster there as well: the server may refuse everybody.", answer, second, **facts,
                    others_accepted=False, weight=60, advice="Ask for another address there that is known to work; if it is refused too, the server is at fault.")
    tail = ", and accepts postmaster there: it is this address" if compared == "accepted" else ""
    return fail(f"{host} says that {recipient} takes no mail{tail}.", answer, second, **facts, others_accepted=True if compared == "accepted" else None,
                advice="Look for a typing error; if the address is right, ask the person for the present one.")
