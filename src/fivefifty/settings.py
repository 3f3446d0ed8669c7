"""What the user has told about themselves once: domains, servers, where the store lies, limits, whom to alert.

A TOML file: `--settings FILE`, else `$FIVEFIFTY_SETTINGS`, else `~/.config/fivefifty/settings.toml`.  Secrets never stand in it: they are
environment variables `FIVEFIFTY_KEY_<NAME>`.
"""
from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

KEYS = "FIVEFIFTY_KEY_"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set; see docs/settings.md."""

    path: str = ""  # where it was read, "" for the defaults
    store: str = ""  # path or URL, "" for the default place
    own_domains: tuple[str, ...] = ()
    own_hosts: tuple[str, ...] = ()  # names and IPs
    zone: str = "UTC"  # IANA name, of log lines that tell none
    thresholds: Mapping[str, float] = field(default_factory=dict, hash=False)
    follow: tuple[Mapping[str, Any], ...] = ()  # [[follow]] tables: kind, path …
    watch: Mapping[str, Any] = field(default_factory=dict, hash=False)
    alerts: Mapping[str, Any] = field(default_factory=dict, hash=False)
    keys: Mapping[str, str] = field(default_factory=dict, hash=False, repr=False)  # from the environment, by lower-case name


def keys() -> dict[str, str]:
    """The secrets in the environment."""
    return {name.removeprefix(KEYS).lower(): value for name, value in os.environ.items() if name.startswith(KEYS) and value}
