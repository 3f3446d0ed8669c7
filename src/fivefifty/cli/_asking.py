"""What the commands that ask the outside share: the options, the World they make, and the list of what was asked of whom."""
from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import InputError

if TYPE_CHECKING:
    from ..answers import DnsAnswer, HttpsAnswer, SmtpAnswer
    from ..world.live import LiveWorld

Command = TypeVar("Command", bound=Callable[..., Any])
KEYS = "FIVEFIFTY_KEY_"  # FIVEFIFTY_KEY_SPAMHAUS_DQS=… is the setting spamhaus_dqs_key

_OPTIONS = (
    click.option("--resolver", multiple=True, metavar="IP[:PORT]", help="A DNS resolver to ask instead of the system's (may be repeated)."),
    click.option("--timeout", type=click.FloatRange(0.1, 30), default=2.0, show_default=True, metavar="SECONDS", help="How long to wait for one DNS answer."),
    click.option("--show-queries", is_flag=True, help="Afterwards list every question that was sent, and to whom."),
)


def asking_options(command: Command) -> Command:
    """Adds the options that say whom to ask."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def check_resolvers(resolvers: Iterable[str]) -> None:
    """A resolver that can't be one is wrong use, and said before anything is asked."""
    from ..world.resolvers import chosen

    try:
        chosen(tuple(resolvers))
    except (InputError, ValueError) as error:
        raise click.BadParameter(f"{error}", param_hint="--resolver") from error


def make_world(resolvers: Iterable[str], timeout: float, at_once: int = 200) -> LiveWorld:
    """A live World; a resolver that can't be one is wrong use."""
    from ..world.live import LiveWorld

    check_resolvers(resolvers)
    return LiveWorld(tuple(resolvers), timeout=timeout, at_once=at_once)


def settings() -> dict[str, str]:
    """Keys and choices from the environment: they never stand on a command line, where other users of the machine could read them."""
    return {f"{name.removeprefix(KEYS).lower()}_key": value for name, value in os.environ.items() if name.startswith(KEYS) and value}


def show_queries(journal: Sequence[DnsAnswer | SmtpAnswer | HttpsAnswer], secrets: Iterable[str] = ()) -> None:
    """List the questions on standard error: what was asked, of whom, and what came back."""
    hidden = [secret for secret in secrets if secret]
    click.echo(f"\n{len(journal)} questions were sent:", err=True)
    for answer in journal:
        evidence = answer.evidence
        told = (evidence.answer.replace("\n", " | ") or evidence.error)[:160]
        line = f"  {evidence.question} -> {told}" + (f"  (asked {evidence.answered_by})" if evidence.answered_by else "")
        for secret in hidden:
            line = line.replace(secret, "***")
        click.echo(line, err=True)
