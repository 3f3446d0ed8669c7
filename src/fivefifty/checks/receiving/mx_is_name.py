"""The MX records hold names of hosts, not addresses."""
from __future__ import annotations

from ...model import Finding
from .. import Inquiry, fail, passed, warn
from ._shared import Exchanger, MailHosts, all_exchangers

REFERENCE = "RFC 5321 5.1"
WEIGHT = 70


async def check(inquiry: Inquiry) -> list[Finding]:
    """One finding for each record that is no name, or one for all that are."""
    found = await all_exchangers(inquiry)
    return [finding for hosts in found if hosts.state == "mx" for finding in _of(hosts)]


def _of(hosts: MailHosts) -> list[Finding]:
    told = [finding for one in hosts.exchangers if (finding := wrong(hosts, one)) is not None]
    return told or [passed(f"Every MX record of {hosts.domain} holds the name of a host.", hosts.answer, about=hosts.domain, found=hosts.found)]


def wrong(hosts: MailHosts, one: Exchanger) -> Finding | None:
    """What is wrong with the form of one record."""
    facts = {"about": one.host, "found": f"{one.preference} {one.host}", "domain": hosts.domain, "form": one.form}
    if one.form == "ip":
        return fail(f"An MX record of {hosts.domain} holds the IP address {one.host}, where a name must stand; senders look it up as a name and find nothing.", hosts.answer,
                    **facts, advice="Give that address a name with an A or AAAA record, and put the name into the MX record.",
                    record=f"{hosts.domain}. MX {one.preference} mx.{hosts.domain}.\nmx.{hosts.domain}. {'AAAA' if ':' in one.host else 'A'} {one.host.strip('[]')}")
    if one.form == "url":
        return fail(f"An MX record of {hosts.domain} holds the URL {one.host}; it takes the bare name of a host.", hosts.answer, **facts,
                    advice="Put the host name alone into the record, without http:// and without a path.")
    if one.form == "invalid":
        return warn(f"The MX name {one.host} of {hosts.domain} is no valid host name; some senders refuse to use it.", hosts.answer, **facts, weight=30,
                    advice="Use letters, digits and hyphens only; an underscore is not allowed in the name of a host.")
    return None
