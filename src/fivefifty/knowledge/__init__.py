"""Loads the knowledge files: the shipped ones and the user's own on top.

TOML is for people; parsing all of it takes longer than diagnosing a thousand bounces.  So what was parsed is kept
as JSON under a name made from the contents of the files: beside them when a wheel was built, else in the user's
cache directory.  A cache that can't be read or written costs time, never an answer.
"""
from __future__ import annotations

import hashlib
import json
import os
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import KnowledgeError
from ..rules import Rule, Rulebook, make_rule

SHIPPED = Path(__file__).parent
COMPILED = SHIPPED / "_compiled.json"
_EXAMPLES = ("examples", "counter_examples")

Tree = dict[str, Any]  # relative path -> parsed TOML


def user_directory() -> Path | None:
    """The user's own knowledge: $FIVEFIFTY_KNOWLEDGE, else `fivefifty/knowledge` in the configuration directory."""
    named = os.environ.get("FIVEFIFTY_KNOWLEDGE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    path = Path(base) / "fivefifty" / "knowledge"
    return path if path.is_dir() else None


def _cache_file(digest: str) -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(base) / "fivefifty" / f"knowledge-{digest}.json"


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


def digest_of(contents: dict[str, bytes]) -> str:
    """A name for exactly these files."""
    running = hashlib.blake2b(b"1", digest_size=12)
    for name, content in contents.items():
        running.update(f"{name}\0{len(content)}\0".encode())
        running.update(content)
    return running.hexdigest()


def parse_tree(contents: dict[str, bytes], where: Path) -> Tree:
    """Every file parsed; `KnowledgeError` names the file that is not TOML."""
    import tomllib

    tree: Tree = {}
    for name, content in contents.items():
        try:
            tree[name] = tomllib.loads(content.decode("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise KnowledgeError(f"not readable as TOML: {error}", str(where / name), "Mend or remove that file.") from error
    return tree


def without_examples(tree: Tree) -> Tree:
    """The tree as it is cached: rules carry a sign that they had examples, not the examples."""
    for name, parsed in tree.items():
        if name.startswith("rules/"):
            for entry in parsed.get("rule", ()):
                for key in _EXAMPLES:
                    if entry.get(key):
                        entry[key] = True
    return tree


def _cached(path: Path, digest: str) -> Tree | None:
    try:
        with open(path, "rb") as file:
            stored = json.loads(file.read())
        return stored["tree"] if stored.get("digest") == digest else None
    except (OSError, ValueError, KeyError, AttributeError):
        return None


def write_compiled(path: Path, digest: str, tree: Tree) -> None:
    """Write the cache in one step, so that two processes never read half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".knowledge-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"digest": digest, "tree": tree}, file, ensure_ascii=False, separators=(",", ":"), default=str)
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise


def _tree(folder: Path) -> Tree:
    contents = _contents(folder)
    digest = digest_of(contents)
    for path in (COMPILED, _cache_file(digest)) if folder == SHIPPED else (_cache_file(digest),):
        tree = _cached(path, digest)
        if tree is not None:
            return tree
    tree = without_examples(parse_tree(contents, folder))
    try:
        write_compiled(_cache_file(digest), digest, tree)
    except OSError:
        pass  # a read-only home is no reason not to answer
    return tree


@lru_cache(maxsize=1)
def trees() -> tuple[Tree, ...]:
    """The shipped tree, then the user's own where there is one."""
    own = user_directory()
    return (_tree(SHIPPED), _tree(own)) if own else (_tree(SHIPPED),)


def table(name: str) -> Tree:
    """One knowledge file (`causes.toml`), the user's top-level keys laid over the shipped ones."""
    merged: Tree = {}
    for tree in trees():
        merged.update(tree.get(name, {}))
    return merged


def folder(name: str) -> dict[str, Tree]:
    """All files of one folder (`providers`): file name without ending -> parsed TOML; the user's replace ours by name."""
    found: dict[str, Tree] = {}
    for tree in trees():
        for path, parsed in tree.items():
            if path.startswith(name + "/"):
                found[path[len(name) + 1 : -5]] = parsed
    return found


def _rules() -> tuple[Rule, ...]:
    rules: dict[str, Rule] = {}
    for tree in trees():
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


@lru_cache(maxsize=1)
def rulebook() -> Rulebook:
    """The shipped rules with the user's added, laid over or switched off by id."""
    rules = _rules()
    for tree in trees():  # their tables are no longer needed, and ten thousand small lists slow every garbage collection
        for path in [path for path in tree if path.startswith("rules/")]:
            del tree[path]
    return Rulebook(rules)
