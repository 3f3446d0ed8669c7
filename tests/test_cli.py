"""The command as people and scripts use it: exit codes, forms of output, many inputs, and how fast it starts."""
from __future__ import annotations

import gzip
import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from fivefifty import __version__, work
from fivefifty.cli import main
from fivefifty.errors import InputError, KnowledgeError

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
REPLY = "550 5.1.1 <user@example.org>: Recipient address rejected: User unknown in virtual mailbox table"


def run(*args, **more):
    return CliRunner().invoke(main, [str(one) for one in args], **more)


def spawn(*args, **more):
    env = dict(os.environ, PYTHONPATH=str(ROOT / "src"), NO_COLOR="1")
    return subprocess.run([sys.executable, "-m", "fivefifty", *map(str, args)], capture_output=True, env=env, timeout=60, **more)


def lines(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_help_names_every_command_with_its_one_line():
    shown = run("--help").output
    for path in (ROOT / "src/fivefifty/cli").glob("[!_]*.py"):
        assert f"\n  {path.stem} " in shown
    assert run("--version").output == f"fivefifty {__version__}\n" and run("version").output.startswith(f"fivefifty {__version__} ")


def test_help_imports_no_command():
    code = "import sys; from fivefifty.cli import main\ntry: main(['--help'])\nfinally: print([m for m in sys.modules if 'diagnos' in m or m == 'rich'], file=sys.stderr)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, env=dict(os.environ, PYTHONPATH=str(ROOT / "src")), timeout=60)
    assert found.stderr == b"[]\n"


def test_the_first_example_is_open_and_keeps_the_address():
    result = run("diagnose", EXAMPLES / "barracuda-blocked.eml")
    assert result.exit_code == 0 and "policy.opaque_gateway" in result.stdout and "Keep it" in result.stdout
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize("args, code", [
    (["--text", REPLY], 0), ([EXAMPLES / "ordinary.eml"], 1), ([EXAMPLES / "ordinary.eml", EXAMPLES / "qmail-mailbox-full.eml"], 0),
    ([EXAMPLES / "out-of-office.eml"], 0), (["--jobs", "0"], 2), (["--nonsense"], 2), (["/nowhere/at/all"], 3), ([EXAMPLES, "/nowhere/at/all"], 3),
])
def test_exit_codes(args, code):
    assert run("diagnose", *args).exit_code == code


def test_a_file_without_a_command_is_explained():
    result = run(EXAMPLES / "ordinary.eml")
    assert result.exit_code == 2 and "fivefifty diagnose" in result.output


def test_what_was_not_read_is_named_and_the_rest_is_done():
    result = run("diagnose", "--jsonl", "/nowhere/at/all", EXAMPLES / "qmail-mailbox-full.eml")
    assert "/nowhere/at/all" in result.stderr and "Check the path" in result.stderr
    assert [line["cause"] for line in lines(result)] == ["address.full"]


@pytest.mark.parametrize("args", [[], ["-"]])
def test_standard_input(args):
    result = run("diagnose", "--jsonl", *args, input=REPLY)
    (line,) = lines(result)
    assert line["cause"] == "address.unknown" and line["source"] == "standard input"


def test_standard_input_may_be_packed_or_an_mbox():
    box = (EXAMPLES / "two-bounces.mbox").read_bytes()
    for content in (box, gzip.compress(box)):
        assert [line["source"] for line in lines(run("diagnose", "--jsonl", input=content))] == ["standard input#1", "standard input#2"]
    assert run("diagnose", input=b"").exit_code == 3


def test_on_a_terminal_it_says_how_to_end_the_paste():
    parent, child = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "fivefifty", "diagnose", "--jsonl"], stdin=child, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=dict(os.environ, PYTHONPATH=str(ROOT / "src")),
    ) as process:
        time.sleep(0.3)
        os.write(parent, REPLY.encode() + b"\n\x04")
        out, err = process.communicate(timeout=30)
    os.close(parent)
    os.close(child)
    assert b"Ctrl-D" in err and b"address.unknown" in out


@pytest.mark.parametrize("no_color", ["", "1"])
def test_color_is_for_terminals_and_can_be_switched_off(no_color):
    parent, child = pty.openpty()
    env = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | {"PYTHONPATH": str(ROOT / "src"), "TERM": "xterm"}
    with subprocess.Popen(
        [sys.executable, "-m", "fivefifty", "diagnose", "--text", REPLY], stdout=child, stdin=subprocess.DEVNULL,
        env=env | ({"NO_COLOR": no_color} if no_color else {}),
    ) as process:
        process.wait(30)
    shown = os.read(parent, 100_000)
    os.close(parent)
    os.close(child)
    assert (b"\x1b[" in shown) is not bool(no_color) and b"address.unknown" in shown


def test_json_is_one_object():
    made = json.loads(run("diagnose", "--json", EXAMPLES).stdout)
    assert made["schema"] == "fivefifty/verdict/1" and len(made["verdicts"]) == len(lines(run("diagnose", "--jsonl", EXAMPLES)))
    assert json.loads(run("diagnose", "--json", EXAMPLES / "ordinary.eml").stdout)["verdicts"][0]["kind"] == "not_a_bounce"
    assert json.loads(run("diagnose", "--json", "/nowhere/at/all").stdout)["verdicts"] == []


def test_letters():
    assert "Subject:" in run("diagnose", "--letter", EXAMPLES / "barracuda-blocked.eml").stdout
    assert "Subject:" in lines(run("diagnose", "--letter", "--jsonl", EXAMPLES / "barracuda-blocked.eml"))[0]["letter"]


def test_the_summary_as_text_and_as_json():
    shown = run("diagnose", "--summary", *sorted(EXAMPLES.glob("*.*"))).stdout
    counted = json.loads(run("diagnose", "--summary", "--json", *sorted(EXAMPLES.glob("*.*"))).stdout)
    assert counted["mails"] == 13 and counted["ordinary"] == 1 and counted["unread"] == 0 and "13 mails read" in shown
    assert sum(counted["by_cause"].values()) == counted["failures"] + counted["notices"] == 12


@pytest.mark.parametrize("form", ["--jsonl", "--json", "-v", "--summary"])
def test_two_jobs_say_the_same_as_one(tmp_path, form):
    for number in range(40):
        for path in EXAMPLES.glob("*.eml"):
            (tmp_path / f"{number:02}-{path.name}").write_bytes(path.read_bytes())
    one, two = spawn("diagnose", form, tmp_path, "/nowhere"), spawn("diagnose", form, "--jobs", "2", tmp_path, "/nowhere")
    assert one.returncode == two.returncode == 3 and one.stdout == two.stdout and one.stderr == two.stderr


def test_our_own_bug_is_named_and_stops_nothing(monkeypatch):
    real = work.diagnose
    monkeypatch.setattr(work, "diagnose", lambda content, *others: 1 // 0 if b"qmail" in content else real(content, *others))
    result = run("diagnose", "--jsonl", EXAMPLES / "qmail-mailbox-full.eml", EXAMPLES / "outlook-s3140.eml")
    assert result.exit_code == 3 and "ZeroDivisionError at test_cli.py" in result.stderr and len(lines(result)) == 1


def test_many_that_fail_alike_are_counted():
    result = run("diagnose", *[f"/nowhere/{number}" for number in range(100)])
    assert result.stderr.count("Not read: /nowhere/") == 20 and "80 more inputs" in result.stderr


def test_broken_knowledge_is_one_calm_sentence(monkeypatch):
    def broken(content, *others):
        raise KnowledgeError("not readable as TOML", "rules/own.toml", "Mend or remove that file.")

    monkeypatch.setattr(work, "diagnose", broken)
    result = run("diagnose", EXAMPLES / "ordinary.eml")
    assert result.exit_code == 2 and "rules/own.toml" in result.output and "Traceback" not in result.output


def test_a_closed_pipe_is_no_crash():
    with subprocess.Popen(
        [sys.executable, "-m", "fivefifty", "diagnose", "-v", *[str(EXAMPLES)] * 40], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=dict(os.environ, PYTHONPATH=str(ROOT / "src")),
    ) as process:
        process.stdout.read(100)
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()


def test_an_input_error_survives_the_way_between_processes():
    import pickle

    error = pickle.loads(pickle.dumps(InputError("what", "where", "hint")))
    assert (error.what, error.context, error.hint) == ("what", "where", "hint")


def fastest(*command):
    times = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, *command], capture_output=True, env=dict(os.environ, PYTHONPATH=str(ROOT / "src")), check=True, timeout=60)
        times.append(time.perf_counter() - start)
    return min(times)


def test_it_starts_fast():
    """Measured alone it is well under; the bounds here leave room for a busy machine."""
    bare = fastest("-c", "pass")
    assert fastest("-m", "fivefifty", "--help") - bare < 0.2
    assert fastest("-m", "fivefifty", "diagnose", str(EXAMPLES / "barracuda-blocked.eml")) < 0.5


def test_what_is_no_mail_says_what_it_is(tmp_path):
    assert "There is no mail in it" in run("diagnose", str(tmp_path)).stderr
    binary, empty = tmp_path / "a.bin", tmp_path / "b.eml"
    binary.write_bytes(bytes(range(256)) * 20)
    empty.write_bytes(b"")
    assert "binary file" in run("diagnose", str(binary)).stdout
    assert "nothing in it" in run("diagnose", str(empty)).stdout
    assert "fivefifty code '550'" in run("diagnose", "--text", "550").stdout
