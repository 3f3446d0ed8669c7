"""The blocklists that the reply names: is the IP it quotes really listed there now?"""
from __future__ import annotations

from ...mailauth.dnsbl import Listing, ip_of, split_by_part
from ...model import Finding, Subject
from ...providers import Blocklist
from .. import Inquiry, passed, unknown, warn
from ._asked import Asked, ask, facts_of, listed, of_domain, public_ips, sender_domains, unlearned
from ._quoted import blamed_domains, named_lists, quoted_domains, quoted_ips, receiver_refused
from .links import linked_domains

REFERENCE = "RFC 5782 2.1"
WEIGHT = 90
MAX_QUOTED = 2
MAX_DOMAINS = 8


async def check(inquiry: Inquiry) -> list[Finding]:
    """Put the reply's claim to the list itself; a closed list and a receiver that asks wrongly are the receiver's trouble."""
    subject = inquiry.subject
    lists = named_lists(subject.reply) if subject.reply else []
    if not lists:
        return []  # nothing of this kind was claimed
    refused = receiver_refused(subject.reply)
    found = [_closed(one) for one in lists if one.dead]
    if refused:
        found.append(_receiver_refused(lists, refused))
    pairs = [pair for one in lists if not one.dead for pair in _pairs(subject, one)]
    said = [part for one in await ask(inquiry, pairs) for part in split_by_part(one)]
    found += [_said(one, subject, bool(refused)) for one in said]
    asked = {one.id for _, one in pairs}
    return found + [_nothing_to_ask(one) for one in lists if not one.dead and one.id not in asked]


def _pairs(subject: Subject, blocklist: Blocklist) -> list[Asked]:
    if blocklist.subject == "ip":
        return [(ip, blocklist) for ip in _ips(subject)]
    return [pair for name in _domains(subject) for pair in of_domain(name, [blocklist])]


def _domains(subject: Subject) -> list[str]:
    """The domains to test: those of the sender that the reply quotes, else those it blames, else all the sender's and those of the links."""
    own = sender_domains(subject)
    blamed = blamed_domains(subject.reply, (subject.remote_mta, subject.recipient_domain))
    quoted = [*quoted_domains(subject.reply, own), *blamed]
    return list(dict.fromkeys(quoted or [*own, *(linked_domains(subject) if subject.message else ())]))[:MAX_DOMAINS]


def _ips(subject: Subject) -> list[str]:
    """The IP to test is the one that the reply quotes: it may be the submitting client's, found deep in Received, and not the server's."""
    receivers = {str(ip_of(subject.remote_ip))}
    quoted = [ip for ip in quoted_ips(subject.reply) if ip not in receivers]
    return quoted[:MAX_QUOTED] or list(public_ips(subject.sending_ips))


def _said(listing: Listing, subject: Subject, refused: bool) -> Finding:
    other = _not_yours(listing, subject)
    if listing.state == "listed":
        return listed(listing, f"{listing.about} is on {listing.list.name} now, as the reply says: {listing.meaning}.{other}")
    if listing.state == "unknown":
        return unlearned(listing)
    about = f" ({listing.meaning})" if listing.meaning else ""
    advice = "" if refused else (
        "Try again in some hours: the listing may have ended since, and the receiver's resolver may still remember it. "
        "If it stays, write to the recipient's admin that you are not listed."
    )
    return passed(f"{listing.about} is not on {listing.list.name} now{about}, although the reply names that list.{other}", *listing.answers,
                  about=f"{listing.about} on {listing.list.name}", advice=advice, misread=refused, **facts_of(listing))


def _not_yours(listing: Listing, subject: Subject) -> str:
    ips = public_ips(subject.sending_ips)
    if listing.list.subject != "ip" or not ips or listing.about in ips:
        return ""
    return f" The reply speaks of {listing.about}, not of your server {ips[0]}: it may be the machine that handed the mail in, found in Received."


def _closed(blocklist: Blocklist) -> Finding:
    """Not a fault of the sender; `misread` tells the proof that the receiver reads a list wrongly."""
    return passed(
        f"Nobody can be listed on {blocklist.name} any more ({blocklist.dead}): the receiver that names it uses an out-of-date set-up.",
        about=blocklist.name, advice="Ask the recipient's admin to take this list out of the configuration.", list=blocklist.id, listed=False, closed=True, misread=True,
    )


def _receiver_refused(lists: list[Blocklist], mark: str) -> Finding:
    names = " and ".join(one.name for one in lists)
    return warn(
        f"The reply says “{mark}”: {names} refused the receiver's own question, and the receiver took that for a listing. Nothing about you is listed by it.",
        about=names, list=lists[0].id, receiver_refused=True, misread=True,
        advice="Ask the recipient's admin to query the list through a resolver of their own (or with a key), and to accept only its documented answers.",
    )


def _nothing_to_ask(blocklist: Blocklist) -> Finding:
    what = "IP" if blocklist.subject == "ip" else "domain"
    return unknown(f"The reply names {blocklist.name}, but quotes no {what} and none is known: give it.", about=blocklist.name, list=blocklist.id)
