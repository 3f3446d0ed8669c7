"""DMARC aggregate reports (RFC 9990, and RFC 7489 appendix C before it): one event for each row.

`time` is the begin of the report's range, `count` its messages, `sending_ip` who sent them, `author_domain` their From:.  The rest is in
`facts`: reporter, report_id, begin, end, policy, disposition, dkim and spf as evaluated (aligned or not), reasons, and the raw results.
"""
from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import blake2b
from ipaddress import ip_address
from typing import Any
from xml.etree.ElementTree import Element

from ...model import Event
from ...providers import provider_of_domain, provider_of_host
from .. import Reject, Setting
from . import _xml
from ._packed import Content, Unpackable, contents, sparing
from ._xml import LOCAL

TITLE = "DMARC: aggregate reports (xml, gz, zip, or the mail they come in)"
UNIT = "document"

MAX_COUNT = 10**12  # messages of one row; nobody sends more in a day
MAX_EARLY = 100_000  # rows, with their results, that may stand before the report says who wrote it
MAX_OTHERS = 1_000
MAX_BAD = 1_000  # rows of one report that are put aside one by one
MAX_SEVERAL = 100  # signatures or reasons of one row
_DOMAIN = re.compile(r"[^\s\x00-\x20<>\"@]{1,253}\Z")
_ROOT = re.compile(rb"<(?:[\w.-]{1,40}:)?feedback[\s/>]", re.IGNORECASE)
_NO_REPORT = (b"delivery-status", b"feedback-report", b"auto-replied")  # a report of ours that came back, or an answer to it
_PAGE = re.compile(rb"<(?:!doctype\s+)?html[\s>]", re.IGNORECASE)
_NAMED = re.compile(rb"name\*?0?\*?=[^\n;]{0,20}[\w.-]{1,255}![\w.-]{1,255}!\d{6,11}!\d{6,11}[^\n;]{0,80}")  # receiver!domain!begin!end.xml.gz (RFC 7489 7.2.1.1)
_SINGLE = frozenset(("source_ip", "count", "disposition", "header_from", "envelope_from", "envelope_to"))
_RESULTS = frozenset(("domain", "selector", "scope", "result", "human_result"))
_WORDS = frozenset(("result", "scope", "domain"))
Row = dict[str, Any]


def looks(head: bytes) -> int:
    """By the root element; packed and mailed reports by the marks of their names and headers."""
    bare = head[:16_000].replace(b"\0", b"") if head.startswith((b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")) else head[:16_000]
    bare = bare.lstrip(b" \t\r\n\xef\xbb\xbf\xff\xfe")
    if bare.startswith(b"<"):
        return 95 if _ROOT.search(bare) else 0
    if head.startswith(b"PK\x03\x04"):
        return 60 if b".xml" in head[:400] else 0
    if b":" not in bare[:100]:
        return 0
    low = bare.lower()
    if any(mark in low for mark in _NO_REPORT):
        return 0
    named = _NAMED.search(low)
    if named is not None:
        return 85 if b"tls" not in low[max(0, named.start() - 100) : named.end() + 20] and b".json" not in named[0] else 0
    return 85 if b"report domain:" in low and (b"submitter:" in low or b"report-id:" in low) and b"tlsrpt" not in low else 0


def reader(setting: Setting) -> Reader:
    """The reader."""
    return Reader(setting)


def wanted(head: bytes) -> bool:
    """Whether a document can be one of these; a page (HTML, XHTML) can't."""
    bare = head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    if bare.startswith((b"\xff\xfe<\0", b"\xfe\xff\0<", b"<\0?\0", b"\0<\0?")):
        return True
    if not bare.startswith(b"<") or _PAGE.search(bare[:600]):
        return False
    return bare[:5].lower() == b"<?xml" or bare[:2] == b"<!" or _ROOT.match(bare) is not None


class Reader:
    """Reads reports one by one."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting

    def read(self, content: bytes, where: str, headers: Mapping[str, str]) -> Iterator[Event | Reject]:
        """The rows of every report in an input."""
        return sparing(self._all(content, where), content)

    def _all(self, content: bytes, where: str) -> Iterator[Event | Reject]:
        found = False
        for one in contents(content, where, wanted):
            found = True
            if isinstance(one, str):
                yield Reject(where, one.removeprefix(f"{where}: "), content)
            else:
                yield from self._report(one, content)
        if not found:
            yield Reject(where, "there is no DMARC report in it", content)

    def _report(self, one: Content, content: bytes) -> Iterator[Event | Reject]:
        report = _Report(one.name, self.setting)
        try:
            for element in _xml.read(one.bites, "record"):
                yield from report.take(element)
            yield from report.end()
        except (_xml.Refused, Unpackable) as error:
            yield from report.end()
            read = f"; {report.rows:,} rows before that were read" if report.rows else ""
            yield Reject(one.name, f"{error}{read}", content)
            return
        for reason in report.faults():
            yield Reject(one.name, reason, content)


class _Report:
    """One document on its way through the parser."""

    def __init__(self, where: str, setting: Setting) -> None:
        self.where, self.setting = where, setting
        self.root = ""
        self.foreign = False
        self.rows = self.bad = self._others = 0
        self.policy: dict[str, str] = {}
        self.waiting: list[Row] = []
        self._held = 0
        self._metadata: dict[str, str] = {}
        self._errors: list[str] = []
        self._extensions: list[dict[str, str]] = []
        self._same: Counter[bytes] = Counter()
        self._shared: dict[str, Any] | None = None

    def take(self, element: Element) -> Iterator[Event | Reject]:
        """The root, then one element below it after the other."""
        name = LOCAL[element.tag]
        if not self.root:
            self.root = name
            return
        if name == "record" and self.root == "feedback":
            yield from self._complete(_row(element))
            return
        self._others += 1
        if self._others > MAX_OTHERS:
            raise _xml.Refused(f"more than {MAX_OTHERS:,} elements in it are no rows; that is an attack, not a report")
        if self.root == "feedback":
            self._head(name, element)

    def _head(self, name: str, element: Element) -> None:
        if name == "report_metadata":
            self._tells(element)
        elif name == "policy_published":
            for one in element:
                told = _xml.text_of(one)
                if told:
                    self.policy.setdefault(LOCAL[one.tag], told)
        elif name == "version":
            self._metadata.setdefault("version", _xml.text_of(element))
        elif name.startswith("extension"):
            self._extensions += _extensions(element)[: MAX_SEVERAL - len(self._extensions)]

    def _tells(self, element: Element) -> None:
        for one in element:
            name = LOCAL[one.tag]
            if name == "error" and len(self._errors) < MAX_SEVERAL:
                self._errors.append(_xml.text_of(one)[:500])
            elif name == "date_range":
                for two in one:
                    self._metadata.setdefault(LOCAL[two.tag], _xml.text_of(two))
            else:
                self._metadata.setdefault(name, _xml.text_of(one))

    def end(self) -> Iterator[Event | Reject]:
        """Rows that waited for a policy that never came."""
        if self._metadata:
            yield from self._waited()

    def faults(self) -> Iterator[str]:
        """What a whole document lacks, in sentences."""
        if self.root != "feedback":
            yield "this XML is no DMARC report: its root is not <feedback>"
        elif self.waiting:
            yield "the report does not say who wrote it (report_metadata)"
        elif self.foreign:
            yield f"the report is about {self.policy.get('domain', '')[:200]}, which is none of your domains"
        elif not self.rows:
            yield "the report holds no rows"
        if self.bad > MAX_BAD:
            yield f"{self.bad - MAX_BAD:,} more rows can't be counted"

    # -- rows to events

    def _complete(self, row: Row) -> Iterator[Event | Reject]:
        if self._shared is None and not (self._metadata and self.policy):
            self.waiting.append(row)
            self._held += 1 + len(row["dkim"]) + len(row["spf"]) + len(row["reasons"])
            if self._held > MAX_EARLY:
                raise _xml.Refused(f"more than {len(self.waiting):,} rows stand before the report says who wrote it")
            return
        if self.waiting:
            yield from self._waited()
        told = self._take(row)
        if told is not None:
            yield told

    def _waited(self) -> Iterator[Event | Reject]:
        waiting, self.waiting = self.waiting, []
        yield from (told for told in map(self._take, waiting) if told is not None)

    def _take(self, row: Row) -> Event | Reject | None:
        shared = self._shared or self._share()
        if self.foreign:
            return None
        self.rows += 1
        count, ip = _count(row.get("count", "")), ip_of(row.get("source_ip", ""))
        if count and ip:
            return self._event(row, count, ip, shared)
        self.bad += 1
        if self.bad > MAX_BAD:
            return None
        what = f"source_ip is {row.get('source_ip', '')[:60]!r}" if count else f"count is {row.get('count', '')[:40]!r}"
        return Reject(f"{self.where}, row {self.rows}", f"{what}; nothing can be counted", repr(row).encode("utf-8", "replace")[:10_000])

    def _event(self, row: Row, count: int, ip: str, shared: dict[str, Any]) -> Event:
        get = row.get
        header_from, envelope_from, envelope_to = _name(get("header_from", "")), _name(get("envelope_from", "")), _name(get("envelope_to", ""))
        dkim, spf, disposition = get("aligned_dkim", ""), get("aligned_spf", ""), get("disposition", "").lower()
        signatures, mailed, reasons = row["dkim"], row["spf"], row["reasons"]
        facts = {
            **shared["facts"], "disposition": disposition, "dkim": dkim, "spf": spf, "aligned": (dkim == "pass" or spf == "pass") if dkim or spf else "", "envelope_to": envelope_to,
            "reasons": reasons, "auth_dkim": signatures, "auth_spf": mailed,
        }
        if "extensions" in row:
            facts["extensions"] = [*shared["facts"].get("extensions", ()), *row["extensions"]]
        digest = blake2b(f"{ip}\0{count}\0{header_from}\0{envelope_from}\0{envelope_to}\0{disposition}\0{dkim}\0{spf}\0{signatures}\0{mailed}\0{reasons}".encode("utf-8", "replace"), digest_size=9).digest()
        number = self._same[digest] = self._same[digest] + 1
        sender = envelope_from or (mailed[0].get("domain", "") if mailed else "")
        return Event(
            "authentication", "dmarc", shared["begin"], author_domain=header_from, envelope_sender=f"@{sender}" if sender else "", sending_ip=ip, count=count, reporting_mta=shared["reporter"],
            provider=shared["provider"], recipient_domain=envelope_to, native_id=f"{shared['id']}|{digest.hex()}|{number}", trust=shared["trust"], facts=facts,
            where=f"{self.where}, row {self.rows}",
        )

    def _share(self) -> dict[str, Any]:
        """What all rows have in common."""
        told, policy = self._metadata, self.policy
        begin, end = _moment(told.get("begin", "")), _moment(told.get("end", ""))
        if 0 < end < begin:  # some write them the wrong way round
            begin, end = end, begin
        reporter, mailbox = told.get("org_name", "")[:300], told.get("email", "").rpartition("@")[2].lower().strip("> ")
        domain = _name(policy.get("domain", ""))
        self.foreign = bool(self.setting.own_domains) and bool(domain) and not any(domain == own or domain.endswith("." + own) or own.endswith("." + domain) for own in self.setting.own_domains)
        shown = {name: value.lower() if name != "domain" else domain for name, value in policy.items() if name in _POLICY}
        facts: dict[str, Any] = {"reporter": reporter, "reporter_email": told.get("email", "")[:300], "report_id": told.get("report_id", "")[:500], "begin": begin, "end": end, "policy": shown}
        if self._errors:
            facts["errors"] = self._errors
        if self._extensions:
            facts["extensions"] = self._extensions
        facts |= {name: told[name][:500] for name in ("version", "extra_contact_info", "generator") if told.get(name)}
        self._shared = {
            "begin": float(begin), "reporter": reporter, "trust": "own" if self.setting.trusted else "unverified", "facts": facts, "id": f"{reporter.lower()}|{told.get('report_id', '')[:500]}|{begin}|{end}|{domain}",
            "provider": provider_of(reporter, mailbox),
        }
        return self._shared


_POLICY = frozenset(("domain", "adkim", "aspf", "p", "sp", "np", "pct", "fo", "testing", "t", "discovery_method", "version_published"))


@lru_cache(maxsize=1_000)
def provider_of(reporter: str, mailbox: str) -> str:
    """Who reports: the provider of the domain of its mailbox or of its name, else these themselves."""
    return provider_of_domain(mailbox) or provider_of_host(mailbox) or provider_of_domain(reporter.lower()) or mailbox or reporter.lower()


def _count(text: str) -> int:
    """A number of messages, 0 where it is none that can be."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 13 and int(text) <= MAX_COUNT else 0


@lru_cache(maxsize=20_000)
def ip_of(text: str) -> str:
    """An IP in its usual form, mapped IPv4 as IPv4; "" where it is none."""
    try:
        found = ip_address(text.strip().strip("[]"))
    except ValueError:
        return ""
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)


@lru_cache(maxsize=20_000)
def _name(text: str) -> str:
    """A domain name in lower case; "" where it can't be one (an empty MAIL FROM, "<>")."""
    text = text.strip().strip("<>").rpartition("@")[2].lower().rstrip(".")
    return text if _DOMAIN.match(text) else ""


def _row(record: Element) -> Row:
    """What one record says, wherever in it the reporter put it."""
    row: Row = {"dkim": [], "spf": [], "reasons": []}
    for one in record:
        _fill(row, one)
    return row


def _fill(row: Row, element: Element, depth: int = 3) -> None:
    above = LOCAL[element.tag]
    if depth > _xml.MAX_DEPTH:
        raise _xml.Refused(f"elements are nested deeper than {_xml.MAX_DEPTH}")
    if above in _SINGLE:
        row.setdefault(above, _xml.text_of(element))
        return
    for one in element:
        name = LOCAL[one.tag]
        if name in _SINGLE:
            row.setdefault(name, (one.text or "").strip()[:500])
        elif name == "dkim" or name == "spf":
            if len(one):
                if len(row[name]) < MAX_SEVERAL:
                    row[name].append(_result(one))
            elif above == "policy_evaluated" and one.text:
                row.setdefault("aligned_" + name, one.text.strip().lower()[:100])
        elif name == "reason":
            told = {LOCAL[two.tag]: _xml.text_of(two)[:500] for two in one}
            if any(told.values()) and len(row["reasons"]) < MAX_SEVERAL:
                row["reasons"].append(told)
        elif name == "extension":
            row["extensions"] = [*row.get("extensions", ()), _extension(one)][:MAX_SEVERAL]
        elif len(one):
            _fill(row, one, depth + 1)


def _result(element: Element) -> dict[str, str]:
    """A result with its words in lower case (RFC 8601's are; some reporters' are not)."""
    told: dict[str, str] = {}
    for one in element:
        name, text = LOCAL[one.tag], one.text
        if text and name in _RESULTS and (text := text.strip()):
            told.setdefault(name, text[:500].lower() if name in _WORDS else text[:500])
    return told


def _extensions(element: Element) -> list[dict[str, str]]:
    return [_extension(one) for one in ([element] if LOCAL[element.tag] == "extension" else element)]


def _extension(element: Element) -> dict[str, str]:
    """Which extension a reporter used (RFC 9990 3.1.1.7); what it says is between those who know it."""
    return {name: element.attrib[name][:300] for name in ("name", "definition") if name in element.attrib} or {"name": element.tag[:300]}


def _moment(text: str) -> int:
    """Seconds since 1970, out of digits, a decimal number or ISO 8601; 0 where it is none."""
    text = text.strip()
    if text.isascii() and text.replace(".", "", 1).isdigit() and len(text) <= 20:
        seconds = int(float(text))
        return seconds // 1000 if seconds > 10**11 else seconds
    try:
        told = datetime.fromisoformat(text.replace("Z", "+00:00"))
        return int((told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return 0
