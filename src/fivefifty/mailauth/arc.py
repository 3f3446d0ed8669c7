"""ARC: validate the chain of custody that forwarders and lists leave in a mail (RFC 8617 5.2)."""
from __future__ import annotations

import re
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .dkim_key import DkimKey, key
from .message import RawField, RawMessage, a_label_name, split
from .signature import (
    ALGORITHMS,
    Fault,
    Signed,
    added_author_fault,
    body_fault,
    canonical_field,
    header_octets,
    key_fault,
    matches,
    no_key_fault,
    read_common,
    selected,
    weakness,
    without_signature,
)
from .tags import TagError, read_base64, read_tags, shown

if TYPE_CHECKING:
    from ..answers import World

MAX_INSTANCE = 50  # RFC 8617 4.2.1
_NAMES = ("arc-authentication-results", "arc-message-signature", "arc-seal")
_TITLES = {"arc-authentication-results": "ARC-Authentication-Results", "arc-message-signature": "ARC-Message-Signature", "arc-seal": "ARC-Seal"}
_INSTANCE = re.compile(r"(?:^|[\s;])i\s*=\s*([0-9]{1,9})\s*(?:;|$)")

Keys = dict[tuple[str, str], Awaitable[DkimKey]]


@dataclass(frozen=True, slots=True)
class ArcSet:
    """One hop of the chain.  `message_signature` and `seal`: "pass", "" where not verified, else what is wrong."""

    instance: int
    domain: str = ""  # d= of the seal
    selector: str = ""
    cv: str = ""
    authserv_id: str = ""  # who wrote the ARC-Authentication-Results
    results: str = ""  # what it says
    message_signature: str = ""
    seal: str = ""


@dataclass(frozen=True, slots=True)
class ArcResult:
    """`result`: none, pass or fail (RFC 8601 2.7.1, RFC 8617 10).  `unlearned`: it fails only because a key could not be asked for."""

    result: str
    reason: str = ""
    sets: tuple[ArcSet, ...] = ()
    oldest_pass: int = 0  # the first hop whose signature still fits the mail: before it something was changed; 0: none at all was
    unlearned: bool = False


@dataclass(slots=True)
class _Hop:
    """The three fields of an instance while they are collected."""

    fields: dict[str, RawField] = field(default_factory=dict)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    signed: Signed | None = None


class _ChainError(Exception):
    """The chain's structure is broken; the text says how."""


async def verify(message: bytes, world: World) -> ArcResult:
    """Validate the ARC chain of a mail; never raises."""
    return await verify_split(split(message), world)


async def verify_split(mail: RawMessage, world: World) -> ArcResult:
    """The same for a mail already taken apart."""
    present = [one for one in mail.fields if one.name in _NAMES]
    if not present:
        return ArcResult("none", "the mail has no ARC fields")
    try:
        hops = _collect(present)
        _check(hops)
    except _ChainError as error:
        return ArcResult("fail", str(error))
    if hops[-1].tags["arc-seal"]["cv"] == "fail":  # nothing more is to be learned: RFC 8617 5.2, step 2
        return ArcResult("fail", f"the chain was already broken when hop {len(hops)} sealed it (cv=fail)", tuple(_told(number, hop) for number, hop in enumerate(hops, 1)))
    return await _validated(hops, mail, world)


def _collect(present: list[RawField]) -> list[_Hop]:
    """The hops in order: instances 1 to N, each with one field of each kind (RFC 8617 5.2, step 3)."""
    if len(present) > 3 * MAX_INSTANCE:
        raise _ChainError(f"there are {len(present)} ARC fields, and a chain has at most {MAX_INSTANCE} hops")
    found: dict[int, _Hop] = {}
    for one in present:
        instance, tags = _instance(one)
        hop = found.setdefault(instance, _Hop())
        if one.name in hop.fields:
            raise _ChainError(f"hop {instance} has two {_TITLES[one.name]} fields")
        hop.fields[one.name], hop.tags[one.name] = one, tags
    for number in range(1, max(found) + 1):
        missing = [_TITLES[name] for name in _NAMES if number not in found or name not in found[number].fields]
        if missing:
            raise _ChainError(f"hop {number} of {max(found)} lacks {' and '.join(missing)}")
    return [found[number] for number in range(1, max(found) + 1)]


def _instance(one: RawField) -> tuple[int, dict[str, str]]:
    """The i= of a field, and its tags where it is a tag list."""
    tags: dict[str, str] = {}
    if one.name == "arc-authentication-results":  # "i=1; authserv-id; …" (RFC 8617 4.1.1)
        told = _INSTANCE.search(one.text[:4000])
        value = told[1] if told else ""
    else:
        try:
            tags = read_tags(one.text)
        except TagError as error:
            raise _ChainError(f"an {_TITLES[one.name]} can't be read: {error}") from None
        value = tags.get("i", "")
    if not re.fullmatch(r"[0-9]{1,3}", value) or not 1 <= int(value) <= MAX_INSTANCE:
        raise _ChainError(f"an {_TITLES[one.name]} has no instance between 1 and {MAX_INSTANCE}: i={shown(value)}")
    return int(value), tags


def _check(hops: list[_Hop]) -> None:
    """The grammar of every field, and the cv= of every seal (RFC 8617 4.1 and 5.2)."""
    for number, hop in enumerate(hops, 1):
        tags = hop.tags["arc-message-signature"]
        signed = read_common(hop.fields["arc-message-signature"], tags)
        if isinstance(signed, Fault):
            raise _ChainError(f"the ARC-Message-Signature of hop {number} is wrong: {signed.reason}")
        if "arc-seal" in signed.names:
            raise _ChainError(f"the ARC-Message-Signature of hop {number} signs an ARC-Seal, which it must not (RFC 8617 4.1.2)")
        if "v" in tags and tags["v"] != "1":
            raise _ChainError(f"the ARC-Message-Signature of hop {number} has v={shown(tags['v'])}")
        hop.signed = signed
        _check_seal(number, hop.tags["arc-seal"], last=number == len(hops))
        for name in ("arc-message-signature", "arc-seal"):
            if not all(_place(hop.tags[name])):
                raise _ChainError(f"d= and s= of the {_TITLES[name]} of hop {number} are no domain names")


def _place(tags: dict[str, str]) -> tuple[str, str]:
    return a_label_name(tags["s"]), a_label_name(tags["d"])


def _check_seal(number: int, tags: dict[str, str], last: bool) -> None:
    for tag in ("a", "b", "cv", "d", "s"):
        if not tags.get(tag):
            raise _ChainError(f"the ARC-Seal of hop {number} has no {tag}=")
    if "h" in tags:
        raise _ChainError(f"the ARC-Seal of hop {number} has h=, which makes the chain fail (RFC 8617 4.1.3)")
    if tags["a"] not in ALGORITHMS:
        raise _ChainError(f"the ARC-Seal of hop {number} uses the unknown algorithm {shown(tags['a'])}")
    if read_base64(tags["b"]) is None:
        raise _ChainError(f"b= in the ARC-Seal of hop {number} is not base64")
    if not tags.get("t", "0").isdecimal():
        raise _ChainError(f"t= in the ARC-Seal of hop {number} is not a number")
    if tags["cv"] not in ("none", "pass", "fail"):
        raise _ChainError(f"the ARC-Seal of hop {number} says cv={shown(tags['cv'])}, which is no word for it")
    expected = "none" if number == 1 else "pass"
    if tags["cv"] != expected and not (last and tags["cv"] == "fail"):
        raise _ChainError(f"the ARC-Seal of hop {number} says cv={tags['cv']} where it must be cv={expected}")


def _told(number: int, hop: _Hop, message_signature: str = "", seal: str = "") -> ArcSet:
    selector, domain = _place(hop.tags["arc-seal"])
    pieces = hop.fields["arc-authentication-results"].text.split(";", 2)
    authserv_id = shown(pieces[1].strip(), 253) if len(pieces) > 1 else ""
    return ArcSet(number, domain, selector, hop.tags["arc-seal"]["cv"], authserv_id, shown(pieces[2].strip(), 2000) if len(pieces) > 2 else "", message_signature, seal)


async def _validated(hops: list[_Hop], mail: RawMessage, world: World) -> ArcResult:
    """Steps 4 to 6 of RFC 8617 5.2: the newest message signature, then every seal; the older message signatures tell where changes were made."""
    places = dict.fromkeys(_place(hop.tags[name]) for hop in hops for name in ("arc-seal", "arc-message-signature"))
    keys: Keys = {place: world.start(key(*place, world)) for place in places}
    known: dict[tuple[str, str], bytes] = {}
    faults: list[Fault] = []
    sets: list[ArcSet] = []
    oldest, unbroken = 0, True
    for number in range(len(hops), 0, -1):
        hop = hops[number - 1]
        message_fault = await _message_fault(hop, mail, keys, known) if unbroken else Fault("", "", "")
        seal_fault = await _seal_fault(hops[:number], keys)
        if unbroken and message_fault is None:
            oldest = number
        unbroken = unbroken and message_fault is None
        sets.append(_told(number, hop, message_fault.reason if message_fault else "pass", seal_fault.reason if seal_fault else "pass"))
        if number == len(hops) and message_fault:
            faults.append(message_fault._replace(reason=f"the newest ARC-Message-Signature (hop {number}, {sets[-1].domain}) fails: {message_fault.reason}"))
        if seal_fault:
            faults.append(seal_fault._replace(reason=f"the ARC-Seal of hop {number} ({sets[-1].domain}) fails: {seal_fault.reason}"))
    ordered = tuple(reversed(sets))
    if not faults:
        return ArcResult("pass", "", ordered, 0 if oldest == 1 else oldest)
    return ArcResult("fail", faults[0].reason, ordered, 0, all(fault.result == "temperror" for fault in faults))


async def _message_fault(hop: _Hop, mail: RawMessage, keys: Keys, known: dict[tuple[str, str], bytes]) -> Fault | None:
    """Whether an ARC-Message-Signature fits the mail as it is now."""
    assert hop.signed is not None
    tags, signed = hop.tags["arc-message-signature"], hop.signed
    forms = [signed]
    if "c" not in tags:  # the default is simple/simple; sealers of the drafts meant relaxed/relaxed
        forms.append(signed._replace(header_form="relaxed", body_form="relaxed"))
    found = await keys[_place(tags)]
    fault = added_author_fault(signed, mail)
    if fault:
        return fault
    for form in forms:
        fault = body_fault(form, mail, known) or _signature_fault(found, form.algorithm, header_octets(form, selected(mail.fields, form.names, form.field)), form.octets)
        if fault is None:
            return None
    return fault


async def _seal_fault(hops: list[_Hop], keys: Keys) -> Fault | None:
    """Whether the last of these hops sealed exactly these fields: always relaxed, oldest first (RFC 8617 5.1.1)."""
    tags = hops[-1].tags["arc-seal"]
    fields = [hop.fields[name] for hop in hops for name in _NAMES]
    parts = [canonical_field(one.octets, "relaxed") for one in fields[:-1]]
    octets = b"\r\n".join([*parts, canonical_field(without_signature(fields[-1].octets), "relaxed")])
    return _signature_fault(await keys[_place(tags)], tags["a"], octets, read_base64(tags["b"]) or b"")


def _signature_fault(found: DkimKey, algorithm: str, octets: bytes, signature: bytes) -> Fault | None:
    fault = no_key_fault(found)
    for record in found.keys if fault is None else ():
        fault = key_fault(record, algorithm) or weakness(record, algorithm)
        if fault is None and matches(record, algorithm, octets, signature):
            return None
        fault = fault or Fault("fail", "signature", "the signature differs", "signature")
    return fault
