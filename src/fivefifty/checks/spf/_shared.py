"""What the SPF checks share: one analysis a domain, and records made ready to paste."""
from __future__ import annotations

from collections.abc import Iterable

from ...mailauth.ip_kinds import INSIDE, ip_kind
from ...mailauth.spf import SpfResult, a_labels, check_host, ip_value
from ...mailauth.spf_audit import Part, SpfAnalysis, analyse, reachable
from ...mailauth.spf_record import SpfRecord, Term
from .. import Inquiry

_LESS = {"pass": 0, "neutral": 1, "softfail": 2, "fail": 3}


def sender_domain(inquiry: Inquiry) -> str:
    """The domain of MAIL FROM; "" where it is not known or the null sender's."""
    return a_labels(inquiry.subject.envelope_sender.strip("<> ").rpartition("@")[2]).lower()


async def analysed(inquiry: Inquiry, domain: str) -> SpfAnalysis:
    """The analysis of a domain, made once."""
    return await inquiry.once(f"spf.analysis {domain}", lambda: analyse(domain, inquiry.world))


async def audited(inquiry: Inquiry) -> list[SpfAnalysis]:
    """The domains whose records matter: the audited one, and that of MAIL FROM, which is the one SPF is about."""
    names = dict.fromkeys(name for name in (inquiry.subject.domain, sender_domain(inquiry)) if name)
    return [await analysed(inquiry, name) for name in names]


async def recorded(inquiry: Inquiry) -> list[tuple[SpfAnalysis, SpfRecord]]:
    """Those of them that have one record, and it."""
    return [(one, one.record) for one in await audited(inquiry) if one.record is not None]


async def evaluated(inquiry: Inquiry, ip: str, domain: str, mail_from: str) -> SpfResult:
    """The result of check_host for the mail in question."""
    helo = inquiry.subject.helo_name
    return await inquiry.once(f"spf.result {ip} {domain} {mail_from}", lambda: check_host(ip, domain, mail_from, helo, inquiry.world))


def seen_outside(inquiry: Inquiry) -> list[str]:
    """The sending addresses that a receiver can see: of a private one SPF says nothing ("sending.private_ip" speaks of it)."""
    return [ip for ip in dict.fromkeys(inquiry.subject.sending_ips) if ip_value(ip)[0] and ip_kind(ip) not in INSIDE][:20]


def zone_line(domain: str, text: str) -> str:
    """A TXT record as a line of a zone file, in strings of at most 255 bytes (RFC 7208 3.3)."""
    pieces = [text[at : at + 255] for at in range(0, len(text), 255)]
    return f"{domain}. TXT " + " ".join('"' + piece.replace("\\", "\\\\").replace('"', '\\"') + '"' for piece in pieces)


def joined(words: Iterable[str]) -> str:
    """The text of a record with these terms."""
    return " ".join(("v=spf1", *words))


def with_term(record: SpfRecord, term: str) -> str:
    """The record with a directive added before its end ("all", or the modifiers)."""
    words = list(record.words)
    end = record.all or record.redirect
    words.insert(words.index(end.text) if end else len(words), term)
    return joined(words)


def without(record: SpfRecord, dropped: Iterable[str]) -> str:
    """The record without some of its terms."""
    gone = set(dropped)
    return joined(word for word in record.words if word not in gone)


def merged(records: list[SpfRecord]) -> str:
    """Several records as one; "" where one of them is broken.  The more lenient end wins, but not one that lets everybody pass."""
    if any(record.problems for record in records):
        return ""
    words: dict[str, str] = {}
    for record in records:
        for term in reachable(record):
            if term.name == "redirect":
                words.setdefault(f"include:{term.text.partition('=')[2]}".lower(), f"include:{term.text.partition('=')[2]}")
            elif term.name != "all":
                words.setdefault(term.text.lower().removeprefix("+"), term.text)
    ends = [record.all.qualifier for record in records if record.all]
    return joined((*words.values(), "-all" if ends and min(map(_LESS.__getitem__, ends)) == 3 else "~all"))


def final(part: Part) -> Part | None:
    """The record whose "all" decides in the end: redirects followed; None where that can't be told."""
    for _ in range(10):
        following = next((branch for branch in part.branches if branch.term.name == "redirect"), None)
        if following is None:
            return part if part.record else None
        if following.part is None:
            return None
        part = following.part
    return None


def repeated(record: SpfRecord) -> list[Term]:
    """Directives that stand there a second time with the same mechanism: the first one decides."""
    seen: set[str] = set()
    twice = []
    for term in record.directives:
        plain = term.text.lower().lstrip("+-~?")
        if plain in seen:
            twice.append(term)
        seen.add(plain)
    return twice


def short(text: str, most: int = 300) -> str:
    """A term or record as a sentence can hold it: printable, and not endless."""
    shown = text if text.isascii() and text.isprintable() else text.encode("unicode_escape").decode()
    return shown if len(shown) <= most else shown[:most] + " …"


def outline(part: Part, deep: int = 0) -> list[dict[str, object]]:
    """The tree of includes with its counts, for programs; the tenth level is the last."""
    own: dict[str, object] = {"depth": deep, "domain": part.domain, "state": part.state, "lookups": part.lookups, "voids": max(part.voids)}
    below: list[dict[str, object]] = []
    for branch in part.branches[:20]:
        if branch.part and deep < 10 and len(below) < 100:
            below += outline(branch.part, deep + 1)[:100]
    return [own, *below]
