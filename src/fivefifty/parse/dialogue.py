"""An SMTP dialogue as reports show it: what the client sent, what the server answered (RFC 5321 3, 4.2).

Sendmail writes ">>> RCPT To:<…>" and "<<< 550 …", Postfix "In:" and "Out:", others "-->" and "<--", "Sent <<<" and "Received >>>".
"""
from __future__ import annotations

import re
from dataclasses import dataclass

from .address import ADDRESS, clean
from .wrapper import phase_named

MAX_LINES = 20_000

_TALKING = re.compile(r"[ \t.]*(?:while talking to|connected to|connecting to)[ \t]+\[?([^\s\]:]{1,255})", re.IGNORECASE)
_CLIENT = re.compile(r"(?:[^\n<>]{0,60}[ \t:]|^)(?:>>>|In:|Sent <<<|C:|-->)[ \t]*(?=[A-Za-z]{4})")
_SERVER = re.compile(r"(?:[^\n<>]{0,60}[ \t:]|^)(?:<<<|Out:|Received >>>|S:|<--)[ \t]*(?=[2345]\d\d)")
_RCPT = re.compile(r"rcpt[ \t]+to:", re.IGNORECASE)


@dataclass(slots=True)
class Exchange:
    """One command and the reply it got; `address` where it was a RCPT."""

    command: str = ""
    reply: str = ""
    host: str = ""
    address: str = ""

    @property
    def refused(self) -> bool:
        return self.reply[:1] in ("4", "5")

    @property
    def phase(self) -> str:
        """The phase of the command; a refusal behind the 354 answers the end of data."""
        return phase_named(self.command) or ("connect" if not self.command else "")


def is_client(line: str) -> bool:
    """Whether a line shows what the client sent."""
    return bool(_CLIENT.match(line))


def is_server(line: str) -> bool:
    """Whether a line shows what the server answered."""
    return bool(_SERVER.match(line))


class Listener:
    """Reads a dialogue line by line."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self._command, self._host, self._open = "", "", ""

    def take(self, line: str) -> bool:
        """Take a line in; False where it is no part of a dialogue."""
        talking = _TALKING.match(line)
        if talking:
            self._host, self._command = talking[1].rstrip(".").lower(), ""
            return True
        client = _CLIENT.match(line)
        if client:
            self._command, self._open = line[client.end() :].strip(), "client"
            return True
        server = _SERVER.match(line)
        if server:
            self._reply(line[server.end() :].strip())
            return True
        if self._open and line[:5] == "     ":  # Postfix folds long lines
            self._fold(line.strip())
            return True
        self._open = ""
        return False

    def _reply(self, reply: str) -> None:
        last = self.exchanges[-1] if self.exchanges else None
        if last and self._open == "server" and last.command == self._command and last.reply[:3] == reply[:3]:
            last.reply += "\n" + reply
            return
        named = ADDRESS.search(self._command) if _RCPT.match(self._command) else None
        command = "end of data" if last and last.reply.startswith("354") and self._command.upper().startswith("DATA") else self._command
        self.exchanges.append(Exchange(command, reply, self._host, clean(named[0]) if named else ""))
        self._open = "server"

    def _fold(self, more: str) -> None:
        if self._open == "client":
            self._command += " " + more
        elif self.exchanges:
            self.exchanges[-1].reply += " " + more
