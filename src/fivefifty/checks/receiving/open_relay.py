"""Your own mail servers do not relay for strangers."""
from __future__ import annotations

from ...answers import SmtpAnswer, SmtpQuestion
from ...mailauth.ip_kinds import parsed_ip
from ...model import Finding
from .. import Inquiry, fail, passed, skipped, unknown
from ._sessions import NOT_ASKED, cause_of, meaning, quoted, recipient_reply
from ._shared import is_reachable

REFERENCE = "RFC 5321 7.1"
WEIGHT = 90
MOST = 5  # hosts
STRANGER = "relay-test@example.com"  # RFC 2606: nobody's; no mail is ever sent, the session ends before DATA


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each host that the user says is theirs; others are never tested."""
    subject = inquiry.subject
    if not subject.own_hosts:
        return [skipped("Whether a server relays for strangers is tested only on hosts that you name as your own.")]
    if not subject.smtp:
        return [skipped("No mail server was connected to, because that was not wanted.")]
    found = await inquiry.together(*(_of(inquiry, host) for host in subject.own_hosts[:MOST]))
    return [finding for findings in found for finding in findings]


async def _of(inquiry: Inquiry, host: str) -> list[Finding]:
    addresses = await _addresses(inquiry, host)
    if not addresses:
        return [unknown(f"Your host {host} has no address that could be found.", about=host)]
    told = []
    for address in addresses[:2]:
        # a stranger's envelope and one that claims to be local: some servers trust the sender's domain, which anyone can write
        senders = ["", f"postmaster@{inquiry.subject.domain}"] if inquiry.subject.domain else [""]
        answers = [await inquiry.world.smtp(SmtpQuestion(address, server_name=host, mail_from=sender, recipients=(_stranger(inquiry),))) for sender in senders]
        told.append(_judged(inquiry, host, address, answers))
    return told


def _stranger(inquiry: Inquiry) -> str:
    return inquiry.subject.settings.get("relay_recipient", "") or STRANGER


async def _addresses(inquiry: Inquiry, host: str) -> list[str]:
    if parsed_ip(host) is not None:
        return [host]
    answers = await inquiry.together(inquiry.world.dns(host, "A"), inquiry.world.dns(host, "AAAA"))
    return [record for answer in answers for record in answer.records]


def _judged(inquiry: Inquiry, host: str, address: str, answers: list[SmtpAnswer]) -> Finding:
    replies = [(answer, recipient_reply(answer, _stranger(inquiry))) for answer in answers]
    name = f"{host} ({address})" if host != address else host
    for answer, reply in replies:
        if reply is not None and meaning(reply) == "accepted":
            return _open(inquiry, name, address, answer, quoted(reply))
    if all(answer.state in NOT_ASKED for answer in answers):
        return skipped(f"{name} was not connected to.", about=name)
    refusals = [reply for _, reply in replies if reply is not None]
    # a session that ended before RCPT TO, a 4xx, and a recipient's domain that was found wanting say nothing about relaying
    clear = [one for one in refusals if one.phase == "rcpt" and one.reply_code >= 500 and cause_of(one)[0] != "address.domain"]
    if not clear:
        return unknown(f"Whether {name} relays for strangers could not be learned.", *answers, about=name, found="\n".join(quoted(reply) for reply in refusals))
    return passed(f"{name} does not relay for strangers.", *answers, about=name, found="\n".join(quoted(reply) for reply in refusals), address=address)


def _open(inquiry: Inquiry, name: str, address: str, answer: SmtpAnswer, said: str) -> Finding:
    sender = answer.question.mail_from or "<>"
    facts = {"about": name, "found": said, "address": address, "mail_from": sender}
    if not is_reachable(inquiry.subject, address):
        return unknown(f"{name} accepted a recipient elsewhere ({STRANGER}), but it was reached over an inside address, and such clients are often meant to relay.", answer, **facts,
                       advice="Test it again from a machine outside your network.")
    return fail(f"{name} accepted a recipient elsewhere from the sender {sender}: it relays for this machine.", answer, **facts,
                advice="If this machine is one of its trusted clients, test from outside; if not, allow relaying only after authentication (Postfix: reject_unauth_destination).")
