"""DKIM: verify the signatures of a mail (RFC 6376, 8301, 8463, 8616), saying exactly what failed.

`await verify(message, world)` gives one DkimResult for each DKIM-Signature; `await key(selector, domain, world)` what stands in the DNS.
The words of `result` are those of RFC 8601 2.7.1; where that leaves a choice: permerror for a signature or key that breaks the
grammar or is not there, neutral for what is unknown (a future version or algorithm), policy for what is right but must not count
(sha1, a key below 1024 bits, expired), fail for a hash or signature that differs.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from .dkim_key import DkimKey, KeyRecord, from_answer, key, read_key
from .message import RawField, RawMessage, a_label_name, split
from .signature import Fault, Signed, added_author_fault, body_fault, header_octets, key_fault, matches, no_key_fault, read_common, selected, weakness
from .tags import TagError, read_tags, shown

if TYPE_CHECKING:
    from ..answers import World

__all__ = ["DkimKey", "DkimResult", "KeyRecord", "from_answer", "key", "read_key", "verify"]

MAX_SIGNATURES = 20
MAX_SIGNATURE = 32_768  # octets of one DKIM-Signature field


@dataclass(frozen=True, slots=True)
class DkimResult:
    """How one signature fared.  What could not be read is "", () or None."""

    result: str  # pass fail policy neutral temperror permerror; "none" never: a mail without signatures has no results
    reason: str = ""  # a sentence without final dot; "" for a plain pass
    domain: str = ""  # d=, A-labels
    selector: str = ""  # s=
    identity: str = ""  # i=, or the default "@d"
    algorithm: str = ""
    canonicalization: str = ""  # "relaxed/simple", defaults filled in
    part: str = ""  # what failed: syntax policy key body signature; "" for a pass
    reason_id: str = ""  # for programs: body_hash, key_absent, expired …
    key: DkimKey | None = None
    body_matches: bool | None = None  # None: not compared
    signature_matches: bool | None = None  # of the header fields
    signed_headers: tuple[str, ...] = ()  # h=, lower case
    body_length: int | None = None  # l=
    timestamp: int | None = None  # t=
    expiration: int | None = None  # x=
    testing: bool = False  # the key has t=y: treat as unsigned (RFC 6376 3.6.1)


async def verify(message: bytes, world: World, at: datetime | None = None) -> list[DkimResult]:
    """Verify every DKIM-Signature from the top, at most 20; never raises.

    `at`: the time that x= is compared with, for a mail that was refused some days ago; the World's clock otherwise.
    """
    return await verify_split(split(message), world, at)


async def verify_split(mail: RawMessage, world: World, at: datetime | None = None) -> list[DkimResult]:
    """The same for a mail already taken apart."""
    fields = mail.named("dkim-signature")
    moment = int((at or world.now()).timestamp())
    read = [_read(field, mail, moment) for field in fields[:MAX_SIGNATURES]]
    begun = {name: world.start(key(*name, world)) for name in dict.fromkeys((one.selector, one.domain) for one, signed in read if signed)}
    keys = {name: await work for name, work in begun.items()}
    known: dict[tuple[str, str], bytes] = {}
    done = [_judged(one, signed, mail, keys[one.selector, one.domain], known) if signed else one for one, signed in read]
    return done + [DkimResult("policy", f"only the first {MAX_SIGNATURES} signatures are verified", part="policy", reason_id="too_many")] * bool(fields[MAX_SIGNATURES:])


def _with(one: DkimResult, fault: Fault) -> DkimResult:
    return replace(one, result=fault.result, part=fault.part, reason=fault.reason, reason_id=fault.id)


def _read(field: RawField, mail: RawMessage, moment: int) -> tuple[DkimResult, Signed | None]:
    """What the field says, and the parts to verify where it can be verified (RFC 6376 6.1.1)."""
    if len(field.octets) > MAX_SIGNATURE or mail.too_large:
        return DkimResult("policy", "it is larger than what is verified here", part="policy", reason_id="too_large"), None
    try:
        tags = read_tags(_text(field))
    except TagError as error:
        return DkimResult("permerror", f"the signature can't be read: {error}", part="syntax", reason_id="syntax"), None
    one = _described(tags)
    signed = read_common(field, tags)
    fault = _version_fault(tags) or (signed if isinstance(signed, Fault) else _fault(tags, one, signed, mail))
    if fault is not None or isinstance(signed, Fault):
        return _with(one, fault or Fault("permerror", "syntax", "the signature can't be read")), None
    late = _expired(one, moment)
    one = replace(one, canonicalization=f"{signed.header_form}/{signed.body_form}", signed_headers=signed.names, body_length=signed.length)
    return (_with(one, late) if late else one), signed


def _text(field: RawField) -> str:
    try:
        return field.value.decode("utf-8")
    except UnicodeDecodeError:
        return field.value.decode("latin-1")


def _described(tags: dict[str, str]) -> DkimResult:
    """What the tags say of the signature, true or not."""
    domain, selector = a_label_name(tags.get("d", "")), a_label_name(tags.get("s", ""))
    times = [int(tags[tag]) if tags.get(tag, "").isdecimal() and len(tags[tag]) <= 76 else None for tag in ("t", "x")]
    return DkimResult("", domain=domain, selector=selector, identity=shown(tags.get("i", "@" + domain), 320), algorithm=shown(tags.get("a", "")),
                      canonicalization=shown(tags.get("c", "")), timestamp=times[0], expiration=times[1])


def _version_fault(tags: dict[str, str]) -> Fault | None:
    if "v" not in tags:
        return Fault("permerror", "syntax", "the required tag v= is missing", "tag_missing")
    if tags["v"] != "1":
        return Fault("neutral", "syntax", f"v={shown(tags['v'])} is a version that nobody knows", "version")
    return None


def _fault(tags: dict[str, str], one: DkimResult, signed: Signed, mail: RawMessage) -> Fault | None:
    """The rules of RFC 6376 3.5 and 6.1.1 beyond the grammar of the single tags."""
    if not one.domain or not one.selector:
        tag = "s" if one.domain else "d"
        return Fault("permerror", "syntax", f'{tag}= is no domain name: "{shown(tags[tag])}"', "name")
    if "i" in tags and not _within(_identity_domain(tags["i"]), one.domain):
        return Fault("permerror", "syntax", f"i={shown(tags['i'])} is not in the domain d={one.domain}", "identity")
    if "from" not in signed.names:
        return Fault("permerror", "syntax", "h= does not name From, which must be signed (RFC 6376 5.4)", "from_unsigned")
    if one.expiration is not None and one.timestamp is not None and one.expiration <= one.timestamp:
        return Fault("permerror", "syntax", "x= is not later than t= (RFC 6376 3.5)", "expiration")
    return added_author_fault(signed, mail)


def _identity_domain(identity: str) -> str:
    local, at, domain = identity.rpartition("@")
    return a_label_name(domain) if at and not local.startswith("@") else ""


def _within(domain: str, parent: str) -> bool:
    return domain == parent or domain.endswith("." + parent)


def _expired(one: DkimResult, moment: int) -> Fault | None:
    if one.expiration is None or one.expiration >= moment:
        return None
    return Fault("policy", "policy", f"the signature expired {_span(moment - one.expiration)} ago (x=)", "expired")


def _span(seconds: int) -> str:
    for size, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size} {name}"
    return f"{seconds} seconds"


def _judged(one: DkimResult, signed: Signed, mail: RawMessage, found: DkimKey, known: dict[tuple[str, str], bytes]) -> DkimResult:
    """Hash and signature compared; with several key records any may be the right one (RFC 6376 6.1.2)."""
    body = body_fault(signed, mail, known)
    one = replace(one, key=found, body_matches=body is None)
    missing = no_key_fault(found)
    if missing:
        return _with(one, missing)
    octets = header_octets(signed, selected(mail.fields, signed.names, signed.field))
    faults = []
    for record in found.keys:
        fault = key_fault(record, signed.algorithm) or _strict_fault(record, one)
        if fault is None and matches(record, signed.algorithm, octets, signed.octets):
            return _right(replace(one, signature_matches=True, testing=record.testing), body or weakness(record, signed.algorithm))
        faults.append((fault, record))
    usable = next(((fault, record) for fault, record in faults if fault is None), None)
    if usable is None:
        fault, record = faults[0]
        assert fault is not None
        return _with(replace(one, testing=record.testing), fault)
    return _with(replace(one, signature_matches=False, testing=usable[1].testing), _broken(body, one))


def _right(one: DkimResult, fault: Fault | None) -> DkimResult:
    """The signature is that of the key; `fault` may still spoil it, and so may x=."""
    if fault and fault.id == "body_hash":
        fault = fault._replace(reason="the body hash differs: the body was changed after signing; the signed header fields are as they were")
    if fault:
        return _with(one, fault)
    return one if one.result else replace(one, result="pass", reason="the key is in testing mode (t=y)" if one.testing else "")


def _broken(body: Fault | None, one: DkimResult) -> Fault:
    if body is None:
        return Fault("fail", "signature", "the signature differs: the body is as it was signed, but a signed header field was changed, or the key is not the one it was signed with", "signature")
    if body.id == "body_short":
        return body
    return Fault("fail", "body", "the body hash differs, and the signature over the header fields does too", "body_and_signature")


def _strict_fault(record: KeyRecord, one: DkimResult) -> Fault | None:
    """RFC 6376 3.6.1, t=s: no subdomain in i=."""
    if record.strict and _identity_domain(one.identity) != one.domain:
        return Fault("permerror", "key", f"the key has t=s, so the domain of i={shown(one.identity)} must be {one.domain} itself", "key_strict")
    return None
