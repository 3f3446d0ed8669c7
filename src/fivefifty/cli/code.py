"""Explain a reply code, an enhanced status code or a provider's own code."""
from __future__ import annotations

import json
import shutil
import textwrap
from collections.abc import Iterator

import click

from ..causes import cause
from ..codes import CodeExplanation, ProviderMeaning, RegistryMeaning, explain_code


@click.command("code", short_help="Explain a code: 550, 5.7.350, S3150, TSS04 ...")
@click.argument("text", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(text: tuple[str, ...], as_json: bool) -> None:
    """Explain a code: what the standards say, what each provider means by it, and the first thing to do.

    TEXT is a reply code (550), an enhanced code (5.7.350, 5.7.x), both ("550 5.4.1") or a provider's own (S3150, TSS04).
    The exit code is 1 where nothing is known about it.
    """
    found = explain_code(" ".join(text))
    if as_json:
        click.echo(json.dumps(as_dict(found), indent=2, ensure_ascii=False))
    else:
        for line in explained(found) if found.known else unexplained(found):
            click.echo(line)
    if not found.known:
        raise SystemExit(1)


def as_dict(found: CodeExplanation) -> dict[str, object]:
    """The explanation as plain JSON types."""
    from dataclasses import asdict

    return asdict(found)


def _wrapped(text: str, first: str = "") -> Iterator[str]:
    width = max(40, min(100, shutil.get_terminal_size((100, 24)).columns))
    yield from textwrap.wrap(text, width, initial_indent=first, subsequent_indent=" " * len(first), break_on_hyphens=False)


def _printable(text: str) -> str:
    """A pasted text may hold control characters; a terminal must not get them."""
    return "".join(char if char.isprintable() else " " for char in text)[:200]


def _standard(one: RegistryMeaning) -> Iterator[str]:
    reference = f" (RFC {one.rfc})" if one.rfc[:1].isdigit() else f" ({one.rfc})"
    yield from _wrapped(f"{one.code}: {one.name}. {one.meaning[:1].upper()}{one.meaning[1:]}{reference}.", "  ")
    if one.note:
        yield from _wrapped(f"Note: {one.note}.", "    ")
    if one.is_not:
        yield from _wrapped(f"It is {one.is_not}.", "    ")


def _provider(one: ProviderMeaning) -> Iterator[str]:
    means = one.meaning or (cause(one.cause).title if one.cause else "see the words beside it")
    pointer = f" [{one.cause}]" if one.cause else ""
    yield from _wrapped(f"{one.name}, {one.code}: {means}{pointer}", "  - ")


def _causes(found: CodeExplanation) -> Iterator[str]:
    if not found.causes:
        return
    several = "one of these, most likely first:" if len(found.causes) > 1 else ""
    certain = f"The code points to{' ' + several if several else ':'}" if found.standing == "likely" else "The code alone does not decide. Possible, most likely first:"
    yield ""
    yield certain
    for id in found.causes:
        yield f"  {id:<28} {cause(id).title}"
    if found.first_fix:
        yield ""
        yield from _wrapped(found.first_fix, "First: ")


def explained(found: CodeExplanation) -> Iterator[str]:
    """What is known about the code, as lines."""
    yield _printable(found.asked) + (f": {found.digits}" if found.digits else "")
    if found.registry:
        yield ""
        yield "The standard says:"
        for entry in found.registry:
            yield from _standard(entry)
    elif found.digits:
        yield ""
        yield "No standard defines this code; the provider that wrote it does."
    if found.providers:
        yield ""
        yield "What providers mean by it:"
        for meaning in found.providers:
            yield from _provider(meaning)
    if found.more:
        yield f"    and {found.more} more: ask again with the enhanced code, for example \"550 5.7.1\""
    yield from _causes(found)
    yield ""
    yield "The words beside a code decide more than the code: fivefifty diagnose --text \"the whole reply\""


def unexplained(found: CodeExplanation) -> Iterator[str]:
    """What to say where nothing is known."""
    yield from _wrapped(f"Nothing is known about {_printable(found.asked)!r}: no standard defines it and no provider in our files uses it.")
    if found.digits:
        yield from _wrapped(f"Its digits say: {found.digits}.")
    if found.near:
        yield f"Known codes near it: {', '.join(found.near)}."
    yield "With the whole reply more can be said: fivefifty diagnose --text \"the whole reply\""
