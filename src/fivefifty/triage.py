"""The guided test: which sends tell "my problem" from "theirs", and what their outcomes leave.

Pure: it says which send to make next and what follows from the outcomes; a person or a program makes the sends.  What counts is the
receiving *provider*, not the domain: a hundred domains may stand behind one gateway.  A mail to yourself inside your own system proves
nothing about DNS, authentication or reputation, so no test here is that.
"""
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from .causes import cause
from .verdict import Verdict

OUTCOMES = ("delivered", "same", "other", "silent", "skip")
"""delivered: it arrived (inbox or junk); same: refused with the same words; other: refused with other words; silent: neither arrived nor came back."""


@dataclass(frozen=True, slots=True)
class Test:
    """One send and what makes it worth its trouble."""

    id: str
    question: str
    how: str
    why: str


TESTS = (
    Test("elsewhere", "Does the same mail reach a mailbox of your own at a different provider?",
         "Send the very same mail (same text, links, attachments, same From) through the same server to a mailbox you can read at another large provider.",
         "If it is refused there too, the recipient has nothing to do with it. Do not use a mailbox in your own system: such a mail never leaves it and proves nothing."),
    Test("same_domain", "Does the same mail reach another address at the recipient's domain, one that surely works?",
         "Send the very same mail to a colleague of the recipient who answers mail, or to postmaster@ of that domain.",
         "It tells a trouble of this one mailbox from a rule or filter for the whole domain."),
    Test("same_provider", "Does the same mail reach another domain behind the same provider or gateway?",
         "Find a contact at another domain whose MX leads to the same provider (fivefifty check DOMAIN names it), and send the very same mail there.",
         "It tells a rule of one customer from the provider's own judgement of your server or domain."),
    Test("stripped", "Does a bare mail reach the recipient: two lines of plain text, no link, no attachment, no signature, no image?",
         "Write it by hand, with a new subject, and send it from the same address through the same server.",
         "It tells the content from everything else."),
    Test("other_sender", "Does the same mail reach the recipient from a different mail system?",
         "Send the same text to the recipient from a private mailbox at another provider.",
         "It tells your server or domain from the recipient's mailbox."),
)
BY_ID = {test.id: test for test in TESTS}

# What could be behind it -> for each test the outcomes that fit it.  A test that is not named fits whatever its outcome.
# "silent" never excludes anything: a filter that swallows mail looks the same from outside.
_PASS, _REFUSED = frozenset(("delivered", "silent")), frozenset(("same", "other", "silent"))
_FITS: Mapping[str, Mapping[str, frozenset[str]]] = {
    "mailbox": {"elsewhere": _PASS, "same_domain": _PASS, "same_provider": _PASS, "stripped": _REFUSED, "other_sender": _REFUSED},
    "mailbox_rule": {"elsewhere": _PASS, "same_domain": _PASS, "same_provider": _PASS, "other_sender": _PASS},
    "domain_rule": {"elsewhere": _PASS, "same_domain": _REFUSED, "same_provider": _PASS, "other_sender": _PASS},
    "their_server": {"elsewhere": _PASS, "same_domain": _REFUSED, "same_provider": _PASS, "stripped": _REFUSED, "other_sender": _REFUSED},
    "provider": {"elsewhere": _PASS, "same_domain": _REFUSED, "same_provider": _REFUSED, "other_sender": _PASS},
    "everyone": {"elsewhere": _REFUSED, "same_domain": _REFUSED, "same_provider": _REFUSED, "stripped": _REFUSED, "other_sender": _PASS},
    # a filter that judges the text judges it for whoever sends it, mostly
    "content": {"same_domain": _REFUSED, "stripped": _PASS},
}
_NAMES = {
    "mailbox": "this one mailbox: it is gone, disabled or full", "mailbox_rule": "a rule of this one mailbox against you",
    "domain_rule": "a rule or filter of the recipient's domain against you", "their_server": "the recipient's server or its settings",
    "provider": "the provider's judgement of your server or domain", "everyone": "your own side: authentication, DNS, or a listing that many receivers use",
    "content": "what the mail contains",
}
_CAUSES: Mapping[str, tuple[str, ...]] = {
    "mailbox": ("address.unknown", "address.inactive", "address.full"), "mailbox_rule": ("policy.recipient_rule", "recipient.restricted"),
    "domain_rule": ("policy.opaque_gateway", "policy.recipient_rule"), "their_server": ("recipient.misconfigured", "recipient.not_hosted", "recipient.dns", "recipient.unreachable", "recipient.loop", "recipient.tls", "transient.system", "address.domain"),
    "provider": ("reputation.provider", "reputation.cold", "volume.sender_rate", "auth.bulk_rules"),
    "everyone": ("reputation.blocklist", "auth.spf", "auth.dkim", "auth.dmarc", "auth.bulk_rules", "sender.ptr", "sender.identity", "sender.dynamic_ip", "sender.account",
                 "sender.submission", "sender.network", "sender.not_allowed", "reputation.domain", "auth.spoof", "sender.tls", "sender.protocol", "policy.own", "volume.own_quota"),
    "content": ("content.spam", "content.url", "content.attachment", "content.format", "content.size"),
}
# What a suspect stands for when the sends have spoken but the text says nothing.  Refused everywhere has several usual causes, and a look tells them apart.
_HONEST: Mapping[str, tuple[str, ...]] = {
    "mailbox": ("address.unknown",), "mailbox_rule": ("policy.recipient_rule",), "domain_rule": ("policy.opaque_gateway",), "their_server": ("recipient.misconfigured",),
    "provider": ("reputation.provider",), "everyone": ("reputation.blocklist", "auth.dmarc", "auth.spf", "sender.ptr"), "content": ("content.spam",),
}
LOOK = "Run `fivefifty check` with your domain and --sending-ip: it tells a listing from broken SPF, DKIM, DMARC or PTR."

Answers = Mapping[str, str]  # test id -> outcome


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a triage is: what is left, and the next send that would narrow it (None when no send would)."""

    left: tuple[str, ...]
    next_test: Test | None

    @property
    def words(self) -> tuple[str, ...]:
        """What is left, in words."""
        return tuple(_NAMES[one] for one in self.left)


def suspects_of(verdict: Verdict | None) -> tuple[str, ...]:
    """What the bounce leaves to suspect; everything where there is no bounce, or where it says nothing."""
    if verdict is None or verdict.cause == "unknown" or (verdict.standing == "open" and verdict.cause == "policy.opaque_gateway"):
        return tuple(_FITS)
    causes = {verdict.cause, *verdict.alternatives}
    found = tuple(one for one in _FITS if causes & set(_CAUSES[one]))
    return found or tuple(_FITS)


def stand(answers: Answers, verdict: Verdict | None = None) -> Standing:
    """What the outcomes leave, and the next test."""
    left = tuple(one for one in suspects_of(verdict) if _fits(one, answers))
    if not left:  # the outcomes contradict the bounce's words: then the words are what is wrong
        left = tuple(one for one in _FITS if _fits(one, answers))
    return Standing(left, _next(left, answers) if len(left) > 1 else None)


def _fits(suspect: str, answers: Answers) -> bool:
    return all(outcome in ("skip", "silent") or outcome in _FITS[suspect].get(test, (outcome,)) for test, outcome in answers.items())


def _next(left: tuple[str, ...], answers: Answers) -> Test | None:
    """The test that excludes most whatever comes of it; of equals the one that may exclude more, then the earlier one."""
    best, most = None, (0, 0)
    for test in TESTS:
        if test.id in answers:
            continue
        excluded = [sum(not _fits(one, {test.id: outcome}) for one in left) for outcome in ("delivered", "same")]
        excluded = [0 if number == len(left) else number for number in excluded]  # an outcome that nothing left could explain is not to be hoped for
        gain = (min(excluded), sum(excluded))
        if gain > most:
            best, most = test, gain
    return best


def conclude(answers: Answers, verdict: Verdict) -> Verdict:
    """The verdict in the light of the outcomes.

    Sends never prove a cause, they exclude others: what remains is likely, or open.  Nothing here turns `suppress` on: a mailbox that
    refuses you may take others' mail.
    """
    standing = stand(answers, verdict)
    readings = [one for one in (verdict.cause, *verdict.alternatives) if any(one in _CAUSES[left] for left in standing.left)]
    honest = [one for left in standing.left if verdict.cause not in _CAUSES[left] for one in _HONEST[left]]
    left = list(dict.fromkeys([*readings, *honest])) or [verdict.cause]
    if not any(outcome in ("delivered", "same", "other") for outcome in answers.values()) or (left == [verdict.cause] and verdict.standing in ("stated", "proved")):
        return verdict
    first = left[0]
    known = cause(first)
    settled = len(standing.left) == 1 and len(left) <= 3
    look = LOOK if standing.left == ("everyone",) and not settled else ""
    keeps = first == verdict.cause
    contradicted = verdict.standing in ("stated", "proved") and not keeps
    return replace(
        verdict, cause=verdict.cause if contradicted else first, owner=verdict.owner if contradicted else known.owner, alternatives=tuple(one for one in left if one != first or contradicted),
        standing="disputed" if contradicted else "stated" if keeps and verdict.standing == "stated" else "likely" if settled else "open",
        dispute=_told(answers, standing) if contradicted else verdict.dispute, decide="" if settled else standing.next_test.how if standing.next_test else look or verdict.decide,
        suppress=verdict.suppress and keeps and not contradicted, retry=verdict.retry if keeps or contradicted else known.retry,
    )


def _told(answers: Answers, standing: Standing) -> str:
    done = ", ".join(f"{test.replace('_', ' ')}: {outcome}" for test, outcome in answers.items() if outcome != "skip")
    return f"The test sends ({done}) point to {' or '.join(standing.words)}, not to what the reply says."
