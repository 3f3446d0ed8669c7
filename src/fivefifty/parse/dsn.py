"""Delivery status notifications: the fields of message/delivery-status (RFC 3464, 6533)."""
from __future__ import annotations

import re
from dataclasses import dataclass, field

from .address import clean
from .mime import first_fields

MAX_RECIPIENTS = 20_000

_BLANK = re.compile(r"\n[ \t]*\n")
_STATUS = re.compile(r"([245]\.\d{1,3}\.\d{1,4})")
_IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_BESIDE = re.compile(r"[\[(](?:IPv6:)?([0-9A-Fa-f]{1,4}[:.][0-9A-Fa-f:.]{3,42})[\]),;\s]", re.IGNORECASE)
_OF_RECIPIENT = ("final-recipient", "original-recipient", "diagnostic-code", "remote-mta")
_START = re.compile(r"^(?:final|original)-recipient[ \t]*:", re.IGNORECASE | re.MULTILINE)


@dataclass(slots=True)
class Group:
    """The fields about one recipient: lower-case name -> first value."""

    fields: dict[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str:
        """First value of a field, or ""."""
        return self.fields.get(name, "")


@dataclass(slots=True)
class Report:
    """The per-message fields and one group a recipient."""

    message: Group
    recipients: list[Group]
    capped: bool = False


def _is_recipient(fields: dict[str, str]) -> bool:
    return not fields.keys().isdisjoint(_OF_RECIPIENT) or (("action" in fields or "status" in fields) and "reporting-mta" not in fields)


def _several(block: str) -> bool:
    low = block.lower()
    return low.count("final-recipient") > 1 or low.count("original-recipient") > 1


def _cut_at_recipients(block: str) -> list[str]:
    """A block with several recipients and no blank line between them, taken apart (seen in gateways' reports).

    A group may start with Final-Recipient or Original-Recipient: the next one starts where a name comes the second time.
    """
    cuts, seen = [0], ""
    for found in _START.finditer(block):
        letter = block[found.start()].lower()
        if letter in seen:
            cuts.append(found.start())
            seen = ""
        seen += letter
    return [block[a:b] for a, b in zip(cuts, [*cuts[1:], len(block)], strict=True)]


def read_report(text: str) -> Report:
    """The groups of a delivery-status text.  Blank lines part them (RFC 3464 2.1); what holds no field is passed over."""
    message, capped = Group(), False
    recipients: list[Group] = []
    for block in _BLANK.split(text):
        for piece in _cut_at_recipients(block) if block.count("ecipient") > 1 and _several(block) else [block]:
            fields = first_fields(piece)
            if not fields:
                continue
            if _is_recipient(fields):
                if len(recipients) >= MAX_RECIPIENTS:
                    capped = True
                    break
                group = Group(fields)
                if "reporting-mta" in fields and not message.fields:
                    message = group
                if recipients and "final-recipient" not in fields and "original-recipient" not in fields and not recipients[-1].get("diagnostic-code"):
                    recipients[-1].fields.update({name: value for name, value in fields.items() if name not in recipients[-1].fields})
                else:
                    recipients.append(group)
            elif not message.fields:
                message = Group(fields)
            else:
                message.fields.update({name: value for name, value in fields.items() if name not in message.fields})
    return Report(message, recipients, capped)


def recipient_of(group: Group) -> tuple[str, str]:
    """Final and original recipient of a group, cleaned."""
    final = clean(group.get("final-recipient"))
    actual = clean(group.get("x-actual-recipient"))
    original = clean(group.get("original-recipient"))
    if "@" not in final:  # an X.400 name or a local user: another field has the address that a mail was sent to
        final = actual if "@" in actual else original if "@" in original else final
    if final.startswith("@"):  # a source route (RFC 5321 appendix C): what the sender wrote is of more use than an internal host
        route = final.rpartition(":")[2]
        final = original if "." in original.rpartition("@")[2] else route
    return final or original, original


def status_of(group: Group) -> str:
    """The Status field as written, "" where there is none that RFC 3463 knows."""
    found = _STATUS.search(group.get("status"))
    return found[1] if found else ""


def typed_name(value: str) -> str:
    """The name of an `MTA-name` field ("dns; mx.example.net" -> "mx.example.net"), "" where it is an address."""
    words = value.split(";", 1)[-1].split(None, 1)
    name = words[0].strip("()[]<>;,").rstrip(".").lower() if words else ""
    if ":" in name:
        name = "" if name.count(":") > 1 else name.partition(":")[0]
    return "" if name[:1].isdigit() and _IPV4.fullmatch(name) else name


def typed_ip(value: str) -> str:
    """The IP address of an `MTA-name` field: beside the name, or in its place."""
    if "[" not in value and "(" not in value and not value[-1:].isdigit():
        return ""
    found = _BESIDE.search(value[:1000])
    if found:
        return found[1]
    alone = value.rpartition(";")[2].strip("[] ")
    return alone if _IPV4.fullmatch(alone) else ""
