"""Signs mails for the tests, by the words of RFC 6376 and 8617 and without the code that is tested."""
from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


@lru_cache(maxsize=8)
def rsa_key(bits=1024):
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@lru_cache(maxsize=1)
def ed25519_key():
    return ed25519.Ed25519PrivateKey.from_private_bytes(b"fivefifty" * 3 + b"tests")


def public(private):
    """p= of a key record."""
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return base64.b64encode(private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
    return base64.b64encode(private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def record(private, extra=""):
    kind = "ed25519" if isinstance(private, ed25519.Ed25519PrivateKey) else "rsa"
    return f"v=DKIM1; k={kind}; {extra}p={public(private)}"


def relaxed(line):
    name, _, value = line.partition(b":")
    return name.strip().lower() + b":" + re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b"")).strip()


def body_form(body, form):
    if form == "relaxed":
        body = b"\r\n".join(re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n"))
    body = re.sub(rb"(?:\r\n)*\Z", b"", body)
    return body + b"\r\n" if body or form == "simple" else b""


def header_fields(head):
    return re.split(rb"\r\n(?![ \t])", head)


def sign_octets(private, octets, algorithm="rsa-sha256"):
    if algorithm == "ed25519-sha256":
        made = private.sign(hashlib.sha256(octets).digest())
    else:
        made = private.sign(octets, padding.PKCS1v15(), hashes.SHA1() if algorithm == "rsa-sha1" else hashes.SHA256())
    return base64.b64encode(made)


def _signature(message, private, title, start, names, form, algorithm, extra):
    head, _, body = message.partition(b"\r\n\r\n")
    header, _, content = form.partition("/")
    algo = hashlib.sha1 if algorithm == "rsa-sha1" else hashlib.sha256
    length = re.search(r"\bl=(\d+)", extra)
    canonical = body_form(body, content or "simple")
    bh = base64.b64encode(algo(canonical[: int(length[1])] if length else canonical).digest()).decode()
    field = f"{title}: {start}; a={algorithm}; c={form}; {extra}\r\n\th={':'.join(names)};\r\n\tbh={bh}; b=".encode()
    waiting = {}
    for one in header_fields(head):
        waiting.setdefault(one.partition(b":")[0].strip().lower().decode(), []).append(one)
    chosen = [waiting[name.lower()].pop() for name in names if waiting.get(name.lower())]
    canonical_field = relaxed if header == "relaxed" else (lambda line: line)
    octets = b"\r\n".join([*(canonical_field(one) for one in chosen), canonical_field(field)])
    return field + sign_octets(private, octets, algorithm) + b"\r\n" + message


def sign(message, private, domain="example.org", selector="s1", names=("From", "To", "Subject", "Date", "Message-ID"), form="relaxed/relaxed", algorithm="", extra=""):
    """The mail (CRLF) with a DKIM-Signature on top; `extra` are further tags, each with its semicolon."""
    algorithm = algorithm or ("ed25519-sha256" if isinstance(private, ed25519.Ed25519PrivateKey) else "rsa-sha256")
    return _signature(message, private, "DKIM-Signature", f"v=1; d={domain}; s={selector}", names, form, algorithm, extra)


def seal(message, private, domain="example.net", selector="arc", cv="", results="spf=pass"):
    """The mail with one more ARC set on top."""
    head = message.partition(b"\r\n\r\n")[0]
    sets = {}
    for one in header_fields(head):
        name = one.partition(b":")[0].lower()
        if name.startswith(b"arc-"):
            sets[int(re.search(rb"i=(\d+)", one)[1]), name] = one
    number = max((instance for instance, _ in sets), default=0) + 1
    results = f"ARC-Authentication-Results: i={number}; mx.{domain}; {results}".encode()
    signed = _signature(message, private, "ARC-Message-Signature", f"i={number}; d={domain}; s={selector}", ("From", "To", "Subject", "DKIM-Signature"), "relaxed/relaxed", "rsa-sha256", "")
    mine = header_fields(signed.partition(b"\r\n\r\n")[0])[0]
    field = f"ARC-Seal: i={number}; a=rsa-sha256; cv={cv or ('none' if number == 1 else 'pass')}; d={domain}; s={selector}; b=".encode()
    octets = b"\r\n".join(relaxed(one) for one in [*(sets[key] for key in sorted(sets)), results, mine, field])
    return field + sign_octets(private, octets) + b"\r\n" + mine + b"\r\n" + results + b"\r\n" + message
