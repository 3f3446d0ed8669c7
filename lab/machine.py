"""The machine the lab runs on: Debian packages unpacked beside the system, private namespaces, addresses, daemons.

Nothing of the host changes.  Packages the host lacks are unpacked into a cache and laid over "/" as an overlay; network, mounts and
processes live in namespaces of their own, so that everything is gone when the first process ends, however it ends.
"""
from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from .scenario import ADDRESSES, ADDRESSES_6, RESOLVER, SIX

STATE = Path("/run/fivefifty-lab")  # the same path in every run: each has its own file system there
CACHE = Path(os.environ.get("FIVEFIFTY_LAB_CACHE", "/var/cache/fivefifty-lab"))
ROOT = STATE / "root"
LOGS = STATE / "log"
# Mail servers conflict as packages, not as files: so they are fetched one by one and unpacked together.
PACKAGES = (
    "knot knot-dnsutils unbound rbldnsd postfix opendkim opendmarc postgrey postfix-policyd-spf-python dovecot-core dovecot-lmtpd iproute2 openssl",
    "exim4-daemon-heavy",
    "opensmtpd",
)
USERS = ("postfix", "postdrop", "opendkim", "opendmarc", "postgrey", "dovecot", "dovenull", "policyd-spf", "unbound", "rbldns", "Debian-exim", "opensmtpd", "opensmtpq", "mailbox")
FIRST_UID = 61_000
_OUTSIDE = "FIVEFIFTY_LAB_INSIDE"


class Unavailable(Exception):
    """Why there can be no lab on this machine."""


def _run(*command: str | Path, **options: object) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, **{"stdin": subprocess.DEVNULL, **options})  # type: ignore[call-overload]
    if done.returncode:
        raise Unavailable(f"{' '.join(map(str, command))[:200]}: {(done.stderr or done.stdout).strip()[-500:]}")
    return str(done.stdout)


def check() -> None:
    """Say no early, with the reason."""
    if sys.platform != "linux" or not Path("/etc/debian_version").exists() or not shutil.which("apt-get"):
        raise Unavailable("the lab needs Debian packages, and this is no Debian")
    if os.geteuid():
        raise Unavailable("the lab needs root, for its network namespace and port 25")
    try:
        _run("unshare", "-n", "-m", "-p", "-f", "--kill-child", "true")
    except (Unavailable, OSError) as error:
        raise Unavailable(f"this machine lets nobody make namespaces ({error})") from error


def unpacked() -> Path:
    """The folder with the packages that the host lacks, fetched and unpacked when it is not there yet."""
    stand = hashlib.sha256(Path("/var/lib/dpkg/status").read_bytes() + repr(PACKAGES).encode()).hexdigest()[:12]
    tree = CACHE / stand
    if tree.exists():
        return tree
    for old in CACHE.glob("*"):  # of another state of the machine, or of a run that was killed
        if old.stat().st_mtime < time.time() - 86_400:
            shutil.rmtree(old, ignore_errors=True)
    new = CACHE / f"{stand}.{os.getpid()}"
    new.mkdir(parents=True)
    try:
        _fetch(new / "packages")
        _unpack(sorted((new / "packages").glob("*/*.deb")), new / "tree")
        (new / "tree").rename(tree)
    except OSError as error:
        if not tree.exists():  # another run may have been quicker
            raise Unavailable(f"the packages can't be unpacked: {error}") from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return tree


def _unpack(packages: Iterable[Path], tree: Path) -> None:
    """Unpack without installing; /bin, /lib and /sbin stay the links that they are on the host (merged /usr)."""
    for name in ("bin", "lib", "sbin"):
        (tree / "usr" / name).mkdir(parents=True)
        if Path("/", name).is_symlink():
            (tree / name).symlink_to(f"usr/{name}")
    for package in packages:
        with subprocess.Popen(("dpkg-deb", "--fsys-tarfile", package), stdout=subprocess.PIPE) as content:
            _run("tar", "-x", "--keep-directory-symlink", "-C", tree, stdin=content.stdout)


def _fetch(folder: Path) -> None:
    """Download what is missing; apt changes nothing on the host but its package lists."""
    for attempt in (1, 2):
        try:
            for number, packages in enumerate(PACKAGES):
                (folder / str(number) / "partial").mkdir(parents=True, exist_ok=True)
                _run("apt-get", "-qq", "-y", "-d", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=2", "-o", "Acquire::http::Timeout=20",
                     "-o", f"Dir::Cache::archives={folder / str(number)}", "install", *packages.split())
            return
        except Unavailable:
            if attempt == 2:
                raise
            _run("apt-get", "-qq", "-o", "DPkg::Lock::Timeout=60", "update")


def enter(command: Sequence[str]) -> int:
    """Run `python -m lab COMMAND` again, inside the namespaces; everything it started ends with it."""
    unpacked()
    inside = ("unshare", "-n", "-m", "-p", "-f", "--kill-child", "--mount-proc", "--propagation", "private", sys.executable, "-m", "lab", *command)
    STATE.mkdir(exist_ok=True)
    return subprocess.run(inside, env={**os.environ, _OUTSIDE: "1"}).returncode


def is_inside() -> bool:
    """Whether this process is already in the lab's namespaces."""
    return bool(os.environ.get(_OUTSIDE))


def mount() -> None:
    """The file systems of this run: its state in memory, and the overlay with the packages."""
    _run("mount", "-t", "tmpfs", "-o", "mode=755,size=1g", "lab", STATE)
    for folder in ("upper/etc", "work", "root", "log", "etc", "zones", "mail", "run", "bounces"):
        (STATE / folder).mkdir(parents=True)
    _run("cp", "-a", f"{unpacked()}/.", STATE / "upper")  # an overlay takes no layer that lies inside another one
    _accounts(STATE / "upper/etc")
    _run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={STATE}/upper,workdir={STATE}/work", ROOT)
    (ROOT / STATE.relative_to("/")).mkdir(parents=True, exist_ok=True)
    _run("mount", "--bind", STATE, ROOT / STATE.relative_to("/"))
    _run("mount", "--rbind", "/dev", ROOT / "dev")
    _run("mount", "-t", "proc", "proc", ROOT / "proc")
    (STATE / "resolv.conf").write_text(f"nameserver {RESOLVER}\noptions timeout:3 attempts:1 edns0 trust-ad\n")
    for place in (Path("/etc/resolv.conf"), ROOT / "etc/resolv.conf"):
        if place == Path("/etc/resolv.conf") and place.exists():
            _run("mount", "--bind", STATE / "resolv.conf", place)
    (ROOT / "etc/resolv.conf").unlink(missing_ok=True)
    shutil.copy(STATE / "resolv.conf", ROOT / "etc/resolv.conf")
    (STATE / "mail").chmod(0o777)
    LOGS.chmod(0o777)


def _accounts(etc: Path) -> None:
    """The users that the packages would have made, where the host does not know them."""
    for file, line in (("passwd", "{name}:x:{uid}:{uid}::/nonexistent:/usr/sbin/nologin\n"), ("group", "{name}:x:{uid}:\n")):
        known = Path("/etc", file).read_text()
        names = {entry.partition(":")[0] for entry in known.splitlines()}
        added = (line.format(name=name, uid=FIRST_UID + number) for number, name in enumerate(USERS) if name not in names)
        (etc / file).write_text(known.rstrip("\n") + "\n" + "".join(added))


def uid(name: str) -> int:
    """The number of a user inside."""
    lines = (line.split(":") for line in (ROOT / "etc/passwd").read_text().splitlines())
    return next(int(fields[2]) for fields in lines if fields[0] == name)


def own(folder: Path, name: str) -> None:
    """Make a folder that belongs to a user."""
    folder.mkdir(parents=True, exist_ok=True)
    os.chown(folder, uid(name), uid(name))


def network() -> None:
    """Put every address on the loopback; those of IPv6 where the machine has it."""
    ip = shutil.which("ip") or str(ROOT / "bin/ip")
    lines = ["link set lo up", *(f"addr add {address}/32 dev lo" for address in ADDRESSES)]
    subprocess.run([ip, "-batch", "-"], input="\n".join(lines), text=True, check=True, timeout=20)
    subprocess.run([ip, "-batch", "-"], input="\n".join(f"addr add {address}/128 dev lo nodad" for address in ADDRESSES_6), text=True, capture_output=True, timeout=20)


def has_ipv6() -> bool:
    """Whether the lab's IPv6 addresses are there."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind((SIX, 0))
    except OSError:
        return False
    return True


def inside(*command: str | Path) -> str:
    """Run something in the overlay and give its output."""
    return _run("chroot", ROOT, *command)


def start(name: str, *command: str | Path, chroot: bool = True) -> subprocess.Popen[bytes]:
    """Start a daemon that stays in the foreground; what it says goes to log/<name>.out."""
    with open(LOGS / f"{name}.out", "ab") as log:
        return subprocess.Popen([*(("chroot", str(ROOT)) if chroot else ()), *map(str, command)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def wait(places: Iterable[tuple[str, int]], seconds: float = 20) -> None:
    """Until every place accepts a connection."""
    end = time.monotonic() + seconds
    for place in places:
        while True:
            try:
                socket.create_connection(place, 1).close()
                break
            except OSError:
                if time.monotonic() > end:
                    raise Unavailable(f"nothing listens on {place[0]}:{place[1]} (see {LOGS})") from None
                time.sleep(0.03)
