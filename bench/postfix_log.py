#!/usr/bin/env python3
"""From a Postfix log to a report by provider, cause, words and status, beside pflogsumm on the same file.

    python bench/postfix_log.py [LINES] [--rounds N] [--keep FILE]

Needs pflogsumm (Debian package pflogsumm).  The log is made up, the same every time: 90 % sent, 5 % bounced, 5 % deferred, some 7,000
recipient domains, a return path for each mail (VERP), classic time stamps, lines of several mails interleaved.  User CPU time counts; the rounds alternate, the best of each counts.
"""
from __future__ import annotations

import argparse
import pathlib
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time

BLOCK = 1 << 16
START = 1_793_577_600  # 2 November 2026, 00:00 UTC

PROVIDERS = (
    (28, "gmail.com", "gmail-smtp-in.l.google.com", "142.250.27.26"), (17, "outlook.com", "outlook-com.olc.protection.outlook.com", "52.101.8.42"),
    (9, "yahoo.com", "mta5.am0.yahoodns.net", "67.195.204.77"), (5, "gmx.de", "mx00.emig.gmx.net", "212.227.15.9"), (3, "icloud.com", "mx01.mail.icloud.com", "17.57.155.25"),
)
SMALL = 6_999
SENT = (
    "250 2.0.0 OK  {epoch} {hex14}si{num7}ede.{n2} - gsmtp", "250 2.6.0 <{mid}> [InternalId={num12}, Hostname=AM9PR0{n1}MB{n4}.eurprd0{n1}.prod.outlook.com] 9021 bytes in 0.{n2}, 84.1 KB/sec Queued mail for delivery",
    "250 2.0.0 Ok: queued as {qid}", "250 OK id=1t{alnum4}-00{num4}-{alnum2}", "250 ok dirdel", "250 2.0.0 {num8}{alnum6} Message accepted for delivery",
)
BOUNCED = (
    ("5.1.1", "host {host}[{ip}] said: 550-5.1.1 The email account that you tried to reach does not exist. Please try 550-5.1.1 double-checking the recipient's email address for typos or 550-5.1.1 unnecessary spaces. For more information, go to 550 5.1.1  https://support.google.com/mail/?p=NoSuchUser {hex14}si{num7}ede.{n2} - gsmtp (in reply to RCPT TO command)"),
    ("5.5.0", "host {host}[{ip}] said: 550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302). [AM9PR0{n1}MB{n4}.eurprd0{n1}.prod.exchangelabs.com 2026-11-02T10:{n2}:{n2}.123Z 08DE{hex14}] (in reply to RCPT TO command)"),
    ("5.7.1", "host {host}[{ip}] said: 550 5.7.1 Unfortunately, messages from [198.51.100.{n2}] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3150). (in reply to MAIL FROM command)"),
    ("5.1.1", "host {host}[{ip}] said: 550 5.1.1 <{to}>: Recipient address rejected: User unknown in virtual mailbox table (in reply to RCPT TO command)"),
    ("5.0.0", "host {host}[{ip}] said: 554 delivery error: dd This user doesn't have a yahoo.com account ({to}) [0] - mta{n4}.mail.bf1.yahoo.com (in reply to end of DATA command)"),
    ("5.2.2", "host {host}[{ip}] said: 552 5.2.2 <{to}>: mailbox full, quota exceeded by {num5} bytes (in reply to RCPT TO command)"),
    ("5.7.1", "host {host}[{ip}] said: 554 5.7.1 Service unavailable; Client host [198.51.100.{n2}] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/198.51.100.{n2} (in reply to RCPT TO command)"),
    ("5.4.4", "Host or domain name not found. Name service error for name={domain} type=A: Host not found"),
)
DEFERRED = (
    ("4.2.1", "host {host}[{ip}] said: 421-4.7.28 Gmail has detected an unusual rate of mail originating from your IP 421-4.7.28 address. {hex14}si{num7}ede.{n2} - gsmtp (in reply to end of DATA command)"),
    ("4.4.1", "connect to {host}[{ip}]:25: Connection timed out"),
    ("4.7.0", "host {host}[{ip}] refused to talk to me: 421 4.7.0 [TSS04] Messages from 198.51.100.{n2} temporarily deferred due to unexpected volume or user complaints - 4.16.55.1; see https://postmaster.yahooinc.com/error-codes"),
    ("4.2.0", "host {host}[{ip}] said: 450 4.2.0 <{to}>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/help/{domain}.html (in reply to RCPT TO command)"),
    ("4.3.2", "lost connection with {host}[{ip}] while sending RCPT TO"),
    ("4.4.3", "Host or domain name not found. Name service error for name={domain} type=MX: Host not found, try again"),
)
ALNUM = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _some(rng: random.Random, letters: str, number: int) -> str:
    return "".join(rng.choices(letters, k=number))


def _filled(rng: random.Random, text: str, known: dict[str, str]) -> str:
    """The text with ids and numbers that differ from mail to mail."""
    changing = {f"num{n}": str(rng.randrange(10 ** (n - 1), 10**n)) for n in (4, 5, 7, 8, 12)} | {f"alnum{n}": _some(rng, ALNUM, n) for n in (2, 4, 6)}
    return text.format(**known, **changing, n1=rng.randrange(1, 9), n2=rng.randrange(10, 60), n4=rng.randrange(1000, 9999), hex14=f"{rng.getrandbits(56):014x}", qid=f"{rng.getrandbits(36):09X}", epoch=START)


def _target(rng: random.Random) -> dict[str, str]:
    draw = rng.randrange(100)
    number = rng.randrange(SMALL)
    domain, host, ip = f"d{number}.example", f"mx{number % 3}.d{number}.example", f"192.0.2.{number % 250}"
    for share, *large in PROVIDERS:
        if 0 <= draw < share:
            domain, host, ip = large
        draw -= share
    return {"domain": domain, "host": host, "ip": ip, "to": f"user{rng.randrange(90_000)}@{domain}"}


def _stamp(seconds: float) -> str:
    return time.strftime("%b %e %H:%M:%S", time.gmtime(START + seconds))


def _outcome(rng: random.Random, target: dict[str, str], mid: str) -> str:
    draw = rng.randrange(1000)
    where = f"{target['host']}[{target['ip']}]:25"
    if draw < 900:
        return f"relay={where}, delay={rng.random() * 4:.1f}, delays=0.1/0/0.3/0.8, dsn=2.0.0, status=sent ({_filled(rng, rng.choice(SENT), {**target, 'mid': mid})})"
    dsn, text = rng.choice(BOUNCED if draw < 950 else DEFERRED)
    relay = where if text.startswith("host {host}[{ip}] said") else "none"
    return f"relay={relay}, delay={rng.random() * 40:.1f}, delays=0.1/0/0.3/0.8, dsn={dsn}, status={'bounced' if draw < 950 else 'deferred'} ({_filled(rng, text, {**target, 'mid': mid})})"


def make(path: pathlib.Path, number: int) -> None:
    """Writes `number` lines: five a mail, those of eight mails interleaved."""
    rng = random.Random(4)
    written = at = 0
    seconds = 0.0
    with path.open("w") as file:
        while written < number:
            mails = []
            for _ in range(8):
                qid, mid, to = f"{0x400000000 + at * 0x1B39 + rng.randrange(4096):010X}", f"{at}.{rng.getrandbits(40):x}@news.example.com", _target(rng)
                at += 1
                sender = f"bounce+{at}-{rng.randrange(10**6)}@news.example.com"
                mails.append([
                    f"postfix/smtpd[{at % 90 + 900}]: {qid}: client=app{at % 4}.example.com[198.51.100.{at % 200}], sasl_method=PLAIN, sasl_username=news@example.com", f"postfix/cleanup[411]: {qid}: message-id=<{mid}>",
                    f"postfix/qmgr[77]: {qid}: from=<{sender}>, size={rng.randrange(900, 90000)}, nrcpt=1 (queue active)", f"postfix/smtp[{at % 90 + 3000}]: {qid}: to=<{to['to']}>, {_outcome(rng, to, mid)}", f"postfix/qmgr[77]: {qid}: removed",
                ])
            for step in range(5):
                seconds += 0.3
                for mail in mails:
                    if written < number:
                        file.write(f"{_stamp(seconds)} mx1 {mail[step]}\n")
                        written += 1


def ours(path: str) -> None:
    """Reads, judges and counts in this process; prints seconds, peak MB, events, groups and templates."""
    import gc

    from fivefifty.feeds import Reject, Setting
    from fivefifty.feeds.logs import postfix
    from fivefifty.judge import Judge

    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # as the command does: the collector looks at young objects less often
    start = time.process_time()
    judge, groups, rejects, number = Judge(), {}, 0, 0
    reader = postfix.reader(Setting(now=START + 90 * 86400.0))
    complete = judge.complete
    with open(path, "rb") as file:
        rest, line = b"", 1
        while block := file.read(BLOCK):
            lines = (rest + block).split(b"\n")
            rest = lines.pop()
            for event in reader.read(lines, path, line):
                if isinstance(event, Reject):
                    rejects += 1
                    continue
                complete(event)
                number += 1
                key = (event.kind, event.provider, event.cause, event.template, event.status)
                groups[key] = groups.get(key, 0) + 1
            line += len(lines)
    spent = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(spent, peak, number, len(groups), len({key[3] for key in groups}), rejects)


def _user(command: list[str]) -> tuple[float, float, str]:
    """User CPU seconds, peak MB and the output of a command."""
    done = subprocess.run(["time", "-f", "%U %M", *command], capture_output=True, text=True, check=True, timeout=300)
    seconds, peak = done.stderr.split()[-2:]
    return float(seconds), int(peak) / 1024, done.stdout


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("lines", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--keep", default="")
    parser.add_argument("--ours", default="")
    asked = parser.parse_args()
    if asked.ours:
        return ours(asked.ours)
    if not shutil.which("pflogsumm"):
        raise SystemExit("pflogsumm is missing: apt install pflogsumm")
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(asked.keep or f"{folder}/mail.log")
        if not path.exists():
            make(path, asked.lines)
        theirs: list[tuple[float, float, str]] = []
        mine: list[tuple[float, float, str]] = []
        for _ in range(asked.rounds):
            mine.append(_user([sys.executable, __file__, "--ours", str(path)]))
            theirs.append(_user(["pflogsumm", str(path)]))
    (their, their_peak, report), (my, my_peak, told) = min(theirs), min(mine)
    inside, _, number, groups, templates, rejects = told.split()
    print(f"{asked.lines} lines, {number} deliveries, {groups} groups, {templates} templates, {rejects} rejects")
    print(f"pflogsumm  {their:6.2f} s  {asked.lines / their:10.0f} lines/s  {their_peak:5.0f} MB  ({report.count(chr(10))} lines of report)")
    print(f"fivefifty  {my:6.2f} s  {asked.lines / my:10.0f} lines/s  {my_peak:5.0f} MB  {their / my:.1f} x   ({float(inside):.2f} s without start)")


if __name__ == "__main__":
    main()
