"""Imports point one way, and the core asks nothing of the outside."""
from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "fivefifty"
MODULES = {path.relative_to(SOURCE).as_posix()[:-3].replace("/__init__", ""): path for path in sorted(SOURCE.rglob("*.py"))}

# A module may import its own layer and those before it.
LAYERS = [
    {"model", "errors"},
    {"answers"},
    {"knowledge", "rules", "template"},
    {"parse", "causes", "codes", "providers", "verdict", "fixes", "letter"},
    {"diagnosis", "mailauth"},
    {"judge"},
    {"feeds", "plan", "story"},
    {"checks"},
    {"subject"},
    {"proof", "triage"},
    {"settings"},
    {"sources", "report", "world", "store"},
    {"work", "audit", "foresight", "live", "suppress"},
    {"survey", "ingest"},
    {"followed"},
    {"follow"},
    {"watch"},
    {"cli", "__main__", "__init__"},
]
RANK = {name: number for number, layer in enumerate(LAYERS) for name in layer}
CORE = set().union(*LAYERS[:LAYERS.index({"proof", "triage"}) + 1])

OUTSIDE = {"socket", "ssl", "select", "selectors", "asyncio", "http", "urllib", "smtplib", "imaplib", "ftplib", "subprocess", "multiprocessing", "threading",
           "concurrent", "sqlite3", "time", "random", "secrets", "email", "mailbox"}
FILES = {"os", "pathlib", "tempfile", "shutil", "io", "glob", "hashlib", "mmap", "gzip", "zlib", "fileinput"}
LIBRARIES = {"cryptography", "idna", "publicsuffixlist"}  # of the checks and evaluators: keys and certificates, names, public suffixes
UNPACKING = {"gzip", "zlib", "hashlib", "io"}  # feeds: packed reports and signatures, bytes to bytes
MAY_READ = {"knowledge", "checks"}  # the knowledge files, at load


def imports(path):
    """(modules of the outside with the line, our modules) that a file imports at run time, also inside functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {id(inner) for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test) for inner in ast.walk(node)}
    package = [*path.relative_to(SOURCE).parts[:-1]]
    foreign, ours = set(), set()
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            foreign |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            foreign.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level]
            names = [*base, *(node.module.split(".") if node.module else [])]
            ours |= {names[0]} if names else {alias.name if alias.name in RANK else "__init__" for alias in node.names}
    return foreign, ours


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_one_way(name):
    own = name.partition("/")[0]
    assert own in RANK, f"{own} has no place in the layers"
    upward = {one for one in imports(MODULES[name])[1] if RANK[one] > RANK[own]}
    assert not upward, f"{name} imports {upward} from above"


@pytest.mark.parametrize("name", [name for name in MODULES if name.partition("/")[0] in CORE])
def test_the_core_asks_nothing_of_the_outside(name):
    foreign, _ = imports(MODULES[name])
    assert foreign - (LIBRARIES if name.partition("/")[0] in ("mailauth", "checks", "subject", "feeds") else set()) <= sys.stdlib_module_names, "the core needs nothing but the standard library"
    if name.partition("/")[0] == "feeds":
        foreign -= UNPACKING | {"email"} | LIBRARIES
    asked = foreign & (OUTSIDE if name in MAY_READ else OUTSIDE | FILES)
    if name == "letter":
        asked -= {"email"}  # it formats a header
    assert not asked, f"{name} imports {asked}"


@pytest.mark.parametrize("name", [name for name in MODULES if name.partition("/")[0] in CORE - MAY_READ])
def test_the_core_reads_no_clock_and_opens_no_file(name):
    calls = {ast.unparse(node.func) for node in ast.walk(ast.parse(MODULES[name].read_text(encoding="utf-8"))) if isinstance(node, ast.Call)}
    calls = {call for call in calls if not call.endswith("world.now")}  # the World's clock is handed in
    asked = {call for call in calls if call in ("open", "input", "print") or call.endswith((".now", ".today", ".utcnow", ".read_text", ".read_bytes"))}
    assert not asked
