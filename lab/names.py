"""The name service of the real tier: knot (all zones, signed where wanted), unbound (validating), rbldnsd (blocklists)."""
from __future__ import annotations

from collections.abc import Iterable

from . import machine, zones
from .machine import STATE
from .scenario import AUTH, AUTH_TOO, BLOCKLISTS, RBL, RESOLVER

FOLDER = STATE / "zones"
_ALGORITHM = ("algorithm=ecdsap256sha256", "ksk=yes", "zsk=yes")


def knot_conf(every: Iterable[zones.Zone]) -> str:
    """One entry for each zone that is served; knot signs by itself."""
    head = f"""server:
    rundir: "{STATE}/run"
    listen: [ {AUTH}@53, {AUTH_TOO}@53 ]
    user: root:root
    tcp-workers: 1
    udp-workers: 1
    background-workers: 2
database:
    storage: "{STATE}/run"
log:
  - target: stderr
    any: warning
policy:
  - id: lab
    algorithm: ecdsap256sha256
    single-type-signing: on
template:
  - id: default
    storage: "{FOLDER}"
    semantic-checks: off
    journal-content: none
    zonefile-load: whole
    zonefile-sync: -1
    dnssec-policy: lab
zone:
"""
    return head + "".join(f'  - domain: "{zone.name}."\n    file: "{zone.name or "root"}.zone"\n    dnssec-signing: {"on" if zone.signed else "off"}\n' for zone in every)


def unbound_conf() -> str:
    """A resolver that believes in the lab's own root key and in nothing else."""
    local = ["test.", "example.", "127.in-addr.arpa.", *(f"{name}." for name in zones.zones() if name.endswith(".arpa"))]
    return f"""server:
  interface: {RESOLVER}
  access-control: 0.0.0.0/0 allow
  do-daemonize: no
  username: ""
  chroot: ""
  directory: "{STATE}/run"
  pidfile: ""
  use-syslog: no
  num-threads: 1
  do-ip6: no
  root-hints: "{FOLDER}/root.hints"
  trust-anchor-file: "{FOLDER}/root.key"
  infra-host-ttl: 60
  cache-max-negative-ttl: 5
  val-log-level: 1
  outbound-msg-retry: 3
{"".join(f'  local-zone: "{name}" nodefault{chr(10)}' for name in local)}remote-control:
  control-enable: no
"""


def _key(zone: zones.Zone) -> tuple[str, str]:
    """Make the key of a zone; (its DS, its DNSKEY)."""
    name = f"{zone.name}."
    conf = ("keymgr", "-c", STATE / "etc/knot.conf")
    machine.inside(*conf, name, "generate", *_ALGORITHM)
    ds = next(line for line in machine.inside(*conf, name, "ds").splitlines() if " 13 2 " in line)
    return ds.partition(" DS ")[2], machine.inside(*conf, name, "dnskey") if not zone.name else ""


def write(tlsa: str) -> None:
    """All the files."""
    every = zones.all_zones(tlsa)
    for zone in every.values():
        zone.signed = zone.signed or zone.state == "BOGUS"
    served = [zone for zone in every.values() if zone.state in ("", "BOGUS")]
    (STATE / "etc/knot.conf").write_text(knot_conf(served))
    keys = {zone.name: _key(zone) for zone in served if zone.signed}
    children: dict[str, list[str]] = {}
    for zone in every.values():
        if zone.name:
            above = zones.parent(zone.name, every)
            ds = keys[zone.name][0] if zone.signed and every[above].signed else ""
            wrong = ds[:-8] + "00000000" if zone.state == "BOGUS" else ds
            children.setdefault(above, []).extend(zones.delegation(zone, wrong))
    for zone in served:
        (FOLDER / f"{zone.name or 'root'}.zone").write_text(zones.zone_file(zone, children.get(zone.name, ())))
    (FOLDER / "root.key").write_text(keys[""][1])
    (FOLDER / "root.hints").write_text(f". 3600 NS ns1.lab.test.\nns1.lab.test. 3600 A {AUTH}\n")
    for one in BLOCKLISTS:
        (FOLDER / one.zone).write_text(zones.rbldnsd_file(one))
    (STATE / "etc/unbound.conf").write_text(unbound_conf())


def start() -> None:
    """Start the three."""
    machine.start("knot", "knotd", "-c", STATE / "etc/knot.conf")
    machine.start("rbldnsd", "rbldnsd", "-n", "-b", f"{RBL}/53", "-u", "rbldns", *zones.rbldnsd_arguments(FOLDER))
    machine.start("unbound", "unbound", "-d", "-c", STATE / "etc/unbound.conf")


