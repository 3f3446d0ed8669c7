"""Run published DKIM test messages against the verifier: `python bench/suites_dkim.py FOLDER`.

FOLDER holds `mail-auth/*.txt` (lines "NAME RECORD", an empty line, the mail; all signatures must pass) and `dkimpy/` (the test
files of that project: messages, and key records as text).
"""
from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from fivefifty.mailauth import dkim
from fivefifty.world.recorded import RecordedWorld

RFC8463 = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="  # the key of its appendix A.2
# dkimpy: message, {name: file with the record, or the record}, result of each signature
DKIMPY = [
    ("ed25519test.msg", {}, []),
    ("ed25519test2.msg", {"sed._domainkey.test.ex": "eximtest.dns"}, ["pass"]),
    ("rfc6376.signed.msg", {"brisbane._domainkey.football.example.com": RFC8463, "test._domainkey.football.example.com": "test.txt"}, ["pass", "pass"]),
    ("rfc6376.signed.rsa.msg", {"test._domainkey.football.example.com": "test.txt"}, ["pass"]),
    ("rfc6376.signed.no_t.msg", {"test._domainkey.football.example.com": "test.txt"}, ["fail"]),  # its b= belongs to other octets; dkimpy refuses it too
    ("test.message.baddomain", {"test._domainkey.legitimate.com": "test.txt"}, ["permerror"]),
    ("test2.message", {"20120113._domainkey.gmail.com": "test2.txt"}, ["fail"]),  # the real key is not in the suite: the folding is read, the body hash is right
    ("test.message", {}, []),
    ("test_nofrom.message", {}, []),
]
KEYS = [("test.txt", "rsa", 1024, ()), ("test2.txt", "rsa", 1024, ()), ("1024_testkey_wo_markers.pub.txt", "rsa", 1024, ()), ("1024_testkey_wo_markers.pub.rsa.txt", "rsa", 1024, ()),
        ("2048_testkey_wo_markers.pub.txt", "rsa", 2048, ()), ("2048_testkey_wo_markers.pub.rsa.txt", "rsa", 2048, ()), ("2048_testkey_PKCS8.key.pub.txt", "rsa", 2048, ()),
        ("ed25519test.dns", "ed25519", 256, ()), ("badversion.txt", "rsa", 1024, ("version",)), ("badk.txt", "ed25519-sha256", 0, ("type",)), ("test_tlsrpt.txt", "rsa", 1024, ()),
        ("test_bad.txt", "rsa", 0, ("der",))]


def results(message: bytes, records: dict[str, str]) -> list[dkim.DkimResult]:
    """The signatures of a mail, at a time when none had expired."""
    world = RecordedWorld({name: {"TXT": [text]} for name, text in records.items()}, now=datetime(2022, 11, 8, tzinfo=UTC))
    return asyncio.run(dkim.verify(message, world))


def mail_auth(folder: Path) -> list[str]:
    """What did not come out as it should."""
    wrong = []
    for path in sorted(folder.glob("*.txt")):
        head, _, message = path.read_bytes().replace(b"\r\n", b"\n").partition(b"\n\n")
        records = dict(line.split(" ", 1) for line in head.decode().splitlines())
        wrong += [f"{path.name}: {one.domain} {one.result} {one.reason}" for one in results(message, records) if one.result != "pass"]
    return wrong


def dkimpy(folder: Path) -> list[str]:
    """What did not come out as it should."""
    wrong = []
    for name, records, expected in DKIMPY:
        found = results((folder / name).read_bytes(), {key: text if "=" in text else (folder / text).read_text().strip() for key, text in records.items()})
        if [one.result for one in found] != expected:
            wrong.append(f"{name}: {[(one.result, one.reason) for one in found]}, expected {expected}")
    for name, kind, bits, problems in KEYS:
        key = dkim.read_key((folder / name).read_text().strip())
        if (key.key_type, key.bits, tuple(one.id for one in key.problems)) != (kind, bits, problems):
            wrong.append(f"{name}: {key.key_type} {key.bits} {key.problems}, expected {kind} {bits} {problems}")
    return wrong


def main() -> int:
    """Print what differs; 1 if anything does."""
    folder = Path(sys.argv[1])
    wrong = mail_auth(folder / "mail-auth") + dkimpy(folder / "dkimpy")
    for line in wrong:
        print(line)
    print(f"{len(list((folder / 'mail-auth').glob('*.txt')))} mail-auth mails, {len(DKIMPY)} dkimpy mails, {len(KEYS)} dkimpy keys: {len(wrong)} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
