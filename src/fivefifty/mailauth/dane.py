"""DANE for SMTP (RFC 7672): which TLSA records count, and whether a certificate matches them."""
from __future__ import annotations

from collections.abc import Sequence

from ..answers import Tlsa, TlsSession

_DIGESTS = {1: 64, 2: 128}  # hex digits of SHA-256 and SHA-512


def problem(record: Tlsa) -> str:
    """Why a TLSA record is unusable for SMTP, or "" (RFC 7672 3.1)."""
    if record.usage in (0, 1):
        return f"usage {record.usage} (PKIX) is not for mail; senders treat it as unusable (RFC 7672 3.1.3)"
    if record.usage not in (2, 3) or record.selector not in (0, 1) or record.matching_type not in (0, 1, 2):
        return f"{record.usage} {record.selector} {record.matching_type} is no known combination"
    if record.matching_type in _DIGESTS and len(record.association) != _DIGESTS[record.matching_type]:
        return f"the digest has {len(record.association)} hex digits instead of {_DIGESTS[record.matching_type]}"
    return "" if record.association else "it holds no data"


def matching(records: Sequence[Tlsa], session: TlsSession) -> list[Tlsa]:
    """The records the server's certificates match; a certificate that can't be read matches none."""
    return [record for record in records if not problem(record) and _matches(record, session)]


def association(certificate: bytes, selector: int, matching_type: int) -> str:
    """What a TLSA record for a certificate (DER) holds (RFC 6698 2.1)."""
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256, SHA512, Hash
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    chosen = certificate if selector == 0 else x509.load_der_x509_certificate(certificate).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if matching_type == 0:
        return chosen.hex()
    digest = Hash(SHA256() if matching_type == 1 else SHA512())
    digest.update(chosen)
    return digest.finalize().hex()


def _matches(record: Tlsa, session: TlsSession) -> bool:
    """Usage 3 is the server's own certificate, without a look at name or date; usage 2 an issuer that the server sends along (RFC 7672 3.1.1, 3.1.2)."""
    chain = [bytes.fromhex(one) for one in session.certificates[:10]]
    for place, certificate in enumerate(chain[:1] if record.usage == 3 else chain):
        try:
            if association(certificate, record.selector, record.matching_type) == record.association:
                return record.usage == 3 or (session.matches is not False and _issued(chain[:place + 1]))
        except ValueError:  # a broken certificate
            continue
    return False


def _issued(chain: Sequence[bytes]) -> bool:
    """Whether each certificate was issued by the next."""
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature

    loaded = [x509.load_der_x509_certificate(one) for one in chain]
    try:
        for lower, upper in zip(loaded, loaded[1:], strict=False):
            lower.verify_directly_issued_by(upper)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True
