"""What programs show when the first server refuses them: PHPMailer, smtplib, nodemailer, JavaMail, .NET, Outlook, Thunderbird.

Such an error quotes the server's reply and, in its own sentence, the recipient or the sender that was refused.
"""
from __future__ import annotations

import re

from ..model import Failure
from .address import ADDRESS, clean
from .mentioned import mentioned
from .statement import stated

HINTS = (
    "mailer error", "smtp error", "smtp connect() failed", "smtplib.", "recipientsrefused", "senderrefused", "dataerror", "smtpresponseexception", "smtpauthenticationerror", "responsecode", "eenvelope", "eauth", "emessage", "smtpsendfailed", "smtpaddressfailed",
    "smtpsenderfailed", "sendfailedexception", "smtpexception", "smtpfailedrecipient", "server response", "server error", "0x800ccc", "responded", "expected response code", "but got code", "error number", "net::smtp", "r\u00e9ponse du serveur",
    "le serveur a r\u00e9pondu", "serverantwort", "antwort des servers", "server antwortete", "respuesta del servidor", "servidor respondi\u00f3", "risposta del server", "server ha risposto", "resposta do servidor", "servidor respondeu", "\u043e\u0442\u0432\u0435\u0442 \u0441\u0435\u0440\u0432\u0435\u0440\u0430",
)
# smtplib: {'user@example.net': (550, b'5.1.1 …')}, or the tuple alone; SMTPSenderRefused adds the sender.
_TUPLE = re.compile(r"(?:['\"]([^'\"\s]{1,320}@[^'\"\s]{1,255})['\"]:\s*)?\(\s*([245]\d\d),\s*b?('(?:[^'\\]|\\.){0,4000}'|\"(?:[^\"\\]|\\.){0,4000}\")(?:,\s*['\"]([^'\"\s]{1,320}@[^'\"\s]{1,255})['\"])?\s*\)")
_ESCAPED = re.compile(r"(?:\\r)?\\n")
_CODE_AFTER = re.compile(r"(?:SMTP code: ?|Server Error: ?|responseCode: ?|StatusCode: ?|Erreur (?:de|du) serveur\s?: ?|Serverfehler: ?|Errore del server: ?|Error del servidor: ?)([45]\d\d)", re.IGNORECASE)
_RESPONSE = re.compile(r"\bresponse: ['\"`]([45]\d\d[^\n]{3,2000}?)['\"`],?\s*(?:\n|$|responseCode)")
_DETAIL = re.compile(r"Detail: ([^\n]{3,1000}?)(?= SMTP code:| Additional SMTP info:|\n|$)")
_COMMAND = re.compile(r"(?:command:? ?['\"`]?|SMTP Error: |server error: )(RCPT TO|MAIL FROM|DATA|EHLO|HELO|AUTH|STARTTLS|CONN|API)\b|(recipients failed|recipients? (?:were |was )?rejected|recipient(?:'s)? address|could not authenticate|from address failed|data not accepted|sender (?:address )?(?:was |is )?rejected)", re.IGNORECASE)
_PHASES = {"rcpt to": "rcpt", "mail from": "mail", "data": "end-of-data", "ehlo": "ehlo", "helo": "ehlo", "auth": "auth", "starttls": "starttls", "conn": "connect", "could not authenticate": "auth", "from address failed": "mail", "data not accepted": "end-of-data"}
_SENDER = re.compile(r"(?:from address failed:?|from address|sender address|adresse de l'exp\u00e9diteur|absenderadresse|MAIL FROM:?)[ \t]*[<'\"]*([^\s<>'\"]{1,320}@[^\s<>'\",;]{1,255})|([^\s<>'\"]{1,320}@[^\s<>'\",;]{1,255})[>'\" :]{1,4}Sender address rejected", re.IGNORECASE)
_RCPT = re.compile(
    r"(?:recipients failed:|rejected e-?mail address was|message recipient|recipient address|rejected: ?\[|rcpt to:?|recipient|e-?mail address|destinataire|empf\u00e4nger|destinatario|destinat\u00e1rio)[ \t\n]*[<'\"\[]*[ ]?['\"]?([^\s<>'\"\[\]]{1,320}@[^\s<>'\",;:\[\]]{1,255})", re.IGNORECASE)
_SERVER = re.compile(r"(?:server|serveur|servidor|host)\s?: ?['\"]([A-Za-z0-9_\-]{1,63}(?:\.[A-Za-z0-9_\-]{1,63}){1,10})['\"]", re.IGNORECASE)
_LABELLED = re.compile(r"\n[ \t]*(?:Serveur|Server|Servidor|Compte|Konto|Cuenta|Account|Port|Protocole?|Protokoll|S\u00e9curis\u00e9|Secure|Objet|Sujet|Subject|Asunto|Betreff)\b[^:\n]{0,20}:[^\n]*")
_ADVICE = re.compile(r"[.\s]{0,3}(?:Please (?:check|verify|make sure)|Veuillez v\u00e9rifier|Bitte (?:\u00fcberpr\u00fcfen|pr\u00fcfen)|Verifique|Compruebe|Controllare|Pr\u00fcfen Sie)[^\n]{0,400}$")
_FAILED = re.compile(r"(?:^|[,\s])\s*([^\s<>,:]{1,320}@[^\s<>,:]{1,255}):?(?=\s|,|$)")


def looks_like_client(low: str) -> bool:
    """Whether a text (lower case) holds words of a program's error dialog or exception."""
    return any(hint in low for hint in HINTS) or ((", b'" in low or ', b"' in low or "': (" in low) and bool(_TUPLE.search(low[:100_000])))


def read_client(text: str, where: str = "pasted text") -> list[Failure]:
    """The Failures of a program's error; [] where it quotes no server."""
    tuples = list(_TUPLE.finditer(text[:100_000]))
    if tuples:
        return [_of_tuple(found, where) for found in tuples]
    words = _words(text)
    if not words:
        return []
    sender, recipient = _SENDER.search(text), _RCPT.search(text)
    server, phase = _SERVER.search(text), _phase(text)
    told = clean((sender[1] or sender[2]) if sender else "")
    known = Failure(envelope_sender=told, remote_mta=server[1].lower() if server else "", phase=phase)
    failed = _failed(text)
    if len(failed) > 1:
        return [stated(_to(known, one), said or words, where, phase) for one, said in failed]
    one = failed[0][0] if failed else (clean(recipient[1]) if recipient else mentioned(words)[0])
    return [stated(_to(known, one if one.lower() != told.lower() else ""), words, where, phase)]


def _to(known: Failure, address: str) -> Failure:
    return Failure(final_recipient=address, envelope_sender=known.envelope_sender, remote_mta=known.remote_mta, phase=known.phase)


def _of_tuple(found: re.Match[str], where: str) -> Failure:
    words = f"{found[2]} " + _ESCAPED.sub(f"\n{found[2]} ", found[3][1:-1])
    return stated(Failure(final_recipient=clean(found[1] or ""), envelope_sender=clean(found[4] or "")), words, where, "rcpt" if found[1] else ("mail" if found[4] else ""))


def _words(text: str) -> str:
    """The text, with the reply code that stands apart from the words put in front of them."""
    response = _RESPONSE.search(text)
    if response:
        return response[1]
    code, detail = _CODE_AFTER.search(text), _DETAIL.search(text)
    if code and detail and code[1] not in detail[1]:
        return f"{text[: detail.start()]}Detail: {code[1]} {detail[1]}"
    return _ADVICE.sub("", _LABELLED.sub("", text)).strip()


def _phase(text: str) -> str:
    found = _COMMAND.search(text)
    if not found:
        return ""
    named = (found[1] or found[2]).lower()
    return _PHASES.get(named, "mail" if "sender" in named else "rcpt")


def _failed(text: str) -> list[tuple[str, str]]:
    """The recipients of PHPMailer's "The following recipients failed: a@…: words, b@…: words", each with its words."""
    at = text.find("recipients failed:")
    if at < 0:
        return []
    line = text[at + 18 : at + 4000].split("\n", 1)[0]
    found = [one for one in _FAILED.finditer(line) if ADDRESS.fullmatch(one[1])]
    ends = [one.start() for one in found[1:]] + [len(line)]
    return [(clean(one[1]), line[one.end() : end].strip(" :,")) for one, end in zip(found, ends, strict=True)]
