"""Show the version of fivefifty and of the Python it runs on."""
from __future__ import annotations

import platform

import click

from .. import __version__


@click.command()
def command() -> None:
    """Show the version of fivefifty and of the Python it runs on."""
    click.echo(f"fivefifty {__version__} (Python {platform.python_version()}, {platform.system()})")
