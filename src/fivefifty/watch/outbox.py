"""Notes on their way: kept in the store until a channel has taken them, so that a dead network or a crash loses none.

A note is marked as sent only after the channel said yes, so in the worst moment it is sent twice, and never not at all; its first line
names case and state, by which a reader sees that it is the same.  Marks stay for a week: the same note made again is not sent again.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import InputError
from ..plan.quiet import Quiet, digest, quiet_hours, waits_until
from ..settings import Settings
from ..store import Store

TABLE = "outbox"
FIRST, LONGEST = 30.0, 3600.0  # seconds between tries
MARKED = 7 * 86_400.0  # seconds for which it is known that a note was sent
Send = Callable[["Channel", str, str, str], bool]  # channel, title, body, severity


@dataclass(frozen=True, slots=True)
class Channel:
    """Where notes go: one URL.  It may hold passwords, so it is never shown."""

    name: str
    url: str = field(repr=False)
    quiet: Quiet = field(default_factory=Quiet)
    least: str = "warning"  # or "critical"


def channels(settings: Settings) -> list[Channel]:
    """The channels of the settings: [alerts.channels.NAME] tables, each with its URLs in FIVEFIFTY_KEY_ALERTS_NAME; FIVEFIFTY_KEY_ALERTS alone makes one."""
    alerts = settings.alerts
    found = []
    tables = alerts.get("channels", {})
    if not isinstance(tables, Mapping) or not all(isinstance(one, Mapping) for one in tables.values()):
        raise InputError("`alerts.channels` has to be tables.", settings.path, "Begin each with [alerts.channels.NAME].")
    for name, told in {**({"default": {}} if settings.keys.get("alerts") else {}), **tables}.items():
        key = str(told.get("key", "alerts" if name == "default" else f"alerts_{name}")).lower()
        urls = tuple(settings.keys.get(key, "").split())
        if not urls:
            raise InputError(f"The channel {name!r} has no URLs.", settings.path, f"Put them into the environment variable FIVEFIFTY_KEY_{key.upper()}, with spaces between.")
        least = str(told.get("least", "warning"))
        if least not in ("warning", "critical"):
            raise InputError(f"`least` of the channel {name!r} has to be warning or critical.", settings.path)
        quiet = quiet_hours(str(told.get("quiet", alerts.get("quiet", ""))), settings.tzinfo)
        found += [Channel(name if len(urls) == 1 else f"{name} {number}", url, quiet, least) for number, url in enumerate(urls, 1)]
    return found


def by_apprise(channel: Channel, title: str, body: str, severity: str) -> bool:
    """Send by Apprise; whether it was taken."""
    try:
        import apprise
    except ImportError:
        raise InputError("Alerts are sent by Apprise, which is not installed.", "", "pip install 'fivefifty[alerts]', or --dry-run to see what would be sent.") from None
    import logging

    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its own messages may show URLs with passwords
    sender = apprise.Apprise()
    if not sender.add(channel.url):
        raise InputError(f"The URL of the channel {channel.name!r} is none that Apprise knows.", "", "Its documentation lists them.")
    return bool(sender.notify(title=title, body=body, notify_type=apprise.NotifyType.FAILURE if severity == "critical" else apprise.NotifyType.WARNING))


class Outbox:
    """Puts notes in, and sends what is due."""

    def __init__(self, store: Store, to: Sequence[Channel], send: Send = by_apprise) -> None:
        self.store, self.to, self.send = store, to, send

    def put(self, key: str, title: str, body: str, severity: str, now: float) -> None:
        """Keep a note for every channel; the same key again is the same note."""
        made = {}
        for channel in self.to:
            if channel.least != "critical" or severity == "critical":
                made[f"{key} {channel.name}"] = {"channel": channel.name, "title": title, "body": body, "severity": severity, "made": now, "due": waits_until(channel.quiet, severity, now), "tries": 0}
        known = self.store.among(TABLE, sorted(made))
        self.store.put_many(TABLE, {key: note for key, note in made.items() if key not in known})

    def deliver(self, now: float) -> tuple[int, list[str]]:
        """Send what is due; (how many went, which channels failed).  What waited for the end of quiet hours goes as one."""
        waiting: dict[str, list[tuple[str, dict[str, Any]]]] = {}
        for key, note in list(self.store.documents(TABLE)):
            if "sent" in note:
                if now - float(note["sent"]) > MARKED:
                    self.store.put(TABLE, key, None)
                continue
            due = min(float(note["due"]), float(note["made"]) + 2 * 86_400)  # a clock that was set back must not hold it for ever
            if due <= now or now < float(note["made"]) - 86_400:
                waiting.setdefault(str(note["channel"]), []).append((key, note))
        gone, failed = 0, []
        for channel in self.to:
            notes = sorted(waiting.get(channel.name, []), key=lambda one: float(one[1]["made"]))
            alone = [one for one in notes if one[1]["severity"] == "critical"]
            together = [one for one in notes if one[1]["severity"] != "critical"]
            for some in (*([one] for one in alone), together):
                if some and self._one(channel, some, now):
                    gone += len(some)
                elif some:
                    failed.append(channel.name)
        return gone, failed

    def _one(self, channel: Channel, notes: list[tuple[str, dict[str, Any]]], now: float) -> bool:
        title, body = digest([(str(note["title"]), str(note["body"])) for _, note in notes])
        try:
            sent = self.send(channel, title, body, str(notes[0][1]["severity"]))
        except InputError:
            raise
        except Exception:  # a library's fault, whose words may hold the URL
            sent = False
        if sent:
            self.store.put_many(TABLE, {key: {"sent": now} for key, _ in notes})
            return True
        self.store.put_many(TABLE, {key: {**note, "tries": int(note["tries"]) + 1, "due": now + min(LONGEST, FIRST * 2 ** min(int(note["tries"]), 10))} for key, note in notes})
        return False
