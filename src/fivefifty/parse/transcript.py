"""A dialogue somebody pastes: swaks, telnet, openssl, Exim -v, curl, msmtp, mutt, PHPMailer, smtplib, nodemailer, protocol logs.

All show the same thing (RFC 5321 3): what the client sent, what the server answered.  They differ in the marks in front.  The
reply that counts is the first refusal of the mail itself; those behind it ("503 need RCPT first") follow from it.
"""
from __future__ import annotations

import re
from dataclasses import dataclass, field

from ..model import Failure
from .address import ADDRESS, clean
from .reply import codes_of
from .statement import stated

MAX_LINES = 20_000
MAX_LINE = 2_000

_VERB = r"(?:EHLO|HELO|LHLO|MAIL(?:[ \t]+FROM)?|RCPT(?:[ \t]+TO)?|DATA|BDAT|STARTTLS|AUTH|QUIT|RSET|NOOP|VRFY)(?=[ \t:\\\"']|$)"
_SERVER = re.compile(
    r"(?:^|[\s\]:\",|])(?:<-|<~\*?|<\*\*|<~|<<<|<<|<--|S:|Out:|SMTP<<|\d?<|<,\"?|SERVER -> CLIENT:|SMTP Response:|\"?RECEIVED:|reply:|Received >>>|Server:|lmtp<<)[ \t]*(?:b?['\"]|retcode \()?(?=[2345]\d\d(?:[ \-)]|\\r|$))", re.IGNORECASE)
_CLIENT = re.compile(
    r"(?:^|[\s\]:\",|])(?:->|~>|>>>|>>|-->|C:|In:|SMTP>>|SMTP\|>|\d?>|>,\"?|CLIENT -> SERVER:|SMTP Send:|\"?SENT:|send:|Sent <<<|Client:|lmtp>>)[ \t]*(?:b?['\"])?(?=" + _VERB + r"|\.(?:\\r|$|['\"]))", re.IGNORECASE)
_BARE_SERVER = re.compile(r"[ \t]*(?=[2345]\d\d(?:[ \-]|$))")
_BARE_CLIENT = re.compile(r"[ \t]*(?=(?:EHLO|HELO|LHLO)[ \t]+\S|MAIL[ \t]+FROM:|RCPT[ \t]+TO:|(?:DATA|QUIT|RSET|STARTTLS)[ \t]*$|AUTH[ \t]+[A-Z]|BDAT[ \t]+\d|\.$)", re.IGNORECASE)
_MARKED = re.compile(r"(?:^|\n)[^\n]{0,120}?(?:<-|<~|<\*\*|<<|<--|S:|Out:|<|SERVER -> CLIENT:|SMTP Response:|RECEIVED:|reply:)[ \t,\"'b]*(?:retcode \()?[245]\d\d[ \-)]", re.IGNORECASE)
_TALKING = re.compile(r"(?:while talking to|connected to|connecting to|trying)[ \t]+\[?([A-Za-z0-9_.\-:]{2,255})\]?(?:[ \t]*[\[(]([0-9A-Fa-f:.]{3,45})[\])])?", re.IGNORECASE)
_IP = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]{2,41}")
_NAME = re.compile(r"[ \-]([A-Za-z0-9_\-]{1,63}(?:\.[A-Za-z0-9_\-]{1,63}){1,20})\b")
_CLIENT_IP = re.compile(r"[\[(](?:IPv6:)?(\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{1,4}:[0-9A-Fa-f:.]{2,41})[\])]")
_REST = re.compile(r"(?:\\r)?(?:\\n)?['\"]?,?\s*$")
_RETCODE = re.compile(r"(\d{3})\); Msg: b?['\"]?")
_OPENING = ("ehlo", "helo", "lhlo")


@dataclass(slots=True)
class Exchange:
    """One command and what the server answered; `command` is "" for the greeting, "." for the end of data."""

    command: str
    reply: str
    verb: str
    address: str = ""

    @property
    def refused(self) -> bool:
        return self.reply[:1] in ("4", "5")

    @property
    def phase(self) -> str:
        return {"": "connect", "ehlo": "ehlo", "helo": "ehlo", "lhlo": "ehlo", "mail": "mail", "rcpt": "rcpt", "data": "data", "bdat": "end-of-data", ".": "end-of-data", "starttls": "starttls", "auth": "auth"}.get(self.verb, "")


@dataclass(slots=True)
class Session:
    """One connection: whom the client spoke to, under which names, and what was said."""

    server: str = ""
    server_ip: str = ""
    helo_name: str = ""
    sending_ip: str = ""
    envelope_sender: str = ""
    exchanges: list[Exchange] = field(default_factory=list)


class _Reader:
    """Reads lines into sessions."""

    def __init__(self, marked: bool) -> None:
        self.sessions: list[Session] = [Session()]
        self.marked, self.open = marked, ""
        self.commands: list[str] = []  # sent and not yet answered: RFC 2920 lets a client send several

    def take(self, line: str) -> None:
        server = _SERVER.search(line[:160]) if self.marked else _BARE_SERVER.match(line)
        if server:
            self._answer(_RETCODE.sub(r"\1 ", _REST.sub("", line[server.end() :])).strip())
            return
        client = _CLIENT.search(line[:160]) if self.marked else _BARE_CLIENT.match(line)
        if client:
            self.commands.append(_REST.sub("", line[client.end() :]).strip())
            self.open = "client"
            return
        talking = _TALKING.search(line[:300])
        if talking:
            self._connected(talking[1].strip(".").lower(), talking[2] or "")
        elif self.open and line[:5] == "     ":  # Postfix folds long lines
            self._fold(line.strip())
        elif line.strip():
            self.open = ""

    def _fold(self, more: str) -> None:
        if self.open == "client" and self.commands:
            self.commands[-1] += " " + more
        elif self.open == "server" and self.sessions[-1].exchanges:
            self.sessions[-1].exchanges[-1].reply += " " + more

    def _connected(self, name: str, ip: str) -> None:
        if self.sessions[-1].exchanges:
            self.sessions.append(Session())
        name = re.sub(r":\d+\.*$|\.+$", "", name) if name.count(":") < 2 else name.strip(".")
        session = self.sessions[-1]
        if _IP.fullmatch(name):
            session.server_ip = name
        elif "." in name:
            session.server, session.server_ip = name, ip or session.server_ip

    def _answer(self, reply: str) -> None:
        session = self.sessions[-1]
        last = session.exchanges[-1] if session.exchanges else None
        if last and self.open == "server" and last.reply[:3] == reply[:3] and last.reply.rpartition("\n")[2][3:4] == "-":
            last.reply += "\n" + reply
            _learn(session, last)
            return
        self.open = "server"
        command = self.commands.pop(0) if self.commands else _unsent(last)
        if not command and last and reply[:3] == "220" and last.verb:  # the greeting of the next connection
            session = Session()
            self.sessions.append(session)
        named = ADDRESS.search(command)
        verb = re.split(r"[ \t:]", command.lower(), maxsplit=1)[0]
        one = Exchange(command, reply, verb, clean(named[0]) if named and verb in ("mail", "rcpt") else "")
        session.exchanges.append(one)
        _learn(session, one)


def _unsent(last: Exchange | None) -> str:
    """The command that an answer belongs to where the paste shows none: the data behind 354, the secrets behind 334 (RFC 4954 4)."""
    if last is None:
        return ""
    return "." if last.reply[:3] == "354" or last.verb == "." else (last.command if last.reply[:3] == "334" else "")


def _learn(session: Session, one: Exchange) -> None:
    """What an answer tells about both sides (RFC 5321 4.2.2: the first word of a 220 or of the answer to EHLO is the server's name)."""
    name = _NAME.match(one.reply, 3)
    if name and (one.verb == "" or one.verb in _OPENING) and not session.server:
        session.server = name[1].lower()
    if one.verb in _OPENING:
        session.helo_name = session.helo_name or one.command[4:].strip()
        told = _CLIENT_IP.search(one.reply.partition("\n")[0])
        if told and told[1] != session.server_ip:
            session.sending_ip = session.sending_ip or told[1]
    elif one.verb == "mail":
        session.envelope_sender = one.address


def read_sessions(text: str) -> list[Session]:
    """The connections that a text shows; [] where it holds no dialogue."""
    marked = bool(_MARKED.search(text[:200_000]))
    reader = _Reader(marked)
    for line in text.split("\n")[:MAX_LINES]:
        reader.take(line[:MAX_LINE])
    found = [one for one in reader.sessions if one.exchanges]
    commands = sum(bool(exchange.verb) for one in found for exchange in one.exchanges)
    greeted = any(exchange.reply.startswith(("220", "554", "421")) for one in found for exchange in one.exchanges[:1])
    return found if commands or (marked and greeted) else []


def read_transcript(text: str, where: str = "pasted text") -> list[Failure]:
    """The Failures of a dialogue: one a refused recipient, or one for what refused them all; [] where nothing was refused."""
    return [failure for session in read_sessions(text) for failure in _failures(session, where)]


def _failures(session: Session, where: str) -> list[Failure]:
    recipients = [one for one in session.exchanges if one.verb == "rcpt" and one.address]
    refused = [one for one in recipients if one.refused]
    accepted = [one.address for one in recipients if not one.refused]
    earlier = _before_recipients(session)
    if earlier:
        return [_failure(session, earlier, address, where) for address in dict.fromkeys(one.address for one in recipients) or [""]]
    found = [_failure(session, one, one.address, where) for one in refused]
    if accepted or not refused:
        found += _of_data(session, accepted, where)
    if not found:
        last = next((one for one in session.exchanges if one.refused and one.phase and not _answered_later(session, one)), None)
        found = [_failure(session, last, "", where)] if last else []
    return found


def _answered_later(session: Session, one: Exchange) -> bool:
    """Whether the client went on: a refused EHLO followed by HELO, a refused mechanism followed by another."""
    later = session.exchanges[session.exchanges.index(one) + 1 :]
    verbs = _OPENING if one.verb in _OPENING else (one.verb,)
    return any(other.verb in verbs and not other.refused for other in later)


def _before_recipients(session: Session) -> Exchange | None:
    """What refused before any recipient was named: the greeting, AUTH, MAIL.  STARTTLS and EHLO only where all stopped there."""
    for one in session.exchanges:
        if one.verb == "rcpt" and not one.reply.startswith("503"):
            return None
        if one.refused and one.verb in ("", "auth", "mail") and not _answered_later(session, one):
            return one
    return None


def _of_data(session: Session, accepted: list[str], where: str) -> list[Failure]:
    """The refusals of the data; with LMTP there is an answer for each recipient, in order (RFC 2033 4.2)."""
    answers = [one for one in session.exchanges if one.verb in ("data", "bdat", ".") and one.reply[:1] != "3"]
    if len(accepted) > 1 and len(answers) == len(accepted):
        return [_failure(session, one, address, where) for one, address in zip(answers, accepted, strict=True) if one.refused]
    answer = next((one for one in answers if one.refused), None)
    return [_failure(session, answer, address, where) for address in accepted or [""]] if answer else []


def _failure(session: Session, one: Exchange, address: str, where: str) -> Failure:
    reply = one.reply
    known = Failure(
        final_recipient=address, status=codes_of(reply)[1], remote_mta=session.server, remote_ip=session.server_ip, sending_ip=session.sending_ip,
        helo_name=session.helo_name, envelope_sender=session.envelope_sender, phase=one.phase, seen={"phase": f"{where}: {one.command or 'greeting'}"[:120]},
    )
    return stated(known, reply, where, one.phase)
