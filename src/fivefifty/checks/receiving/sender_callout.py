"""A bounce to the sender's address is taken."""
from __future__ import annotations

from ...answers import SmtpQuestion
from ...model import Finding
from .. import Inquiry, fail, passed, skipped, unknown
from ._sessions import NOT_ASKED, meaning, quoted, recipient_reply, targets
from ._shared import mail_exchangers
from .null_mx import sender_domain

REFERENCE = "RFC 5321 4.5.5, 6.1"
WEIGHT = 50


async def check(inquiry: Inquiry) -> list[Finding]:
    """What a receiver's callout would hear: MAIL FROM:<>, RCPT TO the sender."""
    subject = inquiry.subject
    address, domain = subject.envelope_sender.strip("<> "), sender_domain(subject.envelope_sender)
    if not domain:
        return []
    if not (subject.smtp and subject.probe_recipient):
        return [skipped("The sender's own server was not asked about the sender's address, because that was not wanted.", about=address)]
    hosts = await mail_exchangers(inquiry, domain)
    for one, ip in targets(inquiry, hosts.exchangers)[:3]:
        answer = await inquiry.world.smtp(SmtpQuestion(ip, server_name=one.host, mail_from="", recipients=(address,)))
        reply = recipient_reply(answer, address) if answer.state not in NOT_ASKED else None
        if reply is None:
            continue
        said, facts = meaning(reply, one.host), {"about": address, "found": quoted(reply), "host": one.host}
        if said == "accepted":
            return [passed(f"{one.host} takes a bounce to {address}.", answer, **facts)]
        if said == "address" or reply.phase == "mail":
            return [fail(f"{one.host} refuses a bounce to {address}: {quoted(reply)} Receivers that verify senders then refuse the mail.", answer, **facts,
                         advice="Send from an address that exists, and let its server take mails with the null sender.")]
        return [unknown(f"{one.host} neither took nor clearly refused a bounce to {address}: {quoted(reply)}", answer, **facts)]
    return [unknown(f"No mail server of {domain} could be asked about {address}.", *hosts.answers, about=address)]
