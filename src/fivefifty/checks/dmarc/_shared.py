"""What the DMARC checks share: the policy of the author domain, and the record to publish instead."""
from __future__ import annotations

from collections.abc import Iterable

from ...answers import DnsAnswer
from ...mailauth.dmarc import DmarcPolicy, discover
from ...mailauth.dmarc_record import DmarcRecord
from ...mailauth.organization import Walk
from ...model import Subject
from .. import Inquiry
from ..spf._shared import zone_line

ORDER = {"none": 0, "quarantine": 1, "reject": 2}
_WRITTEN = ("p", "sp", "np", "t", "psd", "adkim", "aspf", "rua", "ruf", "fo")
_CAREFUL = "Never go to reject before the reports of some weeks show that all of your own mail passes."


def author_domain(subject: Subject) -> str:
    """The domain in From:, as far as it is known without the mail."""
    return subject.author_domain or subject.domain


async def author_policy(inquiry: Inquiry) -> DmarcPolicy:
    """The policy for the author domain, worked out once."""
    return await policy_of(inquiry, author_domain(inquiry.subject))


async def policy_of(inquiry: Inquiry, domain: str) -> DmarcPolicy:
    """The policy for any author domain, worked out once."""
    if not domain:
        return DmarcPolicy("", "invalid", Walk(""))
    return await inquiry.once(f"dmarc.policy {domain}", lambda: discover(domain, inquiry.world))


def publish(domain: str, text: str) -> str:
    """A record to paste."""
    return zone_line(f"_dmarc.{domain}", text)


def first_record(domain: str) -> str:
    """What to begin with: no effect on mail, but reports."""
    return publish(domain, f"v=DMARC1; p=none; rua=mailto:dmarc-reports@{domain}")


def rewritten(record: DmarcRecord, **changes: str) -> str:
    """The text of a record with some tags changed ("" removes one), and without whatever is wrong, removed or unknown."""
    values = {
        "p": record.policy, "sp": record.sp, "np": record.np, "t": "y" if record.testing else "", "psd": record.psd if record.psd != "u" else "",
        "adkim": "s" if record.adkim == "s" else "", "aspf": "s" if record.aspf == "s" else "",
        "rua": _uris(record, "rua"), "ruf": _uris(record, "ruf"),
        "fo": record.tags.get("fo", "") if record.ruf and not any(tag == "fo" for tag, _ in record.problems) else "", **changes,
    }
    return "; ".join(["v=DMARC1", *(f"{tag}={values[tag]}" for tag in _WRITTEN if values[tag])])


def _uris(record: DmarcRecord, tag: str) -> str:
    found: Iterable[str] = (one.uri.partition("!")[0] for one in (record.rua if tag == "rua" else record.ruf) if one.valid)
    return ",".join(found)


def next_step(policy: DmarcPolicy) -> tuple[str, str]:
    """(advice, record): the next step on the way none → quarantine → reject, each after reading the reports."""
    record, domain = policy.record, policy.found_at
    if record is None or policy.state != "found":
        domain = policy.organizational_domain or policy.domain
        return f"Publish a record with p=none and an address for reports; it changes nothing for your mail. {_CAREFUL}", first_record(domain)
    if not any(one.valid for one in record.rua):
        return "Add an address for reports first: without them you can't know what a stricter policy would hit.", publish(domain, rewritten(record, rua=f"mailto:dmarc-reports@{domain}"))
    if record.policy == "none":
        return (f"When the reports show that all of your own mail passes, go on to p=quarantine. {_CAREFUL}", publish(domain, rewritten(record, p="quarantine")))
    if record.policy == "quarantine" and not record.testing:
        return ("When the reports show no loss of your own mail, p=reject is the last step; it is not needed for delivery.", "")
    return "", ""


def unlearned(policy: DmarcPolicy) -> DnsAnswer | None:
    """The answer that kept the policy from being known."""
    doubtful = [answer for answer in (*policy.answers, policy.existence) if answer is not None and answer.unlearned]
    return doubtful[0] if doubtful else None
