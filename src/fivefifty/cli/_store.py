"""What the commands around the store share: where it lies, the settings, and times as people write them."""
from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import IO, TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from ..settings import Settings
    from ..store import Store

Command = TypeVar("Command", bound=Callable[..., Any])
_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_AGO = re.compile(r"(\d{1,6}) ?(s|min|m|h|d|w)\Z")

_OPTIONS = (
    click.option("--store", default="", metavar="PATH|URL", help="Where the events lie: a file, or postgresql://…  (default: $FIVEFIFTY_STORE, else ~/.local/share/fivefifty/store.db)."),
    click.option("--settings", "settings_path", default="", metavar="FILE", help="The settings (default: $FIVEFIFTY_SETTINGS, else ~/.config/fivefifty/settings.toml)."),
)


def store_options(command: Command) -> Command:
    """Adds --store and --settings."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def settings_of(path: str) -> Settings:
    """The settings."""
    from ..settings import load

    return load(path)


def store_of(where: str, settings: Settings, *, read_only: bool = False) -> Store:
    """The store that is meant: the option, else the settings, else the default place."""
    from ..store import open_store

    return open_store(where or settings.store, read_only=read_only, hash_key=hash_key(settings))


def existing_store(where: str, settings: Settings, *, read_only: bool = False) -> Store:
    """The store that is meant, which has to be there: of a mistyped path nobody should hear "not suppressed" or "erased"."""
    store = store_of(where, settings, read_only=True)
    if read_only:
        return store
    store.close()
    return store_of(where, settings)


def hash_key(settings: Settings) -> bytes:
    """The key recipients are hidden with, b"" where they are not to be; wrong settings where there should be one."""
    if not settings.hash_recipients:
        return b""
    key = settings.keys.get("hash", "")
    if len(key) < 16:
        from ..errors import InputError

        raise InputError("hash_recipients needs a key of at least 16 characters.", settings.path, "Set the environment variable FIVEFIFTY_KEY_HASH, and keep it: without it nobody is found again.")
    return key.encode()


def moment(text: str, zone: tzinfo, now: float = 0.0) -> float:
    """Seconds since 1970 of "24h", "7d", "2026-11-02" or "2026-11-02 10:00"; wrong use where it is none of these.  "" is 0."""
    text = text.strip()
    if not text:
        return 0.0
    ago = _AGO.match(text.lower())
    if ago:
        return (now or time.time()) - int(ago[1]) * _UNITS[ago[2]]
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no time; write 24h, 7d, 2026-11-02 or 2026-11-02T10:00") from None
    return (told if told.tzinfo else told.replace(tzinfo=zone)).timestamp()


def written_to(path: str, work: Callable[[IO[bytes]], Any]) -> Any:
    """Written beside and moved into place: a file that is half there never stands under its name."""
    from ..errors import InputError

    partial = path + ".part"
    try:
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            told = work(file)
        os.replace(partial, path)
    except OSError as error:
        raise InputError(f"It can't be written: {(error.strerror or '').lower()}.", path, "Choose another place with --output.") from error
    return told
