"""How a command fails: lines on stderr and an exit status.

CommandError
├── InputError        1  what the user gave is wrong
└── EnvironmentFault  2  the machine is: no Envoy binary, nobody answers, a file cannot be written
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import click

USER: Final = 1
ENVIRONMENT: Final = 2


class CommandError(Exception):
    """Its text is what to print, one line for each thing that is wrong; none where all has been said."""

    exit_code: int


class InputError(CommandError):
    exit_code = USER


class EnvironmentFault(CommandError):  # noqa: N818 - reads as what it is
    exit_code = ENVIRONMENT


def print_errors(lines: Iterable[object]) -> None:
    """To stderr, each on one line; red on a terminal."""
    for line in lines:
        click.secho(_on_one_line(line), err=True, fg="red")


def print_warnings(lines: Iterable[object]) -> None:
    """To stderr, each on one line and marked; yellow on a terminal."""
    for line in lines:
        click.secho(f"warning: {_on_one_line(line)}", err=True, fg="yellow")


def _on_one_line(text: object) -> str:
    return " ".join(str(text).split("\n"))
