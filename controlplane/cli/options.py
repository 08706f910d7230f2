"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from controlplane.cli.errors import InputError

DEFAULT_FILE: Final = "gateway.yaml"


def _files(ctx: click.Context, _: click.Parameter, given: tuple[Path, ...]) -> tuple[Path, ...]:
    if given or ctx.resilient_parsing:
        return given
    if not Path(DEFAULT_FILE).exists():
        raise InputError(f"no configuration: give -c FILE, or run where a {DEFAULT_FILE} is")
    return (Path(DEFAULT_FILE),)


config_option: Callable[..., Any] = click.option(
    "-c",
    "--config",
    multiple=True,
    type=click.Path(path_type=Path),
    callback=_files,
    metavar="FILE",
    help=f"Configuration; several (-c A -c B) merge left to right.  [default: {DEFAULT_FILE}]",
)
"""``-c FILE``, as ``config: tuple[Path, ...]``; never empty."""

json_option: Callable[..., Any] = click.option("--json", "as_json", is_flag=True, help="For scripts.")
