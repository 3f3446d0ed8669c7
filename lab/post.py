"""Submit cases through a sending server, and collect the bounces that come back."""
from __future__ import annotations

import smtplib
import time
from collections.abc import Iterable
from pathlib import Path

from .cases import CASES, Case
from .machine import STATE, has_ipv6, is_inside
from .scenario import CLIENT, SUBMISSION

BOUNCES = STATE / "bounces"


def possible() -> list[Case]:
    """The cases that this machine can play: without IPv6 not those of the receiver that has nothing else."""
    six = is_inside() and has_ipv6()
    return [case for case in CASES.values() if six or "@six." not in case.recipient]


def submit(mta: str, cases: Iterable[Case]) -> None:
    """Hand the mails of the cases to a server, in one session."""
    with smtplib.SMTP(SUBMISSION[mta], 25, local_hostname="client.lab.test", source_address=(CLIENT, 0), timeout=30) as session:
        for case in cases:
            session.sendmail(case.envelope_sender(mta), [case.recipient], case.message(mta))


def bounce(mta: str, case: Case) -> Path:
    """Where the bounce of a case is kept."""
    return BOUNCES / mta / f"{case.name}.eml"


def collect(wanted: Iterable[Path], seconds: float) -> list[Path]:
    """Wait for bounces; those that did not come."""
    missing, end = list(wanted), time.monotonic() + seconds
    while missing and time.monotonic() < end:
        time.sleep(0.1)
        missing = [path for path in missing if not path.exists()]
    return missing


def expected() -> dict[Path, tuple[str, Case]]:
    """Every bounce that must come: its file, the sender's server and the case."""
    return {bounce(mta, case): (mta, case) for case in possible() for mta in case.by if mta not in case.quiet}


def submit_all() -> None:
    """Every case through every server that takes part in it; the slow ones first."""
    for mta in SUBMISSION:
        cases = sorted((case for case in possible() if mta in case.by), key=lambda case: not case.slow)
        submit(mta, cases)
