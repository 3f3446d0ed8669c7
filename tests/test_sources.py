"""Every kind of input ends as the same mails, and what can't be read is said without stopping the rest."""
from __future__ import annotations

import gzip
import io
import os
import struct
import subprocess
import sys
import tracemalloc

import pytest

from fivefifty.errors import InputError
from fivefifty.sources import MAX_MAIL, Mail, Piece, files, mbox, msg

ONE = b"From: a@example.org\nSubject: one\n\nFirst.\n"
TWO = b"From: b@example.org\nSubject: two\n\nSecond.\n>From here on it is quoted.\nFrom here it is not, but nothing was lost.\n"
BOX = b"From a@example.org Fri Mar 13 06:00:01 2026\n" + ONE + b"\nFrom b@example.org Fri Mar 13 06:00:09 2026\n" + TWO + b"\n"


def read(*paths):
    mails, errors = [], []
    for piece in files.pieces([str(path) for path in paths]):
        for found in [piece] if isinstance(piece, InputError) else files.mails(piece):
            (errors if isinstance(found, InputError) else mails).append(found)
    return mails, errors


def put(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_mail_and_a_text(tmp_path):
    mails, errors = read(put(tmp_path / "a.eml", ONE), put(tmp_path / "b.txt", b"550 5.1.1 no such user\n"))
    assert [mail.content for mail in mails] == [ONE, b"550 5.1.1 no such user\n"] and not errors
    assert mails[0].where.endswith("a.eml")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_text_as_windows_saves_it(tmp_path, encoding):
    mails, _ = read(put(tmp_path / "a.txt", "550 Empfänger unbekannt".encode(encoding)))
    assert mails[0].content == "550 Empfänger unbekannt".encode()


@pytest.mark.parametrize("pack", [lambda content: content, gzip.compress], ids=["plain", "gzip"])
def test_an_mbox_by_its_content_not_its_name(tmp_path, pack):
    mails, errors = read(put(tmp_path / "saved", pack(BOX)))
    assert [mail.content.strip() for mail in mails] == [ONE.strip(), TWO.replace(b">From", b"From").strip()] and not errors
    assert [mail.where.rpartition("#")[2] for mail in mails] == ["1", "2"]


def test_one_mail_with_its_separator_line_is_one_mail(tmp_path):
    mails, _ = read(put(tmp_path / "a.eml", BOX[: len(ONE) + 45]))
    assert len(mails) == 1 and mails[0].where.endswith("a.eml") and mails[0].content.startswith(b"From: a@")


def test_a_gzip_mail_and_several_members(tmp_path):
    half = len(ONE) // 2
    mails, errors = read(put(tmp_path / "a.gz", gzip.compress(ONE[:half]) + gzip.compress(ONE[half:]) + b"\0" * 512))
    assert mails[0].content == ONE and not errors


def test_a_damaged_gzip_keeps_what_came_before(tmp_path):
    mails, errors = read(put(tmp_path / "a.mbox.gz", gzip.compress(BOX * 50)[:-20]))
    assert "damaged" in errors[0].what and mails


def test_a_gzip_bomb_is_stopped(tmp_path):
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1) as file:
        for _ in range(80):
            file.write(b"\0" * 1024 * 1024)
    mails, errors = read(put(tmp_path / "bomb.gz", packed.getvalue()), put(tmp_path / "b.eml", ONE))
    assert "times its size" in errors[0].what and mails[-1].content == ONE


def test_large_mbox_ranges_agree_with_the_stream(tmp_path):
    content = BOX * 9_000
    path = put(tmp_path / "big.mbox", content)
    assert path.stat().st_size > files.SMALL
    ranged = [mail for piece in files.pieces([str(path)]) for mail in files.mails(piece)]
    streamed = [mail for piece in mbox.stream(iter([content]), str(path)) for mail in files.mails(piece)]
    assert len(ranged) == 18_000 and ranged == streamed
    assert {mail.content for mail in ranged} == {mail.content for mail in ranged[:2]}


@pytest.mark.parametrize("size", [1, 7, 50, 1000, 4000])
def test_cuts_do_not_depend_on_the_bites(size):
    content = BOX * 30
    bites = (content[at : at + size] for at in range(0, len(content), size))
    assert list(mbox.cuts(bites)) == list(mbox.cuts([content]))


def test_crlf_mbox():
    content = BOX.replace(b"\n", b"\r\n")
    assert len(list(mbox.stream(iter([content]), "box"))) == 2


def test_a_huge_mail_is_capped_and_the_next_one_is_whole(monkeypatch):
    monkeypatch.setattr(mbox, "MAX_MAIL", 100_000)
    monkeypatch.setattr(mbox, "CHUNK", 10_000)
    huge = b"From x Fri Mar 13 06:00:01 2026\nA: b\n\n" + b"x" * 70 + b"\n" * 1
    content = huge + b"y" * 79 * 10_000 + b"\n\n" + BOX
    found = list(mbox.stream((content[at : at + 10_000] for at in range(0, len(content), 10_000)), "box"))
    assert [len(piece.notes) for piece in found] == [1, 0, 0] and len(found[0].content) == 100_000
    assert mbox.unquoted(found[1].content).strip() == ONE.strip()


def test_an_mbox_streams_in_little_memory():
    def bites():
        for _ in range(60):
            yield BOX * 5_000

    tracemalloc.start()
    count = sum(1 for _ in mbox.stream(bites(), "box"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 600_000 and peak < 40_000_000


def test_hostile_from_lines_take_linear_time():
    assert list(mbox.cuts([b"\n\nFrom " * 200_000])) == [0, 1_400_000]
    mbox.unquoted(b">" * 1_000_000)


def test_directories_are_walked_in_order_and_loops_do_not_matter(tmp_path):
    put(tmp_path / "b.eml", TWO)
    put(tmp_path / "a.eml", ONE)
    put(tmp_path / "sub" / "c.eml", ONE)
    put(tmp_path / ".hidden", b"x")
    put(tmp_path / "picture.png", b"\x89PNG\r\n")
    os.symlink(tmp_path, tmp_path / "sub" / "again")
    os.symlink("nowhere", tmp_path / "broken")
    mails, errors = read(tmp_path)
    assert [os.path.basename(mail.where) for mail in mails] == ["a.eml", "b.eml", "c.eml"]
    assert len(errors) == 1 and "broken" in errors[0].context


def test_a_maildir(tmp_path):
    for folder in ("new", "cur", "tmp", ".Spam/new", ".Spam/cur", ".Spam/tmp"):
        put(tmp_path / folder / f"1.{folder.replace('/', '')}:2,S", ONE)
    put(tmp_path / "dovecot-uidlist", b"3 V1")
    mails, _ = read(tmp_path)
    assert sorted(os.path.relpath(mail.where, tmp_path).split("/1.")[0] for mail in mails) == [".Spam/cur", ".Spam/new", "cur", "new"]


@pytest.mark.parametrize("content, word", [(b"PK\x03\x04zip", "ZIP"), (b"!BDNxx", ".pst"), (b"%PDF-1.7", "PDF"), (b"BZh9", "bzip2")])
def test_what_is_no_mail_is_named_with_the_way_out(tmp_path, content, word):
    mails, errors = read(put(tmp_path / "x", content))
    assert not mails and word in errors[0].what and errors[0].hint


def test_what_is_not_there_and_what_may_not_be_read(tmp_path):
    path = put(tmp_path / "a.eml", ONE)
    mails, errors = read(tmp_path / "missing", path)
    assert mails and "no such file" in errors[0].what and errors[0].context.endswith("missing")


def test_a_pipe(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with subprocess.Popen([sys.executable, "-c", f"open({str(path)!r}, 'wb').write({BOX!r})"]):
        mails, _ = read(path)
    assert len(mails) == 2


def test_a_pipe_in_a_directory_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert read(tmp_path) == ([], [])


def test_a_single_mail_over_the_cap_is_noted(tmp_path):
    path = tmp_path / "a.eml"
    with open(path, "wb") as file:
        file.write(ONE)
        file.truncate(MAX_MAIL + 10)
    (mail,), _ = read(path)
    assert isinstance(mail, Mail) and len(mail.content) == MAX_MAIL and mail.notes


def test_a_piece_with_content_needs_no_file():
    assert list(files.mails(Piece("", "here", content=b"550 no"))) == [Mail(b"550 no", "here")]


# Outlook: a container is made here, by [MS-CFB], with the sectors of 512 bytes and the short streams of version 3.

_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def wide(tag, text):
    return f"__substg1.0_{tag:04X}001F", text.encode("utf-16-le")


def container(tree):
    """Bytes of an OLE file; `tree` maps names to bytes (a stream) or to such a tree (a storage)."""
    entries, short = [], bytearray()

    def add(name, value):
        index = len(entries)
        entries.append([name, 5 if not entries else 1 if isinstance(value, dict) else 2, _FREE, _FREE, 0, 0])
        if isinstance(value, dict):
            children = [add(*item) for item in value.items()]
            for left, right in zip(children, children[1:], strict=False):
                entries[left][2] = right  # a list is a valid, if unbalanced, tree
            entries[index][3] = children[0] if children else _FREE
        else:
            entries[index][4:] = [len(short) // 64 if value else _END, len(value)]
            short.extend(value + b"\0" * (-len(value) % 64))
        return index

    add("Root Entry", tree)
    minifat = []
    for entry in entries:
        if entry[1] == 2 and entry[5]:
            blocks = -(-entry[5] // 64)
            minifat += [entry[4] + number + 1 for number in range(blocks - 1)] + [_END]
    return assembled(entries, bytes(short), minifat)


def assembled(entries, short, minifat):
    def sectors(content):
        return -(-len(content) // 512)

    short_fat = struct.pack(f"<{len(minifat)}I", *minifat)
    counts = [sectors(b"x" * 128 * len(entries)), sectors(short_fat), sectors(short)]
    fat_sectors = next(n for n in range(1, 100) if n * 128 >= n + sum(counts))
    starts, at = [], fat_sectors
    for count in counts:
        starts.append(at)
        at += count
    fat = [_FAT] * fat_sectors
    for count in counts:
        fat += [len(fat) + number + 1 for number in range(count - 1)] + [_END] * bool(count)
    fat += [_FREE] * (fat_sectors * 128 - len(fat))
    entries[0][4:] = [starts[2] if short else _END, len(short)]
    directory = b"".join(row(*entry) for entry in entries)
    head = struct.pack(
        "<8s16s5H6x10I", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 0x3E, 3, 0xFFFE, 9, 6, 0, fat_sectors, starts[0], 0, 4096,
        starts[1] if minifat else _END, counts[1], _END, 0, 0,
    )[:76]
    head += struct.pack("<109I", *range(fat_sectors), *[_FREE] * (109 - fat_sectors))
    body = struct.pack(f"<{len(fat)}I", *fat)
    for part in (directory, short_fat, short):
        body += part + b"\0" * (-len(part) % 512)
    return head + body


def row(name, kind, right, child, start, size):
    encoded = name.encode("utf-16-le") + b"\0\0"
    return struct.pack("<64sHBBIII16sI8s8sIQ", encoded, len(encoded), kind, 1, _FREE, right, child, b"", 0, b"", b"", start, size)


REPORT = {
    "__properties_version1.0": b"\0" * 32,
    **dict([
        wide(0x001A, "REPORT.IPM.Note.NDR"), wide(0x0037, "Undeliverable: Hello"), wide(0x6820, "dns;mail.example.com"),
        wide(0x1001, "Your message did not reach some or all of the intended recipients."), wide(0x0C1A, "Microsoft Outlook"),
    ]),
    "__recip_version1.0_#00000000": dict([
        ("__properties_version1.0", b"\0" * 8), wide(0x3001, "Karl"), wide(0x39FE, "karl@example.org"),
        wide(0x0C1B, "mx.example.org #550 5.1.1 <karl@example.org>: User unknown"), wide(0x0C21, "mx.example.org"),
    ]),
    "__attach_version1.0_#00000000": {
        "__properties_version1.0": b"\0" * 8,
        "__substg1.0_3701000D": dict([
            ("__properties_version1.0", b"\0" * 24), wide(0x001A, "IPM.Note"), wide(0x0037, "Hello"), wide(0x1000, "Hello Karl"),
            wide(0x007D, "From: anna@example.com\r\nMessage-ID: <hello@example.com>\r\nContent-Type: text/html\r\n folded=1\r\n"),
        ]),
    },
}


def test_an_outlook_report_is_a_delivery_report_again():
    made = msg.to_mail(container(REPORT)).decode()
    assert "report-type=delivery-status" in made
    assert "Reporting-MTA: dns;mail.example.com\n" in made
    assert "Final-Recipient: rfc822; karl@example.org\nAction: failed\nRemote-MTA: dns; mx.example.org\n" in made
    assert "Diagnostic-Code: smtp; mx.example.org #550 5.1.1 <karl@example.org>: User unknown" in made
    assert "\nStatus:" not in made  # it was not there
    assert "Message-ID: <hello@example.com>" in made and "folded=1" not in made and "Content-Type: text/html\r" not in made


def test_an_outlook_file_is_known_by_its_content(tmp_path):
    (mail,), errors = read(put(tmp_path / "mail.dat", container(REPORT)))
    assert b"karl@example.org" in mail.content and not errors


def test_a_report_that_outlook_kept_as_an_attachment():
    status = b"Reporting-MTA: dns; mx.example.com\r\n\r\nFinal-Recipient: rfc822; lena@example.org\r\nAction: failed\r\nStatus: 5.2.2\r\n"
    mail = {
        "__properties_version1.0": b"\0" * 32, **dict([wide(0x001A, "IPM.Note"), wide(0x1000, "It failed.")]),
        "__attach_version1.0_#00000000": {
            "__properties_version1.0": b"\0" * 8, "__substg1.0_37010102": status, **dict([wide(0x370E, "message/delivery-status")]),
        },
    }
    made = msg.to_mail(container(mail)).decode()
    assert "report-type=delivery-status" in made and "Status: 5.2.2\n" in made


@pytest.mark.parametrize("content", [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", container(REPORT)[:1600], container(REPORT)[:900] + b"\xff" * 9000])
def test_a_damaged_outlook_file_is_named(tmp_path, content):
    mails, errors = read(put(tmp_path / "a.msg", content))
    assert not mails and "damaged" in errors[0].what and errors[0].context.endswith("a.msg")
