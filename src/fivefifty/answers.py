"""What the World can be asked, and the shapes of its answers: pure, so that checks and evaluators may know them.

An answer is a value, never an exception: what the outside does wrong is what we want to learn.  Absent, refused, timed out
and lied-to are different states, because they lead to different verdicts.
"""
from __future__ import annotations

from collections.abc import Awaitable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar

from .model import Evidence

T = TypeVar("T")

ABSENT = ("nodata", "nxdomain")  # the name or the type is not there: RFC 2308
# malformed: an answer for another name, or one that can't be read; lame: the server is not in charge of the name
UNLEARNED = ("servfail", "refused", "timeout", "bogus", "malformed", "lame", "loop", "unreachable", "unrecorded")
DNS_STATES = ("found", *ABSENT, *UNLEARNED)


class Mx(NamedTuple):
    """RFC 1035 3.3.9; the root name of a null MX (RFC 7505) is "."."""

    preference: int
    exchange: str


class Tlsa(NamedTuple):
    """RFC 6698 2.1; `association` is lower-case hex."""

    usage: int
    selector: int
    matching_type: int
    association: str


class Soa(NamedTuple):
    """RFC 1035 3.3.13."""

    mname: str
    rname: str
    serial: int
    refresh: int
    retry: int
    expire: int
    minimum: int


class Caa(NamedTuple):
    """RFC 8659 4.1."""

    flags: int
    tag: str
    value: str


Record = str | Mx | Tlsa | Soa | Caa


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """One answer of the DNS, CNAMEs followed.

    `records` holds, by type: A, AAAA the address; CNAME, NS, PTR a name; TXT and SPF the character-strings joined, one byte a
    character (latin-1); MX, TLSA, SOA, CAA the shapes above; other types the presentation form.  Names are lower case without the
    final dot.  `lengths` holds for TXT the lengths of the character-strings of each record.
    """

    name: str
    rrtype: str
    state: str  # one of DNS_STATES
    records: tuple[Any, ...] = ()
    aliases: tuple[str, ...] = ()  # the targets of the CNAMEs that led there, in order
    ttl: int = 0  # seconds; of an absence: how long it may be remembered (RFC 2308 5)
    secure: bool | None = None  # the resolver says that DNSSEC proved it (AD, RFC 4035 3.2.3); None: not known
    lengths: tuple[tuple[int, ...], ...] = ()
    answered_by: str = ""
    asked_at: str = ""  # UTC, RFC 3339
    error: str = ""  # more about a state that is not "found", in words

    @property
    def found(self) -> bool:
        """Whether there is at least one record."""
        return self.state == "found"

    @property
    def absent(self) -> bool:
        """Whether it is certain that there is none."""
        return self.state in ABSENT

    @property
    def unlearned(self) -> bool:
        """Whether nothing could be learned: neither present nor absent."""
        return self.state in UNLEARNED

    @property
    def evidence(self) -> Evidence:
        """The question and its answer as a Finding cites them."""
        error = "" if self.found else f"{self.state}: {self.error}" if self.error else self.state
        answer = "\n".join(present(record) for record in self.records)
        return Evidence(f"{self.rrtype} {self.name}", answer, error, self.asked_at, self.answered_by, self.ttl)


def present(record: Any) -> str:
    """A record as text: "10 mx.example.org"."""
    return record if isinstance(record, str) else " ".join(str(part) for part in record)


@dataclass(frozen=True, slots=True)
class SmtpQuestion:
    """A polite SMTP session that never sends a mail: greeting, EHLO, STARTTLS, EHLO, MAIL, RCPT…, RSET, QUIT.

    It goes only as far as it is asked: without `mail_from` it ends after EHLO (and STARTTLS, where `starttls` is true).
    """

    address: str  # the IP
    port: int = 25
    server_name: str = ""  # the MX name: for SNI and for the name in the certificate
    helo_name: str = ""
    starttls: bool = True
    mail_from: str | None = None  # "" is the null sender
    recipients: tuple[str, ...] = ()
    source_ip: str = ""


class SmtpReply(NamedTuple):
    """One reply; `text` keeps the lines, joined with "\\n", without the codes."""

    phase: str  # connect ehlo starttls mail rcpt
    reply_code: int
    text: str
    argument: str = ""  # the recipient, for "rcpt"


@dataclass(frozen=True, slots=True)
class TlsSession:
    """What the handshake showed."""

    version: str = ""  # "TLSv1.3"
    cipher: str = ""
    names: tuple[str, ...] = ()  # subjectAltName DNS names, else the common name
    issuer: str = ""
    not_before: str = ""  # RFC 3339
    not_after: str = ""
    trusted: bool | None = None  # the chain leads to a root this machine trusts
    matches: bool | None = None  # the name asked for is among `names` (RFC 9525)
    certificates: tuple[str, ...] = ()  # DER as hex, the server's own first
    error: str = ""


@dataclass(frozen=True, slots=True)
class SmtpAnswer:
    """How the session went.  `state`: answered, refused, timeout, unreachable, closed, malformed, not_asked, unrecorded."""

    question: SmtpQuestion
    state: str
    replies: tuple[SmtpReply, ...] = ()
    extensions: tuple[str, ...] = ()  # of the last EHLO, upper case keyword first: "SIZE 1000"
    extensions_before_tls: tuple[str, ...] = ()
    tls: TlsSession | None = None
    seconds: float = 0.0  # until the greeting
    asked_at: str = ""
    error: str = ""

    def reply(self, phase: str) -> SmtpReply | None:
        """The last reply of that phase."""
        return next((reply for reply in reversed(self.replies) if reply.phase == phase), None)

    @property
    def evidence(self) -> Evidence:
        """The dialogue as a Finding cites it."""
        told = "\n".join(f"{reply.phase}: {reply.reply_code} {reply.text}" for reply in self.replies)
        error = "" if self.state == "answered" else f"{self.state}: {self.error}" if self.error else self.state
        name = self.question.server_name
        return Evidence(f"SMTP {self.question.address}:{self.question.port}{f' ({name})' if name else ''}", told, error, self.asked_at, self.question.address)


@dataclass(frozen=True, slots=True)
class HttpsAnswer:
    """One GET.  `state`: answered, refused, timeout, unreachable, tls (the certificate or the handshake), malformed, too_large, not_asked, unrecorded."""

    url: str
    state: str
    status_code: int = 0
    headers: tuple[tuple[str, str], ...] = ()  # names in lower case
    body: bytes = b""
    asked_at: str = ""
    answered_by: str = ""
    error: str = ""

    def header(self, name: str) -> str:
        """The first header of that (lower-case) name, or ""."""
        return next((value for one, value in self.headers if one == name), "")

    @property
    def evidence(self) -> Evidence:
        """The question and its answer as a Finding cites them."""
        error = "" if self.state == "answered" else f"{self.state}: {self.error}" if self.error else self.state
        told = f"{self.status_code} {self.header('content-type')}\n{self.body[:2000].decode('utf-8', 'replace')}" if self.status_code else ""
        return Evidence(f"GET {self.url}", told, error, self.asked_at, self.answered_by)


class World(Protocol):
    """The outside, as checks and evaluators see it.  No method raises for what the outside does."""

    async def dns(self, name: str, rrtype: str) -> DnsAnswer:
        """Ask the DNS; `name` as a domain name in A-labels (U-labels are converted), any case, with or without final dot."""
        ...

    async def smtp(self, question: SmtpQuestion) -> SmtpAnswer:
        """Hold a session that sends no mail."""
        ...

    async def https(self, url: str) -> HttpsAnswer:
        """GET without following redirects."""
        ...

    def now(self) -> datetime:
        """The time, aware, UTC."""
        ...

    def start(self, work: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """Begin something now; the awaitable can be awaited many times.  Several started things run side by side."""
        ...
