"""A ready mail to the recipient's admin: the one person who can look up why the mail was refused.

Everything in it stands in the report.  What has not been tested is not claimed: such lines are marked for the sender to
fill in.  Nothing that a hostile bounce says can become a header or a control character.
"""
from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from .causes import cause
from .fixes import Case, case_of, clean, fix_for, innermost, wants_letter
from .verdict import Verdict

MAX_QUOTED = 4_000  # characters of the reply that are quoted; RFC 5321 replies are far shorter
WIDTH = 76  # RFC 5322 2.1.1 recommends 78
FILL_IN = "[fill in]"

_NOT_IN_DOMAIN = re.compile(r"[^\w.\-]+")
_CONTROL_BUT_LINES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")

_QUESTIONS = {
    "policy.recipient_rule": "Which rule, block list entry or policy refused this message, and can you add us as an allowed sender?",
    "policy.opaque_gateway": "Please look the message up in the log of your mail gateway and tell us the reason it shows (score, content, reputation, sender policy). "
    "If it is a false positive, please release or allow our domain.",
    "auth.spoof": "Your protection against forged senders refused the message. May we send with this address in From, and if so, can you add an exception for the IP below?",
    "content.spam": "Which spam rule or score did this message reach? If it is a false positive, please allow our domain; we can send you the original as an .eml file.",
    "content.url": "Which link or domain in the message did your filter refuse?",
    "content.attachment": "Which attachment or file type did your filter refuse, and is there a type that you accept?",
    "recipient.restricted": "The address takes mail only from certain senders. Can you allow senders from outside, or add our address?",
    "recipient.not_hosted": "Your server says that it does not relay for this domain, although we were sent there. Is the domain set up on that server, and are its MX records right?",
    "recipient.misconfigured": "The reply points to trouble in the set-up of your mail system (licence, recipient check, list look-up). Can you check the log for the time given below?",
    "recipient.loop": "The message went round in a loop. Can you check forwarding rules and connectors for this recipient?",
    "recipient.tls": "The secured connection to your server failed. Can you check certificate, TLSA record and MTA-STS policy against the host name below?",
    "recipient.dns": "The DNS look-up of your domain failed for us. Can you check the MX, A, AAAA and DNSSEC records and all name servers?",
    "recipient.unreachable": "Your mail server did not answer us. Does it refuse or filter connections from the IP given below?",
    "reputation.provider": "Your system refused our server for its reputation. Which source or score does your log show, and can you allow our IP while we have it corrected?",
    "reputation.blocklist": "Your server refused ours because of a public blocklist. Which list and which answer does your log show, and can you allow our IP until the entry is gone?",
    "reputation.domain": "Your system refused the mail because of the reputation of a domain. Which domain and which source does your log show?",
    "reputation.cold": "Your system refused our server because it does not know it. What do you need from us to accept its mail?",
    "unknown": "Please look the message up in your log and tell us why it was refused.",
}
_NOT_CHECKED = (
    "Authentication of this message (SPF, DKIM, DMARC)", "Reverse DNS of the sending IP, both ways", "Public blocklists for the sending IP and domain",
    "A plain text message to the same recipient",
)


def utc(date: str) -> str:
    """The date in UTC ("2026-03-14 05:21:09 UTC"), or as it was written where it does not parse or has no zone."""
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(date)
    except (TypeError, ValueError, IndexError, OverflowError):
        try:
            moment = datetime.fromisoformat(date.strip())
        except ValueError:
            return date
    if moment.tzinfo is None:  # RFC 5322 3.3: "-0000" gives no zone
        return date
    try:
        return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError):
        return date


def _mail_domain(domain: str) -> str:
    """The domain in a form that is safe in a header field."""
    try:
        return domain.encode("idna").decode("ascii") if not domain.isascii() else _NOT_IN_DOMAIN.sub("", domain)
    except UnicodeError:
        return ""


def _quoted(text: str) -> list[str]:
    """The whole reply, indented and wrapped, without control characters."""
    plain = _CONTROL_BUT_LINES.sub(" ", text[:MAX_QUOTED].replace("\r\n", "\n").replace("\r", "\n"))
    lines = [piece for line in plain.split("\n") for piece in (textwrap.wrap(line, WIDTH - 4, break_on_hyphens=False) or [""])]
    if len(text) > MAX_QUOTED:
        lines.append("[...]")
    return [f"    {line}".rstrip() for line in lines] or ["    (the report quotes no reply)"]


def _times(case: Case) -> Iterator[tuple[str, str]]:
    failure = case.verdict.failure
    date = clean(failure.last_attempt_date or failure.arrival_date or failure.report_date)
    if date:
        moment = utc(date)
        yield ("Time (UTC)" if moment.endswith("UTC") else "Time (as reported)"), moment
    else:
        yield "Time (UTC)", FILL_IN


def _table(case: Case) -> list[str]:
    """The facts an admin searches the log by."""
    failure, facts = case.verdict.failure, case.facts
    refused_by = " ".join(part for part in (facts["remote_mta"], f"[{facts['remote_ip']}]" if facts["remote_ip"] else "") if part)
    rows = [
        *_times(case), ("Recipient", facts["final_recipient"]), ("Sending IP", clean(failure.sending_ip) or facts["sending_ip"]), ("HELO name", facts["helo_name"]),
        ("Envelope sender", facts["envelope_sender"]), ("From domain", clean(failure.author_domain)), ("Message-ID", clean(failure.message_id)),
        ("Subject", clean(failure.subject)), ("Refusing server", refused_by), ("Sending server", clean(failure.reporting_mta)),
    ]
    return [f"  {name + ':':<20} {value or FILL_IN}" for name, value in rows]


def _checked(verdict: Verdict) -> list[str]:
    """Only what is true: the findings of checks that were made, else lines to fill in."""
    if verdict.findings:
        return [line for finding in verdict.findings for line in textwrap.wrap(f"- {clean(finding.sentence, 500)} ({finding.outcome})", WIDTH, subsequent_indent="  ")]
    return ["Not tested yet; the sender fills these in before sending:", *(f"- {one}: {FILL_IN}" for one in _NOT_CHECKED)]


def question(case: Case) -> str:
    """The concrete question: the provider's own where it has one, else the cause's."""
    name = case.verdict.cause
    special = case.operator.fix(name) if case.operator is not None else None
    if special is not None and special.ask:
        return special.ask
    listed = [one for one in case.lists if one.dead]
    if name == "reputation.blocklist" and listed:
        return f"Your server refused ours because of {listed[0].name}, a list that no longer exists. Please take it out of your configuration."
    return _QUESTIONS.get(name, _QUESTIONS["unknown"])


def _pointless(verdict: Verdict) -> str:
    """Why no letter, in one sentence, and what to do instead."""
    found, fix = cause(verdict.cause), fix_for(verdict)
    next_step = fix.steps[0] if fix.steps else "nothing is left to do."
    whom = f" Whom to ask: {fix.contact}{' (' + fix.contact_how + ')' if fix.contact_how else ''}." if fix.contact not in ("", "nobody", "none") else ""
    return f"A letter to the recipient's admin would not help here ({found.title}). Better: {next_step}{whom}\n"


def letter(verdict: Verdict) -> str:
    """A mail (To, Subject, body) to the recipient's admin; where none would help, that in a sentence with the better step."""
    case = case_of(verdict)
    if not wants_letter(case):
        return _pointless(verdict)
    facts, failure, reply = case.facts, verdict.failure, innermost(verdict.failure)
    domain = _mail_domain(facts["recipient_domain"]) or "<the recipient's domain>"
    recipient = facts["final_recipient"] or "a recipient of yours"
    codes = " ".join(part for part in (str(reply.reply_code or failure.reply_code or ""), facts["status"]) if part)
    subject = clean(f"Mail to {recipient} was refused{' (' + codes + ')' if codes else ''}: could you look it up?", 200)
    opening = f"our mail to {recipient} did not get through: the reply is quoted below. We have no way to see more from outside; you can, in the log of your mail system."
    return "\n".join([
        f"To: postmaster@{domain}", f"Subject: {subject}", "", "Hello,", "", *textwrap.wrap(opening, WIDTH), "", *textwrap.wrap(question(case), WIDTH), "",
        "The facts of this delivery:", "", *_table(case), "", "The whole reply:", "", *_quoted(failure.diagnostic_code or reply.text), "",
        "What was checked on our side:", "", *_checked(verdict), "", "Thank you. We can send the original message with its headers if that helps.", "",
        f"{FILL_IN[:-1]}: your name, organisation, telephone]", "",
        "[Before sending: use a mail system that is not refused there, tell the person by another channel too,", f" complete every {FILL_IN}, and delete these two lines.]", "",
    ])
