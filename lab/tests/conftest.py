"""The bounces of the whole scenario, sent once: by the time the other tests are through, the slow ones have come."""
from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab import machine, post
from lab.scenario import RESOLVER

PATIENCE = 75  # seconds for the last bounce: the servers give up after 20


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "lab: needs the lab of real servers")


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    inside = machine.is_inside()
    for item in items:
        item.add_marker(pytest.mark.lab)
        if not inside:
            item.add_marker(pytest.mark.skip(reason="the lab of real servers is not up: use `make lab-test`"))


def fivefifty(*arguments: str | Path) -> list[dict[str, Any]]:
    """The lines of a command with --jsonl, asked inside the lab."""
    done = subprocess.run([sys.executable, "-m", "fivefifty", *map(str, arguments), "--jsonl"], capture_output=True, text=True, timeout=150, env={**os.environ, "SSL_CERT_FILE": f"{machine.STATE}/etc/ca.pem"})
    assert done.returncode in (0, 1, 3, 4, 5), done.stderr[-2000:]
    assert "Traceback" not in done.stderr, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def live(*arguments: str | Path) -> list[dict[str, Any]]:
    """The same, with the lab's resolver."""
    return fivefifty(*arguments, "--resolver", RESOLVER)


@pytest.fixture(scope="session", autouse=True)
def sent() -> Iterator[None]:
    """Every case is on its way."""
    if machine.is_inside():
        post.submit_all()
    yield


@pytest.fixture(scope="session")
def bounces(sent: None) -> dict[Path, Any]:
    """Every bounce that has to come, all there."""
    missing = post.collect(post.expected(), PATIENCE)
    assert not missing, f"no bounce came: {[f'{path.parent.name}/{path.stem}' for path in missing]}"
    return post.expected()
