"""A mailbox on an IMAP server (RFC 3501, RFC 9051), over the standard library's client: mails by UID, IDLE (RFC 2177), deletion by UID.

Mails are read with BODY.PEEK, so none is marked as seen.
"""
from __future__ import annotations

import base64
import contextlib
import imaplib
import re
import select
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from ..errors import InputError
from . import MAX_MAIL

TIMEOUT = 60.0  # seconds for each answer
IDLE = 20 * 60.0  # RFC 2177: a server may hang up after 30 minutes
_TICK = 0.5
_LOCAL = frozenset(("localhost", "127.0.0.1", "::1"))
_UID = re.compile(rb"\bUID (\d+)")
_BROKEN = (imaplib.IMAP4.error, OSError, EOFError, ValueError)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a mailbox is (RFC 5092): imaps://user@host/INBOX; "imap" begins with STARTTLS, but on this machine itself."""

    secure: bool
    host: str
    port: int
    user: str
    mailbox: str

    @classmethod
    def of(cls, url: str) -> Address:
        """An address as it is written; `InputError` where it is none, or holds a password."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), None
        if parts.password is not None:
            raise InputError("A password does not belong into an address.", f"imap of {parts.hostname}", "Put it into the environment variable FIVEFIFTY_KEY_IMAP.")
        if parts.scheme not in ("imap", "imaps") or not parts.hostname or not parts.username:
            raise InputError("This is no address of a mailbox.", url, "Write imaps://user@mail.example.org/INBOX; an @ in the user's name is %40.")
        secure = parts.scheme == "imaps"
        return cls(secure, parts.hostname, port or (993 if secure else 143), unquote(parts.username), unquote(parts.path.strip("/")) or "INBOX")

    def __str__(self) -> str:
        usual = 993 if self.secure else 143
        return f"imap{'s' if self.secure else ''}://{self.user}@{self.host}{'' if self.port == usual else f':{self.port}'}/{self.mailbox}"


class Session:
    """One connection with the mailbox selected; any fault of the network or the server is an `InputError`."""

    def __init__(self, address: Address, password: str, *, read_only: bool) -> None:
        self.address = address
        self._secret = password
        self.ended = False  # the server hung up while nothing was asked
        with self._guarded("be opened"):
            self._client = self._connected()
        with self._guarded("be opened"):
            self._log_in(password)
            self._can = {str(one).upper() for one in self._client.capabilities}
            self._ok(self._client.select(_quoted(address.mailbox), readonly=read_only))
            self.validity = int((self._client.response("UIDVALIDITY")[1] or [b"0"])[0] or 0)

    def _connected(self) -> imaplib.IMAP4:
        at, trusted = self.address, ssl.create_default_context()
        if at.secure:
            return imaplib.IMAP4_SSL(at.host, at.port, ssl_context=trusted, timeout=TIMEOUT)
        client = imaplib.IMAP4(at.host, at.port, timeout=TIMEOUT)
        if at.host not in _LOCAL:
            client.starttls(trusted)
        return client

    def _log_in(self, password: str) -> None:
        """LOGIN, or AUTHENTICATE PLAIN where the server wants that or the password is not ASCII (RFC 4616)."""
        capable = {str(one).upper() for one in self._client.capabilities}
        if "LOGINDISABLED" in capable or not (password + self.address.user).isascii():
            self._client.authenticate("PLAIN", lambda _: f"\0{self.address.user}\0{password}".encode())
        else:
            self._client.login(self.address.user, password)
        self._client.capability() if not self._client.untagged_responses.get("CAPABILITY") else None
        told = self._client.untagged_responses.get("CAPABILITY")
        if told:
            self._client.capabilities = tuple(_words(told[-1:]).upper().split())

    @contextlib.contextmanager
    def _guarded(self, what: str) -> Iterator[None]:
        try:
            yield
        except ssl.SSLCertVerificationError as error:
            raise InputError(f"The mailbox can't {what}: its server's certificate is not valid ({error.verify_message}).", str(self.address), "Use the name the certificate is for.") from None
        except _BROKEN as error:
            self.close()
            told = " ".join((getattr(error, "strerror", None) or str(error) or type(error).__name__).split())[:200].replace(self._secret, "…")
            raise InputError(f"The mailbox can't {what}: {told.removeprefix('b').strip(chr(39))}", str(self.address), "Check address, mailbox and password, and whether the server answers.") from None

    def _ok(self, answer: tuple[str, Any]) -> Any:
        if answer[0] != "OK":
            raise imaplib.IMAP4.error(_words(answer[1]))
        return answer[1]

    def behind(self, uid: int) -> list[int]:
        """The UIDs after that one, in order."""
        with self._guarded("be searched"):
            self._client.noop()
            told = self._ok(self._client.uid("SEARCH", f"UID {uid + 1}:*"))
        found = {int(one) for line in told if line for one in line.split() if one.isdigit()}
        return sorted(one for one in found if one > uid)  # RFC 9051 6.4.9: "n:*" always has the last mail

    def fetch(self, uids: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        """The mails with these UIDs, one at a time; of one larger than is read anyway, its beginning.  Nothing for those that are gone."""
        for uid in uids:
            with self._guarded("be read"):
                told = self._ok(self._client.uid("FETCH", str(uid), f"(UID BODY.PEEK[]<0.{MAX_MAIL}>)"))
            content = next((part[1] for part in told if isinstance(part, tuple) and _of(part, told, uid)), None)
            if content is not None:
                yield uid, content

    def delete(self, uids: Sequence[int]) -> None:
        """Delete these, and no others: without UIDPLUS (RFC 4315) they are only marked."""
        with self._guarded("be tidied"):
            for at in range(0, len(uids), 200):
                wanted = ",".join(map(str, uids[at : at + 200]))
                self._ok(self._client.uid("STORE", wanted, "+FLAGS.SILENT", r"(\Deleted)"))
                if self._can & {"UIDPLUS", "IMAP4REV2"}:
                    self._ok(self._client.uid("EXPUNGE", wanted))

    def idle(self, seconds: float, stopped: Callable[[], bool]) -> bool:
        """Wait until the server tells something, at most that long; False where it can't do that."""
        if not self._can & {"IDLE", "IMAP4REV2"}:
            return False
        try:
            self._idle(min(seconds, IDLE), stopped)
        except _BROKEN:
            self.ended = True
        return True

    def _idle(self, seconds: float, stopped: Callable[[], bool]) -> None:
        client, tag = self._client, self._client._new_tag()
        client.send(tag + b" IDLE\r\n")
        until = time.monotonic() + seconds
        while (line := client.readline()) and not line.startswith(b"+"):
            if line.startswith(tag):
                raise EOFError
        while time.monotonic() < until and not stopped():
            socket = client.socket()
            waiting = getattr(socket, "pending", int)()
            if waiting or select.select([socket], [], [], min(_TICK, max(until - time.monotonic(), 0)))[0]:
                break
        client.send(b"DONE\r\n")
        while (line := client.readline()) and not line.startswith(tag):
            pass
        if not line:
            raise EOFError

    def close(self) -> None:
        """Log out; nothing is expunged by that."""
        client = getattr(self, "_client", None)
        if client is not None:
            with contextlib.suppress(*_BROKEN):
                client.sock.settimeout(5)
                client.logout()
            with contextlib.suppress(*_BROKEN):
                client.shutdown()


def _of(part: tuple[bytes, bytes], told: Sequence[Any], uid: int) -> bool:
    """Whether a literal belongs to that UID, which may stand before it or behind it; a server may tell of other mails unasked."""
    found = _UID.search(part[0])
    if found is None:
        behind = told[told.index(part) + 1] if told.index(part) + 1 < len(told) else b""
        found = _UID.search(behind) if isinstance(behind, bytes) else None
    return found is None or int(found[1]) == uid


def _words(told: Any) -> str:
    return b" ".join(one for one in told or () if isinstance(one, bytes)).decode("utf-8", "replace")


def _quoted(mailbox: str) -> str:
    """A mailbox name in modified UTF-7 (RFC 3501 5.1.3), quoted."""

    def packed(found: re.Match[str]) -> str:
        return "&-" if found[0] == "&" else "&" + base64.b64encode(found[0].encode("utf-16-be")).decode().rstrip("=").replace("/", ",") + "-"

    told = re.sub(r"&|[^ -~]+", packed, mailbox).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{told}"'
