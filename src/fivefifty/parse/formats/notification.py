"""Amazon SES notifications: JSON in the text of a mail that Amazon SNS sent (or bare).

Shapes: https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html; the same under `eventType` for event publishing.
"""
from __future__ import annotations

import json
from typing import Any

from ...model import Failure, Reply
from ..address import clean, domain_of
from ..dsn import typed_name
from ..reply import codes_of
from ..report import expired
from ..telling import Telling
from ..wrapper import peel, untyped

HINT = "messageid"
HEADERS = ("x-amz-sns-message-id",)

# Kind of notification -> its object, the list of recipients in it, the notice it is ("" for a failure).
_KINDS = {
    "bounce": ("bounce", "bouncedRecipients", ""), "complaint": ("complaint", "complainedRecipients", "notice.complaint"),
    "delivery": ("delivery", "recipients", "notice.success"), "deliverydelay": ("deliveryDelay", "delayedRecipients", "notice.delayed"), "reject": ("reject", "", ""),
}
_ACTIONS = {"notice.success": "delivered", "notice.delayed": "delayed"}


def read(telling: Telling) -> list[Failure]:
    """The Failures of an SES notification in a text."""
    return read_notification(telling.human, telling.where, tuple(telling.mail.notes))


def read_notification(text: str, where: str, notes: tuple[str, ...] = ()) -> list[Failure]:
    """The Failures of the first JSON object in a text that is an SES notification; [] where there is none."""
    told = _table(_object(text))
    if isinstance(told.get("Message"), str):  # the SNS envelope
        told = _table(_object(told["Message"]))
    kind = str(told.get("notificationType") or told.get("eventType") or "").lower().replace(" ", "")
    if kind not in _KINDS:
        return []
    name, listed, notice = _KINDS[kind]
    about, mail = _table(told.get(name)), _table(told.get("mail"))
    recipients = about.get(listed) or mail.get("destination") or [""]
    return [_failure(_recipient(one), about, mail, notice, (where, notes)) for one in recipients[:20_000]] if isinstance(recipients, list) else []


def _object(text: str) -> Any:
    """The first JSON object; an MTA that folds long lines leaves "!" and a line break in it."""
    start = text.find("{")
    if start < 0:
        return None
    text = text[start:].replace("!\n ", "")
    try:
        return json.JSONDecoder(strict=False).raw_decode(text)[0]
    except (ValueError, RecursionError):
        pass
    try:  # a break inside a word: the lines were folded at a fixed width
        return json.JSONDecoder(strict=False).raw_decode(text.replace("\n", ""))[0]
    except (ValueError, RecursionError):
        return None


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _recipient(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {"emailAddress": str(value)}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _layers(told: str, about: dict[str, Any]) -> tuple[Reply, ...]:
    if told:
        return peel(told, "", _text(about.get("remoteMtaIp")))
    words = " ".join(filter(None, (_text(about.get("bounceType")), _text(about.get("bounceSubType")), _text(about.get("delayType")), _text(about.get("reason")))))
    return (Reply(words),) if words else ()


def _failure(one: dict[str, Any], about: dict[str, Any], mail: dict[str, Any], notice: str, seen: tuple[str, tuple[str, ...]]) -> Failure:
    told = _text(one.get("diagnosticCode")) or _text(about.get("smtpResponse"))
    layers = _layers(told, about)
    last = layers[-1] if layers else Reply()
    common = _table(mail.get("commonHeaders"))
    author = common.get("from")
    author = _text(author[0]) if isinstance(author, list) and author else ""
    if notice == "notice.complaint":
        told = "Feedback-Type: " + (_text(about.get("complaintFeedbackType")) or "abuse")
    return Failure(
        final_recipient=clean(_text(one.get("emailAddress"))), action=_text(one.get("action")).lower() or _ACTIONS.get(notice, ""), stage="delayed" if notice == "notice.delayed" else ("expired" if expired(told) else ""),
        status=_text(one.get("status")) or next((layer.status for layer in reversed(layers) if layer.status), ""), reply_code=last.reply_code or codes_of(told)[0],
        diagnostic_code=untyped(told)[0] or last.text, phase=next((layer.phase for layer in reversed(layers) if layer.phase), ""), reporting_mta=typed_name(_text(about.get("reportingMTA"))), remote_mta=last.remote_mta,
        remote_ip=last.remote_ip or _text(about.get("remoteMtaIp")), envelope_sender=clean(_text(mail.get("source"))), author_domain=domain_of(clean(author)), message_id=_text(common.get("messageId")).strip("<>"),
        subject=_text(common.get("subject"))[:1000], arrival_date=_text(mail.get("timestamp")), last_attempt_date=_text(about.get("timestamp")), layers=layers,
        seen={"final_recipient": f"{seen[0]}: emailAddress", "diagnostic_code": f"{seen[0]}: diagnosticCode", "status": f"{seen[0]}: status"}, text=" ".join((last.text, _text(about.get("bounceSubType")))).strip(),
        kind="notice" if notice else "failure", notice=notice, notes=seen[1],
    )
