"""DKIM key records (RFC 6376 3.6.1, 8301, 8463): what stands at SELECTOR._domainkey.DOMAIN, and what is wrong with it."""
from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from .message import a_label_name
from .tags import TagError, listed, read_base64, read_tags, shown, without_space

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..answers import DnsAnswer, World

MAX_RECORD = 16_384  # octets of one record that are read
MAX_RECORDS = 10
WEAKEST_RSA = 1024  # RFC 8301 3.2: below it no signature is valid
LARGEST_RSA = 16_384  # more than this is not calculated with
_LOOKS = re.compile(r"v\s*=\s*[\"']?DKIM|(?:^|;)[\s\"']*p\s*=", re.IGNORECASE)
_OTHER = re.compile(r"\s*\"?v\s*=\s*(?!\s*\"?DKIM)", re.IGNORECASE)
_ED25519_WRAPPED = bytes.fromhex("302a300506032b6570032100")  # RFC 8410 4
_RSA_OID = bytes.fromhex("06092a864886f70d010101")


class Problem(NamedTuple):
    """`id` for programs, `text` for people: a sentence without its final dot."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """One TXT record read as a key.  `problems` make it useless to a verifier; `remarks` do not, or not to all."""

    text: str = ""
    key_type: str = "rsa"
    octets: bytes = b""  # DER (rsa), or the 32 octets of RFC 8463 4.2 (ed25519)
    bits: int = 0
    revoked: bool = False
    testing: bool = False  # t=y
    strict: bool = False  # t=s
    hashes: tuple[str, ...] = ()  # h=; () is any
    services: tuple[str, ...] = ("*",)  # s=
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)
    problems: tuple[Problem, ...] = ()
    remarks: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class DkimKey:
    """What is known of the key of a selector.  `state`: found (a record that is meant to be a key), absent, unknown (`why` says why not)."""

    selector: str
    domain: str
    state: str
    answer: DnsAnswer | None = None
    keys: tuple[KeyRecord, ...] = ()  # every record that is meant to be a key
    why: str = ""

    @property
    def name(self) -> str:
        """The name it stands at."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def best(self) -> KeyRecord:
        """The record a verifier would use: the first without problems, else the first."""
        return next((one for one in self.keys if not one.problems and not one.revoked), self.keys[0] if self.keys else KeyRecord())

    @property
    def record(self) -> str:
        """Its text."""
        return self.best.text

    @property
    def key_type(self) -> str:
        """rsa, ed25519, or what k= says."""
        return self.best.key_type

    @property
    def bits(self) -> int:
        """The size of the key; 0 where it could not be read."""
        return self.best.bits

    @property
    def revoked(self) -> bool:
        """Whether p= is empty."""
        return bool(self.keys) and self.best.revoked

    @property
    def testing(self) -> bool:
        """Whether t= has y."""
        return self.best.testing

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Why no verifier can use it."""
        return self.best.problems

    @property
    def remarks(self) -> tuple[Problem, ...]:
        """What is odd about it."""
        return self.best.remarks

    @property
    def aliases(self) -> tuple[str, ...]:
        """The CNAMEs that led to it, or led nowhere."""
        return self.answer.aliases if self.answer else ()


async def key(selector: str, domain: str, world: World) -> DkimKey:
    """Look up and read the key of a selector; never raises."""
    plain, owner = a_label_name(selector), a_label_name(domain)
    if not plain or not owner or len(plain) + len(owner) + len("._domainkey.") > 253:
        return DkimKey(shown(selector), shown(domain), "absent", why="that is no domain name")
    answer = await world.dns(f"{plain}._domainkey.{owner}", "TXT")
    return from_answer(plain, owner, answer)


def from_answer(selector: str, domain: str, answer: DnsAnswer) -> DkimKey:
    """Read the answer of the TXT question.

    A TXT record of another kind (a wildcard's SPF, say) is no key: RFC 6376 3.6.1 has records of another version discarded.
    """
    if answer.unlearned:
        return DkimKey(selector, domain, "unknown", answer, why=answer.error or answer.state)
    if not answer.found:
        return DkimKey(selector, domain, "absent", answer)
    lengths = answer.lengths or ((),) * len(answer.records)
    pairs = [(text, cut) for text, cut in zip(answer.records, lengths, strict=False) if isinstance(text, str) and is_meant_as_key(text)][:MAX_RECORDS]
    if not pairs:
        return DkimKey(selector, domain, "absent", answer, why="the TXT records at that name are no DKIM keys")
    return DkimKey(selector, domain, "found", answer, tuple(_judged(text, cut) for text, cut in pairs))


def is_meant_as_key(text: str) -> bool:
    """Whether somebody meant this TXT record to be a DKIM key, however broken it is."""
    head = text[:2000]
    return bool(_LOOKS.search(head)) and not _OTHER.match(head)


def _judged(text: str, lengths: tuple[int, ...]) -> KeyRecord:
    """A record read, with what only the character-strings tell."""
    found = read_key(text)
    cut = next((one for one in found.problems if one.id in ("base64", "der")), None)
    if cut and len(text) in (254, 255, 256) and len(lengths) <= 1:
        told = Problem("truncated", f"the record ends after {len(text)} characters in the middle of the key: whoever entered it cut it off at the length of one character-string")
        return replace(found, problems=tuple(told if one is cut else one for one in found.problems))
    return found


@lru_cache(maxsize=2048)
def read_key(text: str) -> KeyRecord:
    """Read one key record; what is wrong with it is in `problems` and `remarks`."""
    if len(text) > MAX_RECORD:
        return KeyRecord(text[:MAX_RECORD], problems=(Problem("size", f"the record has {len(text)} characters, which is no key"),))
    spoilt = _spoilt(text)
    try:
        tags = read_tags(_utf8(text))
    except TagError as error:
        return KeyRecord(text, problems=(spoilt or Problem("syntax", f"it can't be read as a tag list (RFC 6376 3.2): {error}"),))
    problems: list[Problem] = [spoilt] if spoilt else []
    remarks: list[Problem] = []
    _version(tags, problems, remarks)
    flags, hashes, services = listed(tags.get("t", "")), listed(tags.get("h", "")), listed(tags.get("s", "*"))
    kind = _key_type(tags, problems, remarks)
    octets, bits = _public_key(kind, tags, problems, remarks)
    if "g" in tags and tags["g"] != "*":
        remarks.append(Problem("granularity", f'g={shown(tags["g"])} is a tag of old DKIM (RFC 4871) that a few verifiers still obey: they take the key only for some local parts'))
    if "h" in tags and not hashes:
        remarks.append(Problem("hashes", "h= is empty, and verifiers differ on what that allows"))
    return KeyRecord(text, kind, octets, bits, tags.get("p") == "", "y" in flags, "s" in flags, hashes, services, tags, tuple(problems), tuple(remarks))


def _utf8(text: str) -> str:
    """TXT records are held one character an octet; n= and names may be UTF-8 (RFC 8616)."""
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except (UnicodeDecodeError, UnicodeEncodeError):
        return text


def _spoilt(text: str) -> Problem | None:
    """The marks of a zone editor that took the presentation form for the text."""
    if '"' in text:
        return Problem("quotes", "there are quotation marks inside the record: they were typed into a field that adds its own")
    if "\\" in text:
        return Problem("backslash", "there are backslashes inside the record: semicolons were escaped for a zone file that did not want it")
    return None


def _version(tags: Mapping[str, str], problems: list[Problem], remarks: list[Problem]) -> None:
    """RFC 6376 3.6.1, v=: recommended, "DKIM1" to the letter, and first."""
    if "v" not in tags:
        return
    if tags["v"] != "DKIM1":
        problems.append(Problem("version", f'v= must be DKIM1, not "{shown(tags["v"])}": verifiers must discard the record'))
    elif next(iter(tags)) != "v":
        remarks.append(Problem("version_place", "v=DKIM1 must be the first tag, and some verifiers refuse the record otherwise"))


def _key_type(tags: Mapping[str, str], problems: list[Problem], remarks: list[Problem]) -> str:
    kind = tags.get("k", "rsa")
    if kind in ("rsa", "ed25519"):
        return kind
    if kind.lower() in ("rsa", "ed25519"):
        remarks.append(Problem("type_case", f"k={shown(kind)} should be written in lower case"))
        return kind.lower()
    problems.append(Problem("type", f'k={shown(kind) or "(empty)"} is no key type that anybody knows (rsa or ed25519)'))
    return shown(kind)


def _public_key(kind: str, tags: Mapping[str, str], problems: list[Problem], remarks: list[Problem]) -> tuple[bytes, int]:
    """The octets of p= and the size of the key in bits."""
    if "p" not in tags:
        hint = ' (tag names are case-sensitive: "P" is not "p")' if "P" in tags else ""
        problems.append(Problem("missing", "the tag p= with the public key is missing" + hint))
        return b"", 0
    if not tags["p"] or kind not in ("rsa", "ed25519"):
        return b"", 0
    octets = read_base64(tags["p"])
    if octets is None:
        problems.append(Problem("base64", _why_not_base64(tags["p"])))
        return b"", 0
    if kind == "ed25519":
        return _ed25519(octets, problems)
    try:
        modulus, _, left = rsa_numbers(octets)
    except ValueError as error:
        problems.append(Problem("der", f"p= is base64, but no RSA public key: {error}"))
        return b"", 0
    if _RSA_OID not in octets[:40]:
        remarks.append(Problem("bare_rsa", "the key is a bare RSAPublicKey, not the SubjectPublicKeyInfo that everybody publishes; some verifiers refuse it"))
    if left:
        remarks.append(Problem("left_over", f"there are {left} octets too many behind the key, which some verifiers refuse"))
    return octets, modulus.bit_length()


def _ed25519(octets: bytes, problems: list[Problem]) -> tuple[bytes, int]:
    """RFC 8463 4.2: the 32 octets alone, without the wrapping of RFC 8410."""
    if len(octets) == 32:
        return octets, 256
    if octets.startswith(_ED25519_WRAPPED):
        problems.append(Problem("wrapped", "the Ed25519 key is published in its ASN.1 wrapping; RFC 8463 wants the 32 octets alone, base64 of 44 characters"))
    else:
        problems.append(Problem("der", f"an Ed25519 key has 32 octets, this has {len(octets)}"))
    return b"", 0


def _why_not_base64(value: str) -> str:
    plain = without_space(value)
    odd = sorted(set(re.findall(r"[^A-Za-z0-9+/=]", plain)))
    if "-----" in plain or "BEGIN" in plain:
        return "p= holds the lines of a PEM file; only the base64 between them belongs there"
    if odd:
        return f"p= is not base64: it has {shown(' '.join(odd[:8]))}"
    return "p= is not whole: base64 of that length does not exist, so characters were lost"


def _element(octets: bytes, at: int, tag: int) -> tuple[int, int]:
    """Where the contents of a DER element begin and end; ValueError where it is another one or cut off (X.690 8.1)."""
    if len(octets) < at + 2 or octets[at] != tag:
        raise ValueError("it is not the ASN.1 that was to be expected")
    size, at = octets[at + 1], at + 2
    if size & 0x80:
        width = size & 0x7F
        if not 1 <= width <= 4:
            raise ValueError("it is not the ASN.1 that was to be expected")
        size, at = int.from_bytes(octets[at : at + width], "big"), at + width
    if at + size > len(octets):
        raise ValueError("its end is missing")
    return at, at + size


def rsa_numbers(octets: bytes) -> tuple[int, int, int]:
    """Modulus, public exponent and the octets left over behind an RSA key in DER; ValueError says why there is none.

    The key is a SubjectPublicKeyInfo, or the RSAPublicKey alone (RFC 8017 A.1.1).  Reading it by hand is some hundred times
    faster than making a key object, which an audit does not need.
    """
    at, last = _element(octets, 0, 0x30)
    if octets[at : at + 1] == b"\x30":
        _, end = _element(octets, at, 0x30)
        if _RSA_OID not in octets[at:end]:
            raise ValueError("it is a key of another kind")
        at, _ = _element(octets, end, 0x03)
        at, _ = _element(octets, at + 1, 0x30)  # behind the count of unused bits
    modulus, at = _number(octets, at)
    exponent, _ = _number(octets, at)
    if not modulus & 1 or exponent < 3 or not exponent & 1:
        raise ValueError("its numbers can't be those of an RSA key")
    return modulus, exponent, len(octets) - last


def _number(octets: bytes, at: int) -> tuple[int, int]:
    """A positive INTEGER (X.690 8.3) and where it ends."""
    start, end = _element(octets, at, 0x02)
    number = int.from_bytes(octets[start:end], "big", signed=True)
    if number <= 0:
        raise ValueError("its numbers can't be those of an RSA key")
    return number, end
