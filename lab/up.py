"""Bring the lab up, inside its namespaces."""
from __future__ import annotations

import sys

from . import machine, mail, names
from .scenario import RESOLVER


def up() -> None:
    """Mounts, addresses, files, daemons, and wait until all listen."""
    machine.mount()
    machine.network()
    names.write(mail.certificates())
    names.start()
    machine.start("services", sys.executable, "-m", "lab.services", chroot=False)
    machine.wait([(RESOLVER, 53), *mail.start(machine.has_ipv6())])
