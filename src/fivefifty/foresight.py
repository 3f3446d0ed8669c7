"""Asks ahead: the questions that every audit of a run asks go out together, so that the checks find their answers waiting.

A check that has to wait costs several tasks; one that finds its answer costs none.  Which questions those are is not written down
anywhere: they are learned from the first audits of the run.
"""
from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from .answers import DnsAnswer, HttpsAnswer, SmtpAnswer

LESSONS = 3  # audits to learn from
MOST_HOSTS = 5  # exchangers of a domain that are asked about ahead


class Foresight:
    """What the audits of one run have in common."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[str, str]] = Counter()
        self._hosts: Counter[str] = Counter()  # what was asked about mail exchangers
        self.lessons = 0

    @property
    def learning(self) -> bool:
        """Whether another audit should be written down and learned from."""
        return self.lessons < LESSONS

    def learn(self, domain: str, answers: Iterable[DnsAnswer | SmtpAnswer | HttpsAnswer]) -> None:
        """Remember what was asked about the domain itself and its underscored names; names found in records differ from domain to domain."""
        self.lessons += 1
        asked = [answer for answer in answers if isinstance(answer, DnsAnswer)]
        hosts = _exchangers(asked)
        for answer in asked:
            label = _label(answer.name, domain)
            if label is not None:
                self._seen[label, answer.rrtype] += 1
        self._hosts.update({answer.rrtype for answer in asked if answer.name in hosts})

    def questions(self, domain: str) -> list[tuple[str, str]]:
        """What an audit of this domain will surely ask: (name, type)."""
        return [(label + domain, rrtype) for (label, rrtype), times in self._seen.items() if times >= min(self.lessons, LESSONS)]

    def further(self, known: Iterable[DnsAnswer]) -> list[tuple[str, str]]:
        """What those answers lead on to: the addresses of the mail exchangers."""
        wanted = [rrtype for rrtype, times in self._hosts.items() if rrtype in ("A", "AAAA") and times >= min(self.lessons, LESSONS)]
        return [(host, rrtype) for host in _exchangers(known) for rrtype in wanted]


def _exchangers(answers: Iterable[DnsAnswer]) -> list[str]:
    """The hosts of the MX records; those of an excessive record are left to the checks, and so is what is an IP or no name at all."""
    hosts = (one.exchange for answer in answers if answer.rrtype == "MX" and len(answer.records) <= MOST_HOSTS for one in answer.records)
    return list(dict.fromkeys(host for host in hosts if "." in host.strip(".") and not host[-1].isdigit()))


def _label(name: str, domain: str) -> str | None:
    """What stands in front of the domain: "" or "_dmarc."; None for any other name."""
    if name == domain:
        return ""
    front = name.removesuffix("." + domain)
    return front + "." if front != name and "_" in front else None
