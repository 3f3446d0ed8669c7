"""python -m lab: `run COMMAND…` runs a command in the lab (a shell when none is given), `test` runs lab/tests."""
from __future__ import annotations

import os
import subprocess
import sys
import time

from . import machine

USAGE = __doc__


def main(arguments: list[str]) -> int:
    """Enter the lab, bring it up, run the command, leave."""
    if not arguments or arguments[0] not in ("run", "test"):
        print(USAGE)
        return 2
    if machine.is_inside():
        return _inside(arguments)
    try:
        machine.check()
        return machine.enter(arguments)
    except machine.Unavailable as reason:
        print(f"\n*** THE LAB OF REAL SERVERS WAS SKIPPED: {reason}\n", file=sys.stderr)
        return 0


def _inside(arguments: list[str]) -> int:
    from . import up

    begun = time.monotonic()
    up.up()
    print(f"The lab is up after {time.monotonic() - begun:.1f} s.", file=sys.stderr)
    command = arguments[1:] or [os.environ.get("SHELL", "/bin/sh")]
    if arguments[0] == "test":
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rs", "lab/tests", *arguments[1:]]
    return subprocess.run(command).returncode


sys.exit(main(sys.argv[1:]))
