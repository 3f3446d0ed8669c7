"""TLS contexts, and what a handshake showed."""
from __future__ import annotations

import os
import ssl
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from ..answers import TlsSession

LONGEST_CHAIN = 10  # certificates kept


def _trusting() -> ssl.SSLContext:
    """Trusts what mail servers trust: from Python 3.13 on the default also asks for extensions that they do not miss."""
    context = ssl.create_default_context()
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


@lru_cache(maxsize=1)
def strict() -> ssl.SSLContext:
    """Trusts what this machine trusts; SSL_CERT_FILE and SSL_CERT_DIR name other roots.  The name is compared by us."""
    context = _trusting()
    context.check_hostname = False
    return context


@lru_cache(maxsize=1)
def lax() -> ssl.SSLContext:
    """Takes every certificate and old versions too: only to see what is there."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    return context


@lru_cache(maxsize=1)
def for_https() -> ssl.SSLContext:
    """Like strict(), and the name is compared; where the system has no roots, those of certifi."""
    context = _trusting()
    if not any(os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR")):
        import certifi

        context.load_verify_locations(certifi.where())
    return context


def session(transport: Any, server_name: str, trusted: bool, error: str = "") -> TlsSession:
    """What the handshake of an asyncio transport showed."""
    tls = transport.get_extra_info("ssl_object")
    cipher = tls.cipher() or ("",)
    chain = _chain(tls)
    known = _read(chain[0]) if chain else {}
    names = known.get("names", ())
    matches = matching(server_name, names) if server_name and chain else None
    return TlsSession(tls.version() or "", cipher[0], trusted=trusted, matches=matches, certificates=tuple(one.hex() for one in chain), error=error, **known)


def _chain(tls: Any) -> list[bytes]:
    """The certificates as sent, the server's own first; only its own where this Python can't tell."""
    inner = getattr(tls, "_sslobj", None)  # public from Python 3.13 on
    ask = getattr(tls, "get_unverified_chain", None) or getattr(inner, "get_unverified_chain", None)
    own = tls.getpeercert(True)
    try:
        sent = [one if isinstance(one, bytes) else ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in (ask() if ask else None) or ()]
    except (ssl.SSLError, ValueError, AttributeError):
        sent = []
    return (sent or ([own] if own else []))[:LONGEST_CHAIN]


def _read(der: bytes) -> dict[str, Any]:
    """Names, issuer and dates of a certificate; nothing of one that can't be read."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    try:
        certificate = x509.load_der_x509_certificate(der)
        dates = {"not_before": _stamp(certificate.not_valid_before_utc), "not_after": _stamp(certificate.not_valid_after_utc)}
        issuer = certificate.issuer.rfc4514_string()
        names: list[str] = []
        try:
            names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(x509.DNSName)
        except x509.ExtensionNotFound:
            names = [str(one.value) for one in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    except Exception:  # a certificate can be wrong in any way, and each version of the library tells it differently
        return {}
    return {"names": tuple(name.lower() for name in names[:1000]), "issuer": issuer[:1000], **dates}


def _stamp(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def matching(server_name: str, names: tuple[str, ...]) -> bool:
    """Whether one of the names is the server's; "*" stands for its first label (RFC 9525 6.3)."""
    wanted = server_name.rstrip(".").lower()
    parent = wanted.partition(".")[2]
    return any(name == wanted or (name.startswith("*.") and name[2:] == parent and bool(parent)) for name in (one.rstrip(".") for one in names))
