"""SMTP TLS Reporting (RFC 8460): the TXT record that says where reports go."""
from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from .dmarc_record import ReportAddress, report_addresses

_VERSION = re.compile(r"v=TLSRPTv1[ \t]*;")  # RFC 8460 3


@dataclass(frozen=True, slots=True)
class TlsRptRecord:
    """The record at `_smtp._tls.` of the domain.  With any of the `problems` no reports come, or not to every address."""

    texts: tuple[str, ...] = ()  # those that begin with v=TLSRPTv1;
    rua: tuple[ReportAddress, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def usable(self) -> tuple[ReportAddress, ...]:
        """The addresses that reports can go to: mailto: and https: (RFC 8460 3)."""
        return tuple(one for one in self.rua if one.valid and one.scheme in ("mailto", "https") and one.domain)


def read_records(texts: Iterable[str]) -> TlsRptRecord:
    """The record among the TXT records of the name: unless exactly one begins with v=TLSRPTv1;, there is none (RFC 8460 3)."""
    ours = tuple(text for text in texts if _VERSION.match(text))
    if len(ours) != 1:
        return TlsRptRecord(ours, problems=(f"{len(ours)} records begin with v=TLSRPTv1;, so senders use none of them",) if ours else ())
    rua: tuple[ReportAddress, ...] = ()
    problems = []
    for piece in ours[0][:16384].split(";")[1:]:
        name, equals, value = piece.strip(" \t").partition("=")
        if name == "rua" and equals:
            rua += report_addresses(value)
        elif name and (not equals or not value):
            problems.append(f"\"{piece.strip()[:40]}\" is no valid field")
    problems += [f"rua={one.uri[:80]} can't be used: {one.problem or 'only mailto: and https: are known'}" for one in rua
                 if not one.valid or one.scheme not in ("mailto", "https")]
    if not rua:
        problems.append("rua= is missing")
    return TlsRptRecord(ours, rua, tuple(problems[:20]))
