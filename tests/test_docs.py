"""The documentation is true: modules, commands and files it names are there, and what is there is named."""
from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from fivefifty.cli import main

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "fivefifty"
FLOW = (ROOT / "docs" / "flow.md").read_text(encoding="utf-8")
MODULES = [path.relative_to(SOURCE).as_posix() for path in sorted(SOURCE.rglob("*.py"))]
COMMANDS = sorted(path.stem for path in (SOURCE / "cli").glob("[!_]*.py"))
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


# One more file there touches nothing else, not even the map.
FOUND_BY_THEMSELVES = ("parse/formats/", "parse/logs/", "feeds/logs/", "feeds/webhooks/", "feeds/reports/", "feeds/mailbox/", "store/migrations/", *(f"checks/{path.name}/" for path in sorted((SOURCE / "checks").iterdir()) if path.is_dir() and path.name[0] != "_"))


@pytest.mark.parametrize("module", MODULES)
def test_the_flow_names_every_module(module):
    folder = next((one for one in FOUND_BY_THEMSELVES if module.startswith(one) and (one.startswith(("checks/", "feeds/", "store/")) or not module.endswith("__init__.py"))), "")
    assert f"`{folder or module}`" in FLOW


def test_the_flow_names_nothing_else_and_is_short():
    assert set(re.findall(r"`([\w/]+\.py)`", FLOW)) - {"tests/test_layers.py"} <= set(MODULES)
    assert len(FLOW.splitlines()) <= 80


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_a_docstring(module):
    assert (SOURCE / module).read_text(encoding="utf-8").startswith('"""')


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_page_with_all_options(command):
    page = (ROOT / "docs" / f"{command}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# fivefifty {command}\n")
    for option in main.get_command(None, command).params:
        for name in option.opts:
            assert not name.startswith("--") or name == "--verbose" or name in page, f"{name} is not explained"


def test_the_page_of_the_checks_is_what_the_command_lists():
    listed = CliRunner().invoke(main, ["check", "--list"]).output
    assert listed in (ROOT / "docs" / "checks.md").read_text(encoding="utf-8"), "write it anew: make docs"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands_and_options_in_the_documents_exist(document):
    text = document.read_text(encoding="utf-8")
    for line in re.findall(r"^\s*(?:\$ )?(fivefifty [a-z].*)$", text, re.MULTILINE):
        words = shlex.split(re.split(r"\s{2,}|[|<>#]", line)[0])
        command = main.get_command(None, words[1])
        assert command is not None, line
        known = {name for option in command.params for name in option.opts}
        assert {word for word in words[2:] if word.startswith("--")} <= known, line


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target


def test_make_has_what_the_readme_promises():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^\s*make (\w+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_no_example_names_a_real_domain_or_address():
    """RFC 2606 and RFC 5737 names; the servers of providers are facts and may stand."""
    allowed = re.compile(r"(?:^|\.)(?:example\.(?:com|net|org)|[a-z]+\.example)$")
    facts = re.compile(r"(?:^|\.)(?:outlook\.com|gmail\.com|googlemail\.com|google\.com|prod\.outlook\.com)$")
    for path in [path for path in (ROOT / "examples").rglob("*") if path.is_file()]:
        text = path.read_text(encoding="utf-8")
        for domain in re.findall(r"[\w.+-]+@([\w.-]+\w)", text):
            assert allowed.search(domain) or facts.search(domain), f"{path.name}: {domain}"
        for ip in re.findall(r"\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}\b", text):
            assert ip.startswith(("192.0.2.", "198.51.100.", "203.0.113.")), f"{path.name}: {ip}"
