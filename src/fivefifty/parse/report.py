"""Standard reports: Failures from the fields of message/delivery-status, completed from the human part (RFC 3464, 6522)."""
from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from ..model import Failure, Reply
from .address import addresses, clean
from .dsn import Group, read_report, recipient_of, status_of, typed_ip, typed_name
from .mime import Mail, Part, decoded, text, text_of
from .narrative import Story, read_story
from .returned import Returned
from .wrapper import peel, phase_of, untyped

_EXPIRED = re.compile(
    r"retry time(?:out)? (?:not reached|exceeded)|message (?:has )?expired|(?:delivery|queue) (?:time|lifetime)[a-z ]{0,12} (?:expired|exceeded)|in the queue too long|too long in (?:the )?queue|message timeout|has been (?:in the queue|failing)|"
    r"could not be delivered (?:for|within|in) (?:more than )?\d|unable to deliver in \d|for more than \d+ (?:hours|days)|failed \d+ attempts|not (?:been )?delivered (?:after|within|for) \d+|cannot send message (?:for|within) \d|exceeded (?:the )?(?:max|maximum) (?:time|retr|queue|lifetime)|"
    r"giving up after|expired after|queue\.expired|retried (?:for )?\d+|delivery time(?:d)? ?(?:out|expired)|time limit (?:for delivery )?exceeded")
_EXPIRED_HINTS = ("expire", "timeout", "time out", "too long", "in the queue", "failing", "hours", "days", "attempts", "giving up", "retried", "retry time", "lifetime", "time limit", "minutes")
# The class stands in front of the look-behind: the engine then skips to the digits instead of trying every character.
_IPV4 = re.compile(r"\d(?<![\w.:].)\d{0,2}(?:\.\d{1,3}){3}(?![\w.]\w)")
_IP = re.compile(r"[\da-fA-F](?<![\w.:].)(?:(?<=\d)\d{0,2}(?:\.\d{1,3}){3}|(?<=[0-9a-fA-F])[0-9a-fA-F]{0,3}:[0-9a-fA-F:]{2,39}(?:\.\d{1,3}){0,3})(?![\w.]\w)")
# The inside of an address, which begins with a literal and so is found many times faster than its start.
_IPV4_INSIDE = re.compile(r"\.\d{1,3}\.\d{1,3}\.\d")
_IPV6_INSIDE = re.compile(r":[\da-fA-F:]{2}")
_OWN = re.compile(r"(?:client host|client|from|ip(?:v[46])?(?: address)?|mail server|connection from|for|our system has detected|\d\.\d\.\d|your host|host name|\bhost|sender|relay|designate|/ip/|\.shtml|[?&](?:ip|q|addr|query|search))\W{0,3}$")
_LISTED = re.compile(r"[\])'\"]{0,2},? (?:is |was |has been |are )?(?:currently |temporarily )?(?:listed|block|blacklist|banned|found (?:on|in)|has no (?:ptr|reverse)|not (?:allowed|authori[sz]ed|permitted)|does not have|sending)", re.IGNORECASE)
_GREETED = re.compile(r"<([A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){0,10})>: Helo command|\b(?:helo|ehlo)(?: name| string| argument| command|/ehlo)?[ =:]{1,3}[<\[\"'(]?([A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){1,10})", re.IGNORECASE)
_UNTOLD = re.compile(r"\s*(?:\d{0,3}|none|n/a|unknown)\s*", re.IGNORECASE)  # "X-Unix; 77" names a program's exit status, not a reason

_ACTIONS = {"fail": "failed", "failure": "failed", "delay": "delayed", "delivery": "delivered", "deliverable": "delivered", "relay": "relayed", "expand": "expanded"}
_NOTHING = Reply()

# Our fields, and the fields of the report or of the returned mail they are read from.
_FIELDS = {"final_recipient": "Final-Recipient", "original_recipient": "Original-Recipient", "action": "Action", "status": "Status", "remote_mta": "Remote-MTA", "remote_ip": "Remote-MTA",
           "reporting_mta": "Reporting-MTA", "arrival_date": "Arrival-Date", "last_attempt_date": "Last-Attempt-Date"}
RETURNED = {"envelope_sender": "Return-Path", "author_domain": "From", "message_id": "Message-ID", "subject": "Subject"}


@dataclass(slots=True)
class Shared:
    """What the Failures of one report have in common."""

    message: Group  # the per-message fields
    where: str  # the part that holds the fields
    returned: Returned
    notes: tuple[str, ...] = ()
    date: str = ""  # of the report itself


def human_part(mail: Mail) -> tuple[str, str]:
    """The text a person would read, and where it stands: the first text part that says anything."""
    if mail.human is None:
        mail.human = _human_part(mail)
    return mail.human


def _human_part(mail: Mail) -> tuple[str, str]:
    page = ""
    where = ""
    for part in mail.parts:
        if part.type in ("text/plain", "text", "text/html", "message/partial") or (part.where == "body" and part.type.startswith("text/")):
            if part.headers.first("content-disposition")[:10].lower() == "attachment":
                continue
            words = text(part)
            said = len(words.strip())
            if said:
                if part.type != "text/html" and said > 20:
                    return (page + "\n" + words if page and part.where.count(".") == 0 and len(page) < 200 else words), part.where
                if not page:
                    page, where = words, part.where
    return page, where


def from_report(mail: Mail, parts: list[Part], returned: Returned) -> list[Failure]:
    """RFC 3464: what the fields say, completed from the human part where they are silent."""
    human = ""
    found: list[Failure] = []
    for part in parts:
        report = read_report(text_of(decoded(part, 4 * 1024 * 1024)).strip("\n"))
        notes = tuple(mail.notes) + (("only the first recipients were read",) if report.capped else ())
        shared = Shared(report.message, part.where, returned, notes, mail.first("date"))
        if report.recipients and not human:
            human = human_part(mail)[0]
        story = read_story(human, set()) if human and (len(report.recipients) > 1 or any(_untold(group.get("diagnostic-code")) for group in report.recipients)) else None
        for group in report.recipients:
            failure = failure_of(group, shared, _about(human, story, group))
            found.append(failure if failure.final_recipient else _named_elsewhere(failure, len(report.recipients) == 1, returned))
    return found


def _named_elsewhere(failure: Failure, alone: bool, returned: Returned) -> Failure:
    """A recipient that no field names: the only one in the words of the report, else the only one the returned mail was sent to."""
    own = {returned.envelope_sender.lower(), returned.author.lower()}
    for words, where in ((failure.diagnostic_code, "Diagnostic-Code"), (failure.text if alone else "", "human part"), (returned.to if alone else "", "returned mail: To")):
        named = [one for one in addresses(words[:4000]) if one.lower() not in own and not one.lower().startswith(("postmaster@", "mailer-daemon@"))]
        if len(named) == 1:
            return replace(failure, final_recipient=named[0], seen={**failure.seen, "final_recipient": where})
    return failure


def _about(human: str, story: Story | None, group: Group) -> str:
    """The part of the human text that speaks of this recipient."""
    if story is None:
        return human
    wanted = {one.lower() for one in recipient_of(group)}
    found = next((segment.text for segment in story.segments if segment.address.lower() in wanted), "")
    return found if len(story.segments) > 1 else story.human


def failure_of(group: Group, shared: Shared, human: str) -> Failure:
    """The Failure of one recipient's group."""
    message, returned = shared.message, shared.returned
    final, original = recipient_of(group)
    remote_field = group.get("remote-mta")
    remote = typed_name(remote_field)
    remote_ip = typed_ip(remote_field) or _address_beside(remote, human)
    told = group.get("diagnostic-code")
    diagnostic = _diagnostic(group, told)
    action = _action(group.get("action"))
    layers, phase, phase_in_field = _said(diagnostic, human, remote, remote_ip)
    last = layers[-1] if layers else _NOTHING
    reply_code = last.reply_code or next((layer.reply_code for layer in reversed(layers) if layer.reply_code), 0)
    arrived, tried = message.get("arrival-date"), group.get("last-attempt-date")
    field = status_of(group)
    kind = _kind(action, field)
    seen: dict[str, str] = {}
    failure = Failure(
        final_recipient=final, original_recipient=original, action=action, stage=stage_of(action, diagnostic, "" if reply_code >= 500 else human), status=_status(field, layers),
        reply_code=reply_code, diagnostic_code=untyped(diagnostic)[0].strip(), phase=phase,
        reporting_mta=typed_name(message.get("reporting-mta") or group.get("reporting-mta")), remote_mta=last.remote_mta or remote,
        remote_ip=last.remote_ip or remote_ip, sending_ip=sending_ip_of(layers), helo_name=helo_name_of(layers),
        envelope_sender=clean(message.get("x-postfix-sender")) or returned.envelope_sender, author_domain=returned.author_domain, message_id=returned.message_id,
        subject=returned.subject, arrival_date=arrived, last_attempt_date=tried, report_date="" if arrived or tried else shared.date, layers=layers,
        text=human[:6000], kind=kind, notice="notice.delayed" if action == "delayed" else "notice.success" if kind == "notice" else "", notes=shared.notes, seen=seen,
    )
    seen.update(_seen(failure, group, shared))
    if failure.phase and not (phase_in_field and diagnostic is told):
        seen["phase"] = "human part"
    return failure


def _untold(diagnostic: str) -> bool:
    """Whether a Diagnostic-Code says nothing, or nothing but a program's exit status."""
    return len(diagnostic) < 60 and bool(_UNTOLD.fullmatch(untyped(diagnostic)[0]))


def _diagnostic(group: Group, told: str) -> str:
    """Diagnostic-Code, else what Exchange 2000-2003 writes beside it."""
    more = group.get("x-supplementary-info")
    return more.strip("<> ") if more and _untold(told) else told


def _action(value: str) -> str:
    """The action word (RFC 3464 2.3.3), whatever follows it."""
    words = value.split(None, 1)
    word = words[0].strip("();,.").lower() if words else ""
    return _ACTIONS.get(word, word)


def _address_beside(host: str, human: str) -> str:
    """The address that the human part writes behind the name of the remote host ("mx.example.net[192.0.2.1]")."""
    at = human.find(host) if host else -1
    behind = human[at + len(host) : at + len(host) + 50] if at >= 0 else ""
    return typed_ip(behind) if behind.lstrip()[:1] in ("[", "(") else ""


def _said(diagnostic: str, human: str, remote: str, remote_ip: str) -> tuple[tuple[Reply, ...], str, bool]:
    """The layers of what was said about a recipient, the phase it was refused at, and whether the field names one: the field first, then the human part."""
    layers = () if _untold(diagnostic) else peel(diagnostic, remote, remote_ip)
    in_field = bool(layers and layers[0].phase)
    human_layers = peel(human, remote, remote_ip) if human and not (layers and layers[-1].remote_mta) else ()
    if not layers and (len(human_layers) > 1 or any(layer.reply_code for layer in human_layers)):
        layers = human_layers
    phase = layers[-1].phase if layers else ""
    if layers and len(human_layers) > 1:
        layers, phase = _completed(layers, human_layers), phase or human_layers[-1].phase
    if not phase and human:  # of the outermost layer it is the phase that the whole text tells
        phase = human_layers[0].phase if human_layers else phase_of(human[:8000])
    return layers, phase, in_field


@lru_cache(maxsize=64)
def _places(where: str) -> tuple[tuple[str, str], ...]:
    """The usual place of each field of a report part."""
    return tuple([(name, f"{where}: {header}") for name, header in _FIELDS.items()] + [("report_date", "Date")] + [(name, f"returned mail: {header}") for name, header in RETURNED.items()])


def _seen(failure: Failure, group: Group, shared: Shared) -> dict[str, str]:
    """Where each field that is not empty stood."""
    has, where = group.fields, shared.where
    told = f"{where}: Diagnostic-Code" if "diagnostic-code" in has else f"{where}: X-Supplementary-Info" if "x-supplementary-info" in has else "human part"
    seen = {name: place for name, place in _places(where) if getattr(failure, name)}
    if failure.final_recipient and "final-recipient" not in has:
        seen["final_recipient"] = f"{where}: Original-Recipient" if "original-recipient" in has else f"{where}: X-Actual-Recipient"
    if failure.status and failure.status != status_of(group):
        seen["status"] = told
    for name in ("diagnostic_code", "reply_code", "phase", "sending_ip", "helo_name", "stage"):
        if getattr(failure, name):
            seen[name] = told
    if failure.stage == "delayed":
        seen["stage"] = seen.get("action", told)
    if "remote-mta" not in has:
        seen.update({name: told for name in ("remote_mta", "remote_ip") if name in seen})
    elif failure.remote_ip and failure.remote_ip not in group.get("remote-mta"):
        seen["remote_ip"] = "human part"
    if "x-postfix-sender" in shared.message.fields:
        seen["envelope_sender"] = f"{where}: X-Postfix-Sender"
    return seen


def _status(field: str, layers: tuple[Reply, ...]) -> str:
    """The Status field; where it says nothing (X.0.0) or only that the queue time ran out (X.4.7), the status in the last reply (RFC 3463 3)."""
    inner = next((layer.status for layer in reversed(layers) if layer.status), "")
    return inner if inner and (not field or field[1:] in (".4.7", ".0.0")) else field


def _completed(layers: tuple[Reply, ...], told: tuple[Reply, ...]) -> tuple[Reply, ...]:
    """The last layer with the host and phase that only the human part names."""
    last, more = layers[-1], told[-1]
    completed = Reply(last.text, last.reply_code, last.status, last.phase or more.phase, last.remote_mta or more.remote_mta, last.remote_ip or more.remote_ip, last.wrapper)
    return (*layers[:-1], completed)


def _kind(action: str, status: str) -> str:
    if action in ("delivered", "relayed", "expanded", "delayed"):
        return "notice"
    return "notice" if status.startswith("2.") and action != "failed" else "failure"


def expired(words: str) -> bool:
    """Whether the words say that the queue time ran out."""
    low = words.lower()
    for hint in _EXPIRED_HINTS:
        if hint in low:  # several times faster than `find`
            at = low.find(hint)
            if _EXPIRED.search(low, max(0, at - 80), at + 80):
                return True
    return False


def stage_of(action: str, diagnostic: str, human: str) -> str:
    if action == "delayed":
        return "delayed"
    return "expired" if expired(diagnostic[:4000]) or expired(human[:8000]) else ""


def sending_ip_of(layers: tuple[Reply, ...]) -> str:
    """The address the refusing host names as its client: the one to test, whatever the sender believes."""
    for layer in reversed(layers):
        text = layer.text
        version_6 = text.count(":") > 2 and _IPV6_INSIDE.search(text, 0, 2000)
        if not version_6 and not _IPV4_INSIDE.search(text, 0, 2000):
            continue  # most replies hold no address
        for found in (_IP if version_6 else _IPV4).finditer(text, 0, 2000):
            if found[0] != layer.remote_ip and (_OWN.search(text[max(0, found.start() - 30) : found.start()].lower()) or _LISTED.match(text, found.end())):
                return found[0]
    return ""


def helo_name_of(layers: tuple[Reply, ...]) -> str:
    """The name the refusing host says its client greeted it with (RFC 5321 4.1.1.1)."""
    for layer in reversed(layers):
        if "elo" in layer.text or "ELO" in layer.text:
            found = _GREETED.search(layer.text[:2000])
            if found:
                return (found[1] or found[2]).rstrip(".").lower()
    return ""
