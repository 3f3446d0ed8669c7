"""The mail servers of the real tier: certificates, Postfix twice, Exim twice, OpenSMTPD, and the policy services behind Postfix."""
from __future__ import annotations

import hashlib
from pathlib import Path

from . import domains, machine
from .machine import STATE, own
from .scenario import (
    BAD_LINK,
    CLIENT,
    EXIM,
    HERE,
    LOCAL_TO_POSTFIX,
    OPENSMTPD,
    POSTFIX,
    SCRIPTED,
    SECURE,
    SENDERS,
    SERVICES,
    SINK,
    SIX,
    SUBMISSION,
    USERS,
    WEB,
)

ETC, RUN = STATE / "etc", STATE / "run"
Place = tuple[str, int]


def fill(name: str, **more: str) -> str:
    """A file of lab/conf with its @NAMES@ filled in."""
    text = (HERE / "conf" / name).read_text()
    known = {"STATE": str(STATE), "SERVICES": SERVICES, "CLIENT": CLIENT, "BASE": POSTFIX["base"], "EXIM": EXIM, "BAD_LINK": BAD_LINK} | more
    for key, value in known.items():
        text = text.replace(f"@{key}@", value)
    return text


def certificates() -> str:
    """The lab's own authority and one key for all the servers; the SHA-256 of that key, for TLSA (RFC 6698 2.1)."""
    for name in ("ca", "server"):
        machine.inside("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", ETC / f"{name}.key")
    names = ["*.postfix.test", "*.exim.test", "*.base.opensmtpd.test", "mx.tlsreq.opensmtpd.test", *(f"mx.{zone}.test" for zone in ("dane", "danebad", "sts", "stsbad")),
             *(f"{host}.{name}" for name in (*domains.GOOD, "sts.test", "stsbad.test") for host in ("mta-sts", "mx", "mx2"))]
    (ETC / "names").write_text("subjectAltName=" + ",".join(f"DNS:{name}" for name in dict.fromkeys(names)) + "\n")
    machine.inside("openssl", "req", "-x509", "-new", "-key", ETC / "ca.key", "-days", "30", "-subj", "/CN=lab authority", "-out", ETC / "ca.pem")
    machine.inside("openssl", "req", "-new", "-key", ETC / "server.key", "-subj", "/CN=mx.base.postfix.test", "-out", ETC / "server.csr")
    machine.inside("openssl", "x509", "-req", "-in", ETC / "server.csr", "-CA", ETC / "ca.pem", "-CAkey", ETC / "ca.key", "-CAcreateserial", "-days", "30", "-extfile", ETC / "names", "-out", ETC / "server.pem")
    (ETC / "private.key").write_bytes((ETC / "server.key").read_bytes())
    (ETC / "private.key").chmod(0o600)  # OpenSMTPD insists
    (ETC / "server.key").chmod(0o644)
    machine.inside("openssl", "pkey", "-in", ETC / "server.key", "-pubout", "-outform", "DER", "-out", ETC / "server.der")
    return hashlib.sha256((ETC / "server.der").read_bytes()).hexdigest()


def _smtpd(name: str, ip: str, *options: str, service: str = "smtpd") -> str:
    host = f"[{ip}]" if ":" in ip else ip
    return f"{host}:25 inet n - n - {'1' if service == 'postscreen' else '-'} {service} -o myhostname={name}" + "".join(f" -o {option}" for option in options) + "\n"


def _receivers(six: bool) -> str:
    """A line of master.cf for each receiver: one address, one policy."""
    policies: dict[str, tuple[str, ...]] = {
        "base": (),
        "dnsbl": ("smtpd_client_restrictions=reject_rbl_client,zen.spamhaus.org=127.0.0.[2..11],permit",),
        "spf": ("smtpd_recipient_restrictions=check_policy_service,unix:private/policyd-spf",),
        "dmarc": (f"smtpd_milters=inet:{SERVICES}:8891,inet:{SERVICES}:8893",),
        "body": ("cleanup_service_name=cleanup-body",),
        "tlsreq": ("smtpd_tls_security_level=encrypt",),
        "ptr": ("smtpd_client_restrictions=reject_unknown_client_hostname", "unknown_client_reject_code=550"),
        "grey": (f"smtpd_recipient_restrictions=check_policy_service,inet:{SERVICES}:10023",),
        "ascii": ("smtpd_discard_ehlo_keywords=SMTPUTF8,8BITMIME,DSN", "smtputf8_enable=no"),
        "sender": ("smtpd_sender_restrictions=reject_unknown_sender_domain", "unknown_address_reject_code=550"),
    }
    lines = [_smtpd(f"mx.{name}.postfix.test", POSTFIX[name], *options) for name, options in policies.items()]
    screen = ("postscreen_dnsbl_sites=zen.spamhaus.org*2", "postscreen_dnsbl_action=enforce", "postscreen_greet_action=enforce", "postscreen_access_list=", "postscreen_greet_wait=1s")
    lines += [_smtpd("mx.postscreen.postfix.test", POSTFIX["postscreen"], *screen, service="postscreen"), _smtpd("mx.dane.test", SECURE)]
    if six:
        lines.append(_smtpd("mx.six.postfix.test", SIX, *policies["ptr"]))
    return "".join(lines)


def _instance(name: str, services: str, six: bool, **more: str) -> Path:
    folder = ETC / name
    folder.mkdir(exist_ok=True)
    common = fill("postfix.cf", NAME=name, PROTOCOLS="all" if six else "ipv4")
    (folder / "main.cf").write_text(common + fill(f"{name}.cf", **more))
    (folder / "master.cf").write_text(services + fill("master.cf"))
    (folder / "dynamicmaps.cf").touch()
    (RUN / name / "queue").mkdir(parents=True)
    own(RUN / name / "data", "postfix")
    return folder


def _postfix(six: bool) -> None:
    """Both instances of Postfix."""
    internal = (f"smtpd pass - - n - - smtpd\ndnsblog unix - - n - 0 dnsblog\ntlsproxy unix - - n - 0 tlsproxy\ncleanup-body unix n - n - 0 cleanup -o body_checks=regexp:{ETC}/postfix-receiver/body\n"
                f"policyd-spf unix - n n - 0 spawn user=policyd-spf argv=/usr/bin/policyd-spf {ETC}/policyd-spf.conf\n")
    folder = _instance("postfix-receiver", _receivers(six) + internal, six)
    (folder / "domains").write_text("\n".join((*LOCAL_TO_POSTFIX, *domains.GOOD, *(one.name for one in domains.BROKEN))) + "\n")
    (folder / "users").write_text(f"/^({'|'.join(USERS)})@/ ok\n")
    (folder / "access").write_text("/^disabled@/ 550 5.2.1 This mailbox has been disabled\n/^moved@/ 551 5.1.6 User has moved; please try <new@elsewhere.test>\n/^later@/ 451 4.3.0 Temporary problem, try later\n")
    (folder / "body").write_text(f"/{BAD_LINK}/ REJECT 5.7.1 Message contains a blocklisted URL ({BAD_LINK})\n")
    (ETC / "policyd-spf.conf").write_text("debugLevel = 1\nTestOnly = 1\nHELO_reject = False\nMail_From_reject = Fail\nPermError_reject = True\nTempError_Defer = False\nskip_addresses = 127.0.0.0/8\n")
    ways = {one.domain: f"out-{one.domain.partition('.')[0]}" for one in SENDERS.values()}
    services = _smtpd("out.postfix.lab.test", SUBMISSION["postfix"])
    for one in SENDERS.values():
        more = f" -o smtp_bind_address6={one.ipv6}" if one.ipv6 and six else ""
        services += f"{ways[one.domain]} unix - - n - - smtp -o smtp_bind_address={one.ip} -o smtp_helo_name={one.helo}{more}\n"
    folder = _instance("postfix-sender", services, six, SUBMISSION=SUBMISSION["postfix"])
    (folder / "sources").write_text("".join(f"/@{domain.replace('.', '[.]')}$/ {way}:\n" for domain, way in ways.items()))


def _services() -> list[Place]:
    """Milters, greylisting, LMTP and quota."""
    for name, rest in (("opendkim", f"Mode v\nSocket inet:8891@{SERVICES}\nBackground no\nInternalHosts {SERVICES}\nSyslog no\n"),
                       ("opendmarc", f"Socket inet:8893@{SERVICES}\nBackground false\nIgnoreHosts {ETC}/own\nRejectFailures true\nSPFSelfValidate true\nSPFIgnoreResults true\nSyslog false\n")):
        (ETC / f"{name}.conf").write_text(f"AuthservID mx.dmarc.postfix.test\nPidFile {RUN}/{name}.pid\nUserID {name}\n{rest}")
    (ETC / "own").write_text(SERVICES + "\n")
    (ETC / "dovecot.conf").write_text(fill("dovecot.conf"))
    number = machine.uid("mailbox")
    (ETC / "dovecot.users").write_text("".join(
        f"{user}@{domain}:{{PLAIN}}x:{number}:{number}::{STATE}/mail/{domain}/{user}::{'userdb_quota_rule=*:bytes=300' if user == 'full' else ''}\n" for domain in LOCAL_TO_POSTFIX for user in USERS))
    own(STATE / "mail", "mailbox")
    own(RUN / "postgrey", "postgrey")
    (RUN / "dovecot").mkdir()
    machine.start("dovecot", "dovecot", "-F", "-c", ETC / "dovecot.conf")
    machine.start("opendkim", "opendkim", "-f", "-x", ETC / "opendkim.conf")
    machine.start("opendmarc", "opendmarc", "-f", "-c", ETC / "opendmarc.conf")
    machine.start("postgrey", "postgrey", f"--inet={SERVICES}:10023", "--delay=3600", f"--dbdir={RUN}/postgrey", "--user=postgrey", "--whitelist-clients=/dev/null", "--whitelist-recipients=/dev/null")
    return [(SERVICES, port) for port in (24, 12340, 8891, 8893, 10023)]


def _exim() -> list[Place]:
    """Exim as receiver and as sender."""
    (ETC / "exim.aliases").write_text("gone: someone@nosuchdomain.test\ndisabled: :fail: account disabled, contact the owner elsewhere\n")
    (ETC / "exim.sources").write_text("".join(f"{one.domain}: {one.ip}\n" for one in SENDERS.values()))
    trusted = []
    for name in ("exim-receiver", "exim-sender"):
        file = ETC / f"{name}.conf"
        file.write_text(("TX = 1\n" if name == "exim-sender" else "") + fill("exim.conf", NAME=name, SUBMISSION=SUBMISSION["exim"]))
        own(RUN / name, "Debian-exim")
        trusted.append(f"{file}\n")
        machine.start(name, "exim4", "-C", file, "-bdf", "-q5s")
    (machine.ROOT / "etc/exim4").mkdir(exist_ok=True)
    (machine.ROOT / "etc/exim4/trusted_configs").write_text("".join(trusted))
    return [(EXIM, 25), (SUBMISSION["exim"], 25)]


def _opensmtpd() -> list[Place]:
    """OpenSMTPD; an action for each sender."""
    actions, matches = [f'action "out" relay src "{SUBMISSION["opensmtpd"]}" helo "out.opensmtpd.lab.test"'], []
    for one in SENDERS.values():
        actions.append(f'action "{one.domain}" relay src "{one.ip}" helo "{one.helo}"')
        matches.append(f'match tag OUT from any mail-from regex "@{one.domain}$" for any action "{one.domain}"')
    (ETC / "smtpd.conf").write_text(fill("opensmtpd.conf", SUBMISSION=SUBMISSION["opensmtpd"], OS_BASE=OPENSMTPD["base"], OS_PTR=OPENSMTPD["ptr"], OS_TLSREQ=OPENSMTPD["tlsreq"],
                                         ACTIONS="\n".join(actions), MATCHES="\n".join(matches)))
    own(STATE / "mail/opensmtpd", "mailbox")
    machine.start("opensmtpd", "smtpd", "-d", "-f", ETC / "smtpd.conf")
    return [(OPENSMTPD["base"], 25), (SUBMISSION["opensmtpd"], 25)]


def start(six: bool) -> list[Place]:
    """Write every file, start every server; where they will listen."""
    _postfix(six)
    for name in ("postfix-receiver", "postfix-sender"):
        machine.start(name, "postfix", "-c", ETC / name, "start")
    places = [*_services(), *_exim(), *_opensmtpd()]
    return [*places, (SINK, 25), (SCRIPTED, 25), (WEB, 443), (POSTFIX["base"], 25), (SECURE, 25), (SUBMISSION["postfix"], 25)]


