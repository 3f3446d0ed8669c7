"""DMARC aggregate reports (RFC 9990, and RFC 7489 appendix C before it): one event for each row.

`time` is the begin of the report's range, `count` its messages, `sending_ip` who sent them, `author_domain` their From:.  The rest is in
`facts`: reporter, report_id, begin, end, policy, disposition, dkim and spf as evaluated (aligned or not), reasons, and the raw results.
"""
from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from ipaddress import ip_address
from typing import Any

from ...model import Event
from ...providers import provider_of_domain, provider_of_host
from .. import Reject, Setting
from . import _xml
from ._packed import Content, Unpackable, contents

TITLE = "DMARC: aggregate reports (xml, gz, zip, or the mail they come in)"
UNIT = "document"

MAX_COUNT = 10**12  # messages of one row; nobody sends more in a day
MAX_EARLY = 100_000  # rows that may stand before the report says who wrote it
MAX_SEVERAL = 100  # signatures or reasons of one row
_DOMAIN = re.compile(r"[^\s\x00-\x20<>\"@]{1,253}\Z")
_ROOT = re.compile(rb"<(?:[\w.-]{1,40}:)?feedback[\s/>]", re.IGNORECASE)
_SINGLE = frozenset(("source_ip", "count", "disposition", "header_from", "envelope_from", "envelope_to"))
_RESULTS = ("domain", "selector", "scope", "result", "human_result")


def looks(head: bytes) -> int:
    """By the root element; packed and mailed reports by the marks of their names and headers."""
    bare = head.lstrip(b" \t\r\n\xef\xbb\xbf")
    if bare.startswith(b"<") and _ROOT.search(bare[:2000]):
        return 95
    low = head.lower()
    if b"report domain:" in low and (b"submitter:" in low or b"report-id:" in low) and b"tlsrpt" not in low:
        return 85
    return 60 if head.startswith(b"PK\x03\x04") and b".xml" in head[:400] else 0


def reader(setting: Setting) -> Reader:
    """The reader."""
    return Reader(setting)


def wanted(head: bytes) -> bool:
    """Whether a document can be one of these."""
    bare = head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    if bare.startswith((b"\xff\xfe<\0", b"\xfe\xff\0<")):
        return True
    return bare.startswith(b"<") and (bare[:5].lower() == b"<?xml" or bare[:2] == b"<!" or _ROOT.match(bare) is not None) and not bare[:15].lower().startswith((b"<!doctype html", b"<html"))


class Reader:
    """Reads reports one by one."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting

    def read(self, content: bytes, where: str, headers: Mapping[str, str]) -> Iterator[Event | Reject]:
        """The rows of every report in an input."""
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
            for _ in _xml.read(one.bites, report.begins, report.end):
                yield from report.taken()
            yield from report.taken()
        except (_xml.Refused, Unpackable) as error:
            yield from report.taken()
            read = f"; {report.rows:,} rows before that were read" if report.rows else ""
            yield Reject(one.name, f"{error}{read}", content)
            return
        if not report.is_report:
            yield Reject(one.name, "this XML is no DMARC report: its root is not <feedback>", content)
        elif report.waiting:
            yield Reject(one.name, "the report does not say who wrote it (report_metadata)", content)
        elif not report.rows and not report.foreign:
            yield Reject(one.name, "the report holds no rows", content)
        elif report.foreign:
            yield Reject(one.name, f"the report is about {report.policy.get('domain', '')[:200]}, which is none of your domains", content)


class _Report:
    """One document on its way through the parser."""

    def __init__(self, where: str, setting: Setting) -> None:
        self.where, self.setting = where, setting
        self.is_report = self.foreign = False
        self.rows = 0
        self.policy: dict[str, str] = {}
        self.waiting: list[dict[str, Any]] = []
        self._metadata: dict[str, str] = {}
        self._errors: list[str] = []
        self.begins = {"feedback": self.root, "record": self.row, "dkim": self.part, "spf": self.part, "reason": self.part}
        self._row: dict[str, Any] | None = None
        self._part: dict[str, str] = {}
        self._out: list[Event | Reject] = []
        self._same: Counter[bytes] = Counter()
        self._shared: dict[str, Any] | None = None
        self._version = ""

    # -- the parser's calls

    def root(self, depth: int) -> None:
        """<feedback> begins."""
        self.is_report = self.is_report or depth == 1

    def row(self, depth: int) -> None:
        """<record> begins."""
        if depth == 2:
            self._row = {"dkim": [], "spf": [], "reasons": []}

    def part(self, _: int) -> None:
        """A result or reason begins."""
        self._part = {}

    def end(self, name: str, text: str, above: str) -> bool:
        """An element ends; true when a row is complete."""
        if not self.is_report or not above:
            return False
        if self._row is not None:
            return self._in_row(name, text, above)
        if above == "date_range" or (above == "report_metadata" and name != "error"):
            self._metadata.setdefault(name, text)
        elif above == "report_metadata" and len(self._errors) < MAX_SEVERAL:
            self._errors.append(text[:500])
        elif above == "policy_published" and (text or name not in self.policy):
            self.policy.setdefault(name, text)
        elif above == "feedback" and name == "version":
            self._version = text
        return False

    def _in_row(self, name: str, text: str, above: str) -> bool:
        row = self._row
        assert row is not None
        if above == "dkim" or above == "spf" or above == "reason":
            if name in _RESULTS or above == "reason":
                self._part.setdefault(name, text[:500])
        elif name == "record" and above == "feedback":
            self._row = None
            return self._complete(row)
        elif above == "policy_evaluated" and (name == "dkim" or name == "spf"):
            row.setdefault("aligned_" + name, text.lower())
        elif above == "auth_results" and (name == "dkim" or name == "spf"):
            if self._part and len(row[name]) < MAX_SEVERAL:
                row[name].append(self._part)
            self._part = {}
        elif name == "reason":
            if any(self._part.values()) and len(row["reasons"]) < MAX_SEVERAL:
                row["reasons"].append(self._part)
            self._part = {}
        elif name in _SINGLE:
            row.setdefault(name, text)
        return False

    # -- rows to events

    def _complete(self, row: dict[str, Any]) -> bool:
        if not self._metadata or not self.policy:
            self.waiting.append(row)
            if len(self.waiting) > MAX_EARLY:
                raise _xml.Refused(f"more than {MAX_EARLY:,} rows stand before the report says who wrote it")
            return False
        self._take(row)
        return True

    def taken(self) -> Iterable[Event | Reject]:
        """What is ready to go on; rows that waited for the metadata come first."""
        if self.waiting and self._metadata:
            waiting, self.waiting = self.waiting, []
            for row in waiting:
                self._take(row)
        out, self._out = self._out, []
        return out

    def _take(self, row: dict[str, Any]) -> None:
        shared = self._shared or self._share()
        if self.foreign:
            return
        self.rows += 1
        count, ip = _count(row.get("count", "")), _ip(row.get("source_ip", ""))
        if count < 1 or not ip:
            what = f"count is {row.get('count', '')[:40]!r}" if count < 1 else f"source_ip is {row.get('source_ip', '')[:60]!r}"
            self._out.append(Reject(f"{self.where}, row {self.rows}", f"{what}; nothing can be counted", repr(row).encode("utf-8", "replace")))
            return
        self._out.append(self._event(row, count, ip, shared))

    def _event(self, row: dict[str, Any], count: int, ip: str, shared: dict[str, Any]) -> Event:
        header_from, envelope_from, envelope_to = _name(row.get("header_from", "")), _name(row.get("envelope_from", "")), _name(row.get("envelope_to", ""))
        dkim, spf = row.get("aligned_dkim", ""), row.get("aligned_spf", "")
        disposition = row.get("disposition", "").lower()
        signatures, mailed = [_lower(one) for one in row["dkim"]], [_lower(one) for one in row["spf"]]
        facts = {
            **shared["facts"], "disposition": disposition, "dkim": dkim, "spf": spf, "aligned": dkim == "pass" or spf == "pass", "envelope_to": envelope_to, "reasons": row["reasons"],
            "auth_dkim": signatures, "auth_spf": mailed,
        }
        digest = blake2b(f"{ip}\0{count}\0{header_from}\0{envelope_from}\0{envelope_to}\0{disposition}\0{dkim}\0{spf}\0{signatures}\0{mailed}\0{row['reasons']}".encode("utf-8", "replace"), digest_size=9).digest()
        number = self._same[digest] = self._same[digest] + 1
        sender = envelope_from or next((one.get("domain", "") for one in mailed), "")
        return Event(
            "authentication", "dmarc", shared["begin"], author_domain=header_from, envelope_sender=f"@{sender}" if sender else "", sending_ip=ip, count=count, reporting_mta=shared["reporter"],
            provider=shared["provider"], recipient_domain=envelope_to, native_id=f"{shared['id']}|{digest.hex()}|{number}", trust="own" if self.setting.trusted else "unverified", facts=facts,
            where=f"{self.where}, row {self.rows}",
        )

    def _share(self) -> dict[str, Any]:
        """What all rows have in common."""
        told, policy = self._metadata, self.policy
        begin, end = _moment(told.get("begin", "")), _moment(told.get("end", ""))
        reporter, mailbox = told.get("org_name", "")[:300], told.get("email", "").rpartition("@")[2].lower().strip("> ")
        domain = _name(policy.get("domain", ""))
        self.foreign = bool(self.setting.own_domains) and bool(domain) and not any(domain == own or domain.endswith("." + own) or own.endswith("." + domain) for own in self.setting.own_domains)
        shown = {name: value.lower() if name != "domain" else domain for name, value in policy.items() if name in _POLICY}
        facts = {"reporter": reporter, "reporter_email": told.get("email", "")[:300], "report_id": told.get("report_id", "")[:500], "begin": begin, "end": end, "policy": shown}
        if self._errors:
            facts["errors"] = self._errors
        if self._version:
            facts["version"] = self._version[:20]
        self._shared = {
            "begin": float(begin), "reporter": reporter, "facts": facts, "id": f"{reporter.lower()}|{told.get('report_id', '')}|{begin}|{end}|{domain}",
            "provider": provider_of_domain(mailbox) or provider_of_host(mailbox) or provider_of_domain(reporter.lower()) or mailbox or reporter.lower(),
        }
        return self._shared


_POLICY = frozenset(("domain", "adkim", "aspf", "p", "sp", "np", "pct", "fo", "testing", "t", "discovery_method", "version_published"))


def _count(text: str) -> int:
    """A number of messages, 0 where it is none that can be."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 13 and int(text) <= MAX_COUNT else 0


@lru_cache(maxsize=20_000)
def _ip(text: str) -> str:
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


def _lower(part: dict[str, str]) -> dict[str, str]:
    """A result with its words in lower case (RFC 8601's are; some reporters' are not)."""
    return {name: value.lower() if name in ("result", "scope", "domain") else value for name, value in part.items() if value}


def _moment(text: str) -> int:
    """Seconds since 1970, out of digits, a decimal number or ISO 8601; 0 where it is none."""
    text = text.strip()
    if text.isascii() and text.replace(".", "", 1).isdigit() and len(text) <= 20:
        seconds = int(float(text))
        return seconds // 1000 if seconds > 10**11 else seconds
    try:
        return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())
    except (ValueError, OverflowError):
        return 0
