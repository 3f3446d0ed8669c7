"""Events as rows of the store, and back."""
from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import fields
from hashlib import sha256
from typing import Any

from ..model import Event
from .spelling import ERASED, without

_NAMES = tuple(field.name for field in fields(Event))
_TEXTS = frozenset(field.name for field in fields(Event) if field.type == "str")
MOST_FACTS = 20_000  # characters


def hidden(address: str, key: bytes) -> str:
    """An address whose local part stands behind a keyed hash; with no key the address itself."""
    local, _, domain = address.rpartition("@")
    return f"<{hmac.new(key, local.lower().encode('utf-8', 'replace'), sha256).hexdigest()[:32]}>@{domain.lower()}" if key and local else address


def storable(text: str) -> str:
    """Text that both engines take: PostgreSQL knows no NUL, and neither takes lone surrogates."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def row_of(id: int, event: Event, hash_key: bytes = b"") -> dict[str, Any]:
    """The row of an event; `template` is still to be numbered."""
    row: dict[str, Any] = {name: storable(getattr(event, name)) if name in _TEXTS else getattr(event, name) for name in _NAMES}
    row["facts"] = json.dumps(dict(event.facts), ensure_ascii=True, default=str)[:MOST_FACTS] if event.facts else ""
    row["template"], row["id"], row["joined"] = 0, id, 0
    if hash_key and event.recipient:
        row["text"], row["recipient"] = "", hidden(event.recipient, hash_key)
        row["facts"] = ""
        for name in ("envelope_sender", "native_id", "where", "message_id", "campaign"):  # VERP and file names tell the address as well
            row[name] = without(row[name], event.recipient, own=True).replace(ERASED, "<hidden>")
    row["recipient_key"] = row["recipient"].lower()
    return row


def event_of(row: Mapping[str, Any]) -> Event:
    """The event of a row that was read with its template's text as `template_text`."""
    told = {name: row[name] for name in _NAMES}
    told["template"] = row["template_text"] or ""
    told["text"] = row["text"] or told["template"].replace("<recipient>", row["recipient"])
    told["facts"] = _facts(row["facts"])
    return Event(**told)


def _facts(text: str) -> dict[str, Any]:
    try:
        return dict(json.loads(text)) if text else {}
    except ValueError:  # cut at MOST_FACTS
        return {}
