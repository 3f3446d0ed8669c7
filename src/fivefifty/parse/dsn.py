"""Delivery status notifications: the fields of message/delivery-status (RFC 3464, 6533)."""
from __future__ import annotations

import re
from dataclasses import dataclass, field

from .address import clean
from .mime import Fields, fields_of

MAX_RECIPIENTS = 20_000

_BLANK = re.compile(r"\n[ \t]*\n")
_STATUS = re.compile(r"([245]\.\d{1,3}\.\d{1,4})")
_START = re.compile(r"^(?:final|original)-recipient[ \t]*:", re.IGNORECASE | re.MULTILINE)


@dataclass(slots=True)
class Group:
    """The fields about one recipient."""

    fields: Fields = field(default_factory=dict)

    def get(self, name: str) -> str:
        """First value of a field, or ""."""
        values = self.fields.get(name)
        return values[0] if values else ""


@dataclass(slots=True)
class Report:
    """The per-message fields and one group a recipient."""

    message: Group
    recipients: list[Group]
    capped: bool = False


def _is_recipient(fields: Fields) -> bool:
    return any(name in fields for name in ("final-recipient", "original-recipient", "diagnostic-code", "remote-mta")) or (
        ("action" in fields or "status" in fields) and "reporting-mta" not in fields
    )


def _cut_at_recipients(block: str) -> list[str]:
    """A block with several recipients and no blank line between them, taken apart (seen in gateways' reports)."""
    starts = [found.start() for found in _START.finditer(block)]
    finals = [at for at in starts if block[at : at + 1] in "Ff"]
    heads = finals if len(finals) > 1 else []
    if not heads:
        return [block]
    cuts = [0, *[at for at in heads[1:]], len(block)]
    return [block[a:b] for a, b in zip(cuts, cuts[1:], strict=False)]


def read_report(text: str) -> Report:
    """The groups of a delivery-status text.  Blank lines part them (RFC 3464 2.1); what holds no field is passed over."""
    message, recipients, capped = Group(), [], False
    for block in _BLANK.split(text):
        for piece in _cut_at_recipients(block) if block.count("ecipient") > 1 else [block]:
            fields = fields_of(piece)
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
    if actual and "@" in actual and "@" not in final:
        final = actual
    original = clean(group.get("original-recipient"))
    if final.startswith("@"):  # a source route (RFC 5321 appendix C): what the sender wrote is of more use than an internal host
        route = final.rpartition(":")[2]
        final = original if "." in original.rpartition("@")[2] else route
    return final or original, original


def status_of(group: Group) -> str:
    """The Status field as written, "" where there is none that RFC 3463 knows."""
    found = _STATUS.search(group.get("status"))
    return found[1] if found else ""


def typed_name(value: str) -> str:
    """The name of an `MTA-name` field ("dns; mx.example.net" -> "mx.example.net"), its IP address left off."""
    name = value.split(";", 1)[-1].strip()
    return name.split()[0].strip("()[]<>;,").rstrip(".").lower() if name else ""


def typed_ip(value: str) -> str:
    """The IP address beside the name in an `MTA-name` field, or ""."""
    found = re.search(r"[\[(](?:IPv6:)?([0-9A-Fa-f:.]{7,45})[\])]", value[:1000])
    return found[1] if found else ""
