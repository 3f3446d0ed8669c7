"""Loads the knowledge files: the shipped ones and the user's own on top.

TOML is for people; parsing all of it and indexing the rules takes longer than diagnosing a thousand bounces.  So what was
made of the files is kept, as `__pycache__` keeps what was made of a module, under a digest of their contents: beside them
when a wheel was built, else in the user's cache directory.  A cache that can't be read or written costs time, never an answer.
"""
from __future__ import annotations

import contextlib
import hashlib
import marshal
import os
import sys
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import KnowledgeError
from ..rules import Rule, Rulebook, make_rule

SHIPPED = Path(__file__).parent
COMPILED = SHIPPED / "_compiled.bin"

Table = dict[str, Any]
Tree = dict[str, Table]  # relative path -> parsed TOML


@dataclass(slots=True)
class Loaded:
    """Everything the files say: the tables that are no rules, file by file (shipped, then own), and the rulebook as plain data."""

    trees: tuple[Tree, ...]
    rules: tuple[Any, ...]


def user_directory() -> Path | None:
    """The user's own knowledge: $FIVEFIFTY_KNOWLEDGE, else `fivefifty/knowledge` in the configuration directory."""
    named = os.environ.get("FIVEFIFTY_KNOWLEDGE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    path = Path(base) / "fivefifty" / "knowledge"
    return path if path.is_dir() else None


def _cache_file() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "fivefifty" / f"knowledge-{sys.implementation.cache_tag}.bin"


def _contents(folder: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for root, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if name.endswith(".toml"):
                path = os.path.join(root, name)
                with open(path, "rb") as file:
                    found[os.path.relpath(path, folder).replace(os.sep, "/")] = file.read()
    return found


def _digest_of(folders: list[dict[str, bytes]]) -> str:
    """A name for exactly these files, read by exactly this code."""
    running = hashlib.blake2b(sys.version.encode(), digest_size=16)
    with open(Path(__file__).parent.parent / "rules.py", "rb") as file:
        running.update(file.read())
    for contents in folders:
        for name, content in contents.items():
            running.update(f"{name}\0{len(content)}\0".encode())
            running.update(content)
    return running.hexdigest()


def _parse(contents: dict[str, bytes], where: Path) -> Tree:
    """Every file parsed; `KnowledgeError` names the file that is not TOML."""
    import tomllib

    tree: Tree = {}
    for name, content in contents.items():
        try:
            tree[name] = tomllib.loads(content.decode("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise KnowledgeError(f"not readable as TOML: {error}", str(where / name), "Mend or remove that file.") from error
    return tree


def _rules(trees: list[Tree]) -> tuple[Rule, ...]:
    """All rules; a later tree adds to the earlier ones, lays rules over theirs by id, or switches them off."""
    rules: dict[str, Rule] = {}
    for tree in trees:
        mine: set[str] = set()
        for path, parsed in tree.items():
            if not path.startswith("rules/"):
                continue
            family, rank = path[6:-5], int(parsed.get("family", {}).get("rank", 60))
            for entry in parsed.get("rule", ()):
                if entry.get("disabled"):
                    rules.pop(entry.get("id", ""), None)
                    continue
                rule = make_rule(entry, family, rank)
                if rule.id in mine:
                    raise KnowledgeError(f"two rules are called {rule.id}", path)
                mine.add(rule.id)
                rules[rule.id] = rule
    return tuple(rules.values())


def _cached(path: Path, digest: str) -> Loaded | None:
    try:
        with open(path, "rb") as file:
            if file.read(32) != digest.encode():
                return None
            return Loaded(*marshal.loads(file.read()))
    except (OSError, ValueError, EOFError, TypeError):
        return None


def _keep(path: Path, digest: str, loaded: Loaded) -> None:
    """Write the cache in one step, so that two processes never read half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".knowledge-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(digest.encode() + marshal.dumps((loaded.trees, loaded.rules)))
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise


def _read(folders: list[tuple[Path, dict[str, bytes]]]) -> Loaded:
    trees = [_parse(contents, folder) for folder, contents in folders]
    book = Rulebook(_rules(trees))
    others = tuple({path: parsed for path, parsed in tree.items() if not path.startswith("rules/")} for tree in trees)
    return Loaded(others, book.stored())


def compile_shipped() -> None:
    """Write the shipped knowledge's cache beside it (called when a wheel is built)."""
    contents = _contents(SHIPPED)
    _keep(COMPILED, _digest_of([contents]), _read([(SHIPPED, contents)]))


@lru_cache(maxsize=1)
def _loaded() -> Loaded:
    own = user_directory()
    folders = [(folder, _contents(folder)) for folder in ((SHIPPED, own) if own else (SHIPPED,))]
    digest = _digest_of([contents for _, contents in folders])
    for path in (COMPILED, _cache_file()):
        found = _cached(path, digest)
        if found is not None:
            return found
    loaded = _read(folders)
    with contextlib.suppress(OSError):  # a read-only home is no reason not to answer
        _keep(_cache_file(), digest, loaded)
    return loaded


def table(name: str) -> Table:
    """One knowledge file (`causes.toml`), the user's top-level keys laid over the shipped ones."""
    merged: Table = {}
    for tree in _loaded().trees:
        merged.update(tree.get(name, {}))
    return merged


def folder(name: str) -> dict[str, Table]:
    """All files of one folder (`providers`): file name without ending -> parsed TOML; the user's replace ours by name."""
    found: dict[str, Table] = {}
    for tree in _loaded().trees:
        for path, parsed in tree.items():
            if path.startswith(name + "/"):
                found[path[len(name) + 1 : -5]] = parsed
    return found


@lru_cache(maxsize=1)
def rulebook() -> Rulebook:
    """The shipped rules with the user's added, laid over or switched off by id."""
    loaded = _loaded()
    book = Rulebook.restored(loaded.rules)
    loaded.rules = ()  # no longer needed
    return book
