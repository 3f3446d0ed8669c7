"""TLS reports (RFC 8460): how mail to your domains fared at encrypting, one event for the successes of a policy and one for each kind of failure.

`time` is the begin of the range, `count` the sessions, `recipient_domain` your domain the policy is of.  In `facts`: outcome, result_type (word for
word, section 4.3), policy_type, policy, mx_hosts, reporter, report_id, begin, end, and what the failure detail says.
"""
from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any

from ...model import Event
from .. import Reject, Setting
from ._packed import Content, Unpackable, contents
from .dmarc import MAX_COUNT, _ip, _moment, _name

TITLE = "TLS-RPT: SMTP TLS reports (json, gz, or the mail they come in)"
UNIT = "document"

MAX_JSON = 64 * 1024 * 1024
MAX_POLICIES = 10_000
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
        if not isinstance(policies, list):
            yield Reject(one.name, 'this JSON is no TLS report: it has no "policies"', content)
            return
        shared = _shared(report)
        if not shared["begin"]:
            yield Reject(one.name, "the report does not say from when it is (date-range)", content)
            return
        same: Counter[str] = Counter()
        for number, policy in enumerate(policies[:MAX_POLICIES], 1):
            yield from self._policy(policy, shared, same, f"{one.name}, policy {number}")

    def _policy(self, told: Any, shared: dict[str, Any], same: Counter[str], where: str) -> Iterator[Event | Reject]:
        if not isinstance(told, dict):
            yield Reject(where, "this policy is no object", repr(told).encode("utf-8", "replace")[:10_000])
            return
        policy, summary, details = _table(told.get("policy")), _table(told.get("summary")), told.get("failure-details")
        domain = _name(_text(policy.get("policy-domain")))
        own = self.setting.own_domains
        if own and domain and not any(domain == one or domain.endswith("." + one) for one in own):
            yield Reject(where, f"it is about {domain}, which is none of your domains", json.dumps(told).encode()[:100_000])
            return
        facts = {**shared["facts"], "policy_type": _text(policy.get("policy-type")).lower(), "policy": _texts(policy.get("policy-string")), "mx_hosts": _texts(policy.get("mx-host"))}
        good, bad = _count(summary.get("total-successful-session-count")), _count(summary.get("total-failure-session-count"))
        if good < 0 or bad < 0:
            yield Reject(where, "its summary holds numbers that can't be", json.dumps(summary).encode()[:10_000])
        if good > 0:
            yield self._event(shared, domain, {**facts, "outcome": "success"}, good, same, where)
        failed = 0
        for detail in (details if isinstance(details, list) else [])[:MAX_POLICIES]:
            made = self._detail(detail, shared, domain, facts, same, where)
            failed += made.count if isinstance(made, Event) else 0
            yield made
        if bad > failed:  # the summary counts more than the details explain
            yield self._event(shared, domain, {**facts, "outcome": "failure", "result_type": "", "unexplained": True}, bad - failed, same, where)

    def _detail(self, told: Any, shared: dict[str, Any], domain: str, facts: dict[str, Any], same: Counter[str], where: str) -> Event | Reject:
        detail = _table(told)
        count = _count(detail.get("failed-session-count"))
        if count < 1:
            return Reject(where, "a failure detail has no number of sessions that can be", json.dumps(told, default=str).encode()[:10_000])
        kind = _text(detail.get("result-type"))
        more = {"outcome": "failure", "result_type": kind.lower(), "known_result_type": kind.lower() in RESULT_TYPES, "receiving_ip": _ip(_text(detail.get("receiving-ip"))),
                "receiving_helo": _text(detail.get("receiving-mx-helo")), "additional_information": _text(detail.get("additional-information")), "failure_reason_code": _text(detail.get("failure-reason-code"))}
        event = self._event(shared, domain, {**facts, **more}, count, same, where, _ip(_text(detail.get("sending-mta-ip"))), _text(detail.get("receiving-mx-hostname")))
        event.text = _text(detail.get("failure-reason-code")) or kind
        return event

    def _event(self, shared: dict[str, Any], domain: str, facts: dict[str, Any], count: int, same: Counter[str], where: str, sending_ip: str = "", host: str = "") -> Event:
        digest = blake2b(json.dumps([domain, facts, count, sending_ip, host], sort_keys=True).encode(), digest_size=9).hexdigest()
        same[digest] += 1
        return Event(
            "tls", "tlsrpt", shared["begin"], recipient_domain=domain, sending_ip=sending_ip, remote_mta=host.lower().rstrip("."), reporting_mta=shared["reporter"], count=count,
            provider=shared["reporter"].lower(), native_id=f"{shared['id']}|{digest}|{same[digest]}", trust="own" if self.setting.trusted else "unverified", facts=facts, where=where,
        )


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


def _shared(report: dict[str, Any]) -> dict[str, Any]:
    span = _table(report.get("date-range"))
    begin, end = _moment(_text(span.get("start-datetime"))), _moment(_text(span.get("end-datetime")))
    reporter, report_id = _text(report.get("organization-name")), _text(report.get("report-id"))
    return {"begin": float(begin), "reporter": reporter, "id": f"{reporter.lower()}|{report_id}|{begin}|{end}",
            "facts": {"reporter": reporter, "contact": _text(report.get("contact-info")), "report_id": report_id, "begin": begin, "end": end}}


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
