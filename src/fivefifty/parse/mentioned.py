"""Which address of a reply is the recipient's, and which the sender's."""
from __future__ import annotations

import re

from .address import ADDRESS, clean

_TO = re.compile(r"(?<![\w\-])(?:orig_)?to=<?([^\s<>,;\"]+@[^\s<>,;\"]+)>?|\brcpt to:[ \t]*<?([^\s<>,;\"]{1,320}@[^\s<>,;\"]{1,255})>", re.IGNORECASE)
_FROM = re.compile(r"(?<![\w\-])(?:from=|mail from:[ \t]*)<?([^\s<>,;\"]{1,320}@[^\s<>,;\"]{1,255})>?", re.IGNORECASE)
_SENDERS = re.compile(r"[\s>:,)\"'\]]{0,5}(?:sender (?:address )?(?:rejected|denied|verif|unknown|domain)|invalid sender|is not a valid sender|does not have permission|not owned by|spf|is not allowed to send|domain not found|from address|(?:has )?exceeded (?:its|the) [^.]{0,30}(?:send|quota|limit)|as a sender)", re.IGNORECASE)
_BEFORE_SENDER = re.compile(r"(?:from|sender|sender address|mail from|return-path|on behalf of|blocked senders|report (?:details )?to|contact|abuse|support|postmaster)[ \t:=<'\"\[(]{1,4}$", re.IGNORECASE)


def mentioned(words: str) -> tuple[str, str]:
    """Recipient and sender that a reply names, "" where it does not: an address is the recipient unless the words say otherwise."""
    if "@" not in words:
        return "", ""
    told, sender = _TO.search(words), _FROM.search(words)
    to, mail_from = clean((told[1] or told[2]) if told else ""), clean(sender[1]) if sender else ""
    if to:
        return to, mail_from
    for found in ADDRESS.finditer(words[:4000]):
        address = clean(found[0])
        if _SENDERS.match(words, found.end()) or _BEFORE_SENDER.search(words[max(0, found.start() - 40) : found.start()]):
            mail_from = mail_from or address
        elif address.lower() != mail_from.lower() and "." in address.rpartition("@")[2]:
            return address, mail_from
    return "", mail_from
