"""How programs quote the servers they spoke to: one line a wording.

Each has a literal (`hint`) that stands in the lower-case text, a pattern matched where the literal stands and ending where
the quoted words start, and, where the quotation closes, what closes it.
"""
from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

# Reply codes that are given for refusals (RFC 5321 4.2.3, RFC 4954 6, RFC 7504): a bare number must not pass for one.
_CODE = r"(?:4(?:2[0-2]|3[0-2]|41|46|47|5[0-9]|7[0-4])|5(?:0[0-5]|[1-3]\d|4[0-9]|5\d|7[0-4]))"
_REPLY = _CODE + r"(?:[ \-#](?! ?(?:bytes?|[kmg]i?b|seconds?|minutes?|hours?|days?|messages|recipients|times)\b)|(?=\n))"

_NAMED = re.compile(r"[(\[<{]{0,2}(?:h=)?([a-z0-9_.\-]{1,255})\]?\s?[\[(](?:ipv6:)?([0-9a-f:.]{3,45})[\])](?::\d{1,5})?[:.,]?")
_BARE = re.compile(r"[(\[<]{0,2}([a-z0-9_\-]{1,63}(?:\.[a-z0-9_\-]{1,63}){1,20})[\])>]?[:.,]?")
_NUMBER = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{0,4}:[0-9a-f:.]{2,41}")
_SPOKEN = re.compile(r"(?:host|h=|by|server|to|mailer)[ \t\n]{0,4}([a-z0-9_.\-]{1,255}?)\.?:?[ \t\n]{1,8}[\[(](?:ipv6:)?([0-9a-f:.]{3,45})[\])]")
_DISLIKED = re.compile(r"(?:connected to )?([a-z0-9_.\-:]{2,255})(?:[ \t][\[(]([0-9a-f:.]{3,45})[\])])?[ \t\n](?:does not like|failed after|but [a-z ]{4,30}|said something)")
_CALLED = re.compile(r"(?:host|server|by|with|from|to)[ \t\n]+[\[(<]?[a-z0-9_.\-]{4,255}[\])>]?$")
_TYPED = re.compile(r"<?([a-z0-9_\-]{1,63}(?:\.[a-z0-9_\-]{1,63}){1,20}) #?\d\.\d{1,3}\.\d{1,3} $")
_QUOTE_END = re.compile(r"'(?=\s*(?:\n|$|[,;.)}\]>](?:\s|$|[;}\])])))")
_DOUBLE_END = re.compile(r"\"(?=\s*(?:\n|$|[,;.)}\]>\\]))")
_ROUND = re.compile(r"[()]")
_ANGLE = re.compile(r"<|(?<!-)>")
_QUOTED_REPLY = re.compile(r"<<<[ \t]*([245]\d\d)(?=[ \-])")
_COMMAND = re.compile(r">>> ?([a-z]{4}(?: (?:from|to):)?)")

Ends = tuple[str, str]


def pipelined(low: str) -> bool:
    """Whether a refusal shown under DATA was one of RCPT: with PIPELINING (RFC 2920) "503 need RCPT" or "554 no valid recipients" follow it."""
    return "need rcpt" in low or "no valid recipients" in low


def named_before(low: str, at: int) -> Ends:
    """Host and address that stand right before a place: "host mx.example.net[192.0.2.1] said:"."""
    words = low[max(0, at - 330) : at].rsplit(None, 2)
    if not words:
        return "", ""
    found = _NAMED.fullmatch(words[-1]) or (_NAMED.fullmatch(" ".join(words[-2:])) if len(words) > 1 else None)
    if found:
        name = found[1].rstrip(".")
        return ("", name) if _NUMBER.fullmatch(name) else (name, found[2])
    bare = words[-1].strip("([<>]):,")
    if _NUMBER.fullmatch(bare):
        return "", bare
    one = _BARE.fullmatch(words[-1])
    return (one[1].rstrip("."), "") if one else ("", "")


def _called_before(low: str, at: int) -> Ends:
    """The host right before a bare colon: only where an address or a word such as "host" shows that it is one."""
    name, ip = named_before(low, at)
    return (name, ip) if ip or _CALLED.search(low, max(0, at - len(name) - 12), at) else ("", "")


def spoken_before(low: str, at: int) -> Ends:
    """The last host and address named in the lines before a place."""
    name, ip = "", ""
    for found in _SPOKEN.finditer(low, max(0, at - 300), at):
        name, ip = found[1], found[2]
    return name, ip


def _disliked_before(low: str, at: int) -> Ends:
    """The host of qmail's sentences: "192.0.2.1 does not like recipient.\\nRemote host said:"."""
    name, ip = "", ""
    for found in _DISLIKED.finditer(low, max(low.rfind("\n", 0, max(0, at - 2)) + 1, at - 400, 0), at):
        name, ip = found[1], found[2] or ""
    return ("", name) if _NUMBER.fullmatch(name) else (name, ip)


def _typed_before(low: str, at: int) -> Ends:
    found = _TYPED.search(low, max(0, at - 300), at)
    return (found[1], "") if found else ("", "")


def _balanced(pattern: re.Pattern[str], low: str, start: int, end: int) -> int:
    """Where the bracket that was opened before `start` closes; `end` if it does not."""
    depth = 0
    for found in pattern.finditer(low, start, end):
        depth += 1 if found[0] in "(<" else -1
        if depth < 0:
            return found.start()
    return end


def _quote_end(low: str, start: int, end: int, pattern: re.Pattern[str], mark: str) -> int:
    found = pattern.search(low, start, end)
    if found:
        return found.start()
    at = low.rfind(mark, start, end)
    return at if at > start else end


_CLOSERS: dict[str, Callable[[str, int, int], int]] = {
    ")": lambda low, start, end: _balanced(_ROUND, low, start, end),
    ">": lambda low, start, end: _balanced(_ANGLE, low, start, end),
    "'": lambda low, start, end: _quote_end(low, start, end, _QUOTE_END, "'"),
    '"': lambda low, start, end: _quote_end(low, start, end, _DOUBLE_END, '"'),
    "};": lambda low, start, end: (low.find("}", start, end) + 1 or end + 1) - 1,
}


def _paragraph(low: str, start: int, end: int) -> int:
    """Where the quoted words end: at "(in reply to …)", else at a blank line."""
    for tail in ("(in reply to", "\ngiving up on "):  # Postfix, qmail
        at = low.find(tail, start, end)
        if at > start:
            end = at
    blank = low.find("\n\n", start + 12, end)
    return blank if blank > 0 else end


@dataclass(frozen=True, slots=True)
class Quotation:
    """How one program quotes another."""

    id: str
    hint: str
    pattern: re.Pattern[str]
    phase: str = ""
    close: str = ""  # what ends the quotation
    before: Callable[[str, int], Ends] | None = None  # how the host is named in front of it
    fresh: bool = False  # a weak wording: only where another code is quoted than was already said
    keep: int = 0  # how many characters before the literal belong to the quoted words

    def host(self, low: str, at: int, found: re.Match[str]) -> Ends:
        """Name and address of the quoted host, where the words tell."""
        if found.re.groups and found.lastindex:
            return (found[1] or "").rstrip("."), (found[2] or "") if found.re.groups > 1 else ""
        return self.before(low, at) if self.before else ("", "")

    def phase_at(self, low: str, at: int) -> str:
        """The phase that the command in front of a quoted line of a dialogue tells."""
        return ""

    def span(self, low: str, found: re.Match[str], end: int) -> tuple[int, int]:
        """Start and end of the quoted words."""
        start = found.start() - self.keep if self.keep else found.end()
        if self.close:
            end = _CLOSERS[self.close](low, found.end(), end)
            if self.close != ")":
                return start, end
        return start, _paragraph(low, start, end)


@dataclass(frozen=True, slots=True)
class _Dialogue(Quotation):
    """Lines of a dialogue, ">>> RCPT To:<…>" and "<<< 550 …": the first refusal of the mail itself is the one that counts."""

    def phase_at(self, low: str, at: int) -> str:
        place = self._refusal(low, at, len(low))
        commands = _COMMAND.findall(low[max(0, place - 600) : place])
        phase = {"mail": "mail", "rcpt": "rcpt", "data": "data", "ehlo": "ehlo", "helo": "ehlo", "star": "starttls", "auth": "auth"}.get(commands[-1][:4], "") if commands else ""
        return "rcpt" if phase == "data" and pipelined(low) else phase

    @staticmethod
    def _refusal(low: str, at: int, end: int) -> int:
        first = -1
        for found in _QUOTED_REPLY.finditer(low, at, end):
            if found[1][0] == "2":
                continue
            command = low.rfind(">>> ", 0, found.start())
            first = found.start() if first < 0 else first
            if command < 0 or not low.startswith(("ehlo", "quit", "rset", "noop", "starttls"), command + 4):
                return found.start()
        return first if first >= 0 else at

    def span(self, low: str, found: re.Match[str], end: int) -> tuple[int, int]:
        start = self._refusal(low, found.start(), end)
        stop = low.find("\n", start, end)
        code = low[start + 3 : start + 8].strip()[:3]
        while stop >= 0 and low.startswith("<<< " + code, stop + 1 + (low[stop + 1 : stop + 9].find("<<<") if "<<<" in low[stop + 1 : stop + 9] else 0)):
            stop = low.find("\n", stop + 1, end)
        return start + 3, end if stop < 0 else stop


def _q(name: str, hint: str, pattern: str, *, phase: str = "", close: str = "", before: Callable[[str, int], Ends] | None = None, fresh: bool = False, keep: int = 0) -> Quotation:
    return Quotation(name, hint, re.compile(pattern), phase, close, before, fresh, keep)


QUOTATIONS: tuple[Quotation, ...] = (
    _q("remote-host-said", "remote host said", r"remote host said:?\s*[\"']?", before=_disliked_before),
    _q("said", "said", r"said(?::\s*|,?\s+(?=[\"']?" + _REPLY + r"))[\"']?", close=")", before=named_before),
    _q("says", " says:", r" says:\s*", before=named_before),
    _q("refused", "refused to talk to me", r"refused to talk to me:\s*", phase="connect", close=")", before=named_before),
    _q("exim", "error from remote", r"error from remote (?:mail server|mailer|transport|server)\s+after\s+[^:<]{1,90}(?::\s*<[^<>\n]{0,320}>[^:]{0,200})?:\s*(?:host\s+([a-z0-9_.\-]{1,255})\s+\[([0-9a-f:.]{3,45})\](?::\d{1,5})?:\s*)?", before=spoken_before),
    _q("did-not-like", "did not like our", r"did not like our (?:final )?[a-z ]{3,12}:?\s*", before=named_before),
    _Dialogue("while-talking", "<<< ", re.compile(r"<<< (?=[245]\d\d)")),
    _q("remote-server-returned", "remote server returned", r"remote server returned\s*'(?=[^'])", close="'"),
    _q("remote-server-returned", "remote server returned", r"remote server returned[a-z ,\-]{1,90}->\s*[\"'<]*(?=\S)"),
    _q("gave-error", "gave this error", r"gave this error:\s*", before=named_before),
    _q("arrow", "->", r"->\s*['\"<]*(?=#?" + _REPLY + ")"),
    _q("hash-smtp", "smtp;", r"smtp;\s*['\"#]*(?=#?[245]\d\d\b|[45]\.\d)", close=">", before=_typed_before),
    _q("last-error-details", "{led=", r"\{led=(?=[^}\s2])", close="};", before=lambda low, at: _details(low, at)),
    _q("bracket", "recipient", r"recipients?\s*\([^\s:()]{1,320}:\s*(?=[^)\s:]+[ \-])", close=")"),
    _q("undeliverable-address", "undeliverable address:", r"undeliverable address:\s*"),
    _q("unverified-address", "unverified address:", r"unverified address:\s*"),
    _q("last-error", "last ", r"last (?:transfail|error|smtp error|response|reply|failure|attempt|reason|status)(?: was| is)?\s?[:=]\s*(?=\S)", close=")"),
    _q("response-was", "response: '", r"response: '(?=\S)", close="'"),
    _q("response-was", "respon", r"respon(?:se|ded|ds)\b(?! to\b)[a-z \t\n]{0,60}:\s*[\"']?"),
    _q("reply-was", "repl", r"repl(?:y|ied)\b(?! to\b)[a-z \t\n]{0,40}:\s*[\"']?(?=" + _REPLY + ")"),
    _q("returned-was", "returned", r"returned was:\s*\"?|returned an? [a-z]{4,12} error\s*:?\s*(?=" + _REPLY + ")", before=spoken_before),
    _q("generated-response", "generated ", r"generated (?:the following |this )?response:\s*"),
    _q("smtp-server-error", "server error:", r"server error:\s*(?!\d{3}\b)(?=\S+ )"),
    _q("got-reply", "got ", r"got (?:code )?\"?(?=" + _REPLY + ")"),
    _q("got-reply", "with message", r"with message\s*[\"':]{1,3}\s*(?=" + _REPLY + ")", close='"'),
    _q("ironport", "-'", r"(?<=[45]\d\d)-'", close="'", keep=3),
    _q("quoted", "'4", r"'(?=#?" + _REPLY + ")", close="'", fresh=True),
    _q("quoted", "'5", r"'(?=#?" + _REPLY + ")", close="'", fresh=True),
    _q("quoted", '"4', r"\"(?=#?" + _REPLY + ")", close='"', fresh=True),
    _q("quoted", '"5', r"\"(?=#?" + _REPLY + ")", close='"', fresh=True),
    _q("angle", "<4", r"<(?=" + _REPLY + ")", close=">", fresh=True),
    _q("angle", "<5", r"<(?=" + _REPLY + ")", close=">", fresh=True),
    _q("round", "(4", r"\((?=" + _REPLY + ")", close=")", fresh=True),
    _q("round", "(5", r"\((?=" + _REPLY + ")", close=")", fresh=True),
    _q("colon", ": 4", r": (?=" + _REPLY + ")", close=")", before=_called_before, fresh=True),
    _q("colon", ": 5", r": (?=" + _REPLY + ")", close=")", before=_called_before, fresh=True),
    _q("colon", ":\n", r":\n\s*(?=" + _REPLY + ")", close=")", before=_called_before, fresh=True),
)

# Most literals hold a rare character, which is found out several times faster: where it does not stand, none of them does.
_PIECES = ("'", '"', "<", "(", "{", ">", ";", "\n", ":", "remote", "")


def _filed() -> tuple[tuple[str, tuple[tuple[str, tuple[int, Quotation]], ...]], ...]:
    groups: dict[str, list[tuple[str, tuple[int, Quotation]]]] = {}
    for place, one in enumerate(QUOTATIONS):
        groups.setdefault(next(piece for piece in _PIECES if piece in one.hint), []).append((one.hint, (place, one)))
    return tuple((piece, tuple(group)) for piece, group in groups.items())


_FILED = _filed()


def quoting(low: str) -> list[Quotation]:
    """The quotations whose literal stands in a text in lower case, in the order of the table."""
    live = [filed for piece, group in _FILED if piece in low for hint, filed in group if hint in low]
    if len(live) > 1:
        live.sort(key=_place_of)
    return [one for _, one in live]


def _place_of(filed: tuple[int, Quotation]) -> int:
    return filed[0]


# The sentence of a mail program in other languages that leads up to the server's reply.
_FOREIGN = (
    "réponse du serveur", "le serveur a répondu", "réponse du serveur distant", "server hat geantwortet", "server antwortete", "antwort des servers", "serverantwort", "antwort des remoteservers",
    "el servidor respondió", "respuesta del servidor", "il server ha risposto", "risposta del server", "o servidor respondeu", "resposta do servidor", "сервер ответил", "ответ сервера",
    "a renvoyé", "zurückgegeben", "devolvió", "ha restituito", "サーバーからの応答", "サーバーの応答", "服务器响应", "服务器返回", "伺服器回應",
)


@cache
def _foreign_quotations() -> tuple[Quotation, ...]:
    return tuple(_q("response-was", words, re.escape(words) + r"[^:\uff1a'\"\n]{0,20}[:\uff1a'\"]\s*['\"]?") for words in _FOREIGN)


def foreign(low: str) -> list[Quotation]:
    """The quotations in other languages whose literal stands in a text."""
    return [one for one in _foreign_quotations() if one.hint in low]


_DETAIL_NAME = re.compile(r"\{fqdn=([a-z0-9_.\-]{1,255})\}")
_DETAIL_IP = re.compile(r"\{ip=([0-9a-f:.]{3,45})\}")


def _details(low: str, at: int) -> Ends:
    """Host and address of Exchange Online's {LED=…};{MSG=…};{FQDN=…};{IP=…};{LRT=…}."""
    name, ip = _DETAIL_NAME.search(low, at), _DETAIL_IP.search(low, at)
    return (name[1] if name else ""), (ip[1] if ip else "")
