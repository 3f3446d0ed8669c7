"""What the user has told about themselves once: domains, servers, where the store lies, limits, whom to alert.

A TOML file: `--settings FILE`, else `$FIVEFIFTY_SETTINGS`, else `~/.config/fivefifty/settings.toml`.  Secrets never stand in it: they are
environment variables `FIVEFIFTY_KEY_<NAME>`.
"""
from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

from .errors import InputError

KEYS = "FIVEFIFTY_KEY_"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set; see docs/settings.md."""

    path: str = ""  # where it was read, "" for the defaults
    store: str = ""  # path or URL, "" for the default place
    own_domains: tuple[str, ...] = ()
    own_hosts: tuple[str, ...] = ()  # names and IPs
    zone: str = "UTC"  # IANA name, of log lines that tell none
    keep_days: int = 400  # events older than this are dropped by `fivefifty watch`
    hash_recipients: bool = False
    thresholds: Mapping[str, float] = field(default_factory=dict, hash=False)
    follow: tuple[Mapping[str, Any], ...] = ()  # [[follow]] tables: kind, path …
    watch: Mapping[str, Any] = field(default_factory=dict, hash=False)
    alerts: Mapping[str, Any] = field(default_factory=dict, hash=False)
    suppress: Mapping[str, float] = field(default_factory=dict, hash=False)  # the rules of what comes back, plan/suppression.py
    keys: Mapping[str, str] = field(default_factory=dict, hash=False, repr=False)  # from the environment, by lower-case name

    @property
    def tzinfo(self) -> tzinfo:
        """The zone of log lines that tell none."""
        return zone_of(self.zone)


_TEXT, _LIST, _NUMBER, _YES, _TABLE = "a text in quotes", "a list of texts", "a number", "true or false", "a table"
_FOLLOW = {"kind": _TEXT, "path": _TEXT, "imap": _TEXT, "maildir": _TEXT, "delete": _YES, "every": _NUMBER, "trust": _YES, "zone": _TEXT, "key": _TEXT}
_TOP = {"store": _TEXT, "own_domains": _LIST, "own_hosts": _LIST, "zone": _TEXT, "keep_days": _NUMBER, "hash_recipients": _YES}
_TABLES: Mapping[str, Mapping[str, str]] = {
    "thresholds": {f"{one}{end}": _NUMBER for one in ("address", "block", "complaint", "bounce") for end in ("", "_critical")},  # plan/alert.py
    "watch": {"selectors": _LIST, "live_every": _NUMBER, "smtp": _YES, "resolvers": _LIST},
    "alerts": {"quiet": _TEXT, "channels": _TABLE},
    "suppress": {f"{one}_{what}": _NUMBER for one in ("full", "domain") for what in ("days", "within", "lasts")},
}
_CHANNEL = {"key": _TEXT, "quiet": _TEXT, "least": _TEXT}


def keys() -> dict[str, str]:
    """The secrets in the environment."""
    return {name.removeprefix(KEYS).lower(): value for name, value in os.environ.items() if name.startswith(KEYS) and value}


def zone_of(name: str) -> tzinfo:
    """A time zone by its IANA name; `InputError` where there is none."""
    from zoneinfo import ZoneInfo

    if name.upper() in ("UTC", "Z", ""):
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise InputError(f"There is no time zone called {name!r}.", "", "Names look like Europe/Berlin or UTC.") from error


def load(path: str = "") -> Settings:
    """The settings; `InputError` names file, key and what is right.  Without a file the defaults."""
    asked = path or os.environ.get("FIVEFIFTY_SETTINGS", "")
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    place = Path(asked or Path(home) / "fivefifty" / "settings.toml").expanduser()
    try:
        text = place.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        if asked:
            raise InputError("There is no such settings file.", str(place), "Check the path.") from error
        return Settings(keys=keys())
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("The settings file could not be read.", str(place), "It has to be a text in UTF-8 that you may read.") from error
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"The settings file is not TOML: {error}.", str(place), "See docs/settings.md for an example.") from error
    return _made(told, str(place))


def _made(told: Mapping[str, Any], place: str) -> Settings:
    for name, value in told.items():
        if name in _TOP:
            _check(value, _TOP[name], name, place)
        elif name == "follow":
            if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
                raise InputError("`follow` has to be tables.", place, "Begin each with [[follow]].")
            for number, one in enumerate(value, 1):
                _check_follow(one, f"[[follow]] number {number}", place)
        elif name in _TABLES:
            if not isinstance(value, dict):
                raise InputError(f"`{name}` has to be a table.", place, f"Begin it with [{name}].")
            _check_table(value, _TABLES[name], name, place)
        else:
            _unknown(name, [*_TOP, "follow", *_TABLES], place)
    _zone(told.get("zone", "UTC"), place)
    if not 1 <= told.get("keep_days", 1) < 1e6:
        raise InputError("`keep_days` has to be at least 1.", place, "400 keeps a year and a month.")
    _check_values(told, place)
    plain: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}
    plain["own_domains"] = tuple(one.lower().rstrip(".") for one in told.get("own_domains", ()))
    plain["own_hosts"] = tuple(one.lower().rstrip(".") for one in told.get("own_hosts", ()))
    return Settings(path=place, keys=keys(), **plain)


def _check_values(told: Mapping[str, Any], place: str) -> None:
    for name, value in told.get("thresholds", {}).items():
        if not 0 < value < 1:
            raise InputError(f"`thresholds.{name}` has to lie between 0 and 1, not be {value}.", place, "5 % is 0.05.")
    for name, value in told.get("suppress", {}).items():
        if not (2 if name.endswith("_days") else 1) <= value <= 3650:  # a soft failure alone never suppresses
            raise InputError(f"`suppress.{name}` has to be a number of days, {2 if name.endswith('_days') else 1} at least.", place, "See docs/settings.md.")
    if not 10 <= told.get("watch", {}).get("live_every", 10) < 1e7:
        raise InputError("`watch.live_every` has to be 10 at least.", place, "It is the number of seconds between two looks at own domains.")
    for name, channel in told.get("alerts", {}).get("channels", {}).items():
        if not isinstance(channel, dict):
            raise InputError("`alerts.channels` has to be tables.", place, "Begin each with [alerts.channels.NAME].")
        _check_table(channel, _CHANNEL, f"alerts.channels.{name}", place)


def _check_table(told: Mapping[str, Any], known: Mapping[str, str], name: str, place: str) -> None:
    for key, value in told.items():
        if key not in known:
            _unknown(key, list(known), f"{place}, [{name}]")
        _check(value, known[key], f"{name}.{key}", place)


def _check_follow(one: Mapping[str, Any], name: str, place: str) -> None:
    for key, value in one.items():
        if key not in _FOLLOW:
            _unknown(key, list(_FOLLOW), f"{place}, {name}")
        _check(value, _FOLLOW[key], f"{name}: {key}", place)
    _zone(one.get("zone", ""), place)
    if not 0 < one.get("every", 1) < 1e6:
        raise InputError(f"`{name}: every` has to be above 0.", place, "It is the number of seconds between two looks.")
    if "@" in one.get("imap", "") and ":" in one["imap"].partition("//")[2].rpartition("@")[0]:
        raise InputError(f"{name} has a password in its address.", place, "Take it out, and put it into the environment variable FIVEFIFTY_KEY_IMAP.")
    if len([key for key in ("path", "imap", "maildir") if one.get(key)]) != 1:
        raise InputError(f"{name} has to have one of path, maildir or imap.", place, 'For a log: kind = "postfix" and path = "/var/log/mail.log".')
    if not one.get("kind") and "path" in one:
        raise InputError(f"{name} has no kind.", place, 'For a log: kind = "postfix" and path = "/var/log/mail.log".')


def _zone(name: str, place: str) -> None:
    try:
        zone_of(name)
    except InputError as error:
        error.context = place
        raise


def _check(value: Any, wanted: str, name: str, place: str) -> None:
    good = {
        _TEXT: isinstance(value, str), _LIST: isinstance(value, list) and all(isinstance(one, str) for one in value),
        _NUMBER: isinstance(value, (int, float)) and not isinstance(value, bool), _YES: isinstance(value, bool), _TABLE: isinstance(value, dict),
    }[wanted]
    if not good:
        raise InputError(f"`{name}` has to be {wanted}.", place, "See docs/settings.md.")


def _unknown(name: str, known: list[str], place: str) -> None:
    near = difflib.get_close_matches(name, known, 1)
    raise InputError(f"There is no setting called `{name}`.", place, f"Is it `{near[0]}`?" if near else "The settings are: " + ", ".join(sorted(known)) + ".")
