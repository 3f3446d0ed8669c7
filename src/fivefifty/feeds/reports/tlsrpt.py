"""TLS reports (RFC 8460): how mail to your domains fared at encrypting, one event for the successes of a policy and one for each kind of failure.

`time` is the begin of the range, `count` the sessions, `recipient_domain` your domain the policy is of.  In `facts`: outcome, result_type (word for
word, section 4.3), policy_type, policy, mx_hosts, reporter, report_id, begin, end, and what the failure detail says.
"""
from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from typing import Any

from ...model import Event
from .. import Reject, Setting
from ._packed import Content, Unpackable, contents, sparing
from .dmarc import MAX_BAD, MAX_COUNT, _moment, _name, ip_of, provider_of

TITLE = "TLS-RPT: SMTP TLS reports (json, gz, or the mail they come in)"
UNIT = "document"

MAX_JSON = 16 * 1024 * 1024  # bytes; as objects they take twenty times as much
MAX_ROWS = 100_000
RESULT_TYPES = frozenset((
    "starttls-not-supported", "certificate-host-mismatch", "certificate-expired", "certificate-not-trusted", "validation-failure", "tlsa-invalid", "dnssec-invalid",
    "dane-required", "sts-policy-fetch-error", "sts-policy-invalid", "sts-webpki-invalid",
))


def looks(head: bytes) -> int:
    """By the report's own keys, or the mail's (RFC 8460 5.3)."""
    low = head[:16_000].lower()
    if low.lstrip(b" \t\r\n\xef\xbb\xbf").startswith(b"{") and b'"policies"' in low and (b"date-range" in low or b"organization-name" in low):
        return 95
    return 90 if b"tls-report-domain:" in low or b"application/tlsrpt" in low or b"report-type=tlsrpt" in low.replace(b'"', b"") else 0


def wanted(head: bytes) -> bool:
    """Whether a document can be one of these."""
    return head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n").startswith(b"{")


def reader(setting: Setting) -> Reader:
    """The reader."""
    return Reader(setting)


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
            yield Reject(where, "there is no TLS report in it", content)

    def _report(self, one: Content, content: bytes) -> Iterator[Event | Reject]:
        try:
            report = _json(one)
        except (ValueError, RecursionError, Unpackable) as error:
            told = str(error) if isinstance(error, Unpackable) else "it is not JSON that can be read"
            yield Reject(one.name, told, content)
            return
        policies = report.get("policies")
        if isinstance(policies, dict):  # one alone, without the list around it
            policies = [policies]
        if not isinstance(policies, list):
            yield Reject(one.name, 'this JSON is no TLS report: it has no "policies"', content)
            return
        shared = _Shared.of(report, "own" if self.setting.trusted else "unverified")
        if not shared.begin:
            yield Reject(one.name, "the report does not say from when it is (date-range)", content)
            return
        rows = (row for number, policy in enumerate(policies[:MAX_ROWS], 1) for row in self._policy(policy, shared, f"{one.name}, policy {number}"))
        bad = 0
        for row in islice(rows, MAX_ROWS):
            bad += isinstance(row, Reject)
            if bad <= MAX_BAD or isinstance(row, Event):
                yield row
        if bad > MAX_BAD:
            yield Reject(one.name, f"{bad - MAX_BAD:,} more rows can't be counted", content)
        if len(policies) > MAX_ROWS or next(rows, None) is not None:
            yield Reject(one.name, f"it has more than {MAX_ROWS:,} rows; only these were read", content)

    def _policy(self, told: Any, shared: _Shared, where: str) -> Iterator[Event | Reject]:
        if not isinstance(told, dict):
            yield Reject(where, "this policy is no object", repr(told).encode("utf-8", "replace")[:10_000])
            return
        policy, summary, details = _table(told.get("policy")), _table(told.get("summary")), told.get("failure-details")
        domain = _name(_text(policy.get("policy-domain")))
        own = self.setting.own_domains
        if own and domain and not any(domain == one or domain.endswith("." + one) for one in own):
            yield Reject(where, f"it is about {domain}, which is none of your domains", json.dumps(told).encode()[:100_000])
            return
        facts = {**shared.facts, "policy_type": _text(policy.get("policy-type")).lower(), "policy": _texts(policy.get("policy-string")), "mx_hosts": _texts(policy.get("mx-host"))}
        good, bad = _count(summary.get("total-successful-session-count")), _count(summary.get("total-failure-session-count"))
        if good < 0 or bad < 0:
            yield Reject(where, "its summary holds numbers that can't be", json.dumps(summary).encode()[:10_000])
        if good > 0:
            yield shared.event(_Row(domain, {**facts, "outcome": "success"}, good), where)
        failed = 0
        for detail in details if isinstance(details, list) else [details] if isinstance(details, dict) else []:
            row = _detail(_table(detail), domain, facts)
            failed += row.count
            yield shared.event(row, where) if row.count else Reject(where, "a failure detail has no number of sessions that can be", json.dumps(detail).encode()[:10_000])
        if bad > failed:  # the summary counts more than the details explain
            yield shared.event(_Row(domain, {**facts, "outcome": "failure", "result_type": "", "unexplained": True}, bad - failed), where)


@dataclass(frozen=True, slots=True)
class _Row:
    """What becomes one event."""

    domain: str
    facts: dict[str, Any]
    count: int
    sending_ip: str = ""
    host: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all rows of a report have in common."""

    begin: float
    reporter: str
    provider: str
    id: str
    trust: str
    facts: dict[str, Any]
    same: Counter[str]

    @classmethod
    def of(cls, report: dict[str, Any], trust: str) -> _Shared:
        """RFC 8460 4.4; the range with "_" for "-" too, as some write it."""
        span = _table(report.get("date-range") or report.get("date_range"))
        begin, end = (_moment(_text(span.get(name) or span.get(name.replace("-", "_")))) for name in ("start-datetime", "end-datetime"))
        if 0 < end < begin:
            begin, end = end, begin
        reporter, report_id = _text(report.get("organization-name")), _text(report.get("report-id"))
        facts: dict[str, Any] = {"reporter": reporter, "contact": _text(report.get("contact-info")), "report_id": report_id, "begin": begin, "end": end}
        mailbox = _name(facts["contact"].rpartition(":")[2]) if "@" in facts["contact"] else ""
        return cls(float(begin), reporter, provider_of(reporter, mailbox), f"{reporter.lower()}|{report_id}|{begin}|{end}", trust, facts, Counter())

    def event(self, row: _Row, where: str) -> Event:
        """One row's event; two rows that say the same are two."""
        digest = blake2b(json.dumps([row.domain, row.facts, row.count, row.sending_ip, row.host], sort_keys=True).encode(), digest_size=9).hexdigest()
        self.same[digest] += 1
        return Event(
            "tls", "tlsrpt", self.begin, recipient_domain=row.domain, sending_ip=row.sending_ip, remote_mta=row.host, remote_ip=row.facts.get("receiving_ip", ""), reporting_mta=self.reporter,
            text=row.text, count=row.count, provider=self.provider, native_id=f"{self.id}|{digest}|{self.same[digest]}", trust=self.trust, facts=row.facts, where=where,
        )


def _detail(detail: dict[str, Any], domain: str, facts: dict[str, Any]) -> _Row:
    """One failure (RFC 8460 4.3); its count is 0 where that can't be read."""
    kind, reason = _text(detail.get("result-type")), _text(detail.get("failure-reason-code") or detail.get("failure-error-code"))
    more = {
        "outcome": "failure", "result_type": kind.lower(), "known_result_type": kind.lower() in RESULT_TYPES, "receiving_ip": ip_of(_text(detail.get("receiving-ip"))),
        "receiving_helo": _text(detail.get("receiving-mx-helo")), "additional_information": _text(detail.get("additional-information") or detail.get("additional-info-uri")), "failure_reason_code": reason,
    }
    host = _text(detail.get("receiving-mx-hostname")).lower().rstrip(".")
    return _Row(domain, {**facts, **more}, max(_count(detail.get("failed-session-count")), 0), ip_of(_text(detail.get("sending-mta-ip"))), host, reason or kind)


def _json(one: Content) -> dict[str, Any]:
    parts, size = [], 0
    for bite in one.bites:
        size += len(bite)
        if size > MAX_JSON:
            raise Unpackable(f"it is larger than {MAX_JSON // 1024 // 1024} MB")
        parts.append(bite)
    content = b"".join(parts)
    text = content.decode("utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig", "replace")
    value, _ = json.JSONDecoder(strict=False).raw_decode(text.lstrip())  # what stands behind the object is nobody's
    return _table(value)


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value[:2000] if isinstance(value, str) else str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else ""


def _texts(value: Any) -> list[str]:
    """A list of texts; one text alone is a list of one, as some reporters write it."""
    return [_text(one) for one in value[:100]] if isinstance(value, list) else [_text(value)] if isinstance(value, str) else []


def _count(value: Any) -> int:
    """Sessions; 0 where nothing is said, -1 where it can't be."""
    if value is None:
        return 0
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_COUNT else -1
