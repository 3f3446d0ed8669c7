"""Whether a mail without delivery-status part is a report about a failed delivery, by its marks.

Marks of who wrote it (a mailer-daemon, nobody at all), of what it says (subject, text, a reply) and of what it carries (the mail its
reader once sent).  Subject and text alone never suffice: newsletters and people write about bounces in the same words.
"""
from __future__ import annotations

import re

from .address import addresses
from .cue import holds
from .mime import Mail, decoded, text_of
from .narrative import cut, lower, read_story
from .report import human_part
from .returned import returned_from_text

NEEDED = 4

_DAEMON = re.compile(
    r"mailer[-_. ]?daemon|mail[-_. ]?daemon|post[-_. ]?master|mail[-_. ]?deliver|\bmmdf\b|courier@|\buucp\b|mailadmin|mailmaster|delivery[-_. ]?(?:subsystem|system|status|notif|agent|report)|mail[- ]?(?:system|administrator)|"
    r"system administrator|system attendant|sysadmin@|internet mail service|microsoft (?:exchange|outlook)|\bmta@|<>|bounces?@", re.IGNORECASE)
# What only the subject of a report says, in lower case.
_SURE = (
    "undeliver", "delivery status", "delivery fail", "delivery has failed", "delivery notification", "delivery problem", "delivery error", "delivery report", "delivery incomplete", "delivery unsuccessful", "delivery delay",
    "delivery attempt", "delivered mail", "returned mail", "returned to sender", "return to sender", "returned message", "failure notice", "failure delivery", "failed delivery", "mail failure", "mail system error", "mail error", "mail fail",
    "non-deliver", "nondeliver", "non deliver", "not be deliver", "not deliver", "not be sent", "not send", "mail delivery", "message status", "message delivery", "message blocked", "message rejected", "message bounced", "message delayed", "message delivered",
    "unable to deliver", "rejected mail", "mail rejected", "cannot deliver", "cannot send", "user unknown", "unknown user", "unknown address", "mailbox full", "mailbox unavailable", "bounced", "errors from", "deliver status",
    "unzustellbar", "nicht zugestellt", "zustellung fehlgeschlagen", "zustellungsfehler", "zustellbericht", "non remis", "non distribu", "échec de la remise", "échec de remise", "no se puede entregar", "no se pudo entregar", "no entregad", "no se ha podido entregar",
    "mancata consegna", "impossibile recapitare", "mancato recapito", "não pode ser entregue", "não foi entregue", "não entregue", "falha na entrega", "onbestelbaar", "niet bezorgd", "kunne ikke leveres", "ikke leveret", "gick inte att leverera", "niedostarcz", "nie można dostarczyć",
    "nelze doručit", "nedoručen", "teslim edileme", "配信でき", "配信不能", "配信エラー", "配信失敗", "配信され", "配信状況", "配達不能", "送信でき", "送信エラー", "未配信", "退信", "退回", "投遞失敗", "投递失败", "无法投递", "無法傳遞", "无法送达", "未送达", "未傳遞", "未传递", "传送不可", "반송", "배달되지", "전송 실패",
    "не доставл", "недоставл", "не может быть доставл", "не удалось доставить", "невозможно доставить", "не вдалося доставити",
)
_VAGUE = ("bounce", "failure", "failed", "error", "reject", "delay", "blocked", "warning", "dsn", "fehler", "erreur", "échec", "falha", "エラー", "ошибка", "失败", "失敗")
_SAYS = (
    "permanent error", "error delivering", "attempting to deliver", "failure reason", "permanent fatal error", "permanent failure", "not be delivered", "n't be delivered", "unable to deliver", "not delivered", "n't delivered", "undeliverable", "delivery failed", "delivery has failed", "delivery failure", "delivery to the following", "able to deliver",
    "not reach", "failed to deliver", "delivery status", "returning message", "returned to sender", "returned mail", "delivering your m", "following address", "following recipient", "user unknown", "unknown user", "mailbox is full", "mailbox full", "no such user", "transcript of session",
    "remote host said", "remote server returned", "delivery error", "invalid user", "unknown address", "not be sent", "has been delayed", "undelivered", "was rejected", "permanently rejected", "fatal error", "delivery problem", "cannot be delivered", "could not deliver", "trouble delivering",
    "nicht zugestellt", "nicht ausgeliefert", "nicht zugestellt werden", "n'a pas pu", "n'a pas été", "pas pu être", "no se pudo", "no se ha podido", "no pudo ser", "non è stato possibile", "non è stata", "não pode ser", "não foi possível", "não foi entregue", "niet worden bezorgd", "kon niet",
    "kunne ikke", "nie można", "nelze", "送信でき", "配信でき", "届けでき", "配信エラー", "送信に失敗", "受信者", "あて先", "宛先", "无法送达", "无法投递", "退信", "被退回", "無法", "无法", "не может быть доставл", "не удалось", "не доставл", "не вдалося", "배달",
)
# The class stands in front of the look-behinds: the engine then skips to the digits instead of trying every character.
_REPLY_LINE = re.compile(r"[45](?:(?:(?<=^.)|(?<=[\s:>;('\"\[].))\d\d[ :-](?:#?[45]\.\d{1,3}\.\d|[A-Za-z<\[*#(\-])|(?<![\w.].)\.\d\.\d{1,3} ?[-:A-Za-z<])", re.MULTILINE)
_ANSWER = re.compile(r"\s*(?:re|aw|sv|antw|fwd?|wg|rv|tr|enc|转发|回复|回覆)\s*(?:\[\d+\])?[:：]", re.IGNORECASE)
_PERSON = re.compile(r"\b(?:i|i'm|my|me|we|hi|hello|dear|hey|regards|thanks|cheers|hallo|ich|wir|gr\u00fc\u00dfe|bonjour|merci|je|hola|gracias|yo|ciao|grazie)\b[^@]")
_RETURNED = ("message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers", "message/rfc822-headers")


def looks_like_bounce(mail: Mail, subject: str) -> bool:
    """Whether this mail has the marks of a report: enough of them, and of more than one sort."""
    if mail.first("x-failed-recipients"):
        return True
    kind = mail.first("content-type").lower()
    if "disposition-notification" in kind or any(part.type in ("message/disposition-notification", "multipart/digest") for part in mail.parts):
        return False
    if "delivery-status" in kind and "report-type" in kind:
        return True
    sender = mail.first("from")
    daemon = bool(_DAEMON.search(sender))
    nobody = mail.first("return-path").strip().lower() in ("<>", "<mailer-daemon>") or not sender.strip()
    if not daemon and not nobody and _written_for_many(mail):
        return False
    said = _subject_says(subject)
    score = 2 * daemon + 2 * nobody + said - _personal(mail, subject, daemon, nobody)
    if (daemon or nobody) and score >= NEEDED and said == 2:
        return True
    return _weighed(mail, score, daemon or nobody)


def _subject_says(subject: str) -> int:
    low = subject.lower()
    return 2 if holds(low, _SURE) else int(holds(low, _VAGUE))


def _written_for_many(mail: Mail) -> bool:
    """A post or a newsletter (RFC 2369, 2919)."""
    return any(mail.first(name) for name in ("list-id", "list-unsubscribe", "list-post")) or mail.first("precedence").lower() == "list"


def _personal(mail: Mail, subject: str, daemon: bool, nobody: bool) -> int:
    """What speaks for a person or a responder rather than a mail system."""
    if daemon:
        return 0
    answers = bool(_ANSWER.match(subject)) or bool(mail.first("in-reply-to") or mail.first("references"))
    responder = mail.first("auto-submitted").lower().startswith("auto-replied") or bool(mail.first("x-autoreply") or mail.first("x-autorespond"))
    program = mail.first("user-agent") or mail.first("x-mailer")
    return 2 * answers + 2 * responder + bool(program and not nobody)


def _weighed(mail: Mail, score: int, machine: bool) -> bool:
    """The marks in the text and in what is enclosed; without a machine's name the enclosed mail or the structure must tell."""
    human = human_part(mail)[0][:12_000]
    low = lower(human[:6000])
    score += 2 * holds(low, _SAYS) + bool(_REPLY_LINE.search(human[:6000]))
    if machine or score < 2:
        return machine and score >= NEEDED
    if _brings_back(mail, human):
        return score + 2 >= NEEDED and _names_someone(human)
    return score > NEEDED and _structured(human) and not _PERSON.search(low)


def _brings_back(mail: Mail, human: str) -> bool:
    """Whether the mail encloses one that its own reader wrote: what a bounce is."""
    readers = {one.lower() for name in ("to", "delivered-to", "x-original-to") for one in addresses(mail.first(name))}
    part = next((part for part in mail.parts if part.type in _RETURNED), None)
    below = text_of(decoded(part, 64_000)) if part else cut(human)[1]
    if not below or not readers:
        return False
    returned = returned_from_text(below)
    return bool({returned.author.lower(), returned.envelope_sender.lower()} & readers)


def _names_someone(human: str) -> bool:
    """Whether a text names a recipient or shows a reply."""
    return bool(_REPLY_LINE.search(human)) or any(segment.strength > 1 for segment in read_story(human, set()).segments)


def _structured(human: str) -> bool:
    """Whether a text is built as a report: a line of its own for a recipient, with a reply in what follows, and no quotation marks."""
    segments = read_story(human, set()).segments
    return bool(segments) and segments[0].strength == 4 and bool(_REPLY_LINE.search(segments[0].text)) and "\n>" not in human
