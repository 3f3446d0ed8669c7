"""The registration of the domain is in order."""
from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from ...answers import HttpsAnswer
from ...model import Finding
from .. import Inquiry, fail, passed, skipped, unknown, warn

REFERENCE = "RFC 9083 4.5 and 4.6, RFC 8056"
WEIGHT = 60
YOUNG, ENDING = 30, 14  # days
_STOPPED = ("client hold", "server hold", "inactive", "redemption period", "pending delete")


async def check(inquiry: Inquiry) -> list[Finding]:
    """Asks the RDAP server that the setting `rdap_server` names (https://…, without /domain/); nobody is asked without it."""
    server, domain = inquiry.subject.settings.get("rdap_server", "").rstrip("/"), inquiry.subject.domain
    if not domain:
        return []
    if not server:
        return [skipped("The age and the state of the registration were not looked up: name a registry's server with the setting rdap_server.", about=domain)]
    answer = await inquiry.world.https(f"{server}/domain/{domain}")
    if answer.state == "answered" and answer.status_code == 404:
        return [unknown(f"The registry's server knows nothing of {domain}; it may be a sub-domain, or another registry's.", answer, about=domain)]
    entry = _entry(answer)
    if entry is None:
        return [unknown(f"The registration of {domain} could not be learned.", answer, about=domain)]
    return [_of(domain, answer, entry, inquiry.world.now())]


def _entry(answer: HttpsAnswer) -> dict[str, Any] | None:
    if answer.state != "answered" or answer.status_code != 200:
        return None
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and found.get("objectClassName") == "domain" else None


def _listed(entry: dict[str, Any], name: str) -> list[Any]:
    value = entry.get(name)
    return value if isinstance(value, list) else []


def _days(entry: dict[str, Any], action: str, now: datetime) -> int | None:
    """Days from now until the event of that name (negative: past); None where there is none."""
    for event in _listed(entry, "events"):
        if isinstance(event, dict) and event.get("eventAction") == action:
            try:
                when = datetime.fromisoformat(str(event.get("eventDate")).replace("Z", "+00:00"))
            except ValueError:
                continue
            return ((when if when.tzinfo is not None else when.replace(tzinfo=UTC)) - now).days
    return None


def _of(domain: str, answer: HttpsAnswer, entry: dict[str, Any], now: datetime) -> Finding:
    states = [str(one).lower() for one in _listed(entry, "status")][:20]
    made, ends = _days(entry, "registration", now), _days(entry, "expiration", now)
    facts = {"about": domain, "found": ", ".join(states), "states": states, "age_days": None if made is None else -made, "days_left": ends}
    stopped = next((one for one in states if one in _STOPPED), "")
    if stopped:
        return fail(f"The registration of {domain} is in the state \u201c{stopped}\u201d: the domain is taken out of the DNS, or soon will be.", answer, **facts, weight=90,
                    advice="Ask the registrar at once what is missing (a renewal, or a verified contact address).")
    if ends is not None and ends < ENDING:
        told = f"ended {-ends} days ago" if ends < 0 else f"ends in {ends} days"
        return warn(f"The registration of {domain} {told}.", answer, **facts, advice="Renew it.")
    if made is not None and -made < YOUNG:
        return warn(f"{domain} was registered only {-made} days ago; many receivers distrust new domains.", answer, **facts, weight=40,
                    advice="Begin with little mail to people who expect it, and raise the volume slowly.")
    return passed(f"The registration of {domain} is in order.", answer, **facts)
