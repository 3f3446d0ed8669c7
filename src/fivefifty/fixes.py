"""What to do: the steps of cause and provider, filled with the facts of this bounce.

The order is always: first what caused it, then the request to lift a block.  The provider's own steps outrank those of
the cause; while a verdict is open, the test that decides comes first.
"""
from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from .causes import PHRASES, Cause, cause, deciding_test
from .knowledge import rulebook
from .model import Failure, Reply
from .providers import Blocklist, Provider, ProviderFix, blocklists, domain_of, lists_named, provider
from .rules import fold
from .verdict import Verdict

MAX_FACT = 254  # RFC 5321 4.5.3.1.3: a path is at most 256 octets with its brackets
MAX_REPLY = 2_000
MAX_LISTS = 3
MAX_BRANCHES = 5

# Where a fact that is not known touches other letters, a phrase needs brackets: "postmaster@<recipient's domain>".
_SHORT = {
    "author_domain": "your From domain", "recipient_domain": "recipient's domain", "envelope_domain": "domain of your envelope sender",
    "final_recipient": "recipient", "remote_mta": "refusing server",
}
_GLUED_BEFORE, _GLUED_AFTER = ("@", "=", ".", "_", "/", "?"), ("@", "=", "_", "/")
_HOLE = re.compile(r"\{([a-z_]+)\}")
_BRACKETED = re.compile(r" \(\{([a-z_]+)\}\)")  # a fact in brackets is a remark: without the fact it goes
_IP = re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{1,4}(?::{1,2}[0-9a-f]{1,4}){2,7})(?![\w:]|\.\d)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")

_IP_CAUSES = ("sender.", "reputation.", "volume.sender_rate", "auth.", "policy.opaque_gateway")
_LIST_CAUSES = ("reputation.blocklist", "reputation.domain", "content.url", "sender.dynamic_ip", "reputation.provider")
_LETTER_CAUSES = {
    "policy.recipient_rule", "policy.opaque_gateway", "auth.spoof", "content.spam", "content.attachment", "content.url", "recipient.restricted",
    "recipient.not_hosted", "recipient.misconfigured", "recipient.loop", "recipient.tls", "recipient.dns", "recipient.unreachable",
    "reputation.provider", "reputation.blocklist", "reputation.domain", "reputation.cold", "unknown",
}
_UNDECIDED = ("policy.opaque_gateway", "unknown")  # causes whose own steps are the search for the reason
_DEAD_ADDRESS = ("address.unknown", "address.inactive", "address.syntax")
_HINTED_OWNERS = ("sender", "content", "policy", "list", "unknown")
_OWN_SIDE = ("policy.own", "sender.account", "sender.submission", "sender.not_allowed", "sender.network", "volume.own_quota")  # no provider has seen the mail
_STOPS = re.compile(r"^(?:stop sending to|suppress|remove) \{final_recipient\}", re.IGNORECASE)
_WAITS = re.compile(r"let your server try|(?:leave|keep) the mail in the queue|may wait in the queue", re.IGNORECASE)
_ADDRESS = re.compile(r"<([^<>\s@]{1,64}@[^<>\s@]{1,255})>")  # RFC 5321 4.5.3.1
_DMARC_DOMAIN = re.compile(r"\b(?:email from|mail from|administrator of|domain of|policy (?:of|for))(?: \d{3}[ -]\d\.\d{1,3}\.\d{1,3})? <?((?:[a-z0-9-]{1,63}\.){1,8}[a-z][a-z0-9-]{1,62})\b", re.IGNORECASE)
_SPEAKS_OF_SUPPRESSION = re.compile(r"suppress|remove the address|against the address|keep the address|the address on your list", re.IGNORECASE)

SUPPRESS = "Stop sending to {final_recipient} (suppress it): this bounce speaks about the address itself."
DO_NOT_SUPPRESS = "Do not suppress this address: this bounce says nothing about it."
GIVEN_UP = "Your server has given up on this mail and tries no more: send it again yourself, at the earliest after an hour."
NOT_YET = "Do not suppress {final_recipient} on this bounce alone: it does not prove that the address is dead. Hold mail to it until you know."


@dataclass(frozen=True, slots=True)
class Fix:
    """What to do about one verdict.  `letter`: whether a letter to the recipient's admin makes sense."""

    steps: tuple[str, ...]
    contact: str = ""
    contact_how: str = ""
    give: str = ""
    expect: str = ""
    letter: bool = False
    sources: tuple[str, ...] = ()


class Case(NamedTuple):
    """One verdict with what its fix needs: who refused, which lists are named, and the facts for the placeholders."""

    verdict: Verdict
    operator: Provider | None
    lists: tuple[Blocklist, ...]
    facts: Mapping[str, str]


def clean(text: str, limit: int = MAX_FACT) -> str:
    """One line without control characters, line ends or direction marks: what a bounce says is not to be trusted."""
    text = text[: 4 * limit]
    if not (text.isascii() and text.isprintable()):
        text = _CONTROL.sub(" ", text)
    return " ".join(text.split())[:limit]


def innermost(failure: Failure) -> Reply:
    """The reply that owns the problem."""
    return failure.layers[-1] if failure.layers else Reply(text=failure.diagnostic_code or failure.text, remote_mta=failure.remote_mta)


def _is_public(address: str) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    # Documentation ranges (RFC 5737, RFC 3849) are taken too: they stand for a public address in examples.
    return not (parsed.is_loopback or parsed.is_link_local or parsed.is_unspecified or parsed.is_multicast)


def ips_named(failure: Failure) -> tuple[str, ...]:
    """The IP addresses the refusing server names, without its own."""
    reply = innermost(failure)
    own = {reply.remote_ip, failure.remote_ip}
    found = dict.fromkeys(one for one in _IP.findall(reply.text[:MAX_REPLY]) if one not in own and _is_public(one))
    return tuple(found)


def _sending_ip(verdict: Verdict) -> str:
    """The IP to work on: the only one that a block names, else the connecting one of the report."""
    sending = verdict.failure.sending_ip
    if not verdict.cause.startswith(_IP_CAUSES) or (sending and verdict.cause not in _LIST_CAUSES):
        return sending
    named = ips_named(verdict.failure)
    return named[0] if len(named) == 1 else sending


def _operator(id: str) -> Provider | None:
    return provider(id) if id else None


def case_of(verdict: Verdict) -> Case:
    """The verdict with everything its fix and its letter are made from."""
    failure, reply = verdict.failure, innermost(verdict.failure)
    recipient = failure.final_recipient or failure.original_recipient
    lists = tuple(blocklists()[id] for id in lists_named(fold(reply.text))[:MAX_LISTS])
    operator = _operator(verdict.provider)
    facts = {
        "sending_ip": _sending_ip(verdict), "helo_name": failure.helo_name,
        "envelope_sender": failure.envelope_sender.strip("<>"), "envelope_domain": domain_of(failure.envelope_sender),
        "author_domain": failure.author_domain, "final_recipient": recipient, "recipient_domain": domain_of(recipient),
        "remote_mta": reply.remote_mta or failure.remote_mta, "remote_ip": reply.remote_ip or failure.remote_ip,
        "status": reply.status or failure.status, "list": " and ".join(one.name for one in lists), "provider_name": operator.name if operator else "",
    }
    if verdict.cause == "auth.dmarc" and (named := _DMARC_DOMAIN.search(reply.text[:MAX_REPLY])):
        facts["author_domain"] = named[1].lower()  # the domain whose policy the receiver read outranks the From of the returned mail
    known = {name: clean(value) for name, value in facts.items()}
    known["reply"] = clean(reply.text, MAX_REPLY)
    return Case(verdict, operator, lists, known)


def fill(template: str, facts: Mapping[str, str]) -> str:
    """The template with its {placeholders} filled; where a fact is not known a phrase stands, never a hole."""

    def fact(found: re.Match[str]) -> str:
        name = found[1]
        value = facts.get(name, "")
        if value:
            return value
        phrase = PHRASES.get(name, name.replace("_", " "))
        before, after = template[: found.start()], template[found.end() :]
        if before.endswith(_GLUED_BEFORE) or after.startswith(_GLUED_AFTER):
            return f"<{_SHORT.get(name, phrase)}>"
        return phrase[:1].upper() + phrase[1:] if not before or before.endswith((". ", ": ")) else phrase

    if "{" not in template:
        return template
    return _HOLE.sub(fact, _BRACKETED.sub(lambda found: found[0] if facts.get(found[1]) else "", template))


def sentence(text: str) -> str:
    """The text with a capital and a full stop."""
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!", ")", ":")) else ".")


@lru_cache(maxsize=1)
def _rule_steps() -> Mapping[str, tuple[str, ...]]:
    return {rule.id: rule.fix for rule in rulebook().rules if rule.fix}


def _list_fix(case: Case, name: str) -> ProviderFix | None:
    """The steps of the public list that the reply names: the cause first, then that list's own way out."""
    wanted = "domain" if name in ("content.url", "reputation.domain") else "ip"
    lists = tuple(one for one in case.lists if one.subject == wanted or one.general)
    if not lists or name not in _LIST_CAUSES:
        return None
    first = lists[0]
    own = provider(first.provider)
    whole = own.fix(name)
    if whole is not None and len(lists) == 1 and (first.general or len(own.lists) == 1):
        return whole
    steps = (_before_delisting(lists, name), *(_way_out(one, name) for one in lists), "When it is off the list, send one mail to {recipient_domain} first, the rest later.")
    if not first.removal:
        how = "telephone or another mail system"
        return ProviderFix(steps if not first.dead else steps[:-1], "the recipient's admin", how, "the complete reply", first.expect, source=first.source)
    return ProviderFix(steps, f"the operator of {first.name}", first.removal, "{sending_ip}, what was wrong, what was fixed", first.expect, source=first.source)


def _before_delisting(lists: tuple[Blocklist, ...], name: str) -> str:
    if all(one.dead for one in lists):
        return "Nothing on your side needs delisting: the list that the reply names does not exist any more."
    if name == "content.url":
        return "Find the listed link: look up every domain of the message, redirect targets and tracking included; take it out, or clean the site if it is yours."
    if name == "reputation.domain":
        return "Find which of your names is listed ({author_domain}, {envelope_domain}, {helo_name}), find the abuse behind it and stop it."
    if name == "sender.dynamic_ip":
        return "Send through your provider's relay or a sending service, unless {sending_ip} is a fixed address meant for a mail server."
    return "First find out why {sending_ip} is listed and stop it: a stolen password, an infected machine, an open form, an old address list. A removal before that is followed by a new listing."


def _way_out(one: Blocklist, name: str) -> str:
    what = "the domain" if one.subject == "domain" or name in ("content.url", "reputation.domain") else "{sending_ip}"
    look = f"look {what} up at {one.lookup}; " if one.lookup and not one.dead else ""
    return f"{one.name}: {look}{one.rule}."


def _specific(case: Case, name: str) -> ProviderFix | None:
    """The steps that provider or list have for that cause, or None.  A named list outranks, except for a provider's own block."""
    own = case.operator.fix(name) if case.operator else None
    if name == "reputation.provider" and own is not None:
        return own
    return _list_fix(case, name) or own


def _hints(case: Case, found: Cause) -> tuple[str, ...]:
    default = case.operator.fixes.get("default") if case.operator else None
    return default.steps if default is not None and found.owner in _HINTED_OWNERS and found.id not in _OWN_SIDE else ()


def _steps_for(case: Case, found: Cause, special: ProviderFix | None) -> tuple[str, ...]:
    steps = special.steps if special is not None else (*found.fix, *_hints(case, found))
    if found.id in _DEAD_ADDRESS and not case.verdict.suppress:
        steps = (NOT_YET, *(step for step in steps if not _STOPS.search(step)))
    if given_up(case.verdict) and any(map(_WAITS.search, steps)):
        steps = (GIVEN_UP, *(step for step in steps if not _WAITS.search(step)))
    return (*_warnings(case, found.id), *steps)


def given_up(verdict: Verdict) -> bool:
    """Whether the sending server tries no more, although trying again makes sense."""
    return verdict.failure.stage == "expired" or verdict.failure.action == "failed"  # RFC 3464 2.3.3: "failed" is final


def _forwarded_to(case: Case) -> str:
    """The other address that the refusal is about, where the mail was forwarded; "" where there is none."""
    failure = case.verdict.failure
    known = {one.strip("<>").lower() for one in (failure.final_recipient, failure.original_recipient, failure.envelope_sender)}
    named = dict.fromkeys(clean(one) for one in _ADDRESS.findall(innermost(failure).text[:MAX_REPLY]))
    return next(iter(named)) if len(named) == 1 and "@" in failure.final_recipient and not known & {one.lower() for one in named} else ""


def _warnings(case: Case, name: str) -> tuple[str, ...]:
    """What must be seen before anything else: another IP is meant, or the list was asked wrongly."""
    warnings: list[str] = []
    named, sending = ips_named(case.verdict.failure), case.verdict.failure.sending_ip
    if name in ("reputation.blocklist", "reputation.provider", "sender.ptr", "auth.spf") and sending and named and sending not in named:
        warnings.append(f"The reply names {clean(named[0])}, not your {clean(sending)}: check that one first (it may stand in a Received line, or belong to a forwarder).")
    if name == "recipient.misconfigured" and case.lists:
        warnings.append("Do not ask {list} for a removal: the reply shows that the recipient's server asks the list wrongly. Only their admin can mend that.")
    if name.startswith("address.") and (target := _forwarded_to(case)):
        warnings.append(f"The reply speaks of {target}, where the mail for {clean(case.verdict.failure.final_recipient)} goes on to: tell the person that their forwarding leads there.")
    return tuple(warnings)


def _branches(case: Case, names: tuple[str, ...]) -> list[str]:
    """What each outcome of the test would ask for first."""
    lines = []
    for name in names[:MAX_BRANCHES]:
        found, special = cause(name), _specific(case, name)
        first = (special.steps if special is not None else found.fix or ("",))[0]
        lines.append(f"If it is \u201c{found.title}\u201d: {first}")
    return lines


def _open_steps(case: Case, found: Cause) -> tuple[str, ...]:
    verdict = case.verdict
    test = verdict.decide or deciding_test(verdict.cause, verdict.alternatives)
    steps = [f"First the test that decides: {sentence(test)}"] if test else []
    if verdict.cause in _UNDECIDED:
        special = _specific(case, verdict.cause)
        return (*steps, *(special.steps if special is not None else (*found.fix, *_hints(case, found))))
    names = (verdict.cause, *verdict.alternatives)
    if any(name in _DEAD_ADDRESS for name in names):
        steps.append(NOT_YET)
    return (*steps, *_branches(case, names))


@lru_cache(maxsize=4_096)  # templates are few, verdicts are many
def _speaks_of_suppression(step: str) -> bool:
    return _SPEAKS_OF_SUPPRESSION.search(step) is not None


def _address_word(verdict: Verdict, found: Cause, steps: tuple[str, ...]) -> tuple[str, ...]:
    """What this means for the address, where the steps do not say it."""
    if verdict.kind != "failure" or verdict.suppress or any(map(_speaks_of_suppression, steps)):
        return ()
    if found.owner == "address":
        return (found.suppress_note,) if found.suppress_note else ()
    if verdict.permanent or verdict.standing == "open" or verdict.failure.action == "failed":
        return (DO_NOT_SUPPRESS,)
    return ()


def wants_letter(case: Case) -> bool:
    """Whether the recipient's admin could help: not for dead addresses, own faults or the mass providers."""
    verdict = case.verdict
    if verdict.kind != "failure" or (case.operator is not None and case.facts["recipient_domain"] in case.operator.domains):
        return False
    names = (verdict.cause, *verdict.alternatives) if verdict.standing == "open" else (verdict.cause,)
    return any(name in _LETTER_CAUSES for name in names)


def _unique(steps: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(step for step in steps if step))


def fix_for(verdict: Verdict) -> Fix:
    """The fix of one verdict: steps in order, whom to ask and how, filled with the facts of the bounce."""
    if verdict.kind == "not_a_bounce":
        return Fix(("Nothing to do: this is ordinary mail, not a bounce.",))
    case, found = case_of(verdict), cause(verdict.cause)
    special = _specific(case, verdict.cause)
    own = _rule_steps().get(verdict.rule, ())
    steps = _open_steps(case, found) if verdict.standing == "open" else _steps_for(case, found, special)
    steps = _unique((*own, *steps))
    if verdict.suppress and not any(_STOPS.search(step) for step in steps):
        steps = (SUPPRESS, *steps)
    steps = (*steps, *_address_word(verdict, found, steps))
    use = special or ProviderFix((), found.contact, found.contact_how, found.give, found.expect, source=found.source)
    letter = wants_letter(case)

    def filled(text: str) -> str:
        return fill(text, case.facts) if text not in ("", "-") else ""

    return Fix(
        steps=tuple(fill(step, case.facts) for step in steps), contact=filled(use.contact or found.contact), contact_how=filled(use.how),
        give=filled(use.give or (found.give if letter else "")), expect=filled(use.expect), letter=letter, sources=use.source or found.source,
    )
