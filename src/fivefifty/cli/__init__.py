"""The command line: one command, one file, imported when it is called.

`--help` reads the first line of each file instead of importing it, so it answers at once however many commands there are.
"""
from __future__ import annotations

import os
from importlib import import_module
from typing import Any

import click

from .. import __version__
from ..errors import FivefiftyError

_FOLDER = os.path.dirname(__file__)


class _Wrong(click.ClickException):
    exit_code = 2


class Commands(click.Group):
    """The files beside this one, as commands."""

    def list_commands(self, context: click.Context) -> list[str]:
        """File names without ending; those with an underscore are not commands."""
        return sorted(name[:-3] for name in os.listdir(_FOLDER) if name.endswith(".py") and not name.startswith("_"))

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Import one command."""
        if name not in self.list_commands(context):
            return None
        command: click.Command = import_module(f".{name}", __name__).command
        return command

    def resolve_command(self, context: click.Context, args: list[str]) -> Any:
        """Somebody who gives a file without a command wants it diagnosed; say how."""
        if os.path.exists(args[0]) and args[0] not in self.list_commands(context):
            context.fail(f"{args[0]!r} is a file, not a command. Try: fivefifty diagnose {args[0]}")
        return super().resolve_command(context, args)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in `--help`."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _first_line(name)) for name in self.list_commands(context)])

    def invoke(self, context: click.Context) -> Any:
        """Our own exceptions end as one calm sentence, without a traceback."""
        try:
            return super().invoke(context)
        except FivefiftyError as error:
            raise _Wrong(f"{error}\n  reference: {error.reference}") from error


def _first_line(name: str) -> str:
    with open(os.path.join(_FOLDER, name + ".py"), encoding="utf-8") as file:
        return file.readline().strip().strip('"').rstrip(".")


@click.command(cls=Commands, name="fivefifty", context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="fivefifty %(version)s")
def main() -> None:
    """Why did this mail bounce, whose problem is it, and what do I do now?

    Start with:  fivefifty diagnose BOUNCE.eml
    """
