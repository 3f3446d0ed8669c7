"""DANE: the TLSA records of the mail exchangers are signed and match their certificates."""
from __future__ import annotations

from dataclasses import dataclass

from ...answers import DnsAnswer, SmtpAnswer, TlsSession
from ...mailauth.dane import association, matching, problem
from ...model import Finding
from .. import Inquiry, fail, passed, skipped, unknown, warn
from ..receiving._sessions import sessions
from ..receiving._shared import Exchanger
from ._shared import MailHosts, is_own, receiving_domains, why

REFERENCE = "RFC 7672 2.2, 3.1"
WEIGHT = 90
MOST_HOSTS = 10


@dataclass(frozen=True, slots=True)
class _Case:
    """One exchanger and its TLSA answer."""

    hosts: MailHosts
    exchanger: Exchanger
    answer: DnsAnswer

    @property
    def facts(self) -> dict[str, object]:
        records = [" ".join(str(part) for part in record) for record in self.answer.records[:20]]
        return {"about": self.exchanger.host, "found": "\n".join(records), "domain": self.hosts.domain, "tlsa": records}

    @property
    def answers(self) -> tuple[DnsAnswer, ...]:
        return (self.hosts.answer, *self.exchanger.answers, self.answer)


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each exchanger with TLSA records, or one for the domain."""
    found = []
    for hosts in await receiving_domains(inquiry):
        if hosts.state != "unlearned":  # then the check of the MX says so
            found += await _of(inquiry, hosts)
    return found


async def _of(inquiry: Inquiry, hosts: MailHosts) -> list[Finding]:
    named = list({one.host: one for one in hosts.exchangers if one.form == "name"}.values())[:MOST_HOSTS]
    answers = await inquiry.together(*(inquiry.world.dns(f"_25._tcp.{one.host}", "TLSA") for one in named))
    cases = [_Case(hosts, one, answer) for one, answer in zip(named, answers, strict=True)]
    findings = await inquiry.together(*(_judged(inquiry, case) for case in cases if not case.answer.absent))
    if findings or not is_own(inquiry.subject, hosts.domain) or not cases:
        return findings
    return [skipped(f"No exchanger of {hosts.domain} has TLSA records, so DANE is not in use; that is no fault.", *answers, about=hosts.domain)]


async def _judged(inquiry: Inquiry, case: _Case) -> Finding:
    host = case.exchanger.host
    if case.answer.unlearned:
        # RFC 7672 2.1.2: a lookup that fails is no absence; senders that use DANE put the mail off
        signed = any(answer.secure for answer in case.exchanger.answers)
        return unknown(f"The TLSA records of {host} could not be learned, because {why(case.answer)}; senders that use DANE put mail off while that is so.",
                       *case.answers, **case.facts, weight=70 if signed else 30)
    insecure = _insecure(case)
    if insecure:
        return warn(f"The TLSA records of {host} are without effect: {insecure}.", *case.answers, **case.facts, weight=20,
                    advice="Sign every zone on the way (the domain's for its MX, the exchanger's for its addresses and TLSA), or remove the TLSA records.")
    usable = [record for record in case.answer.records if not problem(record)]
    if not usable:
        return warn(f"None of the TLSA records of {host} is usable for mail: {problem(case.answer.records[0])}.", *case.answers, **case.facts, weight=40,
                    advice="Publish a record with usage 3 or 2: \"3 1 1\" and the SHA-256 of the server's public key is the usual one.")
    return await _compared(inquiry, case)


def _insecure(case: _Case) -> str:
    """Which part of the way is known to be unsigned (RFC 7672 2.2)."""
    parts = [("the MX record", case.hosts.answer), *(("its address", answer) for answer in case.exchanger.answers if answer.found), ("the TLSA answer", case.answer)]
    return next((f"{what} is not signed with DNSSEC" for what, answer in parts if answer.secure is False), "")


async def _compared(inquiry: Inquiry, case: _Case) -> Finding:
    """What the server shows against what the records promise."""
    host = case.exchanger.host
    proved = case.answer.secure and case.hosts.answer.secure
    if not inquiry.subject.smtp or not case.exchanger.addresses:
        return unknown(f"{host} has TLSA records; whether its certificate matches was not looked at.", *case.answers, **case.facts)
    held = [one.answer for one in await sessions(inquiry, case.hosts.domain) if one.exchanger.host == host]
    session = next((one for one in held if one.tls and one.tls.certificates), held[0] if held else None)
    if session is None:
        return unknown(f"{host} has TLSA records; no session with it was held, so its certificate was not seen.", *case.answers, **case.facts)
    tls = session.tls
    if tls is None and session.state == "answered" and not any(one.upper().startswith("STARTTLS") for one in session.extensions):
        return fail(f"{host} has TLSA records but offers no STARTTLS: senders that use DANE refuse to deliver there.", *case.answers, session, **case.facts,
                    advice="Switch STARTTLS on, or remove the TLSA records.")
    if tls is None or not tls.certificates:
        return unknown(f"{host} has TLSA records; its certificate could not be seen ({session.error or session.state}).", *case.answers, session, **case.facts)
    return _matched(case, session, tls, bool(proved))


def _matched(case: _Case, session: SmtpAnswer, tls: TlsSession, proved: bool) -> Finding:
    host = case.exchanger.host
    good = matching(case.answer.records, tls)
    if not good:
        return fail(f"The certificate of {host} matches none of its TLSA records: senders that use DANE refuse to deliver there.", *case.answers, session, **case.facts,
                    advice="Publish a TLSA record for the certificate in use and keep the old one until its TTL has passed.", record=_record(host, tls))
    if not proved:
        return unknown(f"The certificate of {host} matches its TLSA records, but the resolver in use does not say whether they are signed.", *case.answers, session,
                       **case.facts, advice="Ask through a resolver that validates.")
    if len(good) < len(case.answer.records):
        return passed(f"DANE works for {host}; {len(case.answer.records) - len(good)} of its TLSA records match nothing now, as in a key rollover.", *case.answers, session,
                      **case.facts, advice="Remove the old record when the rollover is over.")
    return passed(f"DANE works for {host}: its certificate matches its signed TLSA records.", *case.answers, session, **case.facts)


def _record(host: str, tls: TlsSession) -> str:
    try:
        return f"_25._tcp.{host}. TLSA 3 1 1 {association(bytes.fromhex(tls.certificates[0]), 1, 1)}"
    except ValueError:  # a certificate that can't be read
        return ""
