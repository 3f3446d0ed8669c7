"""The shapes that travel through the program: frozen, plain, and importing nothing of ours.

Names are the RFCs' own: RFC 3464 for the fields of a report, RFC 5321 for replies and phases,
RFC 3463 for `status`.  What is not known is an empty string, an empty tuple or 0, never `None`.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

KINDS = ("failure", "notice", "not_a_bounce")
STANDINGS = ("stated", "proved", "likely", "disputed", "open")
OWNERS = ("address", "recipient", "sender", "list", "content", "policy", "transient", "notice", "unknown")
PHASES = ("connect", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "end-of-data")
STAGES = ("delayed", "expired")


@dataclass(frozen=True, slots=True)
class Reply:
    """One layer of what was said: a server's reply, or an MTA's own words where no server spoke.

    `wrapper` names how the layer stood in the layer outside it ("" for the outermost).
    """

    text: str = ""
    reply_code: int = 0
    status: str = ""  # the enhanced status inside the reply text, RFC 2034
    phase: str = ""
    remote_mta: str = ""  # who said it, where the text tells
    remote_ip: str = ""
    wrapper: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """One recipient of one report (RFC 3464), with whatever the report says about it."""

    final_recipient: str = ""
    original_recipient: str = ""
    action: str = ""  # failed delayed delivered relayed expanded, as written (lower case)
    stage: str = ""  # "delayed", "expired" or ""
    status: str = ""  # as written in the report; never made up
    reply_code: int = 0
    diagnostic_code: str = ""  # the whole text, continuation lines joined
    phase: str = ""
    reporting_mta: str = ""
    remote_mta: str = ""
    remote_ip: str = ""
    sending_ip: str = ""
    helo_name: str = ""
    envelope_sender: str = ""
    author_domain: str = ""
    message_id: str = ""  # of the returned mail
    subject: str = ""  # of the returned mail
    arrival_date: str = ""
    last_attempt_date: str = ""
    report_date: str = ""  # of the report itself, where it tells no other time
    layers: tuple[Reply, ...] = ()  # outermost first; the last one owns the problem
    seen: Mapping[str, str] = field(default_factory=dict, hash=False)  # field name -> where it stood
    text: str = ""  # the human part of the report about this recipient, when no reply was found
    kind: str = "failure"
    notice: str = ""  # for kind "notice": the notice.* cause that the format itself proves
    notes: tuple[str, ...] = ()  # what was odd: caps reached, broken MIME, guessed charset


@dataclass(frozen=True, slots=True)
class Evidence:
    """One question put to the World and its answer as it came."""

    question: str
    answer: str = ""
    error: str = ""
    asked_at: str = ""
    answered_by: str = ""
    ttl: int = 0

    @property
    def evidence(self) -> Evidence:
        """Itself."""
        return self


class Cited(Protocol):
    """What a Finding can rest on."""

    @property
    def evidence(self) -> Evidence:
        """The question and its answer."""
        ...


OUTCOMES = ("pass", "warn", "fail", "unknown", "skipped", "crashed")


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check concluded, and the Evidence it rests on.

    unknown: we could not learn it (timeout, SERVFAIL, a blocklist that refuses our resolver); never shown as fail or as pass.
    skipped: nothing to check here, or something was not given.  crashed: our own bug; the other checks go on.
    """

    check: str  # "spf.record"
    outcome: str  # one of OUTCOMES
    sentence: str
    cites: tuple[Cited, ...] = ()  # what it rests on: Evidence, or answers of a World, which give theirs when asked
    about: str = ""  # the name, IP or list it is about, where a check speaks of several
    found: str = ""  # the record as it was found
    advice: str = ""  # what to do about it, one sentence
    record: str = ""  # the record to publish instead, to paste
    reference: str = ""  # "RFC 7208 4.5"
    weight: int = 0  # 0..100: how much it hurts delivery when it fails
    facts: Mapping[str, object] = field(default_factory=dict, hash=False)  # for programs: plain JSON values

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The questions and answers it rests on; put into words only here, because of a million findings few are read."""
        return tuple(one.evidence for one in self.cites)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is asked about: a domain, and whatever is known of the mail that came back.  Unknown is "" or ().

    Domain names are lower-case A-labels without final dot.
    """

    domain: str = ""  # whose mail set-up is audited (for a bounce: the author domain)
    sending_ips: tuple[str, ...] = ()
    helo_name: str = ""
    envelope_sender: str = ""  # MAIL FROM, a whole address; "<>" for the null sender
    author_domain: str = ""  # of From:, where it is not `domain`
    selectors: tuple[str, ...] = ()  # DKIM selectors to try
    message: bytes = b""  # the mail as sent or as returned
    message_whole: bool = True  # False: headers only, or cut short; then a body hash proves nothing
    recipient: str = ""
    recipient_domain: str = ""
    remote_mta: str = ""  # who refused
    remote_ip: str = ""
    reply: str = ""  # the reply that is to be proved
    own_hosts: tuple[str, ...] = ()  # names or IPs the user says are theirs: only these are tested for relaying
    smtp: bool = True  # whether servers may be connected to
    probe_recipient: bool = False  # whether RCPT TO may name the recipient
    settings: Mapping[str, str] = field(default_factory=dict, hash=False)  # keys and the like: {"spamhaus_dqs_key": …}; never shown


EVENT_KINDS = (
    "delivery", "deferral",  # accepted by the receiving host; put off
    "bounce", "block",  # failed for good: because of address or recipient; because of sender, content or policy
    "complaint", "unsubscribe", "suppression",  # suppression: a sending service did not even try
    "notice",  # automatic replies, address changes and the like
    "authentication", "tls", "listing",  # a DMARC row, a TLS-RPT row, a blocklist's or a reputation feed's answer
)
TRUSTS = ("own", "signed", "matched", "unverified")


@dataclass(slots=True)
class Event:
    """Whatever arrived, in one shape.  Not frozen: made by the hundred thousand a second, and completed on its way to the store.

    `time` and `sent_at` are seconds since 1970 UTC, 0 where unknown.  Addresses keep the spelling of their local part, domains are lower
    case; `message_id` stands without its angle brackets.
    """

    kind: str  # one of EVENT_KINDS; readers write "bounce" for every final failure, the judge tells blocks apart
    source: str  # the feed that read it: "postfix", "ses", "mail"
    time: float = 0.0
    recipient: str = ""
    envelope_sender: str = ""
    author_domain: str = ""  # of From:; where unknown the judge takes the envelope sender's
    message_id: str = ""  # of the mail it is about
    queue_id: str = ""
    reporting_mta: str = ""  # the host that tells it
    sending_ip: str = ""
    remote_mta: str = ""
    remote_ip: str = ""
    status: str = ""
    reply_code: int = 0
    phase: str = ""
    text: str = ""  # the words, whole
    native_id: str = ""  # the source's own id of this event, stable over redelivery
    campaign: str = ""
    sent_at: float = 0.0  # when the mail was sent
    count: int = 1  # aggregates: how many mails
    trust: str = "own"  # own: our log or queue; signed: a checked signature; matched: a report about a mail we know we sent; unverified: anybody can have written it
    late: bool = False  # it came after the mail had been accepted, so the same mail was counted as delivered
    stage: str = ""  # "expired" where the sender gave up
    recipient_domain: str = ""  # filled by the judge where a reader does not
    provider: str = ""  # who receives: an id of knowledge/providers, else the organizational domain of the receiving host, else ""
    template: str = ""  # the words with everything that changes from mail to mail taken out
    cause: str = ""
    owner: str = ""
    standing: str = ""
    rule: str = ""
    suppress: bool = False  # evidence about the address itself (and trusted)
    facts: Mapping[str, object] = field(default_factory=dict, hash=False)  # what else the source tells, plain JSON values
    where: str = ""  # "mail.log:17"
