"""One watch for one store: two would tell everything twice."""
from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b

from ..errors import InputError


@contextmanager
def only_one(where: str) -> Iterator[None]:
    """Hold the lock of a store as long as this lasts; the system lets go of it when the process dies, however it does."""
    import fcntl

    folder = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
    path = os.path.join(folder, f"fivefifty-watch-{blake2b(where.encode(), digest_size=8).hexdigest()}-{os.getuid()}.lock")
    handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError("Another `fivefifty watch` runs on this store already.", where, "Stop it first, or use --once --dry-run to look beside it.") from None
        yield
    finally:
        os.close(handle)
