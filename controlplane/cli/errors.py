"""How every command fails, and the option that most of them share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click


class UserProblem(click.ClickException):
    """The user's input is wrong: exit status 1."""

    exit_code = 1

    def show(self, file: Any = None) -> None:
        click.echo(self.message, file=file, err=True)


class EnvironmentProblem(UserProblem):
    """The environment is wrong: exit status 2."""

    exit_code = 2


def _files(_: click.Context, __: click.Parameter, given: tuple[Path, ...]) -> tuple[Path, ...]:
    if given:
        return given
    default = Path("gateway.yaml")
    if not default.exists():
        raise UserProblem("no configuration: give -c FILE, or run where a gateway.yaml is")
    return (default,)


config_option: Callable[..., Any] = click.option(
    "-c",
    "--config",
    multiple=True,
    type=click.Path(path_type=Path),
    callback=_files,
    metavar="FILE",
    help="Configuration; several merge left to right.  [default: gateway.yaml]",
)
