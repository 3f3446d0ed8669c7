"""What DKIM and ARC signatures share: canonical forms, hashes, and the public-key arithmetic (RFC 6376 3.3 to 3.7, RFC 8463)."""
from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from .dkim_key import LARGEST_RSA, WEAKEST_RSA, DkimKey, KeyRecord, rsa_numbers
from .message import RawField, RawMessage
from .tags import listed, read_base64, shown

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

ALGORITHMS = {"rsa-sha256": ("rsa", "sha256"), "ed25519-sha256": ("ed25519", "sha256"), "rsa-sha1": ("rsa", "sha1")}
MAX_NAMES = 1000  # in h=

_WSP = re.compile(rb"[ \t]+")
_DIGITS = re.compile(r"[0-9]{1,76}")


class Fault(NamedTuple):
    """Why a signature is not a pass: a result word of RFC 8601 2.7.1, the part that failed, and a sentence without final dot."""

    result: str
    part: str  # syntax policy key body signature
    reason: str
    id: str = ""


class Signed(NamedTuple):
    """The parts of a signature that its verification needs."""

    field: RawField
    algorithm: str
    header_form: str  # "simple" or "relaxed"
    body_form: str
    names: tuple[str, ...]  # of h=, lower case
    body_hash: bytes
    octets: bytes  # of b=
    length: int | None = None  # l=


def canonical_field(octets: bytes, form: str) -> bytes:
    """One header field without its final CRLF (RFC 6376 3.4.1 and 3.4.2)."""
    if form == "simple":
        return octets
    name, _, value = octets.partition(b":")
    return name.rstrip(b" \t").lower() + b":" + _WSP.sub(b" ", value.replace(b"\r\n", b"")).strip(b" ")


def canonical_body(body: bytes, form: str) -> bytes:
    """The body with CRLF line ends (RFC 6376 3.4.3 and 3.4.4).  No pattern looks for spaces before a line end: long runs would cost squares."""
    if form == "relaxed":
        body = _WSP.sub(b" ", body).replace(b" \r\n", b"\r\n")
        body = body.removesuffix(b" ")
    tail = body[len(body.rstrip(b"\r\n")) :]
    tail = tail[max(tail.rfind(b"\r\r"), tail.rfind(b"\n\n")) + 1 :]  # from here on CR and LF take turns
    pairs = len(tail.removeprefix(b"\n")) // 2 if tail.endswith(b"\n") else 0
    end = len(body) - 2 * pairs
    if end or form == "simple":
        return body[:end] + b"\r\n"
    return b""


def without_signature(octets: bytes) -> bytes:
    """The signature field with the value of b= deleted, the whitespace around it too (RFC 6376 3.7)."""
    name, _, value = octets.partition(b":")
    pieces = value.split(b";")
    for number, piece in enumerate(pieces):
        tag, equals, _ = piece.partition(b"=")
        if equals and tag.strip(b" \t\r\n") == b"b":
            pieces[number] = tag + b"="
            break
    return name + b":" + b";".join(pieces)


def selected(fields: Sequence[RawField], names: Iterable[str], own: RawField) -> list[RawField]:
    """The fields that h= names: each further naming takes the next one up; missing ones are nothing (RFC 6376 5.4.2)."""
    waiting: dict[str, list[RawField]] = {}
    for field in fields:
        if field is not own:
            waiting.setdefault(field.name, []).append(field)
    return [waiting[name].pop() for name in names if waiting.get(name)]


def digest(algorithm: str, octets: bytes) -> bytes:
    """The hash of some octets."""
    from cryptography.hazmat.primitives import hashes

    running = hashes.Hash(hashes.SHA1() if algorithm == "sha1" else hashes.SHA256())
    running.update(octets)
    return running.finalize()


def header_octets(signed: Signed, fields: Iterable[RawField]) -> bytes:
    """What was signed: the chosen fields, and the signature field itself without CRLF (RFC 6376 3.7)."""
    parts = [canonical_field(field.octets, signed.header_form) for field in fields]
    return b"\r\n".join([*parts, canonical_field(without_signature(signed.field.octets), signed.header_form)])


@lru_cache(maxsize=256)
def _rsa_key(octets: bytes) -> RSAPublicKey | None:
    """The key object; octets that are no key give None."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

    try:
        modulus, exponent, _ = rsa_numbers(octets)
        return RSAPublicNumbers(exponent, modulus).public_key()
    except ValueError:
        return None


def matches(record: KeyRecord, algorithm: str, octets: bytes, signature: bytes) -> bool:
    """Whether the signature over these octets is the key's; false too for what is no key or no signature."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

    kind, hash_name = ALGORITHMS[algorithm]
    try:
        if kind == "ed25519":  # RFC 8463 3: the hash itself is signed
            Ed25519PublicKey.from_public_bytes(record.octets).verify(signature, digest("sha256", octets))
            return True
        found = _rsa_key(record.octets)
        if found is None:
            return False
        found.verify(signature, octets, PKCS1v15(), hashes.SHA1() if hash_name == "sha1" else hashes.SHA256())
        return True
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False


def key_fault(record: KeyRecord, algorithm: str) -> Fault | None:
    """Why this record can't be the key of a signature of mail made with this algorithm (RFC 6376 6.1.2)."""
    kind, hash_name = ALGORITHMS[algorithm]
    if record.problems:
        return Fault("permerror", "key", f"the key record is broken: {record.problems[0].text}", f"key_{record.problems[0].id}")
    if record.revoked:
        return Fault("permerror", "key", "the key was withdrawn (p= is empty)", "key_revoked")
    if record.key_type != kind:
        return Fault("permerror", "key", f"the signature is made with {algorithm}, the key is for {shown(record.key_type)}", "key_type")
    if record.hashes and hash_name not in record.hashes:
        return Fault("permerror", "key", f"the key allows only h={shown(':'.join(record.hashes))}, the signature uses {hash_name}", "key_hash")
    if not {"*", "email"} & set(record.services):
        return Fault("permerror", "key", f"the key is not for mail (s={shown(':'.join(record.services))})", "key_service")
    if kind == "rsa" and record.bits > LARGEST_RSA:
        return Fault("permerror", "key", f"the RSA key has {record.bits} bits, more than anybody calculates with", "key_size")
    return None


def weakness(record: KeyRecord, algorithm: str) -> Fault | None:
    """What makes a signature that is right in itself count for nothing (RFC 8301 3)."""
    if algorithm == "rsa-sha1":
        return Fault("policy", "policy", "rsa-sha1 must no longer be accepted (RFC 8301 3.1)", "sha1")
    if ALGORITHMS[algorithm][0] == "rsa" and record.bits < WEAKEST_RSA:
        return Fault("policy", "policy", f"the RSA key has only {record.bits} bits, and below {WEAKEST_RSA} no signature counts (RFC 8301 3.2)", "weak_key")
    return None


def added_author_fault(signed: Signed, message: RawMessage) -> Fault | None:
    """RFC 6376 8.15: an added From shows another author than the one that was signed."""
    authors = len(message.named("from"))
    if authors > 1 and "from" in signed.names and authors > signed.names.count("from"):
        return Fault("policy", "policy", f"the mail has {authors} From fields, and not all of them are signed", "from_added")
    return None


def no_key_fault(key: DkimKey) -> Fault | None:
    """Why there is no key to verify with."""
    if key.state == "unknown":
        return Fault("temperror", "key", f"the key at {key.name} could not be asked for: {key.why}", "key_unlearned")
    if key.state == "absent":
        dangling = f"; the CNAME leads to {key.aliases[-1]}, where there is none" if key.aliases else ""
        return Fault("permerror", "key", f"there is no key at {key.name}{f' ({key.why})' if key.why else ''}{dangling}", "key_absent")
    return None


def body_fault(signed: Signed, message: RawMessage, known: dict[tuple[str, str], bytes]) -> Fault | None:
    """Whether the body is the one that was signed; `known` keeps the hashes of the whole body, and the body itself for l=."""
    _, hash_name = ALGORITHMS[signed.algorithm]
    kept = (signed.body_form, "" if signed.length is not None else hash_name)
    if kept not in known:
        body = canonical_body(message.body, signed.body_form)
        known[kept] = digest(hash_name, body) if kept[1] else body
    computed = known[kept]
    if signed.length is not None:
        if signed.length > len(computed):
            return Fault("fail", "body", f"l= says that {signed.length} octets of body were signed, but there are only {len(computed)}: the body was cut or changed", "body_short")
        computed = digest(hash_name, computed[: signed.length])
    if computed == signed.body_hash:
        return None
    return Fault("fail", "body", "the body hash differs: the body is not the one that was signed", "body_hash")


def read_common(field: RawField, tags: dict[str, str]) -> Signed | Fault:
    """The tags that a DKIM-Signature and an ARC-Message-Signature share (RFC 6376 3.5)."""
    for tag in ("a", "b", "bh", "d", "h", "s"):
        if not tags.get(tag):
            return Fault("permerror", "syntax", f"the required tag {tag}= {'is empty' if tag in tags else 'is missing'}", "tag_missing")
    if tags["a"] not in ALGORITHMS:
        return Fault("neutral", "syntax", f"the algorithm {shown(tags['a'])} is not known", "algorithm")
    forms = tags.get("c", "simple/simple").partition("/")
    header_form, body_form = forms[0].strip(), forms[2].strip() if forms[1] else "simple"
    if header_form not in ("simple", "relaxed") or body_form not in ("simple", "relaxed"):
        return Fault("neutral", "syntax", f"the canonicalization {shown(tags['c'])} is not known", "canonicalization")
    octets, body_hash = read_base64(tags["b"]), read_base64(tags["bh"])
    if octets is None or body_hash is None:
        return Fault("permerror", "syntax", f"the value of {'b' if octets is None else 'bh'}= is not base64", "base64")
    names = tuple(name.lower() for name in listed(tags["h"]))
    if not names or len(names) > MAX_NAMES:
        return Fault("permerror", "syntax", f"h= names {len(names)} header fields", "names")
    for tag in ("l", "t", "x"):
        if tag in tags and not _DIGITS.fullmatch(tags[tag]):
            return Fault("permerror", "syntax", f"{tag}= is not a number", "number")
    if "q" in tags and not any(one == "dns/txt" or one == "dns" for one in listed(tags["q"])):
        return Fault("neutral", "syntax", f"q={shown(tags['q'])} asks for the key in a way nobody knows", "query")
    return Signed(field, tags["a"], header_form, body_form, names, body_hash, octets, int(tags["l"]) if "l" in tags else None)
