"""What makes an event the same event, and what makes two reports speak of the same failure.

An id is 63 bits: the hour of the event (19 bits, from the year 2000) above 44 bits of a hash, so that ids of one time lie side by side on the
disk.  With a million events in an hour, two different ones share an id once in seventeen million.
"""
from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

from ..model import Event

_SINCE = 946_684_800  # 2000-01-01 UTC
_HOURS = (1 << 19) - 1
_HASH_BITS = 44
_FINAL = {"block": "bounce"}  # told apart by rules, which change; the same input must stay the same event


def hour_bits(time: float) -> int:
    """The first id of that hour."""
    return _first_of(int(time // 3600))


@lru_cache(maxsize=4096)
def _first_of(hour: int) -> int:
    return min(max(hour - _SINCE // 3600, 0), _HOURS) << _HASH_BITS


def event_id(event: Event) -> int:
    """The identity of an event: its source's own id, else everything that a second reading of the source would give again."""
    kind = _FINAL.get(event.kind, event.kind)
    if event.native_id:
        told = f"{event.source}\0{event.native_id}\0{event.recipient}\0{kind}"
    else:
        # the queue id stands on the line itself; the Message-ID was on another one, which a reader that begins later has not seen
        mail = f"{event.reporting_mta}\0{event.queue_id}" if event.queue_id else event.message_id
        told = f"{event.source}\0\0{kind}\0{int(event.time)}\0{mail}\0{event.recipient}\0{event.reply_code}\0{event.status}\0{event.text}"
        if not event.recipient or event.count != 1:  # a volume, or a row of a table
            told += f"\0{event.count}\0{event.author_domain}\0{event.recipient_domain}\0{event.sending_ip}\0{event.provider}\0{event.campaign}"
    digest = blake2b(told.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return hour_bits(event.time) | int.from_bytes(digest) >> (64 - _HASH_BITS)


def join_keys(event: Event) -> tuple[int, ...]:
    """Hashes (63 bits) of what two reports of one failure share: Message-ID or host and queue id, with the recipient."""
    if event.kind not in ("bounce", "block") or event.late or not event.recipient:
        return ()
    recipient, keys = event.recipient.lower(), []
    if event.message_id:
        keys.append(f"m\0{event.message_id}\0{recipient}")
    if event.queue_id and event.reporting_mta:
        keys.append(f"q\0{event.reporting_mta.lower()}\0{event.queue_id}\0{recipient}")
    return tuple(int.from_bytes(blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()) >> 1 for key in keys)
