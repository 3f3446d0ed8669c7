"""Whether a payload comes from the service that it names: keyed hashes, public keys, shared secrets.

Each check gives "" where the signature holds, else a sentence.  No key and no secret ever stands in a sentence, whatever form it has.
"""
from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from .. import Setting

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

HOLDS = ""
BROKEN = "The signature does not hold: the payload was changed on its way, or it was signed with another key."
MAX_KEY = 20_000  # characters of a key that are looked at


class Unchecked(str):
    """Why nothing could be checked: there is no key, or nothing that is signed.  Any other sentence means that the signature is bad."""

    __slots__ = ()


def no_key(name: str) -> Unchecked:
    """The sentence where the user gave no key."""
    return Unchecked(f"No key is set, so the signature was not checked (FIVEFIFTY_KEY_{name.upper()}).")


def no_signature(header: str, headers: Mapping[str, str]) -> str:
    """The sentence where a signature is missing: a request that came without it is bad, a bare saved payload merely lost it."""
    sentence = f"There is no signature ({header})."
    return sentence if headers else Unchecked(sentence)


def secrets(setting: Setting, name: str) -> list[bytes]:
    """The secrets of a service; several (old and new, while one replaces the other) stand on lines or between blanks."""
    return [one.encode("utf-8", "replace") for one in setting.keys.get(name, "")[:MAX_KEY].split()]


def keyed(algorithm: str, key: bytes, *parts: bytes) -> bytes:
    """An HMAC (RFC 2104)."""
    made = hmac.new(key, digestmod=algorithm)
    for part in parts:
        made.update(part)
    return made.digest()


def same(one: str, other: str) -> bool:
    """Whether two texts are the same, in a time that tells nothing about where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


def any_same(expected: Iterable[str], given: str) -> bool:
    """Whether one of them is the given one; all are compared."""
    found = False
    for one in expected:
        found |= same(one, given)
    return found


def hex_signature(body: bytes, headers: Mapping[str, str], setting: Setting, name: str, header: str) -> str:
    """HMAC-SHA256 of the body in hexadecimal, in a header."""
    keys = secrets(setting, name)
    if not keys:
        return no_key(name)
    given = headers.get(header.lower(), "").strip().lower().removeprefix("sha256=")
    if not given:
        return no_signature(header, headers)
    return HOLDS if any_same([keyed("sha256", key, body).hex() for key in keys], given) else BROKEN


def stale(told: str, now: float, tolerance: float, unit: float = 1.0) -> str:
    """What is wrong with a signed time; "" where it is near `now`, or where nobody knows what time it was (`now` is 0)."""
    digits = told.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 16):
        return "The signed time is not a number."
    apart = now - int(digits) / unit
    if not now or abs(apart) <= tolerance:
        return ""
    return f"The signed time is {abs(apart):.0f} seconds {'old' if apart > 0 else 'ahead'}; {tolerance:.0f} are allowed.  It may be an old payload sent again."


def decoded(value: str) -> bytes | None:
    """Base64, with or without its padding, in the plain or the URL alphabet; None where it is none."""
    compact = "".join(value[:MAX_KEY].split()).replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


# --- Shared secrets ---------------------------------------------------------------------------------------------------


def shared(headers: Mapping[str, str], setting: Setting, name: str) -> str:
    """A secret that the service sends along: `basic USER:PASSWORD`, `bearer TOKEN`, `header NAME: VALUE` or `query NAME=VALUE`, one a line."""
    told = [line.strip() for line in setting.keys.get(name, "")[:MAX_KEY].splitlines() if line.strip()]
    if not told:
        return no_key(name)
    if not headers:
        return Unchecked("The payload was saved without its headers, so the shared secret was not checked.")
    answers = [_matches(line, headers) for line in told]
    if any(answers):
        return HOLDS
    if None in answers:
        return f"The secret FIVEFIFTY_KEY_{name.upper()} is not written as basic USER:PASSWORD, bearer TOKEN, header NAME: VALUE or query NAME=VALUE."
    return "The shared secret is missing or wrong."


def _matches(line: str, headers: Mapping[str, str]) -> bool | None:
    """Whether a request carries the secret of a line; None where the line can't be read."""
    form, _, value = line.partition(" ")
    form, value = form.lower(), value.strip()
    if form == "basic" and ":" in value:
        return _basic(value, headers)
    if form == "bearer" and value:
        return same(f"bearer {value}", _scheme_lowered(headers.get("authorization", "")))
    if form == "header" and ":" in value:
        field, _, wanted = value.partition(":")
        return bool(wanted.strip()) and same(wanted.strip(), headers.get(field.strip().lower(), ""))
    if form == "query" and "=" in value:
        return _in_query(value, headers.get(":path", ""))
    return None


def _scheme_lowered(authorization: str) -> str:
    scheme, _, rest = authorization.strip().partition(" ")  # RFC 9110 11.1: the scheme's case does not matter
    return f"{scheme.lower()} {rest.strip()}"


def _basic(value: str, headers: Mapping[str, str]) -> bool:
    """RFC 7617."""
    wanted = base64.b64encode(value.encode("utf-8", "replace")).decode("ascii")
    return same(f"basic {wanted}", _scheme_lowered(headers.get("authorization", "")))


def _in_query(value: str, path: str) -> bool:
    """Whether NAME=VALUE stands in the query; the path comes as the pseudo-header `:path` (RFC 9113 8.3.1)."""
    return any_same(path.partition("?")[2].split("&")[:100], value)


# --- Public keys ------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def public_key(told: str) -> RSAPublicKey | EllipticCurvePublicKey | None:
    """The key of a certificate or of a public key, in PEM or as Base64 of its DER; None where it is none of these."""
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    found = _loaded(told.strip()[:MAX_KEY])
    if isinstance(found, EllipticCurvePublicKey):
        return found if isinstance(found.curve, SECP256R1) else None
    return found if isinstance(found, RSAPublicKey) and found.key_size >= 1024 else None


def _loaded(told: str) -> object:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key
    from cryptography.x509 import load_pem_x509_certificate

    try:
        if "-----BEGIN CERTIFICATE" in told:
            return load_pem_x509_certificate(told.encode("utf-8", "replace")).public_key()
        if "-----BEGIN" in told:
            return load_pem_public_key(told.encode("utf-8", "replace"))
        return load_der_public_key(decoded(told.rpartition("p=")[2].rstrip("; ")) or b"")  # also a DKIM record: "v=DKIM1; k=rsa; p=…"
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def rsa_holds(told: str, signature: bytes, signed: bytes, algorithm: str) -> bool | None:
    """Whether an RSA signature (PKCS #1 1.5, "sha1" or "sha256") holds; None where the key is no RSA key."""
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
    from cryptography.hazmat.primitives.hashes import SHA1, SHA256

    key = public_key(told)
    if not isinstance(key, RSAPublicKey):
        return None
    digest = hashlib.new(algorithm, signed, usedforsecurity=False).digest()
    try:
        key.verify(signature, digest, PKCS1v15(), Prehashed(SHA1() if algorithm == "sha1" else SHA256()))  # SHA-1: services still sign so
    except (InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def ecdsa_holds(told: str, signature: bytes, signed: bytes) -> bool | None:
    """Whether an ECDSA signature (P-256, SHA-256, DER) holds; None where the key is no such key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.hashes import SHA256

    key = public_key(told)
    if not isinstance(key, EllipticCurvePublicKey):
        return None
    try:
        key.verify(signature, signed, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True


def bad_key(name: str) -> str:
    """The sentence where a key can't be read."""
    return f"The key FIVEFIFTY_KEY_{name.upper()} can't be read: it is neither PEM nor the Base64 of a public key of the right kind."
