"""A World made of what is written down: a table of records, or the answers another World gave.

It never waits, so the evaluators run on it at full speed, and it asks nobody.
"""
from __future__ import annotations

from collections.abc import Awaitable, Coroutine, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any, TypeVar

from ..answers import DNS_STATES, Caa, DnsAnswer, HttpsAnswer, Mx, SmtpAnswer, SmtpQuestion, Soa, Tlsa
from ..errors import InputError
from .names import asked_name, name_fault
from .tasks import start

T = TypeVar("T")
A = TypeVar("A", DnsAnswer, SmtpAnswer, HttpsAnswer)
Zones = Mapping[str, Any]
LONGEST_CHAIN = 16  # CNAMEs followed before it is called a loop
_STATES = {state.upper(): state for state in DNS_STATES if state != "found"}
_NAMES = ("CNAME", "NS", "PTR", "DNAME")


def plain_name(name: str) -> str:
    """A domain name as answers hold it: lower case, without the final dot."""
    return asked_name(name.strip())


def _text(value: Any) -> tuple[str, tuple[int, ...]]:
    """One TXT record from a string or from its character-strings (RFC 1035 3.3.14)."""
    strings = [value] if isinstance(value, str | bytes) else list(value)
    raw = [one if isinstance(one, bytes) else one.encode("latin-1") if one.isascii() else one.encode("utf-8") for one in strings]
    pieces = [one[at : at + 255] for one in raw for at in range(0, len(one), 255) or (0,)]
    return b"".join(pieces).decode("latin-1"), tuple(len(one) for one in pieces)


def _record(rrtype: str, value: Any) -> Any:
    """One record from what a table may hold: the presentation form, or its parts as a list."""
    if rrtype in _NAMES:
        return plain_name(value)
    if rrtype in ("A", "AAAA"):
        return _address(value)
    if rrtype not in ("MX", "TLSA", "SOA", "CAA"):
        return value.strip() if isinstance(value, str) else value
    parts = value.split(None, 2 if rrtype == "CAA" else -1) if isinstance(value, str) else list(value)
    if rrtype == "MX":
        return Mx(int(parts[0]), plain_name(parts[1]))
    if rrtype == "TLSA":
        return Tlsa(int(parts[0]), int(parts[1]), int(parts[2]), "".join(parts[3:]).lower())
    if rrtype == "SOA":
        return Soa(plain_name(parts[0]), plain_name(parts[1]), *(int(part) for part in parts[2:7]))
    return Caa(int(parts[0]), parts[1].lower(), parts[2].strip('"'))


def _address(value: Any) -> Any:
    """An address as the wire would show it; what is none stays as it is."""
    try:
        return str(ip_address(value.strip()))
    except (ValueError, AttributeError):
        return value


def _types_of(zone: Any) -> dict[str, Any]:
    """The records of a name by type.

    Published suites write them as a list: [{"MX": [10, "mx.example"]}, {"TXT": ["one ", "record"]}, "TIMEOUT"]; there every entry is one record.
    """
    if isinstance(zone, Mapping):
        return {str(rrtype).upper(): value for rrtype, value in zone.items()}
    types: dict[str, Any] = {}
    for entry in (zone,) if isinstance(zone, str) else zone or ():
        if not isinstance(entry, Mapping):
            types[str(entry).upper()] = True
            continue
        for rrtype, value in entry.items():
            records = types.setdefault(str(rrtype).upper(), [])
            if value != "NONE":  # the suites say so where no record is to be made up
                records.append(value)
    return types


class RecordedWorld:
    """The World of a table: `RecordedWorld(zones={"example.org": {"TXT": ["v=spf1 -all"], "MX": ["10 mx.example.org"]}})`.

    A value is a list of records (or one record), each in presentation form or as its parts, or the name of an error: "TIMEOUT", "SERVFAIL",
    "REFUSED", "NXDOMAIN", "BOGUS" …; the type "*" stands for every type not named, and a name "*.example.org" is a wildcard (RFC 4592).
    A TXT record is a string or a list of its character-strings, so ["a", "b"] are two records and [["a", "b"]] is one.  A name that is not in
    the table does not exist; one that others end with exists without records.  `smtp` maps an IP (or a (IP, recipient) pair) to a SmtpAnswer,
    `https` a URL to an HttpsAnswer or a body.  What `answers` holds goes before the zones; with `answers` and without zones, any other
    question is "unrecorded".
    """

    def __init__(self, zones: Zones | None = None, *, smtp: Mapping[Any, SmtpAnswer] | None = None, https: Mapping[str, HttpsAnswer | bytes | str] | None = None,
                 now: datetime | None = None, answers: Iterable[DnsAnswer] | None = None) -> None:
        self._zones = {plain_name(name): _types_of(zone) for name, zone in (zones or {}).items()}
        self._complete = zones is not None or answers is None
        self._exist = {name.split(".", cut)[-1] for name in self._zones for cut in range(name.count(".") + 1)}
        self._smtp, self._https = dict(smtp or {}), dict(https or {})
        self._now = now or datetime(2026, 1, 1, tzinfo=UTC)
        self._said = {(answer.name, answer.rrtype): answer for answer in answers or ()}
        self.journal: list[DnsAnswer | SmtpAnswer | HttpsAnswer] = []
        self._journaled: set[Any] = set()

    def now(self) -> datetime:
        """The time of the record."""
        return self._now

    def start(self, work: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """Begin something now."""
        return start(work)

    async def dns(self, name: str, rrtype: str) -> DnsAnswer:
        """What the table says."""
        asked, rrtype = asked_name(name), rrtype.upper()
        said = self._said.get((asked, rrtype))
        if said is None:
            said = self._said[asked, rrtype] = self._look_up(asked, rrtype)
        return self._kept((asked, rrtype), said)

    def _kept(self, question: Any, said: A) -> A:
        if question not in self._journaled:
            self._journaled.add(question)
            self.journal.append(said)
        return said

    def _look_up(self, asked: str, rrtype: str) -> DnsAnswer:
        if not self._complete:
            return DnsAnswer(asked, rrtype, "unrecorded", error="nothing is on record")
        if asked not in self._zones and (fault := name_fault(asked)):
            return DnsAnswer(asked, rrtype, "malformed", error=f"it can't be asked: {fault}")
        name = asked
        aliases: list[str] = []
        while True:
            types = self._types(name)
            if types is None:
                return DnsAnswer(asked, rrtype, "nodata" if name in self._exist else "nxdomain", (), tuple(aliases), 300)
            if rrtype in types or "CNAME" not in types:
                return self._answer(asked, rrtype, _of_type(types, rrtype), tuple(aliases))
            target = (_listed(types["CNAME"]) or ("",))[0]
            if not isinstance(target, str) or _error("CNAME", target, True):
                return self._answer(asked, rrtype, (target,), tuple(aliases))
            name = plain_name(target)
            if name in aliases or name == asked or len(aliases) >= LONGEST_CHAIN:
                return DnsAnswer(asked, rrtype, "loop", (), (*aliases, name), error="the CNAMEs go in a circle")
            aliases.append(name)

    def _types(self, name: str) -> Mapping[str, Any] | None:
        """The records of a name, or those of the wildcard that covers it."""
        if name in self._zones or name in self._exist:
            return self._zones.get(name)
        parent = name
        while "." in parent:
            parent = parent.partition(".")[2]
            if f"*.{parent}" in self._zones:
                return self._zones[f"*.{parent}"]
            if parent in self._exist:
                break
        return None

    def _answer(self, asked: str, rrtype: str, value: Any, aliases: tuple[str, ...]) -> DnsAnswer:
        values = _listed(value)
        state = next((found for one in values if (found := _error(rrtype, one, isinstance(value, str)))), "")
        if state or not values:
            return DnsAnswer(asked, rrtype, state or "nodata", (), aliases, 300)
        if rrtype in ("TXT", "SPF"):
            texts = [_text(one) for one in values]
            return DnsAnswer(asked, rrtype, "found", tuple(text for text, _ in texts), aliases, 300, None, tuple(lengths for _, lengths in texts))
        try:
            records = tuple(_record(rrtype, one) for one in values)
        except (ValueError, IndexError, TypeError, AttributeError) as error:
            raise InputError(f"a record of the table can't be read: {error}", f"{rrtype} {asked}") from error
        return DnsAnswer(asked, rrtype, "found", records, aliases, 300)

    async def smtp(self, question: SmtpQuestion) -> SmtpAnswer:
        """The dialogue on record for that IP."""
        said = self._smtp.get(question) or self._smtp.get((question.address, *question.recipients)) or self._smtp.get(question.address)
        said = said or SmtpAnswer(question, "unrecorded", error="nothing is on record")
        return self._kept(question, said)

    async def https(self, url: str) -> HttpsAnswer:
        """The page on record."""
        said = self._https.get(url)
        if isinstance(said, bytes | str):
            body = said.encode() if isinstance(said, str) else said
            said = HttpsAnswer(url, "answered", 200, (("content-type", "text/plain"),), body)
        said = said or HttpsAnswer(url, "unrecorded", error="nothing is on record")
        return self._kept(url, said)


def _error(rrtype: str, value: Any, alone: bool) -> str:
    """The state that a value of the table stands for, or "": "TIMEOUT", or an exception."""
    if isinstance(value, str):
        # a TXT record may be any word
        return _STATES.get(value.upper() if alone or rrtype not in ("TXT", "SPF") else value, "")
    kind = value if isinstance(value, type) else type(value)
    if not issubclass(kind, BaseException):
        return ""
    word = kind.__name__.lower()
    return next((state for part, state in (("timeout", "timeout"), ("nxdomain", "nxdomain"), ("noanswer", "nodata")) if part in word), "servfail")


def _of_type(types: Mapping[str, Any], rrtype: str) -> Any:
    """The values of a type, or the error that stands for all the types of the name."""
    error = next((one for one in types if one in _STATES), ())
    return types.get(rrtype, types.get("*", error))


def _listed(value: Any) -> Sequence[Any]:
    """The records of a type: a lone value, or one MX as (preference, name), is a list of one."""
    if not isinstance(value, list | tuple):
        return () if value is None else (value,)
    return (value,) if len(value) == 2 and isinstance(value[0], int) else value
