"""A polite SMTP session that sends no mail: how far does it get, and what is said on the way?"""
from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from ..answers import SmtpAnswer, SmtpQuestion, SmtpReply, TlsSession
from . import tls

LONGEST_REPLY = 10_000  # octets
MOST_RECIPIENTS = 100
AT_ONCE = 2  # sessions with one IP
_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)
_UNSAFE = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long each step may take, in seconds."""

    connect: float = 5.0
    greeting: float = 15.0  # some let everybody wait, to see who talks too early
    reply: float = 10.0
    session: float = 25.0


class _Ended(Exception):
    """The session can't go on: the state it leaves, if it never got a greeting, and why."""

    def __init__(self, state: str, why: str) -> None:
        super().__init__(why)
        self.state, self.why = state, why


class SmtpClient:
    """Holds sessions, at most two at once with one IP."""

    def __init__(self, helo_name: str = "", patience: Patience | None = None, stamp: Callable[[], str] = lambda: "") -> None:
        self._helo_name, self._patience, self._stamp = helo_name, patience or Patience(), stamp
        self._turns: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(AT_ONCE))

    async def ask(self, question: SmtpQuestion) -> SmtpAnswer:
        """How the session went; never raises for what the other side does."""
        if fault := _fault(question):
            return SmtpAnswer(question, "not_asked", asked_at=self._stamp(), error=fault)
        return await asyncio.create_task(self._both(question))

    async def _both(self, question: SmtpQuestion) -> SmtpAnswer:
        """A session with a strict handshake; where that fails, one more that looks at the certificate and goes on without trust."""
        async with self._turns[question.address]:
            first = _Session(question, self._patience, self._helo_name)
            answer = await first.held(self._stamp())
            if not first.handshake_failed:
                return answer
            second = _Session(question, self._patience, self._helo_name, first.handshake_failed)
            again = await second.held(self._stamp())
            return again if again.tls is not None else answer


def _fault(question: SmtpQuestion) -> str:
    """Why a question must not be asked."""
    told = (question.helo_name, question.mail_from or "", *question.recipients)
    if any(_UNSAFE.search(one) for one in told):
        return "an address or a name holds a control character"
    return f"more than {MOST_RECIPIENTS} recipients" if len(question.recipients) > MOST_RECIPIENTS else ""


class _Session:
    """One connection."""

    def __init__(self, question: SmtpQuestion, patience: Patience, helo_name: str, distrusted: str = "") -> None:
        self.question, self.patience, self.distrusted = question, patience, distrusted
        self.helo_name = question.helo_name or helo_name
        self.handshake_failed = ""
        self.replies: list[SmtpReply] = []
        self.extensions: tuple[str, ...] = ()
        self.before_tls: tuple[str, ...] = ()
        self.tls: TlsSession | None = None
        self.seconds, self.error = 0.0, ""
        self._read_ahead = b""
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter | None = None

    async def held(self, asked_at: str) -> SmtpAnswer:
        """Hold it, and tell how it went."""
        state = "timeout"
        try:
            async with asyncio.timeout(self.patience.session):
                await self._connect()
                await self._talk()
            state = "answered"
        except _Ended as end:
            state, self.error = end.state, end.why
        except TimeoutError:
            self.error = "the session took too long"
        except (ConnectionError, EOFError) as error:
            state, self.error = "closed", f"the connection broke: {_words(error)}"
        except OSError as error:
            state, self.error = "closed", _words(error)
        finally:
            if self._writer is not None:
                self._writer.transport.abort()
        if self.replies:  # there was a greeting: what came later is in `error`
            state = "answered"
        return SmtpAnswer(self.question, state, tuple(self.replies), self.extensions, self.before_tls, self.tls, round(self.seconds, 3), asked_at, self.error)

    async def _connect(self) -> None:
        begun = time.monotonic()
        source = (self.question.source_ip, 0) if self.question.source_ip else None
        try:
            async with asyncio.timeout(self.patience.connect):
                self._reader, self._writer = await asyncio.open_connection(self.question.address, self.question.port, local_addr=source)
        except TimeoutError:
            raise _Ended("timeout", "no connection in time") from None
        except ConnectionRefusedError as error:
            raise _Ended("refused", _words(error)) from None
        except (OSError, ValueError, OverflowError) as error:
            raise _Ended("unreachable", _words(error)) from None
        await self._reply("connect", self.patience.greeting)
        self.seconds = time.monotonic() - begun

    async def _talk(self) -> None:
        """The commands, as far as they are asked for and the other side goes along."""
        if self.replies[-1].reply_code == 220 and await self._greet():
            starttls = any(one.partition(" ")[0] == "STARTTLS" for one in self.extensions)
            if not (self.question.starttls and starttls) or await self._starttls():
                await self._envelope()
        if self.tls is None or self.tls.version:  # after a failed handshake nothing can be said
            await self._say("QUIT")

    async def _greet(self) -> bool:
        reply = await self._command("ehlo", f"EHLO {self._own_name()}")
        self.extensions = tuple(_extension(line) for line in reply.text.split("\n")[1:] if line.strip()) if reply.reply_code == 250 else ()
        if reply.reply_code // 100 == 5:  # RFC 5321 3.2
            reply = await self._command("ehlo", f"HELO {self._own_name()}", "HELO")
        return reply.reply_code == 250

    def _own_name(self) -> str:
        """The name to say: that of the settings, or the address as a literal (RFC 5321 4.1.4)."""
        if self.helo_name or self._writer is None:
            return self.helo_name
        address = str(self._writer.get_extra_info("sockname")[0]).partition("%")[0]
        return f"[IPv6:{address}]" if ":" in address else f"[{address}]"

    async def _starttls(self) -> bool:
        if (await self._command("starttls", "STARTTLS")).reply_code != 220:
            return True
        smuggled = self._read_ahead  # said before the handshake: must not count as said after it (RFC 3207 4.2 and 6)
        self._read_ahead = b""
        assert self._writer is not None
        name = self.question.server_name.rstrip(".") or None
        try:
            async with asyncio.timeout(self.patience.reply):
                await self._writer.start_tls(tls.lax() if self.distrusted else tls.strict(), server_hostname=name)
        except (ssl.SSLError, OSError, EOFError, ValueError) as error:
            self.handshake_failed = "" if self.distrusted else _tls_words(error)
            self.error = f"the TLS handshake failed: {self.distrusted or self.handshake_failed}"
            self.tls = TlsSession(error=self.distrusted or self.handshake_failed)
            return False
        self.before_tls = self.extensions
        trouble = self.distrusted or ("something was said between STARTTLS and the handshake" if smuggled else "")
        self.tls = tls.session(self._writer.transport, self.question.server_name, not self.distrusted, trouble)
        return await self._greet()

    async def _envelope(self) -> None:
        question = self.question
        if question.mail_from is None:
            return
        foreign = not all(one.isascii() for one in (question.mail_from, *question.recipients))
        if foreign and not any(one.startswith("SMTPUTF8") for one in self.extensions):  # RFC 6531 3.2
            self.error = "the server does not take addresses beyond ASCII (no SMTPUTF8)"
            return
        reply = await self._command("mail", f"MAIL FROM:<{question.mail_from}>{' SMTPUTF8' if foreign else ''}")
        if reply.reply_code == 250:
            for recipient in question.recipients:
                if (await self._command("rcpt", f"RCPT TO:<{recipient}>", recipient)).reply_code == 421:  # it closes: RFC 5321 3.8
                    return
        await self._say("RSET")
        self._checked(await self._read(self.patience.reply))

    async def _command(self, phase: str, command: str, argument: str = "") -> SmtpReply:
        await self._say(command)
        return await self._reply(phase, self.patience.reply, argument)

    async def _say(self, command: str) -> None:
        assert self._writer is not None
        self._writer.write(command.encode() + b"\r\n")
        await self._writer.drain()

    async def _reply(self, phase: str, patience: float, argument: str = "") -> SmtpReply:
        try:
            reply_code, text = self._checked(await self._read(patience))
        except _Ended as end:
            where = "the greeting" if phase == "connect" else f"the reply to {argument or phase.upper()}"
            raise _Ended(end.state, f"{end.why} {where}") from None
        self.replies.append(SmtpReply(phase, reply_code, text, argument))
        return self.replies[-1]

    async def _read(self, patience: float) -> list[bytes]:
        """The lines of one reply."""
        lines: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(patience):
                while True:
                    line = await self._line()
                    lines.append(line)
                    size += len(line)
                    if size > LONGEST_REPLY or line[3:4] != b"-":
                        return lines
        except TimeoutError:
            raise _Ended("timeout", "no answer in time to" if not lines else "no end in time of") from None

    async def _line(self) -> bytes:
        while b"\n" not in self._read_ahead:
            if len(self._read_ahead) > LONGEST_REPLY:
                raise _Ended("malformed", "a line without end in")
            more = await self._reader.read(4096)
            if not more:
                raise _Ended("closed", "the connection was closed before the end of")
            self._read_ahead += more
        line, _, self._read_ahead = self._read_ahead.partition(b"\n")
        return line.removesuffix(b"\r")

    def _checked(self, lines: list[bytes]) -> tuple[int, str]:
        """Code and text (RFC 5321 4.2)."""
        read = [_LINE.fullmatch(line) for line in lines]
        if sum(map(len, lines)) > LONGEST_REPLY:
            raise _Ended("malformed", "too much was said in")
        last = read[-1]
        if last is None or not all(read):
            raise _Ended("malformed", f"this is not SMTP: {_text(lines[-1])[:200]!r} in")
        return int(last[1]), "\n".join(_text(one[3] or b"") for one in read if one)


def _text(octets: bytes) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def _extension(line: str) -> str:
    keyword, _, rest = line.strip().partition(" ")
    return f"{keyword.upper()} {rest}".strip()


def _words(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or "") or str(error) or type(error).__name__


def _tls_words(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, TimeoutError):
        return "no end of the handshake in time"
    return str(getattr(error, "reason", "") or "").replace("_", " ").lower() or _words(error)
