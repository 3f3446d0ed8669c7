"""Formats whose structure the narrative reader can't see: one file each, found here and nowhere else.

A format module has `HINT`, a lower-case literal that its text holds, `HEADERS`, names of header fields that make the mail
worth a look without any other mark of a bounce, and `read`, which gives the Failures, [] where it is not that format after all.
"""
from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from typing import Protocol, cast

from ...model import Failure
from ..telling import Telling


class Format(Protocol):
    """What a module of this package offers."""

    HINT: str
    HEADERS: tuple[str, ...]

    def read(self, telling: Telling) -> list[Failure]:
        """The Failures of a report of this format."""


@cache
def formats() -> tuple[Format, ...]:
    """Every format module, by name."""
    names = sorted(found.name for found in pkgutil.iter_modules(__path__))
    return tuple(cast(Format, import_module(f"{__name__}.{name}")) for name in names)


@cache
def marking_headers() -> frozenset[str]:
    """The header fields that make a mail worth a look whatever its sender and subject."""
    return frozenset(name for one in formats() for name in one.HEADERS)


def read_format(telling: Telling, low: str) -> list[Failure]:
    """The Failures of the first format that knows this report; `low` is its text in lower case."""
    for one in formats():
        if one.HINT in low:
            found = one.read(telling)
            if found:
                return found
    return []
