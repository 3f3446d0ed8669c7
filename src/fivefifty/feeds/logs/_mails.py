"""Mails in a queue, remembered by queue id: who sent them, their Message-ID, and why their recipients wait.  Bounded by count."""
from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ...model import Event

MAX_OPEN = 30_000
MAX_WAITING = 10_000
MAX_WORDS = 600


class Mail(NamedTuple):
    """What is known of a mail; `sender` is None where it was not seen, "" for the null sender."""

    sender: str | None = None
    message_id: str = ""


class Waiting(NamedTuple):
    """The last deferral of a recipient."""

    text: str
    status: str
    reply_code: int
    phase: str
    remote_mta: str
    remote_ip: str


_UNKNOWN = Mail()


class Mails:
    """The mails of one log, those used last at the end."""

    def __init__(self) -> None:
        self._mails: dict[str, Mail] = {}
        self._waiting: dict[str, dict[str, Waiting]] = {}
        self._held = 0

    def of(self, key: str) -> Mail:
        """What is known of the mail."""
        return self._mails.get(key, _UNKNOWN)

    def put(self, key: str, mail: Mail) -> None:
        """Remember a mail."""
        self._mails.pop(key, None)
        self._mails[key] = mail
        if len(self._mails) > MAX_OPEN:
            for one in [*self._mails][: MAX_OPEN // 10]:  # one by one costs more with each
                del self._mails[one]

    def ended(self, key: str) -> None:
        """The mail left the queue."""
        self._mails.pop(key, None)
        self._held -= len(self._waiting.pop(key, ()))

    def follow(self, key: str, event: Event) -> None:
        """Remember a deferral, and forget it when the recipient's fate is told."""
        if event.kind != "deferral" and not self._waiting:
            return
        waiting = self._waiting.pop(key, {})
        self._held -= len(waiting)
        waiting.pop(event.recipient, None)
        if event.kind == "deferral":
            waiting[event.recipient] = Waiting(event.text[:MAX_WORDS], event.status, event.reply_code, event.phase, event.remote_mta, event.remote_ip)
        if waiting:
            self._waiting[key] = waiting
            self._held += len(waiting)
        while self._held > MAX_WAITING:
            self._held -= len(self._waiting.pop(next(iter(self._waiting))))

    def waiting(self, key: str, recipient: str) -> Waiting | None:
        """The last deferral of a recipient."""
        return self._waiting.get(key, {}).get(recipient)

    def expired(self, key: str) -> Iterator[tuple[str, Waiting]]:
        """Every recipient still open, with its last deferral; they are forgotten."""
        waiting = self._waiting.pop(key, {})
        self._held -= len(waiting)
        yield from waiting.items()

    def state(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "mails": [[key, mail.sender, mail.message_id] for key, mail in self._mails.items()],
            "waiting": [[key, [[recipient, *told] for recipient, told in waiting.items()]] for key, waiting in self._waiting.items()],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """From what `state` gave."""
        self._mails = {key: Mail(sender, message_id) for key, sender, message_id in state.get("mails", ())}
        self._waiting = {key: {one[0]: Waiting(*one[1:]) for one in waiting} for key, waiting in state.get("waiting", ())}
        self._held = sum(map(len, self._waiting.values()))


def give_up(event: Event, last: Waiting | None) -> None:
    """Makes a final failure of an event that only says that the time is up: its reason is that of the last deferral."""
    event.kind, event.stage = "bounce", "expired"
    if last is not None:
        event.text, event.status, event.reply_code, event.phase = last.text, last.status, last.reply_code, last.phase
        event.remote_mta, event.remote_ip = event.remote_mta or last.remote_mta, event.remote_ip or last.remote_ip
