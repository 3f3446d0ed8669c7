"""What mailing list programs send back about a post: fml's loop alerts and refusals, Mailman's rejections."""
from __future__ import annotations

import re

from ...model import Failure
from ..address import addresses, clean
from ..telling import Telling, failure_from, subject_of

HINT = ""
HEADERS = ("x-mlserver", "x-list-administrivia")

_ALERT = re.compile(r"loop (?:alert|back)|mail loop|not member|is not a member|rejected|fml (?:status|error|warning)|dead_addr|post (?:denied|rejected)|over ?flow|too (?:big|large)|duplicated message-id", re.IGNORECASE)
_LIST = re.compile(r"<([^\s<>]{1,200}@[^\s<>]{1,255})>")


def read(telling: Telling) -> list[Failure]:
    """The refused list address; [] where the list program tells of something else (a digest, a post, a subscription)."""
    if not any(telling.mail.first(name) for name in HEADERS) or not _ALERT.search(subject_of(telling.mail)):
        return []
    first = telling.human.lstrip().split("\n\n", 1)[0]
    named = _LIST.search(first)
    sender = addresses(telling.mail.first("from"))[:1]
    address = clean(named[1]) if named else _list_of(sender[0] if sender else "")
    return [failure_from(telling, address, telling.human)]


def _list_of(owner: str) -> str:
    """The address of a list from that of its owner: "some-bounces@" -> "some@"."""
    name, at, host = owner.rpartition("@")
    for ending in ("-bounces", "-owner", "-admin", "-request", "-confirm"):
        name = name.removesuffix(ending)
    return name.removeprefix("owner-") + at + host
